"""Who did what in the whole organisation, the newest first, as far as the reader may see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select, tuple_

from ossature.context import Reach, current
from ossature.db.kernel import change, change_set
from ossature.db.work import session
from ossature.errors import Forbidden
from ossature.history.change_sets import HEADS, ChangeSet, Undoing, may_see_history, record_type_of, undoings
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.permissions import API_KEYS_MANAGE, HISTORY_VIEW, MEMBERS_MANAGE, ROLES_MANAGE, SETTINGS_MANAGE
from ossature.records.cursor import Cursor
from ossature.records.query import Label, labels
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

COUNTED = 200
"""Of each change set so many changes are counted; more are said to be more."""
NAMED = 3
_LOOKED_AT = 4
"""So many times the rows of a page are looked at before it is given, however little of them is for the reader."""

KERNEL = {
    "ossature.member": (_l("Members"), MEMBERS_MANAGE), "ossature.member_role": (_l("Members"), MEMBERS_MANAGE),
    "ossature.actor": (_l("Members"), MEMBERS_MANAGE), "ossature.role": (_l("Roles"), ROLES_MANAGE),
    "ossature.role_grant": (_l("Roles"), ROLES_MANAGE), "ossature.team_member": (_l("Teams"), MEMBERS_MANAGE),
    "ossature.api_key": (_l("API keys"), API_KEYS_MANAGE), "ossature.tenant_plugin": (_l("Plugins"), SETTINGS_MANAGE),
    "ossature.schedule": (_l("Schedules"), SETTINGS_MANAGE), "ossature.public_link": (_l("Public links"), MEMBERS_MANAGE),
}  # fmt: skip
"""The kernel's own tables that are no records: what a change of them is called, and who is told that there was one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which change sets are asked for: of one actor, of one record, by one means, in a time."""

    actor_id: UUID | None = None
    record: str = ""
    means: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """One change set: how many records of each kind were dealt with how (at least), the first of them by name, and what
    of the kernel's own was touched."""

    head: ChangeSet
    undoing: Undoing
    counts: tuple[tuple[RecordType, str, int], ...]
    named: tuple[tuple[RecordType, Label], ...]
    own: tuple[str, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Activity:
    deeds: tuple[Deed, ...]
    next: str | None = None


def activity(asked: Asked, cursor: str = "", limit: int = 25) -> Activity:
    """A page of what was done. Raises `Forbidden` for those who may not see the history, `BadRequest` for a cursor."""
    if not may_see_history():
        raise Forbidden(_("You may not see who changed what."), permission=HISTORY_VIEW)
    of, key = repr(asked), kernel().cursor_key
    place: tuple[datetime, UUID] | None = None
    if cursor:
        read = Cursor.read(cursor, key, of)
        place = (datetime.fromisoformat(read.value), UUID(read.id))
    found: list[Deed] = []
    for _round in range(_LOOKED_AT):
        seen, heads = _heads(asked, place, limit)
        deeds = {deed.head.id: deed for deed in _deeds(heads)}
        for at, id in seen:
            place = (at, id)
            if id in deeds:
                found.append(deeds[id])
                if len(found) == limit:
                    break
        if len(found) == limit or len(seen) < limit:
            break
    ended = len(seen) < limit and (not seen or place == seen[-1])
    more = None if place is None or ended else Cursor(of, place[0].isoformat(), str(place[1])).write(key)
    return Activity(tuple(found), more)


def _heads(
    asked: Asked, place: tuple[datetime, UUID] | None, limit: int
) -> tuple[list[tuple[datetime, UUID]], list[ChangeSet]]:
    """The next places in the history, and those change sets there that are asked for."""
    s = change_set.c
    tenant_id = current().tenant_id
    where = [s.tenant_id == tenant_id]
    if asked.actor_id is not None:
        where.append(s.actor_id == asked.actor_id)
    if asked.means:
        where.append(s.means == asked.means)
    if asked.record:
        seen = [(row.at, row.change_set_id) for row in session().execute(_WALK, _walk_from(asked, place, limit))]
        if not seen:
            return [], []
        rows = session().execute(HEADS.where(*where, tuple_(s.at, s.id).in_(seen)))
        return seen, [ChangeSet(*row) for row in rows]
    if asked.since is not None:
        where.append(s.at >= asked.since)
    if asked.until is not None:
        where.append(s.at < asked.until)
    if place is not None:
        where.append(tuple_(s.at, s.id) < tuple_(*(sa.literal(value) for value in place)))
    rows = session().execute(HEADS.where(*where).order_by(s.at.desc(), s.id.desc()).limit(limit))
    heads = [ChangeSet(*row) for row in rows]
    return [(head.at, head.id) for head in heads], heads


# Change sets of one record, each found by one step down the index, however many rows each has.
_STEP = (
    "SELECT at, change_set_id FROM ossature.change WHERE tenant_id = :tenant AND record = :record AND at >= :since"
    " AND (at, change_set_id) < ({at}, {id}) ORDER BY at DESC, change_set_id DESC LIMIT 1"
)
_WALK = sa.text(
    f"WITH RECURSIVE walk AS (({_STEP.format(at='CAST(:at AS timestamptz)', id='CAST(:id AS uuid)')})"  # noqa: S608
    f" UNION ALL SELECT n.at, n.change_set_id FROM walk w CROSS JOIN LATERAL"
    f" ({_STEP.format(at='w.at', id='w.change_set_id')}) n) SELECT at, change_set_id FROM walk LIMIT :limit"
)


def _walk_from(asked: Asked, place: tuple[datetime, UUID] | None, limit: int) -> dict[str, Any]:
    at, id = place or (asked.until or "infinity", UUID(int=0))
    return {
        "tenant": current().tenant_id, "record": asked.record, "since": asked.since or "-infinity", "at": at, "id": id,
        "limit": limit,
    }  # fmt: skip


def _deeds(heads: Sequence[ChangeSet]) -> list[Deed]:
    """What the change sets did; those of which the reader may see nothing are left out."""
    if not heads:
        return []
    touched = _touched(heads)
    seen = _seen({(key, id) for rows in touched.values() for key, id, _what in rows})
    became = undoings(head.id for head in heads)
    found = []
    for head in heads:
        rows = touched.get(head.id, [])
        counts: dict[tuple[str, str], int] = {}
        named: dict[UUID, tuple[RecordType, Label]] = {}
        for key, id, what in rows:
            rt = record_type_of(key)
            label = seen.get((key, id))
            if rt is None or label is None:
                continue
            counts[key, what] = counts.get((key, what), 0) + 1
            if len(named) < NAMED:
                named[id] = (rt, label)
        own = {str(KERNEL[key][0]) for key, _id, _what in rows if key in KERNEL and current().access.allows(KERNEL[key][1])}  # fmt: skip
        if counts or own:
            kinds = tuple((kernel().records[key], what, number) for (key, what), number in counts.items())
            found.append(
                Deed(head, became[head.id], kinds, tuple(named.values()), tuple(sorted(own)), len(rows) >= COUNTED)
            )
    return found


def _touched(heads: Sequence[ChangeSet]) -> Mapping[UUID, list[tuple[str, UUID, str]]]:
    """The first records of each change set, or rows of the kernel's own: key, id, what."""
    c = change.c
    those = sa.values(sa.column("at", sa.DateTime(timezone=True)), sa.column("id", sa.Uuid), name="those").data(
        [(head.at, head.id) for head in heads]
    )
    first = (
        select(c.change_set_id, c.record, c.record_id, c.root_id, c.what, c.seq)
        .where(c.tenant_id == current().tenant_id, c.change_set_id == those.c.id, c.at == those.c.at)
        .order_by(c.seq)
        .limit(COUNTED)
        .lateral("first")
    )
    rows = session().execute(select(first).select_from(those).join(first, sa.true()).order_by(first.c.seq))
    found: dict[UUID, dict[tuple[str, UUID], str]] = {}
    for set_id, key, record_id, root_id, what, _seq in rows:
        mine = found.setdefault(set_id, {})
        if key in KERNEL or record_id == root_id:
            mine.setdefault((key, record_id), what)
    return {id: [(key, record, what) for (key, record), what in rows.items()] for id, rows in found.items()}


def _seen(wanted: set[tuple[str, UUID]]) -> dict[tuple[str, UUID], Label]:
    """The records that the reader may see, with their titles; a statement a kind."""
    by_key: dict[str, list[UUID]] = {}
    for key, id in wanted:
        by_key.setdefault(key, []).append(id)
    found: dict[tuple[str, UUID], Label] = {}
    for key, ids in by_key.items():
        rt = record_type_of(key)
        if rt is None or rt.parent or not current().access.allows(rt.permission("view")):
            continue
        everything = current().access.reach(rt.permission("view")) is Reach.ALL
        for id, label in labels(key, ids).items():
            if not label.hidden:
                found[key, id] = label
            elif everything:  # deleted for good since
                found[key, id] = Label(id, "", deleted=True)
    return found
