"""What a list page shows, from a definition and a page of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from flask import url_for

from ossature.context import current
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.records.cells import editable_fields, may_change
from ossature.records.column_filters import column_filter
from ossature.records.definition import Definition, listable
from ossature.records.face_links import faces_of
from ossature.records.filter_words import filter_words
from ossature.records.filters import NOTHING, equalities, outermost, without
from ossature.records.list_address import ListAddress
from ossature.records.mass import mass_fields
from ossature.records.ordering import MOST_SORTS, default_sort, sortable
from ossature.records.query import ACTOR, Label, ListQuery, Page, Row
from ossature.records.saved import Look
from ossature.records.searching import said_of
from ossature.records.types import RecordType
from ossature.records.view_menu import views_menu
from ossature.records.views import CELLS, cell, page_endpoint, shown_at
from ossature.web.list_models import Column, Count, FilterChip, ListPage, Pager, Refused, Tool
from ossature.web.list_models import Row as RowView
from ossature.web.models import Action

_, _l, _n = translator("ossature")


def list_columns(rt: RecordType, definition: Definition) -> list[str]:
    """The columns of a list: those that were chosen, else those of the record's screens."""
    fields = listable(rt)
    return [name for name in definition.columns or kernel().screens[rt.key].list or (rt.title_field,) if name in fields]


def list_page(
    rt: RecordType,
    query: ListQuery,
    look: Look,
    page: Page,
    labels: Mapping[UUID, Label],
    count: Count | None,
    *,
    related: bool = False,
    row_filter: bool = False,
    refusal: Refused | None = None,
    lifts: Sequence[int] = (),
) -> ListPage:
    """The list of a record as `record/list.html` shows it; `related` leaves out what is the same in every row.

    `lifts` are the places of the filters without any one of which an empty list would have rows.
    """
    same = {*equalities(query.filter), "owner_id"} if related else set()
    names = [name for name in list_columns(rt, look.definition) if name not in same]
    to = ListAddress(rt, look, query.deleted)
    access = current().access
    edits = access.allows(rt.permission("edit")) and not query.deleted
    create = None
    if access.allows(rt.permission("create")) and not query.deleted:
        create = Action(str(rt.new_label), url_for(page_endpoint(rt, "new")), icon="plus", shortcut="c")
    actions: tuple[Action, ...] = ()
    if access.allows(rt.permission("delete")):
        if query.deleted:
            actions = (Action(_("Back to the list"), to.url, icon="arrow-left"),)
        else:
            actions = (Action(_("Recycle bin"), f"{to.url}?deleted=true", icon="trash"),)
    if edits:
        actions = (*actions, Action(_("Changes of many"), url_for(page_endpoint(rt, "mass")), icon="list-details"))
    if rt.duplicates and not query.deleted:
        actions = (*actions, Action(_("Duplicates"), url_for(page_endpoint(rt, "duplicates")), icon="copy"))
    merges = edits and not rt.ledger and access.allows(rt.permission("delete"))
    chips = chips_of(rt, look, labels, to)
    keep = {name: value for name, value in to.state.items() if name != "q"}
    title = _("Deleted %(records)s", records=str(rt.plural).lower()) if query.deleted else str(rt.plural)
    columns = tuple(_columns(rt, look, names, to, row_filter))
    return ListPage(
        title=title, url=to.url, columns=columns, rows=tuple(list_rows_view(rt, names, page.rows, labels)), count=count,
        search=query.search if rt.searchable and not query.deleted else None, keep=keep, chips=chips,
        clear_url=to(filter=NOTHING, search="") if (chips or query.search) else None,
        pager=Pager(
            to([("cursor", page.previous)]) if page.previous else None, to([("cursor", page.next)]) if page.next else None
        ),
        create=create, actions=actions, icon=rt.icon, note=said_of(page.reach, query.search),
        views=None if related or query.deleted else views_menu(rt, look),
        faces=None if query.deleted or related else faces_of(rt, look),
        empty_title=_("The recycle bin is empty") if query.deleted else _("No %(records)s yet", records=str(rt.plural).lower()),
        empty_text="" if query.deleted else _("They will appear here as soon as the first one is created."),
        tools=tools_of(rt, look, to), filter_url=to([("part", "filter")]), row_url=to([("part", "row")]) if look.definition.face == "list" else "", look=",".join(f"{one.name}:{one.width}" if one.width else one.name for one in columns),
        groups_url=to([("part", "groups")]) if look.definition.group and look.definition.face == "list" else None, row_filter=row_filter, refusal=refusal,
        lifts=tuple(chips[place] for place in lifts), all_url=to([("part", "all")]),
        edits=edits, deletes=access.allows(rt.permission("delete")) and not query.deleted,
        export_url=url_for(page_endpoint(rt, "export")) if access.allows(rt.permission("export")) and not query.deleted else "",
        mass_url=url_for(page_endpoint(rt, "mass")), merge_url=url_for(page_endpoint(rt, "merge")) if merges else "", assigns=edits and rt.owned, tags=edits and "tags" in mass_fields(rt),
    )  # fmt: skip


