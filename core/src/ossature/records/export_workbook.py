"""Exported rows as a workbook, sent while they are read.

XlsxWriter makes the workbook around them: sheet, formats, header, frozen pane, widths. The rows are written into its sheet
as they come, since it would keep them all, or write them to a file first; at several times its speed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from html import escape
from itertools import repeat
from typing import IO, Any, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo
from zoneinfo import ZoneInfo

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_col_to_name

from ossature.context import current
from ossature.i18n.texts import translator
from ossature.records.export_beside import LONGEST_CELL
from ossature.records.exporting import FORMULA, Column, Export, Windows, columns_of, local

_, _l, _n = translator("ossature")

SHEET = "xl/worksheets/sheet1.xml"
EXACT = 10**15
"""From here on a workbook's numbers lose digits: they are written as text."""
_DAY_ZERO = date(1899, 12, 30).toordinal()
_FIRST_DAY = 61  # the first of March: a workbook counts days from 1900 and believes that year to be a leap year
_INSIDE = '<is><t xml:space="preserve">'
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_NOT_PLAIN = re.compile(f"{_NOT_XML.pattern}|[&<>\r]|_x")
"""What a text has that is not written as it is."""
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")  # a workbook writes characters by their numbers so
_STYLE = re.compile(rb'<c r="[A-Z]+2" s="(\d+)"/>')
_WIDTHS = {"text": 28, "whole": 12, "decimal": 14, "money": 16, "boolean": 10, "day": 13, "moment": 18}

Cells = Callable[[Sequence[str], Sequence[Any]], Sequence[str]]
"""How values of a column are written in rows of given numbers, empty where there is none."""


def xlsx_writer(export: Export) -> Callable[[Windows], Iterator[bytes]]:
    """A workbook of one sheet: the header stays in view, numbers, dates and amounts have their kinds, texts that begin
    like a formula are marked as texts. Below are the sums that are asked for, of money one for each currency."""
    table = columns_of(export)
    zone = ZoneInfo(current().time_zone)
    frame, styles = _frame(table, str(export.rt.plural))
    letters = [xl_col_to_name(number) for number in range(len(table))]
    cells = [
        _cells(styles["guarded" if column.kind == "text" else _format(column)], column, letter, zone)
        for letter, column in zip(letters, table, strict=True)
    ]
    sums = _Sums(table, letters, styles)

    def write(windows: Windows) -> Iterator[bytes]:
        sink = _Sink()
        with ZipFile(cast(IO[bytes], sink), "w", ZIP_DEFLATED, compresslevel=1) as archive:
            for name, content in frame.items():
                if name != SHEET:
                    archive.writestr(name, content)
            before, _mark, after = frame[SHEET].partition(b"<!--rows-->")
            about = ZipInfo(SHEET, (1980, 1, 1, 0, 0, 0))
            about.compress_type = ZIP_DEFLATED
            with archive.open(about, "w") as sheet:
                sheet.write(before)
                yield sink.take()
                last = 1
                for window in windows:
                    columns = [column.read(window) for column in table]
                    first, last = last + 1, last + len(columns[0])
                    places = [str(number) for number in range(first, last + 1)]
                    written = zip(
                        *[write(places, values) for write, values in zip(cells, columns, strict=True)], strict=True
                    )
                    rows = [f'<row r="{at}">{"".join(row)}</row>' for at, row in zip(places, written, strict=True)]
                    sheet.write("".join(rows).encode("utf-8"))
                    sums.add(columns)
                    yield sink.take()
                sheet.write(sums.rows(last).encode("utf-8"))
                sheet.write(after)
        yield sink.take()

    return write


def _format(column: Column) -> str:
    return f"{column.kind}{column.places}" if column.kind in ("decimal", "money") else column.kind


def _frame(table: list[Column], title: str) -> tuple[dict[str, bytes], dict[str, int]]:
    """The files of a workbook with its header alone, a mark where rows belong, and the numbers of its formats."""
    made = io.BytesIO()
    book = Workbook(made, {"in_memory": True})
    sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\']", " ", title)[:31] or "1")
    sheet.freeze_panes(1, 0)
    head = book.add_format({"bold": True, "bottom": 1})
    for number, column in enumerate(table):
        sheet.write_string(0, number, column.header[:LONGEST_CELL], head)
        sheet.set_column(number, number, _WIDTHS[column.kind])
    numbers = {"whole": "#,##0", "money2": "#,##0.00#"}
    numbers |= {_format(one): "#,##0." + "0" * one.places for one in table if one.kind == "decimal" and one.places}
    numbers |= {_format(one): "#,##0" for one in table if one.kind == "decimal" and not one.places}
    formats: dict[str, dict[str, Any]] = {
        "guarded": {"quote_prefix": True}, "day": {"num_format": 14}, "moment": {"num_format": 22},
        "boolean": {"align": "left"}, "total": {"bold": True, "top": 1},
        **{name: {"num_format": pattern} for name, pattern in numbers.items()},
        **{f"total {name}": {"num_format": pattern, "bold": True, "top": 1} for name, pattern in numbers.items()},
    }  # fmt: skip
    for number, properties in enumerate(formats.values()):
        sheet.write_blank(1, number, None, book.add_format(properties))
    book.close()
    with ZipFile(made) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    styles = [int(style) for style in _STYLE.findall(files[SHEET])]
    files[SHEET] = re.sub(rb'<row r="2".*?</row>', b"<!--rows-->", files[SHEET])
    files[SHEET] = re.sub(rb"<dimension [^>]*/>", b"", files[SHEET])  # how many rows there are is not known yet
    return files, dict(zip(formats, styles, strict=True))


