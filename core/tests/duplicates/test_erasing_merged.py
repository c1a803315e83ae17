"""Erasing people who were merged: nothing of them stays with whom they were merged into, or were for a while."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from click.testing import CliRunner
from flask import Flask

from ossature.auth import cli as auth_cli
from ossature.config import Config
from ossature.db import transaction
from ossature.errors import Conflict
from ossature.history import seals
from ossature.history.cli import person_group
from ossature.history.erasure import Erased, erase_person
from ossature.kernel import kernel
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

API = "/api/crm/contacts"
SECRET = "Zéphyrine"
SIGNS = [f"%{SECRET}%", "%zephyrine@%", "%144556677%", "%HS-4711%"]
TABLES = (
    "crm.contact", "crm.contact_address", "ossature.change", "ossature.event", "ossature.external_id", "ossature.note",
    "ossature.file",
)  # fmt: skip


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner", name="Anna Petit")


def add(person: Person, **fields: Any) -> str:
    answer = person.api.post(API, json=fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


def add_secret(person: Person) -> str:
    """Somebody of whom there is something everywhere."""
    id = add(
        person, first_name=SECRET, last_name="Martin", email="zephyrine@example.org", phone="01 44 55 66 77",
        addresses=[{"line1": f"12 rue {SECRET}", "city": "Lyon"}],
    )  # fmt: skip
    here = f"{API}/{id}"
    assert person.api.post(f"{here}/notes", json={"text": f"{SECRET} rides"}).status_code == 201
    letter = {"file": (io.BytesIO(b"a letter"), f"{SECRET}.txt")}
    assert person.api.post(f"{here}/files", data=letter, content_type="multipart/form-data").status_code == 201
    external = person.api.put(f"{here}/external-ids/hubspot/HS-4711")
    assert external.status_code in (200, 201), external.text
    return id


def merge(person: Person, into: str, *others: str) -> str:
    answer = person.api.post(f"{API}/merge", json={"into": into, "ids": [*others]})
    assert answer.status_code == 200, answer.text
    return str(answer.json["meta"]["change_set_id"])


def purge(person: Person, id: str) -> None:
    answer = person.page.post("/bin/purge", data={"items": f"crm.contact:{id}", "sure": "1"})
    assert answer.status_code == 303, answer.text


def undo(person: Person, change_set: str) -> None:
    answer = person.api.post(f"/api/ossature/change-sets/{change_set}/undo", json={})
    assert answer.status_code == 200, answer.text


def erase(tenant: Tenant, id: str) -> Erased:
    with transaction(tenant.context, role="system"):
        return erase_person(kernel().records["crm.contact"], UUID(id), "asked for by letter")


def left_in(hand: psycopg.Connection[Any], tenant: Tenant) -> dict[str, int]:
    """The tables in which something of the person still stands."""
    found = {}
    for table in TABLES:
        query = f"SELECT count(*) FROM {table} t WHERE t.tenant_id = %s AND t::text ILIKE ANY (%s)"
        row = hand.execute(query.encode(), (tenant.id, SIGNS)).fetchone()
        if row and row[0]:
            found[table] = row[0]
    return found


def faults(tenant: Tenant) -> list[str]:
    with tenant.work():
        seals.seal_changes()
    with transaction(tenant.context, role="system"):
        return [str(fault) for fault in seals.faults()]


def test_one_who_was_merged_and_parted_again_leaves_nothing_with_the_other(
    owner: Person, tenant: Tenant, hand: psycopg.Connection[Any]
) -> None:
    other, id = add(owner, last_name="Morel", job_title="Clerk"), add_secret(owner)
    change_set = merge(owner, other, id)
    for email in ("m@example.org", "zephyrine@example.org"):
        assert owner.api.patch(f"{API}/{other}", json={"email": email}).status_code == 200
    undo(owner, change_set)
    assert owner.api.patch(f"{API}/{other}", json={"job_title": "Head clerk"}).status_code == 200
    assert faults(tenant) == []

    erased = erase(tenant, id)

    assert left_in(hand, tenant) == {}
    assert (erased.records, erased.touched) == ((UUID(id),), (UUID(other),))
    stays = owner.api.get(f"{API}/{other}").json["data"]
    assert (stays["last_name"], stays["job_title"]) == ("Morel", "Head clerk")
    query = b"SELECT count(*) FROM ossature.change WHERE root_id = %s AND salt IS NOT NULL"
    assert hand.execute(query, (other,)).fetchone() == (2,), "as made, and the last change"
    assert owner.page.get(f"/crm/contacts/{other}/timeline").status_code == 200
    assert faults(tenant) == []


def test_what_stands_with_the_other_is_taken_out_where_one_was_only_restored(
    owner: Person, tenant: Tenant, hand: psycopg.Connection[Any]
) -> None:
    other, id = add(owner, last_name="Morel", job_title="Clerk"), add_secret(owner)
    merge(owner, other, id)
    assert owner.api.post(f"{API}/{id}/restore").status_code == 200
    assert owner.api.get(f"{API}/{other}").json["data"]["email"] == "zephyrine@example.org"

    erased = erase(tenant, id)

    assert left_in(hand, tenant) == {}
    assert (erased.notes, erased.files, erased.parts) == (1, 1, 1)
    stays = owner.api.get(f"{API}/{other}").json["data"]
    assert (stays["last_name"], stays["job_title"], stays["email"], stays["addresses"]) == ("Morel", "Clerk", None, [])
    assert faults(tenant) == []


def test_one_who_went_on_with_the_other_into_a_third_is_followed_there(
    owner: Person, tenant: Tenant, hand: psycopg.Connection[Any]
) -> None:
    third, other, id = add(owner, last_name="Morello"), add(owner, last_name="Morel"), add_secret(owner)
    first = merge(owner, other, id)
    second = merge(owner, third, other)
    undo(owner, second)
    undo(owner, first)
    erased = erase(tenant, id)
    assert left_in(hand, tenant) == {}
    assert set(erased.touched) == {UUID(other), UUID(third)}
    assert owner.api.get(f"{API}/{third}").json["data"]["last_name"] == "Morello"


def test_those_merged_into_a_person_are_erased_through_one_that_was_purged(
    owner: Person, tenant: Tenant, hand: psycopg.Connection[Any]
) -> None:
    id, between, stays = add_secret(owner), add(owner, last_name="Morel"), add(owner, last_name="Morello")
    merge(owner, between, id)
    merge(owner, stays, between)
    purge(owner, between)
    erased = erase(tenant, stays)
    assert set(erased.records) == {UUID(id), UUID(between), UUID(stays)}
    assert left_in(hand, tenant) == {}


def test_what_the_history_says_of_one_that_was_purged_is_erased(
    owner: Person, tenant: Tenant, hand: psycopg.Connection[Any]
) -> None:
    id = add_secret(owner)
    assert owner.api.delete(f"{API}/{id}").status_code in (200, 204)
    purge(owner, id)
    assert left_in(hand, tenant).keys() == {"ossature.change"}
    assert erase(tenant, id).changes > 0
    assert left_in(hand, tenant) == {}


def test_who_was_merged_is_not_erased_alone_and_it_is_said_whom_to_erase(
    owner: Person, tenant: Tenant, app: Flask, ossature_config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    stays, between, id = (add(owner, last_name=name) for name in ("Morel", "Morello", "Moreau"))
    merge(owner, between, id)
    merge(owner, stays, between)
    with pytest.raises(Conflict, match=stays):
        erase(tenant, id)
    monkeypatch.setattr(auth_cli, "create_app", lambda _config: app)
    monkeypatch.setattr(auth_cli.Config, "load", lambda: ossature_config)
    run: Callable[[str], Any] = lambda one: CliRunner().invoke(  # noqa: E731
        person_group, ["erase", "crm.contact", one, "--tenant", tenant.slug, "--reason", "by letter", "--yes"]
    )
    refused = run(id)
    assert (refused.exit_code, f"Erase {stays}" in refused.output) == (1, True)
    done = run(stays)
    assert done.exit_code == 0, done.output
    assert {id, between, stays} <= set(done.output.replace(",", " ").split())
