"""What schedulers do: give each organisation its schedules, plan them, ask for the jobs of those that have come.

A row of `schedule` holds what an organisation chose and when it comes next; a row of `occurrence` stands for one time
that came. The occurrence, its job and the next time are written in one transaction: any number of schedulers may run,
and one that is killed leaves either all of it or nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ossature.context import Context, TenantInfo
from ossature.db.kernel import occurrence
from ossature.db.kernel import schedule as schedule_table
from ossature.db.work import session, transaction
from ossature.jobs.clock import next_time, passed, plan_of, to_run
from ossature.jobs.queue import enqueue
from ossature.kernel import Kernel
from ossature.plugins.manifest import is_on
from ossature.rbac.acting import as_job, tenant_now, write_actor

log = logging.getLogger(__name__)

_HERE = """
WITH declared AS (
  SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:plugins AS text[]), CAST(:crons AS text[])) d (key, plugin, cron)
), here AS (
  SELECT t.id AS tenant_id, t.time_zone, d.key, d.cron FROM ossature.tenant t CROSS JOIN declared d
  WHERE t.status = 'active' AND (d.plugin = 'ossature' OR EXISTS (
    SELECT FROM ossature.tenant_plugin p WHERE p.tenant_id = t.id AND p.key = d.plugin)))
"""
_MISSING = text(
    _HERE
    + """
SELECT h.tenant_id, t.slug, t.name, array_agg(h.key) AS keys FROM here h JOIN ossature.tenant t ON t.id = h.tenant_id
WHERE NOT EXISTS (SELECT FROM ossature.schedule s WHERE s.tenant_id = h.tenant_id AND s.key = h.key)
GROUP BY h.tenant_id, t.slug, t.name
"""
)
_ADD = text("""
INSERT INTO ossature.schedule (tenant_id, id, key)
SELECT CAST(:tenant AS uuid), gen_random_uuid(), key FROM unnest(CAST(:keys AS text[])) key ON CONFLICT DO NOTHING
""")
_FORGET = text(
    _HERE
    + """
UPDATE ossature.schedule s SET next_at = NULL, planned_by = NULL FROM declared d
WHERE d.key = s.key AND s.planned_by IS NOT NULL
  AND NOT EXISTS (SELECT FROM here h WHERE h.tenant_id = s.tenant_id AND h.key = s.key)
"""
)
_UNPLANNED = text(
    _HERE
    + """
SELECT s.tenant_id, s.key, coalesce(s.cron, h.cron) AS cron, h.time_zone, s.next_at, s.planned_by
FROM ossature.schedule s JOIN here h ON h.tenant_id = s.tenant_id AND h.key = s.key
WHERE s.active AND (s.next_at IS NULL
  OR (s.next_at > :now AND s.planned_by IS DISTINCT FROM coalesce(s.cron, h.cron) || '|' || h.time_zone))
"""
)
_PLAN = text("""
UPDATE ossature.schedule s SET next_at = v.next_at, planned_by = v.planned_by
FROM unnest(CAST(:tenants AS uuid[]), CAST(:keys AS text[]), CAST(:next_ats AS timestamptz[]),
            CAST(:plans AS text[]), CAST(:old_ats AS timestamptz[]), CAST(:old_plans AS text[]))
  v (tenant_id, key, next_at, planned_by, old_at, old_plan)
WHERE s.tenant_id = v.tenant_id AND s.key = v.key AND s.active
  AND s.next_at IS NOT DISTINCT FROM v.old_at AND s.planned_by IS NOT DISTINCT FROM v.old_plan
""")
_DUE = text(
    _HERE
    + """
