"""Exported rows as CSV and as JSON, written while they are read."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from ossature.context import current
from ossature.i18n.texts import translator
from ossature.records.exporting import SUSPECT, Column, Export, Windows, columns_of, guarded, local, universal
from ossature.records.query import Row
from ossature.web.api import dumps

_, _l, _n = translator("ossature")

Spell = Callable[[Sequence[Any]], list[str]]
"""How a column's values are written, empty where there is none. It is chosen once and goes through a whole window, since
a call for each cell would take most of the time."""


def csv_writer(export: Export) -> Callable[[Windows], Iterator[bytes]]:
    """A table with one line a row. The dialect `excel` is that of the reader's own: with a mark that it is UTF-8, and
    in French semicolons between values and commas in numbers. Texts that begin like a formula have an apostrophe before,
    and so do those that have one themselves.
    """
    table = columns_of(export)
    excel = export.dialect == "excel"
    french = excel and current().locale.startswith("fr")
    mark = "," if french else "."
    cells = [(column.read, _spelled(column, export, mark)) for column in table]

    def write(windows: Windows) -> Iterator[bytes]:
        lines = _Lines()
        writer = csv.writer(lines, delimiter=";" if french else ",")
        writer.writerow([guarded(column.header) for column in table])
        yield ("\ufeff" if excel else "").encode() + lines.take()
        for window in windows:
            writer.writerows(zip(*[spell(read(window)) for read, spell in cells], strict=True))
            yield lines.take()

    return write


def json_writer(
    export: Export, shown: Callable[[list[Row]], list[dict[str, Any]]]
) -> Callable[[Windows], Iterator[bytes]]:
    """The rows as the API's list has them, in its envelope; `shown` makes of them what the client's version expects."""
    names = export.fields

    def write(windows: Windows) -> Iterator[bytes]:
        yield b'{"success":true,"data":['
        count = 0
        for window in windows:
            values = zip(*[window.values[name] for name in names], strict=True)
            rows: list[Row] = [dict(zip(names, row, strict=True)) for row in values]
            some = dumps(shown(rows))[1:-1]
            yield some if not count else b"," + some
            count += len(rows)
        yield b'],"meta":{"count":%d}}' % count

    return write


class _Lines:
    """What a csv.writer has written since it was last taken."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.write = self._lines.append

    def take(self) -> bytes:
        found = "".join(self._lines).encode("utf-8", "replace")
        self._lines.clear()
        return found


def _spelled(column: Column, export: Export, mark: str) -> Spell:
    match column.kind:
        case "text":
            return lambda values: [
                "" if not value else guarded(value) if value[0] in SUSPECT else value for value in values
            ]
        case "whole":
            return _each(str)
        case "decimal" | "money" if mark == ".":
            return _each("{:f}".format)
        case "decimal" | "money":
            return _each(lambda value: f"{value:f}".replace(".", mark))
        case "day":
            return _each(date.isoformat)
        case "moment" if export.headers == "names":
            return _each(universal)
        case "moment":
            zone = ZoneInfo(current().time_zone)
            return _each(lambda moment: local(moment, zone))
    words = {True: _("Yes"), False: _("No")} if export.headers == "labels" else {True: "true", False: "false"}
    return _each(words.__getitem__)


def _each(spell: Callable[[Any], str]) -> Spell:
    return lambda values: ["" if value is None else spell(value) for value in values]
