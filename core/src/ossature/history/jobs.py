"""Undoing in the background: what is too much to wait for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select

from ossature.context import current
from ossature.db.kernel import job as job_table
from ossature.db.work import session
from ossature.history.change_sets import find_change_set
from ossature.history.under_way import demand_ended
from ossature.history.undo import AT_ONCE, CannotUndo, Undone, size_of, undo
from ossature.i18n.texts import translator
from ossature.jobs.run import JobRun
from ossature.jobs.types import job

_, _l, _n = translator("ossature")

UNDO = "ossature.undo"


class UndoArgs(BaseModel):
    change_set_id: UUID
    rest: bool = False


@job(UNDO, _l("Undo"), args=UndoArgs, attempts=2, time_limit=3600, unique=lambda args: str(args.change_set_id))
def undo_in_background(run: JobRun, args: UndoArgs) -> dict[str, Any]:
    """Undo, and keep what became of it: it is no failure of the job that something cannot be put back."""
    try:
        undone = undo(args.change_set_id, rest=args.rest, progress=run.progress)
    except CannotUndo as refusal:
        return {**outcome(refusal.undone), "change_set_id": None}
    return outcome(undone)


def outcome(undone: Undone) -> dict[str, Any]:
    """How an undoing went, as JSON: counts, and the first records that stay as they are."""
    return {
        "change_set_id": undone.id and str(undone.id),
        "total": undone.total,
        "undone": undone.count,
        "kept": undone.kept_count,
        "reasons": [one.as_detail().as_dict() for one in undone.kept],
    }


def undo_now_or_later(id: UUID, *, rest: bool = False) -> Undone | UUID:
    """Undo, or ask for the job that does: its id. Raises as `undo`."""
    if size_of(find_change_set(id)) <= AT_ONCE:
        return undo(id, rest=rest)
    demand_ended(id)
    return undo_in_background.enqueue(UndoArgs(change_set_id=id, rest=rest))


def last_job(id: UUID) -> dict[str, Any] | None:
    """The newest job that undoes a change set or has: id, state, done, total and result."""
    c = job_table.c
    row = (
        session()
        .execute(
            select(c.id, c.state, c.done, c.total, c.result, c.error)
            .where(c.tenant_id == current().tenant_id, c.name == UNDO, c.unique_key == str(id))
            .order_by(c.id.desc())
            .limit(1)
        )
        .mappings()
        .first()
    )
    return dict(row) if row else None
