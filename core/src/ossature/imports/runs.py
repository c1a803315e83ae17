"""Imports as they are read: each with how far it is. Whoever began one sees it, nobody else."""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import and_, func, select

from ossature.context import current
from ossature.db.kernel import job as job_table
from ossature.db.work import session
from ossature.errors import Conflict, NotFound
from ossature.i18n.texts import translator
from ossature.imports.mapping import Mapping
from ossature.imports.notation import Notation
from ossature.imports.rights import demand_either
from ossature.imports.table import import_row, import_run
from ossature.jobs.queue import LIVE
from ossature.kernel import kernel
from ossature.records.saved import selves
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

State = Literal["draft", "checking", "checked", "running", "done", "stopped", "cancelled", "refused"]
OUTCOMES = ("create", "update", "unchanged", "refused", "along")
"""What becomes of a row: `along` is a further row of the record before it."""


@dataclass(frozen=True, slots=True)
class NoteShown:
    """What the reader of a file should know of how it was read; `doubt` says that it might as well be otherwise."""

    about: str
    code: str
    message: str
    doubt: bool


@dataclass(frozen=True, slots=True)
class Import:
    """An import and how far it is. `checked` and `written` count rows that have been; the counts by outcome are of what
    was found in the check, or of what was done, row by row. `refused` as a state: nothing was written at all."""

    id: UUID
    record: str
    filename: str
    size: int
    key: str
    created_at: datetime
    begun_at: datetime | None
    notation: Notation
    headers: tuple[str, ...]
    sheets: tuple[str, ...]
    notes: tuple[NoteShown, ...]
    mapping: Mapping
    state: State
    total: int
    checked: int
    written: int
    created: int
    updated: int
    unchanged: int
    refused: int
    along: int
    change_set_id: UUID
    job_id: UUID | None
    error: str | None
    note: str | None
    """What it says of itself while it is under way: that it waits for another one."""

    @property
    def rt(self) -> RecordType:
        return kernel().records[self.record]

    @property
    def busy(self) -> bool:
        return self.state in ("checking", "running")

    @property
    def done(self) -> int:
        """Rows that are behind it, of what it does now or did last."""
        return self.written if self.begun_at is not None and self.state != "refused" else self.checked


_OF_RUN = [column for column in import_run.c if column.name not in ("tenant_id", "actor_id")]
RUNS = select(*_OF_RUN, job_table.c.state.label("job_state"), job_table.c.error, job_table.c.note).select_from(
    import_run.outerjoin(
        job_table, and_(job_table.c.tenant_id == import_run.c.tenant_id, job_table.c.id == import_run.c.job_id)
    )
)


def find(rt: RecordType, id: UUID) -> Import:
    """An import of whoever asks. Raises `NotFound` for any other."""
    demand_either(rt)
    found = session().execute(RUNS.where(one(id), import_run.c.record == rt.key, _own())).mappings().first()
    if found is None:
        raise NotFound(_("There is no such import, or it is somebody else’s."))
    return read(found)


def held(imp: Import) -> Import:
    """An import as it is now, which nobody else asks for anything until the commit. Raises `Conflict` while it is
    being checked or written."""
    _demand_still(find(imp.rt, imp.id))  # what is written as a whole holds it until its end
    hold(imp.id)
    return _demand_still(find(imp.rt, imp.id))


def _demand_still(imp: Import) -> Import:
    if imp.busy:
        raise Conflict(_("This import is under way; wait for its end or cancel it."), code="busy")
    return imp


def hold(id: UUID) -> None:
    session().execute(select(import_run.c.id).where(one(id)).with_for_update())


def own(rt: RecordType, limit: int = 50) -> list[Import]:
    """The last imports of whoever asks, newest first."""
    demand_either(rt)
    rows = session().execute(
        RUNS.where(import_run.c.tenant_id == current().tenant_id, import_run.c.record == rt.key, _own())
        .order_by(import_run.c.created_at.desc(), import_run.c.id.desc())
        .limit(limit)
    )
    return [read(row) for row in rows.mappings()]


def one(id: UUID) -> sa.ColumnElement[bool]:
    return and_(import_run.c.tenant_id == current().tenant_id, import_run.c.id == id)


def rows_of(id: UUID) -> sa.ColumnElement[bool]:
    return and_(import_row.c.tenant_id == current().tenant_id, import_row.c.import_id == id)


def read(row: Map[Any, Any]) -> Import:
    look, counts = row["look"], row["counts"]
    return Import(
        **{name: row[name] for name in _AS_THEY_ARE},
        notation=Notation.model_validate(look["notation"]),
        headers=tuple(look["headers"]),
        sheets=tuple(look["sheets"]),
        notes=tuple(NoteShown(**note) for note in look["notes"]),
        mapping=Mapping.model_validate(row["mapping"]),
        state=_state(row["state"], row["job_state"]),
        checked=sum(counts.get(name, 0) for name in OUTCOMES),
        written=counts.get("written", 0),
        created=counts.get("create", 0),
        updated=counts.get("update", 0),
        unchanged=counts.get("unchanged", 0),
        refused=counts.get("refused", 0),
        along=counts.get("along", 0),
    )


_AS_THEY_ARE = (
    "id", "record", "filename", "size", "key", "created_at", "begun_at", "total", "change_set_id", "job_id", "error", "note",
)  # fmt: skip


def _state(asked: State, job: str | None) -> State:
    """What was asked for last is under way while its job lives."""
    if asked not in ("checking", "running") or job in LIVE:
        return asked
    if job == "cancelled":
        return "draft" if asked == "checking" else "cancelled"
    return "stopped"


def _own() -> sa.ColumnElement[bool]:
    return import_run.c.actor_id.in_(selves())


def recount(id: UUID) -> dict[str, int]:
    """The counts of an import, from its rows."""
    c = import_row.c
    found = session().execute(
        select(c.outcome, c.written, func.count())
        .where(rows_of(id), c.outcome.isnot(None))
        .group_by(c.outcome, c.written)
    )
    counts: dict[str, int] = {"written": 0}
    for outcome, written, count in found:
        counts[outcome] = counts.get(outcome, 0) + count
        counts["written"] += count if written else 0
    return counts
