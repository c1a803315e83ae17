"""Pairs that look like one: while somebody types, in the background, looked through and set apart."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from ossature.context import Reach
from ossature.duplicates.matching import compare
from ossature.duplicates.rules import alike, same
from ossature.duplicates.scan import scan_job
from ossature.rbac.members import assign_roles
from ossature.rbac.roles import create_role, set_grants
from ossature.testing.background import run_pending
from ossature.testing.people import Person, Tenant
from ossature.testing.record_api import RecordApi

pytestmark = pytest.mark.database

RULES = (same("email"), same("phone", "mobile"), alike("name", beside=("company_id",), ignoring=("sarl",)))


@pytest.fixture
def contacts(owner: Person) -> RecordApi:
    return RecordApi(owner, "/api/crm/contacts", {"last_name": "Martin"})


@pytest.fixture
def companies(owner: Person) -> RecordApi:
    return RecordApi(owner, "/api/crm/companies", {"name": "Charpentes Martin"})


def scan(api: Any) -> None:
    answer = api.person.api.post(f"{api.path}/duplicates/scan")
    assert answer.status_code == 202, answer.text
    run_pending(api.person.tenant)


def pairs(api: Any, **query: str) -> list[dict[str, Any]]:
    answer = api.person.api.get(f"{api.path}/duplicates", query_string=query)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json["data"]
    return data


def similar(api: Any, **typed: Any) -> list[tuple[str, list[str]]]:
    answer = api.person.api.post(f"{api.path}/duplicates/similar", json=typed)
    assert answer.status_code == 200, answer.text
    return [(one["title"], [reason["field"] for reason in one["reasons"]]) for one in answer.json["data"]]


@pytest.mark.parametrize(
    ("one", "other", "fields"),
    [
        ({"email": "Anna@x.fr"}, {"email": "anna@x.fr"}, ["email"]),
        ({"phone": "+33123456789"}, {"mobile": "+33123456789"}, ["phone"]),
        ({"name": "Élodie Dupont", "company_id": 1}, {"name": "DUPOND Elodie", "company_id": 1}, ["name"]),
        ({"name": "Élodie Dupont", "company_id": 1}, {"name": "Élodie Dupont", "company_id": 2}, None),
        ({"name": "Élodie Dupont", "company_id": 1}, {"name": "Dupont Elodie"}, ["name"]),
        ({"name": "Élodie Dupont", "company_id": 1}, {"name": "Dupond Elodie"}, None),
        ({"name": "Dupont SARL", "company_id": 1}, {"name": "Dupont", "company_id": 1}, ["name"]),
        ({"name": "Agence 12", "company_id": 1}, {"name": "Agence 13", "company_id": 1}, None),
        ({"email": ""}, {"email": ""}, None),
    ],
)
@pytest.mark.req("S4-362")
def test_what_two_records_have_in_common(one: Any, other: Any, fields: list[str] | None) -> None:
    found = compare(RULES, one, other)
    assert (found and [reason.field for reason in found.reasons]) == fields


def test_colleagues_who_share_a_telephone_come_after_those_who_share_their_name_too() -> None:
    phone = {"phone": "+33123456789"}
    strangers = compare(RULES, {**phone, "name": "Anna Petit"}, {**phone, "name": "Boris Kowalski"})
    likely = compare(RULES, {**phone, "name": "Anna Petit"}, {**phone, "name": "Petit Anna"})
    assert strangers is not None
    assert likely is not None
    assert strangers.score < 70 < 95 < likely.score


@pytest.mark.req("S4-362")
def test_what_is_typed_is_compared_with_what_is_there(contacts: Any, companies: Any) -> None:
    company = companies.add()["id"]
    id = contacts.add(first_name="Élodie", last_name="Dupont", email="elodie@x.fr", mobile="06 12 34 56 78", company_id=company)["id"]  # fmt: skip
    assert similar(contacts, email="ELODIE@x.fr") == [("Élodie Dupont", ["email"])]
    assert similar(contacts, phone="+33 6 12 34 56 78") == [("Élodie Dupont", ["mobile"])]
    assert similar(contacts, first_name="Elodie", last_name="Dupond", company_id=company) == [
        ("Élodie Dupont", ["name"])
    ]
    assert similar(contacts, email="elodie@", phone="06", last_name="") == []
    assert similar(contacts, email="elodie@x.fr", id=id) == [], "nothing looks like itself"
    contacts.delete(id)
    assert similar(contacts, email="elodie@x.fr") == []


def test_what_looks_alike_beyond_ones_reach_is_not_told(contacts: Any, tenant: Tenant, make_tenant: Any) -> None:
    contacts.add(email="elodie@x.fr")
    contacts.add(email="elodie@x.fr")
    scan(contacts)
    assert len(pairs(contacts)) == 1
    stranger = contacts.by(make_tenant().member("owner"))
    assert (similar(stranger, email="elodie@x.fr"), pairs(stranger)) == ([], [])
    seller = contacts.by(tenant.member("sales_rep"))
    assert (similar(seller, email="elodie@x.fr"), pairs(seller)) == ([], [])
    totals = [one.person.api.get(f"{one.path}/duplicates/scan").json["data"]["total"] for one in (contacts, seller)]
    assert (totals[0] > 0, totals[1]) == (True, None), "nor how many there are"


@pytest.mark.req("S4-362")
def test_a_scan_finds_pairs_and_keeps_what_was_set_apart(contacts: Any) -> None:
    for name, first, more in (
        ("Dupont", "Élodie", {"email": "elodie@x.fr"}), ("Dupont", "Elodie", {"email": "ELODIE@x.fr"}),
        ("Nguyen", "Linh", {"phone": "01 23 45 67 89"}), ("Nguyen", "L.", {"mobile": "+33 1 23 45 67 89"}),
        ("Kowalski", "Boris", {}),
    ):  # fmt: skip
        contacts.add(last_name=name, first_name=first, **more)
    scan(contacts)
    found = pairs(contacts)
    assert [[reason["field"] for reason in one["reasons"]] for one in found] == [["email", "name"], ["phone"]] or [
        ["email", "name"],
        ["mobile"],
    ]
    assert len(found) == 2
    assert found[0]["score"] > found[1]["score"]
    assert [len(pairs(contacts, limit="1")), pairs(contacts, limit="1", after=found[0]["id"])[0]["id"]] == [
        1,
        found[1]["id"],
    ]
    dismissed = contacts.person.api.post(f"{contacts.path}/duplicates/{found[1]['id']}/dismiss")
    assert dismissed.json["data"]["state"] == "dismissed"
    scan(contacts)
    assert [one["id"] for one in pairs(contacts)] == [found[0]["id"]]
    assert [one["id"] for one in pairs(contacts, state="dismissed")] == [found[1]["id"]]
    assert len(similar(contacts, phone="01 23 45 67 89", id=found[1]["ids"][0])) == 0, "set apart while typing too"
    contacts.person.api.post(f"{contacts.path}/duplicates/{found[1]['id']}/reopen")
    assert len(pairs(contacts)) == 2
    gone = found[0]["ids"][0]
    contacts.delete(gone)
    assert [one["id"] for one in pairs(contacts)] == [found[1]["id"]], "a deleted one is nobody's double"
    contacts.patch(found[1]["ids"][0], {"phone": None, "mobile": None})
    scan(contacts)
    assert pairs(contacts) == [], "what is no longer alike is forgotten"


def test_what_many_share_says_nothing(contacts: Any) -> None:
    for number in range(12):
        contacts.add(last_name=f"{'abcdefghijkl'[number] * 6}", phone="01 23 45 67 89")
    scan(contacts)
    assert pairs(contacts) == []


@pytest.mark.req("S4-362", "A-017")
def test_pairs_are_looked_through_set_apart_and_merged_on_pages(contacts: Any) -> None:
    page = contacts.person.page
    a = contacts.add(first_name="Élodie", email="elodie@x.fr", job_title="Director")["id"]
    b = contacts.add(first_name="Elodie", email="elodie@x.fr", phone="01 23 45 67 89")["id"]
    assert page.post("/crm/contacts/duplicates/scan").status_code == 303
    run_pending(contacts.person.tenant)
    shown = page.get("/crm/contacts/duplicates").text
    assert "Same: E-mail" in shown
    assert "Very likely the same" in shown
    (pair,) = pairs(contacts)
    assert page.post(f"/crm/contacts/duplicates/{pair['id']}", data={"state": "dismissed"}).status_code == 303
    assert "Very likely" not in page.get("/crm/contacts/duplicates").text
    assert "Very likely" in page.get("/crm/contacts/duplicates?state=dismissed").text
    typed = page.post("/crm/contacts/duplicates/similar", data={"email": "elodie@x.fr", "last_name": "M"})
    assert "Looks like 2 that are here already" in typed.text
    merge = page.get(f"/crm/contacts/merge?id={a}&id={b}")
    assert "Choose the record that stays" in merge.text
    other = page.post("/crm/contacts/merge", data={"id": [a, b], "keep": b, "take-first_name": a})
    assert (other.status_code, "Merge into Elodie Martin" in other.text) == (200, True)
    versions = {f"version-{id}": str(contacts.read(id)["version"]) for id in (a, b)}
    done = page.post("/crm/contacts/merge", data={"id": [a, b], "into": a, "take-first_name": b, **versions})
    assert (done.status_code, done.headers["Location"]) == (303, f"/crm/contacts/{a}")
    now = contacts.read(a)
    assert (now["first_name"], now["phone"], now["job_title"]) == ("Elodie", "+33123456789", "Director")
    assert pairs(contacts) == pairs(contacts, state="dismissed") == []


def test_a_merge_of_what_changed_meanwhile_shows_it_again(contacts: Any) -> None:
    a, b = contacts.add(job_title="One")["id"], contacts.add(job_title="Two")["id"]
    page = contacts.person.page
    late = page.post("/crm/contacts/merge", data={"id": [a, b], "into": a, f"version-{a}": "9"})
    assert late.status_code == 409
    assert "changed since you looked" in late.text
    contacts.delete(b)
    gone = page.post("/crm/contacts/merge", data={"id": [a, b], "into": a})
    assert gone.status_code == 303
    assert contacts.read(a)["job_title"] == "One"


@pytest.mark.req("A-018", "S4-362")
def test_who_may_change_neither_of_two_does_not_decide_about_them(contacts: Any, tenant: Tenant) -> None:
    mine, other = (contacts.add(first_name=name, email="elodie@x.fr")["id"] for name in ("Élodie", "Elodie"))
    scan(contacts)
    mate = tenant.member("viewer")
    with tenant.work():
        role = create_role("Own contacts", "")
        grants = {"view": Reach.ALL, "edit": Reach.OWN, "delete": Reach.OWN}
        set_grants(role.id, {f"crm.contact.{name}": reach for name, reach in grants.items()})
        assign_roles(mate.member_id, [role.id])
    theirs = contacts.by(Person(tenant, mate.member_id, mate.user_id, mate.email, "viewer"))
    (pair,) = pairs(theirs)
    here = f"{contacts.path}/duplicates/{pair['id']}"
    refused = theirs.person.api.post(f"{here}/dismiss")
    assert (refused.status_code, "crm.contact.edit" in refused.json["error"]["message"]) == (403, True)
    shown = theirs.person.page.get("/crm/contacts/duplicates").text
    assert ("Very likely the same" in shown, "Not the same</span></button>" in shown, "Merge…" in shown) == (
        True, False, False,
    )  # fmt: skip
    assert contacts.patch(mine, {"owner_id": str(mate.member_id)}).status_code == 200
    shown = theirs.person.page.get("/crm/contacts/duplicates").text
    assert ("Not the same</span></button>" in shown, "Merge…" in shown) == (True, False)
    assert contacts.patch(other, {"owner_id": str(mate.member_id)}).status_code == 200
    assert "Merge…" in theirs.person.page.get("/crm/contacts/duplicates").text
    assert theirs.person.api.post(f"{here}/dismiss").status_code == 200


def ended(tenant: Tenant, state: str) -> None:
    """As if the last search had ended so."""
    with tenant.work() as work:
        values = {"state": state, "name": scan_job.key, "tenant": tenant.id}
        work.execute(
            sa.text(
                "UPDATE ossature.job SET state = :state, finished_at = CASE WHEN :state = 'running' THEN NULL ELSE now() END"
                " WHERE tenant_id = :tenant AND name = :name"
            ),
            values,
        )


@pytest.mark.parametrize(("state", "said"), [("dead", "The search failed"), ("cancelled", "The search was stopped")])
def test_a_search_that_did_not_come_to_its_end_is_told_and_offered_again(
    contacts: Any, tenant: Tenant, state: str, said: str
) -> None:
    scan(contacts)
    page = contacts.person.page
    assert "No duplicates to look at" in page.get("/crm/contacts/duplicates").text
    ended(tenant, state)
    shown = page.get("/crm/contacts/duplicates").text
    assert (said in shown, "Search again" in shown, "No duplicates to look at" in shown) == (True, True, False)


def test_a_list_of_pairs_that_is_looked_through_stays_where_it_is_while_a_search_goes_on(
    contacts: Any, tenant: Tenant
) -> None:
    for email in ("elodie@x.fr", "linh@x.fr"):
        for _copy in range(2):
            contacts.add(email=email)
    scan(contacts)
    first, *_others = pairs(contacts)
    ended(tenant, "running")
    shown = contacts.person.page.get(f"/crm/contacts/duplicates?state=open&after={first['id']}").text
    assert f'hx-get="/crm/contacts/duplicates?state=open&amp;after={first["id"]}"' in shown
