"""What became of the rows of an import, or would: row by row, and in short."""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import JSONB

from ossature.context import current
from ossature.db.work import session
from ossature.errors import NotFound
from ossature.i18n.texts import translator
from ossature.imports.cells import Cell, unpack
from ossature.imports.draft import LONGEST_VALUE
from ossature.imports.notation import DecimalMark
from ossature.imports.runs import Import, rows_of
from ossature.imports.table import import_row

_, _l, _n = translator("ossature")

MOST_READ = 500
MOST_GROUPS = 200
SAMPLES = 20
LAST_ROW = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row: `column` counts from 0, None where it is about the row; `value` is what the file says,
    `proposal` what might be meant."""

    column: int | None
    header: str
    value: str
    code: str
    message: str
    proposal: str | None = None


@dataclass(frozen=True, slots=True)
class RowShown:
    """A row of the file, by the number that a spreadsheet shows, and what becomes of it; `outcome` None while that is
    not known. `cells` are empty once it is written: the record has them."""

    number: int
    cells: tuple[str, ...]
    outcome: str | None
    record_id: UUID | None
    written: bool
    faults: tuple[Fault, ...]

    def fault_of(self, index: int) -> Fault | None:
        return next((fault for fault in self.faults if fault.column == index), None)


@dataclass(frozen=True, slots=True)
class FaultGroup:
    """The same fault of the same text in a column, blind to case and accents, and how many rows have it; `value` is as
    the first of them has it."""

    column: int | None
    header: str
    value: str
    code: str
    message: str
    proposal: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Summary:
    """An import in short: rows by outcome, those that wait, and the faults, the most frequent first."""

    create: int
    update: int
    unchanged: int
    refused: int
    along: int
    waiting: int
    faults: tuple[FaultGroup, ...]


def rows(
    imp: Import, outcome: str | None = None, after: int = 0, limit: int = 50, *, fault: tuple[int, str] | None = None
) -> list[RowShown]:
    """Rows in their order, from the number after `after`; `outcome` is one of `OUTCOMES`, or waiting; `fault` is a column
    and what the file says there, blind to case and accents."""
    c = import_row.c
    statement = _ROWS.where(rows_of(imp.id), c.number > after).order_by(c.number).limit(min(limit, MOST_READ + 1))
    if outcome is not None:
        statement = statement.where(c.outcome.is_(None) if outcome == "waiting" else c.outcome == outcome)
    if fault is not None:
        statement = statement.where(refused_for(*fault))
    return [_shown(imp, row) for row in session().execute(statement)]


def refused_for(index: int, value: str) -> sa.ColumnElement[bool]:
    """Whether a row is refused for what it says in a column, blind to case and accents, as value maps are."""
    c = import_row.c
    faults = sa.func.jsonb_array_elements(sa.case((c.outcome == "refused", c.faults)), type_=JSONB)
    fault = faults.column_valued("fault")
    told = sa.func.ossature.fold(fault["value"].astext) == sa.func.ossature.fold(value.strip()[:LONGEST_VALUE])
    return select(sa.true()).where(fault["column"].astext == str(index), told).correlate(import_row).exists()


def row_of(imp: Import, number: int) -> RowShown:
    """One row. Raises `NotFound`."""
    statement = _ROWS.where(rows_of(imp.id), import_row.c.number == number)
    found = session().execute(statement).first() if number <= LAST_ROW else None
    if found is None:
        raise NotFound(_("The file has no row %(n)s, or it is empty.", n=number))
    return _shown(imp, found)


def samples(imp: Import, limit: int = SAMPLES) -> list[tuple[str, ...]]:
    """The cells of the first rows."""
    return [row.cells for row in rows(imp, limit=limit)]


def summary(imp: Import) -> Summary:
    """An import in short, in one statement."""
    found = session().execute(_GROUPS, {"tenant": current().tenant_id, "import": imp.id, "most": MOST_GROUPS})
    groups = tuple(FaultGroup(**_fault(imp, row.fault), count=row.many) for row in found)
    waiting = imp.total - imp.checked
    return Summary(imp.created, imp.updated, imp.unchanged, imp.refused, imp.along, waiting, groups)


_ROWS = select(*(import_row.c[name] for name in ("number", "cells", "outcome", "record_id", "written", "faults")))
_GROUPS = sa.text(
    "SELECT (array_agg(fault ORDER BY r.number))[1] AS fault, count(*) AS many FROM ossature.import_row r, jsonb_array_elements(r.faults) fault "
    "WHERE r.tenant_id = :tenant AND r.import_id = :import AND r.outcome = 'refused' "
    "GROUP BY fault -> 'column', fault -> 'code', ossature.fold(fault ->> 'value') ORDER BY count(*) DESC, min(r.number) LIMIT :most"
)


def _shown(imp: Import, row: sa.Row[Any]) -> RowShown:
    cells = tuple(as_text(cell, imp.notation.decimal) for cell in unpack(row.cells)) if row.cells is not None else ()
    faults = tuple(Fault(**_fault(imp, fault)) for fault in row.faults or ())
    return RowShown(row.number, cells, row.outcome, row.record_id, row.written, faults)


def _fault(imp: Import, kept: Map[str, Any]) -> dict[str, Any]:
    index = kept.get("column")
    header = imp.headers[index] if index is not None and index < len(imp.headers) else ""
    return {
        "column": index, "header": header, "value": kept.get("value", ""), "code": kept["code"],
        "message": kept["message"], "proposal": kept.get("proposal"),
    }  # fmt: skip


def as_text(cell: Cell, mark: DecimalMark) -> str:
    """A cell as it is typed and read again in a file with this decimal mark."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return _("yes") if cell else _("no")
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, float):
        return str(cell).replace(".", mark)
    return (
        cell.isoformat(sep=" ")
        if isinstance(cell, datetime)
        else cell.isoformat()
        if isinstance(cell, date)
        else str(cell)
    )
