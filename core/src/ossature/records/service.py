"""Writing records: create, change, delete, restore. Pages, API, jobs and other plugins all come through here.

Every function works inside the current unit of work, checks the permission, cleans the input, asks the record's own
rules and the plugins' checks, and leaves history to the database's triggers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replace_in
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.exc import DataError, IntegrityError

from ossature.context import Reach, current
from ossature.db.kernel import actor as actor_table
from ossature.db.work import session
from ossature.errors import Conflict, Detail, Forbidden, Invalid, NotFound, PreconditionFailed, Refusal
from ossature.events.wake import wake_listeners
from ossature.hooks.types import ChangeKind, RecordChange
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.kernel import kernel
from ossature.rbac.predicate import demand, reaches, reaches_owner, visible_fields
from ossature.records.clean import clean
from ossature.records.fields import Field, Kind
from ossature.records.merging import merge
from ossature.records.part_order import keep_order
from ossature.records.query import ACTOR, Row, columns, part_rows, to_row
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

OWNER = Field(Kind.REFERENCE, _l("Owner"), name="owner_id", target=ACTOR)
MOST_PARTS = 200


@dataclass(frozen=True)
class Written:
    """A record after a write: its row, its parts by collection, and what the writer should know."""

    row: Row
    parts: dict[str, list[Row]] = field(default_factory=dict)
    warnings: tuple[Detail, ...] = ()
    merged: tuple[str, ...] = ()


def writable_fields(rt: RecordType) -> dict[str, Field]:
    """What the bound actor may write: its visible fields and, for owned records, the owner."""
    found = {name: item for name, item in visible_fields(rt).items() if item.writable}
    return {**found, "owner_id": OWNER} if rt.owned else found


def create(rt: RecordType, values: Mapping[str, Any], id: UUID | None = None) -> Written:
    """Write a new record with its parts. Raises `Invalid`, `Forbidden`, `Conflict` when the id is taken."""
    demand(rt, "create")
    own, parts = _split(rt, values)
    cleaned, faults = clean(writable_fields(rt), own, partial=False)
    cleaned_parts, part_faults = _clean_parts(rt, parts)
    if faults or part_faults:
        raise _invalid([*faults, *part_faults])
    if rt.owned:
        cleaned["owner_id"] = _owner_for_new(rt, cleaned.get("owner_id"))
    check_references(rt, cleaned)
    record_id = id or new_id()
    change = RecordChange(rt.key, record_id, ChangeKind.CREATED, {}, {**cleaned, **cleaned_parts})
    if follows := rt.cls.complete(change):
        cleaned |= follows
        change = replace_in(change, after={**change.after, **follows})
    ask(rt, change)
    row = _insert(rt, {**cleaned, "id": record_id})
    written: dict[str, list[Row]] = {}
    for collection, rows in cleaned_parts.items():
        part = rt.parts[collection]
        keep_order(part, rows)
        written[collection] = [
            _insert(part, {**values, "id": values.pop("id", None) or new_id(), str(part.parent_column): record_id})
            for values in rows
        ]
    return Written(row, {**{name: [] for name in rt.parts}, **written}, _warnings(rt, change))


def update(
    rt: RecordType,
    id: UUID,
    values: Mapping[str, Any],
    *,
    version: int | None = None,
    if_match: int | None = None,
    replace: bool = False,
) -> Written:
    """Change a record; `replace` sets every field that is not given to its default.

    `version` is the one the writer saw: where others have changed other fields since, both hold; the same field
    raises `Conflict` with mine, theirs and before. `if_match` merges nothing: any newer version raises
    `PreconditionFailed`.
    """
    demand(rt, "edit")
    before = _locked(rt, id, "edit")
    if before["deleted_at"] is not None:
        raise Conflict(_("This record is deleted; restore it before changing it."), code="deleted")
    if if_match is not None and if_match != before["version"]:
        raise PreconditionFailed(
            _("The record is now at version %(n)s; read it again.", n=before["version"]), version=before["version"]
        )
    own, parts = _split(rt, values)
    fields = writable_fields(rt)
    cleaned, faults = clean(fields, own, partial=not replace)
    if replace and rt.owned and "owner_id" not in own:
        cleaned.pop("owner_id", None)
    if replace:
        parts = {**{name: [] for name in rt.parts}, **parts}
        for name, item in fields.items():
            if item.kind is Kind.SECRET and name not in own:
                cleaned.pop(name, None)
    cleaned_parts, part_faults = _clean_parts(rt, parts)
    if faults or part_faults:
        raise _invalid([*faults, *part_faults])

    old_parts = {name: found.get(id, []) for name, found in (part_rows(rt, [id]) if cleaned_parts else {}).items()}
    merged: list[str] = []
    if version is not None and version != before["version"]:
        found = merge(rt, before, cleaned, cleaned_parts, old_parts, version, OWNER)
        cleaned, cleaned_parts, merged = found.values, found.parts, found.theirs
    changed = {name: value for name, value in cleaned.items() if value != before.get(name) or _is_secret(rt, name)}
    if "owner_id" in changed:
        _check_new_owner(rt, changed["owner_id"])
    check_references(rt, changed)
    after = {**before, **changed, **cleaned_parts}
    change = RecordChange(rt.key, id, ChangeKind.UPDATED, {**before, **old_parts}, {**before, **old_parts, **after})
    if follows := rt.cls.complete(change):
        change = replace_in(change, after={**change.after, **follows})
        changed = {name: value for name, value in {**changed, **follows}.items() if value != before.get(name)}
    ask(rt, change)

    touched = [_write_parts(rt.parts[name], id, old_parts[name], rows) for name, rows in cleaned_parts.items()]
    row = before
    if changed or any(touched):
        stored = _stored(rt, changed)
        if any(touched) and not stored:
            stored = {"version": rt.c.version + 1}
        row = _update(rt, id, stored)
    now = part_rows(rt, [id])
    return Written(row, {name: now[name].get(id, []) for name in rt.parts}, _warnings(rt, change), tuple(merged))


def delete(rt: RecordType, id: UUID, *, if_match: int | None = None) -> Row:
    """Put a record into the bin, with the records that go with it. Raises `Conflict` naming what still needs it."""
    demand(rt, "delete")
    before = _locked(rt, id, "delete")
    if before["deleted_at"] is not None:
        return before
    if if_match is not None and if_match != before["version"]:
        raise PreconditionFailed(
            _("The record is now at version %(n)s; read it again.", n=before["version"]), version=before["version"]
        )
    change = RecordChange(rt.key, id, ChangeKind.DELETED, before, before)
    ask(rt, change)
    _leave_no_live_child(rt, [id])
    return _update(rt, id, {"deleted_at": func.now()})


def restore(rt: RecordType, id: UUID) -> Row:
    """Take a record out of the bin, with what was deleted in the same act."""
    demand(rt, "delete")
    before = _locked(rt, id, "delete")
    if before["deleted_at"] is None:
        return before
    needed = {item.name: before.get(item.name) for item in rt.references() if item.on_delete != "clear"}
    check_references(rt, {name: other for name, other in needed.items() if other != id})
    ask(rt, RecordChange(rt.key, id, ChangeKind.RESTORED, before, before))
    row = _update(rt, id, {"deleted_at": None})
    _restore_children(rt, [id], before["deleted_at"])
    return row


# -- who and whether ---------------------------------------------------------------------------------------------------


def _locked(rt: RecordType, id: UUID, action: str) -> Row:
    statement = (
        select(*columns(rt), reaches(rt, action).label("_may"))
        .where(rt.c.tenant_id == current().tenant_id, rt.c.id == id, reaches(rt))
        .with_for_update(of=rt.table)
    )
    found = session().execute(statement).mappings().first()
    if found is None:
        raise NotFound(_("There is no such record, or you may not see it."), record=rt.key)
    if not found["_may"]:
        permission = rt.permission(action)
        raise Forbidden(_("Your permission %(permission)s does not reach this record.", permission=permission),
                        permission=permission)  # fmt: skip
    return to_row(rt, found)


def _owner_for_new(rt: RecordType, owner: UUID | None) -> UUID | None:
    """The owner asked for, else who creates: a personal key does so for its member; a service or a job owns only what
    it could not reach otherwise."""
    if owner is not None:
        _check_new_owner(rt, owner, "create")
        return owner
    actor, access = current().actor, current().access
    if actor is None:
        return None
    if actor.kind in ("member", "platform"):
        return actor.id
    everything = access.reach(rt.permission("create")) is Reach.ALL
    return next(iter(access.selves - {actor.id}), None if everything else actor.id)


def _check_new_owner(rt: RecordType, owner: UUID | None, action: str = "edit") -> None:
    if not reaches_owner(rt, action, owner):
        raise Invalid(
            _("The input has faults."),
            [Detail("owner_id", "out_of_reach", _("You may not give records to this person."))],
        )


def ask(rt: RecordType, change: RecordChange) -> None:
    """Ask the record's own rules and the plugins', and wake those who want to know, once it is written.

    Raises `Invalid`, or `Conflict` where a deletion or a restoration is refused.
    """
    faults = [] if change.kind in (ChangeKind.DELETED,) else list(rt.cls.check(change))
    faults += kernel().plugins.check_record_change(change, current().access.plugins)
    if faults:
        if change.kind in (ChangeKind.DELETED, ChangeKind.RESTORED):
            raise Conflict(faults[0].message, faults, code="refused")
        raise _invalid(faults)
    wake_listeners(rt)


def _warnings(rt: RecordType, change: RecordChange) -> tuple[Detail, ...]:
    return tuple(rt.cls.warn(change))


def _invalid(faults: list[Detail]) -> Refusal:
    return Invalid(_("The input has faults."), faults)


# -- references --------------------------------------------------------------------------------------------------------


def check_references(rt: RecordType, values: Mapping[str, Any]) -> None:
    """Each new reference points to a live record that the writer may see, and locks it against deletion."""
    faults = []
    fields = [*rt.references(), *([OWNER] if rt.owned else [])]
    for item in fields:
        target_id = values.get(item.name)
        if target_id is None or item.target is None:
            continue
        if item.target == ACTOR:
            statement = select(actor_table.c.id).where(
                actor_table.c.tenant_id == current().tenant_id, actor_table.c.id == target_id, actor_table.c.active
            )
        else:
            target = kernel().records[item.target]
            statement = (
                select(target.c.id)
                .where(
                    target.c.tenant_id == current().tenant_id,
                    target.c.id == target_id,
                    target.c.deleted_at.is_(None),
                    reaches(target),
                )
                .with_for_update(read=True)
            )
        if session().execute(statement).first() is None:
            faults.append(Detail(item.name, "not_found", _("Choose an existing record.")))
    if faults:
        raise _invalid(faults)


def _leave_no_live_child(rt: RecordType, ids: list[UUID], going: frozenset[UUID] = frozenset()) -> None:
    """`going` are those that are on their way out already; pointing at oneself or in a circle keeps nobody alive."""
    going |= set(ids)
    for other, item in kernel().records.pointing_at(rt.key):
        live = sa.and_(
            other.c.tenant_id == current().tenant_id, other.c[item.name].in_(ids), other.c.deleted_at.is_(None),
            other.c.id.notin_(going),
        )  # fmt: skip
        if item.on_delete == "restrict":
            count = (
                session()
                .execute(select(func.count()).select_from(select(other.c.id).where(live).limit(101).subquery()))
                .scalar_one()
            )
            if count:
                shown = f"{min(count, 100)}{'+' if count > 100 else ''}"
                raise Conflict(
                    _("%(n)s %(records)s still refer to this record.", n=shown, records=other.plural),
                    [Detail(item.name, "referenced", _("Delete or change them first."), {"record": other.key})],
                    code="referenced",
                )
        elif item.on_delete == "cascade":
            children = list(session().execute(select(other.c.id).where(live).with_for_update()).scalars())
            if children:
                _leave_no_live_child(other, children, going)
                session().execute(
                    sa.update(other.table)
                    .where(other.c.tenant_id == current().tenant_id, other.c.id.in_(children))
                    .values(deleted_at=func.now())
                )


def _restore_children(rt: RecordType, ids: list[UUID], deleted_at: datetime) -> None:
    """What was deleted with these records comes back with them, however deep."""
    for other, item in kernel().records.pointing_at(rt.key):
        if item.on_delete != "cascade":
            continue
        try:
            restored = session().execute(
                sa.update(other.table)
                .where(
                    other.c.tenant_id == current().tenant_id,
                    other.c[item.name].in_(ids),
                    other.c.deleted_at == deleted_at,
                )
                .values(deleted_at=None)
                .returning(other.c.id)
            )
        except IntegrityError as error:
            raise explained(other, error) from error
        if children := list(restored.scalars()):
            _restore_children(other, children, deleted_at)
            _leave_no_dead_parent(other, children)


def _leave_no_dead_parent(rt: RecordType, ids: list[UUID]) -> None:
    """What else these records need must be alive, and stays so until the commit."""
    for item in rt.references():
        target = kernel().records.get(item.target or "")
        if target is None or item.on_delete == "clear":
            continue
        needed = select(rt.c[item.name]).where(rt.c.tenant_id == current().tenant_id, rt.c.id.in_(ids))
        parent = target.table.alias("parent")
        found = session().execute(
            select(parent.c.deleted_at)
            .where(parent.c.tenant_id == current().tenant_id, parent.c.id.in_(needed))
            .with_for_update(read=True)
        )
        if any(found.scalars()):
            raise _invalid([Detail(item.name, "not_found", _("Choose an existing record."))])


# -- parts -------------------------------------------------------------------------------------------------------------


def _split(rt: RecordType, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    own = {name: value for name, value in values.items() if name not in rt.parts}
    return own, {name: values[name] for name in rt.parts if name in values}


def _clean_parts(rt: RecordType, parts: Mapping[str, Any]) -> tuple[dict[str, list[Row]], list[Detail]]:
    cleaned: dict[str, list[Row]] = {}
    faults: list[Detail] = []
    for collection, rows in parts.items():
        if not isinstance(rows, list) or any(not isinstance(row, Mapping) for row in rows):
            faults.append(Detail(collection, "wrong_type", _("Give a list of entries.")))
            continue
        if len(rows) > MOST_PARTS:
            faults.append(Detail(collection, "too_many", _("Give at most %(n)s entries.", n=MOST_PARTS)))
            continue
        cleaned[collection] = []
        for number, row in enumerate(rows):
            prefix = f"{collection}.{number}."
            kept = {name for name, item in rt.parts[collection].fields.items() if not item.writable and not item.parent}
            given = {name: value for name, value in row.items() if name != "id" and name not in kept}
            values, wrong = clean(writable_fields(rt.parts[collection]), given, partial=False, prefix=prefix)
            faults += wrong
            if row.get("id") is not None:
                try:
                    values["id"] = UUID(str(row["id"]))
                except ValueError:
                    faults.append(Detail(prefix + "id", "invalid", _("Choose an existing record.")))
                else:
                    if any(values["id"] == earlier.get("id") for earlier in cleaned[collection]):
                        faults.append(Detail(prefix + "id", "repeated", _("Give it once.")))
            cleaned[collection].append(values)
    return cleaned, faults


def _write_parts(part: RecordType, owner_id: UUID, old: list[Row], new: list[Row]) -> bool:
    """Make the stored entries those of `new`: known ids are changed, others added, missing ones deleted."""
    known = {row["id"]: row for row in old}
    keep_order(part, new, known)
    touched = False
    kept = set()
    for values in new:
        id: Any = values.get("id")
        fields = {name: value for name, value in values.items() if name != "id"}
        if id in known:
            kept.add(id)
            changed = {name: value for name, value in fields.items() if value != known[id].get(name)}
            if changed:
                _update(part, id, _stored(part, changed))
                touched = True
        else:
            _insert(part, {**fields, "id": new_id(), str(part.parent_column): owner_id})
            touched = True
    gone = [id for id in known if id not in kept]
    if gone:
        _leave_no_live_child(part, gone)
        session().execute(
            sa.update(part.table)
            .where(part.c.tenant_id == current().tenant_id, part.c.id.in_(gone))
            .values(deleted_at=func.now())
        )
        touched = True
    return touched


# -- statements --------------------------------------------------------------------------------------------------------


def _insert(rt: RecordType, values: Mapping[str, Any]) -> Row:
    stored = {**_stored(rt, values), "tenant_id": current().tenant_id}
    return _written(rt, sa.insert(rt.table).values(stored).returning(*columns(rt)))


def _update(rt: RecordType, id: UUID, stored: Mapping[str, Any]) -> Row:
    statement = sa.update(rt.table).where(rt.c.tenant_id == current().tenant_id, rt.c.id == id).values(stored)
    return _written(rt, statement.returning(*columns(rt)))


def _written(rt: RecordType, statement: Any) -> Row:
    try:
        return to_row(rt, session().execute(statement).mappings().one())
    except (IntegrityError, DataError) as error:
        raise explained(rt, error) from error


def _stored(rt: RecordType, values: Mapping[str, Any]) -> dict[str, Any]:
    """Field values as column values: money takes two columns."""
    stored: dict[str, Any] = {}
    for name, value in values.items():
        item = rt.fields.get(name)
        if item is not None and item.kind is Kind.MONEY:
            stored[f"{name}_minor"] = value.minor if value else None
            stored[f"{name}_currency"] = value.currency if value else None
        else:
            stored[name] = value
    return stored


def _is_secret(rt: RecordType, name: str) -> bool:
    item = rt.fields.get(name)
    return item is not None and item.secret


def explained(rt: RecordType, error: IntegrityError | DataError) -> Refusal:
    """What the database refused, in words: the constraint's name tells the field."""
    diagnosis = getattr(error.orig, "diag", None)
    constraint = (diagnosis.constraint_name if diagnosis else None) or ""
    state = getattr(error.orig, "sqlstate", "")
    if constraint.endswith("_pkey"):
        return Conflict(_("A record with this id exists already."), code="id_taken")
    for name in rt.fields:
        if constraint == f"{rt.name}_{name}_live_key":
            return Invalid(
                _("The input has faults."),
                [Detail(name, "taken", _("Another record has this value already; choose another or change that one."))],
            )
        if constraint == f"{rt.name}_tenant_id_{name}_fkey":
            return Invalid(_("The input has faults."), [Detail(name, "not_found", _("Choose an existing record."))])
        if constraint == f"{rt.name}_{name}_check":
            return Invalid(_("The input has faults."), [Detail(name, "invalid", _("This value is not allowed."))])
    return Invalid(_("The database refused the values."), [Detail("", state or "refused", constraint)])
