"""Writing records: create, change, delete, restore. Pages, API, jobs and other plugins all come through here.

Every function works inside the current unit of work, checks the permission, cleans the input, asks the record's own
rules and the plugins' checks, and leaves history to the database's triggers. `many` does the same to many rows at once,
by the steps at the end of this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replace_in
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from ossature.context import current
from ossature.db.work import session
from ossature.errors import Conflict, Detail, Forbidden, NotFound, PreconditionFailed, Refusal
from ossature.events.wake import wake_listeners
from ossature.hooks.types import ChangeKind, RecordChange
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.kernel import kernel
from ossature.rbac.predicate import demand, reaches, reaches_owner
from ossature.records import conditions
from ossature.records.clean import clean
from ossature.records.fields import Kind
from ossature.records.given import Reader
from ossature.records.linking import (
    check_references,
    leave_no_live_child,
    references_in,
    restore_children,
    taken_by_others,
)
from ossature.records.living import demand_live, demand_unmerged
from ossature.records.merging import merge
from ossature.records.owning import OWNER, check_new_owner, owner_for_new, writable_fields
from ossature.records.part_writes import compare_entries, new_entries, write_entries
from ossature.records.query import Row, among, columns, part_rows, to_rows
from ossature.records.referred import with_referred
from ossature.records.spelling import Spelling
from ossature.records.statements import explained, insert_row, invalid, is_secret, stored_columns, update_row
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

__all__ = [
    "OWNER", "Plan", "Written", "ask", "create", "delete", "demand_live", "entries_of", "explained", "lock_rows",
    "not_found", "plan_new", "plan_update", "restore", "update", "writable_fields",
]  # fmt: skip


@dataclass(frozen=True)
class Written:
    """A record after a write: its row, its parts by collection, and what the writer should know."""

    row: Row
    parts: dict[str, list[Row]] = field(default_factory=dict)
    warnings: tuple[Detail, ...] = ()
    merged: tuple[str, ...] = ()


def create(rt: RecordType, values: Mapping[str, Any], id: UUID | None = None) -> Written:
    """Write a new record with its parts. Raises `Invalid`, `Forbidden`, `Conflict` when the id is taken."""
    demand(rt, "create")
    cleaned, cleaned_parts = Reader(rt)(values, partial=False)
    cleaned = Spelling()(cleaned)
    if rt.owned:
        cleaned["owner_id"] = owner_for_new(rt, cleaned.get("owner_id"))
    check_references(references_in(rt, cleaned, cleaned_parts))
    plan = plan_new(rt, id or new_id(), cleaned, cleaned_parts)
    ask(rt, plan.change)
    row = insert_row(rt, {**plan.values, "id": plan.change.id})
    written = {
        collection: [insert_row(rt.parts[collection], values) for values in rows]
        for collection, rows in entries_of(rt, plan).items()
    }
    return Written(row, {**{name: [] for name in rt.parts}, **written}, _warnings(rt, plan.change))


def update(
    rt: RecordType,
    id: UUID,
    values: Mapping[str, Any],
    *,
    version: int | None = None,
    if_match: int | None = None,
    replace: bool = False,
    grew: Mapping[str, list[Row]] | None = None,
) -> Written:
    """Change a record; `replace` sets every field that is not given to its default.

    `grew` are collections to which entries were moved in this transaction, as they were before: rules are asked about
    them as about any that are written.

    `version` is the one the writer saw: where others have changed other fields since, both hold; the same field
    raises `Conflict` with mine, theirs and before. `if_match` merges nothing: any newer version raises
    `PreconditionFailed`.
    """
    demand(rt, "edit")
    before = _locked(rt, id, "edit")
    demand_live(rt, before)
    if if_match is not None and if_match != before["version"]:
        raise PreconditionFailed(
            _("The record is now at version %(n)s; read it again.", n=before["version"]), version=before["version"]
        )
    given = {**{name: [] for name in rt.parts}, **values} if replace else values
    cleaned, cleaned_parts = Reader(rt)(given, partial=not replace)
    kept = ["owner_id", *(name for name, item in rt.fields.items() if item.kind is Kind.SECRET)]
    cleaned = Spelling()({name: value for name, value in cleaned.items() if name not in kept or name in values})
    old_parts = {name: found.get(id, []) for name, found in (part_rows(rt, [id]) if cleaned_parts else {}).items()}
    moved = {name: found.get(id, []) for name, found in part_rows(rt, [id], grew or ()).items()}
    plan = plan_update(rt, before, cleaned, version, {**moved, **cleaned_parts}, {**old_parts, **(grew or {})})
    if "owner_id" in plan.values:
        check_new_owner(rt, plan.values["owner_id"])
    written = {name: rows for name, rows in plan.parts.items() if name not in moved}
    check_references(references_in(rt, plan.values, written, old_parts))
    ask(rt, plan.change)

    entries = {name: compare_entries(rt.parts[name], id, old_parts[name], rows) for name, rows in written.items()}
    for name, found in entries.items():
        write_entries(rt.parts[name], found)
    touched = any(entries.values())
    row = before
    if plan.values or touched:
        stored = stored_columns(rt, plan.values)
        if touched and not stored:
            stored = {"version": rt.c.version + 1}
        row = update_row(rt, id, stored)
    now = part_rows(rt, [id])
    return Written(row, {name: now[name].get(id, []) for name in rt.parts}, _warnings(rt, plan.change), plan.merged)


def delete(rt: RecordType, id: UUID, *, if_match: int | None = None) -> Row:
    """Put a record into the bin, with the records that go with it. Raises `Conflict` naming what still needs it, or the
    record that it was merged into."""
    demand(rt, "delete")
    before = _locked(rt, id, "delete")
    if before["deleted_at"] is not None:
        demand_unmerged(rt, id)
        return before
    if if_match is not None and if_match != before["version"]:
        raise PreconditionFailed(
            _("The record is now at version %(n)s; read it again.", n=before["version"]), version=before["version"]
        )
    change = RecordChange(rt.key, id, ChangeKind.DELETED, before, before)
    ask(rt, change)
    leave_no_live_child(rt, [id])
    return update_row(rt, id, {"deleted_at": func.now()})


def restore(rt: RecordType, id: UUID, values: Mapping[str, Any] | None = None) -> Row:
    """Take a record out of the bin, with what was deleted in the same act.

    `values` change unique fields along, for what others have taken since. Raises `Invalid` naming such a field, with
    the record that has its value now.
    """
    demand(rt, "delete")
    before = _locked(rt, id, "delete")
    if before["deleted_at"] is None:
        return before
    unique = {name: item for name, item in writable_fields(rt).items() if item.unique}
    changed, faults = clean(unique, values or {}, partial=True)
    if faults:
        raise invalid(faults)
    if changed and not reaches_owner(rt, "edit", before.get("owner_id")):
        raise Forbidden(
            _("Your permission %(permission)s does not reach this record.", permission=rt.permission("edit"))
        )
    after = {**before, **changed}
    if taken := taken_by_others(rt, after):
        raise invalid(taken)
    needed = {item.name: before.get(item.name) for item in rt.references() if item.on_delete != "clear"}
    check_references(references_in(rt, {name: other for name, other in needed.items() if other != id}))
    ask(rt, RecordChange(rt.key, id, ChangeKind.RESTORED, before, after))
    row = update_row(rt, id, {**stored_columns(rt, changed), "deleted_at": None})
    restore_children(rt, [id], before["deleted_at"])
    return row


# -- steps, of one row and of many ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What the writing of one row comes to: the values to write, what rules are asked, what others had changed."""

    values: dict[str, Any]
    parts: dict[str, list[Row]]
    change: RecordChange
    merged: tuple[str, ...] = ()


