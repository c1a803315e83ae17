"""The boxes of a list's toolbar: filter, order, groups, columns. Each is a fragment, and a page where there are no scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue

from ossature.errors import BadRequest, Detail, Invalid
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.kernel import kernel
from ossature.records.aggregate import DEEPEST, SPANS, groupable
from ossature.records.clean import whole_number
from ossature.records.column_filters import read_column_filters
from ossature.records.definition import MOST_COLUMNS, listable
from ossature.records.fields import Kind
from ossature.records.filter_forms import Draft, drafts_of, read_drafts, rows_of_form, to_filter
from ossature.records.filters import Group, condition, filterable, outermost, tests_of, without
from ossature.records.list_address import ListAddress
from ossature.records.list_pages import list_crumbs
from ossature.records.list_views import SPAN_WORDS, group_words, list_columns
from ossature.records.ordering import MOST_SORTS, SORT_CAP, default_sort, sortable
from ossature.records.query import Label, Row, labels_of
from ossature.records.saved import Look
from ossature.records.types import RecordType
from ossature.web import render
from ossature.web.filter_models import (
    Chosen,
    ColumnChoice,
    ColumnsForm,
    FilterField,
    FilterForm,
    Offer,
    Ordering,
)

_, _l, _n = translator("ossature")


def list_box(rt: RecordType, look: Look, part: str) -> ResponseReturnValue:
    """The box that `part` names, or where its form leads. Raises `BadRequest` for one that there is not."""
    to = ListAddress(rt, look, request.args.get("deleted") == "true")
    return BOXES[part](rt, look, to)


def _show(rt: RecordType, box: str, title: str, status: int = 200, **values: Any) -> ResponseReturnValue:
    page = render("record/box.html", title=title, breadcrumbs=list_crumbs(rt), box=f"record/_{box}.html", **values)
    response = Response(page, status)
    if status == 422:
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#list-box", "innerHTML"
        response.headers["HX-Push-Url"] = "false"
    return response


# -- filter ------------------------------------------------------------------------------------------------------------


def _filter_box(rt: RecordType, look: Look, to: ListAddress) -> ResponseReturnValue:
    asked = look.definition.filter
    items = outermost(asked)
    place = whole_number(request.args.get("at", ""), len(items) - 1)
    join, drafts = read_drafts(rt, request.args)
    if not drafts and place is not None and "apply" not in request.args:
        join, drafts = drafts_of(items[place])
    elif not drafts and (field := request.args.get("field")) in filterable(rt):
        drafts = (Draft(str(field)),)
    removed = whole_number(request.args.get("remove", ""))
    drafts = tuple(draft for number, draft in enumerate(drafts) if number != removed)
    if "add" in request.args and drafts:
        last = next((draft.field for draft in reversed(drafts) if draft.field), "")
        drafts = (*drafts, Draft(last or next(iter(filterable(rt)))))
    error = ""
    if "apply" in request.args:
        wanted = to_filter(rt, join, drafts)
        left = without(asked, place) if place is not None else asked
        kept = list(outermost(left))
        if wanted is not None:
            kept.insert(place if place is not None else len(kept), wanted)
        made = Group("all", tuple(kept))
        try:
            condition(rt, made)
        except (Invalid, BadRequest) as refused:
            error = " ".join(str(detail.message) for detail in refused.details) or str(refused.message)
        else:
            return redirect(to(filter=made), 303)
    form = FilterForm(
        url=to.url, state=to.state, fields=_fields(rt, to, place), join=join, at="" if place is None else str(place),
        rows=rows_of_form(rt, drafts, lambda rows: _labels(rt, rows)), error=error,
        lift_url=to(filter=without(asked, place)) if place is not None else "",
    )  # fmt: skip
    return _show(rt, "filter", _("Filter"), 422 if error else 200, form=form)


def _fields(rt: RecordType, to: ListAddress, place: int | None) -> tuple[FilterField, ...]:
    at = [] if place is None else [("at", str(place))]
    return tuple(
        FilterField(name, str(item.label), to([("part", "filter"), ("field", name), *at]))
        for name, (item, _operators) in filterable(rt).items()
    )


def _labels(rt: RecordType, drafts: Sequence[Draft]) -> Mapping[UUID, Label]:
    """Of the records that the form names; a statement a target."""
    asked = [test for draft in drafts for test in (tests_of(draft.kept) if draft.kept else (draft,))]
    named: list[Row] = [{test.field: id} for test in asked for value in test.values if (id := as_id(value))]
    return labels_of(rt, named, {name for row in named for name in row})


def _row_filters(rt: RecordType, look: Look, to: ListAddress) -> ResponseReturnValue:
    """What was typed below the headers, as a filter of the list."""
    return redirect(to(filter=read_column_filters(rt, look, request.args)), 303)


# -- order and groups --------------------------------------------------------------------------------------------------


def _sort_box(rt: RecordType, look: Look, to: ListAddress) -> ResponseReturnValue:
    fields, known = listable(rt), sortable(rt)
    now = [part.strip() for part in (look.definition.sort or default_sort(rt)).split(",")]
    names = [part.lstrip("-") for part in now]

    def with_(parts: Sequence[str]) -> str:
        return to(sort=",".join(parts))

    chosen = tuple(
        Chosen(
            name, str(fields[name].label), with_([*now[:n], *now[n + 1 :]]),
            turn_url=with_([*now[:n], name if now[n].startswith("-") else f"-{name}", *now[n + 1 :]]),
            down=now[n].startswith("-"),
            earlier_url=with_([*now[: n - 1], now[n], now[n - 1], *now[n + 1 :]]) if n else "",
        )
        for n, name in enumerate(names) if name in fields
    )  # fmt: skip
    base = now if look.definition.sort else []
    offers = {
        indexed: tuple(
            Offer(name, str(fields[name].label), with_([*base[: MOST_SORTS - 1], name]))
            for name, has in known.items() if has is indexed and name in fields and name not in names
        )
        for indexed in (True, False)
    }  # fmt: skip
    ordering = Ordering(
        chosen, offers[True], offers[False], SORT_CAP, to(sort="") if look.definition.sort else "",
        full=len(base) >= MOST_SORTS,
    )  # fmt: skip
    return _show(rt, "sort", _("Sort"), box_of=ordering)


def _group_box(rt: RecordType, look: Look, to: ListAddress) -> ResponseReturnValue:
    now = look.definition.group
    names = {one.partition(":")[0] for one in now}
    chosen = tuple(
        Chosen(
            one, group_words(rt, one), to(group=(*now[:n], *now[n + 1 :])),
            earlier_url=to(group=(*now[: n - 1], one, now[n - 1], *now[n + 1 :])) if n else "",
        )
        for n, one in enumerate(now)
    )  # fmt: skip
    offers = []
    if len(now) < DEEPEST:
        for name, item in sorted(groupable(rt).items(), key=lambda one: one[1].kind is Kind.TEXT):
            if name in names or name == rt.title_field or item.kind is Kind.INTEGER:
                continue
            timed = item.kind in (Kind.DATE, Kind.DATETIME)
            spans = (
                tuple((str(SPAN_WORDS[span]), to(group=(*now, f"{name}:{span}"))) for span in SPANS) if timed else ()
            )
            offers.append(Offer(name, str(item.label), to(group=(*now, name)), spans))
    ordering = Ordering(chosen, tuple(offers), clear_url=to(group=()) if now else "", full=len(now) >= DEEPEST)
    return _show(rt, "group", _("Group"), box_of=ordering)


# -- columns -----------------------------------------------------------------------------------------------------------


def _columns_box(rt: RecordType, look: Look, to: ListAddress) -> ResponseReturnValue:
    fields = listable(rt)
    shown = list_columns(rt, look.definition)
    if "c" in request.args:
        names = [name for name in dict.fromkeys(request.args.getlist("c")) if name in fields][:MOST_COLUMNS]
        for step, argument in ((-1, "up"), (1, "down")):
            moved = request.args.get(argument, "")
            if moved in names:
                at = names.index(moved)
                names.insert(max(0, min(len(names) - 1, at + step)), names.pop(at))
        if not names:
            raise BadRequest(_("Show at least one column."), [Detail("c", "required", _("Choose a column."))])
        return redirect(to(columns=tuple(names)), 303)
    standard = [name for name in kernel().screens[rt.key].list or (rt.title_field,) if name in fields]
    changed = shown != standard or bool(look.definition.widths)
    columns = [ColumnChoice(name, str(fields[name].label), True, len(shown) == 1) for name in shown]
    columns += [ColumnChoice(name, str(item.label), False) for name, item in fields.items() if name not in shown]
    form = ColumnsForm(to.url, to.state, tuple(columns), to(columns=(), widths={}) if changed else "")
    return _show(rt, "columns", _("Columns"), form=form)


BOXES = {
    "filter": _filter_box, "row": _row_filters, "sort": _sort_box, "group": _group_box, "columns": _columns_box,
}  # fmt: skip
"""What `part` asks for, each with the list's own address."""
