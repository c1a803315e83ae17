"""Changing many records at once, as the worker does it: from the job's claim to its last row."""

from __future__ import annotations

import time

import sqlalchemy as sa

from ossature.context import Context
from ossature.db import transaction
from ossature.jobs.run import run_job
from ossature.kernel import Kernel
from ossature.records.lookup import record_type
from ossature.records.mass import Act, Selection, find_act, start_edit


def change_many(kernel: Kernel, context: Context, count: int = 10_000, **changes: object) -> tuple[float, Act]:
    """Seconds that setting fields of so many contacts takes, and what became of them; by default status and source.

    `context` is a member's who may edit them; no worker may run beside it.
    """
    contact = record_type("crm.contact")
    assert context.tenant_id is not None
    with transaction(context, database=kernel.db) as work:
        here = sa.select(contact.c.id, contact.c.version).where(
            contact.c.tenant_id == context.tenant_id, contact.c.deleted_at.is_(None)
        )
        named = {row.id: row.version for row in work.execute(here.limit(count))}
        id = start_edit(contact, changes or {"status": "customer", "source": "event"}, Selection(named))
        job_id = find_act(contact, id).job_id
    begun = time.perf_counter()
    run_job(kernel, context.tenant_id, job_id, "bench")
    took = time.perf_counter() - begun
    with transaction(context, database=kernel.db):
        return took, find_act(contact, id)
