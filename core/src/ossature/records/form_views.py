"""From forms to what templates show: inputs, repeatable parts, error summary, the panel of a stale write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from flask import url_for

from ossature.context import current
from ossature.db.types import Money
from ossature.errors import Conflict
from ossature.history.timeline import last_change
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.records import conditions
from ossature.records.clean import CURRENCIES
from ossature.records.conditions import FieldState
from ossature.records.fields import Field, Kind
from ossature.records.forms import DeclaredField, RecordForm
from ossature.records.owning import writable_fields
from ossature.records.part_writes import MOST_PARTS
from ossature.records.query import ACTOR, Label, Row, labels
from ossature.records.record import TAGS
from ossature.records.rules import folded, shown_phone_number
from ossature.records.screens import Section
from ossature.records.types import RecordType
from ossature.records.views import plain_words
from ossature.web import models
from ossature.web.formats import now
from ossature.web.models import Choice, FormError, FormField, FormPage, FormSection, PartRow, PartRows

_, _l, _n = translator("ossature")

KINDS: dict[Kind, models.FieldKind] = {
    Kind.TEXT: "text", Kind.LONG_TEXT: "longtext", Kind.EMAIL: "email", Kind.PHONE: "phone", Kind.URL: "url",
    Kind.SECRET: "password", Kind.INTEGER: "integer", Kind.DECIMAL: "decimal", Kind.MONEY: "money",
    Kind.BOOLEAN: "boolean", Kind.DATE: "date", Kind.DATETIME: "datetime", Kind.CHOICE: "choice",
    Kind.REFERENCE: "reference", Kind.TAGS: "tags",
}  # fmt: skip
SHORT = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.MONEY, Kind.DATE, Kind.DATETIME, Kind.CHOICE, Kind.EMAIL,
                   Kind.PHONE, Kind.URL, Kind.REFERENCE})  # fmt: skip
FIRST_CURRENCIES = ("EUR", "USD", "GBP", "CHF")


def form_page(
    rt: RecordType, form: RecordForm, row: Row, *, title: str, action: str, cancel_url: str, submit_label: str,
    version: int | None = None, conflict: models.ConflictPanel | None = None,
) -> FormPage:  # fmt: skip
    """A record's form as `record/form.html` shows it."""
    shown, states = labels_in(rt, form), form.states()
    sections = []
    for section in _sections(rt, form):
        fields = tuple(
            _in_state(
                input_view(rt, form.form[name], name, form.fields[name], form.errors.get(name, ()), shown),
                states.get(name),
            )
            for name in section.fields
            if name in form.fields
        )
        parts = tuple(
            _part_rows(rt, name, form, shown, states.get(name)) for name in section.fields if name in rt.parts
        )
        if fields or parts:
            named = (fields or len(parts) > 1 or section.collapsed) and str(section.title) != str(section.tab)
            sections.append(
                FormSection(
                    fields, (str(section.title) if named else "") or None, str(section.help) or None, parts,
                    columns=section.columns, tab=str(section.tab), collapsed=section.collapsed,
                )
            )  # fmt: skip
    return FormPage(
        title=title, action=action, sections=tuple(sections), submit_label=submit_label, cancel_url=cancel_url,
        version=version, errors=tuple(_summary(rt, form)) if conflict is None else (), conflict=conflict,
        conditions=_as_json(conditions.for_page(rt, form.stored, stored=True)),
    )  # fmt: skip


def _sections(rt: RecordType, form: RecordForm) -> list[Section]:
    screens = kernel().screens[rt.key]
    if not screens.sections:
        return [Section(tuple(form.fields)), *(Section((name,), part.plural) for name, part in rt.parts.items())]
    named = {name for section in screens.sections for name in section.fields}
    rest = [name for name in (*form.fields, *rt.parts) if name not in named]
    if not rest:
        return [*screens.sections]
    if rest == [TAGS]:
        last = screens.sections[-1]
        return [*screens.sections[:-1], replace(last, fields=(*last.fields, TAGS))]
    more = _("More")
    return [*screens.sections, Section(rest, more, tab=more if any(one.tab for one in screens.sections) else "")]


