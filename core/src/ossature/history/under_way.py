"""What still writes under a change set, so that it cannot be undone yet: imports and changes of many records."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import and_, select

from ossature.context import current
from ossature.db.kernel import job as job_table
from ossature.db.kernel import mass
from ossature.db.work import session
from ossature.errors import Conflict
from ossature.i18n.texts import translator
from ossature.imports.table import import_run
from ossature.jobs.queue import LIVE

_, _l, _n = translator("ossature")

_WRITERS = (
    (
        import_run, import_run.c.state == "running",
        _l("This import is still being written; stop it or wait for its end, then undo it."),
    ),
    (
        mass, mass.c.done < mass.c.total,
        _l("This change of many records is still being written; stop it or wait for its end, then undo it."),
    ),
)  # fmt: skip
"""Where the work of a job has its change set: when some of it is left to be written, and what is said then."""


def demand_ended(id: UUID) -> None:
    """Raises `Conflict` while a job writes under this change set. Until the commit none begins to."""
    _demand_still(id)  # an import that is written as a whole holds its row until its end
    for table, _left, _said in _WRITERS:
        mine = and_(table.c.tenant_id == current().tenant_id, table.c.change_set_id == id)
        session().execute(select(table.c.id).where(mine).order_by(table.c.id).with_for_update())
    _demand_still(id)


def _demand_still(id: UUID) -> None:
    job = job_table.c
    for table, left, said in _WRITERS:
        writing = (
            select(table.c.id)
            .join(job_table, and_(job.tenant_id == table.c.tenant_id, job.id == table.c.job_id))
            .where(table.c.tenant_id == current().tenant_id, table.c.change_set_id == id, left, job.state.in_(LIVE))
        )
        if session().execute(writing).first() is not None:
            raise Conflict(str(said), code="busy")
