"""What the first values of a column look like."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from uuid import UUID

from ossature.imports.cells import Cell, is_empty
from ossature.imports.notation import Notation
from ossature.imports.values import text_of, value_of
from ossature.records.clean import Wrong, clean_value
from ossature.records.fields import Field, Kind

_E_MAIL = re.compile(r"[^@\s,;]+@[^@\s,;][^@\s,;.]*\.[^@\s,;]+")
_PHONE = re.compile(r"\+?[\d\s().\-/]{8,24}(?:\s?(?:x|ext\.?)\s?\d+)?")
_WEB = re.compile(r"(?:https?://|www\.)\S+|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?:/\S*)?", re.IGNORECASE)
_FRENCH_MOBILE = re.compile(r"(?:\+33|0033|0)?\s?\(?0?\)?\s?[67](?:[\s.\-]?\d{2}){4}")
_NOTATIONS = [Notation(decimal=mark, dates=order) for mark in (".", ",") for order in ("dmy", "mdy")]
MOST = 0.8
HALF = 0.5


def share(cells: Sequence[Cell], test: Callable[[Cell], bool]) -> float | None:
    """Of how many of the filled cells something is true; None where none is filled."""
    filled = [cell for cell in cells if not is_empty(cell)]
    return sum(map(test, filled)) / len(filled) if filled else None


def contradicts(item: Field, cells: Sequence[Cell]) -> bool:
    """Whether most values cannot be of the field. Choices and references are left to what people say of them."""
    found = share(cells, lambda cell: _suits(item, cell))
    return found is not None and found < HALF


def looks_like(item: Field, cells: Sequence[Cell]) -> bool:
    """Whether the values alone tell that they are of the field: its form is one that nothing else has."""
    if item.kind is Kind.EMAIL:
        found = share(cells, _is_e_mail)
    elif item.kind is Kind.PHONE:
        wants_mobile = item.name == "mobile"
        found = share(
            cells, lambda cell: _is_phone(cell) and bool(_FRENCH_MOBILE.fullmatch(text_of(cell))) is wants_mobile
        )
    elif item.kind is Kind.URL:
        found = share(cells, lambda cell: text_of(cell).startswith(("http://", "https://", "www.")))
    elif item.kind is Kind.TEXT and item.rule is not None:
        found = share(cells, lambda cell: len(text_of(cell)) >= 9 and _is_clean(item, cell))
    else:
        return False
    return found is not None and found >= MOST


def are_ids(cells: Sequence[Cell]) -> bool:
    """Whether they are ids of this product."""
    found = share(cells, _is_id)
    return found is not None and found >= MOST


def are_e_mails(cells: Sequence[Cell]) -> bool:
    found = share(cells, _is_e_mail)
    return found is not None and found >= MOST


def tell_apart(cells: Sequence[Cell]) -> bool:
    """Whether every value is there and there once, as those are that something is known by."""
    texts = [text_of(cell) for cell in cells]
    return bool(texts) and all(texts) and len(set(texts)) == len(texts)


def _suits(item: Field, cell: Cell) -> bool:
    match item.kind:
        case Kind.EMAIL:
            return _is_e_mail(cell)
        case Kind.PHONE:
            return _is_phone(cell)
        case Kind.URL:
            return bool(_WEB.fullmatch(text_of(cell)))
        case Kind.INTEGER | Kind.DECIMAL | Kind.MONEY | Kind.DATE | Kind.DATETIME | Kind.BOOLEAN:
            return any(_is_read(item, cell, notation) for notation in _NOTATIONS)
        case Kind.TEXT if item.rule is not None:
            return _is_clean(item, cell)
    return True


def _is_read(item: Field, cell: Cell, notation: Notation) -> bool:
    try:
        value_of(item, cell, notation, "EUR")
    except Wrong:
        return False
    return True


def _is_clean(item: Field, cell: Cell) -> bool:
    try:
        clean_value(item, text_of(cell))
    except Wrong:
        return False
    return True


def _is_e_mail(cell: Cell) -> bool:
    return bool(_E_MAIL.fullmatch(text_of(cell)))


def _is_phone(cell: Cell) -> bool:
    text = text_of(cell)
    return bool(_PHONE.fullmatch(text)) and 8 <= sum(ch.isdecimal() for ch in text) <= 16


def _is_id(cell: Cell) -> bool:
    try:
        return str(UUID(text_of(cell))) == text_of(cell).lower()
    except ValueError:
        return False
