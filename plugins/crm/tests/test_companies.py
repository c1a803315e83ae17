"""Companies: every field written, refused when wrong, read back; their hierarchy and main contact."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from ossature.testing.people import Tenant

pytestmark = pytest.mark.database

ACME = {
    "name": "Acme", "legal_name": "Acme SARL", "status": "active", "industry": "Bicycles", "size": "50-249",
    "annual_revenue": {"amount": "1250000.00", "currency": "EUR"}, "email": "hello@acme.example",
    "phone": "01 23 45 67 89", "website": "acme.example", "siren": "404 833 048", "siret": "404 833 048 00022",
    "vat_number": "FR 83 404 833 048", "notes": "First met\nin Lyon",
}  # fmt: skip
STORED = {
    **ACME, "phone": "+33123456789", "website": "https://acme.example", "siren": "404833048", "siret": "40483304800022",
    "vat_number": "FR83404833048",
}  # fmt: skip


@pytest.mark.req("S4-388")
def test_companies_are_listed(companies: Any) -> None:
    companies.add(name="Zèbre")
    companies.add(name="Éclair")
    companies.add(name="acme")
    assert companies.names() == ["acme", "Éclair", "Zèbre"]


@pytest.mark.req("S4-389")
def test_a_company_is_created(companies: Any) -> None:
    answer = companies.post(ACME)
    assert answer.status_code == 201
    assert answer.headers["Location"].endswith(f"/api/crm/companies/{answer.json['data']['id']}")
    assert companies.faults(companies.post({"industry": "None"})) == {"name": "required"}


@pytest.mark.req("S4-390")
def test_a_company_is_read(companies: Any) -> None:
    added = companies.add()
    assert companies.read(added["id"]) == added
    assert companies.person.api.get(companies.at(uuid4())).status_code == 404


@pytest.mark.req("S4-391")
def test_a_company_is_changed(companies: Any) -> None:
    added = companies.add(**ACME)
    assert companies.patch(added["id"], {"industry": "Scooters"}).status_code == 200
    read = companies.read(added["id"])
    assert {name: read[name] for name in STORED} == {**STORED, "industry": "Scooters"}


@pytest.mark.req("S4-392", "S4-165")
def test_a_company_is_deleted_softly_and_restored(companies: Any, contacts: Any) -> None:
    company = companies.add()
    contact = contacts.add(company_id=company["id"])
    assert companies.delete(company["id"]).status_code == 200
    assert companies.names() == []
    assert companies.read(company["id"])["deleted_at"] is not None
    assert contacts.read(contact["id"])["company_id"] == company["id"]
    assert "<s" in contacts.person.page.get(f"/crm/contacts/{contact['id']}").text
    companies.restore(company["id"])
    assert companies.names() == ["Acme"]


@pytest.mark.req("S4-676")
def test_the_short_address_is_the_same_collection(companies: Any) -> None:
    api = companies.person.api
    id = api.post("/api/companies", json={"name": "Acme"}).json["data"]["id"]
    assert api.get(f"/api/companies/{id}").json == api.get(f"/api/crm/companies/{id}").json
    assert api.get("/api/companies").json == api.get("/api/crm/companies").json


# -- fields ------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S4-158", "S1-37")
def test_a_company_has_names_an_industry_a_website_a_size_and_a_revenue(companies: Any) -> None:
    read = companies.read(companies.add(**ACME)["id"])
    assert {name: read[name] for name in STORED} == STORED
    for size in ("1-9", "10-49", "50-249", "250-999", "1000+", None):
        assert companies.patch(read["id"], {"size": size}).json["data"]["size"] == size
    for field, wrong, code in (
        ("name", "x" * 201, "too_long"),
        ("legal_name", "x" * 201, "too_long"),
        ("industry", "x" * 121, "too_long"),
        ("website", "not a site", "invalid"),
        ("size", "12", "unknown_choice"),
        ("annual_revenue", {"amount": "-1", "currency": "EUR"}, "too_small"),
        ("annual_revenue", {"amount": "1", "currency": "XXX"}, "unknown_currency"),
    ):
        assert companies.faults(companies.patch(read["id"], {field: wrong})) == {field: code}


@pytest.mark.req("S4-159")
def test_a_company_has_a_telephone_and_an_email(companies: Any) -> None:
    read = companies.read(companies.add(phone="+32 2 123 45 67", email="info@Acme.example")["id"])
    assert (read["phone"], read["email"]) == ("+3221234567", "info@acme.example")
    assert companies.faults(companies.post({"name": "X", "phone": "no", "email": "no"})) == {
        "phone": "invalid", "email": "invalid",
    }  # fmt: skip


@pytest.mark.req("S4-160")
def test_a_company_has_its_headquarters_and_other_addresses(companies: Any) -> None:
    headquarters = {"line1": "1 rue de la Paix", "postal_code": "75002", "city": "Paris"}
    added = companies.add(addresses=[headquarters, {**headquarters, "kind": "billing", "country": "BE"}])
    first, second = companies.read(added["id"])["addresses"]
    assert {name: first[name] for name in headquarters} == headquarters
    assert [(one["kind"], one["country"]) for one in (first, second)] == [("headquarters", "FR"), ("billing", "BE")]
    assert companies.faults(companies.patch(added["id"], {"addresses": [{"kind": "castle", "city": "Paris"}]})) == {
        "addresses.0.kind": "unknown_choice", "addresses.0.line1": "required",
    }  # fmt: skip
    assert len(companies.read(added["id"])["addresses"]) == 2


@pytest.mark.req("S4-161")
def test_a_company_has_a_status(companies: Any) -> None:
    assert companies.add()["status"] == "prospect"
    for status in ("active", "inactive", "prospect"):
        assert companies.read(companies.add(status=status)["id"])["status"] == status
    assert companies.faults(companies.post({"name": "X", "status": "lead"})) == {"status": "unknown_choice"}


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("siren", "404833049"), ("siren", "12345678"), ("siren", "ABCDEFGHI"), ("siret", "40483304800023"),
        ("siret", "404833048"), ("vat_number", "FR84404833048"), ("vat_number", "83404833048"), ("vat_number", "ZZ123"),
    ],
)  # fmt: skip
def test_registration_numbers_are_checked_by_their_digits(companies: Any, field: str, wrong: str) -> None:
    assert companies.faults(companies.post({"name": "X", field: wrong})) == {field: "invalid"}


@pytest.mark.parametrize(
    ("field", "typed", "stored"),
    [
        ("siren", "552 008 443", "552008443"), ("siret", "356 000 000 00048", "35600000000048"),
        ("vat_number", "fr83 404 833 048", "FR83404833048"), ("vat_number", "BE 0428.759.497", "BE0428759497"),
    ],
)  # fmt: skip
def test_registration_numbers_are_stored_plain(companies: Any, field: str, typed: str, stored: str) -> None:
    assert companies.add(**{field: typed})[field] == stored


def test_a_siret_begins_with_its_siren(companies: Any) -> None:
    refused = companies.post({"name": "X", "siren": "552008443", "siret": "40483304800022"})
    assert companies.faults(refused) == {"siret": "other_siren"}
    added = companies.add(siren="404833048")
    assert companies.faults(companies.patch(added["id"], {"siret": "35600000000048"})) == {"siret": "other_siren"}


# -- hierarchy and main contact ----------------------------------------------------------------------------------------


@pytest.mark.req("S4-162")
def test_a_company_has_a_parent_and_subsidiaries(companies: Any) -> None:
    parent = companies.add(name="Holding")
    child = companies.add(name="Daughter", parent_id=parent["id"])
    assert companies.read(child["id"])["parent_id"] == parent["id"]
    assert companies.names(**{"filter[parent_id]": parent["id"]}) == ["Daughter"]
    assert companies.faults(companies.post({"name": "X", "parent_id": str(uuid4())})) == {"parent_id": "not_found"}


@pytest.mark.req("S4-162")
def test_no_company_stands_above_itself(companies: Any) -> None:
    first = companies.add(name="1")
    second = companies.add(name="2", parent_id=first["id"])
    third = companies.add(name="3", parent_id=second["id"])
    for above in (first, second, third):
        refused = companies.patch(first["id"], {"parent_id": above["id"]})
        assert companies.faults(refused) == {"parent_id": "own_ancestor"}
    assert companies.read(first["id"])["parent_id"] is None
    assert companies.patch(third["id"], {"parent_id": first["id"]}).status_code == 200


@pytest.mark.req("S4-147")
def test_the_main_contact_works_at_the_company(companies: Any, contacts: Any) -> None:
    company, other = companies.add(name="Acme"), companies.add(name="Other")
    own = contacts.add(company_id=company["id"])
    assert companies.patch(company["id"], {"primary_contact_id": own["id"]}).status_code == 200
    assert companies.read(company["id"])["primary_contact_id"] == own["id"]
    for wrong in (contacts.add(company_id=other["id"]), contacts.add()):
        refused = companies.patch(company["id"], {"primary_contact_id": wrong["id"]})
        assert companies.faults(refused) == {"primary_contact_id": "other_company"}
    assert companies.faults(companies.post({"name": "New", "primary_contact_id": own["id"]})) == {
        "primary_contact_id": "other_company"
    }


@pytest.mark.req("S4-165")
def test_who_wrote_a_company_and_when_is_kept(companies: Any, tenant: Tenant) -> None:
    added = companies.add()
    second = tenant.member("manager")
    companies.by(second).patch(added["id"], {"industry": "Ships"})
    read = companies.read(added["id"])
    assert (read["created_by_id"], read["updated_by_id"]) == (str(companies.person.member_id), str(second.member_id))
    assert read["created_at"] < read["updated_at"]
    assert read["version"] == 2


# -- a field that not everybody sees -----------------------------------------------------------------------------------


@pytest.fixture
def with_revenue(companies: Any) -> dict[str, Any]:
    added: dict[str, Any] = companies.add(annual_revenue={"amount": "7654321.00", "currency": "EUR"})
    companies.patch(added["id"], {"annual_revenue": {"amount": "8765432.00", "currency": "EUR"}})
    return added


def test_annual_revenue_is_hidden_from_those_without_the_right(
    companies: Any, tenant: Tenant, with_revenue: dict[str, Any]
) -> None:
    auditor = companies.by(tenant.member("auditor"))
    assert "crm.company.view_revenue" not in auditor.person.context.access.grants
    pages = auditor.person.page
    for answer in (
        auditor.person.api.get(companies.at(with_revenue["id"])),
        auditor.list(),
        pages.get("/crm/companies"),
        pages.get(f"/crm/companies/{with_revenue['id']}"),
        pages.get(f"/crm/companies/{with_revenue['id']}/timeline"),
    ):
        assert answer.status_code == 200
        plain = answer.text.replace(",", "").replace("\u202f", "").replace(" ", "")
        assert "7654321" not in plain
        assert "8765432" not in plain
        assert "annual_revenue" not in plain
    assert auditor.list(fields="annual_revenue").status_code == 400
    manager = companies.by(tenant.member("manager"))
    assert manager.read(with_revenue["id"])["annual_revenue"]["amount"] == "8765432.00"
    assert "8,765,432" in manager.person.page.get(f"/crm/companies/{with_revenue['id']}").text


def test_annual_revenue_cannot_be_written_or_wiped_unseen(
    companies: Any, tenant: Tenant, with_revenue: dict[str, Any]
) -> None:
    sales = companies.by(tenant.member("sales_rep"))
    mine = sales.add(name="Mine")
    companies.patch(mine["id"], {"annual_revenue": {"amount": "5.00", "currency": "EUR"}})
    refused = sales.patch(mine["id"], {"annual_revenue": None})
    assert sales.faults(refused) == {"annual_revenue": "unknown_field"}
    assert sales.put(mine["id"], {"name": "Renamed"}).status_code == 200
    assert companies.read(mine["id"])["annual_revenue"]["amount"] == "5.00"
    assert "annual_revenue" not in sales.person.page.get(f"/crm/companies/{mine['id']}/edit").text


# -- pages -------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S4-637")
def test_the_list_and_the_page_of_a_company_show_it(companies: Any, contacts: Any) -> None:
    company = companies.add(**ACME, addresses=[{"line1": "1 rue de la Paix", "city": "Paris"}])
    contacts.add(first_name="Anna", last_name="Durand", company_id=company["id"])
    page = companies.person.page
    listed = page.get("/crm/companies").text
    assert all(word in listed for word in ("Acme", "Bicycles", "hello@acme.example", "Active"))
    shown = page.get(f"/crm/companies/{company['id']}").text
    assert all(word in shown for word in ("Acme SARL", "1 rue de la Paix", "404833048", "https://acme.example"))
    related = page.get(
        f"/crm/contacts?part=related&filter[company_id]={company['id']}", headers={"HX-Request": "true"}
    ).text
    assert "Anna Durand" in related


def test_a_company_is_found_by_its_numbers_however_they_are_spaced(companies: Any) -> None:
    companies.add(name="EDF", siren="552 081 317", vat_number="FR 03 552 081 317")
    for field, written in (("siren", "552 081 317"), ("siren", "552081317"), ("vat_number", "FR 03 552081317")):
        assert companies.names(**{f"filter[{field}]": written}) == ["EDF"], written
