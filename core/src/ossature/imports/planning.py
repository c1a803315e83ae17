"""What is to become of each record of a file: who is meant by its references and its key, and what there is to write.

All look-ups are shared by the drafts of a chunk; nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select

from ossature.db.work import session
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.imports.draft import At, Draft, Named
from ossature.imports.drafting import Drafter
from ossature.imports.entries import Collections
from ossature.imports.finding import Finder
from ossature.imports.mapping import BY_EXTERNAL, EXTERNAL, ID
from ossature.imports.runs import Import, rows_of
from ossature.imports.table import import_row
from ossature.imports.values import text_of
from ossature.kernel import kernel
from ossature.records.clean import Wrong, clean, clean_value
from ossature.records.external_ids import clean_external
from ossature.records.fields import Field
from ossature.records.owning import writable_fields
from ossature.records.query import ACTOR
from ossature.records.rules import folded

_, _l, _n = translator("ossature")

Action = Literal["create", "update", "refuse", "wait"]


@dataclass(slots=True)
class Planned:
    """What is to become of a draft. `again`: a record that an earlier row of the file creates, so that in a check it is
    not there to be updated. `more`: later rows of the same record, written with it in one go; the last one wins."""

    draft: Draft
    action: Action
    id: UUID
    values: dict[str, Any] = field(default_factory=dict)
    again: bool = False
    more: list[Planned] = field(default_factory=list)

    def takes(self, other: Planned) -> bool:
        """Whether what another row says of the same record can be laid over it: not entries, which depend on those that
        are there."""
        return self.action == other.action and not any(one.draft.entries or one.draft.whole for one in (self, other))


class Planner:
    """Plans the records of one import, chunk by chunk. `dry`: nothing that is planned will be there for the next one."""

    def __init__(self, imp: Import, *, dry: bool) -> None:
        self.imp, self.rt, self.mapping, self.dry = imp, imp.rt, imp.mapping, dry
        self.drafter = Drafter(imp.rt, imp.mapping, imp.notation)
        self.finder = Finder()
        self.fields = writable_fields(imp.rt)
        self.defaults, required = clean(self.fields, {}, partial=False)
        self.required = {detail.field: detail for detail in required}
        self._fall_back_on_in_entries()
        self.collections = Collections(imp.rt, self.drafter.fallback_entry)

    @property
    def creates(self) -> set[str]:
        """Records that may be created on the way."""
        found = {self.rt.key}
        for column in self.mapping.columns:
            if column.to and column.missing == "create" and (item := self.fields.get(column.to.partition(".")[0])):
                found.add(item.target or "")
        return found - {""}

    def plan(self, drafts: Sequence[Draft]) -> list[Planned]:
        self._resolve(drafts)
        matches = self._match([draft for draft in drafts if not draft.faults])
        earlier = self._earlier([draft.key_hash for draft in drafts if draft.key_hash is not None])
        planned = [self._decide(draft, matches.get(draft.number, []), earlier) for draft in drafts]
        self.collections.settle([one for one in planned if one.action in ("create", "update")])
        for one in planned:
            if one.draft.faults:
                one.action = "refuse"
        return planned

    # -- references ----------------------------------------------------------------------------------------------------

    def _resolve(self, drafts: Sequence[Draft]) -> None:
        """Who is meant by each reference; entries of a collection last, by the record that a row names beside them."""
        named = [one for draft in drafts for one in self._named(draft)]
        for parts in (False, True):
            some = [one for one in named if self._is_part(one[2]) is parts]
            texts: dict[tuple[str, str], set[str]] = {}
            for _draft, name, item in some:
                texts.setdefault((item.target or "", name.column.by), set()).add(name.text)
            found = {key: self.finder.find(*key, wanted) for key, wanted in texts.items()}
            for draft, name, item in some:
                candidates = found[item.target or "", name.column.by].get(name.text, [])
                of = self._scope(draft, item) if parts else None
                self._settle(draft, name, item, [id for id, owner in candidates if of is None or owner == of], of)

    def _named(self, draft: Draft) -> Iterable[tuple[Draft, Named, Field]]:
        for name, one in draft.named.items():
            yield draft, one, self.fields[name]
        for collection, entries in draft.entries.items():
            for entry in entries:
                for name, one in entry.named.items():
                    yield draft, one, self.rt.parts[collection].fields[name]

    @cached_property
    def fallback(self) -> dict[str, UUID]:
        """The references among the defaults."""
        found: dict[str, UUID] = {}
        for parts in (False, True):
            for name, one in self.drafter.fallback_named.items():
                item = self.fields[name]
                if self._is_part(item) is not parts:
                    continue
                candidates = self.finder.find(item.target or "", one.column.by, [one.text]).get(one.text, [])
                of = found.get(self._beside(item) or "") if parts else None
                ids = [id for id, owner in candidates if of is None or owner == of]
                if len(ids) == 1:
                    found[name] = ids[0]
        return found

    def _fall_back_on_in_entries(self) -> None:
        """The references among the defaults of entries."""
        for place, one in self.drafter.fallback_entry_named:
            assert place.field is not None
            ids = self.finder.find(place.field.target or "", one.column.by, [one.text]).get(one.text, [])
            if len(ids) == 1:
                self.drafter.fall_back_on_in_entries(place, ids[0][0])
            else:
                self.drafter.fallback_faults.append((place.path, Wrong("not_found", _none_called(place.field, one))))

    def _is_part(self, item: Field) -> bool:
        target = kernel().records.get(item.target or "")
        return target is not None and target.parent is not None

    def _beside(self, item: Field) -> str | None:
        """The reference that says of what a part is part: the pipeline of a stage."""
        parent = kernel().records[item.target or ""].parent
        return next((one.name for one in self.rt.references() if one.target == parent), None)

    def _scope(self, draft: Draft, item: Field) -> UUID | None:
        beside = self._beside(item)
        if beside is None:
            return None
        named = draft.named.get(beside)
        return named.id if named is not None else self.fallback.get(beside)

    def _settle(self, draft: Draft, named: Named, item: Field, ids: list[UUID], of: UUID | None) -> None:
        if len(ids) == 1:
            named.id = ids[0]
            return
        records = kernel().records.get(item.target or "")
        what = records.plural if records else _("People")
        if ids:
            message = _(
                "%(records)s: several are called “%(name)s”; name one by something else.",
                records=what,
                name=named.text[:80],
            )
            draft.refuse("ambiguous", message, named.at)
        elif item.target == self.rt.key and self.in_file(named):
            named.creates = (self.rt.key, _told(named.text, named.column.by))
            if not self.dry:
                draft.waits = True
        elif named.column.missing == "create" and item.target != ACTOR:
            if named.column.by.startswith(BY_EXTERNAL):
                try:
                    clean_external(named.text)
                except Wrong as wrong:
                    draft.refuse(wrong.code, str(wrong), named.at)
                    return
            named.creates = (item.target or "", _told(named.text, named.column.by))
        elif named.column.missing == "refuse":
            message = _("%(records)s: there is none called “%(name)s”.", records=what, name=named.text[:80])
            draft.refuse("not_found", message, named.at, proposal=self.finder.alike(item.target or "", named.text, of))

    def in_file(self, named: Named) -> bool:
        """Whether a reference is to a record of the same file."""
        return _told(named.text, named.column.by) in self._in_file(named.column.by)

    def _in_file(self, by: str) -> set[str]:
        """What the records of this file are called, where they may refer to one another."""
        if by not in self._called:
            self._called[by] = self._read_called(by)
        return self._called[by]

    @cached_property
    def _called(self) -> dict[str, set[str]]:
        return {}

    def _read_called(self, by: str) -> set[str]:
        if by.startswith(BY_EXTERNAL):
            source = by.removeprefix(BY_EXTERNAL)
            columns = [one for one in self.mapping.columns if one.to == EXTERNAL and one.source == source]
        else:
            wanted = by or self.rt.title_field
            columns = [one for one in self.mapping.columns if one.to == wanted]
        if not columns or self.mapping.mode == "update":
            return set()
        c = import_row.c
        waits = sa.true() if self.dry else sa.not_(c.written)
        cells = session().execute(select(c.cells[columns[0].index].astext).where(rows_of(self.imp.id), waits))
        return {_told(text, by) for (text,) in cells if text}

    # -- keys ----------------------------------------------------------------------------------------------------------

    def _match(self, drafts: Sequence[Draft]) -> dict[int, list[UUID]]:
        """The records that are there already, by the number of the row."""
        key = self.mapping.key
        if not key:
            return {}
        for draft in drafts:
            self._set_key(draft)
        known = [draft for draft in drafts if draft.key is not None]
        if key == [ID]:
            ids = self.finder.present(self.rt, [draft.id for draft in known if draft.id])
            return {draft.number: [draft.id] for draft in known if draft.id in ids}
        if key == [EXTERNAL]:
            return self._match_external(known)
        fields = [self.fields[name] for name in key]
        found = self.finder.match(self.rt, fields, [draft.key or () for draft in known]) if known else {}
        return {known[place].number: ids for place, ids in found.items()}

    def _match_external(self, drafts: Sequence[Draft]) -> dict[int, list[UUID]]:
        found: dict[int, list[UUID]] = {}
        for source in {source for draft in drafts for source, _value in draft.external}:
            values = {value for draft in drafts for of, value in draft.external if of == source}
            ids = self.finder.find(self.rt.key, BY_EXTERNAL + source, values)
            for draft in drafts:
                for of, value in draft.external:
                    if of == source and value in ids:
                        found.setdefault(draft.number, []).extend(id for id, _owner in ids[value])
        return {number: list(dict.fromkeys(ids)) for number, ids in found.items()}

    def _set_key(self, draft: Draft) -> None:
        key = self.mapping.key
        if key == [ID]:
            values: tuple[Any, ...] = (draft.id,)
        elif key == [EXTERNAL]:
            values = tuple(draft.external) or (None,)
        else:
            values = tuple(self._key_value(draft, name) for name in key)
        if all(value is None for value in values):
            column = self.mapping.to(key[0])
            at = At(draft.number, column.index, "") if column else None
            draft.refuse("required", _("Fill this in: records are known by it."), at)
            return
        draft.key = values
        texts = ["" if value is None else str(value) for value in values]
        told = "\x1f".join(texts if key == [EXTERNAL] else map(folded, texts))
        draft.key_hash = int.from_bytes(blake2b(told.encode(), digest_size=8).digest(), signed=True)

    def _key_value(self, draft: Draft, name: str) -> Any:
        if name in draft.named:
            named = draft.named[name]
            return named.id or (named.creates and _to_come(named.creates))
        return draft.values.get(name)

    def _earlier(self, hashes: list[int]) -> dict[int, tuple[int, str]]:
        """Rows of earlier chunks with the same keys that are not refused: the first one, and what became of it."""
        if not hashes:
            return {}
        c = import_row.c
        done = sa.and_(c.outcome.in_(("create", "update", "unchanged")), sa.true() if self.dry else c.written)
        rows = session().execute(
            select(c.key_hash, c.number, c.outcome)
            .where(rows_of(self.imp.id), c.key_hash == sa.any_(sa.cast(hashes, sa.ARRAY(sa.BigInteger))), done)
            .order_by(c.number.desc())
        )
        return {row.key_hash: (row.number, row.outcome) for row in rows}

    # -- what becomes of it --------------------------------------------------------------------------------------------

    def _decide(self, draft: Draft, matches: list[UUID], earlier: dict[int, tuple[int, str]]) -> Planned:
        planned = Planned(draft, "refuse", new_id())
        if draft.faults:
            if not self.mapping.key:
                self._new(draft)  # what is missing is told along
            return planned
        if draft.waits:
            planned.action = "wait"
            return planned
        first = earlier.get(draft.key_hash) if draft.key_hash is not None else None
        mode = self.mapping.mode
        if len(matches) > 1:
            draft.refuse("ambiguous", _("%(n)s records are known by this.", n=len(matches)), self._at_key(draft))
        elif first is not None and (mode != "both" or draft.lists):
            self.refuse_repeated(draft, first[0])
        elif matches and mode == "create":
            draft.refuse("exists", _("There is such a record already."), self._at_key(draft))
        elif matches:
            planned.action, planned.id = "update", matches[0]
            planned.values = self.changes(draft)
        elif mode == "update":
            draft.refuse("not_found", _("There is no such record, or you may not see it."), self._at_key(draft))
        else:
            planned.action, planned.again = "create", first is not None
            planned.id = draft.id if draft.id is not None and not planned.again else planned.id
            planned.values = self._new(draft)
        if draft.faults:
            planned.action = "refuse"
        return planned

    def refuse_repeated(self, draft: Draft, number: int) -> None:
        message = (
            _("Row %(n)s is of the same record: sort the file so that the rows of a record are together.", n=number)
            if draft.lists
            else _("Row %(n)s is of the same record already.", n=number)
        )
        draft.refuse("repeated", message, self._at_key(draft))

    def _at_key(self, draft: Draft) -> At | None:
        column = self.mapping.to(self.mapping.key[0]) if self.mapping.key else None
        if column is None:
            return None
        return At(draft.number, column.index, text_of(draft.group[0].cells[column.index]))

    def _new(self, draft: Draft) -> dict[str, Any]:
        values = {**self.defaults, **self.drafter.fallback, **self.fallback, **draft.values}
        for name, named in draft.named.items():
            if named.id is not None:
                values[name] = named.id
        for name, detail in self.required.items():
            if name in draft.places and name not in draft.values and name not in draft.named:
                continue  # it was given and is wrong
            if values.get(name) is None and not (name in draft.named and draft.named[name].creates):
                column = self.mapping.to(name)
                at = At(draft.number, column.index, "") if column else None
                words = detail.message if at else f"{self.fields[name].label}: {detail.message}"
                draft.refuse(detail.code, words, at)
        for name, named in self.drafter.fallback_named.items():
            if name not in self.fallback:
                draft.refuse("not_found", _none_called(self.fields[name], named))
        return values

    def changes(self, draft: Draft) -> dict[str, Any]:
        """What a row says of a record that is there; what it cannot say is noted as a fault."""
        values = dict(draft.values)
        for name, named in draft.named.items():
            if named.id is not None or named.column.missing == "empty":
                values[name] = named.id
        for name in draft.cleared:
            try:
                values[name] = clean_value(self.fields[name], None)
            except Wrong as wrong:
                column = self.mapping.to(name)
                draft.refuse(wrong.code, str(wrong), At(draft.number, column.index, "") if column else None)
        return values


def _none_called(item: Field, named: Named) -> str:
    return _("%(field)s: there is none called “%(name)s”.", field=item.label, name=named.text[:80])


def _told(text: str, by: str) -> str:
    """What a record is called, as it is compared: external ids letter by letter, fields without case and accents."""
    return text.strip() if by.startswith(BY_EXTERNAL) else folded(text.strip())


def _to_come(creates: tuple[str, str]) -> UUID:
    """An id that no record has, in the place of one that is not there yet."""
    return UUID(bytes=blake2b("\x1f".join(creates).encode(), digest_size=16).digest())
