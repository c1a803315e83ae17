"""The timeline of a record: its change sets, newest first, under the same field rights as the record itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import and_, select

from ossature.context import current
from ossature.db.kernel import actor, change, change_set
from ossature.db.work import session
from ossature.duplicates.redirects import became_part_of
from ossature.errors import Forbidden
from ossature.files.queries import names_of
from ossature.files.table import FILE
from ossature.files.telling import file_change
from ossature.history.amounts import with_whole_amounts
from ossature.history.change_sets import Undoing, may_see_history, undoings
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.permissions import HISTORY_VIEW
from ossature.rbac.predicate import visible_fields
from ossature.records.external_ids import EXTERNAL_ID
from ossature.records.external_telling import external_change, external_labels
from ossature.records.fields import Field, Kind
from ossature.records.notes import NOTE
from ossature.records.owning import OWNER
from ossature.records.query import ACTOR, Label, labels
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field: `before` and `after` as the history holds them (JSON), with the labels of references resolved.

    `record` is the record type that the field belongs to: the record's own or one of its parts'.
    """

    record: RecordType
    field: Field
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One change set as far as it touched the record. `what`: create, update, delete, restore.

    `parts` counts entries of parts that came, went or changed: (collection, what). `of_id` is the record that it touched
    where that became part of this one later on; `merged` are those that became part of it by this change set.
    """

    id: UUID
    seq: int
    at: datetime
    actor: str
    actor_kind: str
    means: str
    reason: str | None
    what: str
    changes: tuple[FieldChange, ...]
    parts: tuple[tuple[str, str], ...] = ()
    actor_id: UUID | None = None
    of_id: UUID | None = None
    merged: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Entries, the labels of references in them, what became of each change set; `more` is the mark to go on from, None
    at the end."""

    entries: tuple[Entry, ...]
    labels: Mapping[UUID, Label]
    more: int | None = None
    undoings: Mapping[UUID, Undoing] = field(default_factory=dict)


def timeline(rt: RecordType, id: UUID, *, before: int | None = None, limit: int = 20) -> TimelinePage:
    """The newest change sets of a record and its parts, and of the records that were merged into it; as many statements,
    whatever their number.

    Raises `Forbidden` for those who may not see the history.
    """
    if not may_see_history():
        raise Forbidden(_("You may not see who changed what."), permission=HISTORY_VIEW)
    return _read(rt, id, before, limit)


def last_change(rt: RecordType, id: UUID) -> Entry | None:
    """The newest change set of a record, to tell somebody whose write comes too late what it met."""
    return next(iter(_read(rt, id, None, 1).entries), None)


def _read(rt: RecordType, id: UUID, before: int | None, limit: int) -> TimelinePage:
    tenant_id = current().tenant_id
    # As one value that is found before: PostgreSQL 15 looks into no index for what a function makes within a comparison.
    roots = select(sa.func.array_append(became_part_of(rt, id), sa.literal(id))).scalar_subquery()
    where = [change.c.tenant_id == tenant_id, change.c.root_id == sa.any_(sa.cast(roots, sa.ARRAY(sa.Uuid)))]
    if before is not None:
        where.append(change.c.seq < before)
    newest = select(change).where(*where).order_by(change.c.seq.desc()).limit(limit * 8).cte("newest")
    rows = (
        session()
        .execute(
            select(newest, change_set.c.means, change_set.c.reason, change_set.c.actor_id, actor.c.label, actor.c.kind)
            .join(
                change_set,
                and_(
                    change_set.c.tenant_id == newest.c.tenant_id,
                    change_set.c.at == newest.c.at,
                    change_set.c.id == newest.c.change_set_id,
                ),
            )
            .outerjoin(actor, and_(actor.c.tenant_id == newest.c.tenant_id, actor.c.id == change_set.c.actor_id))
            .order_by(newest.c.seq.desc())
        )
        .mappings()
        .all()
    )

    found = [dict(row) for row in rows]
    with_whole_amounts(found)
    grouped: dict[tuple[UUID, UUID], list[dict[str, Any]]] = {}
    for row in found:
        grouped.setdefault((row["change_set_id"], row["root_id"]), []).append(row)
    groups = list(grouped.values())
    cut = len(rows) == limit * 8
    shown = groups[: min(limit, len(groups) - 1 if cut and len(groups) > 1 else limit)]
    entries = _with_merged(id, [(group[0]["root_id"], entry) for group in shown if (entry := entry_of(group, rt))])
    more = shown[-1][-1]["seq"] if shown and (len(shown) < len(groups) or cut) else None
    names = {one for entry in entries for one in (entry.of_id, *entry.merged) if one is not None}
    told = {**labels_in(entries), **(labels(rt.key, names) if names else {})}
    return TimelinePage(entries, told, more, undoings(entry.id for entry in entries))


