"""Values of filters, as they were written, read as what their fields hold. Each raises `Unsuitable` or another `ValueError`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from ossature.i18n.texts import translator
from ossature.records.clean import Wrong, clean_value
from ossature.records.fields import Field, Kind
from ossature.records.rules import folded, phone_beginning

_, _l, _n = translator("ossature")

MOST_VALUES = 200


class Unsuitable(ValueError):
    """A wrong value, with a sentence that says why."""


def several(value: Any) -> Sequence[Any]:
    """The values of an operator that takes several."""
    if not isinstance(value, list) or not value:
        raise Unsuitable(_("Give a list of values."))
    if len(value) > MOST_VALUES:
        raise Unsuitable(_("Give at most %(n)d values.", n=MOST_VALUES))
    return value


def pair(values: Sequence[Any]) -> tuple[Any, Any]:
    """The two ends of a range."""
    if len(values) != 2:
        raise Unsuitable(_("Give two values, the lower one first."))
    return values[0], values[1]


def text_of(value: Any) -> str:
    """A text that a column can hold, and not longer than anybody asks for."""
    if not isinstance(value, str) or not value or len(value) > 200 or "\x00" in value:
        raise Unsuitable(_("Give a text of at most 200 characters."))
    return value


def stored(item: Field, value: Any) -> set[str]:
    """Folded, as it would be stored now and as it was written: rows may be older than the field's rule."""
    found = {_folded(value)}
    try:
        return found | {_folded(clean_value(item, value) or value)}
    except Wrong:
        return found


def beginning(item: Field, value: Any) -> str:
    """Folded as what is stored begins."""
    return _folded(phone_beginning(text_of(value)) if item.kind is Kind.PHONE else value)


def _folded(value: Any) -> str:
    found = folded(text_of(value))
    if not found.strip():
        raise Unsuitable(_("Give a text with at least one letter or sign."))
    return found


def day(value: Any) -> date:
    """A day as it is written in addresses."""
    if not isinstance(value, str):
        raise Unsuitable(_("Give a day such as 2026-11-20."))
    try:
        return date.fromisoformat(value if len(value) == 10 else "")
    except ValueError:
        raise Unsuitable(_("Give a day such as 2026-11-20.")) from None


def _number(item: Field, value: Any) -> Any:
    if isinstance(value, bool):
        raise Unsuitable(_("Give a number."))
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise Unsuitable(_("Give a number.")) from None
    if not number.is_finite() or abs(number) > 10**17:
        raise Unsuitable(_("Give a smaller number."))
    if item.kind is Kind.INTEGER and number != int(number):
        raise Unsuitable(_("Give a whole number."))
    return int(number) if item.kind is Kind.INTEGER else number


def _boolean(_item: Field, value: Any) -> bool:
    return {"true": True, "false": False, True: True, False: False}[value]


def _choice(item: Field, value: Any) -> str:
    if value not in item.choices:
        raise Unsuitable(_("Choose one of: %(names)s.", names=", ".join(map(str, item.choices))))
    return str(value)


def _reference(_item: Field, value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


READERS: dict[Kind, Callable[[Field, Any], Any]] = {
    Kind.INTEGER: _number, Kind.DECIMAL: _number, Kind.BOOLEAN: _boolean, Kind.CHOICE: _choice,
    Kind.REFERENCE: _reference,
}  # fmt: skip
"""How a value is read that is compared as it is stored."""
