"""The order of lists: by one column or several, with an index or without, and what comes after a given row.

A column declared with `sort=True` is ordered by a stored, never empty key with an index, so that a list of a million
rows gives its first page at once. Any other column can be asked for too, as long as the list is not longer than
`SORT_CAP`: it is sorted as a whole then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_

from ossature.errors import BadRequest, Detail
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.predicate import reaches, visible_fields
from ossature.records.fields import Field, Kind
from ossature.records.record import LAST
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

SORT_CAP = 10_000
"""Rows up to which a list is sorted by a column without an index."""
MOST_SORTS = 3
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_UNSORTED = frozenset({Kind.LONG_TEXT, Kind.SECRET, Kind.TAGS})


@dataclass(frozen=True, slots=True)
class Order:
    """One column of an order; money has two of one name, its currency and its amount. `key` is never null; `indexed`
    where an index gives the order."""

    name: str
    down: bool
    key: ColumnElement[Any]
    indexed: bool


def default_sort(rt: RecordType) -> str:
    """By title; newest first where titles have no order."""
    name = rt.kind_of_default_sort
    return "-created_at" if name == "created_at" else name


def read_orders(rt: RecordType, sort: str) -> tuple[Order, ...]:
    """The order that `sort` asks for: `name`, `-created_at`, `status,-annual_revenue`.

    Raises `BadRequest` for a field that there is not or that has no order, and for more than `MOST_SORTS`.
    """
    names = (sort or default_sort(rt)).split(",")
    if len(names) > MOST_SORTS:
        raise BadRequest(
            _("The list cannot be sorted so."),
            [Detail("sort", "too_many", _("Sort by at most %(n)d fields.", n=MOST_SORTS))],
        )
    indexed, found = rt.sortable(), list[Order]()
    for name in names:
        plain = name.strip().removeprefix("-")
        keys = (indexed[plain],) if plain in indexed else _sorting_keys(rt, plain)
        if not keys or any(order.name == plain for order in found):
            raise BadRequest(
                _("Lists of %(records)s cannot be sorted by %(field)s.", records=rt.plural, field=plain[:80]),
                [Detail("sort", "unknown_sort", _("Sort by one of: %(names)s.", names=", ".join(sortable(rt))))],
            )
        found += [Order(plain, name.strip().startswith("-"), key, plain in indexed) for key in keys]
    return tuple(found)


def sortable(rt: RecordType) -> dict[str, bool]:
    """What the reader may sort by: name -> whether an index gives the order of however many rows."""
    indexed = rt.sortable()
    others = [name for name, item in visible_fields(rt).items() if item.kind not in _UNSORTED and not item.parent]
    stamps = ["updated_at", *(["owner_id"] if rt.owned else [])]
    return {**dict.fromkeys(indexed, True), **{name: False for name in [*others, *stamps] if name not in indexed}}


def _sorting_keys(rt: RecordType, name: str) -> tuple[ColumnElement[Any], ...]:
    """As `_sorting_key`; amounts of different currencies have no order, so that money is sorted within each."""
    key = _sorting_key(rt, name)
    if key is None:
        return ()
    item = visible_fields(rt).get(name)
    if item is None or item.kind is not Kind.MONEY:
        return (key,)
    return (sa.collate(func.coalesce(rt.c[item.columns[1]], "~"), "C"), key)


def _sorting_key(rt: RecordType, name: str) -> ColumnElement[Any] | None:
    """A key without index. By the label where a value is shown by its label, as far as the reader may see it."""
    if name == "updated_at":
        key: ColumnElement[Any] = rt.c.updated_at
        return key
    if name == "owner_id" and rt.owned:
        return _label_of(rt.c.owner_id, "ossature.actor")
    item: Field | None = visible_fields(rt).get(name)
    if item is None or item.kind in _UNSORTED or item.parent:
        return None
    column: ColumnElement[Any] = rt.c[item.columns[0]]
    if item.textual:
        return sa.collate(func.coalesce(func.ossature.fold(column), ""), "C")
    match item.kind:
        case Kind.CHOICE:
            places = sa.literal(list(item.choices), sa.ARRAY(sa.Text))
            return func.coalesce(func.array_position(places, column), len(item.choices) + 1)
        case Kind.REFERENCE:
            return _label_of(column, item.target or "")
        case Kind.BOOLEAN:
            return sa.cast(func.coalesce(column, sa.false()), sa.Integer)
        case Kind.DATETIME:
            return func.coalesce(column, sa.literal(_LATEST, sa.DateTime(timezone=True)))
        case Kind.MONEY:
            return func.coalesce(column, sa.literal_column(LAST[Kind.INTEGER][1]))
    type_, last = LAST[item.kind]
    return func.coalesce(sa.cast(column, type_), sa.literal_column(last))


def _label_of(id: ColumnElement[Any], target: str) -> ColumnElement[Any]:
    """The folded title of what a reference points to; nothing where the reader may not see it."""
    from ossature.db.kernel import actor

    rt = kernel().records.get(target)
    if target == "ossature.actor":
        title: Any = select(func.ossature.fold(actor.c.label)).where(actor.c.id == id)
    elif rt is None:
        return sa.literal("")
    else:
        there = rt.table.alias()
        seen = reaches(rt, table=there)
        title = select(func.ossature.fold(there.c[rt.title_field])).where(there.c.id == id, seen)
    return sa.collate(func.coalesce(title.scalar_subquery(), ""), "C")


def order_by(orders: Sequence[Order], id: ColumnElement[UUID], backwards: bool) -> list[ColumnElement[Any]]:
    """The order itself; the id decides between equals and goes the way of the last column."""
    ways = [(order.key, order.down != backwards) for order in orders]
    return [key.desc() if down else key.asc() for key, down in [*ways, (id, ways[-1][1])]]


def beyond(
    orders: Sequence[Order], id: ColumnElement[UUID], values: Sequence[Any], last: UUID, backwards: bool
) -> ColumnElement[bool]:
    """True of the rows that come after the one with these values and this id.

    One comparison of rows where all columns go the same way, which an index answers; else column by column.
    """
    keys: list[ColumnElement[Any]] = [*(order.key for order in orders), id]
    downs = [order.down != backwards for order in orders]
    downs.append(downs[-1])
    typed = [cursor_value(key, value) for key, value in zip(keys, [*values, last], strict=True)]
    marks: list[ColumnElement[Any]] = [sa.literal(value, key.type) for key, value in zip(keys, typed, strict=True)]
    if len(set(downs)) == 1:
        edge, mark = tuple_(*keys), tuple_(*marks)
        return edge < mark if downs[0] else edge > mark
    steps = []
    for n, (key, mark_at, down) in enumerate(zip(keys, marks, downs, strict=True)):
        same = [earlier == value for earlier, value in zip(keys[:n], marks[:n], strict=True)]
        steps.append(and_(*same, key < mark_at if down else key > mark_at))
    first = keys[0] <= marks[0] if downs[0] else keys[0] >= marks[0]
    return and_(first, or_(*steps))


def cursor_value(key: ColumnElement[Any], value: Any) -> Any:
    """A value of a cursor, which was JSON, as its column takes it."""
    if isinstance(value, str):
        if isinstance(key.type, sa.DateTime):
            return datetime.fromisoformat(value)
        if isinstance(key.type, sa.Date):
            return date.fromisoformat(value)
    return value