def plan_new(rt: RecordType, id: UUID, cleaned: Mapping[str, Any], parts: dict[str, list[Row]]) -> Plan:
    """What is to be written of clean values, with what follows from them."""
    change = RecordChange(rt.key, id, ChangeKind.CREATED, {}, {**cleaned, **parts})
    if follows := rt.cls.complete(change):
        change = replace_in(change, after={**change.after, **follows})
    return Plan({**cleaned, **(follows or {})}, parts, change)


def entries_of(rt: RecordType, plan: Plan) -> dict[str, list[Row]]:
    """The entries of a new record as they are stored, by collection."""
    return {name: new_entries(rt.parts[name], plan.change.id, rows) for name, rows in plan.parts.items()}


def plan_update(
    rt: RecordType,
    before: Row,
    cleaned: Mapping[str, Any],
    version: int | None = None,
    parts: Mapping[str, list[Row]] | None = None,
    old_parts: Mapping[str, list[Row]] | None = None,
) -> Plan:
    """What is left to write of clean values, merged with what others wrote after `version`. Raises `Conflict`."""
    values, parts, old_parts = dict(cleaned), dict(parts or {}), old_parts or {}
    merged: list[str] = []
    if version is not None and version != before["version"]:
        found = merge(rt, before, values, parts, old_parts, version, OWNER)
        values, parts, merged = found.values, found.parts, found.theirs
    changed = {name: value for name, value in values.items() if value != before.get(name) or is_secret(rt, name)}
    was = {**before, **old_parts}
    change = RecordChange(rt.key, before["id"], ChangeKind.UPDATED, was, {**was, **changed, **parts})
    if follows := rt.cls.complete(change):
        change = replace_in(change, after={**change.after, **follows})
        changed = {name: value for name, value in {**changed, **follows}.items() if value != before.get(name)}
    return Plan(changed, parts, change, tuple(merged))


