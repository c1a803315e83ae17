"""WTForms classes made from a declaration: they read what a browser posts and say what is wrong beside each field.

The rules themselves are those of `records.clean`, the same that the API and every other writer meets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import NumberFormatError, get_decimal_symbol, parse_decimal
from werkzeug.datastructures import MultiDict
from wtforms import Field as WTField
from wtforms import FieldList, Form, FormField
from wtforms.widgets import TextInput

from ossature.context import current
from ossature.errors import Detail
from ossature.records import conditions
from ossature.records.clean import Wrong, clean_value
from ossature.records.fields import Field, Kind
from ossature.records.owning import writable_fields
from ossature.records.part_writes import MOST_PARTS
from ossature.records.referred import with_referred
from ossature.records.types import RecordType

_GROUPED = re.compile(r"-?\d{1,3}(?:(?:\.\d{3})+,\d+|(?:,\d{3})+\.\d+)")
_SPACES = re.compile(r"[\s\u00a0\u202f]")


class DeclaredField(WTField):  # type: ignore[misc]
    """One input of any kind; keeps the text as it was typed, so that a refusal loses nothing."""

    widget = TextInput()

    def __init__(self, *, declared: Field, **options: Any) -> None:
        super().__init__(**options)
        self.declared = declared
        self.typed: str | None = None
        self.typed_currency: str | None = None

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        super().process(formdata, data, extra_filters)
        if formdata is not None and self.declared.kind is Kind.MONEY:
            self.typed_currency = formdata.get(f"{self.name}-currency")
            self._read()

    def process_formdata(self, valuelist: list[str]) -> None:
        if self.declared.kind is Kind.BOOLEAN:
            self.typed = valuelist[-1] if valuelist else ""
        elif valuelist:
            self.typed = valuelist[0]
        self._read()

    def _read(self) -> None:
        self.process_errors = []
        try:
            self.data = clean_value(self.declared, self._value())
        except Wrong as wrong:
            self.data = None
            self.process_errors = [str(wrong)]

    def _value(self) -> Any:
        """What was typed, as the declaration's cleaner expects it: numbers in the reader's notation."""
        text = (self.typed or "").strip()
        match self.declared.kind:
            case Kind.BOOLEAN:
                return text not in ("", "0", "false", "off")
            case Kind.INTEGER | Kind.DECIMAL:
                return typed_number(text) if text else None
            case Kind.MONEY:
                if not text:
                    return None
                return {"amount": typed_number(text), "currency": self.typed_currency or ""}
            case Kind.DATETIME:
                return self._moment(text) if text else None
            case Kind.TAGS:
                return text.split(",")
        return text

    @staticmethod
    def _moment(text: str) -> Any:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return text
        return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(current().time_zone))


def typed_number(text: str) -> str:
    """A number as a reader of the bound language types it, as a plain decimal; where both signs stand in it, in either
    notation. Unreadable text comes back as it is."""
    plain = _SPACES.sub("", text)
    if _GROUPED.fullmatch(plain):
        thousands, comma = (".", ",") if plain.rindex(",") > plain.rindex(".") else (",", ".")
        return plain.replace(thousands, "").replace(comma, ".")
    try:
        return str(parse_decimal(plain, locale=current().locale, strict=True))
    except (NumberFormatError, ValueError, ArithmeticError):  # the last where digits or exponent are out of all bounds
        return plain.replace(",", ".") if plain.count(",") == 1 and "." not in plain else plain


def written_number(value: Decimal, *, whole: bool = False) -> str:
    """A number as a reader of the bound language types it: `1234,5`; `whole` keeps the zeros of an amount of money."""
    plain = f"{value if whole else value.normalize():f}"
    return plain.replace(".", get_decimal_symbol(current().locale))


@cache
def _form(
    rt_cls: type, names: tuple[str, ...], parts: tuple[tuple[str, tuple[str, ...]], ...], rt: _Held
) -> type[Form]:
    fields: dict[str, Any] = {}
    for name in names:
        item = rt.fields[name]
        fields[name] = DeclaredField(declared=item, label=str(item.label))
    for collection, inside in parts:
        part = rt.rt.parts[collection]
        inner = {
            "id": DeclaredField(declared=Field(Kind.TEXT, "", name="id")),
            **{name: DeclaredField(declared=part.fields[name], label=str(part.fields[name].label)) for name in inside},
        }
        fields[collection] = FieldList(FormField(type("PartForm", (Form,), inner)), max_entries=MOST_PARTS)
    return type("RecordForm", (Form,), fields)


class _Held:
    """Carries a record type through the cache without being part of its key."""

    def __init__(self, rt: RecordType, fields: Mapping[str, Field]) -> None:
        self.rt, self.fields = rt, fields

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held)


class RecordForm:
    """A form of one record: posted values in, typed values or errors by field out."""

    def __init__(
        self, rt: RecordType, fields: Mapping[str, Field], posted: MultiDict[str, str] | None, row: Mapping[str, Any],
        parts: Mapping[str, Sequence[Mapping[str, Any]]],
    ) -> None:  # fmt: skip
        self.rt, self.fields, self.row, self.parts = rt, dict(fields), row, parts
        inside = tuple((collection, tuple(writable_fields(part))) for collection, part in rt.parts.items())
        form = _form(rt.cls, tuple(self.fields), inside, _Held(rt, self.fields))
        self.form = form(posted, data={**row, **{name: list(rows) for name, rows in parts.items()}})
        self.errors: dict[str, list[str]] = {}

    def validate(self) -> bool:
        """Whether every field is well formed; faults are in `errors` by dotted path."""
        for path, field in self.each():
            if field.process_errors:
                self.errors.setdefault(path, []).extend(field.process_errors)
        return not self.errors

    def add(self, details: Sequence[Detail]) -> None:
        """Faults that the service found."""
        for detail in details:
            self.errors.setdefault(detail.field, []).append(str(detail.message))

    def take_over(self, stored: RecordForm, names: Iterable[str]) -> None:
        """Show what is stored now for some fields, instead of what was posted."""
        for name in names:
            self.form._fields[name] = stored.form._fields[name]

    def each(self) -> list[tuple[str, DeclaredField]]:
        found: list[tuple[str, DeclaredField]] = []
        for name in self.fields:
            found.append((name, self.form[name]))
        for collection in self.rt.parts:
            for number, entry in enumerate(self.form[collection].entries):
                found += [(f"{collection}.{number}.{field.short_name}", field) for field in entry.form]
        return found

    def states(self) -> dict[str, conditions.FieldState]:
        """What conditions say of the record as it stands in the form."""
        if not self.rt.conditions:
            return {}
        typed = {name: self.form[name].data for name in self.fields}
        rows = {name: self.form[name].entries for name in self.rt.parts}
        after, before = with_referred(self.rt, {**self.row, **typed, **rows}, self.stored)
        return conditions.states(self.rt, after, before)

    @property
    def stored(self) -> Mapping[str, Any]:
        """The record before the change, empty for a new one."""
        return {**self.row, **self.parts} if "id" in self.row else {}

    def values(self) -> dict[str, Any]:
        """What goes to the service: nothing of what is not shown, nor of what is locked and so was not sent; part rows
        that were left empty are dropped."""
        states = self.states()
        values: dict[str, Any] = {
            name: field.data for name in self.fields if _sent(field := self.form[name], states.get(name))
        }
        for collection, part in self.rt.parts.items():
            state = states.get(collection, conditions.FieldState())
            if state.shown and not state.locked:
                values[collection] = self._rows(collection, part)
        return values

    def _rows(self, collection: str, part: RecordType) -> list[dict[str, Any]]:
        rows = []
        known = {str(row.get("id")): row for row in self.parts.get(collection, ())}
        defaults = {name: item.default for name, item in part.fields.items()}
        for entry in self.form[collection].entries:
            row = {field.short_name: field.data for field in entry.form}
            if all(value in (None, "", False, defaults.get(name)) for name, value in row.items()):
                continue
            before = known.get(str(row["id"]), {})
            for name, state in conditions.states(part, row, before).items():
                if name in row and not _sent(entry.form[name], state):
                    row[name] = before.get(name, defaults[name])
            rows.append({name: value for name, value in row.items() if name != "id" or value})
        return rows


def _sent(field: DeclaredField, state: conditions.FieldState | None) -> bool:
    """Whether what a field holds was meant to be written."""
    return state is None or (state.shown and not (state.locked and field.typed in (None, "")))
