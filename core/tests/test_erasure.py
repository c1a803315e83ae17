"""Erasing a person, and history that is not kept for ever: the content goes, the proof stays."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import text

from ossature.auth import cli as auth_cli
from ossature.config import Config
from ossature.db import transaction
from ossature.errors import Invalid, NotFound
from ossature.files.storage import storage
from ossature.history import seals
from ossature.history.cli import person_group
from ossature.history.erasure import erase_person, forget_old_history
from ossature.kernel import kernel
from ossature.testing.background import run_pending
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

API = "/api/crm/contacts"
SECRET = "Zéphyrine"


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner", name="Anna Petit")


@pytest.fixture
def hand(hand: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    yield hand
    for table in ("change_rest", "change_set_rest"):  # what was aged has no month of its own; plans count on none
        hand.execute(f"DELETE FROM ossature.{table}".encode())


def add(person: Person, **fields: Any) -> str:
    body = {
        "first_name": SECRET, "last_name": "Martin", "email": "zephyrine@example.org", "notes": f"{SECRET} rides",
        "addresses": [{"line1": f"12 rue {SECRET}", "city": "Lyon"}], **fields,
    }  # fmt: skip
    answer = person.api.post(API, json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


def erase(tenant: Tenant, id: str, record: str = "crm.contact") -> Any:
    with transaction(tenant.context, role="system"):
        return erase_person(kernel().records[record], UUID(id), "asked for by letter")


def test_those_who_were_merged_into_a_person_are_erased_along(tenant: Tenant) -> None:
    owner = tenant.member("owner")
    stays, goes = (
        owner.api.post("/api/contacts", json={"last_name": name}).json["data"]["id"] for name in ("Moreau", "Morot")
    )
    assert owner.api.post("/api/crm/contacts/merge", json={"into": stays, "ids": [goes]}).status_code == 200
    erase(tenant, stays)
    with tenant.work() as work:
        names = work.execute(
            text("SELECT last_name FROM crm.contact WHERE id = ANY(CAST(:ids AS uuid[]))"), {"ids": [stays, goes]}
        )
        assert not {"Moreau", "Morot"} & set(names.scalars())


def seal_and_verify(tenant: Tenant) -> list[str]:
    with tenant.work():
        seals.seal_changes()
    with transaction(tenant.context, role="system"):
        return [str(fault) for fault in seals.faults()]


def test_a_persons_data_is_gone_from_rows_history_and_search_and_the_seals_still_verify(
    owner: Person, tenant: Tenant, hand: psycopg.Connection[Any]
) -> None:
    id = add(owner)
    owner.api.patch(f"{API}/{id}", json={"job_title": f"{SECRET}’s assistant", "phone": "01 44 55 66 77"})
    draft = {"record": "crm.contact", "id": id}
    owner.api.put("/api/ossature/drafts", query_string=draft, json={"values": {"first_name": SECRET}})
    letter = {"file": (io.BytesIO(b"a letter"), f"{SECRET}.txt")}
    sent = owner.api.post(f"{API}/{id}/files", data=letter, content_type="multipart/form-data")
    assert owner.api.post(f"{API}/{id}/notes", json={"text": f"{SECRET} prefers the morning"}).status_code == 201
    stays = add(owner, first_name="Paul", email="paul@example.org", notes=None, addresses=[])
    assert seal_and_verify(tenant) == []

    erased = erase(tenant, id)

    assert (erased.parts, erased.files, erased.changes > 3) == (1, 1, True)
    assert owner.api.get(sent.json["data"]["url"]).status_code == 404
    assert list(storage().held(tenant.id, "kept")) == []
    for table in (
        "crm.contact",
        "crm.contact_address",
        "ossature.change",
        "ossature.event",
        "ossature.job",
        "ossature.draft",
        "ossature.file",
    ):
        query = f"SELECT count(*) FROM {table} t WHERE t.tenant_id = %s AND t::text ILIKE ANY (%s)"
        signs = [f"%{SECRET}%", "%zephyrine@%", "%144556677%"]
        assert hand.execute(query, (tenant.id, signs)).fetchone() == (0,), table
    assert owner.api.get(f"{API}?search={SECRET}").json["data"] == []
    assert owner.api.get(f"{API}/{id}").json["data"]["last_name"] == "Erased"
    assert owner.page.get(f"/crm/contacts/{id}/timeline").status_code == 200
    assert owner.api.get(f"{API}/{stays}").json["data"]["first_name"] == "Paul"
    assert seal_and_verify(tenant) == []


def test_the_erasure_itself_stands_in_the_history_and_its_record_is_kept(owner: Person, tenant: Tenant) -> None:
    id = add(owner)
    erased = erase(tenant, id)
    with tenant.work() as work:
        (kept,) = work.execute(text("SELECT id, kind, record, record_id, reason FROM ossature.erasure")).all()
        written = work.execute(
            text("SELECT payload ->> 'reason' FROM ossature.change WHERE record = 'ossature.erasure'")
        ).scalars()
        assert list(written) == ["asked for by letter"]
    assert tuple(kept) == (erased.id, "person", "crm.contact", UUID(id), "asked for by letter")


def test_what_refers_to_an_erased_person_still_does(owner: Person, tenant: Tenant) -> None:
    company = owner.api.post("/api/crm/companies", json={"name": "Cabinet Dupont"}).json["data"]["id"]
    id = add(owner, company_id=company)
    owner.api.patch(f"/api/crm/companies/{company}", json={"primary_contact_id": id})
    erase(tenant, id)
    page = owner.page.get(f"/crm/companies/{company}")
    assert page.status_code == 200
    assert "Erased" in page.text
    assert SECRET not in page.text


def test_an_erased_record_is_not_changed_on_the_strength_of_what_was_seen_before(owner: Person, tenant: Tenant) -> None:
    id = add(owner)
    erase(tenant, id)
    assert owner.api.post(f"{API}/{id}/restore").status_code == 200
    stale = owner.api.patch(f"{API}/{id}", json={"job_title": "Clerk", "version": 1})
    assert (stale.status_code, stale.json["error"]["code"]) == (409, "stale")


def test_only_records_that_are_there_and_hold_something_personal_are_erased(owner: Person, tenant: Tenant) -> None:
    with pytest.raises(NotFound):
        erase(tenant, "01900000-0000-7000-8000-000000000000")
    sample = owner.api.post("/api/_kinds/shelves", json={"name": "Top"}).json["data"]["id"]
    with pytest.raises(Invalid, match="personal"):
        erase(tenant, sample, "_kinds.shelf")


def test_another_organisations_person_cannot_be_erased(owner: Person, make_tenant: Any) -> None:
    id = add(owner)
    with pytest.raises(NotFound):
        erase(make_tenant(), id)
    assert owner.api.get(f"{API}/{id}").json["data"]["first_name"] == SECRET


@pytest.fixture
def run(app: Flask, ossature_config: Config, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`ossature person ...` in this process, on the tests' own application."""
    monkeypatch.setattr(auth_cli, "create_app", lambda _config: app)
    monkeypatch.setattr(auth_cli.Config, "load", lambda: ossature_config)
    return lambda *words, **more: CliRunner().invoke(person_group, [str(word) for word in words], **more)


