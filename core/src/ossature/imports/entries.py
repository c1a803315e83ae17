"""The entries of a record's collections as a file has them, brought together with those that are there.

A collection of which the file has the entries becomes what the file says; of one whose entries are counted
(`addresses.1.city`) the others stay. Entries that say the same stay the ones they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ossature.errors import Detail
from ossature.i18n.texts import translator
from ossature.imports.draft import Draft, Entry
from ossature.records.clean import clean
from ossature.records.owning import writable_fields
from ossature.records.part_writes import clean_parts
from ossature.records.query import Row, part_rows
from ossature.records.types import RecordType

if TYPE_CHECKING:
    from ossature.imports.planning import Planned

_, _l, _n = translator("ossature")


Fallback = dict[tuple[str, int | None], dict[str, Any]]
"""Values for new entries, by collection and by which of its entries, from 1; None is any."""


class Collections:
    """Puts collections into what is planned."""

    def __init__(self, rt: RecordType, fallback: Fallback) -> None:
        self.rt, self.fallback = rt, fallback
        self.fields = {name: writable_fields(part) for name, part in rt.parts.items()}
        self.defaults: dict[str, dict[str, Any]] = {}
        self.required: dict[str, list[Detail]] = {}
        for name, fields in self.fields.items():
            self.defaults[name], self.required[name] = clean(fields, {}, partial=False)

    def settle(self, planned: Sequence[Planned]) -> None:
        """Give each its collections, or faults; those that would change nothing are left out."""
        some = [one for one in planned if one.draft.entries or one.draft.whole]
        if not some:
            return
        old = part_rows(self.rt, [one.id for one in some if one.action == "update"])
        for one in some:
            before = {name: found.get(one.id, []) for name, found in old.items()} if one.action == "update" else {}
            for collection, entries in one.draft.entries.items():
                self._put(
                    one, collection, self._entries(one.draft, collection, entries, before.get(collection, [])), before
                )
            if one.draft.whole:
                found, faults = clean_parts(self.rt, one.draft.whole)
                one.draft.refuse_details(self.rt, faults)
                for collection, rows in found.items():
                    self._put(one, collection, self._known(collection, rows, before.get(collection, [])), before)

    def _put(self, one: Planned, collection: str, rows: list[Row], before: Mapping[str, list[Row]]) -> None:
        if one.action == "create" or not self._same(collection, rows, before.get(collection, [])):
            one.values[collection] = rows

    def _entries(self, draft: Draft, collection: str, entries: Sequence[Entry], old: list[Row]) -> list[Row]:
        for entry in entries:
            for name, named in entry.named.items():
                if named.id is not None:
                    entry.given[name] = named.id
        if any(entry.number is not None for entry in entries):
            return self._counted(draft, collection, entries, old)
        if not old:
            return [self._new(draft, collection, place, entry) for place, entry in enumerate(entries)]
        held = _paired([entry.given for entry in entries], old)
        return [
            self._kept(collection, held[place], entry.given)
            if place in held
            else self._new(draft, collection, place, entry)
            for place, entry in enumerate(entries)
        ]

    def _counted(self, draft: Draft, collection: str, entries: Sequence[Entry], old: list[Row]) -> list[Row]:
        given = {entry.number or 0: (place, entry) for place, entry in enumerate(entries)}
        rows = [
            self._kept(collection, row, given[place][1].given if place in given else {})
            for place, row in enumerate(old)
        ]
        return [
            *rows,
            *(self._new(draft, collection, *given[place]) for place in sorted(given) if place >= len(old)),
        ]

    def _new(self, draft: Draft, collection: str, place: int, entry: Entry) -> Row:
        number = (place if entry.number is None else entry.number) + 1
        fallback = {**self.fallback.get((collection, None), {}), **self.fallback.get((collection, number), {})}
        row = {**self.defaults[collection], **fallback, **entry.given}
        for detail in self.required[collection]:
            if row.get(detail.field) is None:
                at = draft.places.get(f"{collection}.{place}.{detail.field}")
                label = self.fields[collection][detail.field].label
                draft.refuse(detail.code, f"{label}: {detail.message}", at, row=entry.row)
        return row

    def _kept(self, collection: str, row: Row, given: Mapping[str, Any]) -> Row:
        return {"id": row["id"], **{name: row[name] for name in self.fields[collection] if name in row}, **given}

    def _known(self, collection: str, rows: list[Row], old: list[Row]) -> list[Row]:
        """Entries given as a whole, those without an id paired with what is there."""
        ids = {row["id"] for row in old}
        held = {row["id"]: row for row in rows if row.get("id") in ids}
        loose = {place: row for place, row in enumerate(rows) if row.get("id") not in ids}
        names = list(loose)
        pairs = _paired([loose[place] for place in names], [row for row in old if row["id"] not in held])
        found = {names[place]: row["id"] for place, row in pairs.items()}
        return [{**row, "id": found[place]} if place in found else row for place, row in enumerate(rows)]

    def _same(self, collection: str, rows: Sequence[Row], old: Sequence[Row]) -> bool:
        if [row.get("id") for row in rows] != [row["id"] for row in old]:
            return False
        fields = self.fields[collection]
        return all(
            _says(before, {name: row[name] for name in fields if name in row})
            for row, before in zip(rows, old, strict=True)
        )


def _paired(given: Sequence[Mapping[str, Any]], old: Sequence[Row]) -> dict[int, Row]:
    """Which entry that is there each given one is: one that says the same, else the next that is free."""
    free: dict[UUID, Row] = {row["id"]: row for row in old}
    found: dict[int, Row] = {}
    for place, values in enumerate(given):
        same = next((row for row in free.values() if _says(row, {k: v for k, v in values.items() if k != "id"})), None)
        if same is not None:
            found[place] = free.pop(same["id"])
    for place in range(len(given)):
        if place not in found and free:
            found[place] = free.pop(next(iter(free)))
    return found


def _says(row: Row, values: Mapping[str, Any]) -> bool:
    return all(row.get(name) == value for name, value in values.items())
