"""Many rows written together, by the rules of one: the steps are those of `service`, the statements are shared.

Every row gets an outcome of its own: what refuses one does not touch the others. To be called with some hundred rows at
a time, each call in a transaction that is not long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func

from ossature.db.work import session
from ossature.errors import Refusal
from ossature.hooks.types import ChangeKind, RecordChange
from ossature.ids import new_id
from ossature.rbac.predicate import demand
from ossature.records.clean import clean
from ossature.records.fields import Kind
from ossature.records.linking import check_references, leave_no_live_child
from ossature.records.owning import check_new_owner, writable_fields
from ossature.records.query import Row
from ossature.records.service import Plan, ask, create, demand_live, lock_rows, not_found, plan_update, update
from ossature.records.spelling import Spelling
from ossature.records.statements import invalid, stored_columns, update_rows
from ossature.records.types import RecordType

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
    return [_tried(item.id, "created", partial(_created, rt, item)) for item in items]


def update_many_each(rt: RecordType, items: Mapping[UUID, Change], *, cleaned: bool = False) -> list[Outcome]:
    """Change many records, each its own fields and collections; an outcome for each, with the row as it was.

    `cleaned` as for `create_many`. Raises `Forbidden` without the permission.
    """
    demand(rt, "edit")
    rows = lock_rows(rt, items, "edit")
    found: list[Outcome] = []
    for id, item in items.items():
        row = rows.get(id)
        outcome = _tried(id, "changed", partial(_updated, rt, id, item))
        found.append(replace(outcome, row=row if isinstance(row, dict) else None))
    return found


def _created(rt: RecordType, item: NewRow) -> bool:
    create(rt, item.values, item.id)
    return True


def _updated(rt: RecordType, id: UUID, item: Change) -> bool:
    before = lock_rows(rt, [id], "edit").get(id)
    version = before["version"] if isinstance(before, dict) else None
    return bool(update(rt, id, item.values, version=item.version).row["version"] != version)


def _tried(id: UUID, done: Literal["created", "changed"], write: Callable[[], bool]) -> Outcome:
    try:
        with session().begin_nested():
            return Outcome(id, done if write() else "unchanged")
    except Refusal as refusal:
        return Outcome(id, "refused", refusal)


def update_many(rt: RecordType, versions: Mapping[UUID, int | None], values: Values) -> list[Outcome]:
    """Change fields of many rows: the same values for all, or what a function makes of each row as it is stored.

    A version is the one that the writer saw, as in `update`: None writes over whatever came since. Raises `Forbidden`
    without the permission, and `Invalid` where the same values for all are wrong.
    """
    demand(rt, "edit")
    fields = writable_fields(rt)
    spelled = Spelling()
    same = None if callable(values) else spelled(_clean(fields, values))
    rows, checked = lock_rows(rt, versions, "edit"), _Checked(rt)
    telling = {name for name, item in rt.fields.items() if item.unique or item.kind in (Kind.EMAIL, Kind.PHONE)}
    found: dict[UUID, Outcome] = {}
    plans: dict[UUID, Plan] = {}
    for id, version in versions.items():
        row = rows.get(id) or not_found(rt)
        try:
            if isinstance(row, Refusal):
                raise row
            demand_live(row)
            cleaned = same if same is not None else spelled(_clean(fields, values(row)))  # type: ignore[operator]
            plan = plan_update(rt, row, cleaned, version)
            checked.demand(plan.values)
            ask(rt, plan.change)
        except Refusal as refusal:
            found[id] = Outcome(id, "refused", refusal, row if isinstance(row, dict) else None)
        else:
            found[id] = Outcome(id, "changed" if plan.values else "unchanged", None, row)
            plans[id] = plan
            if telling & plan.values.keys():  # rules look for others with the same value: the next row has to meet it
                stored = stored_columns(rt, plans.pop(id).values)
                for reason in _together([id], partial(_write, rt, stored)).values():
                    found[id] = Outcome(id, "refused", reason, row)
    for ids, stored in _alike(rt, plans):
        for id, reason in _together(ids, partial(_write, rt, stored)).items():
            found[id] = Outcome(id, "refused", reason, found[id].row)
    return [found[id] for id in versions]


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


def _write(rt: RecordType, stored: Mapping[str, Any], ids: Sequence[UUID]) -> None:
    update_rows(rt, ids, stored)


class _Checked:
    """References and owners that were asked for already: most rows get the same ones."""

    def __init__(self, rt: RecordType) -> None:
        self.rt = rt
        self._said: dict[tuple[str, UUID], Refusal | None] = {}

    def demand(self, values: Mapping[str, Any]) -> None:
        for name in [*(item.name for item in self.rt.references()), *(["owner_id"] if self.rt.owned else [])]:
            target = values.get(name)
            if target is None and not (name == "owner_id" and name in values):
                continue
            if (name, target) not in self._said:
                self._said[name, target] = self._ask(name, target)  # type: ignore[index]
            if (refusal := self._said[name, target]) is not None:  # type: ignore[index]
                raise refusal

    def _ask(self, name: str, target: UUID | None) -> Refusal | None:
        try:
            if name == "owner_id":
                check_new_owner(self.rt, target)
            check_references(self.rt, {name: target})
        except Refusal as refusal:
            return refusal
        return None


def _clean(fields: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    cleaned, faults = clean(fields, values, partial=True)
    if faults:
        raise invalid(faults)
    return cleaned


def _alike(rt: RecordType, plans: Mapping[UUID, Plan]) -> list[tuple[list[UUID], dict[str, Any]]]:
    """Rows that the same is written to, a statement each."""
    groups: dict[str, tuple[list[UUID], dict[str, Any]]] = {}
    for id, plan in plans.items():
        if plan.values:
            key = repr(sorted(plan.values.items(), key=lambda one: one[0]))
            groups.setdefault(key, ([], stored_columns(rt, plan.values)))[0].append(id)
    return list(groups.values())


def _together(ids: Sequence[UUID], write: Callable[[Sequence[UUID]], None]) -> dict[UUID, Refusal]:
    """Write rows in one go; where that is refused the halves apart, so that each fault is told of its own row."""
    if not ids:
        return {}
    try:
        with session().begin_nested():
            write(ids)
    except Refusal as refusal:
        if len(ids) == 1:
            return {ids[0]: refusal}
        half = len(ids) // 2
        return {**_together(ids[:half], write), **_together(ids[half:], write)}
    return {}