def _cells(style: int, column: Column, letter: str, zone: ZoneInfo) -> Cells:
    if column.kind == "text":
        return _texts(style, letter)
    cell = _cell(style, column, zone)

    def write(rows: Sequence[str], values: Sequence[Any]) -> list[str]:
        return ["" if value is None else cell(letter + at, value) for at, value in zip(rows, values, strict=True)]

    return write


def _texts(style: int, letter: str) -> Cells:
    before = {True: f'" s="{style}" t="inlineStr">{_INSIDE}', False: f'" t="inlineStr">{_INSIDE}'}

    def write(rows: Sequence[str], values: Sequence[str | None]) -> list[str]:
        return [
            "" if not value else f'<c r="{letter}{at}{before[value[0] in FORMULA]}{_text(value)}</t></is></c>'
            for at, value in zip(rows, values, strict=True)
        ]

    return write


def _cell(style: int, column: Column, zone: ZoneInfo) -> Callable[[str, Any], str]:
    """How a value is written at a place such as `B7`."""

    def text(at: str, value: str) -> str:
        return f'<c r="{at}" t="inlineStr">{_INSIDE}{_text(value)}</t></is></c>'

    def number(at: str, value: int | Decimal) -> str:
        if not -EXACT < value < EXACT:
            return text(at, f"{value:f}" if isinstance(value, Decimal) else str(value))
        return f'<c r="{at}" s="{style}"><v>{value if column.kind == "whole" else format(value, "f")}</v></c>'

    def day(at: str, value: date) -> str:
        days = value.toordinal() - _DAY_ZERO
        return text(at, value.isoformat()) if days < _FIRST_DAY else f'<c r="{at}" s="{style}"><v>{days}</v></c>'

    def moment(at: str, value: datetime) -> str:
        here = value.astimezone(zone)
        days, seconds = here.toordinal() - _DAY_ZERO, here.hour * 3600 + here.minute * 60 + here.second
        if days < _FIRST_DAY:
            return text(at, local(value, zone))
        return f'<c r="{at}" s="{style}"><v>{days + seconds / 86400:.9f}</v></c>'

    def boolean(at: str, value: bool) -> str:
        return f'<c r="{at}" s="{style}" t="b"><v>{value:d}</v></c>'

    kinds: dict[str, Callable[[str, Any], str]] = {
        "whole": number, "decimal": number, "money": number, "day": day, "moment": moment, "boolean": boolean,
    }  # fmt: skip
    return kinds[column.kind]


def _text(value: str) -> str:
    if len(value) <= LONGEST_CELL and not _NOT_PLAIN.search(value):
        return value
    shown = _ESCAPE.sub("_x005F_", _NOT_XML.sub("\ufffd", value)[:LONGEST_CELL])
    return escape(shown, quote=False).replace("\r", "_x000D_")


class _Sums:
    """What has been added up so far, by column, of money by currency."""

    def __init__(self, table: list[Column], letters: list[str], styles: dict[str, int]) -> None:
        self._columns = [(n, column) for n, column in enumerate(table) if column.summed]
        self._letters, self._styles = letters, styles
        self._sums: dict[int, dict[str, Any]] = {n: {} for n, _column in self._columns}

    def add(self, columns: Sequence[Sequence[Any]]) -> None:
        """The values of a window, column by column; beside an amount of money is its currency."""
        for n, column in self._columns:
            so_far, values = self._sums[n], columns[n]
            for of, value in zip(
                columns[n + 1] if column.kind == "money" else repeat("", len(values)), values, strict=True
            ):
                if value is not None:
                    so_far[of] = so_far.get(of, 0) + value

    def rows(self, last: int) -> str:
        """The lines below the last row; the formulas count again where rows are changed or hidden."""
        if not self._columns or last < 2:
            return ""
        lines = []
        for depth in range(max([1, *(len(found) for found in self._sums.values())])):
            at = last + 1 + depth
            cells = {0: self._words(f"A{at}", _("Total"))} if not depth else {}
            for n, column in self._columns:
                found = sorted(self._sums[n].items())
                if depth >= len(found):
                    continue
                of, total = found[depth]
                letter, style = self._letters[n], self._styles[f"total {_format(column)}"]
                rows = f"{letter}2:{letter}{last}"
                formula = f"SUBTOTAL(109,{rows})"
                if column.kind == "money":
                    other = self._letters[n + 1]
                    formula = f'SUMIF({other}2:{other}{last},"{of}",{rows})'
                    cells[n + 1] = self._words(f"{other}{at}", of)
                cells[n] = f'<c r="{letter}{at}" s="{style}"><f>{escape(formula)}</f><v>{total:f}</v></c>'
            lines.append(f'<row r="{at}">{"".join(cells[n] for n in sorted(cells))}</row>')
        return "".join(lines)

    def _words(self, at: str, words: str) -> str:
        style = self._styles["total"]
        return f'<c r="{at}" s="{style}" t="inlineStr"><is><t>{escape(words)}</t></is></c>'


class _Sink:
    """Where a ZipFile writes, from which is taken what is there; it cannot be gone back in."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def take(self) -> bytes:
        found = b"".join(self._chunks)
        self._chunks.clear()
        return found