SELECT s.tenant_id, s.key, s.next_at FROM ossature.schedule s JOIN here h ON h.tenant_id = s.tenant_id AND h.key = s.key
WHERE s.active AND s.next_at <= :until ORDER BY s.next_at
"""
)


@dataclass(frozen=True, slots=True)
class Due:
    """A time that a schedule of a tenant has come to, or comes to soon."""

    tenant_id: UUID
    key: str
    at: datetime


def reconcile(kernel: Kernel, now: datetime) -> None:
    """Give every tenant the schedules of its plugins, and work out when each comes next where that is not known.

    What is declared no longer stays as it is and is not run. Where the plugin or the tenant is off the next time is
    forgotten: switched on again, a schedule goes on from then.
    """
    declared = _declared(kernel)
    with _as_system(kernel) as work:
        missing = work.execute(_MISSING, declared).all()
        work.execute(_FORGET, declared)
    for row in missing:  # each in a transaction of its own, since a change set belongs to one tenant
        tenant = TenantInfo(row.tenant_id, row.slug, row.name)
        with transaction(Context(tenant, means="system"), role="system", database=kernel.db) as work:
            work.execute(_ADD, {"tenant": row.tenant_id, "keys": row.keys})
    _plan(kernel, declared, now)


def due(kernel: Kernel, until: datetime) -> list[Due]:
    """What comes until then, over all tenants, earliest first."""
    with _as_system(kernel) as work:
        return [Due(*row) for row in work.execute(_DUE, {**_declared(kernel), "until": until})]


def run_due(kernel: Kernel, one: Due, now: datetime) -> datetime | None:
    """Ask for the jobs of a schedule that has come to its time, each occurrence once, and move on to its next time.

    Returns the next time; None when another scheduler is at it or it was changed meanwhile.
    """
    schedule = kernel.background.schedules[one.key]
    tenant, plugins = tenant_now(one.tenant_id)
    if tenant is None or not is_on(schedule.plugin, plugins):
        return None
    context = as_job(tenant, plugins, schedule.job.key, str(schedule.job.label)).with_(reason=str(schedule.label))
    mine = (schedule_table.c.tenant_id == tenant.id, schedule_table.c.key == one.key)
    with transaction(context, database=kernel.db) as work:
        row = work.execute(
            sa.select(schedule_table.c.cron, schedule_table.c.planned_by)
            .where(*mine, schedule_table.c.active, schedule_table.c.next_at == one.at)
            .with_for_update(skip_locked=True)
        ).one_or_none()
        if row is None:
            return None
        planned_cron, _bar, planned_zone = row.planned_by.rpartition("|")
        came = passed(planned_cron, planned_zone, one.at, now)
        _ask(kernel, context, one.key, came, to_run(schedule.missed, came, now))
        cron = row.cron or schedule.cron
        following = next_time(cron, tenant.time_zone, now)
        work.execute(
            sa.update(schedule_table).where(*mine).values(next_at=following, planned_by=plan_of(cron, tenant.time_zone))
        )
    return following


def _ask(kernel: Kernel, context: Context, key: str, came: Sequence[datetime], run: Sequence[datetime]) -> None:
    """Write the occurrences, and a job for each that is to be run and was not written before."""
    schedule, work = kernel.background.schedules[key], session()
    written = set(
        work.scalars(
            insert(occurrence)
            .values([{"tenant_id": context.tenant_id, "schedule": key, "at": moment} for moment in came])
            .on_conflict_do_nothing()
            .returning(occurrence.c.at)
        )
    )
    asked = [moment for moment in run if moment in written]
    if asked:
        assert context.actor is not None
        write_actor(context.actor)
    for moment in asked:
        args = schedule.args if schedule.args is not None else schedule.job.args()
        job_id = enqueue(schedule.job, args, schedule=key)
        work.execute(
            sa.update(occurrence)
            .where(
                occurrence.c.tenant_id == context.tenant_id, occurrence.c.schedule == key, occurrence.c.at == moment
            )
            .values(job_id=job_id)
        )  # fmt: skip


def _plan(kernel: Kernel, declared: dict[str, list[str]], now: datetime) -> None:
    """What is due already is left to `run_due`, which goes by the former plan once more before it plans anew."""
    with _as_system(kernel) as work:
        known: dict[tuple[str, str], datetime | None] = {}
        new = []
        for row in work.execute(_UNPLANNED, {**declared, "now": now}):
            if (row.cron, row.time_zone) not in known:
                known[row.cron, row.time_zone] = _next_or_none(row.cron, row.time_zone, now)
            following = known[row.cron, row.time_zone]
            if following is not None:
                plan = plan_of(row.cron, row.time_zone)
                new.append((row.tenant_id, row.key, following, plan, row.next_at, row.planned_by))
        if new:
            names = ("tenants", "keys", "next_ats", "plans", "old_ats", "old_plans")
            work.execute(_PLAN, dict(zip(names, map(list, zip(*new, strict=True)), strict=True)))


def _next_or_none(cron: str, time_zone: str, now: datetime) -> datetime | None:
    try:
        return next_time(cron, time_zone, now)
    except Exception:  # one bad row does not keep the others from being planned
        log.exception("the schedule %r in time zone %r cannot be worked out", cron, time_zone)
        return None


def _declared(kernel: Kernel) -> dict[str, list[str]]:
    found = kernel.background.schedules.values()
    return {
        "keys": [one.key for one in found],
        "plugins": [one.plugin for one in found],
        "crons": [one.cron for one in found],
    }


def _as_system(kernel: Kernel) -> AbstractContextManager[Session]:
    return transaction(Context(means="system"), role="system", database=kernel.db)
