"""The faces of a list besides its rows, board and calendar: what their templates show, and the parts that come later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_interval, get_day_names
from flask import Response, request
from flask.typing import ResponseReturnValue

from ossature.context import current
from ossature.db.types import Money
from ossature.errors import BadRequest, Detail
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.records.aggregate import GroupRow, measurable
from ossature.records.boards import MOST_COLUMNS, BoardColumn, board, board_sums, column_query, column_test, declared
from ossature.records.calendars import MOST_A_DAY, SPANS, Day, Window, calendar, calendar_sums, read_window
from ossature.records.definition import listable
from ossature.records.face_links import field_of
from ossature.records.fields import Field, Kind
from ossature.records.filters import Group, Question, outermost
from ossature.records.list_address import ListAddress
from ossature.records.list_pages import list_crumbs, list_labels
from ossature.records.list_views import list_columns, list_page
from ossature.records.query import ACTOR, Label, ListQuery, Page, Row, list_rows
from ossature.records.saved import Look
from ossature.records.searching import Reach
from ossature.records.types import RecordType
from ossature.records.views import cell, shown_at
from ossature.web import formats, render
from ossature.web.face_models import (
    BoardPage,
    CalendarDay,
    CalendarPage,
    Card,
    Column,
    Entry,
    FaceLink,
    Sum,
    Sums,
)
from ossature.web.list_models import ListPage, Refused
from ossature.web.models import Badge

_, _l, _n = translator("ossature")

FACTS = 2
"""Facts of a card between its title and its owner."""
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
        return Response(_rendered(rt, view, "record/_rows.html"), 422)


def _part(rt: RecordType, look: Look, query: ListQuery, part: str) -> ResponseReturnValue:
    by = field_of(rt, look)
    if look.definition.face == "board":
        if part == "sums":
            return render("record/_sums.html", sums=_board_sums(rt, look, query, by))
        if part == "column":
            return _more_cards(rt, look, query, by)
        return _board_page(rt, look, query, by)
    window = read_window(request.args.get("at", ""), request.args.get("span", ""), _today())
    if part == "sums":
        return render("record/_sums.html", sums=_calendar_sums(rt, look, query, by, window))
    return _calendar_page(rt, look, query, by, window)


def _page(
    rt: RecordType, look: Look, query: ListQuery, labels: Mapping[UUID, Label], reach: Reach, template: str,
    keep: Mapping[str, str] | None = None, **values: Any,
) -> ResponseReturnValue:  # fmt: skip
    """What a face has in common with a list, around it; `keep` is what only the face has in its address."""
    head = list_page(rt, query, look, Page([], reach=reach), labels, None)
    if keep:
        head = _keeping(head, keep)
    return _rendered(rt, head, template, **values)


def _rendered(rt: RecordType, head: ListPage, template: str, **values: Any) -> str:
    """The part in place of the rows alone, or the page around it."""
    alone = request.headers.get("HX-Target") == "rows"
    return render(
        template if alone else "record/list.html", title=head.title, breadcrumbs=list_crumbs(rt), list=head,
        rows_template=template, **values,
    )  # fmt: skip


def _keeping(head: ListPage, keep: Mapping[str, str]) -> ListPage:
    """Searching and lifting a filter leave a calendar where it is."""

    def to(url: str) -> str:
        return f"{url}{'&' if '?' in url else '?'}{urlencode(keep)}"

    chips = tuple(replace(chip, lift_url=to(chip.lift_url)) for chip in head.chips)
    return replace(
        head, keep={**head.keep, **keep}, chips=chips, clear_url=to(head.clear_url) if head.clear_url else None
    )


# -- boards ------------------------------------------------------------------------------------------------------------


def _board_page(rt: RecordType, look: Look, query: ListQuery, by: Field) -> ResponseReturnValue:
    found = board(rt, replace(query, fields=_card_fields(rt, look, by)), by)
    rows = [row for column in found.columns for row in column.rows]
    labels = list_labels(rt, look, rows, Question(by.name, "filled"))
    columns = tuple(_column(rt, look, by, place, column, labels) for place, column in enumerate(found.columns))
    shown = [("shown", "" if column.value is None else str(column.value)) for column in found.columns]
    to = ListAddress(rt, look)
    face = BoardPage(
        str(by.label), columns, to([("part", "sums"), *shown], by=by.name),
        to(face="list", by="", group=(by.name,)) if found.more else None,
        _measure(rt, look) is not None,
    )  # fmt: skip
    return _page(rt, look, query, labels, found.reach, "record/_board.html", board=face)


def _column(
    rt: RecordType, look: Look, by: Field, place: int, column: BoardColumn, labels: Mapping[UUID, Label]
) -> Column:
    title = cell(rt, by, {by.name: column.value}, labels, kernel().screens[rt.key])
    screens = kernel().screens[rt.key]
    test = column_test(by, column.value)
    return Column(
        place,
        _("Without %(field)s", field=str(by.label).lower()) if column.value is None else str(title.label or title.value),
        _cards(rt, look, by, column.rows, labels), ListAddress(rt, look)(face="list", by="", filter=_and(look, test)),
        _more_url(rt, look, by, column.value, column.next),
        title.tone if by.name == screens.state and column.value is not None else None,
        title.struck, column.value is None,
    )  # fmt: skip


def _more_url(rt: RecordType, look: Look, by: Field, value: Any, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    where = [("part", "column"), ("column", "" if value is None else str(value)), ("cursor", cursor)]
    return ListAddress(rt, look)(where, by=by.name)


def _more_cards(rt: RecordType, look: Look, query: ListQuery, by: Field) -> ResponseReturnValue:
    """The next cards of one column."""
    value = request.args.get("column") or None
    page = list_rows(rt, replace(column_query(query, by, value), fields=_card_fields(rt, look, by)))
    cards = _cards(rt, look, by, page.rows, list_labels(rt, look, page.rows))
    return render("record/_cards.html", cards=cards, more_url=_more_url(rt, look, by, value, page.next))


def _card_fields(rt: RecordType, look: Look, by: Field) -> tuple[str, ...]:
    owner = ("owner_id",) if rt.owned else ()
    return tuple(dict.fromkeys((rt.title_field, by.name, *_facts(rt, look, by), *owner)))


def _facts(rt: RecordType, look: Look, by: Field) -> list[str]:
    """The first columns of the list besides the title, the owner and what the board is by."""
    shown_already = {rt.title_field, "owner_id", by.name}
    return [name for name in list_columns(rt, look.definition) if name not in shown_already][:FACTS]


def _cards(
    rt: RecordType, look: Look, by: Field, rows: Sequence[Row], labels: Mapping[UUID, Label]
) -> tuple[Card, ...]:
    fields, screens = listable(rt), kernel().screens[rt.key]
    facts = [fields[name] for name in _facts(rt, look, by)]

    def owner(row: Row) -> str | None:
        label = labels.get(row.get("owner_id") or row["id"])
        return label.title if label and not label.hidden and by.target != ACTOR else None

    return tuple(
        Card(
            shown_at(rt, row["id"]), row.get(rt.title_field) or _("Unnamed"),
            tuple(shown for item in facts if not (shown := cell(rt, item, row, labels, screens)).empty), owner(row),
        )
        for row in rows
    )  # fmt: skip


def _board_sums(rt: RecordType, look: Look, query: ListQuery, by: Field) -> Sums:
    """Of the columns that the page says it shows."""
    values = [text or None for text in request.args.getlist("shown")]
    if not values or len(values) > MOST_COLUMNS + 1:
        raise BadRequest(
            _("The sums are asked for in a way that cannot be read."),
            [Detail("shown", "invalid", _("Give a list of at most %(n)d.", n=MOST_COLUMNS + 1))],
        )
    measured = _measure(rt, look)
    groups = board_sums(rt, query, by, values, [f"sum:{measured.name}"] if measured else [])
    by_text = {None if key is None else str(key): row for key, row in groups.items()}
    items = [_sum(str(place), by_text.get(value), measured) for place, value in enumerate(values)]
    total = replace(_total("count", groups.values(), measured), amounts=()) if declared(by) else None
    return Sums(tuple(items), total, str(measured.label) if measured else "")


# -- calendars ---------------------------------------------------------------------------------------------------------


def _calendar_page(rt: RecordType, look: Look, query: ListQuery, by: Field, window: Window) -> ResponseReturnValue:
    screens = kernel().screens[rt.key]
    state = listable(rt).get(screens.state or "")
    names = (rt.title_field, by.name, *([state.name] if state else []))
    days, reach = calendar(rt, replace(query, fields=tuple(dict.fromkeys(names))), by, window)
    labels = list_labels(rt, look, [])
    today, named = _today(), window.named
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
            not named.first <= day.day <= named.last, day.day == today,
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
            FaceLink(str(_SPANS[span]), to(_other_span(window, span, today)), active=span == window.span)
            for span in SPANS
        ),
        previous_url=to(window.step("last")), next_url=to(window.step("next")),
        today_url=to(replace(window, at=today)),
        sums_url=address([*window.arguments().items(), ("part", "sums")], by=by.name),
    )  # fmt: skip
    return _page(rt, look, query, labels, reach, "record/_calendar.html", window.arguments(), calendar=face)


def _other_span(window: Window, span: Any, today: date) -> Window:
    """The same time in the other span: the week of today where today is in the month, else its first."""
    if span == window.span:
        return window
    within = window.named.first <= today <= window.named.last
    return Window(today if within else window.named.first, span)


def _day_url(rt: RecordType, look: Look, by: Field, day: date) -> str:
    test = Question(by.name, "is", day.isoformat())
    return ListAddress(rt, look)(face="list", by="", filter=_and(look, test), sort=by.name)


def _period_title(window: Window) -> str:
    """`November 2026`, `16–22 Nov 2026`; `Novembre 2026`, `16–22 nov. 2026`."""
    locale = formats.babel_locale(current().locale)
    if window.span == "month":
        title = format_date(window.named.first, "LLLL y", locale=locale)
    else:
        title = format_interval(window.shown.first, window.shown.last, "yMMMd", locale=locale)
    return str(title)[:1].upper() + str(title)[1:]


def _calendar_sums(rt: RecordType, look: Look, query: ListQuery, by: Field, window: Window) -> Sums:
    measured = _measure(rt, look)
    groups = calendar_sums(rt, query, by, window, [f"sum:{measured.name}"] if measured else [])
    most, named = MOST_A_DAY[window.span], window.named
    items = tuple(
        replace(_sum(day.isoformat(), row, measured), shown=min(most, row.count)) for day, row in groups.items()
    )
    inside = [row for day, row in groups.items() if named.first <= day <= named.last]
    return Sums(items, _total("count-all", inside, measured), str(measured.label) if measured else "")


# -- what both have ----------------------------------------------------------------------------------------------------


def _measure(rt: RecordType, look: Look) -> Field | None:
    """What is added up: an amount of money, or else a quantity that has a unit; one that the list shows first."""
    found = [
        item for item in measurable(rt).values()
        if item.kind is Kind.MONEY or (item.unit and item.unit != "%")
    ]  # fmt: skip
    columns = list_columns(rt, look.definition)
    found.sort(key=lambda item: (item.name not in columns, item.kind is not Kind.MONEY))
    return found[0] if found else None


def _sum(place: str, row: GroupRow | None, measured: Field | None) -> Sum:
    if row is None:
        return Sum(place, 0)
    value = row.values.get(f"sum:{measured.name}") if measured else None
    return Sum(place, row.count, _amounts(value, measured))


def _total(place: str, rows: Any, measured: Field | None) -> Sum:
    """Of several groups; each currency apart."""
    rows = list(rows)
    values = [row.values[f"sum:{measured.name}"] for row in rows] if measured else []
    if measured and measured.kind is Kind.MONEY:
        minor: dict[str, int] = {}
        for amount in (amount for amounts in values for amount in amounts):
            minor[amount.currency] = minor.get(amount.currency, 0) + amount.minor
        value: Any = [Money(minor[currency], currency) for currency in sorted(minor)]
    else:
        value = sum(one for one in values if one is not None) if any(one is not None for one in values) else None
    return Sum(place, sum(row.count for row in rows), _amounts(value, measured))


def _amounts(value: Any, measured: Field | None) -> tuple[str, ...]:
    if not value or measured is None:
        return ()
    if measured.kind is Kind.MONEY:
        return tuple(formats.as_money(amount) for amount in value)
    return (formats.as_number(value, measured.unit or None),)


def _and(look: Look, test: Question) -> Group:
    return Group("all", (*outermost(look.definition.filter), test))


def _today() -> date:
    return datetime.now(UTC).astimezone(ZoneInfo(current().time_zone)).date()
