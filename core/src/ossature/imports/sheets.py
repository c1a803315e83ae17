"""One sheet of a workbook, told element by element, as rows of cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta

from ossature.i18n.texts import translator
from ossature.imports.archives import Attributes, Ends, Starts, damaged
from ossature.imports.cells import Cell, CellFault, FileRow, storable
from ossature.imports.number_formats import Shape

_, _l, _n = translator("ossature")

LONGEST_CELL = 131_072
_LAST_COLUMN = 16_384
_MOST_DIGITS = 10**15
_MILLISECONDS = 86_400_000
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_ERROR = "error_cell"


class SheetReader:
    """Takes the elements of a sheet and gives its rows; those that hold nothing are left out.

    A cell has the value that its formula had when the workbook was saved. Of cells that are merged, the first has the
    value. A share in percent is the number that is shown: 12.5 for 12.5 %.
    """

    def __init__(self, strings: Callable[[int], str], shapes: Sequence[Shape], from_1904: bool) -> None:
        self._strings, self._shapes, self._from_1904 = strings, shapes, from_1904
        self._rows: list[FileRow] = []
        self._number = 0
        self._cells: list[Cell] = []
        self._faults: list[CellFault] = []
        self._index = -1
        self._type = ""
        self._style = ""
        self._text: list[str] = []
        self._size = 0
        self._wanted = self._formula = False
        self._sounds = 0

    def take(self) -> list[FileRow]:
        """The rows that have ended since."""
        found, self._rows = self._rows, []
        return found

    @property
    def starts(self) -> Starts:
        return {
            "row": self._row, "c": self._cell, "v": self._text_begins, "t": self._text_begins, "f": self._is_formula,
            "rPh": self._sound,
        }  # fmt: skip

    @property
    def ends(self) -> Ends:
        return {
            "row": self._row_ends, "c": self._cell_ends, "v": self._text_ends, "t": self._text_ends,
            "rPh": self._sound_ends,
        }  # fmt: skip

    def text(self, text: str) -> None:
        if self._wanted:
            self._size += len(text)
            if self._size > LONGEST_CELL:
                raise damaged()
            self._text.append(text)

    def _row(self, given: Attributes) -> None:
        told = given.get("r", "")
        self._number = max(self._number + 1, int(told) if told.isdecimal() and len(told) < 9 else 0)
        self._index = -1

    def _row_ends(self) -> None:
        if self._cells or self._faults:
            self._rows.append(FileRow(self._number, self._cells, tuple(self._faults)))
            self._cells, self._faults = [], []

    def _cell(self, given: Attributes) -> None:
        where = given.get("r")
        self._index = self._index + 1 if where is None else _column(where)
        if not 0 <= self._index < _LAST_COLUMN:
            raise damaged()
        self._type = given.get("t", "n")
        self._style = given.get("s", "")
        self._formula = False

    def _cell_ends(self) -> None:
        if self._text:
            self._finish("".join(self._text))
            self._text.clear()
            self._size = 0
        elif self._formula and self._type != "str":
            self._fault("formula", _("This formula has no value; open the workbook, save it and send it again."), "")

    def _text_begins(self, _given: Attributes) -> None:
        self._wanted = not self._sounds

    def _text_ends(self) -> None:
        self._wanted = False

    def _is_formula(self, _given: Attributes) -> None:
        self._formula = True

    def _sound(self, _given: Attributes) -> None:
        self._sounds += 1

    def _sound_ends(self) -> None:
        self._sounds -= 1

    def _finish(self, text: str) -> None:
        try:
            cell = self._value(text)
        except (ValueError, OverflowError):
            self._fault("unreadable", _("This cell cannot be read."), text)
            return
        if cell is not None:
            self._cells += [None] * (self._index + 1 - len(self._cells))
            self._cells[self._index] = cell

    def _value(self, text: str) -> Cell:
        match self._type:
            case "s":
                return self._strings(int(text)) or None
            case "inlineStr" | "str":
                return unescaped(text)
            case "b":
                return text in ("1", "true")
            case "e":
                message = _("The cell holds the error %(error)s, not a value.", error=text[:20])
                self._fault(_ERROR, message, text)
                return None
            case "d":
                moment = datetime.fromisoformat(text)
                return moment.date() if moment.time() == time(0) and len(text) == 10 else moment
        return self._number_of(text)

    def _number_of(self, text: str) -> Cell:
        number = float(text)
        if number - number != 0:
            raise ValueError(text)
        style = int(self._style) if self._style.isdecimal() else 0
        shape = self._shapes[style] if style < len(self._shapes) else Shape.NUMBER
        if shape is Shape.DAY or shape is Shape.CLOCK:
            return self._day(number, shape)
        if shape is Shape.PERCENT:
            number = round(number * 100, 10)
        return int(number) if number.is_integer() and abs(number) < _MOST_DIGITS else number

    def _day(self, number: float, shape: Shape) -> Cell:
        """A day, a moment, or an hour as text, from days since 1900, a year that workbooks take for a leap year."""
        days, milliseconds = divmod(round(number * _MILLISECONDS), _MILLISECONDS)
        if (shape is Shape.CLOCK and 0 <= days < 366) or (not days and not self._from_1904):
            hours, rest = divmod(days * _MILLISECONDS + milliseconds, 3_600_000)
            return f"{hours:02d}:{rest // 60_000:02d}:{rest // 1000 % 60:02d}"
        if days < 0 or (days == 60 and not self._from_1904) or days > 2_958_465:
            raise ValueError(number)
        if self._from_1904:
            day = date(1904, 1, 1) + timedelta(days=days)
        else:
            day = date(1899, 12, 30 if days > 60 else 31) + timedelta(days=days)
        if not milliseconds:
            return day
        return datetime.combine(day, time(0)) + timedelta(milliseconds=milliseconds)

    def _fault(self, code: str, message: str, text: str) -> None:
        self._faults.append(CellFault(self._index, code, message, text[:200]))


def unescaped(text: str) -> str:
    """Characters that XML does not take are written by their numbers: `_x000D_`."""
    return storable(_ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)) if "_x" in text else text


def _column(where: str) -> int:
    found = 0
    for letter in where:
        if not "A" <= letter <= "Z":
            break
        found = found * 26 + ord(letter) - 64
        if found > _LAST_COLUMN:
            break
    return found - 1
