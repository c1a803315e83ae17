"""Query strings that nobody should send: each is refused with what is wrong and where, and none meets a failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from limits import parse

from ossature.records.filters import DEEPEST, MOST_TESTS
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

CONTACTS, COMPANIES, SAMPLES = "/api/contacts", "/api/companies", "/api/_kinds/samples"
LEAD = {"field": "status", "op": "is", "value": "lead"}


@pytest.fixture(autouse=True)
def many_requests(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.extensions["ossature.access"]._limits, "_signed_in", parse("1000000/minute"))


@pytest.fixture
def viewer(tenant: Tenant) -> Person:
    """Somebody who does not see what companies earn."""
    owner = tenant.member()
    for name in ("Martin", "Durand", "Petit"):
        assert owner.api.post(CONTACTS, json={"last_name": name}).status_code == 201
        assert owner.api.post(COMPANIES, json={"name": name}).status_code == 201
    return tenant.member("viewer")


def refused(answer: Any, field: str) -> dict[str, Any]:
    """A 4xx that names the place, in a sentence and in a size that can be read."""
    assert 400 <= answer.status_code < 500, answer.text
    error: dict[str, Any] = answer.json["error"]
    assert error["message"]
    assert any(detail["field"].startswith(field) and detail["message"] for detail in error["details"]), error
    assert len(answer.data) < 5000
    return error


def as_json(document: Any) -> str:
    return json.dumps(document)


def nested(depth: int) -> Any:
    document: Any = LEAD
    for _level in range(depth):
        document = {"all": [document]}
    return document


WRONG: list[tuple[str, dict[str, str]]] = [
    # a filter that cannot be parsed
    ("where", {"where": "{"}),
    ("where", {"where": "status = lead"}),
    ("where", {"where": "[]"}),
    ("where.any.1", {"where": as_json({"any": [LEAD, 7]})}),
    ("where.all.0", {"where": as_json({"all": [{"field": 1}]})}),
    ("where", {"where": as_json({"either": [LEAD]})}),
    ("filter[status]", {"filter[status.like]": "le%"}),
    # a field that there is not, or that one may not see
    ("filter[colour]", {"filter[colour]": "blue"}),
    ("filter[id; DROP TABLE]", {"filter[id; DROP TABLE]": "1"}),
    # of the wrong type
    ("filter[status]", {"filter[status]": "blue"}),
    ("filter[created_at]", {"filter[created_at]": "yesterday week"}),
    (
        "filter[created_at]",
        {"where": as_json({"field": "created_at", "op": "between", "value": ["0001-01-01", "10000-01-01"]})},
    ),
    ("filter[company_id]", {"filter[company_id]": "7"}),
    ("filter[company_id]", {"where": as_json({"field": "company_id", "op": "in", "value": [[]]})}),
    ("filter[status]", {"where": as_json({"field": "status", "op": "in", "value": {"a": 1}})}),
    # too many conditions, too deep, too long
    ("where", {"where": as_json({"any": [LEAD] * 10_000})}),
    ("where", {"where": as_json({"any": [{"field": "status", "value": "lead"}] * (MOST_TESTS + 1)})}),
    ("where", {f"filter[status{number}]": "lead" for number in range(10_000)}),
    ("where", {"where": as_json(nested(DEEPEST + 1))}),
    ("where", {"where": '{"all":[' * 500 + "]}" * 500}),
    ("filter[status]", {"filter[status.in]": ",".join(["lead"] * 10_000)}),
    ("filter[last_name]", {"filter[last_name]": "x" * 10_000}),
    # wildcards alone, NUL
    ("search", {"search": "%%%"}),
    ("search", {"search": "*"}),
    ("search", {"search": "?_%*"}),
    ("search", {"search": "x" * 201}),
    ("search", {"search": "\x00"}),
    ("filter[last_name]", {"filter[last_name]": "\x00"}),
    ("filter[\x00]", {"filter[\x00]": "1"}),
    ("sort", {"sort": "\x00"}),
    ("fields", {"fields": "name,\x00"}),
    ("include", {"include": "\x00"}),
    ("deleted", {"deleted": "\x00"}),
    ("cursor", {"cursor": "\x00"}),
    ("limit", {"limit": "\u0661"}),
    ("", {"\x00": "1"}),
    # the rest of the parameters
    ("sort", {"sort": "name,name"}),
    ("sort", {"sort": "name,email,status,created_at"}),
    ("fields", {"fields": "name,nothing"}),
    ("limit", {"limit": "0"}),
    ("limit", {"limit": "1e2"}),
    ("count", {"count": "1"}),
    ("view", {"view": "mine"}),
    # an include loop
    ("include", {"include": "company.primary_contact"}),
    ("include", {"include": "company.parent"}),
    ("include", {"include": "company." * 300 + "company"}),
]


@pytest.mark.req("A-060")
def test_what_cannot_be_read_is_refused_with_what_and_where(viewer: Person) -> None:
    for field, query in WRONG:
        refused(viewer.api.get(CONTACTS, query_string=query), field)


def test_a_field_that_one_may_not_see_is_refused_as_one_that_there_is_not(viewer: Person) -> None:
    hidden, absent = "annual_revenue", "annual_nonsense"
    for ask in (
        lambda name: viewer.api.get(COMPANIES, query_string={f"filter[{name}.above]": "1"}),
        lambda name: viewer.api.get(COMPANIES, query_string={"where": as_json({"field": name, "op": "filled"})}),
        lambda name: viewer.api.get(COMPANIES, query_string={"sort": name}),
        lambda name: viewer.api.get(COMPANIES, query_string={"fields": name}),
        lambda name: viewer.api.get(COMPANIES, query_string={"include": name}),
        lambda name: viewer.api.get(f"{COMPANIES}/aggregate", query_string={"measure": f"sum:{name}"}),
        lambda name: viewer.api.get(f"{COMPANIES}/aggregate", query_string={"group": name}),
    ):
        one, other = ask(hidden), ask(absent)
        assert one.status_code == other.status_code == 400
        told = [
            (answer.text.replace(name, "NAME").split('"request_id"')[0])
            for answer, name in ((one, hidden), (other, absent))
        ]
        assert told[0] == told[1]


def test_a_cursor_serves_its_own_list_alone(viewer: Person) -> None:
    first: Any = viewer.api.get(CONTACTS, query_string={"limit": 1, "sort": "name"})
    cursor = first.json["meta"]["next"]
    assert viewer.api.get(CONTACTS, query_string={"limit": 2, "sort": "name", "cursor": cursor}).status_code == 200
    for query in (
        {"sort": "-name"}, {"sort": "created_at"}, {"sort": "name", "filter[status]": "lead"}, {"sort": "name", "search": "ma"},
        {"sort": "name", "deleted": "true"},
    ):  # fmt: skip
        error = refused(viewer.api.get(CONTACTS, query_string={**query, "cursor": cursor}), "cursor")
        assert error["code"] == "bad_cursor"
    middle = len(cursor) // 2
    changed = cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]
    for wrong in (changed, cursor[:-4], cursor + "AAAA", cursor[::-1], "A" * 3000, "é"):
        refused(viewer.api.get(CONTACTS, query_string={"sort": "name", "cursor": wrong}), "cursor")
    refused(viewer.api.get(COMPANIES, query_string={"sort": "name", "cursor": cursor}), "cursor")
    other = viewer.tenant.member("viewer")
    assert other.api.get(CONTACTS, query_string={"sort": "name", "cursor": cursor}).status_code == 200


def test_a_cursor_of_one_view_is_refused_by_another(viewer: Person) -> None:
    ids = []
    for number, status in enumerate(("lead", "customer")):
        definition = {"where": {"all": [{"field": "status", "op": "is", "value": status}]}}
        made: Any = viewer.api.post(
            "/api/ossature/views", json={"record": "crm.contact", "name": f"View {number}", "definition": definition}
        )
        assert made.status_code == 201, made.text
        ids.append(made.json["data"]["id"])
    first: Any = viewer.api.get(CONTACTS, query_string={"view": ids[0], "limit": 1})
    assert first.status_code == 200, first.text
    cursor = first.json["meta"]["next"]
    assert viewer.api.get(CONTACTS, query_string={"view": ids[0], "limit": 1, "cursor": cursor}).status_code == 200
    refused(viewer.api.get(CONTACTS, query_string={"view": ids[1], "limit": 1, "cursor": cursor}), "cursor")


NAMES = st.sampled_from(
    ["search", "sort", "limit", "cursor", "fields", "include", "count", "deleted", "where", "view", "group", "measure",
     "q", "after", "records", "record", "id", "action", "actor", "filter[name]", "filter[pieces.between]",
     "filter[price.above]", "filter[taken_on.in_period]", "filter[state.in]", "filter[shelf_id]", "filter[owner_id.me]",
     "filter[seen_at.since]", "filter[ratio.is]", "filter[fragile]", "filter[token.filled]", "filter["]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.sampled_from(
        ["name", "-name", "name,-pieces", "created_at:month", "sum:pieces", "avg:price", "shelf", "shelf.owner", "lines", "exact",
         "true", "-1", "1e400", "NaN", "Infinity", "9" * 400, "0.1", "2026-02-30", "9999-12-31", "0001-01-01", "this_year",
         "last_99999999999_days", "00000000-0000-0000-0000-000000000000", "1,2", "raw,cut", "EUR 1", "10.50 EUR",
         "_kinds.sample", "edit", "now", "\x00", "%", "\ufffe", "\U0010ffff", "{", "[[[[", "null"]
    ),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(exclude_categories=["Cs"]), max_size=8)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.sampled_from(["all", "any", "none", "field", "op", "value"]), inner, max_size=3),
            st.fixed_dictionaries({"field": st.sampled_from(["name", "pieces", "price", "taken_on", "state", "seen_at"]),
                                   "op": st.sampled_from(["is", "in", "between", "above", "since", "in_period", "starts"]),
                                   "value": inner}),
        ),
        max_leaves=6,
    ).map(json.dumps),
)  # fmt: skip
QUERIES = st.lists(st.tuples(NAMES, TEXTS), max_size=4)
PATHS = (SAMPLES, f"{SAMPLES}/aggregate", f"{SAMPLES}/options", "/api/changes", "/api/search", "/api/ossature/why")


@pytest.mark.parametrize("path", PATHS)
def test_no_query_string_meets_a_failure(member: Callable[..., Person], path: str) -> None:
    person = member()
    made: Any = person.api.post(SAMPLES, json={"name": "Quartz", "pieces": 3, "lines": [{"finding": "salt"}]})
    one = f"{SAMPLES}/{made.json['data']['id']}"

    @seed(11)
    @settings(
        max_examples=150, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(query=QUERIES)
    def ask(query: list[tuple[str, str]]) -> None:
        answer: Any = person.api.get(one if path == SAMPLES and len(query) == 1 else path, query_string=query)
        assert answer.status_code < 500, f"{path} {query}: {answer.text}"
        if answer.status_code in (400, 422):
            error = answer.json["error"]
            assert error["message"], query
            assert error["details"], f"{path} {query}: {error}"

    ask()
