"""Boards: the records of a list in columns, by one of their choices or references; each column a window of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement, func, select

from ossature.context import current
from ossature.db.work import session
from ossature.ids import as_id
from ossature.kernel import kernel
from ossature.rbac.predicate import demand, reaches
from ossature.records.aggregate import GroupRow, aggregate
from ossature.records.cursor import Cursor
from ossature.records.fields import Field, Kind
from ossature.records.filters import Group, Question, condition
from ossature.records.ordering import order_by, read_orders
from ossature.records.query import Label, ListQuery, Row, columns, refuse_a_long_list, searched_rows_of, to_rows
from ossature.records.searching import Reach, says_nothing
from ossature.records.types import RecordType

MOST_COLUMNS = 12
"""Columns of a board; a choice with more values than that, and a reference, show the busiest."""
MOST_ASKED = 32
"""Columns that sums are asked of at once; those in a declared order may be so many."""
MOST_OWNERS = 20
"""Owners of ordered entries, such as pipelines, that a board can be switched between."""
WINDOW = 50
"""Cards of a column that come at once."""
LOOKED_AT = 5_000
"""Rows of a longer list among which the busiest columns are looked for."""


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """One column. `value` is what its rows have in common, None where they have none; `next` is where it goes on."""

    value: Any
    rows: list[Row]
    next: str | None


@dataclass(frozen=True, slots=True)
class Board:
    """The columns in their order; `more` when there are, or in a long list may be, columns that are not shown; `reach`
    is that of the search."""

    columns: list[BoardColumn]
    more: bool = False
    reach: Reach = "all"


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose entries are the columns, where the board is by a reference to entries that have an order: the stages of one
    pipeline. `field` is where the record itself says which it belongs to, empty where it does not."""

    labels: tuple[Label, ...]
    chosen: UUID | None
    field: str = ""


def owners_of(rt: RecordType, by: Field, asked: Mapping[str, str]) -> Owners | None:
    """The owners that the reader may choose between; the first unless the filter (`asked`) names one. None where the
    field does not point to entries in an order."""
    part = kernel().records.get(by.target or "")
    if part is None or part.parent is None or part.position is None:
        return None
    owner = kernel().records[part.parent]
    found = session().execute(
        select(owner.c.id, owner.c[owner.title_field].label("title"))
        .where(owner.c.tenant_id == current().tenant_id, owner.c.deleted_at.is_(None), reaches(owner))
        .order_by(owner.c.created_at, owner.c.id)
        .limit(MOST_OWNERS)
    )
    offered = tuple(Label(row.id, row.title or "") for row in found)
    field = next((item.name for item in rt.references() if item.target == part.parent), "")
    wanted = as_id(asked.get(field, "")) or next((label.id for label in offered), None)
    return Owners(offered, wanted, field)


def ordered_entries(by: Field, owner_id: UUID | None) -> list[UUID]:
    """The ids of an owner's entries in their order."""
    part = kernel().records[by.target or ""]
    assert part.parent_column is not None
    here = part.c.tenant_id == current().tenant_id, part.c[part.parent_column] == owner_id
    statement = select(part.c.id).where(*here, part.c.deleted_at.is_(None)).order_by(*part.entries_order)
    return list(session().execute(statement.limit(MOST_ASKED - 1)).scalars())


def board(rt: RecordType, query: ListQuery, by: Field, given: Sequence[Any] | None = None) -> Board:
    """The first cards of every column in one statement, and one that finds the columns where they are neither declared
    nor `given`.

    Raises what a list raises. The column of rows without a value is there when there are such rows.
    """
    demand(rt, "view")
    orders = read_orders(rt, query.sort)
    if not orders[0].indexed:
        refuse_a_long_list(rt, query, orders[0])
    if says_nothing(query.search):
        return Board([])
    conditions, reach = searched_rows_of(rt, query)
    values, more = _values(rt, by, conditions) if given is None else (list(given), False)
    if given is None and rt.table.c[by.name].nullable:
        values.append(None)
    if not values:
        return Board([], more, reach)
    shown = [*columns(rt, query.fields), *(order.key.label(f"_sort{n}") for n, order in enumerate(orders))]
    windows = [
        select(*shown, sa.literal_column(str(place)).label("_column"))
        .where(*conditions, condition(rt, column_test(by, value)))
        .order_by(*order_by(orders, rt.c.id, False))
        .limit(WINDOW + 1)
        for place, value in enumerate(values)
    ]
    result = session().execute(sa.union_all(*windows) if len(windows) > 1 else windows[0])
    names, found = list(result.keys()), result.all()
    columns_found = []
    for place, value in enumerate(values):
        inside = [row for row in found if row._mapping["_column"] == place]
        if value is None and not inside:
            continue
        goes_on = None
        if len(inside) > WINDOW:
            last = inside[WINDOW - 1]._mapping
            marks = [last[f"_sort{n}"] for n in range(len(orders))]
            of = column_query(query, by, value).fingerprint(rt)
            goes_on = Cursor(of, marks, str(last["id"])).write(kernel().cursor_key)
        columns_found.append(BoardColumn(value, to_rows(rt, names, inside[:WINDOW]), goes_on))
    return Board(columns_found, more, reach)


def column_query(query: ListQuery, by: Field, value: Any) -> ListQuery:
    """The list that a column is: its cursor goes on there."""
    return replace(query, filter=Group("all", (query.filter, column_test(by, value))), limit=WINDOW)


def column_test(by: Field, value: Any) -> Question:
    """What the rows of a column have in common."""
    return Question(by.name, "empty") if value is None else Question(by.name, "is", str(value))


def board_sums(
    rt: RecordType, query: ListQuery, by: Field, values: Sequence[Any], measures: Sequence[str]
) -> dict[Any, GroupRow]:
    """How many rows each of these columns has, and its sums: value -> group; a column without rows is not there."""
    these = query
    if not declared(by):
        tests = [Question(by.name, "empty")] if None in values else []
        if named := [str(value) for value in values if value is not None]:
            tests.append(Question(by.name, "in", named))
        these = replace(query, filter=Group("all", (query.filter, Group("any", tuple(tests)))))
    return {row.keys[0]: row for row in aggregate(rt, these, [by.name], measures).groups}


def declared(by: Field) -> bool:
    """Whether the columns are all values that the field can have."""
    return by.kind is Kind.CHOICE and len(by.choices) <= MOST_COLUMNS


def _values(rt: RecordType, by: Field, conditions: Sequence[ColumnElement[bool]]) -> tuple[list[Any], bool]:
    """The values that have a column, and whether others are, or may be, left out."""
    if declared(by):
        return list(by.choices), False
    column: ColumnElement[Any] = rt.c[by.name]
    some = select(column.label("value")).where(*conditions, column.isnot(None)).limit(LOOKED_AT).subquery()
    looked_at = func.sum(func.count()).over()
    busiest = select(some.c.value, looked_at).group_by(some.c.value).order_by(func.count().desc(), some.c.value)
    found = session().execute(busiest.limit(MOST_COLUMNS + 1)).all()
    kept = [row.value for row in found[:MOST_COLUMNS]]
    if by.kind is Kind.CHOICE:
        kept.sort(key=list(by.choices).index)
    return kept, len(found) > MOST_COLUMNS or (bool(found) and found[0][1] >= LOOKED_AT)
