"""Dates, numbers and money as the reader writes them; Jinja filters and plain functions alike.

The locale and the time zone are those of the bound context. French numbers use narrow no-break spaces (U+202F), English
dates are written day first. Nothing is written for None.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent
from flask import Flask
from markupsafe import Markup, escape

from ossature.context import current_or_none
from ossature.i18n import translator, zone

_, _l, _n = translator("ossature")

NO_BREAK = "\u00a0"
NARROW = "\u202f"
_RELATIVE_DAYS = 31
_MANY = 4096


@lru_cache(maxsize=32)
def babel_locale(name: str) -> Locale:
    """English is read as British (20 Nov 2026), so that no date is ambiguous."""
    return Locale.parse("en_GB" if name == "en" else name.replace("-", "_"))


def _reader() -> tuple[str, str]:
    context = current_or_none()
    return (context.locale, context.time_zone) if context else ("en", "UTC")


def _narrow(text: str, locale: str) -> str:
    return text.replace(NO_BREAK, NARROW) if locale.startswith("fr") else text


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return zone(name)


def _local(value: datetime, time_zone: str) -> datetime:
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(_zone(time_zone))


def now() -> datetime:
    return datetime.now(UTC)


@lru_cache(maxsize=_MANY)
def _date(value: date, style: str, locale: str) -> str:
    return str(format_date(value, style, locale=babel_locale(locale)))


@lru_cache(maxsize=_MANY)
def _time(hour: int, minute: int, locale: str) -> str:
    return str(format_time(time(hour, minute), "short", locale=babel_locale(locale)))


def _datetime(local: datetime, style: str, locale: str) -> str:
    """Of two halves that repeat, so that a long list formats each once."""
    return f"{_date(local.date(), style, locale)}, {_time(local.hour, local.minute, locale)}"


def as_date(value: date | datetime | None, style: str = "medium") -> str:
    """`20 Nov 2026`, `20 nov. 2026`; a moment is shown as the reader's day."""
    if value is None:
        return ""
    locale, time_zone = _reader()
    day = _local(value, time_zone).date() if isinstance(value, datetime) else value
    return _date(day, style, locale)


def as_datetime(value: datetime | None, style: str = "medium") -> str:
    """`20 Nov 2026, 14:05` in the reader's time zone."""
    if value is None:
        return ""
    locale, time_zone = _reader()
    return _datetime(_local(value, time_zone), style, locale)


def as_time(value: time | datetime | None) -> str:
    """`14:05`."""
    if value is None:
        return ""
    locale, time_zone = _reader()
    moment = _local(value, time_zone) if isinstance(value, datetime) else value
    return _time(moment.hour, moment.minute, locale)


def exact(value: date | datetime) -> str:
    """The whole truth, for a tooltip: weekday, date and time of the reader's zone."""
    locale, time_zone = _reader()
    if isinstance(value, datetime):
        return _datetime(_local(value, time_zone), "full", locale)
    return _date(value, "full", locale)


@lru_cache(maxsize=_MANY)
def _distance(seconds: int, day: bool, locale: str) -> str:
    """Relative words; `day` counts in days only."""
    said = babel_locale(locale)
    distance = timedelta(seconds=seconds)
    if day:
        return str(format_timedelta(distance, granularity="day", threshold=1.2, add_direction=True, locale=said))
    return str(format_timedelta(distance, threshold=1.2, add_direction=True, locale=said))


def relative(value: date | datetime, at: datetime | None = None) -> str:
    """`3 days ago`, `il y a 3 jours`; the date itself once a month has passed."""
    locale, time_zone = _reader()
    today = _local(at or now(), time_zone)
    if isinstance(value, datetime):
        seconds = int((_local(value, time_zone) - today).total_seconds())
        if abs(seconds) > _RELATIVE_DAYS * 86_400:
            return as_date(value)
        if abs(seconds) < 86_400:
            step = 1 if abs(seconds) < 60 else 60 if abs(seconds) < 3_600 else 3_600
            return _distance(_toward_zero(seconds, step) or -1, False, locale)
        return _distance(_toward_zero(seconds, 86_400), True, locale)
    days = (value - today.date()).days
    if abs(days) > _RELATIVE_DAYS:
        return as_date(value)
    if abs(days) <= 1:
        return _near(days)
    return _distance(days * 86_400, True, locale)