def _in_state(field: FormField, state: FieldState | None) -> FormField:
    """An input as conditions leave it now; the page follows them from there."""
    if state is None:
        return field
    return replace(
        field, required=field.required or state.required, read_only=state.locked, off=not state.shown,
        conditional=not field.required,
    )  # fmt: skip


def _as_json(found: list[dict[str, Any]]) -> str:
    return orjson.dumps(found).decode() if found else ""


def labels_in(rt: RecordType, form: RecordForm) -> dict[UUID, Label]:
    """The labels of the references that a form holds, a statement a target."""
    wanted: dict[str, set[UUID]] = {}
    for _path, field in form.each():
        if field.declared.kind is Kind.REFERENCE and field.declared.target and isinstance(field.data, UUID):
            wanted.setdefault(field.declared.target, set()).add(field.data)
    found: dict[UUID, Label] = {}
    for target, ids in wanted.items():
        found.update(labels(target, ids))
    return found


def input_view(
    rt: RecordType, field: DeclaredField, name: str, item: Field, errors: Sequence[str], shown: Mapping[UUID, Label]
) -> FormField:
    """One input with what to show in it: the text as typed, else the stored value."""
    value: Any = field.typed if field.typed is not None else field.data
    currency = None
    if item.kind is Kind.MONEY:
        money = field.data if isinstance(field.data, Money) else None
        currency = field.typed_currency or (money.currency if money else FIRST_CURRENCIES[0])
        value = field.typed if field.typed is not None else (str(money.amount) if money else "")
    elif item.kind is Kind.BOOLEAN:
        value = bool(field.data)
    elif item.kind is Kind.PHONE and field.typed is None and value:
        value = shown_phone_number(value)
    elif item.kind is Kind.SECRET:
        value = ""
    elif item.kind is Kind.TAGS and field.typed is None:
        value = ", ".join(value or ())
    elif item.kind is Kind.DATETIME and isinstance(value, datetime):
        value = value.astimezone(ZoneInfo(current().time_zone)).replace(tzinfo=None)
    label = shown.get(field.data) if item.kind is Kind.REFERENCE and isinstance(field.data, UUID) else None
    return FormField(
        name=name, label=str(item.label), kind=KINDS[item.kind], value=value, required=item.required or (item.default is not None and item.kind is not Kind.TAGS),
        help=str(item.help) or None, errors=tuple(errors),
        choices=_choices(item), unit=item.unit or None,
        currency=currency,
        currencies=(*FIRST_CURRENCIES, *sorted(CURRENCIES - set(FIRST_CURRENCIES))) if item.kind is Kind.MONEY else (),
        max_length=item.max_length, options_url=options_url(item) if item.kind is Kind.REFERENCE else None,
        selected_label=_("Restricted") if label and label.hidden else (label.title if label else None),
        short=item.kind in SHORT or (item.kind is Kind.TEXT and (item.max_length or 999) <= 120),
    )  # fmt: skip


def _choices(item: Field) -> tuple[Choice, ...]:
    """In the declared order; long lists by their words."""
    found = [Choice(key, str(text)) for key, text in item.choices.items()]
    return tuple(sorted(found, key=lambda one: folded(one.label)) if len(found) > 30 else found)


def options_url(item: Field) -> str | None:
    if item.target == ACTOR:
        return url_for("ossature_actors_api.options")
    target = kernel().records.get(item.target or "")
    return url_for(f"{target.plugin}_records_api.{target.name}_options") if target else None


