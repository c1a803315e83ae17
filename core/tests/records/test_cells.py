"""One value changed where it stands: the form's own input, the form's own rules, and a conflict told in place."""

from __future__ import annotations

from typing import Any

import pytest

from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database


def contact(person: Person, **values: Any) -> dict[str, Any]:
    return dict(person.api.post("/api/contacts", json={"last_name": "Martin", **values}).json["data"])


def cell(one: dict[str, Any], field: str) -> str:
    return f"/crm/contacts/{one['id']}/cell/{field}"


@pytest.mark.req("A-015")
def test_a_value_is_saved_and_what_follows_from_it_is_told(owner: Person) -> None:
    one = contact(owner, first_name="Anna")
    editor = owner.page.get(cell(one, "last_name"))
    assert editor.status_code == 200
    assert 'value="Martin"' in editor.text
    assert 'name="_version" value="1"' in editor.text
    saved = owner.page.post(
        cell(one, "last_name"), data={"last_name": "Durand", "_version": "1", "_shown": "name,email,last_name"}
    )
    assert saved.status_code == 200
    assert saved.json["version"] == 2
    assert saved.json["cells"]["name"] == "Anna Durand"
    facts = owner.page.post(
        cell(one, "email"), data={"email": "anna@acme.example", "_version": "2", "_shown": "email", "_as": "facts"}
    )
    assert 'href="mailto:anna@acme.example"' in facts.json["cells"]["email"]


@pytest.mark.req("A-015")
@pytest.mark.parametrize(
    ("field", "typed", "stored"),
    [
        ("status", {"status": "customer"}, "customer"),
        ("phone", {"phone": "06 12 34 56 78"}, "+33612345678"),
        ("notes", {"notes": "two\nlines"}, "two\nlines"),
        ("source", {"source": ""}, None),
        ("tags", {"tags": "fair, vip"}, ["fair", "vip"]),
    ],
)
def test_every_kind_is_typed_into_the_input_of_the_form(
    owner: Person, field: str, typed: dict[str, str], stored: Any
) -> None:
    one = contact(owner, source="event")
    assert owner.page.get(cell(one, field)).status_code == 200
    assert owner.page.post(cell(one, field), data={**typed, "_version": "1"}).status_code == 200
    assert owner.api.get(f"/api/contacts/{one['id']}").json["data"][field] == stored


@pytest.mark.req("A-015")
def test_money_and_references_too(owner: Person) -> None:
    company = owner.api.post("/api/companies", json={"name": "Acme"}).json["data"]
    one = contact(owner)
    assert "data-combobox" in owner.page.get(cell(one, "company_id")).text
    saved = owner.page.post(
        cell(one, "company_id"), data={"company_id": company["id"], "_version": "1", "_shown": "name,company_id"}
    )
    assert "Acme" in saved.json["cells"]["company_id"]
    address = f"/crm/companies/{company['id']}/cell/annual_revenue"
    assert "annual_revenue-currency" in owner.page.get(address).text
    typed = {"annual_revenue": "1,234.5", "annual_revenue-currency": "USD", "_version": "1"}
    assert owner.page.post(address, data=typed).status_code == 200
    read = owner.api.get(f"/api/companies/{company['id']}").json["data"]
    assert read["annual_revenue"] == {"amount": "1234.50", "currency": "USD"}


@pytest.mark.req("A-015")
def test_a_refusal_stands_beside_the_cell_and_keeps_what_was_typed(owner: Person) -> None:
    one = contact(owner)
    wrong = owner.page.post(cell(one, "email"), data={"email": "nonsense", "_version": "1"})
    assert wrong.status_code == 422
    assert 'value="nonsense"' in wrong.text
    assert "os-error" in wrong.text
    empty = owner.page.post(cell(one, "last_name"), data={"last_name": "", "_version": "1"})
    assert empty.status_code == 422
    owner.api.delete(f"/api/contacts/{one['id']}")
    deleted = owner.page.post(cell(one, "email"), data={"email": "a@b.example", "_version": "1"})
    assert deleted.status_code == 409
    assert "restore it before" in deleted.text