def _toward_zero(seconds: int, step: int) -> int:
    return int(seconds / step) * step


def _near(days: int) -> str:
    return (_("yesterday"), _("today"), _("tomorrow"))[days + 1]


def ago(value: date | datetime | None) -> Markup | str:
    """A `<time>` with relative words, the exact moment on hover and for machines."""
    if value is None:
        return ""
    words, whole = escape(relative(value)), escape(exact(value))
    return Markup(f'<time datetime="{value.isoformat()}" title="{whole}">{words}</time>')  # noqa: S704 - escaped above


@lru_cache(maxsize=_MANY)
def _number(value: Decimal | int, locale: str) -> str:
    pattern = "#,##0.######" if isinstance(value, Decimal) else None
    return _narrow(str(format_decimal(value, format=pattern, locale=babel_locale(locale))), locale)


def as_number(value: Decimal | int | float | None, unit: str | None = None) -> str:
    """`1,234.5`, `1 234,5`; a unit follows after a no-break space."""
    if value is None:
        return ""
    locale, _ = _reader()
    written = _number(Decimal(str(value)) if isinstance(value, float) else value, locale)
    return f"{written}{NARROW if locale.startswith('fr') else NO_BREAK}{unit}" if unit else written


def as_bytes(size: int) -> str:
    """`640 kB`, `1.2 MB`; `640 ko`, `1,2 Mo`: thousands, with one decimal below ten."""
    value, power = Decimal(size), 0
    while value >= 1000 and power < 4:
        value, power = value / 1000, power + 1
    value = round(value, 1 if power and value < 10 else 0).normalize() + 0
    unit = ("o", "ko", "Mo", "Go", "To") if _reader()[0].startswith("fr") else ("bytes", "kB", "MB", "GB", "TB")
    return as_number(value, unit[power])


def as_span(first: date, span: str) -> str:
    """The day, week, month, quarter or year that begins on a day: `November 2026`, `T4 2026`."""
    if span == "week":
        return _("Week of %(day)s", day=as_date(first))
    locale = _reader()[0]
    pattern = {"month": "LLLL yyyy", "quarter": "QQQ yyyy", "year": "yyyy"}.get(span)
    return as_date(first) if pattern is None else str(format_date(first, pattern, locale=babel_locale(locale)))


@lru_cache(maxsize=_MANY)
def _percent(value: Decimal, locale: str) -> str:
    return _narrow(str(format_percent(value, format="#,##0.##%", locale=babel_locale(locale))), locale)


def as_percent(value: Decimal | float | int | None) -> str:
    """A ratio (0.125) as `12.5%`, `12,5 %`."""
    if value is None:
        return ""
    locale, _ = _reader()
    written = _percent(Decimal(str(value)), locale)
    return written.replace("%", f"{NARROW}%") if locale.startswith("fr") and NARROW + "%" not in written else written


@lru_cache(maxsize=_MANY)
def _money(amount: Decimal, currency: str, locale: str) -> str:
    return _narrow(str(format_currency(amount, currency, locale=babel_locale(locale))), locale)


def as_money(value: Any, currency: str | None = None) -> str:
    """`€1,234.50`, `1 234,50 €`: a `Money`, or an amount in major units with its currency; decimals are the currency's own."""
    if value is None:
        return ""
    locale, _ = _reader()
    held = getattr(value, "currency", None)
    if held is not None:
        return _money(Decimal(value.amount), str(held), locale)
    if currency is None:
        return as_number(value)
    return _money(Decimal(str(value)), currency, locale)


@lru_cache(maxsize=_MANY)
def initials(name: str | None) -> str:
    """Two letters for an avatar: of the first and the last word."""
    words = [word for word in (name or "").replace("-", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


@lru_cache(maxsize=_MANY)
def hue(name: str | None) -> int:
    """One of eight avatar colours, the same for a name everywhere."""
    return sum((name or "").encode()) % 8


FILTERS = {
    "date": as_date,
    "datetime": as_datetime,
    "time": as_time,
    "exact": exact,
    "ago": ago,
    "number": as_number,
    "percent": as_percent,
    "money": as_money,
    "initials": initials,
    "bytes": as_bytes,
    "hue": hue,
}


def install_formats(app: Flask) -> None:
    app.jinja_env.filters.update(FILTERS)
