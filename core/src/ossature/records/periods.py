"""Periods by name: today, last month, the next seven days. They are whole days of whoever asks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from ossature.i18n.texts import translator

_, _l, _n = translator("ossature")

_COUNTED = re.compile(r"(last|next)_(\d{1,4})_days")


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last, both in it."""

    first: date
    last: date


PERIODS = {
    "today": _l("today"), "yesterday": _l("yesterday"), "tomorrow": _l("tomorrow"),
    "this_week": _l("this week"), "last_week": _l("last week"), "next_week": _l("next week"),
    "this_month": _l("this month"), "last_month": _l("last month"), "next_month": _l("next month"),
    "this_quarter": _l("this quarter"), "last_quarter": _l("last quarter"), "next_quarter": _l("next quarter"),
    "this_year": _l("this year"), "last_year": _l("last year"), "next_year": _l("next year"),
}  # fmt: skip
"""Names of periods and how they are shown; `last_30_days` and `next_7_days` count any number of days."""


def period(name: str, today: date) -> Period:
    """The period of that name on that day: weeks begin on Monday, the last n days end today, the next n begin
    tomorrow. Raises `ValueError` for a name that there is not."""
    counted = _COUNTED.fullmatch(name)
    if counted:
        days = int(counted[2])
        if days == 0:
            raise ValueError(name)
        if counted[1] == "last":
            return Period(today - timedelta(days=days - 1), today)
        return Period(today + timedelta(days=1), today + timedelta(days=days))
    if name not in PERIODS:
        raise ValueError(name)
    if name in ("today", "yesterday", "tomorrow"):
        day = today + timedelta(days=("yesterday", "today", "tomorrow").index(name) - 1)
        return Period(day, day)
    which, unit = name.split("_")
    return _UNITS[unit](today, {"last": -1, "this": 0, "next": 1}[which])


def period_words(name: str) -> str:
    """A period's name as it is shown."""
    counted = _COUNTED.fullmatch(name)
    if counted is None:
        return str(PERIODS.get(name, name))
    days = int(counted[2])
    if counted[1] == "last":
        return _n("in the last %(num)d day", "in the last %(num)d days", days)
    return _n("in the next %(num)d day", "in the next %(num)d days", days)


def _week(today: date, step: int) -> Period:
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=step)
    return Period(monday, monday + min(timedelta(days=6), date.max - monday))


def _months(first: int, length: int) -> Period:
    """`length` months from the month `first`, counted from January of the year 0."""
    after = first + length
    begins = date(first // 12, first % 12 + 1, 1)
    if after // 12 > date.max.year:
        return Period(begins, date.max)
    return Period(begins, date(after // 12, after % 12 + 1, 1) - timedelta(days=1))


def _spanning(length: int) -> Callable[[date, int], Period]:
    def found(today: date, step: int) -> Period:
        month = today.year * 12 + today.month - 1
        return _months(month - month % length + step * length, length)

    return found


_UNITS: dict[str, Callable[[date, int], Period]] = {
    "week": _week, "month": _spanning(1), "quarter": _spanning(3), "year": _spanning(12),
}  # fmt: skip
