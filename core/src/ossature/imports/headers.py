"""Which row has the names of the columns, and what they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from ossature.i18n.texts import translator
from ossature.imports.cells import Cell, is_empty
from ossature.imports.words import in_every_language, plain_words

_, _l, _n = translator("ossature")

LOOKED_AT = 30
"""Rows at the beginning of a file among which its header is looked for."""
LONGEST = 200
REASON = _l("Why not")
"""What the last column of a file of refused rows is called."""
_A_VALUE = re.compile(r"[+-]?[\s.,'’/:%€$£-]*\d[\d\s.,'’/:%€$£-]*|[^@\s]+@[^@\s][^@\s.]*\.[^@\s]+|https?://.*")


def find_header(rows: Sequence[tuple[int, Sequence[Cell]]]) -> tuple[int, bool]:
    """The number of the header among the first rows, and whether it is certain: it is not where it looks like values.

    Lines above it, such as a title, fill fewer cells than the table does.
    """
    filled = [(number, [cell for cell in cells if not is_empty(cell)]) for number, cells in rows[:LOOKED_AT]]
    filled = [(number, cells) for number, cells in filled if cells]
    if not filled:
        return 1, True
    usual = max(len(cells) for _number, cells in filled)
    for number, cells in filled:
        if len(cells) * 2 > usual and not any(_is_value(cell) for cell in cells):
            return number, True
    return filled[0][0], False


def names_of(header: Sequence[Cell], width: int) -> list[str]:
    """The names of the columns: doubled ones are told apart by a number, one without has its letter."""
    found: list[str] = []
    known: set[str] = set()
    for index in range(width):
        cell = header[index] if index < len(header) else None
        name = (
            " ".join(str(cell).split())[:LONGEST]
            if not is_empty(cell)
            else _("Column %(letter)s", letter=letter_of(index))
        )
        told, count = name, 1
        while told.casefold() in known:
            count += 1
            told = f"{name} ({count})"
        known.add(told.casefold())
        found.append(told)
    return found


def width_of(header: Sequence[Cell], rows: Sequence[Sequence[Cell]]) -> int:
    """How many columns the table has: those that are named; nameless ones at the end count where rows fill them."""
    named = max((index + 1 for index, cell in enumerate(header) if not is_empty(cell)), default=0)
    held = len(header)
    filled = max(
        (index + 1 for row in rows for index, cell in enumerate(row[:held]) if index >= named and not is_empty(cell)),
        default=0,
    )
    return max(named, filled)


def without_reason(headers: Sequence[str]) -> Sequence[str]:
    """The names of the columns but for the one that says why the rows were refused, in any language."""
    if headers and plain_words(headers[-1]) in map(plain_words, in_every_language(REASON)):
        return headers[:-1]
    return headers


def letter_of(index: int) -> str:
    """What a spreadsheet calls a column: A, B … Z, AA."""
    found, number = "", index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        found = chr(65 + rest) + found
    return found


def _is_value(cell: Cell) -> bool:
    if isinstance(cell, str):
        return bool(_A_VALUE.fullmatch(cell.strip()))
    return isinstance(cell, int | float | date)
