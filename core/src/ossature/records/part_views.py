"""Collections in forms: rows of inputs, or a grid of lines with what is worked out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from ossature.db.types import Money
from ossature.errors import Invalid
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.predicate import visible_fields
from ossature.records import conditions
from ossature.records.computing import computed_fields, totals, work_out
from ossature.records.conditions import FieldState
from ossature.records.fields import Field, Kind
from ossature.records.forms import RecordForm
from ossature.records.input_views import KINDS, as_json, in_state, input_view
from ossature.records.owning import writable_fields
from ossature.records.part_writes import MOST_PARTS
from ossature.records.query import Label, Row
from ossature.records.types import RecordType
from ossature.web import formats
from ossature.web.models import FormField, GridColumn, GridView, PartRow, PartRows

_, _l, _n = translator("ossature")


def part_view(
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
            found.append(in_state(view, states.get(field.short_name)))
        return tuple(found)

    entries = form.form[collection].entries
    grid, computed = _grid(rt, part, collection, form)
    rows = tuple(
        PartRow(
            fields_of(entry.form, str(number)), tuple(form.errors.get(f"{collection}.{number}", ())),
            computed[number] if grid else {},
        )
        for number, entry in enumerate(entries)
    )  # fmt: skip
    fresh = RecordForm(rt, form.fields, None, {}, {collection: [_defaults(part)]})
    blank = PartRow(fields_of(fresh.form[collection].entries[0].form, "__index__"))
    one = str(part.label).lower()
    return PartRows(
        collection, str(part.plural), rows, blank, add_label=_("Add: %(entry)s", entry=one), row_label=one,
        maximum=MOST_PARTS, compact=len(writable_fields(part)) <= 3, off=state is not None and not state.shown,
        read_only=state is not None and state.locked, errors=tuple(form.errors.get(collection, ())),
        conditions=as_json(conditions.for_page(part, {}, stored=False)), grid=grid,
    )  # fmt: skip


def _defaults(part: RecordType) -> Row:
    return {name: item.default for name, item in writable_fields(part).items()}


def _grid(
    rt: RecordType, part: RecordType, collection: str, form: RecordForm
) -> tuple[GridView | None, list[dict[str, str]]]:
    """The grid that the record's screens make of a collection, and the computed cells of each of its rows."""
    declared = next((one for one in kernel().screens[rt.key].grids if one.collection == collection), None)
    if declared is None:
        return None, []
    visible = {name: item for name, item in visible_fields(part).items() if not item.parent and not item.orders}
    worked = computed_fields(part)
    names = [name for name in declared.columns or visible if name in visible]
    columns = [
        GridColumn(
            name, str(visible[name].label), KINDS[visible[name].kind], visible[name].unit or None, name in worked
        )
        for name in names
        if visible[name].writable or name in worked
    ]
    rows, sums = grid_words(part, form, collection, [name for name in declared.totals if name in visible])
    return GridView(tuple(columns), sums, part.position is not None), rows


def grid_words(
    part: RecordType, form: RecordForm, collection: str, added_up: list[str]
) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The computed cells of each row and the totals, in the reader's words; of rows that cannot be read, nothing."""
    typed: list[Row] = []
    for entry in form.form[collection].entries:
        fields = [field for field in entry.form if field.short_name != "id"]
        readable = not any(field.process_errors for field in fields)
        typed.append({field.short_name: field.data for field in fields} if readable else {})
    visible = visible_fields(part)
    found = [
        {name: value for name, value in {**row, **made}.items() if row and name in visible}
        for row, made in zip(typed, work_out(part, typed), strict=True)
    ]
    worked = computed_fields(part)
    rows = [{name: _in_words(part.fields[name], row[name]) for name in worked if name in row} for row in found]
    sums = totals(part, found, added_up)
    return rows, {name: "\n".join(_in_words(part.fields[name], one) for one in values) for name, values in sums.items()}


def grid_answer(rt: RecordType, form: RecordForm, collection: str) -> dict[str, Any]:
    """What a page is told that asks while somebody types. Raises `Invalid` for what is no grid."""
    declared = next((one for one in kernel().screens[rt.key].grids if one.collection == collection), None)
    if declared is None:
        raise Invalid(_("There is nothing to work out here."))
    rows, sums = grid_words(rt.parts[collection], form, collection, list(declared.totals))
    return {"rows": rows, "totals": sums}


def _in_words(item: Field, value: Any) -> str:
    if value is None:
        return ""
    if item.kind is Kind.MONEY:
        return formats.as_money(value) if isinstance(value, Money) else ""
    return formats.as_number(value if isinstance(value, Decimal | int) else Decimal(str(value)), item.unit or None)
