"""Many rows written together, each with values of its own: as if one after the other were written alone."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from ossature.api import record_type
from ossature.records.many import Change, NewRow, Outcome, create_many, update_many_each
from ossature.testing.people import Person

pytestmark = pytest.mark.database


def told(outcome: Outcome) -> tuple[str, str | None]:
    details = outcome.refusal.details if outcome.refusal else ()
    return outcome.what, details[0].code if details else None


def test_each_row_is_created_or_told_why_not(owner: Person) -> None:
    contact = record_type("crm.contact")
    rows = [
        NewRow({"last_name": "Durand", "addresses": [{"line1": "1 rue Victor", "city": "Lyon"}]}),
        NewRow({"first_name": "Nobody"}),
        NewRow({"last_name": "Petit", "company_id": uuid4()}),
        NewRow({"last_name": "Roux"}),
    ]
    with owner.work():
        outcomes = create_many(contact, rows)
    assert [one.id for one in outcomes] == [row.id for row in rows]
    assert [told(one) for one in outcomes] == [
        ("created", None), ("refused", "required"), ("refused", "not_found"), ("created", None)
    ]  # fmt: skip
    read: Any = owner.api.get(f"/api/contacts/{rows[0].id}").json["data"]
    assert (read["last_name"], read["addresses"][0]["city"]) == ("Durand", "Lyon")


def test_each_row_is_changed_to_its_own_values(owner: Person) -> None:
    contact = record_type("crm.contact")
    rows = [NewRow({"last_name": name}) for name in ("Durand", "Petit", "Roux")]
    with owner.work():
        create_many(contact, rows)
    with owner.work():
        outcomes = update_many_each(
            contact,
            {
                rows[0].id: Change({"first_name": "Anna"}), rows[1].id: Change({"last_name": "Petit"}),
                rows[2].id: Change({"last_name": ""}), uuid4(): Change({"last_name": "Nobody"}),
            },
        )  # fmt: skip
    assert [one.what for one in outcomes] == ["changed", "unchanged", "refused", "refused"]
    assert [one.row["last_name"] if one.row else None for one in outcomes] == ["Durand", "Petit", "Roux", None]
    assert owner.api.get(f"/api/contacts/{rows[0].id}").json["data"]["first_name"] == "Anna"
