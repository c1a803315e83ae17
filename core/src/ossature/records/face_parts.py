"""What boards and calendars have in common: the page around them, what they add up, and how it is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import request
from flask.typing import ResponseReturnValue

from ossature.context import current
from ossature.db.types import Money
from ossature.kernel import kernel
from ossature.records.aggregate import GroupRow, measurable
from ossature.records.fields import Field, Kind
from ossature.records.filters import Filter, Group, outermost
from ossature.records.list_pages import list_crumbs
from ossature.records.list_views import list_columns, list_page
from ossature.records.query import Label, ListQuery, Page
from ossature.records.saved import Look
from ossature.records.searching import Reach
from ossature.records.types import RecordType
from ossature.web import formats, render
from ossature.web.face_models import Sum
from ossature.web.list_models import ListPage


def face_around(
    rt: RecordType, look: Look, query: ListQuery, labels: Mapping[UUID, Label], reach: Reach, template: str,
    keep: Mapping[str, str] | None = None, **values: Any,
) -> ResponseReturnValue:  # fmt: skip
    """What a face has in common with a list, around it; `keep` is what only the face has in its address."""
    head = list_page(rt, query, look, Page([], reach=reach), labels, None)
    if keep:
        head = _keeping(head, keep)
    return rendered(rt, head, template, **values)


def rendered(rt: RecordType, head: ListPage, template: str, **values: Any) -> str:
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


def measures(rt: RecordType, look: Look) -> list[Field]:
    """What is added up: what the screens name; else an amount of money, or a quantity that has a unit, one that the list
    shows first."""
    offered = measurable(rt)
    named = [offered[name] for name in kernel().screens[rt.key].sums if name in offered]
    if named:
        return named
    found = [item for item in offered.values() if item.kind is Kind.MONEY or (item.unit and item.unit != "%")]
    columns = list_columns(rt, look.definition)
    found.sort(key=lambda item: (item.name not in columns, item.kind is not Kind.MONEY))
    return found[:1]


def asked_of(measured: Sequence[Field]) -> list[str]:
    """The sums as the aggregate takes them."""
    return [f"sum:{item.name}" for item in measured]


def sum_of(place: str, row: GroupRow | None, measured: Sequence[Field]) -> Sum:
    """The count and the sums of one place; those after the first with what they are."""
    if row is None:
        return Sum(place, 0)
    values = [row.values.get(f"sum:{item.name}") for item in measured]
    written = [amounts_of(value, item) for value, item in zip(values, measured, strict=True)]
    others = tuple(
        (str(item.label), amounts) for item, amounts in list(zip(measured, written, strict=True))[1:] if amounts
    )
    return Sum(place, row.count, written[0] if written else (), others=others)


def total_of(place: str, rows: Iterable[GroupRow], measured: Sequence[Field]) -> Sum:
    """Of several groups; each currency apart."""
    rows, first = list(rows), measured[0] if measured else None
    values = [row.values[f"sum:{first.name}"] for row in rows] if first else []
    if first and first.kind is Kind.MONEY:
        minor: dict[str, int] = {}
        for amount in (amount for amounts in values for amount in amounts):
            minor[amount.currency] = minor.get(amount.currency, 0) + amount.minor
        value: Any = [Money(minor[currency], currency) for currency in sorted(minor)]
    else:
        value = sum(one for one in values if one is not None) if any(one is not None for one in values) else None
    return Sum(place, sum(row.count for row in rows), amounts_of(value, first))


def amounts_of(value: Any, measured: Field | None) -> tuple[str, ...]:
    """A sum in words, one a currency."""
    if not value or measured is None:
        return ()
    if measured.kind is Kind.MONEY:
        return tuple(formats.as_money(amount) for amount in value)
    return (formats.as_number(value, measured.unit or None),)


def narrowed(look: Look, test: Filter) -> Group:
    """The filter of a list with one more question."""
    return Group("all", (*outermost(look.definition.filter), test))


def today() -> date:
    """The reader's day."""
    return datetime.now(UTC).astimezone(ZoneInfo(current().time_zone)).date()
