"""Groups of a list with their counts and sums: headings of a grouped list, columns of a board, the API's `aggregate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import ColumnElement, RowMapping, Select, func, select

from ossature.context import current
from ossature.db.types import Money
from ossature.db.work import session
from ossature.errors import BadRequest, Detail
from ossature.i18n.texts import translator
from ossature.rbac.predicate import demand, visible_fields
from ossature.records.fields import NO_TAGS, Field, Kind
from ossature.records.filters import Group as FilterGroup
from ossature.records.filters import Question, filterable
from ossature.records.periods import Period, period
from ossature.records.query import ListQuery, rows_of
from ossature.records.rules import folded
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

DEEPEST = 3
MOST_GROUPS = 1000
_MOST_SPANS = 600
FUNCTIONS = ("sum", "avg", "min", "max")
SPANS = ("day", "week", "month", "quarter", "year")
_GROUPED = frozenset(
    {Kind.CHOICE, Kind.REFERENCE, Kind.BOOLEAN, Kind.TEXT, Kind.INTEGER, Kind.DATE, Kind.DATETIME, Kind.TAGS}
)


@dataclass(frozen=True, slots=True)
class Grouping:
    """One level: a field, and for dates the `span` that falls together (`created_at:month`)."""

    name: str
    field: Field
    key: ColumnElement[Any]
    span: str = ""
    starts: tuple[date, ...] = ()
    """Where the key is the number of a span: the first day of each."""

    @property
    def folded(self) -> bool:
        """Whether spellings fall together that differ by case and accents alone; one of them is shown."""
        return self.field.kind in (Kind.TEXT, Kind.TAGS)

    def read(self, value: Any) -> Any:
        """A key as the database gives it, as it is shown: of a span the first day."""
        if self.starts and value is not None:
            return self.starts[value - 1]
        return value.astimezone(ZoneInfo(current().time_zone)).date() if isinstance(value, datetime) else value

    def filter(self, value: Any) -> Question:
        """What the rows of the group with this key have in common."""
        if value is None:
            return Question(self.field.name, "empty")
        if self.span:
            days = _span(value, self.span)
            return Question(self.field.name, "between", [days.first.isoformat(), days.last.isoformat()])
        if self.field.kind is Kind.BOOLEAN:
            return Question(self.field.name, "is", "true" if value else "false")
        return Question(self.field.name, "is", str(value))


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group: its keys, level by level, how many rows, and its measures by name; sums of money are lists of
    `Money`, one a currency."""

    keys: tuple[Any, ...]
    count: int
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """The groups, in the order of their keys; `more` when there are more than `MOST_GROUPS`, the largest are here."""

    groups: list[GroupRow]
    more: bool = False


def aggregate(rt: RecordType, query: ListQuery, group: Sequence[str] = (), measures: Sequence[str] = ()) -> Aggregate:
    """Count the rows of a list by group, with sums. Raises `Forbidden`, and `BadRequest` naming what there is not.

    `group` names up to three fields, `measures` are spelled `sum:annual_revenue`. The rows are read once, whatever is
    asked: they are counted by group and currency, since currencies are never added up, and put together by group.
    """
    demand(rt, "view")
    if len(group) > DEEPEST:
        raise _wrong("group", _("Group by at most %(n)d fields.", n=DEEPEST))
    groupings = [_numbered(rt, query, read_group(rt, name)) for name in group]
    asked = {name: read_measure(rt, name) for name in measures}
    found = session().execute(_counted(rt, query, groupings, list(asked.values()))).mappings().all()
    rows: dict[tuple[Any, ...], GroupRow] = {}
    parts: dict[tuple[Any, ...], list[RowMapping]] = {}
    spelled: dict[tuple[int, Any], str] = {}
    for row in found:
        keys = tuple(one.read(row[f"k{n}"]) for n, one in enumerate(groupings))
        parts.setdefault(keys, []).append(row)
        for n, one in enumerate(groupings):
            if one.folded and keys[n] is not None:
                spelled[n, keys[n]] = min(row[f"s{n}"], spelled.get((n, keys[n]), row[f"s{n}"]))
    if not groupings:
        parts.setdefault((), [])
    for keys, of in parts.items():
        keys = tuple(spelled.get((n, key), key) for n, key in enumerate(keys))
        values = {name: _measured(item, function, n, of) for n, (name, (function, item)) in enumerate(asked.items())}
        rows[keys] = GroupRow(keys, sum(row["n"] for row in of), values)
    shown = sorted(list(rows.values())[:MOST_GROUPS], key=lambda row: _place(groupings, row.keys))
    return Aggregate(shown, len(rows) > MOST_GROUPS)


