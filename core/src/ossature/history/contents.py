"""What a change set holds, as far as the reader may see it: how many of each, and its records one page after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, select

from ossature.context import Reach, current
from ossature.db.kernel import change
from ossature.db.work import session
from ossature.history.amounts import with_whole_amounts
from ossature.history.change_sets import ChangeSet, of_change_set, record_type_of, root_keys
from ossature.history.timeline import Entry, entry_of, labels_in
from ossature.rbac.predicate import reaches
from ossature.records.query import Label, labels
from ossature.records.types import RecordType

PAGE = 100


@dataclass(frozen=True, slots=True)
class Count:
    """`number` records of a kind that were dealt with alike: create, update, delete, restore, purge."""

    record: RecordType
    what: str
    number: int


@dataclass(frozen=True, slots=True)
class Item:
    """One record of a change set and what was done to it."""

    record: RecordType
    id: UUID
    label: Label
    entry: Entry


@dataclass(frozen=True, slots=True)
class Contents:
    """A page of a change set; `more` is the mark to go on from. `labels` are those of references in the entries."""

    items: tuple[Item, ...]
    labels: Mapping[UUID, Label]
    more: int | None = None


def counts_of(head: ChangeSet) -> list[Count]:
    """How many records of each kind were created, changed, deleted; none that the reader may not see."""
    c = change.c
    here = and_(c.tenant_id == current().tenant_id, of_change_set(head), c.record_id == c.root_id)
    found: list[Count] = []
    keys = session().execute(select(c.record).where(here).distinct()).scalars()
    for key in sorted(keys):
        rt = record_type_of(key)
        if rt is None or not current().access.allows(rt.permission("view")):
            continue
        where = [here, c.record == key]
        if rt.owned and current().access.reach(rt.permission("view")) is not Reach.ALL:
            where.append(exists().where(rt.c.tenant_id == c.tenant_id, rt.c.id == c.root_id, reaches(rt)))
        rows = session().execute(
            select(c.what, func.count(c.record_id.distinct())).where(*where).group_by(c.what).order_by(c.what)
        )
        found += [Count(rt, what, number) for what, number in rows]
    return found


def contents(head: ChangeSet, after: int = 0, limit: int = PAGE) -> Contents:
    """The records of a change set in the order in which they were written."""
    c = change.c
    rows = (
        session()
        .execute(
            select(c.seq, c.record, c.record_id, c.root_id, c.what, c.payload)
            .where(c.tenant_id == current().tenant_id, of_change_set(head), c.seq > after)
            .order_by(c.seq)
            .limit(limit * 4)
        )
        .mappings()
        .all()
    )
    found = [dict(row) for row in rows]
    with_whole_amounts(found)
    groups: dict[UUID, list[dict[str, Any]]] = {}
    last = None
    for row in found:
        if row["root_id"] not in groups and len(groups) == limit:
            break
        groups.setdefault(row["root_id"], []).append(row)
        last = row
    cut = last is not None and (last is not found[-1] or len(rows) == limit * 4)
    items = _items(head, groups)
    return Contents(items, labels_in(item.entry for item in items), last["seq"] if last is not None and cut else None)


def _items(head: ChangeSet, groups: Mapping[UUID, Sequence[Mapping[str, Any]]]) -> tuple[Item, ...]:
    said = {
        "change_set_id": head.id, "at": head.at, "label": head.actor, "kind": head.actor_kind, "means": head.means,
        "reason": head.reason, "actor_id": head.actor_id,
    }  # fmt: skip
    keys = root_keys({id: {row["record"] for row in group} for id, group in groups.items()})
    types = {id: _root_type(key) for id, key in keys.items()}
    titles: dict[UUID, Label] = {}
    for rt in {rt.key: rt for rt in types.values() if rt is not None}.values():
        titles.update(labels(rt.key, [id for id, of in types.items() if of is not None and of.key == rt.key]))
    found = []
    for id, group in groups.items():
        root = types[id]
        if root is None or titles[id].hidden:
            continue
        entry = entry_of([{**row, **said} for row in reversed(group)], root)
        if entry is not None:
            found.append(Item(root, id, titles[id], entry))
    return tuple(found)


def _root_type(key: str) -> RecordType | None:
    root = record_type_of(key)
    return root if root is not None and current().access.allows(root.permission("view")) else None
