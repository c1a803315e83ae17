"""From rows to what templates show: cells, list pages, record pages, timelines in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import g, url_for

from ossature.context import current
from ossature.db.types import Money, currency_decimals
from ossature.history.timeline import Entry, FieldChange, TimelinePage
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.predicate import reaches_owner, visible_fields
from ossature.records.definition import Definition, listable
from ossature.records.fields import Field, Kind
from ossature.records.filters import NOTHING, Filter, Group, equalities, filterable, without
from ossature.records.periods import period_words
from ossature.records.query import ACTOR, Label, ListQuery, Page, Row
from ossature.records.rules import shown_phone_number
from ossature.records.saved import Look
from ossature.records.screens import Screens
from ossature.records.service import OWNER
from ossature.records.types import RecordType
from ossature.web import formats, models
from ossature.web.models import Action, Cell, Change, Column, Count, DetailPage, Fact, FactSection, ListPage, Pager
from ossature.web.models import Row as RowView

_, _l, _n = translator("ossature")

CELLS: dict[Kind, models.CellKind] = {
    Kind.TEXT: "text", Kind.LONG_TEXT: "longtext", Kind.EMAIL: "email", Kind.PHONE: "phone", Kind.URL: "url",
    Kind.SECRET: "text", Kind.INTEGER: "integer", Kind.DECIMAL: "number", Kind.MONEY: "money",
    Kind.BOOLEAN: "boolean", Kind.DATE: "date", Kind.DATETIME: "datetime", Kind.CHOICE: "choice",
    Kind.REFERENCE: "reference",
}  # fmt: skip

# Kinds whose values are not shown as they are.
IN_WORDS = frozenset({Kind.REFERENCE, Kind.CHOICE, Kind.PHONE, Kind.SECRET})


def page_endpoint(rt: RecordType, what: str) -> str:
    return f"{rt.plugin}_records.{rt.name}_{what}"


def record_url(key: str, id: UUID) -> str | None:
    """Where a record is shown, None when its plugin is not there or the reader may not see such records."""
    rt = kernel().records.get(key)
    if rt is None or rt.parent or not current().access.allows(rt.permission("view")):
        return None
    return _shown_at(rt, id)


def _shown_at(rt: RecordType, id: UUID) -> str:
    """The address of a record's page: below its list, which is looked up once a request, not for every row."""
    lists: dict[str, str] = g.setdefault("list_urls", {})
    if rt.key not in lists:
        lists[rt.key] = url_for(page_endpoint(rt, "list"))
    return f"{lists[rt.key]}/{id}"


def cell(rt: RecordType, item: Field, row: Row, labels: Mapping[UUID, Label], screens: Screens | None = None) -> Cell:
    """One value of a row, ready to be shown."""
    value = row.get(item.name)
    if value is None or item.kind not in IN_WORDS:
        return Cell(CELLS[item.kind], value, unit=item.unit or None)
    match item.kind:
        case Kind.REFERENCE:
            label = labels.get(value)
            if label is None or label.hidden:
                return Cell("text", _("Restricted"))
            if item.target == ACTOR:
                return Cell("person", value, label.title)
            url = record_url(item.target or "", value)
            return Cell("reference", value, label.title or _("Unnamed"), url, struck=label.deleted)
        case Kind.CHOICE:
            tone: Any = "neutral"
            if screens and screens.state == item.name:
                tone = screens.tones.get(value, "neutral")
            return Cell("choice", value, str(item.choices.get(value, value)), tone=tone)
        case Kind.PHONE:
            return Cell("phone", shown_phone_number(value))
    return Cell("text", _("Set, not shown") if value else None)


def all_fields(rt: RecordType) -> dict[str, Field]:
    """The fields that the reader may see, the owner included."""
    return {**visible_fields(rt), **({"owner_id": OWNER} if rt.owned else {})}


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
        RowView(
            str(row["id"]), _shown_at(rt, row["id"]),
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
        models.FilterChip(filter_words(rt, item, labels), to(filter=without(query.filter, position)))
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
        create=create, actions=actions, icon=rt.icon,
        empty_title=_("The recycle bin is empty") if query.deleted else _("No %(records)s yet", records=str(rt.plural).lower()),
        empty_text="" if query.deleted else _("They will appear here as soon as the first one is created."),
    )  # fmt: skip


def filter_words(rt: RecordType, node: Filter, labels: Mapping[UUID, Label]) -> str:
    """A question in words: "Status is Customer", "Created this month or Owner is me"."""
    if isinstance(node, Group):
        words = [filter_words(rt, item, labels) for item in node.items]
        if node.join == "none":
            return _("none of: %(questions)s", questions="; ".join(words))
        return (_(" and ") if node.join == "all" else _(" or ")).join(words)
    item = filterable(rt)[node.field][0]
    values = [
        _value_words(item, node.op, value, labels)
        for value in (node.value if isinstance(node.value, list) else [node.value])
    ]
    said = values[0] if len(values) == 1 else (_(" and ") if node.op == "between" else _(" or ")).join(values)
    return str(QUESTIONS[node.op]) % {"field": item.label, "value": said}


