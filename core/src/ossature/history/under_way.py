"""What still writes under a change set, so that it cannot be undone yet."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import and_, select

from ossature.context import current
from ossature.db.kernel import job as job_table
from ossature.db.work import session
from ossature.errors import Conflict
from ossature.i18n.texts import translator
from ossature.imports.table import import_run
from ossature.jobs.queue import LIVE

_, _l, _n = translator("ossature")


def demand_ended(id: UUID) -> None:
    """Raises `Conflict` while an import writes under this change set. Until the commit none begins to."""
    _demand_still(id)  # an import that is written as a whole holds its row until its end
    mine = and_(import_run.c.tenant_id == current().tenant_id, import_run.c.change_set_id == id)
    session().execute(select(import_run.c.id).where(mine).with_for_update())
    _demand_still(id)


def _demand_still(id: UUID) -> None:
    run, job = import_run.c, job_table.c
    writing = (
        select(run.id)
        .join(job_table, and_(job.tenant_id == run.tenant_id, job.id == run.job_id))
        .where(run.tenant_id == current().tenant_id, run.change_set_id == id)
        .where(run.state == "running", job.state.in_(LIVE))
    )
    if session().execute(writing).first() is not None:
        raise Conflict(_("This import is still being written; stop it or wait for its end, then undo it."), code="busy")
