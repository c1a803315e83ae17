"""Searches for duplicates beside each other, and what they make of what was decided."""

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


def undo(contacts: Any, change_set: str) -> str:
    answer = contacts.person.api.post(f"/api/ossature/change-sets/{change_set}/undo", json={})
    assert answer.status_code == 200, answer.text
    return str(answer.json["data"]["change_set_id"])


def search(tenant: Tenant) -> None:
    with tenant.work():
        scan.scan(record_type("crm.contact"))


@pytest.mark.req("A-017", "S4-362")
def test_what_was_set_apart_stays_so_when_one_of_the_two_is_merged(contacts: Any, tenant: Tenant) -> None:
    a, b, c = (contacts.add(first_name=name, email="office@x.fr")["id"] for name in ("Abel", "Abell", "Zidane"))

    def shown(state: str) -> set[frozenset[str]]:
        return {frozenset(one["ids"]) for one in pairs(contacts, state=state)}

    search(tenant)
    assert shown("open") == {frozenset(two) for two in ((a, b), (a, c), (b, c))}
    apart = next(one["id"] for one in pairs(contacts) if set(one["ids"]) == {b, c})
    assert contacts.person.api.post(f"{contacts.path}/duplicates/{apart}/dismiss").status_code == 200
    merged = contacts.person.api.post(f"{contacts.path}/merge", json={"into": a, "ids": [b]})
    assert merged.status_code == 200, merged.text
    search(tenant)
    assert (shown("open"), shown("dismissed")) == (set(), {frozenset((a, c))})
    undone = undo(contacts, merged.json["meta"]["change_set_id"])
    search(tenant)
    assert shown("open") == {frozenset((a, b)), frozenset((a, c))}
    assert shown("dismissed") == {frozenset((b, c))}
    undo(contacts, undone)
    search(tenant)
    assert (shown("open"), shown("dismissed")) == (set(), {frozenset((a, c))})


def test_what_was_set_apart_takes_the_place_of_no_other_pair(
    contacts: Any, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "MOST_EACH", 1)
    one = contacts.add(last_name="Abel", email="office@x.fr", phone="01 23 45 67 89")["id"]
    contacts.add(last_name="Zidane", email="office@x.fr")
    contacts.add(last_name="Kowalski", phone="01 23 45 67 89")
    search(tenant)
    (found,) = pairs(contacts)
    contacts.person.api.post(f"{contacts.path}/duplicates/{found['id']}/dismiss")
    search(tenant)
    (other,) = pairs(contacts)
    assert (other["id"] != found["id"], one in other["ids"]) == (True, True)


def waits(tenant: Tenant) -> bool:
    """Whether a search waits for another one to end."""
    with tenant.work() as work:
        waiting = sa.text(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()"
        )
        return bool(work.execute(waiting).scalar_one())