QUESTIONS = {
    "is": _l("%(field)s is %(value)s"), "not": _l("%(field)s is not %(value)s"), "in": _l("%(field)s is %(value)s"),
    "starts": _l("%(field)s begins with %(value)s"), "empty": _l("%(field)s is empty"),
    "filled": _l("%(field)s is filled"), "below": _l("%(field)s is below %(value)s"),
    "at_most": _l("%(field)s is at most %(value)s"), "above": _l("%(field)s is above %(value)s"),
    "at_least": _l("%(field)s is at least %(value)s"), "between": _l("%(field)s is between %(value)s"),
    "before": _l("%(field)s is before %(value)s"), "until": _l("%(field)s is until %(value)s"),
    "after": _l("%(field)s is after %(value)s"), "since": _l("%(field)s is since %(value)s"),
    "in_period": _l("%(field)s: %(value)s"), "me": _l("%(field)s is me"), "my_team": _l("%(field)s is in my team"),
}  # fmt: skip
"""How each operator is said in a chip."""


def _value_words(item: Field, op: str, value: Any, labels: Mapping[UUID, Label]) -> str:
    if item.kind is Kind.CHOICE:
        return str(item.choices.get(value, value))
    if item.kind is Kind.BOOLEAN:
        return _("Yes") if value in ("true", True) else _("No")
    if item.kind is Kind.REFERENCE:
        try:
            label = labels.get(UUID(str(value)))
        except ValueError:
            label = None
        return label.title if label and not label.hidden else _("Restricted")
    if op == "in_period":
        return period_words(str(value))
    if item.kind in (Kind.DATE, Kind.DATETIME) and value is not None:
        return formats.as_date(date.fromisoformat(str(value)))
    return "" if value is None else str(value)


def detail_page(
    rt: RecordType,
    row: Row,
    parts: Mapping[str, Sequence[Row]],
    labels: Mapping[UUID, Label],
    timeline: models.Timeline | None,
) -> DetailPage:
    """A record as `record/detail.html` shows it."""
    screens = kernel().screens[rt.key]
    fields = all_fields(rt)
    may = {action: reaches_owner(rt, action, row.get("owner_id")) for action in ("edit", "delete")}
    id = row["id"]
    here = url_for(page_endpoint(rt, "show"), id=id)
    edit_url = url_for(page_endpoint(rt, "edit"), id=id) if may["edit"] and row["deleted_at"] is None else None

    def fact(name: str) -> Fact:
        item = fields[name]
        shown = cell(rt, item, row, labels, screens)
        return Fact(str(item.label), shown, edit_url=f"{edit_url}#f-{name}" if edit_url and item.writable else None)

    state = None
    if screens.state and screens.state in fields and row.get(screens.state):
        shown = cell(rt, fields[screens.state], row, labels, screens)
        state = models.Badge(shown.label or "", shown.tone)
    facts = [name for name in screens.facts if name in fields]
    sections = screens.sections
    overview: list[FactSection] = []
    part_lists: list[models.PartList] = []
    shown_parts: set[str] = set()
    for section in sections or ():
        shown_above = {*facts, screens.state, rt.title_field}
        names = [name for name in section.fields if name in fields and name not in shown_above]
        if names:
            overview.append(FactSection(str(section.title), tuple(fact(name) for name in names)))
        for name in section.fields:
            if name in rt.parts:
                shown_parts.add(name)
                part_lists.append(_part_list(rt.parts[name], parts.get(name, ())))
    if not sections:
        rest = [name for name in fields if name not in facts and fields[name].parent is None and name != rt.title_field]
        overview.append(FactSection("", tuple(fact(name) for name in rest)))
    for name, part in rt.parts.items():
        if name not in shown_parts:
            part_lists.append(_part_list(part, parts.get(name, ())))
    tabs = [models.Tab("overview", _("Overview"), tuple(overview), tuple(part for part in part_lists if part.items))]
    for related in screens.related:
        other = kernel().records.get(related.record)
        if other is not None and current().access.allows(other.permission("view")):
            arguments = {f"filter[{related.field}]": str(id), "part": "related"}
            tabs.append(
                models.Tab(
                    related.field + "-" + other.name, str(related.label or other.plural),
                    url=f"{url_for(page_endpoint(other, 'list'))}?{urlencode(arguments)}", icon=other.icon,
                )
            )  # fmt: skip
    actions: list[Action] = []
    restore = None
    if may["delete"] and row["deleted_at"] is None:
        actions.append(
            Action(
                _("Delete %(record)s", record=str(rt.label).lower()), url_for(page_endpoint(rt, "delete"), id=id), "post",
                "trash", "danger",
            )
        )  # fmt: skip
    elif may["delete"]:
        restore = Action(_("Restore"), url_for(page_endpoint(rt, "restore"), id=id), "post", "restore")
    return DetailPage(
        title=row.get(rt.title_field) or _("Unnamed"), kind=str(rt.label), url=here, icon=rt.icon, state=state,
        facts=tuple(fact(name) for name in facts), tabs=tuple(tabs), timeline=timeline,
        edit=Action(_("Edit"), edit_url, icon="pencil", shortcut="e") if edit_url else None, actions=tuple(actions),
        deleted_at=row["deleted_at"], restore=restore, person=screens.person,
    )  # fmt: skip


