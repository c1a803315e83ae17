"""Many rows written at once: policies, checks and history apply to them as to any other."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from ossature.api import insert_rows, new_id, record_type
from ossature.testing.people import Tenant

pytestmark = pytest.mark.database


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {"id": new_id(), "name": f"Row {number:03d}", **fields}


def test_rows_are_there_with_their_values_and_their_history(samples: Any, tenant: Tenant) -> None:
    given = {
        "notes": "Tab\there, line\nthere, back\\slash", "token": "open sesame", "price_minor": 1250,
        "price_currency": "EUR", "ratio": Decimal("0.125"), "fragile": True, "taken_on": date(2026, 11, 20),
        "seen_at": datetime(2026, 11, 20, 9, 30, tzinfo=UTC), "custom": {"colour": "green"}, "pieces": None,
    }  # fmt: skip
    with tenant.work() as work:
        assert insert_rows(record_type("_kinds.sample"), (row(number, **given) for number in range(300))) == 300
        stored = work.execute(text("SELECT token FROM _kinds.sample WHERE tenant_id = :t"), {"t": tenant.id}).scalars()
        assert all("open sesame" not in str(token) for token in stored)
    answer = samples.list(limit=200).json
    assert len(answer["data"]) == 200
    assert answer["meta"]["next"]
    first = answer["data"][0]
    assert first["price"] == {"amount": "12.50", "currency": "EUR"}
    assert (first["notes"], first["ratio"], first["taken_on"]) == (given["notes"], "0.125", "2026-11-20")
    with tenant.work() as work:
        written = work.execute(
            text(
                "SELECT count(*), count(DISTINCT change_set_id) FROM ossature.change WHERE tenant_id = :t AND record = :r"
            ),
            {"t": tenant.id, "r": "_kinds.sample"},
        ).one()
    assert tuple(written) == (300, 1)


def test_nothing_is_written_where_one_row_breaks_a_check(samples: Any, tenant: Tenant) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), tenant.work():
        insert_rows(record_type("_kinds.sample"), [row(1, state="raw"), row(2, state="melted")])
    assert samples.names() == []


def test_rows_of_one_tenant_stay_there(samples: Any, tenant: Tenant, make_tenant: Any) -> None:
    other = make_tenant()
    with other.work():
        assert insert_rows(record_type("_kinds.sample"), [row(1)]) == 1
        assert insert_rows(record_type("_kinds.sample"), [row(2)]) == 1
        assert insert_rows(record_type("_kinds.sample"), []) == 0
    assert samples.names() == []
