"""Calendars: the records of a list on the days of a month or a week, a few of each day, in the reader's time zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, func, select

from ossature.context import current
from ossature.db.work import session
from ossature.errors import BadRequest, Detail
from ossature.i18n.texts import translator
from ossature.rbac.predicate import demand
from ossature.records.aggregate import GroupRow, aggregate
from ossature.records.definition import calendar_fields
from ossature.records.fields import Field, Kind
from ossature.records.filters import Group, Question
from ossature.records.ordering import SORT_CAP
from ossature.records.periods import Period, period
from ossature.records.query import ListQuery, Row, columns, is_long, searched_rows_of, to_rows
from ossature.records.searching import Reach, says_nothing
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

Span = Literal["month", "week"]
SPANS: tuple[Span, ...] = get_args(Span)
MOST_A_DAY: dict[Span, int] = {"month": 4, "week": 20}
"""Records of a day that are shown; the others are a click away."""
_FIRST_YEAR, _LAST_YEAR = 1000, 9000


@dataclass(frozen=True, slots=True)
class Window:
    """What of time is looked at: the month or week of the day `at`. Weeks begin on Monday."""

    at: date
    span: Span = "month"

    @property
    def named(self) -> Period:
        """The month or the week itself."""
        return period(f"this_{self.span}", self.at)

    @property
    def shown(self) -> Period:
        """In whole weeks, from a Monday to a Sunday."""
        named = self.named
        return Period(period("this_week", named.first).first, period("this_week", named.last).last)

    @property
    def days(self) -> list[date]:
        shown = self.shown
        return [shown.first + timedelta(days=n) for n in range((shown.last - shown.first).days + 1)]

    def step(self, way: Literal["last", "next"]) -> Window:
        """The month or week before or after."""
        return replace(self, at=period(f"{way}_{self.span}", self.at).first)

    def arguments(self) -> dict[str, str]:
        """As parameters of an address."""
        at = self.at.isoformat()
        return {"at": at[:7] if self.span == "month" else at, "span": self.span}


def read_window(at: str, span: str, today: date) -> Window:
    """The window that an address asks for: `at=2026-11`, `at=2026-11-20&span=week`; that of today by default."""
    found = next((one for one in SPANS if one == (span or "month")), None)
    if found is None:
        raise _wrong("span", _("Use one of: %(names)s.", names=", ".join(SPANS)))
    if not at:
        return Window(today, found)
    try:
        day = date.fromisoformat(f"{at}-01" if len(at) == 7 else at)
    except ValueError:
        day = None
    if day is None or not _FIRST_YEAR <= day.year < _LAST_YEAR:
        raise _wrong("at", _("Give a month such as 2026-11, or a day such as 2026-11-20."))
    return Window(day, found)


@dataclass(frozen=True, slots=True)
class Day:
    """One day: its first rows in the order of time; `more` when there are others."""

    day: date
    rows: list[Row] = field(default_factory=list)
    more: bool = False


def calendar(rt: RecordType, query: ListQuery, by: Field, window: Window) -> tuple[list[Day], Reach]:
    """The rows of each day of a window, `MOST_A_DAY` of each, in one statement, and the reach of the search.

    Raises what a list raises, and `BadRequest` where the list is too long to be read for a date without an index.
    """
    demand(rt, "view")
    if says_nothing(query.search):
        return [Day(day) for day in window.days], "all"
    days, most = window.days, MOST_A_DAY[window.span]
    key = rt.sortable().get(by.name)
    if key is None:
        _refuse_a_long_list(rt, query, by)
    conditions, reach = searched_rows_of(rt, query)
    shown = columns(rt, query.fields)
    if key is not None:
        statement = _by_index(rt, shown, conditions, key, _edges(by, days), most + 1)
    else:
        statement = _by_one_read(rt, shown, conditions, rt.c[by.name], _edges(by, days), by, most + 1)
    result = session().execute(statement)
    names, found = list(result.keys()), result.all()
    by_day: dict[int, list[Any]] = {}
    for row in found:
        by_day.setdefault(row._mapping["_day"], []).append(row)
    filled = [
        Day(day, to_rows(rt, names, by_day.get(place, [])[:most]), len(by_day.get(place, [])) > most)
        for place, day in enumerate(days, 1)
    ]
    return filled, reach


def calendar_sums(
    rt: RecordType, query: ListQuery, by: Field, window: Window, measures: Sequence[str]
) -> dict[date, GroupRow]:
    """How many rows each day of a window has, and their sums; a day without rows is not there."""
    shown = window.shown
    test = Question(by.name, "between", [shown.first.isoformat(), shown.last.isoformat()])
    these = replace(query, filter=Group("all", (query.filter, test)))
    return {row.keys[0]: row for row in aggregate(rt, these, [f"{by.name}:day"], measures).groups}


def _refuse_a_long_list(rt: RecordType, query: ListQuery, by: Field) -> None:
    """Without an index all rows are read to find those of some days; there may be `SORT_CAP` of them."""
    if is_long(rt, query):
        names = ", ".join(str(item.label) for name, item in calendar_fields(rt).items() if name in rt.sortable())
        raise BadRequest(
            _("This list is too long for a calendar by %(field)s.", field=by.label),
            [
                Detail(
                    "by", "too_long",
                    _("Narrow it to %(n)d rows by filters, or choose one of: %(names)s.", n=SORT_CAP, names=names),
                )
            ],
        )  # fmt: skip


def _edges(by: Field, days: Sequence[date]) -> list[Any]:
    """Where each day begins, and the last one ends: of moments, in the reader's time zone."""
    all_days = [*days, days[-1] + timedelta(days=1)]
    if by.kind is Kind.DATE:
        return all_days
    zone = ZoneInfo(current().time_zone)
    return [datetime.combine(day, time(), zone) for day in all_days]


