"""Many rows written together, by the rules of one: the steps are those of `service`, the statements are shared.

Every row gets an outcome of its own: what refuses one does not touch the others. To be called with some hundred rows at
a time, each call in a transaction that is not long.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal, TypeVar
from uuid import UUID

from sqlalchemy import func, select

from ossature.context import current
from ossature.db.work import session
from ossature.errors import Refusal
from ossature.hooks.types import ChangeKind, RecordChange
from ossature.ids import new_id
from ossature.rbac.predicate import demand
from ossature.records.clean import accept, clean
from ossature.records.given import Reader
from ossature.records.linking import Live, check_references, leave_no_live_child, references_in
from ossature.records.living import demand_live
from ossature.records.owning import check_new_owner, owner_for_new, writable_fields
from ossature.records.part_writes import compare_entries, together, write_entries
from ossature.records.query import Row, among, part_rows
from ossature.records.record import TAGS
from ossature.records.rules import folded
from ossature.records.service import (
    Plan,
    ask,
    entries_of,
    lock_rows,
    not_found,
    plan_new,
    plan_update,
)
from ossature.records.spelling import Spelling
from ossature.records.statements import id_taken, insert_each, invalid, taken, update_each, update_rows
from ossature.records.types import RecordType
from ossature.records.waves import Meeting, told, waves

K = TypeVar("K", bound=Hashable)
Values = Mapping[str, Any] | Callable[[Row], Mapping[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """What became of one row: `refusal` says why not; `row` is as it was before, None where it may not be seen and where
    there was none."""

    id: UUID
    what: Literal["created", "changed", "unchanged", "refused"]
    refusal: Refusal | None = None
    row: Row | None = None


@dataclass(frozen=True, slots=True)
class NewRow:
    """A record to write: values by field and collection, as `create` takes them, and its id."""

    values: Mapping[str, Any]
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Change:
    """What one record is to become: values by field and collection, and the version that the writer saw, as `update`
    takes them."""

    values: Mapping[str, Any]
    version: int | None = None


def create_many(rt: RecordType, items: Sequence[NewRow], *, cleaned: bool = False) -> list[Outcome]:
    """Write many new records with their parts, in their order; an outcome for each, `created` or `refused`.

    `cleaned` says that the values, those of entries too, are as `clean_value` returns them. An id that is taken refuses
    its row. Raises `Forbidden` without the permission.
    """
    demand(rt, "create")
    reader, refused, read = Reader(rt, accept if cleaned else clean), dict[int, Refusal](), dict[int, _Given]()
    for n, item in enumerate(items):
        try:
            values, parts = reader(item.values, partial=False)
            if rt.owned:
                values["owner_id"] = owner_for_new(rt, values.get("owner_id"))
        except Refusal as refusal:
            refused[n] = refusal
        else:
            read[n] = _Given(item.id, values, parts)
    _spell(read.values())
    live = Live()
    for wave in waves({n: given.meets_as_new(rt) for n, given in read.items()}):
        refused |= _create(rt, {n: read[n] for n in wave}, live)
    return [Outcome(item.id, "refused" if n in refused else "created", refused.get(n)) for n, item in enumerate(items)]


def update_many_each(rt: RecordType, items: Mapping[UUID, Change], *, cleaned: bool = False) -> list[Outcome]:
    """Change many records, each its own fields and collections; an outcome for each, with the row as it was.

    `cleaned` as for `create_many`. Raises `Forbidden` without the permission.
    """
    demand(rt, "edit")
    reader = Reader(rt, accept if cleaned else clean)

    def read(row: Row) -> _Given:
        item = items[row["id"]]
        return _Given(row["id"], *reader(item.values, partial=True), item.version)

    return _update(rt, items, read)


def update_many(rt: RecordType, versions: Mapping[UUID, int | None], values: Values) -> list[Outcome]:
    """Change fields of many rows: the same values for all, or what a function makes of each row as it is stored.

    A version is the one that the writer saw, as in `update`: None writes over whatever came since. Raises `Forbidden`
    without the permission, and `Invalid` where the same values for all are wrong.
    """
    demand(rt, "edit")
    fields = writable_fields(rt)
    same = None if callable(values) else _clean(fields, values)

    def read(row: Row) -> _Given:
        cleaned = same if same is not None else _clean(fields, values(row))  # type: ignore[operator]
        return _Given(row["id"], cleaned, {}, versions[row["id"]])

    return _update(rt, versions, read)


def delete_many(rt: RecordType, ids: Iterable[UUID]) -> list[Outcome]:
    """Put many records into the bin, with what goes with them; one that is there already is unchanged."""
    demand(rt, "delete")
    ids = list(ids)
    rows = lock_rows(rt, ids, "delete")
    found: dict[UUID, Outcome] = {}
    going: list[UUID] = []
    for id in ids:
        row = rows.get(id) or not_found(rt)
        if isinstance(row, Refusal):
            found[id] = Outcome(id, "refused", row)
            continue
        found[id] = Outcome(id, "unchanged", None, row)
        if row["deleted_at"] is not None:
            continue
        try:
            ask(rt, RecordChange(rt.key, id, ChangeKind.DELETED, row, row))
        except Refusal as refusal:
            found[id] = Outcome(id, "refused", refusal, row)
        else:
            found[id] = Outcome(id, "changed", None, row)
            going.append(id)

    def bin_them(some: Sequence[UUID]) -> None:
        leave_no_live_child(rt, list(some))
        update_rows(rt, some, {"deleted_at": func.now()})

    for id, reason in _together(going, bin_them).items():
        found[id] = Outcome(id, "refused", reason, found[id].row)
    return [found[id] for id in ids]


# -- rows of one call -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Given:
    """What is given of one row: clean values and entries, and the version that the writer saw."""

    id: UUID
    values: dict[str, Any]
    parts: dict[str, list[Row]]
    version: int | None = None

    def meets_as_new(self, rt: RecordType) -> Meeting:
        found = [one for name in rt.telling for one in told(name, self.values.get(name))]
        own = [one.id for one in references_in(rt, self.values, self.parts) if one.target == rt.key]
        return Meeting([self.id, *found], own)

    def meets(self, rt: RecordType, row: Row) -> Meeting:
        changed = [name for name in rt.telling if name in self.values and self.values[name] != row.get(name)]
        return Meeting([one for name in changed for it in (self.values, row) for one in told(name, it.get(name))])


def _spell(given: Iterable[_Given]) -> None:
    spelled, given = Spelling(), list(given)
    spelled.learn(tag for one in given for tag in one.values.get(TAGS) or ())
    for one in given:
        one.values = spelled(one.values)


def _create(rt: RecordType, rows: Mapping[int, _Given], live: Live) -> dict[int, Refusal]:
    """Write one wave of new rows; what is refused, by row."""
    references = {n: list(references_in(rt, given.values, given.parts)) for n, given in rows.items()}
    live.ask(chain.from_iterable(references.values()))
    refused: dict[int, Refusal] = {}
    plans: dict[int, Plan] = {}
    for n, given in rows.items():
        try:
            check_references(references[n], live)
            plan = plan_new(rt, given.id, given.values, given.parts)
            ask(rt, plan.change)
        except Refusal as refusal:
            refused[n] = refusal
        else:
            plans[n] = plan
    known = _taken(rt, plans, new=True)
    entries = {n: entries_of(rt, plan) for n, plan in plans.items() if n not in known}

    def write(some: Sequence[int]) -> None:
        insert_each(rt, [{**plans[n].values, "id": plans[n].change.id} for n in some])
        for name, part in rt.parts.items():
            insert_each(part, [row for n in some for row in entries[n].get(name, ())])

    return {**refused, **known, **_together(list(entries), write)}


def _update(rt: RecordType, ids: Iterable[UUID], read: Callable[[Row], _Given]) -> list[Outcome]:
    ids = list(ids)
    rows = lock_rows(rt, ids, "edit")
    refused: dict[UUID, Refusal] = {}
    given: dict[UUID, _Given] = {}
    for id in ids:
        row = rows.get(id) or not_found(rt)
        try:
            if isinstance(row, Refusal):
                raise row
            demand_live(rt, row)
            given[id] = read(row)
        except Refusal as refusal:
            refused[id] = refusal
    _spell(given.values())
    seen: dict[UUID, Row] = {id: row for id, row in rows.items() if not isinstance(row, Refusal)}
    stored = part_rows(rt, with_parts) if (with_parts := [id for id, one in given.items() if one.parts]) else {}
    changed: set[UUID] = set()
    live = Live()
    for wave in waves({id: one.meets(rt, seen[id]) for id, one in given.items()}):
        refused |= _change(_Wave(rt, {id: given[id] for id in wave}, seen, stored, live), changed)
    return [
        Outcome(
            id, "refused" if id in refused else "changed" if id in changed else "unchanged", refused.get(id), seen.get(id)
        )
        for id in ids
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Wave:
    """Rows that are changed together, and what is stored of them."""

    rt: RecordType
    given: Mapping[UUID, _Given]
    rows: Mapping[UUID, Row]
    parts: Mapping[str, Mapping[UUID, list[Row]]]
    live: Live

    def old_parts(self, id: UUID) -> dict[str, list[Row]]:
        """The stored entries of a row whose collections are written."""
        return {name: found.get(id, []) for name, found in self.parts.items()} if self.given[id].parts else {}


def _change(wave: _Wave, changed: set[UUID]) -> dict[UUID, Refusal]:
    """Write one wave of changes; what is refused, by row. Those that change anything are added to `changed`."""
    rt = wave.rt
    refused: dict[UUID, Refusal] = {}
    plans: dict[UUID, Plan] = {}
    for id, given in wave.given.items():
        try:
            plan = plan_update(rt, wave.rows[id], given.values, given.version, given.parts, wave.old_parts(id))
            if "owner_id" in plan.values:
                check_new_owner(rt, plan.values["owner_id"])
        except Refusal as refusal:
            refused[id] = refusal
        else:
            plans[id] = plan
    references = {id: list(references_in(rt, one.values, one.parts, wave.old_parts(id))) for id, one in plans.items()}
    wave.live.ask(chain.from_iterable(references.values()))
    for id, plan in plans.items():
        try:
            check_references(references[id], wave.live)
            ask(rt, plan.change)
        except Refusal as refusal:
            refused[id] = refusal
    refused |= _taken(rt, {id: plan for id, plan in plans.items() if id not in refused})
    going = [id for id in plans if id not in refused]
    entries = {
        id: {
            name: compare_entries(rt.parts[name], id, wave.old_parts(id)[name], rows)
            for name, rows in plans[id].parts.items()
        }
        for id in going
    }
    writing = [id for id in going if plans[id].values or any(entries[id].values())]
    changed.update(writing)

    def write(some: Sequence[UUID]) -> None:
        for name, part in rt.parts.items():
            write_entries(part, together(entries[id][name] for id in some if name in entries[id]))
        update_each(rt, {id: plans[id].values for id in some})
        if touched := [id for id in some if not plans[id].values]:
            update_rows(rt, touched, {"version": rt.c.version + 1})

    return {**refused, **_together(writing, write)}


def _taken(rt: RecordType, plans: Mapping[K, Plan], *, new: bool = False) -> dict[K, Refusal]:
    """Rows whose id or unique value another record has, so that one of them does not undo the others' writing."""
    found: dict[K, Refusal] = {}
    if new and plans:
        ids = {plan.change.id for plan in plans.values()}
        known = session().execute(select(rt.c.id).where(rt.c.tenant_id == current().tenant_id, among(rt.c.id, ids)))
        there = set(known.scalars())
        found = {key: id_taken() for key, plan in plans.items() if plan.change.id in there}
    for item in rt.fields.values():
        wanted = {
            key: folded(value) if item.textual else value
            for key, plan in plans.items()
            if item.unique and key not in found and (value := plan.values.get(item.name)) is not None
        }
        if not wanted:
            continue
        column = rt.c[item.sort_column if item.textual else item.name]
        live = select(column, rt.c.id).where(
            rt.c.tenant_id == current().tenant_id, rt.c.deleted_at.is_(None), among(column, wanted.values())
        )
        owners = {row[0]: row[1] for row in session().execute(live)}
        for key, value in wanted.items():
            if owners.get(value, plans[key].change.id) != plans[key].change.id:
                found[key] = invalid([taken(item.name)])
    return found


def _clean(fields: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    cleaned, faults = clean(fields, values, partial=True)
    if faults:
        raise invalid(faults)
    return cleaned


def _together(keys: Sequence[K], write: Callable[[Sequence[K]], None]) -> dict[K, Refusal]:
    """Write rows in one go; where that is refused the halves apart, so that each fault is told of its own row."""
    if not keys:
        return {}
    try:
        with session().begin_nested():
            write(keys)
    except Refusal as refusal:
        if len(keys) == 1:
            return {keys[0]: refusal}
        half = len(keys) // 2
        return {**_together(keys[:half], write), **_together(keys[half:], write)}
    return {}