def test_an_operator_erases_a_person_and_is_asked_first(
    owner: Person, tenant: Tenant, run: Callable[..., Result]
) -> None:
    id = add(owner)
    words = ("erase", "crm.contact", id, "--tenant", tenant.slug, "--reason", "asked for by letter")
    assert run(*words, input="n\n").exit_code == 1
    assert owner.api.get(f"{API}/{id}").json["data"]["first_name"] == SECRET
    done = run(*words, "--yes")
    assert done.exit_code == 0, done.output
    assert "1 rows that belonged to it" in done.output
    assert owner.api.get(f"{API}/{id}").json["data"]["first_name"] is None
    unknown = run("erase", "crm.kontact", id, "--tenant", tenant.slug, "--reason", "x", "--yes")
    assert (unknown.exit_code, "crm.contact" in unknown.output) == (1, True)


def aged(hand: psycopg.Connection[Any], tenant: Tenant, id: str, months: int) -> None:
    """As if a record's changes so far had been made so many months ago."""
    for table, key in (("change_set", "id IN (SELECT change_set_id FROM ossature.change WHERE root_id = %(id)s)"),
                       ("change", "root_id = %(id)s")):  # fmt: skip
        hand.execute(
            f"UPDATE ossature.{table} SET at = at - make_interval(months => %(months)s) WHERE tenant_id = %(tenant)s "
            f"AND {key}".encode(),
            {"tenant": tenant.id, "id": id, "months": months},
        )