def _counted(
    rt: RecordType, query: ListQuery, groupings: Sequence[Grouping], asked: Sequence[tuple[str, Field]]
) -> Select[Any]:
    """The largest groups, each with a row for every currency: keys `k0`, of folded ones a spelling `s0`, number of rows
    `n`, and of each measure its value `m0` before division, how many rows have one `f0`, and its currency `c0`."""
    keys = [one.key.label(f"k{n}") for n, one in enumerate(groupings)]
    currencies, values = [], []
    for n, (function, item) in enumerate(asked):
        amount = rt.c[item.columns[0]]
        total = getattr(func, "sum" if function == "avg" else function)(amount)
        values += [total.label(f"m{n}"), func.count(amount).label(f"f{n}")]
        if item.kind is Kind.MONEY:
            currencies.append(rt.c[item.columns[1]].label(f"c{n}"))
    fine = select(*keys, *currencies, func.count().label("n"), *values).where(*rows_of(rt, query))
    if not keys:
        return fine.group_by(*currencies)
    fine = fine.group_by(*keys, *currencies)
    inside = (_together(groupings, asked, fine) if any(one.folded for one in groupings) else fine).subquery()
    if not currencies:
        largest = [inside.c.n.desc(), *(inside.c[key.name] for key in keys)]
        return select(*inside.c).order_by(*largest).limit(MOST_GROUPS + 1)
    group = [inside.c[key.name] for key in keys]
    size = func.sum(inside.c.n).over(partition_by=group)
    sized = select(*inside.c, size.label("size")).subquery()
    group = [sized.c[key.name] for key in keys]
    place = func.dense_rank().over(order_by=[sized.c.size.desc(), *group])
    placed = select(*sized.c, place.label("place")).subquery()
    return select(placed).where(placed.c.place <= MOST_GROUPS + 1).order_by(placed.c.place)


def _together(groupings: Sequence[Grouping], asked: Sequence[tuple[str, Field]], fine: Select[Any]) -> Select[Any]:
    """Groups whose spellings differ by case and accents alone as one; each spelling is folded once."""
    c = fine.subquery().c
    keys = [func.ossature.fold(c[f"k{n}"]) if one.folded else c[f"k{n}"] for n, one in enumerate(groupings)]
    named = [key.label(f"k{n}") for n, key in enumerate(keys)]
    named += [func.min(c[f"k{n}"]).label(f"s{n}") for n, one in enumerate(groupings) if one.folded]
    named.append(sa.cast(func.sum(c.n), sa.BigInteger).label("n"))
    currencies = [c[f"c{n}"] for n, (_function, item) in enumerate(asked) if item.kind is Kind.MONEY]
    for n, (function, _item) in enumerate(asked):
        combine = getattr(func, function if function in ("min", "max") else "sum")
        named += [combine(c[f"m{n}"]).label(f"m{n}"), func.sum(c[f"f{n}"]).label(f"f{n}")]
    return select(*named, *currencies).group_by(*keys, *currencies)


def _measured(item: Field, function: str, n: int, of: Sequence[RowMapping]) -> Any:
    """One measure of a group from its rows; of money a list with one amount a currency."""
    combine = {"min": min, "max": max}.get(function, sum)

    def value(rows: Sequence[RowMapping]) -> Any:
        whole = combine(row[f"m{n}"] for row in rows)
        if function == "avg":
            return Decimal(whole) / sum(row[f"f{n}"] for row in rows)
        return int(whole) if item.kind is Kind.INTEGER else whole

    filled = [row for row in of if row[f"f{n}"]]
    if item.kind is not Kind.MONEY:
        return value(filled) if filled else None
    found = []
    for currency in sorted({row[f"c{n}"] for row in filled}):
        amount = Decimal(value([row for row in filled if row[f"c{n}"] == currency]))
        found.append(Money(int(amount.quantize(Decimal(1), ROUND_HALF_UP)), currency))
    return found


