"""Exported rows as CSV and as JSON, written while they are read."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ossature.context import current
from ossature.i18n.texts import translator
from ossature.records.exporting import Column, Export, Windows, columns_of, guarded, local, universal
from ossature.records.query import Row
from ossature.web.api import dumps

_, _l, _n = translator("ossature")

Spell = Callable[[Any], str]


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
        for rows, labels in windows:
            writer.writerows(
                ["" if (value := read(row, labels)) is None else spell(value) for read, spell in cells] for row in rows
            )
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
        for rows, _labels in windows:
            some = dumps(shown([{name: row[name] for name in names} for row in rows]))[1:-1]
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
            return guarded
        case "whole":
            return str
        case "decimal" | "money":
            return _fixed if mark == "." else lambda value: _fixed(value).replace(".", mark)
        case "day":
            return lambda value: str(value.isoformat())
        case "moment" if export.headers == "names":
            return universal
        case "moment":
            zone = ZoneInfo(current().time_zone)
            return lambda value: _on_the_clock(value, zone)
    words = {True: _("Yes"), False: _("No")} if export.headers == "labels" else {True: "true", False: "false"}
    return lambda value: words[value]


def _fixed(value: Decimal) -> str:
    return f"{value:f}"


def _on_the_clock(moment: datetime, zone: ZoneInfo) -> str:
    return local(moment, zone).isoformat(" ")