def forget(tenant: Tenant, months: int) -> int:
    with transaction(tenant.context, role="system"):
        return forget_old_history(months, datetime.now(UTC))


def contents(tenant: Tenant, id: str) -> list[Any]:
    with tenant.work() as work:
        query = text("SELECT payload FROM ossature.change WHERE root_id = :id AND record = 'crm.contact' ORDER BY seq")
        return list(work.execute(query, {"id": id}).scalars())


@pytest.mark.req("S4-602")
def test_history_is_kept_as_long_as_the_organisation_chooses_and_stays_provable(
    owner: Person, tenant: Tenant, hand: psycopg.Connection[Any]
) -> None:
    old, young = add(owner), add(owner, email="young@example.org")
    aged(hand, tenant, old, 14)
    aged(hand, tenant, young, 10)
    assert seal_and_verify(tenant) == []
    assert forget(tenant, 0) == 0
    assert forget(tenant, 12) == 2
    assert contents(tenant, old) == [{}]
    assert contents(tenant, young)[0]["first_name"] == SECRET
    assert forget(tenant, 12) == 0
    assert owner.api.get(f"{API}/{old}").json["data"]["first_name"] == SECRET
    assert owner.page.get(f"/crm/contacts/{old}").status_code == 200
    assert seal_and_verify(tenant) == []


@pytest.mark.req("S4-602")
def test_a_record_may_ask_for_a_shorter_life_of_its_history(
    owner: Person, tenant: Tenant, hand: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel().records["crm.contact"].cls, "__keep_history__", 3)
    contact = add(owner)
    company = owner.api.post("/api/crm/companies", json={"name": "Cabinet Dupont"}).json["data"]["id"]
    aged(hand, tenant, contact, 5)
    aged(hand, tenant, company, 5)
    assert forget(tenant, 0) == 2
    assert contents(tenant, contact) == [{}]
    with tenant.work() as work:
        kept = work.execute(text("SELECT payload FROM ossature.change WHERE root_id = :id"), {"id": company})
        assert kept.scalar_one()["name"] == "Cabinet Dupont"


def test_what_a_ledger_holds_is_kept_whatever_the_organisation_chooses(
    owner: Person, tenant: Tenant, hand: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts = replace(kernel().records["crm.contact"], ledger=True)
    monkeypatch.setitem(kernel().records._types, contacts.key, contacts)
    contact = add(owner)
    company = owner.api.post("/api/crm/companies", json={"name": "Cabinet Dupont"}).json["data"]["id"]
    aged(hand, tenant, contact, 14)
    aged(hand, tenant, company, 14)
    assert forget(tenant, 12) == 1
    assert contents(tenant, contact)[0]["first_name"] == SECRET


def test_answers_that_are_kept_and_results_of_changes_of_many_say_nothing_of_the_person(
    owner: Person, tenant: Tenant, hand: psycopg.Connection[Any]
) -> None:
    body, key = {"first_name": SECRET, "last_name": "Martin", "email": "z@example.org"}, {"Idempotency-Key": "one"}
    made = owner.api.post(API, json=body, headers=key)
    id, other = made.json["data"]["id"], {"last_name": "Petit", "email": "petit@example.org"}
    others = owner.api.post(API, json=other, headers={"Idempotency-Key": "two"})
    rows = {"ids": [id, others.json["data"]["id"]], "set": {"job_title": f"Assistant of {SECRET} Martin"}}
    asked = owner.api.post(f"{API}/mass", json=rows)
    assert asked.status_code == 202, asked.text
    owner.api.delete(f"{API}/{id}")
    run_pending(tenant)
    hand.execute("UPDATE ossature.mass_row SET reason = %s WHERE record_id = %s", (f"{SECRET} is gone", id))

    erase(tenant, id)

    again = owner.api.post(API, json=body, headers=key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert (again.json, SECRET in again.text) == ({"success": True, "data": None, "meta": {}}, False)
    assert owner.api.post(API, json=other, headers={"Idempotency-Key": "two"}).json == others.json
    for table in (b"mass", b"mass_row"):
        left = hand.execute(
            b"SELECT t::text FROM ossature." + table + b" t WHERE tenant_id = %s", (tenant.id,)
        ).fetchall()
        assert left
        assert SECRET not in str(left)
