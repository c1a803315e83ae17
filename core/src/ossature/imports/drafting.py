"""From rows of a file to drafts of records: each cell is read for what its column goes to, as the mapping says."""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.imports.cells import Cell, is_empty
from ossature.imports.draft import At, Draft, Entry, Named, at
from ossature.imports.entries import Fallback
from ossature.imports.mapping import Column, Mapping, Place, place_of
from ossature.imports.notation import Notation
from ossature.imports.proposing import nearest, propose
from ossature.imports.staged import Group, Staged
from ossature.imports.values import currency_of, text_of, value_of
from ossature.records.clean import Wrong, clean_value
from ossature.records.external_ids import clean_external, clean_source
from ossature.records.fields import Kind
from ossature.records.rules import folded
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

_REMEMBERED = 5_000
"""Texts of a column whose meaning is kept: most columns say the same again and again."""


class Source(NamedTuple):
    """A column with what it goes to, ready to be read. `meant` is its value map with folded texts."""

    column: Column
    place: Place
    notation: Notation
    meant: Map[str, str]
    currency: Source | None
    known: dict[Any, Any]


@dataclass
class Drafter:
    """Makes drafts of the rows of one import."""

    rt: RecordType
    mapping: Mapping
    notation: Notation
    sources: list[Source] = field(init=False)
    read: set[int] = field(init=False)
    """The columns that go somewhere."""
    fallback: dict[str, Any] = field(init=False, default_factory=dict)
    """Clean values by field, for what a new record has no value for."""
    fallback_named: dict[str, Named] = field(init=False, default_factory=dict)
    fallback_related: dict[str, dict[str, Any]] = field(init=False, default_factory=dict)
    """By reference, for the records that it creates."""
    fallback_entry: Fallback = field(init=False, default_factory=dict)
    fallback_entry_named: list[tuple[Place, Named]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        placed = [
            (column, place)
            for column in self.mapping.columns
            if column.to is not None and (place := place_of(self.rt, column.to)) is not None
        ]
        self.read = {column.index for column, _place in placed}
        currencies = {
            place.path.removesuffix("_currency"): self._source(column, place, None)
            for column, place in placed
            if place.what == "currency"
        }
        self.sources = [
            self._source(column, place, currencies.get(place.path))
            for column, place in placed
            if place.what != "currency"
        ]
        self.fallback_faults: list[tuple[str, Wrong]] = []
        for path, text in self.mapping.defaults.items():
            self._fall_back_on(path, text)

    def _source(self, column: Column, place: Place, currency: Source | None) -> Source:
        meant = {folded(text.strip()): to for text, to in column.values.items()}
        return Source(column, place, self.notation.of_column(column.decimal, column.dates), meant, currency, {})

    def _fall_back_on(self, path: str, text: str) -> None:
        place = place_of(self.rt, path)
        if place is None or place.field is None or place.what == "currency":
            return
        if place.kind == Kind.REFERENCE:
            column = (self.mapping.to(path) or Column(index=0)).model_copy(update={"missing": "refuse"})
            named = Named(column, text.strip(), None)
            if place.what == "field":
                self.fallback_named[path] = named
            else:
                self.fallback_entry_named.append((place, named))
            return
        of = self.mapping.to(path)
        currency = self.mapping.defaults.get(f"{path}_currency", "") or (of.currency if of else "")
        try:
            value = clean_value(place.field, value_of(place.field, text, self.notation, currency))
        except Wrong as wrong:
            self.fallback_faults.append((path, wrong))
            return
        if place.what == "entry":
            self.fall_back_on_in_entries(place, value)
        elif place.what == "related":
            self.fallback_related.setdefault(place.reference, {})[place.field.name] = value
        elif place.what == "field":
            self.fallback[path] = value

    def fall_back_on_in_entries(self, place: Place, value: Any) -> None:
        assert place.field is not None
        self.fallback_entry.setdefault((place.collection, place.number), {})[place.field.name] = value

    # -- groups --------------------------------------------------------------------------------------------------------

    @property
    def gathers(self) -> bool:
        """Whether several rows may belong to one record."""
        return any(source.place.what == "entry" and source.place.number is None for source in self.sources)

    def belongs(self, first: Staged, row: Staged) -> bool:
        """Whether a row has more entries of the record of another: it has the same key, or nothing but entries."""
        own = [source for source in self.sources if source.place.what != "entry" or source.place.number is not None]
        key = [source for source in own if source.place.path in self.mapping.key]
        if key and all(_same(_cell(first, one), _cell(row, one)) for one in key):
            return not all(is_empty(_cell(row, one)) for one in key) or self._only_entries(row, own)
        return self._only_entries(row, own)

    def _only_entries(self, row: Staged, own: list[Source]) -> bool:
        return all(is_empty(_cell(row, one)) for one in own)

    # -- one record ----------------------------------------------------------------------------------------------------

    def draft(self, group: Group) -> Draft:
        draft = Draft(group)
        for row in group:
            for index, code, message, value in row.flaws:
                if index is not None and index not in self.read:
                    continue
                draft.refuse(code, message, At(row.number, index, value) if index is not None else None, row=row.number)
        for path, wrong in self.fallback_faults:
            draft.refuse(wrong.code, f"{path}: {wrong}")
        for source in self.sources:
            what = source.place.what
            if what == "entry" and source.place.number is None:
                for number, row in enumerate(group):
                    self._read_entry(draft, source, row, number)
            elif what == "entry":
                self._read_entry(draft, source, group[0], (source.place.number or 1) - 1)
            else:
                self._read_own(draft, source, group[0])
            if len(group) > 1 and (what != "entry" or source.place.number is not None):
                self._compare(draft, source)
        for entries in draft.entries.values():
            entries.sort(key=lambda entry: entry.row if entry.number is None else entry.number)
        for collection, entries in draft.entries.items():
            for at_, entry in enumerate(entries):
                for name in [*entry.given, *entry.named]:
                    found = draft.places.get(f"{collection}#{entry.row}#{entry.number}.{name}")
                    if found is not None:
                        draft.places[f"{collection}.{at_}.{name}"] = found
        return draft

    def _compare(self, draft: Draft, source: Source) -> None:
        """What further rows say of the record itself is nothing, or what its first row says."""
        first = draft.group[0]
        for row in draft.group[1:]:
            for one in (source, source.currency) if source.currency else (source,):
                cell, before = _cell(row, one), _cell(first, one)
                if cell == before or is_empty(cell) or text_of(cell) == text_of(before):
                    continue
                said = self._said(draft, one, row)
                if said is not None and said != self._said(Draft([first]), one, first):
                    draft.refuse("differs", _differs(first, before), at(row, one.column.index))

    def _said(self, draft: Draft, source: Source, row: Staged) -> Any:
        """What a cell says, to be compared; None for nothing, and where it cannot be read."""
        cell, place = self._meant(draft, source, row), source.place
        if is_empty(cell):
            return None
        if place.what in ("currency", "id") or (place.what == "field" and place.path in self.mapping.key):
            return folded(text_of(cell))
        if place.what in ("external", "collection"):
            return text_of(cell)
        if place.kind == Kind.REFERENCE:
            return folded(text_of(cell))
        value = self._value(draft, source, row, cell, at(row, source.column.index))
        return None if value is _WRONG else value

    def _read_own(self, draft: Draft, source: Source, row: Staged) -> None:
        column, place = source.column, source.place
        cell = self._meant(draft, source, row)
        path = place.reference if place.what == "related" else place.path
        if is_empty(cell):
            if column.empty == "clear" and place.what == "field":
                draft.cleared.add(place.path)
            return
        here = At(row.number, column.index, text_of(row.cells[column.index]))
        draft.places.setdefault(place.path, here)
        if place.what == "id":
            self._read_id(draft, cell, here)
        elif place.what == "external":
            self._read_external(draft, column, cell, here)
        elif place.what == "collection":
            self._read_whole(draft, place.collection, cell, here)
        elif place.kind == Kind.REFERENCE:
            draft.named[place.path] = Named(column, text_of(cell), here)
        else:
            value = self._value(draft, source, row, cell, here)
            if value is not _WRONG:
                (draft.related.setdefault(path, {}) if place.what == "related" else draft.values)[
                    place.field.name if place.field else path
                ] = value
                if place.what == "related":
                    self._named_by_related(draft, source, cell, here)

    def _named_by_related(self, draft: Draft, source: Source, cell: Cell, here: At) -> None:
        """A title among the fields of what a reference names is how it is named, where no column says so."""
        from ossature.imports.mapping import referred

        place = source.place
        target = referred(self.rt.fields[place.reference])
        if (
            target
            and place.path == f"{place.reference}.{target.title_field}"
            and self.mapping.to(place.reference) is None
        ):
            draft.named[place.reference] = Named(source.column, text_of(cell), here)

    def _read_entry(self, draft: Draft, source: Source, row: Staged, number: int) -> None:
        place = source.place
        cell = self._meant(draft, source, row)
        if is_empty(cell):
            return
        assert place.field is not None
        here = at(row, source.column.index)
        entries = draft.entries.setdefault(place.collection, [])
        counted = None if place.number is None else number
        entry = next((one for one in entries if (one.number, one.row) == (counted, row.number)), None)
        if entry is None:
            entry = Entry(counted, row.number)
            entries.append(entry)
        draft.places[f"{place.collection}#{row.number}#{counted}.{place.field.name}"] = here
        if place.kind == Kind.REFERENCE:
            entry.named[place.field.name] = Named(source.column, text_of(cell), here)
            return
        value = self._value(draft, source, row, cell, here)
        if value is not _WRONG:
            entry.given[place.field.name] = value

    def _meant(self, draft: Draft, source: Source, row: Staged) -> Cell:
        """A cell, or what the value map puts in its place."""
        cell, column = _cell(row, source), source.column
        if not source.meant and column.others == "keep":
            return cell
        text = text_of(cell)
        key = folded(text)
        if key in source.meant:
            return source.meant[key].strip() or None
        if not text or column.others == "keep":
            return cell
        if column.others == "refuse":
            names = [*column.values, *column.values.values()]
            message = _("“%(value)s” is none of the values that were named.", value=text[:80])
            proposal = nearest(text, names)
            draft.refuse("unknown_value", message, at(row, column.index), proposal=proposal)
        return None

    def _value(self, draft: Draft, source: Source, row: Staged, cell: Cell, here: At) -> Any:
        """What a cell says of its field, clean; `_WRONG` with a fault noted."""
        item = source.place.field
        assert item is not None
        currency = source.column.currency
        if item.kind is Kind.MONEY:
            try:
                currency = self._currency(source, row) or currency
            except Wrong as wrong:
                assert source.currency is not None
                draft.refuse(wrong.code, str(wrong), at(row, source.currency.column.index))
                return _WRONG
        kept = (cell, currency) if isinstance(cell, str) else None
        if kept is not None and kept in source.known:
            return source.known[kept]
        try:
            value = clean_value(item, value_of(item, cell, source.notation, currency))
        except Wrong as wrong:
            draft.refuse(wrong.code, str(wrong), here, proposal=propose(item, cell, source.notation))
            return _WRONG
        if kept is not None and len(source.known) < _REMEMBERED:
            source.known[kept] = value
        return value

    def _currency(self, source: Source, row: Staged) -> str:
        if source.currency is not None and not is_empty(cell := _cell(row, source.currency)):
            text = text_of(cell)
            return currency_of(source.currency.meant.get(folded(text), text))
        return self.mapping.defaults.get(f"{source.place.path}_currency", "")

    def _read_id(self, draft: Draft, cell: Cell, here: At) -> None:
        draft.id = as_id(text_of(cell))
        if draft.id is None:
            draft.refuse("invalid", _("Give the id of a record."), here)

    def _read_external(self, draft: Draft, column: Column, cell: Cell, here: At) -> None:
        for value in text_of(cell).splitlines():
            try:
                draft.external.append((clean_source(column.source), clean_external(value)))
            except Wrong as wrong:
                draft.refuse(wrong.code, str(wrong), here)

    def _read_whole(self, draft: Draft, collection: str, cell: Cell, here: At) -> None:
        try:
            found = orjson.loads(text_of(cell))
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            draft.refuse("wrong_type", _("Give a list of entries, as JSON."), here)
            return
        draft.whole[collection] = found


class _Wrong:
    """In place of a value that could not be read."""


_WRONG = _Wrong()


def _cell(row: Staged, source: Source) -> Cell:
    index = source.column.index
    return row.cells[index] if index < len(row.cells) else None


def _differs(first: Staged, before: Cell) -> str:
    if is_empty(before):
        return _("This belongs into row %(n)s, the first one of its record; leave it empty here.", n=first.number)
    return _(
        "Row %(n)s is of the same record and says “%(value)s” here: write the same, or leave this empty.",
        n=first.number,
        value=text_of(before)[:80],
    )


def _same(one: Cell, other: Cell) -> bool:
    return one == other or folded(text_of(one)) == folded(text_of(other))
