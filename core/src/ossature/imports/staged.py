"""Rows that wait, read a chunk at a time; those of one record together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy import select

from ossature.db.work import session
from ossature.imports.cells import Cell, unpack
from ossature.imports.runs import rows_of
from ossature.imports.table import import_row

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Staged:
    """A row that waits; `before` is the outcome it has so far."""

    number: int
    cells: list[Cell]
    flaws: Sequence[Sequence[Any]]
    before: str | None
    follows: int | None = None
    """The number of the row above it in the file, where rows are gathered."""


Group = list[Staged]
"""The rows of one record: the first is its own, the others have more of its entries."""


def waiting(import_id: UUID, *, dry: bool) -> sa.ColumnElement[bool]:
    """What is left to do: in a check rows without an outcome, else those that are not written."""
    c = import_row.c
    return sa.and_(rows_of(import_id), c.outcome.is_(None) if dry else sa.not_(c.written))


def read_rows(which: sa.ColumnElement[bool], after: int, limit: int, *, gathered: bool = False) -> list[Staged]:
    c, before = import_row.c, import_row.alias()
    follows = select(sa.func.max(before.c.number)).where(
        before.c.tenant_id == c.tenant_id, before.c.import_id == c.import_id, before.c.number < c.number
    )
    found = session().execute(
        select(
            c.number,
            sa.cast(c.cells, sa.Text),
            c.flaws,
            c.outcome,
            follows.correlate(import_row).scalar_subquery() if gathered else sa.null(),
        )
        .where(which, c.number > after)
        .order_by(c.number)
        .limit(limit)
    )
    return [
        Staged(number, unpack(orjson.loads(cells or "[]")), flaws or (), before, above)
        for number, cells, flaws, before, above in found
    ]


def read_groups(
    which: sa.ColumnElement[bool], after: int, belongs: Callable[[Staged, Staged], bool] | None
) -> list[Group]:
    """The next rows, about `AT_ONCE` of them, so that no group is torn apart; `belongs` says whether a row belongs to the
    record of another before it, None that none ever does."""
    rows = read_rows(which, after, AT_ONCE + 1, gathered=belongs is not None)
    if belongs is None:
        return [[row] for row in rows[:AT_ONCE]]
    groups = list(_grouped(rows, belongs))
    while len(rows) > AT_ONCE:
        if len(groups) > 1:
            return groups[:-1]
        more = read_rows(which, rows[-1].number, AT_ONCE, gathered=True)
        if not more:
            break
        rows += more
        groups = list(_grouped(rows, belongs))
    return groups


def _grouped(rows: Sequence[Staged], belongs: Callable[[Staged, Staged], bool]) -> Iterator[Group]:
    group: Group = []
    for row in rows:
        if group and row.follows == group[-1].number and belongs(group[0], row):
            group.append(row)
            continue
        if group:
            yield group
        group = [row]
    if group:
        yield group