def _part_list(part: RecordType, rows: Sequence[Row]) -> models.PartList:
    visible = {name: item for name, item in visible_fields(part).items() if not item.parent}
    head = next((name for name, item in visible.items() if item.kind is Kind.CHOICE), None)
    items = []
    for row in rows:
        title = cell(part, visible[head], row, {}).label or "" if head else ""
        if part.cls.__lines__:
            items.append(FactSection(title, lines=tuple(_lines(part.cls.__lines__, row, visible))))
            continue
        facts = tuple(
            Fact(str(item.label), cell(part, item, row, {}))
            for name, item in visible.items()
            if name != head and row.get(name) not in (None, "")
        )
        items.append(FactSection(title, facts))
    return models.PartList(str(part.plural), tuple(items))


def _lines(pattern: Sequence[str], row: Row, visible: Mapping[str, Field]) -> Iterator[str]:
    for names in pattern:
        values = ((visible[name], row[name]) for name in names.split() if name in visible and row.get(name))
        line = " ".join(str(item.choices.get(value, value)) for item, value in values)
        if line:
            yield line


# -- timeline ----------------------------------------------------------------------------------------------------------

VERBS = {"create": "created", "update": "changed", "delete": "deleted", "restore": "restored", "purge": "deleted"}
MEANS = {
    "api": _l("through the API"), "import": _l("by import"), "job": _l("by a job"), "command": _l("by a command"),
    "sql": _l("in the database"), "system": _l("by the system"),
}  # fmt: skip


def timeline_view(rt: RecordType, id: UUID, page: TimelinePage) -> models.Timeline:
    """The change sets of a record in words."""
    more = url_for(page_endpoint(rt, "timeline"), id=id, before=page.more) if page.more else None
    return models.Timeline(tuple(_entry(entry, rt, page.labels) for entry in page.entries), more)


def _entry(entry: Entry, rt: RecordType, labels: Mapping[UUID, Label]) -> models.TimelineEntry:
    means = MEANS.get(entry.means)
    return models.TimelineEntry(
        actor=entry.actor or _("The system"), verb=VERBS[entry.what], at=entry.at,  # type: ignore[arg-type]
        changes=tuple(_change(item, rt, labels) for item in entry.changes),
        means=str(means) if means else None, reason=entry.reason, kind=entry.actor_kind,
    )  # fmt: skip


def _change(item: FieldChange, root: RecordType, labels: Mapping[UUID, Label]) -> Change:
    label = str(item.field.label)
    if item.record.key != root.key:
        label = f"{item.record.label}: {label}"
    if item.field.secret:
        return Change(label, hidden=True)
    return Change(label, _words(item.field, item.before, labels), _words(item.field, item.after, labels))


def _words(item: Field, value: Any, labels: Mapping[UUID, Label]) -> str | None:
    """A value of the history in words."""
    if value is None or value == "":
        return None
    match item.kind:
        case Kind.MONEY:
            minor, currency = value
            if minor is None or currency is None:
                return None
            return formats.as_money(Decimal(minor).scaleb(-currency_decimals(currency)), currency)
        case Kind.REFERENCE:
            label = labels.get(UUID(value))
            return label.title if label and not label.hidden else _("Restricted")
        case Kind.CHOICE:
            return str(item.choices.get(value, value))
        case Kind.BOOLEAN:
            return _("Yes") if value else _("No")
        case Kind.DATE:
            return formats.as_date(date.fromisoformat(value))
        case Kind.DATETIME:
            return formats.as_datetime(datetime.fromisoformat(value))
        case Kind.PHONE:
            return shown_phone_number(value)
        case Kind.INTEGER | Kind.DECIMAL:
            return formats.as_number(Decimal(str(value)))
    return str(value)


def plain_words(item: Field, value: Any, labels: Mapping[UUID, Label]) -> str:
    """A stored or JSON value in words, for the panel that compares two versions."""
    if isinstance(value, Money):
        return formats.as_money(value.amount, value.currency)
    if isinstance(value, Mapping):
        return formats.as_money(Decimal(value["amount"]), value["currency"])
    if isinstance(value, list):
        return " · ".join(
            ", ".join(str(v) for k, v in row.items() if v and k not in ("id", "version") and not k.endswith("_at"))
            for row in value
        )
    return _words(item, str(value) if value is not None and item.kind is not Kind.BOOLEAN else value, labels) or ""