def _with_merged(id: UUID, found: Sequence[tuple[UUID, Entry]]) -> tuple[Entry, ...]:
    """The entries of a record and of those that became part of it; that they went tells the merge itself."""
    went: dict[UUID, list[UUID]] = {}
    for root, entry in found:
        if root != id and entry.means == "merge" and entry.what == "delete":
            went.setdefault(entry.id, []).append(root)
    return tuple(
        replace(entry, of_id=root if root != id else None, merged=tuple(went.get(entry.id, ())))
        for root, entry in found
        if root not in went.get(entry.id, ())
    )


def entry_of(group: Sequence[Mapping[str, Any]], root: RecordType) -> Entry | None:
    """What one change set did to one record, of its changes and those of its parts, newest first; None where nothing
    of it is for the reader."""
    types = {root.key: (root, ""), **{part.key: (part, name) for name, part in root.parts.items()}}
    first = group[-1]
    what = next((row["what"] for row in group if row["record"] == root.key and row["what"] != "update"), "update")
    changes: list[FieldChange] = []
    parts: list[tuple[str, str]] = []
    for row in reversed(group):
        if row["record"] == NOTE:
            parts.append((NOTE, row["what"]))
        if row["record"] == FILE and (told := file_change(dict(row))) is not None:
            changes.append(FieldChange(root, *told))
        if row["record"] == EXTERNAL_ID and (said := external_change(row)) is not None:
            changes.append(FieldChange(root, *said))
        found = types.get(row["record"])
        if found is None:
            continue
        rt, collection = found
        if collection:
            parts.append((collection, row["what"]))
        if row["what"] == "purge" or (not collection and row["what"] != "update"):
            continue
        changes.extend(_field_changes(rt, row["payload"], created=row["what"] == "create"))
    if what == "update" and not changes and not parts and first["means"] != "merge":
        return None
    return Entry(
        id=first["change_set_id"], seq=group[-1]["seq"], at=first["at"], actor=first["label"] or "",
        actor_kind=first["kind"] or "sql", means=first["means"], reason=first["reason"], what=what,
        changes=tuple(changes), parts=tuple(parts),
        actor_id=first["actor_id"],
    )  # fmt: skip


def _field_changes(rt: RecordType, payload: Mapping[str, Any], *, created: bool) -> list[FieldChange]:
    found = []
    fields = {**visible_fields(rt), **({"owner_id": OWNER} if rt.owned else {})}
    for name, item in fields.items():
        if item.parent or (created and item.orders) or not any(column in payload for column in item.columns):
            continue
        pairs = [
            (None, payload.get(column)) if created else tuple(payload.get(column, (None, None)))
            for column in item.columns
        ]
        if item.kind is Kind.MONEY:
            (minor_before, minor_after), (currency_before, currency_after) = pairs
            before = (minor_before, currency_before or currency_after)
            found.append(FieldChange(rt, item, before, (minor_after, currency_after or currency_before)))
        else:
            found.append(FieldChange(rt, rt.fields.get(name, item), *pairs[0]))
    return found


def labels_in(entries: Iterable[Entry]) -> dict[UUID, Label]:
    """The labels of the records that these changes name."""
    wanted: dict[str, set[UUID]] = {}
    for entry in entries:
        for item in entry.changes:
            if item.field.kind is Kind.REFERENCE and item.field.target:
                ids = {UUID(value) for value in (item.before, item.after) if value}
                wanted.setdefault(item.field.target, set()).update(ids)
    found: dict[UUID, Label] = {}
    for target, ids in wanted.items():
        if target == FILE:
            found.update({id: Label(id, name) for id, name in names_of(ids).items()})
        elif target == EXTERNAL_ID:
            found.update(external_labels(ids))
        elif target == ACTOR or kernel().records.get(target):
            found.update(labels(target, ids))
    return found
