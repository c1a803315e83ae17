"""Jobs and events put straight into the tables, in any state, and kinds declared for one test."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from ossature.db.kernel import delivery, event, job, job_line
from ossature.events.types import Handler
from ossature.ids import new_id
from ossature.jobs.types import Job, Schedule
from ossature.testing.people import Tenant


def declare(
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    *,
    jobs: Iterable[Job[Any]] = (),
    handlers: Iterable[Handler] = (),
    schedules: Iterable[Schedule] = (),
) -> None:
    """Make these known for the length of a test, as if a plugin had registered them."""
    kernel = app.extensions["ossature"]
    known = kernel.background
    more = replace(
        known,
        jobs={**known.jobs, **{one.key: one for one in jobs}},
        handlers={**known.handlers, **{one.key: one for one in handlers}},
        schedules={**known.schedules, **{one.key: one for one in schedules}},
    )
    monkeypatch.setattr(kernel, "background", more)


def add_job(tenant: Tenant, name: str, state: str = "queued", **fields: Any) -> UUID:
    """A row of `job`; times are seconds from now: `due_at=3600`."""
    values = {
        "id": new_id(), "name": name, "version": 1, "args": {}, "state": state, "attempts": 1, "most_attempts": 3,
        "time_limit": 300, "as_system": False, "pushed_at": 0, **fields,
    }  # fmt: skip
    for at in [key for key in values if key.endswith("_at") and values[key] is not None]:
        values[at] = sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, values[at])
    with tenant.work() as work:
        work.execute(sa.insert(job).values(**values))
    return UUID(str(values["id"]))


def change_job(tenant: Tenant, id: UUID, **fields: Any) -> None:
    with tenant.work() as work:
        work.execute(sa.update(job).where(job.c.tenant_id == tenant.id, job.c.id == id).values(**fields))


def state_of(tenant: Tenant, id: UUID) -> str:
    with tenant.work() as work:
        return str(work.scalar(sa.select(job.c.state).where(job.c.tenant_id == tenant.id, job.c.id == id)))


def add_line(tenant: Tenant, job_id: UUID, text: str, level: str = "info") -> None:
    with tenant.work() as work:
        work.execute(
            sa.insert(job_line).values(tenant_id=tenant.id, id=new_id(), job_id=job_id, level=level, text=text)
        )


def add_delivery(
    tenant: Tenant,
    handler: str,
    state: str = "waiting",
    type: str = "crm.contact.created",
    record: str | None = None,
    record_id: UUID | None = None,
    error: str | None = None,
) -> int:
    """An event that a handler is owed; returns its number."""
    with tenant.work() as work:
        row = work.execute(
            sa.insert(event)
            .values(id=new_id(), type=type, version=1, record=record, record_id=record_id, data={})
            .returning(event.c.seq, event.c.at)
        ).one()
        due = sa.func.now() + sa.text("interval '1 hour'") if state == "retry" else None
        work.execute(
            sa.insert(delivery).values(
                handler=handler, seq=row.seq, event_at=row.at, record_id=record_id, state=state, due_at=due,
                attempts=0 if state == "waiting" else 8, error=error,
            )
        )  # fmt: skip
    return int(row.seq)


def owed(tenant: Tenant, handler: str) -> dict[int, str]:
    """What a handler is owed: number of the event -> state."""
    with tenant.work() as work:
        rows = work.execute(
            sa.select(delivery.c.seq, delivery.c.state).where(
                delivery.c.tenant_id == tenant.id, delivery.c.handler == handler
            )
        )
        return {row.seq: row.state for row in rows}
