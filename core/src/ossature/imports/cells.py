"""What a file's cells hold, and a row of it with what is wrong in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import orjson

Cell = str | int | float | bool | date | datetime | None
"""CSV gives texts and None for what is empty; a workbook gives numbers, dates and answers as it holds them."""

_UNKEPT = re.compile(r"[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class CellFault:
    """What is wrong with a cell before anybody asks what it is for; `index` counts columns from 0, None is the row."""

    index: int | None
    code: str
    message: str
    value: str = ""


class FileRow(NamedTuple):
    """A row of a file, by the number that a spreadsheet shows beside it."""

    number: int
    cells: list[Cell]
    faults: tuple[CellFault, ...] = ()


def storable(text: str) -> str:
    """Without what the database has no room for in a text: zero characters and halves of characters."""
    return _UNKEPT.sub("", text)


def all_storable(texts: Sequence[str]) -> Sequence[str]:
    """As `storable`, of the texts of a row: hardly any has something to take out."""
    return [storable(text) for text in texts] if _UNKEPT.search("".join(texts)) else texts


def is_empty(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def pack(cells: Sequence[Cell]) -> str:
    """Cells as JSON keeps them: days and moments as `{"day": "2026-11-20"}` and `{"moment": "2026-11-20T09:30:00"}`."""
    return orjson.dumps(cells, default=_packed, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()


def unpack(kept: Sequence[Any]) -> list[Cell]:
    return [_unpacked(one) if isinstance(one, dict) else one for one in kept]


def _packed(cell: date | datetime) -> dict[str, str]:
    return {"moment" if isinstance(cell, datetime) else "day": cell.isoformat()}


def _unpacked(kept: dict[str, str]) -> Cell:
    if "moment" in kept:
        return datetime.fromisoformat(kept["moment"])
    return date.fromisoformat(kept["day"])
