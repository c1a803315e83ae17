"""What rows refer to comes with them when asked for: in few statements, and no further than the reader sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ossature.context import Reach
from ossature.rbac.keys import issue_key
from ossature.rbac.roles import grant, role_by_key
from ossature.testing.people import Person, Tenant, client_of
from ossature.testing.statements import StatementLog

pytestmark = pytest.mark.database

SAMPLES, SHELVES = "/api/_kinds/samples", "/api/_kinds/shelves"
CONTACTS, COMPANIES = "/api/contacts", "/api/companies"


def make(person: Person, path: str, **fields: Any) -> dict[str, Any]:
    answer = person.api.post(path, json=fields)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json["data"]
    return data


def listed(person: Person, path: str, **query: str) -> list[dict[str, Any]]:
    answer = person.api.get(path, query_string=query)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json["data"]
    return data


def test_references_and_parts_come_with_a_row_and_with_a_list(member: Callable[..., Person]) -> None:
    owner = member()
    shelf = make(owner, SHELVES, name="Top")
    made = make(
        owner, SAMPLES, name="Quartz", shelf_id=shelf["id"], owner_id=str(owner.member_id), lines=[{"finding": "salt"}]
    )
    alone = make(owner, SAMPLES, name="Zinc", owner_id=None)
    include = "shelf,owner,lines,shelf.owner"
    rows = {row["id"]: row for row in listed(owner, SAMPLES, include=include)}
    one = owner.api.get(f"{SAMPLES}/{made['id']}?include={include}").json["data"]
    for row in (one, rows[made["id"]]):
        assert row["shelf"]["name"] == "Top"
        assert row["shelf"]["owner"]["id"] == shelf["owner_id"]
        assert row["owner"]["id"] == str(owner.member_id)
        assert [line["finding"] for line in row["lines"]] == ["salt"]
        assert row["lines"] == made["lines"]
    other = rows[alone["id"]]
    assert (other["shelf"], other["lines"]) == (None, [])
    assert listed(owner, SHELVES)[0] == {key: value for key, value in one["shelf"].items() if key != "owner"}


def test_without_include_nothing_more_comes_and_fields_stay_what_was_asked_for(member: Callable[..., Person]) -> None:
    owner = member()
    shelf = make(owner, SHELVES, name="Top")
    make(owner, SAMPLES, name="Quartz", shelf_id=shelf["id"])
    (plain,) = listed(owner, SAMPLES)
    assert not {"shelf", "owner", "lines"} & plain.keys()
    (row,) = listed(owner, SAMPLES, fields="name", include="shelf")
    assert (row["name"], row["shelf"]["name"]) == ("Quartz", "Top")
    assert not {"shelf_id", "pieces"} & row.keys()


@pytest.mark.req("S2-114", "S3-167", "S4-620")
def test_a_list_takes_one_statement_for_each_thing_included(
    member: Callable[..., Person], statements: StatementLog
) -> None:
    owner = member()
    for number in range(6):
        company = make(owner, COMPANIES, name=f"Company {number}")
        address = {"line1": "3 rue de la Paix", "postal_code": "75002", "city": "Paris"}
        make(owner, CONTACTS, last_name=f"Martin {number}", company_id=company["id"], addresses=[address])
    listed(owner, CONTACTS)
    counts = []
    for include in ("", "company", "company,owner", "company,owner,addresses", "company.owner,owner,addresses"):
        listed(owner, CONTACTS, include=include)
        with statements.counting() as counted:
            assert len(listed(owner, CONTACTS, include=include)) == 6
        counts.append(len(counted))
    assert [count - counts[0] for count in counts] == [0, 1, 2, 3, 4]


def test_what_is_out_of_reach_is_null_like_what_is_not_there(tenant: Tenant) -> None:
    owner, sales = tenant.member(), tenant.member("sales_rep")
    hidden = make(owner, COMPANIES, name="Hidden", owner_id=str(owner.member_id))
    mine = make(owner, COMPANIES, name="Mine", owner_id=str(sales.member_id), parent_id=hidden["id"])
    make(owner, CONTACTS, last_name="Martin", owner_id=str(sales.member_id), company_id=hidden["id"])
    make(owner, CONTACTS, last_name="Durand", owner_id=str(sales.member_id), company_id=mine["id"])
    make(owner, CONTACTS, last_name="Petit", owner_id=str(sales.member_id))
    with tenant.work():
        grant(role_by_key("sales_rep").id, "crm.company.view", Reach.OWN)
    rows = {row["last_name"]: row for row in listed(sales, CONTACTS, include="company")}
    assert rows["Martin"]["company"] is None
    assert rows["Petit"]["company"] is None
    assert rows["Durand"]["company"]["id"] == mine["id"]
    (company,) = listed(sales, COMPANIES, include="parent")
    assert company["parent"] is None
    assert "Hidden" not in sales.api.get(f"{COMPANIES}/{mine['id']}?include=parent").text


def test_fields_that_one_may_not_see_stay_out_of_what_is_included(tenant: Tenant) -> None:
    owner, viewer = tenant.member(), tenant.member("viewer")
    revenue = {"amount": "5000.00", "currency": "EUR"}
    company = make(owner, COMPANIES, name="Acme", annual_revenue=revenue)
    make(owner, CONTACTS, last_name="Martin", company_id=company["id"])
    assert listed(owner, CONTACTS, include="company")[0]["company"]["annual_revenue"] == revenue
    assert "annual_revenue" not in listed(viewer, CONTACTS, include="company")[0]["company"]


def test_a_record_whose_kind_one_may_not_view_is_null(tenant: Tenant) -> None:
    owner = tenant.member()
    shelf = make(owner, SHELVES, name="Top")
    make(owner, SAMPLES, name="Quartz", shelf_id=shelf["id"])
    with tenant.work():
        key = issue_key("Sync", {"_kinds.sample.view": Reach.ALL})
    client = client_of(tenant.app, tenant.url, Authorization=f"Bearer {key.shown}")
    assert client.get(SAMPLES, query_string={"include": "shelf"}).json["data"][0]["shelf"] is None


def test_what_is_deleted_still_comes_and_says_so(member: Callable[..., Person]) -> None:
    owner = member()
    company = make(owner, COMPANIES, name="Acme")
    make(owner, CONTACTS, last_name="Martin", company_id=company["id"])
    assert owner.api.delete(f"{COMPANIES}/{company['id']}").status_code == 200
    (row,) = listed(owner, CONTACTS, include="company")
    assert row["company"]["deleted_at"] is not None


@pytest.mark.parametrize(
    ("include", "code"),
    [
        ("colour", "unknown_include"),
        ("shelf_id", "unknown_include"),
        ("shelf,basis.colour", "unknown_include"),
        ("owner.tenant", "unknown_include"),
        ("basis.twin", "include_loop"),
        ("twin.twin", "include_loop"),
        ("basis.basis.basis", "include_too_deep"),
        (".".join(["basis"] * 400), "include_too_deep"),
        ("shelf.", "unknown_include"),
        (".shelf", "unknown_include"),
        ("\x00", "unknown_include"),
        (",".join(f"a{n}" for n in range(5000)), "too_many"),
    ],
)
def test_what_cannot_be_included_is_refused_saying_what_and_where(
    member: Callable[..., Person], include: str, code: str
) -> None:
    person = member()
    id = make(person, SAMPLES, name="Quartz")["id"]
    for path in (SAMPLES, f"{SAMPLES}/{id}"):
        answer = person.api.get(path, query_string={"include": include})
        assert answer.status_code == 400, answer.text
        (detail,) = answer.json["error"]["details"]
        assert (detail["field"], detail["code"]) == ("include", code)
        assert len(answer.text) < 1500


def test_a_field_with_a_right_of_its_own_is_no_relation_for_others(tenant: Tenant) -> None:
    answer = tenant.member("viewer").api.get(f"{SAMPLES}?include=remark")
    assert answer.json["error"]["details"][0]["code"] == "unknown_include"
    assert "remark" not in answer.json["error"]["details"][0]["message"]


def test_a_total_comes_on_request_alone(member: Callable[..., Person]) -> None:
    owner = member()
    for number in range(5):
        make(owner, SHELVES, name=f"Shelf {number}")
    got = {
        asked: owner.api.get(SHELVES, query_string={"limit": 2, **({"count": asked} if asked else {})}).json["meta"]
        for asked in ("", "some", "exact")
    }
    assert got[""]["count"] is None
    assert got["some"]["count"] == got["exact"]["count"] == {"value": 5, "more": False}
    later = owner.api.get(SHELVES, query_string={"limit": 2, "count": "exact", "cursor": got["exact"]["next"]})
    assert later.json["meta"]["count"] == {"value": 5, "more": False}
    filtered = owner.api.get(SHELVES, query_string={"limit": 1, "count": "exact", "filter[name.in]": "Shelf 1,Shelf 2"})
    assert filtered.json["meta"]["count"] == {"value": 2, "more": False}
    refused = owner.api.get(f"{SHELVES}?count=all")
    assert (refused.status_code, refused.json["error"]["details"][0]["field"]) == (400, "count")
