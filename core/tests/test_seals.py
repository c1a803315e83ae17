"""Seals over the history: whatever is altered afterwards shows, and nothing that was written is left out."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from ossature import checks
from ossature.checks import history
from ossature.config import Config
from ossature.db import transaction
from ossature.history import seals
from ossature.jobs import schedules
from ossature.jobs.run import run_job
from ossature.kernel import Kernel
from ossature.rbac.acting import forget_tenants
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

API = "/api/_kinds/samples"


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner", name="Anna Petit")


def add(person: Person, **fields: Any) -> str:
    answer = person.api.post(API, json={"name": "Quartz", **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


def seal(tenant: Tenant) -> int:
    """Seal all that is written: it waits for transactions that began before, those of other tests too."""
    sealed, deadline = 0, time.monotonic() + 30
    while time.monotonic() < deadline:
        with tenant.work() as work:
            sealed += seals.seal_changes()
            left = text("SELECT (SELECT count(*) FROM ossature.change) - coalesce(sum(changes), 0) FROM ossature.seal")
            if work.execute(left).scalar_one() == 0:
                break
        time.sleep(0.05)
    return sealed


def found(tenant: Tenant) -> list[str]:
    with transaction(tenant.context, role="system"):
        return [fault.kind for fault in seals.faults()]


def newest(hand: psycopg.Connection[Any], tenant: Tenant) -> tuple[int, UUID]:
    row = hand.execute(
        "SELECT seq, change_set_id FROM ossature.change WHERE tenant_id = %s AND record = '_kinds.sample' "
        "ORDER BY seq DESC LIMIT 1",
        (tenant.id,),
    ).fetchone()
    assert row is not None
    return row


@pytest.mark.req("S4-600", "S4-601")
def test_every_change_is_sealed_once_in_seals_that_follow_from_one_another(
    owner: Person, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seals, "AT_ONCE", 4)
    for number in range(5):
        add(owner, pieces=number, lines=[{"finding": "salt"}])
    count = seal(tenant)
    assert seal(tenant) == 0
    owner.api.patch(f"{API}/{add(owner)}", json={"pieces": 1})
    assert seal(tenant) == 2
    with tenant.work() as work:
        written = work.execute(text("SELECT seq FROM ossature.change ORDER BY xid, seq")).scalars().all()
        rows = work.execute(text("SELECT number, seqs FROM ossature.seal ORDER BY number")).all()
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) > 3
    assert [seq for row in rows for seq in row.seqs] == written
    assert count == len(written) - 2
    assert found(tenant) == []


ALTERED = [
    ("UPDATE ossature.change SET payload = jsonb_set(payload, '{pieces}', '8') WHERE seq = %(seq)s", "altered"),
    ("UPDATE ossature.change SET digest = sha256('x'), salt = 'x', payload = '{}' WHERE seq = %(seq)s", "altered"),
    ("UPDATE ossature.change SET payload = '{}', salt = NULL WHERE seq = %(seq)s", "altered"),
    ("UPDATE ossature.change SET what = 'restore' WHERE seq = %(seq)s", "other"),
    ("UPDATE ossature.change SET record_id = gen_random_uuid() WHERE seq = %(seq)s", "other"),
    ("UPDATE ossature.change_set SET actor_id = NULL WHERE id = %(set)s", "other"),
    ("UPDATE ossature.change_set SET means = 'page' WHERE id = %(set)s", "other"),
    ("DELETE FROM ossature.change WHERE seq = %(seq)s", "missing"),
    ("UPDATE ossature.seal SET content = sha256('x') WHERE tenant_id = %(tenant)s AND number = 1", "chain"),
    ("DELETE FROM ossature.seal WHERE tenant_id = %(tenant)s AND number = 1", "gap"),
    (
        "INSERT INTO ossature.change (tenant_id, at, change_set_id, record, record_id, root_id, what, payload, salt, "
        "digest, seq, xid) SELECT tenant_id, at, change_set_id, record, record_id, root_id, what, payload, salt, digest, "
        "seq - 1000000, xid FROM ossature.change WHERE seq = %(seq)s",
        "unsealed",
    ),
]


@pytest.mark.req("S4-600")
@pytest.mark.parametrize(("alteration", "kind"), ALTERED)
def test_one_alteration_by_hand_is_found(
    owner: Person, tenant: Tenant, hand: psycopg.Connection[Any], alteration: str, kind: str
) -> None:
    add(owner, pieces=7)
    seal(tenant)
    add(owner, pieces=9)
    seq, change_set = newest(hand, tenant)
    seal(tenant)
    assert found(tenant) == []
    hand.execute(alteration.encode(), {"seq": seq, "set": change_set, "tenant": tenant.id})
    assert kind in found(tenant)


def test_what_is_not_sealed_yet_is_verified_too(owner: Person, tenant: Tenant, hand: psycopg.Connection[Any]) -> None:
    add(owner, pieces=7)
    seq, _set = newest(hand, tenant)
    hand.execute("UPDATE ossature.change SET payload = '{}' WHERE seq = %s", (seq,))
    assert found(tenant) == ["altered"]


def test_a_transaction_that_ends_late_falls_into_a_later_seal(owner: Person, tenant: Tenant) -> None:
    id = add(owner, pieces=1)
    seal(tenant)
    with owner.work() as early:
        early.execute(text("UPDATE _kinds.sample SET pieces = 2 WHERE id = :id"), {"id": id})
        add(owner, pieces=5)
        with tenant.work():
            assert seals.seal_changes() == 0
    seal(tenant)
    with tenant.work() as work:
        sealed = work.execute(text("SELECT unnest(seqs) FROM ossature.seal")).scalars().all()
        written = work.execute(text("SELECT seq FROM ossature.change")).scalars().all()
    assert sorted(sealed) == sorted(written)
    assert found(tenant) == []


def test_a_history_that_came_from_another_cluster_goes_on_being_sealed(
    owner: Person, tenant: Tenant, hand: psycopg.Connection[Any]
) -> None:
    add(owner, pieces=1)
    seal(tenant)
    add(owner, pieces=2)
    hand.execute("UPDATE ossature.change SET xid = 0 WHERE tenant_id = %s", (tenant.id,))
    hand.execute("UPDATE ossature.seal SET cluster = 1, through_xid = 9000000000 WHERE tenant_id = %s", (tenant.id,))
    assert seal(tenant) == 1
    add(owner, pieces=3)
    assert seal(tenant) == 1
    with tenant.work() as work:
        sealed = work.execute(text("SELECT unnest(seqs) FROM ossature.seal")).scalars().all()
    assert len(sealed) == len(set(sealed))
    assert found(tenant) == []


@pytest.mark.parametrize("role", ["app", "system"])
def test_nobody_but_the_databases_owner_can_write_seals_or_take_content_away(
    owner: Person, tenant: Tenant, role: Any
) -> None:
    add(owner, pieces=1)
    seal(tenant)
    closed = [
        "UPDATE ossature.seal SET changes = changes", "DELETE FROM ossature.seal",
        "UPDATE ossature.change SET salt = NULL", "DELETE FROM ossature.change", "DELETE FROM ossature.erasure",
    ]  # fmt: skip
    if role == "app":
        closed += [
            "SELECT ossature.seal_changes()", "SELECT * FROM ossature.seal_faults()",
            "SELECT ossature.forget_changes(gen_random_uuid(), ARRAY[gen_random_uuid()])",
        ]  # fmt: skip
    for statement in closed:
        with (
            pytest.raises(Exception, match="permission denied"),
            transaction(tenant.context, role=role) as work,
        ):
            work.execute(text(statement))


def test_each_organisation_has_a_chain_of_its_own(
    make_tenant: Callable[..., Tenant], hand: psycopg.Connection[Any]
) -> None:
    mine, other = make_tenant(), make_tenant()
    add(mine.member("owner"), pieces=1)
    add(other.member("owner"), pieces=1)
    seal(mine)
    seal(other)
    seq, _set = newest(hand, other)
    hand.execute("UPDATE ossature.change SET payload = '{}' WHERE seq = %s", (seq,))
    assert found(mine) == []
    assert "altered" in found(other)
    with mine.work() as work:
        assert set(work.execute(text("SELECT DISTINCT tenant_id FROM ossature.seal")).scalars()) == {mine.id}


def the_job(app: Flask, tenant: Tenant) -> dict[str, Any]:
    """What the hourly job tells."""
    forget_tenants()
    with tenant.work():
        job_id = schedules.run_now("ossature.seal")
    kernel: Kernel = app.extensions["ossature"]
    assert run_job(kernel, tenant.id, job_id) == "succeeded"
    with tenant.work() as work:
        result = work.execute(text("SELECT result FROM ossature.job WHERE id = :id"), {"id": job_id}).scalar_one()
    return dict(result)


def test_the_hourly_job_seals_and_tells_the_head_of_the_chain(app: Flask, owner: Person, tenant: Tenant) -> None:
    add(owner, pieces=1)
    result = the_job(app, tenant)
    with tenant.work():
        head = seals.head()
    assert head is not None
    assert (result["seal"], result["chain"]) == (head.number, head.chain)
    assert result["changes"] > 0


def test_the_check_of_a_deployment_names_tenant_and_change_of_one_altered_byte(
    owner: Person,
    tenant: Tenant,
    hand: psycopg.Connection[Any],
    ossature_config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add(owner, notes="six of one")
    seq, _set = newest(hand, tenant)
    seal(tenant)
    assert not [problem for problem in history(ossature_config) if problem.text.startswith(tenant.slug)]
    hand.execute(
        "UPDATE ossature.change SET payload = replace(payload::text, 'six', 'sax')::jsonb WHERE seq = %s", (seq,)
    )
    (problem,) = [problem for problem in history(ossature_config) if problem.text.startswith(tenant.slug)]
    assert (problem.part, f"change {seq} was altered" in problem.text) == ("history", True)
    monkeypatch.setattr(checks, "RECENT", timedelta(0))
    assert not [problem for problem in history(ossature_config) if problem.text.startswith(tenant.slug)]
    everything = history(ossature_config, everything=True)
    assert [problem for problem in everything if problem.text.startswith(tenant.slug)] == [problem]


def test_the_hourly_job_reads_each_seal_once_a_week(
    app: Flask, owner: Person, tenant: Tenant, hand: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(owner, notes="six of one")
    seq, _set = newest(hand, tenant)
    seal(tenant)
    hand.execute("UPDATE ossature.change SET payload = '{}' WHERE seq = %s", (seq,))
    monday = datetime(2026, 11, 30, tzinfo=UTC)
    with transaction(tenant.context, role="system"):
        told = [[fault.seq for fault in seals.faults_in_turn(monday + timedelta(hours=hour))] for hour in range(168)]
    assert sorted(told) == [*[[]] * 167, [seq]]
    monkeypatch.setattr(seals, "TURNS", 1)
    result = the_job(app, tenant)
    assert result["faults"] == 1