def _by_index(
    rt: RecordType, shown: Sequence[ColumnElement[Any]], conditions: Sequence[ColumnElement[bool]],
    key: ColumnElement[Any], edges: Sequence[Any], most: int,
) -> Select[Any]:  # fmt: skip
    """Day by day along an index: a day with a million rows costs what one with ten does."""
    several = sa.ARRAY(key.type)
    days = (
        func.unnest(sa.literal(list(edges[:-1]), several), sa.literal(list(edges[1:]), several))
        .table_valued(
            sa.column("begins", key.type), sa.column("ends", key.type), with_ordinality="place", name="days"
        )
        .render_derived()
    )  # fmt: skip
    inside = (
        select(*shown, key.label("_at"))
        .where(*conditions, key >= days.c.begins, key < days.c.ends)
        .order_by(key, rt.c.id)
        .limit(most)
        .lateral("inside")
    )
    return (
        select(*inside.c, days.c.place.label("_day"))
        .select_from(days.join(inside, sa.true()))
        .order_by(days.c.place, inside.c["_at"], inside.c.id)
    )


def _by_one_read(
    rt: RecordType, shown: Sequence[ColumnElement[Any]], conditions: Sequence[ColumnElement[bool]],
    column: ColumnElement[Any], edges: Sequence[Any], by: Field, most: int,
) -> Select[Any]:  # fmt: skip
    """Without an index all days are read once together."""
    several = sa.ARRAY(column.type)
    day = func.width_bucket(column, sa.literal(list(edges), several))
    place = func.row_number().over(partition_by=day, order_by=(column, rt.c.id))
    inside = (
        select(*shown, day.label("_day"), column.label("_at"), place.label("_place"))
        .where(*conditions, column >= edges[0], column < edges[-1])
        .subquery("inside")
    )
    return (
        select(*inside.c)
        .where(inside.c["_place"] <= most)
        .order_by(inside.c["_day"], inside.c["_at"], inside.c.id)
    )  # fmt: skip


def _wrong(where: str, message: str) -> BadRequest:
    return BadRequest(_("The calendar is asked for in a way that cannot be read."), [Detail(where, "invalid", message)])