def _numbered(rt: RecordType, query: ListQuery, grouping: Grouping) -> Grouping:
    """Spans of the date of creation by number, which takes half the time: its index knows where they begin and end."""
    if not grouping.span or grouping.field.name != "created_at" or query.deleted:
        return grouping
    made, zone = rt.c.created_at, ZoneInfo(current().time_zone)
    here = select(func.min(made), func.max(made)).where(
        rt.c.tenant_id == current().tenant_id, rt.c.deleted_at.is_(None)
    )
    first, last = session().execute(here).one()
    if first is None:
        return grouping
    starts: list[date] = []
    day = _span(first.astimezone(zone).date(), grouping.span).first
    while day <= last.astimezone(zone).date() and len(starts) <= _MOST_SPANS:
        starts.append(day)
        day = _span(day, grouping.span).last + timedelta(days=1)
    if len(starts) > _MOST_SPANS:
        return grouping
    moments = [datetime.combine(one, time(), zone) for one in starts]
    numbers = func.width_bucket(made, sa.literal(moments, sa.ARRAY(sa.DateTime(timezone=True))))
    return replace(grouping, key=numbers, starts=tuple(starts))


def groupable(rt: RecordType) -> dict[str, Field]:
    """What the reader may group by; dates by day, week, month, quarter or year."""
    return {
        name: item
        for name, (item, _operators) in filterable(rt).items()
        if item.kind in _GROUPED and name not in rt.collected
    }


def measurable(rt: RecordType) -> dict[str, Field]:
    """What the reader may add up: numbers and amounts of money."""
    kinds = (Kind.INTEGER, Kind.DECIMAL, Kind.MONEY)
    return {name: item for name, item in visible_fields(rt).items() if item.kind in kinds}


def read_group(rt: RecordType, text: str) -> Grouping:
    """A level as it is spelled: `status`, `created_at:month`. Raises `BadRequest`."""
    name, _colon, span = text.partition(":")
    item = groupable(rt).get(name)
    if item is None:
        raise _wrong("group", _("Group by one of: %(names)s.", names=", ".join(groupable(rt))))
    column: ColumnElement[Any] = rt.c[name]
    if item.kind is Kind.TAGS:  # a row is in the group of each of its tags
        none: ColumnElement[Any] = sa.literal_column(NO_TAGS)
        column = func.unnest(sa.case((column == none, sa.literal_column("ARRAY[NULL::text]")), else_=column))
    if item.kind not in (Kind.DATE, Kind.DATETIME):
        if span:
            raise _wrong("group", _("Only dates have a span: %(name)s has none.", name=name))
        return Grouping(text, item, column)
    span = span or "month"
    if span not in SPANS:
        raise _wrong("group", _("Use one of: %(names)s.", names=", ".join(f"{name}:{one}" for one in SPANS)))
    if item.kind is Kind.DATETIME:  # one call a row: counts by month of a million rows are made of little else
        return Grouping(text, item, func.date_trunc(span, column, current().time_zone), span)
    return Grouping(text, item, sa.cast(func.date_trunc(span, sa.cast(column, sa.DateTime)), sa.Date), span)


def read_measure(rt: RecordType, text: str) -> tuple[str, Field]:
    """A measure as it is spelled: `sum:annual_revenue`. Raises `BadRequest`."""
    function, _colon, name = text.partition(":")
    item = measurable(rt).get(name)
    if item is None or function not in FUNCTIONS:
        known = ", ".join(f"sum:{one}" for one in measurable(rt)) or _("none")
        raise _wrong(
            "measure", _("Measures are sum, avg, min and max of a number. Here there are: %(names)s.", names=known)
        )
    return function, item


def group_filter(rt: RecordType, group: Sequence[str], keys: Sequence[Any]) -> FilterGroup:
    """The filter that leaves the rows of one group."""
    return FilterGroup("all", tuple(read_group(rt, name).filter(key) for name, key in zip(group, keys, strict=False)))


def _span(day: date, span: str) -> Period:
    return period("today" if span == "day" else f"this_{span}", day)


def _place(groupings: Sequence[Grouping], keys: Sequence[Any]) -> list[tuple[bool, Any]]:
    """Choices in their declared order, everything else by value, what is empty last."""
    placed: list[tuple[bool, Any]] = []
    for grouping, key in zip(groupings, keys, strict=True):
        if grouping.field.kind is Kind.CHOICE and key in grouping.field.choices:
            key = list(grouping.field.choices).index(key)
        elif grouping.folded and key is not None:
            key = folded(key)
        elif isinstance(key, UUID | str):
            key = str(key)
        placed.append((key is None, "" if key is None else key))
    return placed


def _wrong(where: str, message: str) -> BadRequest:
    return BadRequest(_("The groups are asked for in a way that cannot be read."), [Detail(where, "invalid", message)])