def _part_rows(
    rt: RecordType, collection: str, form: RecordForm, shown: Mapping[UUID, Label], state: FieldState | None
) -> PartRows:
    part = rt.parts[collection]
    known = {str(row.get("id")): row for row in form.parts.get(collection, ())}

    def fields_of(entry: Any, number: str) -> tuple[FormField, ...]:
        found = []
        row = {field.short_name: field.data for field in entry}
        states = conditions.states(part, row, known.get(str(row["id"]), {})) if part.conditions else {}
        for field in entry:
            name = f"{collection}-{number}-{field.short_name}"
            if field.short_name == "id":
                found.append(FormField(name, "", "hidden", value=str(field.data or "")))
                continue
            errors = form.errors.get(f"{collection}.{number}.{field.short_name}", ())
            view = input_view(part, field, name, part.fields[field.short_name], errors, shown)
            found.append(_in_state(view, states.get(field.short_name)))
        return tuple(found)

    entries = form.form[collection].entries
    rows = tuple(
        PartRow(fields_of(entry.form, str(number)), tuple(form.errors.get(f"{collection}.{number}", ())))
        for number, entry in enumerate(entries)
    )
    fresh = RecordForm(rt, form.fields, None, {}, {collection: [_defaults(part)]})
    blank = PartRow(fields_of(fresh.form[collection].entries[0].form, "__index__"))
    one = str(part.label).lower()
    return PartRows(
        collection, str(part.plural), rows, blank, add_label=_("Add: %(entry)s", entry=one), row_label=one,
        maximum=MOST_PARTS, compact=len(writable_fields(part)) <= 3, off=state is not None and not state.shown,
        read_only=state is not None and state.locked, errors=tuple(form.errors.get(collection, ())),
        conditions=_as_json(conditions.for_page(part, {}, stored=False)),
    )  # fmt: skip


def _defaults(part: RecordType) -> Row:
    return {name: item.default for name, item in writable_fields(part).items()}


def _summary(rt: RecordType, form: RecordForm) -> list[FormError]:
    """Every fault with the way to it; one in an entry of a collection says in which."""
    found = []
    for path, messages in form.errors.items():
        collection, _dot, rest = path.partition(".")
        number, _dot, name = rest.partition(".")
        part, target = rt.parts.get(collection), "f-" + path.replace(".", "-")
        if part is None:
            item = form.fields.get(path)
            label, target = (str(item.label), target) if item else ("", "")
        elif not rest:
            label = str(part.plural)
        else:
            item = part.fields.get(name)
            label = f"{part.label} {int(number) + 1}" + (f", {item.label}" if item else "")
            target = target if item else f"f-{collection}"
        found += [FormError(message, target, label) for message in messages]
    return found


def conflict_panel(rt: RecordType, id: UUID, conflict: Conflict, form: RecordForm) -> models.ConflictPanel:
    """Mine, theirs and before of each field in question, with who changed it last."""
    newest = last_change(rt, id)
    ids = set()
    for detail in conflict.details:
        item = form.fields.get(detail.field)
        if item is not None and item.kind is Kind.REFERENCE and item.target:
            values = (detail.extra or {}).values()
            ids |= {(item.target, UUID(str(value))) for value in values if value}
    shown: dict[UUID, Label] = {}
    for target in {target for target, _id in ids}:
        shown.update(labels(target, [one for other, one in ids if other == target]))
    fields = []
    for detail in conflict.details:
        extra = detail.extra or {}
        item = form.fields.get(detail.field)
        if item is None:
            part = rt.parts.get(detail.field)
            item = Field(Kind.TEXT, part.plural if part else detail.field, name=detail.field)
        fields.append(
            models.FieldConflict(
                detail.field, str(item.label),
                mine=plain_words(item, extra.get("mine"), shown), theirs=plain_words(item, extra.get("theirs"), shown),
                before=plain_words(item, extra.get("before"), shown),
                mine_raw=_raw(extra.get("mine")), theirs_raw=_raw(extra.get("theirs")),
            )
        )  # fmt: skip
    return models.ConflictPanel(
        actor=(newest.actor if newest else "") or _("Somebody"), at=newest.at if newest else now(), fields=tuple(fields)
    )


def _raw(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("amount", ""))
    return "" if value is None or isinstance(value, list) else str(value)
