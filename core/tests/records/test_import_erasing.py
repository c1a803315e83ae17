"""Erasing a person reaches imports: rows of files, what was said of their texts, and what is kept under a name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from ossature.db import transaction
from ossature.files.storage import storage
from ossature.history.erasure import Erased, erase_person
from ossature.kernel import kernel
from ossature.testing.importing import begin
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

CONTACTS = "/api/contacts"
TO = ["first_name", "last_name", "email", "phone"]
HEAD = ["First", "Last", "Mail", "Tel"]
OTHERS = [["Paul", "Petit", "paul@example.org", "0612345678"], ["Zoé", "Martin", "zoe@example.org", ""]]
PERSON = ["Zéphyrine", "Martin", "zephyrine@example.org", "01 44 55 66 77"]


def erase(tenant: Tenant, id: str) -> Erased:
    with transaction(tenant.context, role="system"):
        return erase_person(kernel().records["crm.contact"], UUID(id), "asked for by letter")


def left_in(hand: psycopg.Connection[Any], tenant: Tenant, *signs: str) -> list[str]:
    found = []
    for table in ("import_run", "import_row", "import_preset"):
        query = f"SELECT count(*) FROM ossature.{table} t WHERE t.tenant_id = %s AND t::text ILIKE ANY (%s)"
        row = hand.execute(query.encode(), (tenant.id, [f"%{sign}%" for sign in signs])).fetchone()
        if row and row[0]:
            found.append(table)
    return found


def test_rows_about_an_erased_person_leave_imports_and_the_others_go_on(
    owner: Person, tenant: Tenant, hand: psycopg.Connection[Any]
) -> None:
    known = owner.api.post(CONTACTS, json=dict(zip(TO, PERSON, strict=True)))
    id = known.json["data"]["id"]
    begun = begin(owner, CONTACTS, [HEAD, PERSON, *OTHERS], TO)
    by_address = [HEAD, ["Z.", "M.", "Z <ZEPHYRINE@example.org>", ""], *OTHERS]
    checked = begin(owner, CONTACTS, by_address, TO, mode="both", key=["email"]).check()
    by_number = [HEAD, ["", "", "", "+33 1.44.55.66.77"], *OTHERS]
    refused = begin(owner, CONTACTS, by_number, TO).check()
    by_name = [HEAD, ["ZEPHYRINE", "Martin", "zephyrine(at)exemple", ""], *OTHERS]
    failed = begin(owner, CONTACTS, by_name, TO).check()
    by_key = [["Id", "Last"], [id, "Changed"], ["01900000-0000-7000-8000-000000000000", "Nobody"]]
    updating = begin(owner, CONTACTS, by_key, ["id", "last_name"], mode="update", key=["id"]).check()

    assert erase(tenant, id).import_rows == 5

    assert left_in(hand, tenant, "Zéphyrine", "Zephyrine", "44.55", "44 55", "Changed") == []
    for imp in (begun, checked, refused, failed):
        imp.again()
        assert (imp.head["total"], [row["number"] for row in imp.rows()]) == (2, [3, 4])
        assert imp.run().counts == (2, 0, 0, 0) or imp is checked
    assert [row["number"] for row in updating.rows()] == [3]
    assert list(storage().held(tenant.id, "pending")) == []
    gone = updating.ask("PATCH", status=409, json={"notation": {"delimiter": ";"}})
    assert gone is None, "the file is no longer kept"


def test_a_row_that_waits_under_the_same_name_alone_stays(owner: Person, tenant: Tenant) -> None:
    id = owner.api.post(CONTACTS, json=dict(zip(TO, PERSON, strict=True))).json["data"]["id"]
    imp = begin(owner, CONTACTS, [HEAD, ["Zéphyrine", "Martin", "another@example.org", ""]], TO)
    assert erase(tenant, id).import_rows == 0
    assert imp.run().counts == (1, 0, 0, 0)


def test_a_former_address_leads_to_rows_as_well(owner: Person, tenant: Tenant) -> None:
    id = owner.api.post(CONTACTS, json=dict(zip(TO, PERSON, strict=True))).json["data"]["id"]
    assert owner.api.patch(f"{CONTACTS}/{id}", json={"email": "new@example.org"}).status_code == 200
    imp = begin(owner, CONTACTS, [HEAD, ["", "M", "zephyrine@example.org", ""], *OTHERS], TO)
    assert erase(tenant, id).import_rows == 1
    assert len(imp.rows()) == 2


def test_what_was_said_of_a_persons_texts_goes_with_them(
    owner: Person, tenant: Tenant, hand: psycopg.Connection[Any]
) -> None:
    id = owner.api.post(CONTACTS, json=dict(zip(TO, PERSON, strict=True))).json["data"]["id"]
    company = {"to": "company_id", "values": {"Zéphyrine Martin": "Acme", "Akme": "Acme"}}
    imp = begin(owner, CONTACTS, [["Name", "Firm"], ["Durand", "Akme"]], ["last_name", company])
    kept = owner.api.post(f"{CONTACTS}/imports/presets", json={"import_id": imp.head["id"], "name": "Fair"})
    assert kept.status_code == 201, kept.text
    erase(tenant, id)
    assert left_in(hand, tenant, "Zéphyrine") == []
    assert imp.again().head["mapping"]["columns"][1]["values"] == {"Akme": "Acme"}


def test_what_is_kept_under_a_name_says_nothing_of_people(owner: Person) -> None:
    to = [
        {"to": "last_name", "values": {"Zéphyrine": "Martin"}},
        {"to": "email", "values": {"z@example.org": "zephyrine@example.org"}},
        {"to": "status", "values": {"Kunde": "customer"}},
        {"to": "company_id", "values": {"Akme": "Acme"}},
        {"to": "department", "values": {"Zéphyrine’s": "Sales"}},
    ]
    file = [["Name", "Mail", "Status", "Firm", "Part"], ["Durand", "d@example.org", "Kunde", "Akme", ""]]
    defaults = {"job_title": "Zéphyrine’s assistant", "addresses.city": "Lyon", "source": "event"}
    imp = begin(owner, CONTACTS, file, [*to], defaults=defaults)
    kept = owner.api.post(f"{CONTACTS}/imports/presets", json={"import_id": imp.head["id"], "name": "Fair"})
    mapping = kept.json["data"]["mapping"]
    assert [column["values"] for column in mapping["columns"]] == [{}, {}, {"Kunde": "customer"}, {"Akme": "Acme"}, {}]
    assert mapping["defaults"] == {"source": "event"}
    again = begin(owner, CONTACTS, file)
    assert again.head["mapping"] == mapping
    assert imp.again().head["mapping"]["defaults"] == defaults


def test_what_texts_of_other_records_stand_for_is_kept_under_a_name(owner: Person) -> None:
    product = {"to": "lines.description", "values": {"GTXPro": "GTX Pro"}, "others": "refuse"}
    firm = {"to": "company_id", "values": {"Akme": "Acme"}, "missing": "create"}
    file = [["Deal", "Product", "Firm"], ["One", "GTXPro", "Akme"]]
    imp = begin(owner, "/api/crm/deals", file, ["name", product, firm])
    asked = {"import_id": imp.head["id"], "name": "Opportunities"}
    mapping = owner.api.post("/api/crm/deals/imports/presets", json=asked).json["data"]["mapping"]
    assert [column["values"] for column in mapping["columns"]] == [{}, {"GTXPro": "GTX Pro"}, {"Akme": "Acme"}]
    assert begin(owner, "/api/crm/deals", file).head["mapping"] == mapping
