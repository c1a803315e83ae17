"""From rows to what templates show: cells, list pages, record pages, timelines in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import g, url_for

from ossature.context import current
from ossature.db.types import Money, currency_decimals
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.predicate import reaches_owner, visible_fields
from ossature.records.fields import Field, Kind
from ossature.records.owning import OWNER
from ossature.records.query import ACTOR, Label, Row
from ossature.records.record import TAGS
from ossature.records.rules import shown_phone_number
from ossature.records.screens import Screens
from ossature.records.spelling import tones_of
from ossature.records.types import RecordType
from ossature.web import formats, models
from ossature.web.models import Action, Cell, DetailPage, Fact, FactSection

_, _l, _n = translator("ossature")

CELLS: dict[Kind, models.CellKind] = {
    Kind.TEXT: "text", Kind.LONG_TEXT: "longtext", Kind.EMAIL: "email", Kind.PHONE: "phone", Kind.URL: "url",
    Kind.SECRET: "text", Kind.INTEGER: "integer", Kind.DECIMAL: "number", Kind.MONEY: "money",
    Kind.BOOLEAN: "boolean", Kind.DATE: "date", Kind.DATETIME: "datetime", Kind.CHOICE: "choice",
    Kind.REFERENCE: "reference", Kind.TAGS: "tags",
}  # fmt: skip

# Kinds whose values are not shown as they are.
IN_WORDS = frozenset({Kind.REFERENCE, Kind.CHOICE, Kind.PHONE, Kind.SECRET, Kind.TAGS})


def page_endpoint(rt: RecordType, what: str) -> str:
    return f"{rt.plugin}_records.{rt.name}_{what}"


def record_url(key: str, id: UUID) -> str | None:
    """Where a record is shown, None when its plugin is not there or the reader may not see such records."""
    rt = kernel().records.get(key)
    if rt is None or rt.parent or not current().access.allows(rt.permission("view")):
        return None
    return shown_at(rt, id)


def shown_at(rt: RecordType, id: UUID) -> str:
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
        case Kind.TAGS:
            return Cell("tags", value, tones=tones_of(value) if value else ())
    return Cell("text", _("Set, not shown") if value else None)


def all_fields(rt: RecordType) -> dict[str, Field]:
    """The fields that the reader may see, the owner included."""
    return {**visible_fields(rt), **({"owner_id": OWNER} if rt.owned else {})}


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
        return Fact(str(item.label), shown, edit_url=f"{edit_url}#f-{name}" if edit_url and item.writable else None,
                    name="" if item.kind is Kind.SECRET else name)  # fmt: skip

    state = None
    if screens.state and screens.state in fields and row.get(screens.state):
        shown = cell(rt, fields[screens.state], row, labels, screens)
        state = models.Badge(shown.label or "", shown.tone)
    facts = [name for name in screens.facts if name in fields]
    if TAGS in fields and not any(TAGS in names for names in (facts, *(part.fields for part in screens.sections))):
        facts.append(TAGS)
    overview: list[FactSection] = []
    part_lists: list[models.PartList] = []
    shown_parts: set[str] = set()
    shown_above = {*facts, screens.state, rt.title_field}
    named = {name for section in screens.sections for name in section.fields}
    rest = [name for name, item in fields.items() if name not in named and item.parent is None]
    sections = [(str(section.title), section.fields) for section in screens.sections]
    for title, names in [*sections, (_("More") if sections else "", rest)]:
        if below := [name for name in names if name in fields and name not in shown_above]:
            overview.append(FactSection(title, tuple(fact(name) for name in below)))
        for name in names:
            if name in rt.parts:
                shown_parts.add(name)
                part_lists.append(_part_list(rt.parts[name], parts.get(name, ()), labels))
    for name, part in rt.parts.items():
        if name not in shown_parts:
            part_lists.append(_part_list(part, parts.get(name, ()), labels))
    tabs = [models.Tab("overview", _("Overview"), tuple(overview), tuple(part for part in part_lists if part.items))]
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
    actions.append(Action(_("Why these rights?"), url_for("why.index", record=rt.key, id=id), icon="help-circle"))
    return DetailPage(
        title=row.get(rt.title_field) or _("Unnamed"), kind=str(rt.label), url=here, icon=rt.icon, state=state,
        facts=tuple(fact(name) for name in facts), tabs=tuple(tabs), timeline=timeline,
        edit=Action(_("Edit"), edit_url, icon="pencil", shortcut="e") if edit_url else None, actions=tuple(actions),
        deleted_at=row["deleted_at"], restore=restore, person=screens.person, version=row["version"],
    )  # fmt: skip


def _part_list(part: RecordType, rows: Sequence[Row], labels: Mapping[UUID, Label]) -> models.PartList:
    visible = {name: item for name, item in visible_fields(part).items() if not (item.parent or item.orders)}
    head = next((name for name, item in visible.items() if item.kind is Kind.CHOICE), None)
    items = []
    for row in rows:
        title = cell(part, visible[head], row, {}).label or "" if head else ""
        if part.cls.__lines__:
            items.append(FactSection(title, lines=tuple(_lines(part.cls.__lines__, row, visible))))
            continue
        facts = tuple(
            Fact(str(item.label), cell(part, item, row, labels))
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


# -- words ----------------------------------------------------------------------------------------------------------


def words_of(item: Field, value: Any, labels: Mapping[UUID, Label]) -> str | None:
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
        case Kind.TAGS:
            return ", ".join(value) or None
        case Kind.INTEGER | Kind.DECIMAL:
            return formats.as_number(Decimal(str(value)))
    return str(value)


def plain_words(item: Field, value: Any, labels: Mapping[UUID, Label]) -> str:
    """A stored or JSON value in words, for the panel that compares two versions."""
    if isinstance(value, Money):
        return formats.as_money(value.amount, value.currency)
    if isinstance(value, Mapping):
        return formats.as_money(Decimal(value["amount"]), value["currency"])
    if item.kind is Kind.TAGS:
        return ", ".join(value or ())
    if isinstance(value, list):
        return " · ".join(
            ", ".join(str(v) for k, v in row.items() if v and k not in ("id", "version") and not k.endswith("_at"))
            for row in value
        )
    return words_of(item, str(value) if value is not None and item.kind is not Kind.BOOLEAN else value, labels) or ""
