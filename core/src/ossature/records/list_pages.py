"""The list of a record, and the parts of it that are asked for on their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from ossature.errors import BadRequest
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.rbac.predicate import visible_fields
from ossature.records.clean import plain
from ossature.records.definition import listable
from ossature.records.fields import Kind
from ossature.records.filters import NOTHING, Filter, beginnings, outermost, tests_of, without
from ossature.records.list_address import ListAddress
from ossature.records.list_groups import WINDOW, groups_part, rows_part
from ossature.records.list_views import list_columns, list_page
from ossature.records.ordering import SORT_CAP
from ossature.records.query import COUNT_UP_TO, Label, ListQuery, Page, Row, count_up_to, labels_of, list_rows
from ossature.records.saved import Look
from ossature.records.searching import says_nothing
from ossature.records.types import RecordType
from ossature.records.views import page_endpoint, shown_at
from ossature.web import Crumb, formats, render
from ossature.web.list_models import Count, Refused
from ossature.web.shell import COOKIE, Preferences

_, _l, _n = translator("ossature")

PAGE_SIZE = 50
RELATED_SIZE = 10
MOST_PICKED = 1000
MOST_LIFTED = 5


def list_index(rt: RecordType, look: Look) -> ResponseReturnValue:
    """The list, or the part of it that is asked for."""
    if request.args.get("part") == "related":
        return _related(rt, look)
    query = list_query(look, PAGE_SIZE)
    part = PARTS.get(request.args.get("part", ""))
    if part is not None:
        return part(rt, look, query if part is not rows_part else replace(query, limit=WINDOW))
    return _page(rt, look, query)


def _page(rt: RecordType, look: Look, query: ListQuery) -> ResponseReturnValue:
    page, refusal = Page([]), None
    if not look.definition.group and not says_nothing(query.search):
        try:
            page = list_rows(rt, replace(query, forgiving=True))
            if query.cursor and not page.rows:  # they have gone meanwhile: the list from its beginning
                query = replace(query, cursor="")
                page = list_rows(rt, replace(query, forgiving=True))
        except BadRequest as refused:
            refusal = _in_words(rt, look, refused)
    labels = list_labels(rt, look, page.rows)
    empty = not page.rows and not refusal and not look.definition.group
    view = list_page(
        rt, query, look, page, labels, None if refusal or look.definition.group else _count(rt, look, query, page),
        row_filter=_row_filter(), refusal=refusal, lifts=_lifts(rt, look, query) if empty else (),
    )  # fmt: skip
    template = "record/_rows.html" if request.headers.get("HX-Target") == "rows" else "record/list.html"
    page_written = render(template, title=view.title, breadcrumbs=list_crumbs(rt), list=view)
    return Response(page_written, 422 if refusal else 200)


def _related(rt: RecordType, look: Look) -> ResponseReturnValue:
    """The first rows, for a tab of the record that they belong to."""
    query = list_query(look, RELATED_SIZE)
    page = list_rows(rt, query)
    view = list_page(rt, query, look, page, list_labels(rt, look, page.rows), None, related=True)
    if view.create:
        new = url_for(page_endpoint(rt, "new"), **dict[str, Any](beginnings(query.filter)))
        view = replace(view, create=replace(view.create, url=new))
    return render("record/_related.html", title=view.title, list=view)


def list_query(look: Look, limit: int) -> ListQuery:
    """The rows that a look and the rest of the address ask for."""
    return ListQuery(
        search=plain(look.definition.search),
        sort=look.definition.sort,
        filter=look.definition.filter,
        limit=limit,
        cursor=request.args.get("cursor", ""),
        deleted=request.args.get("deleted") == "true",
    )


def list_crumbs(rt: RecordType) -> list[Crumb]:
    """The way back to the list."""
    return [Crumb(str(rt.plural), url_for(page_endpoint(rt, "list")))]


def list_labels(rt: RecordType, look: Look, rows: Iterable[Row], filter: Filter = NOTHING) -> dict[UUID, Label]:
    """Titles of what the rows and the filter refer to, as far as they are shown; in one statement."""
    asked = [*tests_of(look.definition.filter), *tests_of(filter)]
    names = {*list_columns(rt, look.definition), *(test.field for test in asked)}
    named: list[Row] = [{test.field: as_id(value)} for test in asked for value in test.values]
    return labels_of(rt, [*rows, *named], names)


def _count(rt: RecordType, look: Look, query: ListQuery, page: Page) -> Count:
    """How many there are as far as it costs nothing: what the page shows, of a whole list up to a bound."""
    if not query.cursor and page.next is None:
        return Count(len(page.rows))
    exact = ListAddress(rt, look, query.deleted)([("part", "count")])
    if query.search or query.filter != NOTHING:
        return Count(len(page.rows), more=True, exact_url=exact)
    found = count_up_to(rt, query, COUNT_UP_TO + 1)
    return Count(min(found, COUNT_UP_TO), more=found > COUNT_UP_TO, exact_url=exact if found > COUNT_UP_TO else "")


def _exact_count(rt: RecordType, look: Look, query: ListQuery) -> ResponseReturnValue:
    """All of them, for who asks."""
    found = Count(count_up_to(rt, query, None))
    return render("record/_count.html", title=str(rt.plural), list={"count": found})


def _all(rt: RecordType, look: Look, query: ListQuery) -> ResponseReturnValue:
    """Addresses of all that match, up to `MOST_PICKED`: of their pages and, where they have one, their e-mail."""
    query = replace(query, limit=MOST_PICKED, cursor="")
    page = list_rows(rt, query)
    mails = [name for name, item in visible_fields(rt).items() if item.kind is Kind.EMAIL]
    return jsonify(
        links=[shown_at(rt, row["id"]) for row in page.rows],
        emails=[row[name] for row in page.rows for name in mails if row.get(name)],
        more=page.next is not None,
    )


def _lifts(rt: RecordType, look: Look, query: ListQuery) -> list[int]:
    """Of an empty list: which filters, lifted alone, would leave rows."""
    asked = query.filter
    if len(outermost(asked)) > MOST_LIFTED or says_nothing(query.search):
        return []
    without_one = [replace(query, filter=without(asked, place), cursor="") for place in range(len(outermost(asked)))]
    return [place for place, one in enumerate(without_one) if count_up_to(rt, one, 1)]


def _in_words(rt: RecordType, look: Look, refused: BadRequest) -> Refused:
    """A list too long for its order, on the page itself; any other refusal is a page of its own."""
    if not any(detail.code == "too_long" for detail in refused.details):
        raise refused
    fields = listable(rt)
    first = look.definition.sort.split(",")[0].lstrip("-")
    names = [str(fields[name].label) for name in rt.sortable() if name in fields]
    return Refused(
        _("This list is too long to be sorted by %(field)s.", field=fields[first].label if first in fields else first),
        _(
            "Narrow it to %(n)s rows by filters, or sort by one of: %(names)s.",
            n=formats.as_number(SORT_CAP), names=", ".join(names),
        ),
        ListAddress(rt, look)(sort=""),
    )  # fmt: skip


def _row_filter() -> bool:
    """Whether this device shows the inputs below the headers."""
    return Preferences.read(request.cookies.get(COOKIE)).filters


PARTS: dict[str, Callable[[RecordType, Look, ListQuery], ResponseReturnValue]] = {
    "count": _exact_count, "all": _all, "groups": groups_part, "rows": rows_part,
}  # fmt: skip
"""What a list is asked for besides its page."""
