"""`GET /api/search`: typed results over all records, and nothing that the reader's lists do not show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ossature.context import Reach
from ossature.rbac.roles import grant, role_by_key
from ossature.records.record import DeclarationError
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

CONTACTS, COMPANIES, SAMPLES = "/api/crm/contacts", "/api/crm/companies", "/api/_kinds/samples"
ROLES = ("owner", "admin", "manager", "user", "auditor", "viewer", "sales_rep", "read_only")


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner")


def make(person: Person, path: str, **fields: Any) -> str:
    answer = person.api.post(path, json=fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


def search(person: Person, q: str, **query: Any) -> Any:
    answer = person.api.get("/api/search", query_string={"q": q, **query})
    assert answer.status_code == 200, answer.text
    return answer.json


def marked(text: str, marks: list[list[int]]) -> list[str]:
    return [text[begin:end] for begin, end in marks]


@pytest.mark.req("A-024", "S0-23")
def test_all_records_are_searched_and_the_best_come_first(owner: Person) -> None:
    company = make(owner, COMPANIES, name="Menuiserie Lefèvre", siren="552008443")
    person = make(owner, CONTACTS, first_name="Élodie", last_name="Lefèvre", company_id=company)
    other = make(owner, CONTACTS, first_name="Anna", last_name="Petit", email="lefevre@example.com")
    found = search(owner, "LEFEVRE")
    assert [(hit["record"], hit["id"], hit["tier"]) for hit in found["data"]] == [
        ("crm.contact", person, "title"), ("crm.contact", other, "words"), ("crm.company", company, "words"),
    ]  # fmt: skip
    first, second, third = found["data"]
    assert first["title"] == "Élodie Lefèvre"
    assert marked(first["title"], first["marks"]) == ["Lefèvre"]
    assert first["matched"] is None
    assert first["fact"] == "Menuiserie Lefèvre"
    assert first["url"] == f"/crm/contacts/{person}"
    assert second["matched"] == {
        "field": "email", "label": "E-mail", "text": "lefevre@example.com", "marks": [[0, 7]],
    }  # fmt: skip
    assert third["label"] == "Company"
    assert {one["record"] for one in found["meta"]["records"]} >= {"crm.contact", "crm.company", "ossature.team"}
    assert all(one["reach"] == "all" and not one["said"] for one in found["meta"]["records"])


def test_whole_codes_come_before_everything(owner: Person) -> None:
    make(owner, CONTACTS, last_name="Anna", email="anna@example.com.au")
    exact = make(owner, CONTACTS, last_name="Zoé", email="anna@example.com", phone="01 23 45 67 89")
    company = make(owner, COMPANIES, name="Zenith", siren="552 008 443")
    first = search(owner, "Anna@Example.com")["data"][0]
    assert (first["id"], first["tier"]) == (exact, "exact")
    (by_phone,) = search(owner, "01 23 45 67 89")["data"]
    assert (by_phone["id"], by_phone["tier"]) == (exact, "exact")
    assert by_phone["matched"]["text"] == "01 23 45 67 89"
    assert marked(by_phone["matched"]["text"], by_phone["matched"]["marks"]) == ["01 23 45 67 89"]
    (by_siren,) = search(owner, "552008443")["data"]
    assert (by_siren["id"], by_siren["tier"]) == (company, "exact")


def test_records_and_their_number_can_be_chosen(owner: Person) -> None:
    for number in range(4):
        make(owner, CONTACTS, last_name=f"Martin {number}")
    make(owner, COMPANIES, name="Martin et fils")
    found = search(owner, "martin", records="crm.contact", limit=3)
    assert [hit["title"] for hit in found["data"]] == ["Martin 0", "Martin 1", "Martin 2"]
    assert found["meta"]["records"] == [
        {"record": "crm.contact", "label": "Contacts", "more": True, "reach": "all", "said": ""}
    ]


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({}, 400, "q"), ({"q": "%%%"}, 400, "q"), ({"q": " "}, 400, "q"), ({"q": "a" * 201}, 400, "q"),
        ({"q": "a\x00b"}, 400, "q"), ({"q": "a", "limit": "51"}, 400, "limit"), ({"q": "a", "other": "1"}, 400, "other"),
        ({"q": "a", "records": "crm.nothing"}, 422, "records"),
        ({"q": "a", "records": "crm.contact_address"}, 422, "records"),
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_refused_by_name(
    owner: Person, query: dict[str, str], status: int, field: str
) -> None:
    answer = owner.api.get("/api/search", query_string=query)
    assert answer.status_code == status, answer.text
    assert answer.json["error"]["details"][0]["field"] == field


def test_nobody_searches_without_signing_in(client: Any) -> None:
    assert client.get("/api/search?q=anna", headers={"Accept": "application/json"}).status_code == 401


@pytest.mark.req("A-024")
@pytest.mark.parametrize("role", ROLES)
def test_search_and_pickers_reveal_what_the_lists_reveal(tenant: Tenant, owner: Person, role: str) -> None:
    """For each role, and for each with a reach of own rows and none at all: the same set by every way."""
    reader = tenant.member(role)
    for whose in (owner, reader):
        make(owner, CONTACTS, last_name=f"Quartz {whose.role}", owner_id=str(whose.member_id))
        make(owner, COMPANIES, name=f"Quartz {whose.role}", owner_id=str(whose.member_id))
        make(owner, SAMPLES, name=f"Quartz {whose.role}", owner_id=str(whose.member_id))
    make(owner, "/api/ossature/teams", name="Quartz")
    assert_the_same(reader)
    if role == "owner":
        return
    for reach in (Reach.OWN, None):
        with tenant.work():
            for record in ("crm.contact", "crm.company", "_kinds.sample"):
                grant(role_by_key(role).id, f"{record}.view", reach)
        assert_the_same(reader)


def assert_the_same(reader: Person) -> None:
    paths = {
        "crm.contact": CONTACTS, "crm.company": COMPANIES, "_kinds.sample": SAMPLES, "ossature.team": "/api/ossature/teams",
    }  # fmt: skip
    found = search(reader, "quartz", limit=50)["data"]
    palette = reader.page.get("/search/hits?q=quartz").text
    page = reader.page.get("/search?q=quartz").text
    listed_at_all = False
    for record, path in paths.items():
        answer = reader.api.get(path, query_string={"search": "quartz", "limit": 200})
        listed = {row["id"] for row in answer.json["data"]} if answer.status_code == 200 else set()
        assert answer.status_code in (200, 403)
        assert {hit["id"] for hit in found if hit["record"] == record} == listed, (reader.role, record)
        picked = reader.api.get(f"{path}/options?q=quartz")
        assert picked.status_code == answer.status_code
        if picked.status_code == 200:
            assert {option["value"] for option in picked.json["data"]} == listed, (reader.role, record)
        for id in listed:
            assert id in palette
            assert id in page
        listed_at_all = listed_at_all or bool(listed)
    mentioned = sum(text.count("data-url") for text in (palette,))
    assert mentioned == len(found)
    assert ("<mark>" in page) == listed_at_all


def test_a_fact_out_of_reach_is_not_told_beside_a_hit(tenant: Tenant, owner: Person) -> None:
    sales = tenant.member("sales_rep")
    company = make(owner, COMPANIES, name="Hidden", owner_id=str(owner.member_id))
    make(owner, CONTACTS, last_name="Quartz", company_id=company, owner_id=str(sales.member_id))
    with tenant.work():
        grant(role_by_key("sales_rep").id, "crm.company.view", Reach.OWN)
    (hit,) = search(sales, "quartz")["data"]
    assert hit["fact"] == ""
    assert "Hidden" not in sales.page.get("/search?q=quartz").text


def test_what_has_a_permission_of_its_own_cannot_be_searched() -> None:
    from sqlalchemy.orm import Mapped

    from ossature.records import Record, text

    with pytest.raises(DeclarationError, match="cannot be searched"):

        class Note(Record):
            __key__ = "_probe.note"

            name: Mapped[str] = text("Name")
            remark: Mapped[str | None] = text("Remark", view="_probe.note.see", search=True)


def test_plugins_that_are_off_are_not_searched(make_tenant: Callable[..., Tenant]) -> None:
    tenant = make_tenant(plugins=frozenset())
    owner = tenant.member("owner")
    found = search(owner, "martin")
    assert {one["record"] for one in found["meta"]["records"]} == {"ossature.team", "ossature.legal_entity"}
    assert owner.api.get("/api/search?q=a&records=crm.contact").status_code == 422


def test_one_tenant_never_finds_what_another_has(make_tenant: Callable[..., Tenant], owner: Person) -> None:
    make(owner, CONTACTS, last_name="Quartz", email="quartz@example.com")
    stranger = make_tenant().member("owner")
    assert search(stranger, "quartz")["data"] == []
    assert search(stranger, "quartz@example.com")["data"] == []
