"""Days and moments as files write them: ISO, numbers in the file's order, names of months, and a workbook's count."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from ossature.i18n.texts import translator
from ossature.imports.cells import Cell
from ossature.imports.notation import DATE, Dates
from ossature.records.clean import Wrong
from ossature.records.rules import folded

_, _l, _n = translator("ossature")

_FIRST_COUNTED = 10_000
"""Numbers from here on may be days since 1900: those below look like years or amounts."""
_LAST_COUNTED = 2_958_465
_CLOCK = re.compile(
    r"[T ,]+(?:(?:at|a)\s+)?(\d{1,2})(?:[:h](\d{2}))(?::(\d{2})(?:[.,](\d{1,6})\d*)?)?\s*(?:([ap])\.?m\.?)?\s*(z|utc|gmt|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
_NAMED = (
    re.compile(
        r"(?:[a-z]+\.?,?\s+)?(?P<day>\d{1,2})(?:er|st|nd|rd|th)?[\s./-]+(?P<month>[a-z]{3,10})\.?[\s,./-]+(?P<year>\d{4}|\d{2})(?!\d)"
    ),
    re.compile(
        r"(?:[a-z]+\.?,\s+)?(?P<month>[a-z]{3,10})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})(?!\d)"
    ),
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?=$|[T ])")
_MONTHS = {
    name: number
    for number, names in enumerate(
        [
            "january jan janvier janv", "february feb fevrier fevr fev", "march mar mars", "april apr avril avr",
            "may mai", "june jun juin", "july jul juillet juil", "august aug aout aou", "september sep sept septembre",
            "october oct octobre", "november nov novembre", "december dec decembre",
        ],
        start=1,
    )
    for name in names.split()
}  # fmt: skip


def day_of(cell: Cell, order: Dates) -> date:
    """A day; a moment gives its own where its hour is midnight. Raises `Wrong`."""
    if isinstance(cell, datetime):
        if cell.time() == time(0):
            return cell.date()
        raise Wrong("wrong_type", _("Give a date without a time, such as 2026-11-20."))
    if isinstance(cell, date):
        return cell
    if isinstance(cell, int | float):
        return day_of(_counted(cell), order)
    day, rest = _begins_with_day(str(cell), order)
    if rest and _clock(rest)[0] != time(0):
        raise Wrong("wrong_type", _("Give a date without a time, such as 2026-11-20."))
    return day


def moment_of(cell: Cell, order: Dates) -> datetime:
    """A moment, naive where the file says no offset. Raises `Wrong`."""
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime.combine(cell, time(0))
    if isinstance(cell, int | float):
        return moment_of(_counted(cell), order)
    try:
        return datetime.fromisoformat(str(cell).strip())
    except ValueError:
        day, rest = _begins_with_day(str(cell), order)
    if not rest:
        return datetime.combine(day, time(0))
    clock, offset = _clock(rest)
    found = datetime.combine(day, clock)
    return found if offset is None else datetime.fromisoformat(found.isoformat() + offset)


def _counted(number: float | int | None) -> date:
    if number is None or isinstance(number, bool) or not _FIRST_COUNTED <= number <= _LAST_COUNTED:
        raise _no_day("ymd")
    moment = datetime(1899, 12, 30) + timedelta(seconds=round(number * 86_400))  # noqa: DTZ001 - workbooks know no zones
    return moment if moment.time() != time(0) else moment.date()


def _begins_with_day(text: str, order: Dates) -> tuple[date, str]:
    text = " ".join(text.split())
    try:
        if match := DATE.match(text):
            return _in_numbers(int(match[1]), int(match[3]), int(match[4]), match, order), text[match.end() :]
        if match := _COMPACT.match(text):
            return date(int(match[1]), int(match[2]), int(match[3])), text[match.end() :]
        plain = folded(text)
        for pattern in _NAMED:
            if (match := pattern.match(plain)) and (month := _MONTHS.get(match["month"])):
                return date(_year(match["year"]), month, int(match["day"])), plain[match.end() :]
    except ValueError:
        pass
    raise _no_day(order)


def _in_numbers(first: int, middle: int, last: int, match: re.Match[str], order: Dates) -> date:
    if len(match[1]) == 4:
        return date(first, middle, last)
    if len(match[1]) > 2 or len(match[4]) not in (2, 4):
        raise ValueError
    if order == "ymd" and len(match[4]) == 2:
        return date(_year(match[1]), middle, last)
    year = _year(match[4])
    return date(year, first, middle) if order == "mdy" else date(year, middle, first)


def _year(text: str) -> int:
    """Two digits are of the century in which spreadsheets see them: 29 is 2029, 30 is 1930."""
    number = int(text)
    return number if len(text) == 4 else number + (2000 if number < 30 else 1900)


def _clock(text: str) -> tuple[time, str | None]:
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise _no_day("ymd")
    hour = int(match[1])
    if half := (match[5] or "").lower():
        if not 1 <= hour <= 12:
            raise _no_day("ymd")
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        clock = time(hour, int(match[2]), int(match[3] or 0), int((match[4] or "0").ljust(6, "0")))
    except ValueError:
        raise _no_day("ymd") from None
    offset = match[6]
    if offset is None:
        return clock, None
    return clock, "+00:00" if offset[0] not in "+-" else offset if ":" in offset else f"{offset[:3]}:{offset[3:]}"


def _no_day(order: Dates) -> Wrong:
    example = {"dmy": "20/11/2026", "mdy": "11/20/2026", "ymd": "2026-11-20"}[order]
    return Wrong("invalid", _("Give a date, such as %(date)s.", date=example))
