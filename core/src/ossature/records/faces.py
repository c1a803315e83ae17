"""The faces of a list besides its rows, board and calendar: what their templates show, and the parts that come later."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from babel.dates import format_date, format_interval, get_day_names
from flask import Response, request
from flask.typing import ResponseReturnValue

from ossature.context import current
from ossature.errors import BadRequest
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.records.board_views import board_page, more_cards, sums_part
from ossature.records.calendars import MOST_A_DAY, SPANS, Day, Window, calendar, calendar_sums, read_window
from ossature.records.definition import listable
from ossature.records.face_links import field_of
from ossature.records.face_parts import (
    asked_of,
    face_around,
    measures,
    narrowed,
    rendered,
    sum_of,
    today,
    total_of,
)
from ossature.records.fields import Field, Kind
from ossature.records.filters import Question
from ossature.records.list_address import ListAddress
from ossature.records.list_pages import list_labels
from ossature.records.list_views import list_page
from ossature.records.query import ListQuery, Page, Row
from ossature.records.saved import Look
from ossature.records.types import RecordType
from ossature.records.views import cell, shown_at
from ossature.web import formats, render
from ossature.web.face_models import (
    CalendarDay,
    CalendarPage,
    Entry,
    FaceLink,
    Sums,
)
from ossature.web.list_models import Refused
from ossature.web.models import Badge

_, _l, _n = translator("ossature")

_SPANS = {"month": _l("Month"), "week": _l("Week")}


def face_page(rt: RecordType, look: Look, query: ListQuery) -> ResponseReturnValue:
    """The page of a board or calendar, or the part of it that is asked for."""
    part = request.args.get("part", "")
    try:
        return _part(rt, look, query, part)
    except BadRequest as refused:
        if part or not any(detail.code == "too_long" for detail in refused.details):
            raise
        back = ListAddress(rt, look)(sort="", by="")
        refusal = Refused(str(refused.message), str(refused.details[0].message), back)
        view = list_page(rt, query, look, Page([]), list_labels(rt, look, []), None, refusal=refusal)
        return Response(rendered(rt, view, "record/_rows.html"), 422)


def _part(rt: RecordType, look: Look, query: ListQuery, part: str) -> ResponseReturnValue:
    by = field_of(rt, look)
    if look.definition.face == "board":
        if part == "sums":
            return render("record/_sums.html", sums=sums_part(rt, look, query, by))
        if part == "column":
            return more_cards(rt, look, query, by)
        return board_page(rt, look, query, by)
    window = read_window(request.args.get("at", ""), request.args.get("span", ""), today())
    if part == "sums":
        return render("record/_sums.html", sums=_calendar_sums(rt, look, query, by, window))
    return _calendar_page(rt, look, query, by, window)


# -- calendars ---------------------------------------------------------------------------------------------------------


def _calendar_page(rt: RecordType, look: Look, query: ListQuery, by: Field, window: Window) -> ResponseReturnValue:
    screens = kernel().screens[rt.key]
    state = listable(rt).get(screens.state or "")
    names = (rt.title_field, by.name, *([state.name] if state else []))
    days, reach = calendar(rt, replace(query, fields=tuple(dict.fromkeys(names))), by, window)
    labels = list_labels(rt, look, [])
    this_day, named = today(), window.named
    locale = formats.babel_locale(current().locale)
    short, long = (get_day_names(width, locale=locale) for width in ("abbreviated", "wide"))

    def entry(row: Row) -> Entry:
        shown = cell(rt, state, row, {}, screens) if state else None
        badge = Badge(shown.label or "", shown.tone) if shown and not shown.empty else None
        at = row[by.name] if by.kind is Kind.DATETIME else None
        return Entry(shown_at(rt, row["id"]), row.get(rt.title_field) or _("Unnamed"), at, badge)

    def shown_day(day: Day) -> CalendarDay:
        return CalendarDay(
            day.day, str(long[day.day.weekday()]), tuple(map(entry, day.rows)), _day_url(rt, look, by, day.day), day.more,
            not named.first <= day.day <= named.last, day.day == this_day,
        )  # fmt: skip

    shown = [shown_day(day) for day in days]

    address = ListAddress(rt, look)

    def to(at: Window) -> str:
        return address(at.arguments().items(), by=by.name)

    face = CalendarPage(
        title=_period_title(window), by=str(by.label), span=window.span,
        weeks=tuple(tuple(shown[n : n + 7]) for n in range(0, len(shown), 7)),
        weekdays=tuple(str(short[n]) for n in range(7)),
        spans=tuple(
            FaceLink(str(_SPANS[span]), to(_other_span(window, span, this_day)), active=span == window.span)
            for span in SPANS
        ),
        previous_url=to(window.step("last")), next_url=to(window.step("next")),
        today_url=to(replace(window, at=this_day)),
        sums_url=address([*window.arguments().items(), ("part", "sums")], by=by.name),
    )  # fmt: skip
    return face_around(rt, look, query, labels, reach, "record/_calendar.html", window.arguments(), calendar=face)


def _other_span(window: Window, span: Any, today: date) -> Window:
    """The same time in the other span: the week of today where today is in the month, else its first."""
    if span == window.span:
        return window
    within = window.named.first <= today <= window.named.last
    return Window(today if within else window.named.first, span)


def _day_url(rt: RecordType, look: Look, by: Field, day: date) -> str:
    test = Question(by.name, "is", day.isoformat())
    return ListAddress(rt, look)(face="list", by="", filter=narrowed(look, test), sort=by.name)


def _period_title(window: Window) -> str:
    """`November 2026`, `16–22 Nov 2026`; `Novembre 2026`, `16–22 nov. 2026`."""
    locale = formats.babel_locale(current().locale)
    if window.span == "month":
        title = format_date(window.named.first, "LLLL y", locale=locale)
    else:
        title = format_interval(window.shown.first, window.shown.last, "yMMMd", locale=locale)
    return str(title)[:1].upper() + str(title)[1:]


def _calendar_sums(rt: RecordType, look: Look, query: ListQuery, by: Field, window: Window) -> Sums:
    measured = measures(rt, look)[:1]
    groups = calendar_sums(rt, query, by, window, asked_of(measured))
    most, named = MOST_A_DAY[window.span], window.named
    items = tuple(
        replace(sum_of(day.isoformat(), row, measured[:1]), shown=min(most, row.count)) for day, row in groups.items()
    )
    inside = [row for day, row in groups.items() if named.first <= day <= named.last]
    return Sums(items, total_of("count-all", inside, measured), str(measured[0].label) if measured else "")
