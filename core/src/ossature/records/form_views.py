"""From forms to what templates show: inputs, repeatable parts, error summary, the panel of a stale write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson

from ossature.db.work import session
from ossature.errors import Conflict, Invalid
from ossature.history.timeline import last_change
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.records import conditions
from ossature.records.fields import Field, Kind
from ossature.records.forms import RecordForm
from ossature.records.input_views import as_json, in_state, input_view
from ossature.records.part_views import part_view
from ossature.records.query import Label, Row, labels
from ossature.records.record import TAGS
from ossature.records.referred import with_referred
from ossature.records.screens import Section
from ossature.records.types import RecordType
from ossature.records.views import plain_words
from ossature.web import models
from ossature.web.formats import now
from ossature.web.models import FormError, FormPage, FormSection

_, _l, _n = translator("ossature")


def form_page(
    rt: RecordType, form: RecordForm, row: Row, *, title: str, action: str, cancel_url: str, submit_label: str,
    version: int | None = None, conflict: models.ConflictPanel | None = None,
) -> FormPage:  # fmt: skip
    """A record's form as `record/form.html` shows it."""
    shown, states = labels_in(rt, form), form.states()
    stored = with_referred(rt, {}, form.stored)[1] if form.stored else {}
    tells = _tells(rt, form)
    sections = []
    for section in _sections(rt, form):
        fields = tuple(
            in_state(
                replace(
                    input_view(rt, form.form[name], name, form.fields[name], form.errors.get(name, ()), shown),
                    tells=tells.get(name),
                ),
                states.get(name),
            )
            for name in section.fields
            if name in form.fields
        )
        parts = tuple(part_view(rt, name, form, shown, states.get(name)) for name in section.fields if name in rt.parts)
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
        conditions=as_json(conditions.for_page(rt, stored, stored=True)),
    )  # fmt: skip


def _tells(rt: RecordType, form: RecordForm) -> dict[str, str]:
    """Of each reference that conditions look through, what they ask of the record that is chosen."""
    row = with_referred(rt, {name: form.form[name].data for name in form.fields}, form.stored)[0]
    found: dict[str, dict[str, Any]] = {}
    for name in rt.elsewhere:
        reference, _dot, asked = name.partition(".")
        if reference in form.fields:
            found.setdefault(reference, {})[asked] = row[name]
    return {name: orjson.dumps(values).decode() for name, values in found.items()}


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


def short_page(rt: RecordType, form: RecordForm, action: str, whole: str) -> FormPage:
    """A form of some fields, in a dialog over another form; faults of other fields are told above it."""
    shown, states = labels_in(rt, form), form.states()
    fields = []
    for name, item in form.fields.items():
        view = input_view(rt, form.form[name], name, item, form.errors.get(name, ()), shown)
        fields.append(replace(in_state(view, states.get(name)), create_url=None, scope="s-"))
    elsewhere = [error for error in _summary(rt, form) if error.target.removeprefix("f-") not in form.fields]
    return FormPage(
        title=str(rt.new_label), action=action, sections=(FormSection(tuple(fields)),),
        submit_label=_("Create: %(record)s", record=str(rt.label).lower()), cancel_url=whole,
        errors=tuple(replace(error, target="") for error in elsewhere),
    )  # fmt: skip


def refuse(form: RecordForm, refusal: Invalid) -> None:
    """Show what was refused beside its field. Undone first: after a refusal of its own the database answers no more."""
    session().rollback()
    form.add(refusal.details)
