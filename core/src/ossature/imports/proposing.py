"""What was probably meant by a cell that does not suit its field: a text that does, to be taken by one click."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import get_args

from rapidfuzz import fuzz, process

from ossature.imports.cells import Cell, is_empty
from ossature.imports.dates import day_of, moment_of
from ossature.imports.notation import Dates, DecimalMark, Notation
from ossature.imports.values import figure_of, text_of, value_of
from ossature.imports.words import ANSWERS, plain_words
from ossature.records.clean import Wrong, clean_value
from ossature.records.fields import Field, Kind

_LEAST = 75
_NUMBER = re.compile(r"[+-]?\d[\d\s.,'’\u00a0\u202f]*")
_AT = re.compile(r" ?(?:\(at\)|\[at\]|\(a\)) ?| (?:at|arobase) ", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>,;:()]+@[^\s<>,;:()]+")
_SEVERAL = re.compile(r"[/;,\n]|\b(?:ou|or)\b")
_MOST_LOOKED_AT = 200


def propose(field: Field, cell: Cell, notation: Notation) -> str | None:
    """A text near to the cell that the field takes in this notation; None where nothing is near."""
    text = text_of(cell)
    if is_empty(cell) or isinstance(cell, bool | date) or len(text) > _MOST_LOOKED_AT:
        return None
    return next((one for one in _meant(field, text, notation) if one != text and _is_taken(field, one, notation)), None)


def nearest(text: str, names: Iterable[str]) -> str | None:
    """The name that is most like a text, blind to case, accents and signs; None where none is much like it."""
    if len(text) > _MOST_LOOKED_AT:
        return None
    known: dict[str, str] = {}
    for name in names:
        known.setdefault(plain_words(name), name)
    plain = plain_words(text)
    joined = plain.replace(" ", "")
    if found := next((name for word, name in known.items() if joined and word.replace(" ", "") == joined), None):
        return found
    best = process.extractOne(plain, known.keys(), scorer=fuzz.ratio, score_cutoff=_LEAST) if plain else None
    return known[best[0]] if best else None


def _is_taken(field: Field, text: str, notation: Notation) -> bool:
    try:
        clean_value(field, value_of(field, text, notation, "EUR"))
    except Wrong:
        return False
    return True


def _meant(field: Field, text: str, notation: Notation) -> Iterator[str]:
    match field.kind:
        case Kind.CHOICE:
            if found := nearest(text, [*map(str, field.choices.values()), *field.choices]):
                yield found
        case Kind.BOOLEAN:
            if found := nearest(text, [word for word in ANSWERS if len(word) > 1]):
                yield found
        case Kind.DATE | Kind.DATETIME:
            yield from _days(field, text, notation)
        case Kind.INTEGER | Kind.DECIMAL | Kind.MONEY:
            yield from _numbers(field, text, notation)
        case Kind.EMAIL:
            plain = _AT.sub("@", " ".join(text.removeprefix("mailto:").split()))
            yield from _ADDRESS.findall(plain)
            yield re.sub(r"\s+", "", plain).replace(",", ".").strip(".;:<>")
        case Kind.PHONE:
            yield from (part.strip() for part in _SEVERAL.split(text))
            yield re.sub(r"[^\d+]", "", text)
        case Kind.URL:
            yield re.sub(r"\s+", "", text.replace("\\", "/")).replace(",", ".")
        case Kind.TEXT if field.rule is not None:
            plain = re.sub(r"[^0-9A-Za-z]", "", text)
            yield plain
            yield plain[:9]


def _days(field: Field, text: str, notation: Notation) -> Iterator[str]:
    for order in (notation.dates, *get_args(Dates)):
        try:
            moment = moment_of(text, order)
        except Wrong:
            continue
        yield str(moment.date()) if field.kind is Kind.DATE else moment.isoformat(" ")
    if text.isdecimal() and len(text) == 5:
        try:
            yield str(day_of(int(text), "ymd"))
        except Wrong:
            return


def _numbers(field: Field, text: str, notation: Notation) -> Iterator[str]:
    """In the other notation, without words, rounded to what the field holds."""
    found = _NUMBER.search(text)
    for candidate in (text, found[0].strip() if found else ""):
        for mark in (notation.decimal, *get_args(DecimalMark)):
            try:
                number, beside = figure_of(candidate, notation.of_column(mark))
            except Wrong:
                continue
            places = field.places if field.kind is Kind.DECIMAL else 0 if field.kind is Kind.INTEGER else 2
            unit = f" {beside}" if beside and field.kind is Kind.MONEY else ""
            yield _spelled(number, notation) + unit
            if field.kind is not Kind.INTEGER:
                yield _spelled(number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP), notation) + unit


def _spelled(number: Decimal, notation: Notation) -> str:
    return f"{number:f}".replace(".", notation.decimal)