@pytest.mark.req("A-031", "A-015")
def test_a_conflict_tells_mine_theirs_and_before_and_either_may_be_kept(owner: Person, tenant: Tenant) -> None:
    colleague = tenant.member("manager", name="Zoé Petit")
    one = contact(owner, department="before")
    colleague.api.patch(f"/api/contacts/{one['id']}", json={"department": "theirs"})
    told = owner.page.post(cell(one, "department"), data={"department": "mine", "_version": "1"})
    assert told.status_code == 409
    for words in ("Zoé Petit has changed this", "<dd>before</dd>", "<dd>theirs</dd>", "<dd>mine</dd>"):
        assert words in told.text
    assert 'name="_version" value="2"' in told.text
    theirs = owner.page.post(
        cell(one, "department"), data={"department": "mine", "_theirs": "1", "_shown": "name,department"}
    )
    assert (theirs.json["cells"]["department"], theirs.json["version"]) == ("theirs", 2)
    mine = owner.page.post(
        cell(one, "department"), data={"department": "mine", "_version": "2", "_shown": "name,department"}
    )
    assert mine.json["cells"]["department"] == "mine"
    apart = owner.page.post(cell(one, "job_title"), data={"job_title": "Buyer", "_version": "1", "_shown": "job_title"})
    assert apart.status_code == 200


@pytest.mark.req("A-031")
def test_the_api_answers_a_conflict_with_mine_theirs_and_before(owner: Person) -> None:
    one = contact(owner, department="before")
    owner.api.patch(f"/api/contacts/{one['id']}", json={"department": "theirs"})
    answer = owner.api.patch(f"/api/contacts/{one['id']}", json={"department": "mine", "version": 1})
    assert answer.status_code == 409
    (detail,) = answer.json["error"]["details"]
    assert {name: detail[name] for name in ("field", "mine", "theirs", "before")} == {
        "field": "department", "mine": "mine", "theirs": "theirs", "before": "before",
    }  # fmt: skip


@pytest.mark.req("A-015")
def test_only_what_one_may_change_can_be_changed_in_place(owner: Person, tenant: Tenant) -> None:
    theirs = contact(owner)
    viewer, sales = tenant.member("viewer"), tenant.member("sales_rep")
    assert viewer.page.get(cell(theirs, "email")).status_code == 403
    assert viewer.page.post(cell(theirs, "email"), data={"email": "a@b.example"}).status_code == 403
    assert sales.page.get(cell(theirs, "email")).status_code == 404
    assert owner.page.get(cell(theirs, "name")).status_code == 404
    assert owner.page.get(cell(theirs, "nonsense")).status_code == 404
    assert "data-editable" in owner.page.get("/crm/contacts").text
    assert "data-editable" not in viewer.page.get("/crm/contacts").text
    assert "data-fact" not in viewer.page.get(f"/crm/contacts/{theirs['id']}").text


@pytest.mark.req("A-031")
def test_in_the_form_each_field_and_each_collection_is_chosen(owner: Person) -> None:
    address = {"kind": "home", "line1": "1 rue Haute", "city": "Paris"}
    one = contact(owner, department="before", job_title="before", addresses=[address])
    theirs = {"department": "theirs", "job_title": "theirs", "addresses": [{**address, "line1": "2 rue Basse"}]}
    owner.api.patch(f"/api/contacts/{one['id']}", json=theirs)
    mine = {
        "version": "1", "last_name": "Martin", "status": "lead", "department": "mine", "job_title": "mine",
        "owner_id": one["owner_id"], "addresses-0-id": one["addresses"][0]["id"], "addresses-0-kind": "home",
        "addresses-0-line1": "3 place Neuve", "addresses-0-city": "Paris",
        "addresses-0-country": "FR",
    }  # fmt: skip
    edit = f"/crm/contacts/{one['id']}/edit"
    told = owner.page.post(edit, data=mine)
    assert told.status_code == 409
    for name in ("department", "job_title", "addresses"):
        assert f'data-conflict="{name}"' in told.text
    assert "2 rue Basse" in told.text
    chosen = {
        "version": "2",
        "_choice-department": "theirs",
        "_choice-job_title": "mine",
        "_choice-addresses": "theirs",
    }
    assert owner.page.post(edit, data={**mine, **chosen}).status_code == 303
    read = owner.api.get(f"/api/contacts/{one['id']}").json["data"]
    assert (read["department"], read["job_title"]) == ("theirs", "mine")
    assert [each["line1"] for each in read["addresses"]] == ["2 rue Basse"]
