"""The headings of a grouped list with their counts and sums, and the rows below one of them.

A heading is a link to the list of its rows alone; opened in place it asks for that same list's headings of the next
level or, below the last, for its rows, a window at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue

from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.records.aggregate import Grouping, GroupRow, aggregate, group_filter, measurable, read_group
from ossature.records.fields import Kind
from ossature.records.filters import Group, outermost
from ossature.records.list_address import ListAddress
from ossature.records.list_views import list_columns, list_rows_view
from ossature.records.query import ListQuery, labels_of, list_rows
from ossature.records.saved import Look
from ossature.records.types import RecordType
from ossature.records.views import CELLS, cell
from ossature.web import formats, render
from ossature.web.list_models import GroupHeading, GroupRows, Groups
from ossature.web.models import Cell

_, _l, _n = translator("ossature")

WINDOW = 25
_INSIDE = re.compile(r"g(\d{1,4}(-\d{1,4}){0,2})?")


def groups_part(rt: RecordType, look: Look, query: ListQuery) -> ResponseReturnValue:
    """The headings of the first level that is left; one statement, and one more for each sum of money."""
    to = ListAddress(rt, look, query.deleted)
    level, *rest = look.definition.group or ("",)
    grouping = read_group(rt, level)
    names = list_columns(rt, look.definition)
    measures = [f"sum:{name}" for name in names[1:] if name in measurable(rt)]
    found = aggregate(rt, query, [level], measures)
    labels = {}
    if grouping.field.kind is Kind.REFERENCE:
        name = grouping.field.name
        labels = labels_of(rt, [{name: row.keys[0]} for row in found.groups], {name})
    inside = _inside()
    depth = inside.count("-") + 1 if inside != "g" else 0
    headings = []
    for number, row in enumerate(found.groups):
        narrower = Group("all", (*outermost(look.definition.filter), *group_filter(rt, [level], row.keys).items))
        elements: dict[str, Any] = {"filter": narrower, "group": tuple(rest)}
        id = f"{inside}-{number}" if inside != "g" else f"g{number}"
        part = "groups" if rest else "rows"
        headings.append(
            GroupHeading(
                id, _label(rt, grouping, row, labels), row.count, to(**elements),
                to([("part", part), ("inside", id)], **elements), tuple(_sums(rt, names[1:], row)),
            )
        )  # fmt: skip
    groups = Groups(tuple(headings), depth, "" if inside == "g" else inside, len(names), found.more,
                    _("A record with several tags is in the group of each, and adds to the sums of each.")
                    if grouping.field.kind is Kind.TAGS and headings else "")  # fmt: skip
    return render("record/_groups.html", title=str(rt.plural), groups=groups)


def rows_part(rt: RecordType, look: Look, query: ListQuery) -> ResponseReturnValue:
    """The next rows of a group."""
    to = ListAddress(rt, look, query.deleted)
    names = list_columns(rt, look.definition)
    page = list_rows(rt, query)
    rows = list_rows_view(rt, names, page.rows, labels_of(rt, page.rows, names))
    inside = _inside()
    more = to([("part", "rows"), ("inside", inside), ("cursor", page.next)]) if page.next else None
    view = GroupRows(tuple(rows), inside, len(names), more, first=not query.cursor)
    return render("record/_group_rows.html", title=str(rt.plural), group=view)


def _inside() -> str:
    """The heading that asks, by the number of each level."""
    asked = request.args.get("inside", "g")
    return asked if _INSIDE.fullmatch(asked) else "g"


def _label(rt: RecordType, grouping: Grouping, row: GroupRow, labels: dict[UUID, Any]) -> Cell:
    key = row.keys[0]
    if key is None:
        return Cell("text", _("Without %(field)s", field=grouping.field.label))
    if grouping.span:
        return Cell("text", formats.as_span(key, grouping.span))
    value = [key] if grouping.field.kind is Kind.TAGS else key
    shown = cell(rt, grouping.field, {grouping.field.name: value}, labels, kernel().screens[rt.key])
    if grouping.field.kind is Kind.BOOLEAN:
        return Cell("text", f"{grouping.field.label}{_(': ')}{_('Yes') if key else _('No')}")
    return shown._replace(url=None)


def _sums(rt: RecordType, names: Sequence[str], row: GroupRow) -> Iterator[tuple[Cell, ...]]:
    known = measurable(rt)
    for name in names:
        value = row.values.get(f"sum:{name}")
        if value is None:
            yield ()
        elif isinstance(value, list):
            yield tuple(Cell("money", one) for one in value)
        else:
            yield (Cell(CELLS[known[name].kind], value),)
