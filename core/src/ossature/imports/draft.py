"""What the rows of one record say, before anybody has looked whom they mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ossature.errors import Detail
from ossature.imports.cells import Cell, storable
from ossature.imports.mapping import Column
from ossature.imports.staged import Group, Staged
from ossature.imports.values import text_of
from ossature.records.types import RecordType

LONGEST_VALUE = 200


@dataclass(frozen=True, slots=True)
class At:
    """Where something stands in the file."""

    row: int
    column: int
    text: str


@dataclass(slots=True)
class Named:
    """A record that is referred to, as the file names it. `id` once it is known; `creates` the one to be made."""

    column: Column
    text: str
    at: At | None
    id: UUID | None = None
    creates: tuple[str, str] | None = None


@dataclass(slots=True)
class Draft:
    """One record of a file. `values` are clean, by field; `named` the references by field, `entries` the collections:
    each entry with what the file says of it, and `fallback` what is taken where a new one has nothing said. `places`
    tell in which cell a path stands."""

    group: Group
    values: dict[str, Any] = field(default_factory=dict)
    cleared: set[str] = field(default_factory=set)
    named: dict[str, Named] = field(default_factory=dict)
    related: dict[str, dict[str, Any]] = field(default_factory=dict)
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    whole: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    external: list[tuple[str, str]] = field(default_factory=list)
    id: UUID | None = None
    key: tuple[Any, ...] | None = None
    key_hash: int | None = None
    waits: bool = False
    """A record of the same file that this one refers to is not there yet."""
    places: dict[str, At] = field(default_factory=dict)
    faults: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return self.group[0].number

    @property
    def numbers(self) -> list[int]:
        return [row.number for row in self.group]

    @property
    def lists(self) -> bool:
        """Whether its rows are entries: all of a collection, so that rows elsewhere in the file would be lost."""
        return any(entry.number is None for entries in self.entries.values() for entry in entries)

    def refuse(
        self, code: str, message: object, at: At | None = None, *, row: int | None = None, proposal: str | None = None
    ) -> None:
        """Note a fault; it is in the cell `at`, else about the row."""
        fault: dict[str, Any] = {"column": None, "value": "", "code": code, "message": storable(str(message)[:1000])}
        if at is not None:
            fault |= {"column": at.column, "value": storable(at.text[:LONGEST_VALUE])}
        if proposal:
            fault["proposal"] = storable(proposal[:LONGEST_VALUE])
        self.faults.setdefault(row or (at.row if at else self.number), []).append(fault)

    def refuse_details(self, rt: RecordType, details: Iterable[Detail], prefix: str = "") -> None:
        """Note faults that the record's rules found, each in the cell that its field stands in."""
        for detail in details:
            path = prefix + detail.field
            at = self.places.get(path) or self.places.get(path.partition(".")[0])
            item = rt.fields.get(detail.field)
            words = f"{item.label}: {detail.message}" if at is None and item is not None else detail.message
            self.refuse(detail.code, words, at)


@dataclass(slots=True)
class Entry:
    """An entry of a collection, of its `number`-th one (from 0) where the mapping counts them."""

    number: int | None
    row: int
    given: dict[str, Any] = field(default_factory=dict)
    named: dict[str, Named] = field(default_factory=dict)


def at(row: Staged, index: int) -> At:
    cell: Cell = row.cells[index] if index < len(row.cells) else None
    return At(row.number, index, text_of(cell))
