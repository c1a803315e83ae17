"""What is old is deleted, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from ossature.builtin import tidy as tidying
from ossature.jobs import schedules
from ossature.jobs.run import run_job
from ossature.kernel import Kernel
from ossature.rbac.acting import forget_tenants
from ossature.testing.people import Tenant


def rows(tenant: Tenant, table: str) -> list[Any]:
    with tenant.work() as opened:
        query = text(f"SELECT * FROM ossature.{table} WHERE tenant_id = :tenant")
        return list(opened.execute(query, {"tenant": tenant.id}).all())


def add_act(tenant: Tenant, days: int) -> None:
    """A change of many records that was asked for so many days ago, with one row."""
    member = tenant.member("viewer")
    with tenant.work() as opened:
        opened.execute(
            text(
                "WITH act AS (INSERT INTO ossature.mass (id, record, act, changes, overwrite, actor_id, created_at, "
                "change_set_id, job_id, total) VALUES (gen_random_uuid(), 'a.b', 'delete', '{}', true, :actor, "
                "now() - make_interval(days => :days), gen_random_uuid(), gen_random_uuid(), 1) RETURNING tenant_id, id) "
                "INSERT INTO ossature.mass_row (tenant_id, mass_id, number, record_id) "
                "SELECT tenant_id, id, 1, gen_random_uuid() FROM act"
            ),
            {"actor": member.member_id, "days": days},
        )


def add_import(tenant: Tenant, days: int) -> None:
    """A file that was imported so many days ago, with one row."""
    member = tenant.member("viewer")
    with tenant.work() as opened:
        opened.execute(
            text(
                "WITH file AS (INSERT INTO ossature.import_run (id, record, filename, size, key, look, mapping, state, "
                "actor_id, created_at, change_set_id, total) VALUES (gen_random_uuid(), 'a.b', 'a.csv', 1, 'key', '{}', "
                "'{}', 'done', :actor, now() - make_interval(days => :days), gen_random_uuid(), 1) "
                "RETURNING tenant_id, id) INSERT INTO ossature.import_row (tenant_id, import_id, number) "
                "SELECT tenant_id, id, 1 FROM file"
            ),
            {"actor": member.member_id, "days": days},
        )


@pytest.mark.database
def test_what_is_old_is_tidied_away_and_no_other_organisations(
    app: Flask, make_tenant: Callable[..., Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidying, "AT_ONCE", 2)
    kernel: Kernel = app.extensions["ossature"]
    forget_tenants()
    tenant, other = make_tenant(), make_tenant()
    for one in (tenant, other):
        with one.work() as opened:
            for state, days in [("succeeded", 31)] * 5 + [
                ("cancelled", 31),
                ("dead", 89),
                ("dead", 91),
                ("queued", 99),
            ]:
                opened.execute(
                    text(
                        "INSERT INTO ossature.job (tenant_id, id, name, version, args, state, most_attempts, time_limit, "
                        "as_system, finished_at, due_at) VALUES (:tenant, gen_random_uuid(), 'a.b', 1, '{}', :state, 1, 1, "
                        "true, now() - make_interval(days => :days), now() + interval '1 day')"
                    ),
                    {"tenant": one.id, "state": state, "days": days},
                )
            for days in (89, 91):
                values = {"tenant": one.id, "days": days}
                opened.execute(
                    text(
                        "INSERT INTO ossature.occurrence (tenant_id, schedule, at) "
                        "VALUES (:tenant, 'a.b', now() - make_interval(days => :days))"
                    ),
                    values,
                )
                opened.execute(
                    text(
                        "INSERT INTO ossature.receipt (tenant_id, handler, event_id, at) "
                        "VALUES (:tenant, 'a.b', gen_random_uuid(), now() - make_interval(days => :days))"
                    ),
                    values,
                )
                add_act(one, days)
        for days in (29, 31):
            add_import(one, days)
        with one.work() as opened:
            for days in (89, 91, 5 * 366):
                opened.execute(
                    text(
                        "INSERT INTO ossature.mail (id, recipients, sender, subject, text, files, state, created_at, "
                        "ended_at) SELECT gen_random_uuid(), '{a@b.example}', 'A', 'B', 'C', '{}', 'sent', at, at "
                        "FROM (SELECT now() - make_interval(days => :days) AS at) t"
                    ),
                    {"days": days},
                )
        person = one.member("viewer")
        with person.work() as opened:
            for days in (29, 31):
                opened.execute(
                    text(
                        "INSERT INTO ossature.draft (id, actor_id, record, record_id, typed, at) VALUES (gen_random_uuid(), "
                        ":actor, 'a.b', gen_random_uuid(), '{}', now() - make_interval(days => :days))"
                    ),
                    {"actor": person.member_id, "days": days},
                )
    with tenant.work():
        job_id = schedules.run_now("ossature.tidy")
    assert run_job(kernel, tenant.id, job_id) == "succeeded"
    found = {row.id: row for row in rows(tenant, "job")}
    assert found.pop(job_id).result == {
        "receipt": 1,
        "kept_answer": 0,
        "occurrence": 1,
        "mass": 1,
        "job": 7,
        "import_run": 1,
        "draft": 1,
        "mail": 1,
        "mail_text": 1,
    }
    assert sorted(row.state for row in found.values()) == ["dead", "queued"]
    assert len(rows(tenant, "occurrence")) == 1
    assert (len(rows(tenant, "mass")), len(rows(tenant, "mass_row"))) == (1, 1)
    assert (len(rows(tenant, "import_run")), len(rows(tenant, "import_row"))) == (1, 1)
    assert sorted(row.text or "" for row in rows(tenant, "mail")) == ["", "C"]
    assert len(rows(other, "mail")) == 3
    assert (len(rows(other, "job")), len(rows(other, "occurrence"))) == (9, 2)
