"""An organisation's schedules: what it sees of them and may choose. Everything within a unit of work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from cronsim import CronSim, CronSimError
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from ossature.context import Actor, current, use_context
from ossature.db.kernel import schedule as schedule_table
from ossature.db.kernel import tenant as tenant_table
from ossature.db.work import session
from ossature.errors import Conflict, Detail, Invalid, NotFound
from ossature.events.wake import SCHEDULER, wake_after_commit
from ossature.hooks.types import Label
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.jobs.clock import next_time, plan_of
from ossature.jobs.queue import enqueue
from ossature.jobs.types import Schedule
from ossature.kernel import kernel
from ossature.plugins.activation import enabled_plugins
from ossature.plugins.manifest import KERNEL

_, _l, _n = translator("ossature")

_LONGEST_CRON = 100

_LISTING = text("""
SELECT s.key, s.cron, s.active, s.next_at, o.at, o.job_id, j.state FROM ossature.schedule s
LEFT JOIN LATERAL (SELECT x.at, x.job_id FROM ossature.occurrence x
  WHERE x.tenant_id = s.tenant_id AND x.schedule = s.key ORDER BY x.at DESC LIMIT 1) o ON true
LEFT JOIN ossature.job j ON j.tenant_id = s.tenant_id AND j.id = o.job_id
WHERE s.tenant_id = :tenant
""")


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A schedule as an organisation sees it.

    `cron` is the one in force, `declared_cron` that of the plugin. `next_at` is None while it is paused, and for half
    a minute when it is new. The last occurrence has no job when it was missed and left out, or when its job was tidied
    away; `last_state` is that of the job.
    """

    key: str
    label: Label
    plugin: str
    cron: str
    declared_cron: str
    fixed: bool
    active: bool = True
    next_at: datetime | None = None
    last_at: datetime | None = None
    last_job_id: UUID | None = None
    last_state: str | None = None


def listing() -> list[ScheduleRow]:
    """The schedules of the bound tenant's plugins, by key."""
    rows = {row.key: row for row in session().execute(_LISTING, {"tenant": current().tenant_id})}
    found = []
    for one in _declared():
        row = rows.get(one.key)
        known = (row.active, row.next_at, row.at, row.job_id, row.state) if row else ()
        cron = (row.cron if row else None) or one.cron
        found.append(ScheduleRow(one.key, one.label, one.plugin, cron, one.cron, one.fixed, *known))
    return found


def pause(key: str) -> None:
    """Let a schedule of the bound tenant rest. Raises `NotFound`, and `Conflict` when it is fixed."""
    _changeable(key)
    _change(key, active=False, next_at=None, planned_by=None)


def resume(key: str) -> None:
    """Let a paused schedule go on from now: what passed meanwhile is not made up for. Raises as `pause`."""
    schedule = _changeable(key)
    row = _locked(key)
    if not row.active:
        _change(key, active=True, **_planned(row.cron or schedule.cron))


def set_cron(key: str, cron: str | None) -> None:
    """Run a schedule of the bound tenant at times of its own; None goes back to the plugin's.

    Raises as `pause`, and `Invalid` when `cron` cannot be read or never comes.
    """
    schedule = _changeable(key)
    if cron is not None:
        cron = " ".join(cron.split())
        if fault := _fault(cron):
            raise Invalid(fault, [Detail("cron", "invalid", fault)])
    row = _locked(key)
    _change(key, cron=cron, **(_planned(cron or schedule.cron) if row.active else {}))


def run_now(key: str) -> UUID:
    """Ask for a schedule's job at once, beside its own times, also while it is paused; returns the job's id.

    It runs as at its own times, as the system; the job names who asked.
    """
    schedule = _find(key)
    context = current()
    acting = Actor(context.actor.id if context.actor else new_id(), "job", str(schedule.label))
    with use_context(context.with_(actor=acting)):
        return enqueue(schedule.job, schedule.args if schedule.args is not None else schedule.job.args(), schedule=key)


def _declared() -> list[Schedule]:
    context = current()
    if context.tenant_id is None:
        raise RuntimeError("schedules are asked for where no tenant is bound")
    enabled = {KERNEL, *enabled_plugins(session(), context.tenant_id)}
    return sorted(
        (one for one in kernel().background.schedules.values() if one.plugin in enabled), key=lambda one: one.key
    )


def _find(key: str) -> Schedule:
    found = next((one for one in _declared() if one.key == key), None)
    if found is None:
        raise NotFound(_("There is no such schedule."))
    return found


def _changeable(key: str) -> Schedule:
    found = _find(key)
    if found.fixed:
        raise Conflict(_("This schedule is fixed: it can be neither paused nor moved."), code="fixed")
    return found


def _locked(key: str) -> sa.Row[Any]:
    """The row, made when the scheduler has not come to it yet, locked until the end of the unit of work."""
    work, tenant_id = session(), current().tenant_id
    work.execute(
        insert(schedule_table)
        .values(tenant_id=tenant_id, id=new_id(), key=key)
        .on_conflict_do_nothing(index_elements=["tenant_id", "key"])
    )
    return work.execute(
        sa.select(schedule_table)
        .where(schedule_table.c.tenant_id == tenant_id, schedule_table.c.key == key)
        .with_for_update()
    ).one()


def _change(key: str, **values: Any) -> None:
    _locked(key)
    session().execute(
        sa.update(schedule_table)
        .where(schedule_table.c.tenant_id == current().tenant_id, schedule_table.c.key == key)
        .values(**values)
    )
    wake_after_commit(SCHEDULER)


def _planned(cron: str) -> dict[str, Any]:
    """Planned here rather than by the scheduler, so that nothing is lost while none runs."""
    zone = session().scalar(sa.select(tenant_table.c.time_zone).where(tenant_table.c.id == current().tenant_id))
    assert zone is not None
    return {"next_at": next_time(cron, zone, datetime.now(UTC)), "planned_by": plan_of(cron, zone)}


def _fault(cron: str) -> str | None:
    """What is wrong with a cron, in words for people."""
    fields = cron.split()
    if len(fields) != 5 or len(cron) > _LONGEST_CRON:
        return _("Write five fields: minute, hour, day, month, weekday; “30 3 * * *” is every day at 3:30.")
    try:
        CronSim(cron, datetime(2026, 1, 1))  # noqa: DTZ001 - only the spelling is looked at
    except CronSimError as error:
        return {
            "Bad minute": _("The first field, the minute, takes 0 to 59, a list (0,30), a range (0-10) or a step (*/5)."),
            "Bad hour": _("The second field, the hour, takes 0 to 23, a list (8,12), a range (8-18) or a step (*/2)."),
            "Bad day-of-month": _("The third field, the day, takes 1 to 31 as far as the month has them, or L for the last."),
            "Bad month": _("The fourth field, the month, takes 1 to 12 or JAN to DEC."),
            "Bad day-of-week": _("The fifth field, the weekday, takes 0 (Sunday) to 6 or SUN to SAT; MON#1 is the first Monday."),
        }.get(str(error)) or _("This is no time to run at.")  # fmt: skip
    if next_time(cron, "UTC", datetime.now(UTC)) is None:
        return _("This never comes.")
    return None
