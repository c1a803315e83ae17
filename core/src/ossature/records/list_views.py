"""What a list page shows, from a definition and a page of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import url_for

from ossature.context import current
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.records.definition import Definition, listable
from ossature.records.face_links import faces_of
from ossature.records.filter_words import filter_words
from ossature.records.filters import NOTHING, Group, equalities, without
from ossature.records.query import ACTOR, Label, ListQuery, Page
from ossature.records.saved import Look
from ossature.records.searching import said_of
from ossature.records.types import RecordType
from ossature.records.view_menu import views_menu
from ossature.records.views import CELLS, cell, page_endpoint, shown_at
from ossature.web.list_models import Column, Count, FilterChip, ListPage, Pager, Row
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
) -> ListPage:
    """The list of a record as `record/list.html` shows it; `related` leaves out what is the same in every row."""
    screens = kernel().screens[rt.key]
    fields = listable(rt)
    same = {*equalities(query.filter), "owner_id"} if related else set()
    names = [name for name in list_columns(rt, look.definition) if name not in same]
    url = url_for(page_endpoint(rt, "list"))
    binned = {"deleted": "true"} if query.deleted else {}

    def to(more: Mapping[str, str] | None = None, **elements: Any) -> str:
        arguments = {**look.arguments(**elements), **binned, **(more or {})}
        return f"{url}?{urlencode(arguments)}" if arguments else url

    order = query.sort or rt.kind_of_default_sort
    columns = []
    for name in names:
        item = fields[name]
        sorted_now = None
        if order.lstrip("-") == name:
            sorted_now = "descending" if order.startswith("-") else "ascending"
        columns.append(
            Column(
                name, str(item.label), "person" if item.target == ACTOR else CELLS[item.kind], item.unit or None,
                to(sort=f"-{name}" if sorted_now == "ascending" else name) if item.sort else None,
                sorted_now,  # type: ignore[arg-type]
            )
        )  # fmt: skip
    rows = tuple(
        Row(
            str(row["id"]), shown_at(rt, row["id"]),
            tuple(cell(rt, fields[name], row, labels, screens) for name in names), row["deleted_at"] is not None,
        )
        for row in page.rows
    )  # fmt: skip
    access = current().access
    create = None
    if access.allows(rt.permission("create")) and not query.deleted:
        create = Action(
            str(rt.new_label),
            url_for(page_endpoint(rt, "new")),
            icon="plus",
            shortcut="c",
        )
    actions: tuple[Action, ...] = ()
    if access.allows(rt.permission("delete")):
        if query.deleted:
            actions = (Action(_("Back to the list"), url, icon="arrow-left"),)
        else:
            actions = (Action(_("Recycle bin"), f"{url}?deleted=true", icon="trash"),)
    asked = query.filter.items if isinstance(query.filter, Group) and query.filter.join == "all" else (query.filter,)
    chips = tuple(
        FilterChip(filter_words(rt, item, labels), to(filter=without(query.filter, position)))
        for position, item in enumerate(asked)
    )
    keep = {**look.arguments(), **binned}
    keep.pop("q", None)
    title = _("Deleted %(records)s", records=str(rt.plural).lower()) if query.deleted else str(rt.plural)
    return ListPage(
        title=title, url=url, columns=tuple(columns), rows=rows, count=count,
        search=query.search if rt.searchable and not query.deleted else None, keep=keep, chips=chips,
        clear_url=to(filter=NOTHING, search="") if (chips or query.search) else None,
        pager=Pager(
            to({"cursor": page.previous}) if page.previous else None, to({"cursor": page.next}) if page.next else None
        ),
        create=create, actions=actions, icon=rt.icon, note=said_of(page.reach, query.search),
        views=None if related or query.deleted else views_menu(rt, look),
        faces=None if query.deleted or related else faces_of(rt, look),
        empty_title=_("The recycle bin is empty") if query.deleted else _("No %(records)s yet", records=str(rt.plural).lower()),
        empty_text="" if query.deleted else _("They will appear here as soon as the first one is created."),
    )  # fmt: skip