def lock_rows(rt: RecordType, ids: Iterable[UUID], action: str) -> dict[UUID, Row | Refusal]:
    """Rows that the bound actor sees, locked until the commit; in place of one, why `action` is refused on it."""
    statement = (
        select(*columns(rt), reaches(rt, action).label("_may"))
        .where(rt.c.tenant_id == current().tenant_id, among(rt.c.id, ids), reaches(rt))
        .order_by(rt.c.id)
        .with_for_update(of=rt.table)
    )
    permission = rt.permission(action)
    result = session().execute(statement)
    names, stored = list(result.keys()), result.all()
    return {
        row["id"]: row
        if may
        else Forbidden(
            _("Your permission %(permission)s does not reach this record.", permission=permission),
            permission=permission,
        )
        for row, (*_values, may) in zip(to_rows(rt, names, stored), stored, strict=True)
    }


def not_found(rt: RecordType) -> NotFound:
    """Absent, of another organisation or out of reach: never telling which."""
    return NotFound(_("There is no such record, or you may not see it."), record=rt.key)


def ask(rt: RecordType, change: RecordChange) -> None:
    """Ask the record's own rules and the plugins', and wake those who want to know, once it is written.

    Raises `Invalid`, or `Conflict` where a deletion or a restoration is refused.
    """
    faults = [] if change.kind in (ChangeKind.DELETED,) else list(rt.cls.check(change))
    if change.kind in (ChangeKind.CREATED, ChangeKind.UPDATED):
        asked = change
        if rt.elsewhere:
            after, before = with_referred(rt, change.after, change.before)
            asked = replace_in(change, after=after, before=before)
        faults = [*conditions.faults(rt, asked), *faults]
    faults += kernel().plugins.check_record_change(change, current().access.plugins)
    if faults:
        if change.kind in (ChangeKind.DELETED, ChangeKind.RESTORED):
            raise Conflict(faults[0].message, faults, code="refused")
        raise invalid(faults)
    wake_listeners(rt)


def _locked(rt: RecordType, id: UUID, action: str) -> Row:
    found = lock_rows(rt, [id], action).get(id)
    if found is None:
        demand_unmerged(rt, id)  # one that was deleted for good since
        raise not_found(rt)
    if isinstance(found, Refusal):
        raise found
    return found


def _warnings(rt: RecordType, change: RecordChange) -> tuple[Detail, ...]:
    return tuple(rt.cls.warn(change))
