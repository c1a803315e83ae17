"""The list of a record, and the parts of it that are asked for on their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import request, url_for
from flask.typing import ResponseReturnValue

from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.records.clean import plain
from ossature.records.filters import NOTHING, Filter, equalities, tests_of
from ossature.records.list_views import list_columns, list_page
from ossature.records.query import Label, ListQuery, Page, Row, count_up_to, labels_of, list_rows
from ossature.records.saved import Look
from ossature.records.searching import says_nothing
from ossature.records.types import RecordType
from ossature.records.views import page_endpoint
from ossature.web import Crumb, render
from ossature.web.list_models import Count

_, _l, _n = translator("ossature")

PAGE_SIZE = 50
RELATED_SIZE = 10
COUNT_UP_TO = 1000


class ListPages:
    """The list of one record type."""

    def __init__(self, rt: RecordType) -> None:
        self.key = rt.key

    @property
    def rt(self) -> RecordType:
        return kernel().records[self.key]

    def index(self, look: Look) -> ResponseReturnValue:
        rt = self.rt
        if request.args.get("part") == "related":
            return self._related(rt, look)
        query = list_query(look, PAGE_SIZE)
        page = Page([]) if says_nothing(query.search) else list_rows(rt, query)
        labels = list_labels(rt, look, page.rows)
        view = list_page(rt, query, look, page, labels, _count(rt, query, page))
        template = "record/_rows.html" if request.headers.get("HX-Target") == "rows" else "record/list.html"
        return render(template, title=view.title, breadcrumbs=list_crumbs(rt), list=view)

    def _related(self, rt: RecordType, look: Look) -> ResponseReturnValue:
        """The first rows, for a tab of the record that they belong to."""
        query = list_query(look, RELATED_SIZE)
        page = list_rows(rt, query)
        view = list_page(rt, query, look, page, list_labels(rt, look, page.rows), None, related=True)
        if view.create:
            new = url_for(page_endpoint(rt, "new"), **dict[str, Any](equalities(query.filter)))
            view = replace(view, create=replace(view.create, url=new))
        return render("record/_related.html", title=view.title, list=view)


def list_query(look: Look, limit: int) -> ListQuery:
    """The rows that a look and the rest of the address ask for."""
    return ListQuery(
        search=plain(look.definition.search),
        sort=look.definition.sort,
        filter=look.definition.filter,
        limit=limit,
        cursor=request.args.get("cursor", "")[:2000],
        deleted=request.args.get("deleted") == "true",
    )


def list_crumbs(rt: RecordType) -> list[Crumb]:
    """The way back to the list."""
    return [Crumb(str(rt.plural), url_for(page_endpoint(rt, "list")))]


def list_labels(rt: RecordType, look: Look, rows: Iterable[Row], filter: Filter = NOTHING) -> dict[UUID, Label]:
    """Titles of what the rows and the filter refer to, as far as they are shown; a statement a target."""
    asked = [*tests_of(look.definition.filter), *tests_of(filter)]
    names = {*list_columns(rt, look.definition), *(test.field for test in asked)}
    named: list[Row] = [{test.field: _id(value)} for test in asked for value in _values(test.value)]
    return labels_of(rt, [*rows, *named], names)


def _count(rt: RecordType, query: ListQuery, page: Page) -> Count:
    """How many there are, counted up to a bound that costs nothing; of a search, what its first page says."""
    if query.search or (page.next is None and page.previous is None):
        return Count(len(page.rows), more=page.next is not None or page.previous is not None)
    found = count_up_to(rt, query, COUNT_UP_TO + 1)
    return Count(min(found, COUNT_UP_TO), more=found > COUNT_UP_TO)


def _id(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
