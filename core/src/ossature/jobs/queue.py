"""The list of jobs, which the database keeps: asking, cancelling, trying again. Everything within a unit of work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.dialects.postgresql import insert

from ossature.context import current
from ossature.db.kernel import job as job_table
from ossature.db.kernel import job_line
from ossature.db.work import session
from ossature.errors import Conflict, NotFound
from ossature.events.wake import wake_after_commit
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.jobs.types import Job
from ossature.kernel import kernel

_, _l, _n = translator("ossature")

LIVE = ("queued", "running", "failed", "parked")
"""States of jobs that are not over."""

# Spelled out: PostgreSQL recognises the index it belongs to by constants, not by parameters of a prepared statement.
_STILL_LIVE = sa.text("state IN ('queued', 'running', 'failed', 'parked')")
_NOW = sa.text("clock_timestamp()")
_LONGEST_LINE = 2000


def enqueue(job: Job[Any], args: BaseModel, *, due_at: datetime | None = None, schedule: str | None = None) -> UUID:
    """Put a job on the list; see `Job.enqueue`."""
    if job.key not in kernel().background.jobs:
        raise LookupError(f"job {job.key} is not registered; return it from register_jobs")
    if not isinstance(args, job.args):
        raise TypeError(f"job {job.key} takes {job.args.__name__}, not {args.__class__.__name__}")
    context = current()
    if context.tenant_id is None:
        raise RuntimeError(f"job {job.key} is asked for where no tenant is bound")
    unique_key = job.unique(args) if job.unique is not None else None
    in_a_name = context.actor is not None and context.actor.kind != "job"
    values = {
        "id": new_id(), "name": job.key, "version": job.version, "args": orjson.loads(args.model_dump_json()),
        "priority": job.priority, "unique_key": unique_key, "most_attempts": job.attempts, "schedule": schedule,
        "time_limit": job.time_limit, "as_system": job.as_system or not in_a_name, "locale": context.locale,
        "due_at": due_at or _NOW, "tenant_id": context.tenant_id,
    }  # fmt: skip
    work = session()
    while True:
        added = work.scalar(
            insert(job_table)
            .values(**values)
            .on_conflict_do_nothing(index_elements=["tenant_id", "name", "unique_key"], index_where=_STILL_LIVE)
            .returning(job_table.c.id)
        )
        found: UUID | None = added or _live(job.key, unique_key)
        if found is not None:  # else the other one ended between the two statements
            break
    if added:
        wake_after_commit()
    return found


def _live(name: str, unique_key: str | None) -> UUID | None:
    """The job of the bound tenant that holds a unique key, if one waits or runs."""
    return session().scalar(
        sa.select(job_table.c.id).where(
            job_table.c.tenant_id == current().tenant_id, job_table.c.name == name,
            job_table.c.unique_key == unique_key, _STILL_LIVE,
        )
    )  # fmt: skip


def cancel(job_id: UUID) -> str:
    """Cancel a job: one that waits at once, one that runs at its next step. Returns its state. Raises `Conflict`."""
    row = locked(job_id)
    if row["state"] == "running":
        write(job_id, cancel=True)
        return "running"
    if row["state"] not in LIVE:
        raise Conflict(_("This job is over."), code="over")
    write(job_id, state="cancelled", finished_at=_NOW, note=None)
    return "cancelled"


def retry(job_id: UUID) -> None:
    """Try a job again that failed, died, was cancelled or is parked, from its first attempt. Raises `Conflict`."""
    row = locked(job_id)
    if row["state"] not in ("failed", "dead", "cancelled", "parked"):
        raise Conflict(_("Only a job that failed or was cancelled can be tried again."), code="not_failed")
    if (
        row["unique_key"] is not None
        and row["state"] in ("dead", "cancelled")
        and _live(row["name"], row["unique_key"])
    ):
        raise Conflict(_("The same work is already waiting or running."), code="taken")
    write(
        job_id, state="queued", attempts=0, due_at=_NOW, pushed_at=None, error=None, cancel=False, finished_at=None,
        done=0, total=None, note=None, result=None,
    )  # fmt: skip
    wake_after_commit()


def locked(job_id: UUID) -> Mapping[Any, Any]:
    """A job of the bound tenant, locked until the end of the unit of work. Raises `NotFound`."""
    row = (
        session()
        .execute(
            sa.select(job_table)
            .where(job_table.c.tenant_id == current().tenant_id, job_table.c.id == job_id)
            .with_for_update()
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise NotFound(_("There is no such job."))
    return row


def write(job_id: UUID, *conditions: sa.ColumnElement[bool], **values: Any) -> bool:
    """Change a job of the bound tenant; whether it met the conditions."""
    changed = session().execute(
        sa.update(job_table)
        .where(job_table.c.tenant_id == current().tenant_id, job_table.c.id == job_id, *conditions)
        .values(**values)
        .returning(job_table.c.id)
    )
    return changed.scalar() is not None


def add_line(job_id: UUID, text: str, level: str = "info") -> None:
    """Add a line to what a job says about its course."""
    session().execute(
        sa.insert(job_line).values(
            tenant_id=current().tenant_id, id=new_id(), job_id=job_id, level=level, text=text[:_LONGEST_LINE]
        )
    )
