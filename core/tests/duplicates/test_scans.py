"""Searches for duplicates beside each other."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa

from ossature.duplicates import scan
from ossature.records.lookup import record_type
from ossature.testing.people import Person, Tenant
from ossature.testing.record_api import RecordApi

pytestmark = pytest.mark.database


@pytest.fixture
def contacts(owner: Person) -> RecordApi:
    return RecordApi(owner, "/api/crm/contacts", {"last_name": "Martin"})


def pairs(api: Any, **query: str) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = api.person.api.get(f"{api.path}/duplicates", query_string=query).json["data"]
    return data


def test_two_searches_at_once_forget_nothing_that_either_has_found(
    contacts: Any, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add_two_and_search() -> None:
        for name in ("Kowalski", "Petit"):
            contacts.add(last_name=name, email="office@x.fr")
        search(tenant)

    other, end = Thread(target=add_two_and_search), scan._Pairs.end

    def ends_while_another_begins(found: scan._Pairs) -> int:
        monkeypatch.setattr(scan._Pairs, "end", end)
        other.start()
        while other.is_alive() and not waits(tenant):
            other.join(0.02)
        return end(found)

    monkeypatch.setattr(scan._Pairs, "end", ends_while_another_begins)
    search(tenant)
    other.join()
    assert len(pairs(contacts)) == 1


def search(tenant: Tenant) -> None:
    with tenant.work():
        scan.scan(record_type("crm.contact"))


def waits(tenant: Tenant) -> bool:
    """Whether a search waits for another one to end."""
    with tenant.work() as work:
        waiting = sa.text(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()"
        )
        return bool(work.execute(waiting).scalar_one())
