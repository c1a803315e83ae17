"""Files become records: what each row creates, changes and leaves alone, and why one is refused, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from ossature.context import Reach
from ossature.rbac.roles import grant, role_by_key
from ossature.testing.importing import Imported, begin
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

CONTACTS, COMPANIES, DEALS = "/api/contacts", "/api/crm/companies", "/api/crm/deals"


def listed(person: Person, url: str, **arguments: str) -> list[dict[str, Any]]:
    answer = person.api.get(url, query_string={"limit": 200, **arguments})
    assert answer.status_code == 200, answer.text
    return list(answer.json["data"])


@pytest.mark.req("S4-364", "S4-639", "A-018")
def test_a_file_is_checked_without_writing_then_written_in_the_background(owner: Person) -> None:
    file = [["First name", "Last name", "E-mail"], ["Anna", "Martin", "anna@example.com"], ["Ben", "", "ben"]]
    imp = begin(owner, CONTACTS, file, ["first_name", "last_name", "email"]).check()
    assert (imp.head["state"], imp.counts) == ("checked", (1, 0, 0, 1))
    assert imp.faults() == [(3, "E-mail", "ben", "invalid"), (3, "Last name", "", "required")]
    assert listed(owner, CONTACTS) == []
    imp.run()
    assert (imp.head["state"], imp.counts) == ("done", (1, 0, 0, 1))
    (anna,) = listed(owner, CONTACTS)
    assert (anna["first_name"], anna["last_name"], anna["email"]) == ("Anna", "Martin", "anna@example.com")
    assert [row["record_id"] for row in imp.rows()] == [anna["id"], None]


@pytest.mark.req("A-019")
def test_rows_create_update_or_both_by_a_key(owner: Person) -> None:
    to = ["last_name", "email", "department"]
    head = ["Name", "Mail", "Department"]
    begin(owner, CONTACTS, [head, ["Martin", "a@example.com", "one"]], to).run()
    file = [head, ["Martin", "A@Example.com", "two"], ["Durand", "b@example.com", "two"]]
    only_new = begin(owner, CONTACTS, file, to, mode="create", key=["email"]).check()
    assert (only_new.outcomes(), only_new.faults()) == (
        ["refused", "create"], [(2, "Mail", "A@Example.com", "exists")],
    )  # fmt: skip
    only_known = begin(owner, CONTACTS, file, to, mode="update", key=["email"]).check()
    assert (only_known.outcomes(), only_known.faults()[0][3]) == (["update", "refused"], "not_found")
    both = begin(owner, CONTACTS, file, to, mode="both", key=["email"]).run()
    assert both.outcomes() == ["update", "create"]
    assert {(one["email"], one["department"]) for one in listed(owner, CONTACTS)} == {
        ("A@example.com", "two"), ("b@example.com", "two"),
    }  # fmt: skip
    again = begin(owner, CONTACTS, file, to, mode="both", key=["email"]).run()
    assert again.counts == (0, 0, 2, 0)


@pytest.mark.req("A-019")
def test_rows_of_one_record_follow_one_another_or_name_the_first(owner: Person) -> None:
    file = [["Name", "Mail", "Department"], ["Martin", "a@example.com", "one"], ["Martin", "a@example.com", "two"]]
    to = ["last_name", "email", "department"]
    once = begin(owner, CONTACTS, file, to, mode="create", key=["email"]).check()
    assert once.outcomes() == ["create", "refused"]
    fault = once.rows("refused")[0]["faults"][0]
    assert (fault["code"], "Row 2" in fault["message"]) == ("repeated", True)
    both = begin(owner, CONTACTS, file, to, mode="both", key=["email"])
    assert both.check().outcomes() == ["create", "update"]
    assert both.run().outcomes() == ["create", "update"]
    (one,) = listed(owner, CONTACTS)
    assert (one["department"], one["version"]) == ("two", 1), "it is written once"


@pytest.mark.req("A-021")
def test_companies_come_with_their_contacts_and_are_made_once(owner: Person) -> None:
    file = [
        ["Name", "Company", "Country", "Street", "City"],
        ["Martin", "Acier du Nord", "FR", "1 rue Haute", "Lille"],
        ["Durand", "ACIER du nord", "", "", ""],
        ["Petit", "", "", "", ""],
    ]
    to = [
        "last_name", {"to": "company_id", "missing": "create"}, "company_id.industry", "addresses.1.line1",
        "addresses.1.city",
    ]  # fmt: skip
    imp = begin(owner, CONTACTS, file, to).run()
    assert (imp.counts, imp.faults()) == ((3, 0, 0, 0), [])
    (company,) = listed(owner, COMPANIES)
    assert (company["name"], company["industry"]) == ("Acier du Nord", "FR")
    people = {one["last_name"]: one for one in listed(owner, CONTACTS, include="addresses")}
    assert [people[name]["company_id"] for name in ("Martin", "Durand", "Petit")] == [
        company["id"],
        company["id"],
        None,
    ]
    assert [(one["line1"], one["city"], one["country"]) for one in people["Martin"]["addresses"]] == [
        ("1 rue Haute", "Lille", "FR")
    ]
    assert people["Durand"]["addresses"] == []


def test_defaults_fill_companies_that_are_made_and_the_entry_that_they_name(owner: Person) -> None:
    file = [
        ["Name", "Company", "Industry", "Street", "City", "Second street"],
        ["Martin", "Acier du Nord", "", "1 rue Haute", "Paris", "2 rue Basse"],
        ["Durand", "Bois du Sud", "Wood", "", "", ""],
    ]
    to = [
        "last_name", {"to": "company_id", "missing": "create"}, "company_id.industry", "addresses.1.line1",
        "addresses.1.city", "addresses.2.line1",
    ]  # fmt: skip
    said = {
        "company_id.industry": "Steel", "addresses.1.postal_code": "75001", "addresses.2.city": "Lyon",
        "addresses.country": "FR",
    }  # fmt: skip
    imp = begin(owner, CONTACTS, file, to, defaults=said).run()
    assert (imp.counts, imp.faults()) == ((2, 0, 0, 0), [])
    assert {one["name"]: one["industry"] for one in listed(owner, COMPANIES)} == {
        "Acier du Nord": "Steel", "Bois du Sud": "Wood",
    }  # fmt: skip
    people = {one["last_name"]: one for one in listed(owner, CONTACTS, include="addresses")}
    assert [(one["city"], one["postal_code"], one["country"]) for one in people["Martin"]["addresses"]] == [
        ("Paris", "75001", "FR"), ("Lyon", None, "FR"),
    ]  # fmt: skip
    assert people["Durand"]["addresses"] == [], "where the file has no address, a default alone makes none"


def test_a_default_that_an_entry_refers_to_is_found_or_told(owner: Person) -> None:
    begin(owner, CONTACTS, [["Name"], ["Martin"]], ["last_name"]).run()
    (martin,) = listed(owner, CONTACTS)
    file, to = [["Deal", "Role"], ["Roof", "buyer"]], ["name", "contacts.role"]
    said = {"contacts.contact_id": martin["name"]}
    imp = begin(owner, DEALS, file, to, defaults=said).run()
    assert (imp.counts, imp.faults()) == ((1, 0, 0, 0), [])
    (deal,) = listed(owner, DEALS, include="contacts")
    assert [one["contact_id"] for one in deal["contacts"]] == [martin["id"]]
    nobody = begin(owner, DEALS, file, to, defaults={"contacts.contact_id": "Nobody"}).check()
    assert [fault["code"] for fault in nobody.rows("refused")[0]["faults"]] == ["not_found"]


def test_a_company_is_not_made_for_a_row_that_is_refused(owner: Person) -> None:
    file = [["Name", "Mail", "Company"], ["Martin", "wrong", "One"], ["", "b@example.com", "Two"], ["C", "", "Three"]]
    imp = begin(owner, CONTACTS, file, ["last_name", "email", {"to": "company_id", "missing": "create"}]).run()
    assert imp.counts == (1, 0, 0, 2)
    assert [one["name"] for one in listed(owner, COMPANIES)] == ["Three"]


@pytest.mark.req("A-021")
def test_a_deal_has_its_lines_in_the_rows_below_it(owner: Person) -> None:
    file = [
        ["Deal", "Line", "Quantity", "Price"],
        ["Roof", "Beams", "2", "100,50"],
        ["", "Tiles", "10", "3"],
        ["Wall", "Bricks", "100", "1"],
    ]
    to = ["name", "lines.description", "lines.quantity", {"to": "lines.unit_price", "currency": "EUR", "decimal": ","}]
    imp = begin(owner, DEALS, file, to, mode="both", key=["name"]).run()
    assert (imp.outcomes(), imp.faults()) == (["create", "along", "create"], [])
    deals = {one["name"]: one for one in listed(owner, DEALS, include="lines")}
    assert deals["Roof"]["value"] == {"amount": "231.00", "currency": "EUR"}
    assert [line["description"] for line in deals["Roof"]["lines"]] == ["Beams", "Tiles"]
    again = begin(owner, DEALS, file, to, mode="both", key=["name"]).run()
    assert again.outcomes() == ["unchanged", "along", "unchanged"]
    file[1][3] = "200"
    changed = begin(owner, DEALS, file, to, mode="both", key=["name"]).run()
    assert changed.outcomes() == ["update", "along", "unchanged"]


LINES = ["name", "lines.description", "lines.quantity", {"to": "lines.unit_price", "currency": "EUR"}]
TORN = [
    ["Deal", "Line", "Quantity", "Price"],
    ["Roof", "Beams", "2", "100"], ["", "Tiles", "many", "3"],
    ["Wall", "Bricks", "100", "1"],
    ["Door", "Oak", "many", "50"], ["", "Lock", "1", "20"],
]  # fmt: skip


def lines_of(person: Person) -> dict[str, list[str]]:
    return {
        one["name"]: [line["description"] for line in one["lines"]] for one in listed(person, DEALS, include="lines")
    }


def test_what_a_text_stands_for_is_said_after_a_run_and_deals_go_in_with_all_their_lines(owner: Person) -> None:
    imp = begin(owner, DEALS, TORN, LINES, mode="both", key=["name"]).run()
    assert (imp.outcomes(), lines_of(owner)) == (["refused"] * 2 + ["create"] + ["refused"] * 2, {"Wall": ["Bricks"]})
    imp.ask("POST", "/values", json={"column": 2, "value": "many", "to": "10"})
    assert imp.outcomes() == [None, None, "create", None, None]
    assert imp.run().outcomes() == ["create", "along", "create", "create", "along"]
    assert lines_of(owner) == {"Roof": ["Beams", "Tiles"], "Wall": ["Bricks"], "Door": ["Oak", "Lock"]}


def test_a_line_is_corrected_after_a_run_and_its_deal_goes_in_whole(owner: Person) -> None:
    imp = begin(owner, DEALS, TORN, LINES, mode="both", key=["name"]).run()
    imp.ask("PATCH", "/rows/3", json={"cells": {"2": "10"}})
    assert imp.outcomes() == ["create", "along", "create", "refused", "refused"]
    imp.run()
    assert lines_of(owner) == {"Roof": ["Beams", "Tiles"], "Wall": ["Bricks"]}


def test_a_line_that_loses_its_deal_in_a_correction_is_given_to_no_other(owner: Person) -> None:
    file = [TORN[0], ["Roof", "Beams", "many", "1"], ["Wall", "Bricks", "1", "1"], ["Door", "Oak", "many", "1"]]
    imp = begin(owner, DEALS, file, LINES, mode="both", key=["name"]).run()
    imp.ask("POST", "/values", json={"column": 2, "value": "many", "to": "10"})
    imp.ask("PATCH", "/rows/4", json={"cells": {"0": ""}})
    assert imp.run().outcomes() == ["create", "create", "refused"]
    assert lines_of(owner) == {"Roof": ["Beams"], "Wall": ["Bricks"]}


@pytest.mark.req("A-021")
def test_lines_of_a_deal_that_are_not_together_are_refused_and_none_is_lost(owner: Person) -> None:
    file = [TORN[0], ["Roof", "Beams", "2", "100"], ["Wall", "Bricks", "100", "1"], ["roof", "Tiles", "10", "3"]]
    imp = begin(owner, DEALS, file, LINES, mode="both", key=["name"]).check()
    assert (imp.outcomes(), imp.run().outcomes()) == (["create", "create", "refused"],) * 2
    (row,) = imp.rows("refused")
    (fault,) = row["faults"]
    assert (row["number"], fault["header"], fault["value"], fault["code"]) == (4, "Deal", "roof", "repeated")
    assert "Row 2" in fault["message"]
    assert "sort the file" in fault["message"]
    assert lines_of(owner) == {"Roof": ["Beams"], "Wall": ["Bricks"]}
    again = begin(owner, DEALS, [file[0], file[1], file[3], file[2]], LINES, mode="both", key=["name"]).run()
    assert again.outcomes() == ["update", "along", "unchanged"]
    assert lines_of(owner) == {"Roof": ["Beams", "Tiles"], "Wall": ["Bricks"]}


def test_lines_are_not_together_over_chunks_either(owner: Person) -> None:
    others = [[f"Deal {n}", "Work", "1", "1"] for n in range(1001)]
    file = [TORN[0], ["Roof", "Beams", "2", "100"], *others, ["Roof", "Tiles", "10", "3"]]
    imp = begin(owner, DEALS, file, LINES, mode="both", key=["name"]).check()
    assert imp.faults() == [(1004, "Deal", "Roof", "repeated")]


def test_a_line_that_is_corrected_to_another_deal_joins_the_lines_beside_it(owner: Person) -> None:
    file = [TORN[0], ["Roof", "Beams", "1", "1"], ["Rof", "Tiles", "many", "1"], ["Wall", "Bricks", "1", "1"]]
    imp = begin(owner, DEALS, file, LINES, mode="both", key=["name"]).check()
    imp.ask("PATCH", "/rows/3", json={"cells": {"0": "Roof", "2": "2"}})
    assert imp.outcomes() == ["create", "along", "create"]
    imp.ask("PATCH", "/rows/3", json={"cells": {"0": "Wall"}})
    assert imp.outcomes() == ["create", "create", "along"]
    imp.run()
    assert lines_of(owner) == {"Roof": ["Beams"], "Wall": ["Tiles", "Bricks"]}


def test_further_rows_of_a_deal_say_nothing_else_of_it_than_the_first(owner: Person) -> None:
    begin(owner, CONTACTS, [["Name"], ["Anna"], ["Ben"], ["Carla"]], ["last_name"]).run()
    to = ["name", "description", "value", "value_currency", "contacts.contact_id"]
    file = [
        ["Deal", "Note", "Value", "Currency", "Contact"],
        ["Roof", "steep", "1000", "EUR", "Anna"], ["Roof", "steep", "1000.00", "eur", "Ben"], ["Roof", "", "", "", "Carla"],
        ["Wall", "high", "10", "EUR", "Anna"], ["Wall", "low", "10", "EUR", "Ben"],
        ["Door", "", "10", "EUR", "Anna"], ["Door", "wide", "11", "USD", "Ben"],
    ]  # fmt: skip
    imp = begin(owner, DEALS, file, to, mode="both", key=["name"]).run()
    assert imp.outcomes() == ["create", "along", "along", "refused", "refused", "refused", "refused"]
    assert imp.faults() == [
        (6, "Note", "low", "differs"),
        (8, "Note", "wide", "differs"), (8, "Value", "11", "differs"), (8, "Currency", "USD", "differs"),
    ]  # fmt: skip
    told = [fault["message"] for row in imp.rows("refused") for fault in row["faults"]]
    assert told[:2] == [
        "Row 5 is of the same record and says “high” here: write the same, or leave this empty.",
        "This belongs into row 7, the first one of its record; leave it empty here.",
    ]
    imp.ask("PATCH", "/rows/6", json={"cells": {"1": ""}})
    imp.run()
    found = listed(owner, DEALS, include="contacts")
    assert {one["name"]: len(one["contacts"]) for one in found} == {"Roof": 3, "Wall": 2}


@pytest.mark.req("A-023")
def test_external_ids_bring_the_same_record_back(owner: Person) -> None:
    file = [["Id", "Name"], ["7", "Martin"], ["8", "Durand"]]
    to = [{"to": "external_id", "source": "Old CRM"}, "last_name"]
    first = begin(owner, CONTACTS, file, to, mode="both", key=["external_id"]).run()
    file[1][1] = "Martinez"
    second = begin(owner, CONTACTS, file, to, mode="both", key=["external_id"]).run()
    assert (first.counts, second.counts) == ((2, 0, 0, 0), (0, 1, 1, 0))
    assert {one["last_name"] for one in listed(owner, CONTACTS)} == {"Martinez", "Durand"}


def test_external_ids_for_records_that_are_here_are_something_to_write(owner: Person) -> None:
    owner.api.post(CONTACTS, json={"last_name": "Martin", "email": "a@example.com"})
    to = ["email", {"to": "external_id", "source": "crm"}]
    file = [["Mail", "Id"], ["a@example.com", "7"]]
    imp = begin(owner, CONTACTS, file, to, mode="update", key=["email"])
    assert (imp.check().counts, imp.run().counts) == ((0, 1, 0, 0), (0, 1, 0, 0))
    again = begin(owner, CONTACTS, file, to, mode="update", key=["email"])
    assert again.check().counts == (0, 0, 1, 0)


def test_external_ids_are_told_apart_letter_by_letter(owner: Person) -> None:
    to = [{"to": "external_id", "source": "crm"}, "last_name"]
    file = [["Id", "Name"], ["aB", "Martin"], ["Ab", "Durand"]]
    imp = begin(owner, CONTACTS, file, to, mode="both", key=["external_id"])
    assert (imp.check().outcomes(), imp.run().outcomes()) == (["create", "create"], ["create", "create"])
    company = {"to": "company_id", "by": "external:crm", "missing": "create"}
    file = [["Name", "Firm", "Firm name"], ["A", "xY", "One"], ["B", "Xy", "Two"]]
    begin(owner, CONTACTS, file, ["last_name", company, "company_id.name"]).run()
    assert sorted(one["name"] for one in listed(owner, COMPANIES)) == ["One", "Two"]


def test_a_company_whose_external_id_is_taken_out_of_reach_refuses_its_row(owner: Person, tenant: Tenant) -> None:
    begin(owner, COMPANIES, [["Id", "Name"], ["7", "Theirs"]], [{"to": "external_id", "source": "crm"}, "name"]).run()
    seller = tenant.member("sales_rep")
    with tenant.work():
        grant(role_by_key("sales_rep").id, "crm.company.view", Reach.OWN)
    company = {"to": "company_id", "by": "external:crm", "missing": "create"}
    file = [["Name", "Firm", "Firm name"], ["Martin", "7", "Mine"], ["Durand", "8", "Other"]]
    imp = begin(seller, CONTACTS, file, ["last_name", company, "company_id.name"]).run()
    assert (imp.outcomes(), imp.faults()) == (["refused", "create"], [(2, "Firm", "7", "taken")])
    assert sorted(one["name"] for one in listed(owner, COMPANIES)) == ["Other", "Theirs"]


def test_a_parent_may_stand_further_down_in_the_file(owner: Person) -> None:
    file = [["Name", "Parent"], ["Leaf", "Branch"], ["Branch", "Root"], ["Root", ""], ["Lost", "Nowhere"]]
    imp = begin(owner, COMPANIES, file, ["name", "parent_id"], mode="both", key=["name"])
    assert imp.check().outcomes() == ["create", "create", "create", "refused"]
    assert imp.run().outcomes() == ["create", "create", "create", "refused"]
    known = {one["name"]: one for one in listed(owner, COMPANIES)}
    assert known["Leaf"]["parent_id"] == known["Branch"]["id"]
    assert known["Branch"]["parent_id"] == known["Root"]["id"]
    assert begin(owner, COMPANIES, file[:4], ["name", "parent_id"], mode="both", key=["name"]).run().counts == (
        0,
        0,
        3,
        0,
    )


def test_companies_above_one_another_in_a_circle_are_refused(owner: Person) -> None:
    file = [["Name", "Parent"], ["A", "B"], ["B", "A"], ["C", ""]]
    imp = begin(owner, COMPANIES, file, ["name", "parent_id"]).run()
    assert imp.outcomes() == ["refused", "refused", "create"]
    assert imp.head["state"] == "done"


def told(imp: Imported) -> dict[str, Any]:
    return dict(imp.ask("GET", "/summary"))
