"""People: every field written, refused when wrong, read back; over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from ossature.testing.people import Person, Tenant
from ossature_crm.settings import UNIQUE_CONTACT_EMAIL

pytestmark = pytest.mark.database

ANNA = {
    "first_name": "Anna", "last_name": "Durand", "job_title": "Buyer", "department": "Purchasing",
    "email": "anna.durand@example.com", "phone": "01 23 45 67 89", "mobile": "06 12 34 56 78",
}  # fmt: skip
HOME = {
    "kind": "home", "line1": "12 rue des Lilas", "line2": "Bâtiment B", "postal_code": "69003", "city": "Lyon",
    "state": "Rhône", "country": "FR",
}  # fmt: skip


# -- the addresses of the API ------------------------------------------------------------------------------------------


@pytest.mark.req("S4-383")
def test_contacts_are_listed(contacts: Any) -> None:
    contacts.add(**ANNA)
    contacts.add(first_name="Zoé", last_name="Blanc")
    answer = contacts.list()
    assert answer.status_code == 200
    assert [row["name"] for row in answer.json["data"]] == ["Zoé Blanc", "Anna Durand"]
    assert answer.json["meta"]["next"] is None


@pytest.mark.req("S4-384", "S4-359")
def test_a_contact_is_created(contacts: Any) -> None:
    answer = contacts.post(ANNA)
    assert answer.status_code == 201
    assert answer.headers["Location"].endswith(f"/api/crm/contacts/{answer.json['data']['id']}")
    assert contacts.faults(contacts.post({"first_name": "Anna"})) == {"last_name": "required"}


@pytest.mark.req("S4-385")
def test_a_contact_is_read(contacts: Any) -> None:
    added = contacts.add(**ANNA)
    assert contacts.read(added["id"]) == added
    assert contacts.person.api.get(contacts.at(uuid4())).status_code == 404


@pytest.mark.req("S4-386", "S4-359")
def test_a_contact_is_changed(contacts: Any) -> None:
    added = contacts.add(**ANNA)
    answer = contacts.patch(added["id"], {"job_title": "Head of purchasing"})
    assert answer.status_code == 200
    assert contacts.read(added["id"]) == {
        **added, "job_title": "Head of purchasing", "version": 2, "updated_at": answer.json["data"]["updated_at"],
    }  # fmt: skip


@pytest.mark.req("S4-387", "S4-155", "S4-359")
def test_a_contact_is_deleted_softly_and_restored(contacts: Any) -> None:
    added = contacts.add(**ANNA)
    assert contacts.delete(added["id"]).status_code == 200
    assert contacts.names() == []
    assert contacts.read(added["id"])["deleted_at"] is not None
    contacts.restore(added["id"])
    assert contacts.names() == ["Anna Durand"]


@pytest.mark.req("S2-007", "S3-065")
def test_the_short_address_is_the_same_collection(contacts: Any) -> None:
    api = contacts.person.api
    created = api.post("/api/contacts", json=ANNA)
    assert created.status_code == 201
    id = created.json["data"]["id"]
    assert api.get("/api/contacts").json == api.get("/api/crm/contacts").json
    assert api.patch(f"/api/contacts/{id}", json={"status": "customer"}).status_code == 200
    assert api.get(f"/api/contacts/{id}").json == api.get(f"/api/crm/contacts/{id}").json
    assert api.put(f"/api/contacts/{id}", json={"last_name": "Durand"}).status_code == 200
    assert api.delete(f"/api/contacts/{id}").status_code == 200
    assert api.post(f"/api/contacts/{id}/restore").status_code == 200


# -- fields ------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S4-145", "S0-25", "S1-38")
def test_a_contact_has_names_ways_to_reach_it_and_a_place_in_its_company(contacts: Any, companies: Any) -> None:
    company = companies.add()
    read = contacts.read(contacts.add(**ANNA, company_id=company["id"])["id"])
    expected = {**ANNA, "phone": "+33123456789", "mobile": "+33612345678", "name": "Anna Durand"}
    assert {name: read[name] for name in expected} == expected
    assert read["company_id"] == company["id"]
    for field, most in (("first_name", 100), ("last_name", 100), ("job_title", 120), ("department", 120)):
        assert contacts.faults(contacts.patch(read["id"], {field: "x" * (most + 1)})) == {field: "too_long"}
    assert contacts.faults(contacts.patch(read["id"], {"name": "Somebody else"})) == {"name": "unknown_field"}


@pytest.mark.req("S4-360")
@pytest.mark.parametrize(
    "wrong",
    ["anna", "anna@", "@example.com", "anna@example", "a b@example.com", "anna@exa mple.com", "anna@@example.com"],
)
def test_an_email_address_has_its_form(contacts: Any, wrong: str) -> None:
    assert contacts.faults(contacts.post({"last_name": "Durand", "email": wrong})) == {"email": "invalid"}


@pytest.mark.req("S4-360")
@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" Anna@Example.COM ", "Anna@example.com"),
        ("zoé@exemple.fr", "zoé@exemple.fr"),
        ("a+b@example.org", "a+b@example.org"),
    ],
)
def test_an_email_address_is_stored_with_its_domain_in_lower_case(contacts: Any, typed: str, stored: str) -> None:
    assert contacts.add(email=typed)["email"] == stored


@pytest.mark.req("S4-361")
@pytest.mark.parametrize("field", ["phone", "mobile"])
@pytest.mark.parametrize("wrong", ["12", "telephone", "01 23 45", "+999 123456789", "0" * 40])
def test_a_telephone_number_has_its_form(contacts: Any, field: str, wrong: str) -> None:
    faults = contacts.faults(contacts.post({"last_name": "Durand", field: wrong}))
    assert faults in ({field: "invalid"}, {field: "too_long"})


@pytest.mark.req("S4-361")
@pytest.mark.parametrize(
    ("typed", "stored"),
    [("01.23.45.67.89", "+33123456789"), ("+32 2 123 45 67", "+3221234567"), ("0033 1 23 45 67 89", "+33123456789")],
)
def test_a_telephone_number_is_stored_in_its_international_form(contacts: Any, typed: str, stored: str) -> None:
    assert contacts.add(phone=typed)["phone"] == stored


@pytest.mark.req("S4-148", "S0-26")
def test_a_contact_has_addresses(contacts: Any) -> None:
    added = contacts.add(addresses=[HOME, {"line1": "1 rue A", "city": "Paris"}])
    first, second = contacts.read(added["id"])["addresses"]
    assert {name: first[name] for name in HOME} == HOME
    assert (second["country"], second["kind"], second["postal_code"]) == ("FR", "headquarters", None)
    faults = contacts.faults(
        contacts.post({"last_name": "X", "addresses": [{"line1": "1 rue A", "country": "Atlantis"}]})
    )
    assert faults == {"addresses.0.city": "required", "addresses.0.country": "unknown_choice"}


def test_a_contact_has_further_emails_and_telephones(contacts: Any) -> None:
    added = contacts.add(
        other_emails=[{"email": "home@example.com", "label": "home"}], other_phones=[{"phone": "04 78 00 00 00"}]
    )
    read = contacts.read(added["id"])
    assert [(one["email"], one["label"]) for one in read["other_emails"]] == [("home@example.com", "home")]
    assert [one["phone"] for one in read["other_phones"]] == ["+33478000000"]
    faults = contacts.faults(contacts.patch(added["id"], {"other_emails": [{"email": "nobody"}]}))
    assert faults == {"other_emails.0.email": "invalid"}


@pytest.mark.req("S4-149")
def test_a_contact_came_from_somewhere(contacts: Any) -> None:
    for source in ("website", "referral", "cold_call", "event", "partner", "advertisement", "other", None):
        assert contacts.read(contacts.add(source=source)["id"])["source"] == source
    assert contacts.faults(contacts.post({"last_name": "X", "source": "dream"})) == {"source": "unknown_choice"}


@pytest.mark.req("S4-151")
def test_a_contact_has_a_status(contacts: Any) -> None:
    assert contacts.add()["status"] == "lead"
    for status in ("lead", "prospect", "customer", "inactive"):
        added = contacts.add(status=status)
        assert contacts.read(added["id"])["status"] == status
    assert len(contacts.list(**{"filter[status]": "customer"}).json["data"]) == 1
    assert contacts.faults(contacts.post({"last_name": "X", "status": "enemy"})) == {"status": "unknown_choice"}


@pytest.mark.req("S4-146", "S1-10")
def test_a_contact_belongs_to_a_company(contacts: Any, companies: Any) -> None:
    company = companies.add(name="Acme")
    added = contacts.add(company_id=company["id"])
    contacts.add(last_name="Other")
    found = contacts.list(**{"filter[company_id]": company["id"]}).json["data"]
    assert [row["id"] for row in found] == [added["id"]]
    assert contacts.faults(contacts.post({"last_name": "X", "company_id": str(uuid4())})) == {"company_id": "not_found"}
    page = contacts.person.page.get(f"/crm/contacts/{added['id']}").text
    assert f'href="/crm/companies/{company["id"]}"' in page


@pytest.mark.req("S4-155")
def test_who_wrote_a_contact_and_when_is_kept(contacts: Any, tenant: Tenant) -> None:
    added = contacts.add()
    second = tenant.member("manager")
    contacts.by(second).patch(added["id"], {"notes": "Called back"})
    read = contacts.read(added["id"])
    assert (read["created_by_id"], read["updated_by_id"]) == (str(contacts.person.member_id), str(second.member_id))
    assert read["created_at"] < read["updated_at"]


# -- one address, one person -------------------------------------------------------------------------------------------


@pytest.mark.req("S4-156")
def test_where_the_organisation_asks_for_it_an_email_belongs_to_one_contact(contacts: Any, owner: Person) -> None:
    with owner.work():
        UNIQUE_CONTACT_EMAIL.write(True)
    first = contacts.add(email="anna@example.com")
    assert contacts.faults(contacts.post({"last_name": "X", "email": "ANNA@example.com"})) == {"email": "taken"}
    other = contacts.add(email="zoe@example.com")
    assert contacts.faults(contacts.patch(other["id"], {"email": "anna@example.com"})) == {"email": "taken"}
    assert contacts.patch(first["id"], {"email": "anna@example.com", "notes": "same"}).status_code == 200
    contacts.delete(first["id"])
    assert contacts.patch(other["id"], {"email": "anna@example.com"}).status_code == 200
    assert contacts.restore(first["id"]).json["error"]["details"][0]["code"] == "taken"


@pytest.mark.req("S4-156")
def test_two_organisations_may_know_the_same_person(contacts: Any, owner: Person, make_tenant: Any) -> None:
    other = make_tenant().member("owner")
    for person in (owner, other):
        with person.work():
            UNIQUE_CONTACT_EMAIL.write(True)
        contacts.by(person).add(email="anna@example.com")


def test_otherwise_the_writer_is_warned_of_a_likely_duplicate(contacts: Any) -> None:
    first = contacts.add(email="anna@example.com")
    answer = contacts.post({"last_name": "Durand", "email": "Anna@Example.com"})
    assert answer.status_code == 201
    (warning,) = answer.json["meta"]["warnings"]
    assert (warning["field"], warning["code"], warning["contacts"]) == ("email", "duplicate", [first["id"]])
    assert "warnings" not in contacts.patch(answer.json["data"]["id"], {"notes": "x"}).json["meta"]


def test_the_warning_tells_nothing_of_contacts_beyond_the_writers_reach(contacts: Any, tenant: Tenant) -> None:
    contacts.add(email="anna@example.com")
    one, other = (contacts.by(tenant.member("sales_rep")) for _number in range(2))
    mine = one.add(email="anna@example.com")
    assert "warnings" not in other.post({"last_name": "Durand", "email": "anna@example.com"}).json["meta"]
    (warning,) = one.post({"last_name": "Durand", "email": "anna@example.com"}).json["meta"]["warnings"]
    assert warning["contacts"] == [mine["id"]]


# -- pages -------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S4-637")
def test_the_list_and_the_page_of_a_contact_show_it(contacts: Any, companies: Any) -> None:
    company = companies.add(name="Atelier Morel")
    added = contacts.add(**ANNA, company_id=company["id"], addresses=[HOME])
    page = contacts.person.page
    listed = page.get("/crm/contacts").text
    assert all(word in listed for word in ("Anna Durand", "Atelier Morel", "Buyer", "anna.durand@example.com"))
    shown = page.get(f"/crm/contacts/{added['id']}").text
    assert all(word in shown for word in ("Anna Durand", "12 rue des Lilas", "Lyon", "06 12 34 56 78", "Purchasing"))
    found = page.get("/crm/contacts?q=DURAND").text
    assert "Anna Durand" in found
    assert "Anna Durand" not in page.get("/crm/contacts?q=nobody").text


@pytest.mark.req("S4-637", "S4-359")
def test_a_contact_is_written_by_its_form(contacts: Any) -> None:
    page = contacts.person.page
    form = {"first_name": "Zoé", "last_name": "Blanc", "status": "lead", "source": "", "email": "nobody"}
    refused = page.post("/crm/contacts/new", data=form)
    assert refused.status_code == 422
    assert "Zoé" in refused.text
    assert contacts.names() == []
    created = page.post("/crm/contacts/new", data={**form, "email": "zoe@example.com"})
    assert created.status_code == 303
    id = created.headers["Location"].rpartition("/")[2]
    changed = page.post(f"/crm/contacts/{id}/edit", data={**form, "email": "", "version": "1", "first_name": "Zoë"})
    assert changed.status_code == 303
    read = contacts.read(id)
    assert (read["name"], read["email"]) == ("Zoë Blanc", None)
    assert page.post(f"/crm/contacts/{id}/delete").status_code == 303
    assert contacts.names() == []


def test_a_contact_is_found_by_its_name_as_it_is_shown_and_as_it_is_sorted(contacts: Any) -> None:
    for first, last in (("Anna", "Martin"), ("Martin", "Durand"), ("Zoé", "Annan"), (None, "Martin")):
        contacts.add(first_name=first, last_name=last)
    for question, found in (
        ({"filter[name]": "anna martin"}, ["Anna Martin"]), ({"filter[name]": "Martin Anna"}, ["Anna Martin"]),
        ({"filter[name]": "Martin"}, ["Martin"]), ({"filter[name.in]": "Zoe Annan,Durand Martin"}, ["Zoé Annan", "Martin Durand"]),
        ({"filter[name.starts]": "Ann"}, ["Zoé Annan", "Anna Martin"]), ({"filter[name.starts]": "zoe a"}, ["Zoé Annan"]),
        ({"filter[name.starts]": "Martin"}, ["Martin Durand", "Martin", "Anna Martin"]),
        ({"filter[name.not]": "Anna Martin"}, ["Zoé Annan", "Martin Durand", "Martin"]),
        ({"filter[name.not]": "Martin Anna"}, ["Zoé Annan", "Martin Durand", "Martin"]),
    ):  # fmt: skip
        assert contacts.names(**question) == found, question
    typed = contacts.person.page.get("/crm/contacts", query_string={"part": "row", "row[name]": "Anna"})
    assert "Anna Martin" in contacts.person.page.get(typed.headers["Location"]).text


def test_a_group_of_names_holds_the_rows_that_its_heading_names(contacts: Any) -> None:
    for first, last in (("Anna", "Martin"), ("anna", "martin"), ("Zoé", "Durand")):
        contacts.add(first_name=first, last_name=last)
    answer = contacts.person.api.get("/api/crm/contacts/aggregate", query_string={"group": "name,status"})
    found = {row["keys"]["name"]: row["count"] for row in answer.json["data"]}
    assert sorted(found.values()) == [1, 2]
    assert {name: len(contacts.names(**{"filter[name]": name})) for name in found} == found