def list_rows_view(
    rt: RecordType, names: Sequence[str], rows: Iterable[Row], labels: Mapping[UUID, Label]
) -> Iterator[RowView]:
    """Rows as the table writes them; a unit is said in the header alone."""
    screens = kernel().screens[rt.key]
    fields = listable(rt)
    for row in rows:
        cells = [cell(rt, fields[name], row, labels, screens) for name in names]
        yield RowView(
            str(row["id"]), shown_at(rt, row["id"]),
            tuple(one._replace(unit=None) if one.unit else one for one in cells), row["deleted_at"] is not None,
            row["version"], not may_change(rt, row),
        )  # fmt: skip


def chips_of(rt: RecordType, look: Look, labels: Mapping[UUID, Label], to: ListAddress) -> tuple[FilterChip, ...]:
    """The filters in words, with the addresses of the list without each, and of the form that changes it."""
    asked = look.definition.filter
    return tuple(
        FilterChip(
            filter_words(rt, item, labels),
            to(filter=without(asked, place)),
            to([("part", "filter"), ("at", str(place))]),
        )
        for place, item in enumerate(outermost(asked))
    )


def tools_of(rt: RecordType, look: Look, to: ListAddress) -> tuple[Tool, ...]:
    """The buttons of the toolbar, with what is chosen now in words."""
    fields = listable(rt)
    orders = [part.strip() for part in look.definition.sort.split(",") if part.strip()]
    sorted_by = ", ".join(
        ("↓ " if part.startswith("-") else "↑ ") + str(fields[part.lstrip("-")].label)
        for part in orders if part.lstrip("-") in fields
    )  # fmt: skip
    grouped_by = " › ".join(group_words(rt, name) for name in look.definition.group)
    if look.definition.face == "calendar":
        return ()
    group = (
        (Tool("group", _("Group"), to([("part", "group")]), grouped_by, icon="stack-2"),)
        if not to.binned and look.definition.face == "list"
        else ()
    )
    return (
        *group,
        Tool("sort", _("Sort"), to([("part", "sort")]), sorted_by, icon="arrows-sort"),
        Tool("columns", _("Columns"), to([("part", "columns")]), icon="columns"),
    )


def group_words(rt: RecordType, name: str) -> str:
    """A level of groups in words: "Status", "Created by month"."""
    field, _colon, span = name.partition(":")
    label = str(listable(rt)[field].label)
    return _("%(field)s by %(span)s", field=label, span=str(SPAN_WORDS[span])) if span in SPAN_WORDS else label


SPAN_WORDS = {
    "day": _l("day"), "week": _l("week"), "month": _l("month"), "quarter": _l("quarter"), "year": _l("year"),
}  # fmt: skip


def _columns(rt: RecordType, look: Look, names: Sequence[str], to: ListAddress, filters: bool) -> Iterator[Column]:
    fields, order = listable(rt), sortable(rt)
    editable = editable_fields(rt) if current().access.allows(rt.permission("edit")) and not to.binned else {}
    chosen = [part.strip() for part in (look.definition.sort or default_sort(rt)).split(",")]
    places = {part.lstrip("-"): number for number, part in enumerate(chosen)}
    for name in names:
        item, place = fields[name], places.get(name)
        down = place is not None and chosen[place].startswith("-")
        turned = name if down or place is None else f"-{name}"
        added = [turned if part.lstrip("-") == name else part for part in chosen]
        if place is None:
            added = [*(chosen[: MOST_SORTS - 1] if look.definition.sort else ()), name]
        yield Column(
            name, str(item.label), "person" if item.target == ACTOR else CELLS[item.kind], item.unit or None,
            sort_url=to(sort=turned) if name in order else None,
            sorted=None if place is None else "descending" if down else "ascending",
            add_url=to(sort=",".join(added)) if name in order else None,
            place=place + 1 if place is not None and len(chosen) > 1 else 0,
            capped=not order.get(name, True), width=look.definition.widths.get(name, 0),
            filter=column_filter(rt, look, name, to) if filters else None, editable=name in editable,
        )  # fmt: skip
