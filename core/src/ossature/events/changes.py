"""The change feed: what happened to records, in the order in which it was committed, missing none.

A cursor is no number: numbers are given out when a row is written, and a transaction that began earlier may commit later.
It holds a snapshot of PostgreSQL, that is which transactions had ended when the reader was told everything. A page is
read within a window: rows whose transaction has ended in the snapshot taken at the window's beginning and had not in
the one at the end of the window before. Within a window rows come by number, which for one record is the order of
commits, since a writer holds the row until it commits. A long transaction holds nobody up: it falls into a later window.

Snapshots and `change.xid` count the transactions of one database cluster:

* A cursor names its cluster, and is refused by another.
* Who restores a dump into another cluster sets the numbers that came along to one that has long ended, before anybody
  writes: `UPDATE ossature.change SET xid = 0`. Otherwise the rows would seem to come from the future.
* Who sets a cluster back to an earlier moment sets its numbers back too. Cursors from beyond that moment are refused
  as long as it has not been reached again; readers should start again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2s
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Row, bindparam, literal, select, text, union_all

from ossature.context import Reach, current
from ossature.db.work import session
from ossature.errors import BadRequest, Detail
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.permissions import HISTORY_VIEW
from ossature.rbac.predicate import demand, reaches, visible_fields
from ossature.records.cursor import Cursor
from ossature.records.fields import Kind
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

NOW = "now"
ACTIONS = {
    "create": "created", "update": "updated", "delete": "deleted", "restore": "restored", "purge": "purged",
}  # fmt: skip

_HERE = text(
    "SELECT CAST(pg_current_snapshot() AS text) AS snapshot, "
    "(SELECT system_identifier FROM pg_control_system()) AS cluster"
)

_ENDED = "pg_visible_in_snapshot(CAST(CAST(xid AS text) AS xid8), CAST(:{} AS pg_snapshot))"
_WINDOW = (
    "SELECT seq, at FROM ossature.change WHERE tenant_id = :tenant AND record = ANY(CAST(:records AS text[])) "  # noqa: S608
    "AND xid < :ceiling AND " + _ENDED.format("until")
)
_SINCE = f" AND xid >= :floor AND NOT {_ENDED.format('since')}"
_PAGE = " AND seq > :last ORDER BY seq LIMIT :most"
_TOLD = """
SELECT page.seq, page.at, c.*, who.id AS actor_id, who.label AS actor_label
FROM page
CROSS JOIN LATERAL (
  SELECT change_set_id, record, record_id, root_id, what, version,
         CASE WHEN what IN ('create', 'update') THEN ARRAY(SELECT jsonb_object_keys(payload)) END AS columns
  FROM ossature.change WHERE tenant_id = :tenant AND seq = page.seq AND at = page.at LIMIT 1
) c
LEFT JOIN LATERAL (
  SELECT a.id, a.label FROM ossature.change_set s
  JOIN ossature.actor a ON a.tenant_id = :tenant AND a.id = s.actor_id
  WHERE s.tenant_id = :tenant AND s.at = page.at AND s.id = c.change_set_id LIMIT 1
) who ON true
ORDER BY page.seq
"""
# The first window walks along the numbers. A later one is found by its transactions and put in order once, when it is
# entered: were it looked for along the numbers, the whole history would be read for the few rows at its end. LIMIT 1 keeps
# the planner from reading all rows to join them to those of a page.
# How many rows a snapshot lets through nobody can guess; without a preference for what is in order already, a planner that
# guesses too few reads the whole history and sorts it.
PLANNED = text("SET LOCAL enable_sort = off")
_FIRST = text(f"WITH page AS ({_WINDOW}{_PAGE}) {_TOLD}")
_ENTERED = text(
    f"WITH fresh AS MATERIALIZED ({_WINDOW}{_SINCE}), page AS (TABLE fresh ORDER BY seq LIMIT :most) {_TOLD}"
)
_CONTINUED = text(f"WITH page AS ({_WINDOW}{_SINCE}{_PAGE}) {_TOLD}")


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a record. `action`: created, updated, deleted (into the bin), restored, purged (gone for good).

    `version` is the record's after it; None where only parts are told of. `changed` names fields and collections of
    parts. `actor` is (id, label), for those who may see who changed what.
    """

    record: str
    id: UUID
    action: str
    version: int | None
    at: datetime
    changed: list[str]
    actor: tuple[UUID, str] | None


@dataclass(frozen=True, slots=True)
class Changes:
    """A page; `next` is the cursor to go on with, now if there is `more`, otherwise whenever one likes."""

    items: list[Change]
    next: str
    more: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions have ended: all below `xmin`, none from `xmax` on, and between all but the running ones."""

    xmin: int
    xmax: int
    running: tuple[int, ...] = ()

    @classmethod
    def parse(cls, written: str) -> Snapshot:
        """From PostgreSQL's spelling, `xmin:xmax:xip,...`."""
        xmin, xmax, running = written.split(":")
        return cls(int(xmin), int(xmax), tuple(int(xid) for xid in running.split(",") if xid))

    def __str__(self) -> str:
        return f"{self.xmin}:{self.xmax}:{','.join(map(str, self.running))}"

    def packed(self) -> list[int]:
        """Short, since it travels in addresses: all but the first number are distances from it."""
        return [self.xmin, *(xid - self.xmin for xid in (self.xmax, *self.running))]

    @classmethod
    def unpacked(cls, numbers: Sequence[int]) -> Snapshot:
        xmin, *rest = numbers
        xmax, *running = (xmin + distance for distance in rest)
        return cls(xmin, xmax, tuple(running))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader is: all that had ended in `since` was told, and of the window up to `until` the rows to `last`.

    Without `since` nothing was told yet; without `until` the next page opens a window.
    """

    since: Snapshot | None = None
    until: Snapshot | None = None
    last: int = 0

    def write(self, of: str) -> str:
        snapshots = [one and one.packed() for one in (self.since, self.until)]
        return Cursor(of, snapshots, str(self.last)).write(kernel().cursor_key)

    @classmethod
    def read(cls, cursor: str, of: str, now: Snapshot) -> Place:
        """Raises `BadRequest` for a cursor that is not ours, not of this feed, or from beyond `now`."""
        try:
            found = Cursor.read(cursor, kernel().cursor_key, of)
        except BadRequest:
            raise _refused() from None
        since, until = (one and Snapshot.unpacked(one) for one in found.value)
        if any(one.xmax > now.xmax for one in (since, until) if one):
            raise _refused()
        return cls(since, until, int(found.id))


def changes(types: Sequence[RecordType], after: str, limit: int) -> Changes:
    """At most `limit` changes of some records after a cursor, from the beginning without one, none after `now`.

    Three statements at most. Raises `Forbidden` for a record that the actor may not see, `BadRequest` for a cursor that
    does not fit.
    """
    for rt in types:
        demand(rt, "view")
    here = session().execute(_HERE).one()
    now = Snapshot.parse(here.snapshot)
    of = _name(types, here.cluster)
    if after == NOW:
        return Changes([], Place(since=now).write(of), more=False)
    place = Place.read(after, of, now) if after else Place()
    until = place.until or now
    rows = _read(types, place, until, limit + 1)
    more = len(rows) > limit
    rows = rows[:limit]
    following = Place(place.since, until, rows[-1].seq) if more else Place(since=until)
    return Changes(_told(_within_reach(rows, types), types), following.write(of), more)


def _name(types: Iterable[RecordType], cluster: int) -> str:
    """What a cursor belongs to; with the reach, since nobody is told later of what a wider one would have shown."""
    context = current()
    reach = sorted((rt.key, str(context.access.reach(rt.permission("view")))) for rt in types)
    parts = ("changes", str(context.tenant_id), cluster, reach)
    return blake2s(repr(parts).encode(), digest_size=12).hexdigest()


def _refused() -> BadRequest:
    return BadRequest(
        _("The cursor does not belong to these changes; start again without it."),
        [Detail("after", "invalid", _("Give meta.next of the page before, with the same records."))],
        code="bad_cursor",
    )


def _read(types: Iterable[RecordType], place: Place, until: Snapshot, most: int) -> Sequence[Row[Any]]:
    values: dict[str, Any] = {
        "tenant": current().tenant_id,
        "records": [one.key for rt in types for one in (rt, *rt.parts.values())],
        "until": str(until),
        "ceiling": until.xmax,
        "last": place.last,
        "most": most,
    }
    session().execute(PLANNED)
    if place.since is None:
        return session().execute(_FIRST, values).all()
    values |= {"since": str(place.since), "floor": place.since.xmin}
    return session().execute(_CONTINUED if place.last else _ENTERED, values).all()


def _within_reach(rows: Sequence[Row[Any]], types: Iterable[RecordType]) -> Sequence[Row[Any]]:
    """The rows whose record, as it is now, the actor may see; what is gone for good only those see who see all."""
    access = current().access
    partly = {
        one.key: rt
        for rt in types
        if rt.owned and access.reach(rt.permission("view")) is not Reach.ALL
        for one in (rt, *rt.parts.values())
    }
    wanted: dict[str, set[UUID]] = {}
    for row in rows:
        if row.record in partly:
            wanted.setdefault(partly[row.record].key, set()).add(row.root_id)
    if not wanted:
        return rows
    seen = {id for (id,) in session().execute(union_all(*(_seen(partly[key], ids) for key, ids in wanted.items())))}
    return [row for row in rows if row.record not in partly or row.root_id in seen]


def _seen(rt: RecordType, ids: Iterable[UUID]) -> sa.Select[Any]:
    among = bindparam(None, sorted(ids), type_=sa.ARRAY(sa.Uuid), unique=True)
    return select(rt.c.id).where(rt.c.tenant_id == literal(current().tenant_id), rt.c.id == sa.any_(among), reaches(rt))


def _told(rows: Sequence[Row[Any]], types: Iterable[RecordType]) -> list[Change]:
    """Changes as readers know them: those of parts are told with their record's of the same change set, or as one."""
    roots = {rt.key: rt for rt in types}
    parts = {part.key: (rt, name, part) for rt in types for name, part in rt.parts.items()}
    names = {key: _names(rt) for key, rt in [*roots.items(), *((key, part) for key, (_r, _n, part) in parts.items())]}
    whose = current().access.allows(HISTORY_VIEW)

    def change(row: Row[Any], record: str, action: str, version: int | None) -> Change:
        actor = (row.actor_id, row.actor_label) if whose and row.actor_id else None
        return Change(record, row.root_id, action, version, row.at, [], actor)

    items: dict[int, Change] = {}
    latest: dict[tuple[UUID, UUID], Change] = {}
    for row in rows:
        if row.record in roots:
            item = change(row, row.record, ACTIONS[row.what], row.version)
            item.changed.extend(_named(names[row.record], row.columns))
            items[row.seq] = latest[row.change_set_id, row.root_id] = item
    for row in rows:
        if row.record in parts:
            rt, collection, part = parts[row.record]
            item = latest.get((row.change_set_id, row.root_id)) or change(row, rt.key, "updated", None)
            if (row.change_set_id, row.root_id) not in latest:
                items[row.seq] = latest[row.change_set_id, row.root_id] = item
            visible = row.what != "update" or _named(names[part.key], row.columns)
            if visible and item.action in ("created", "updated") and collection not in item.changed:
                item.changed.append(collection)
    return [items[seq] for seq in sorted(items)]


def _names(rt: RecordType) -> Mapping[str, str]:
    """Column -> the field that the actor may see in it, in the order of the declaration."""
    fields = visible_fields(rt).values()
    found = {column: item.name for item in fields if not item.parent and item.kind is not Kind.SECRET
             for column in item.columns}  # fmt: skip
    return {**found, **({"owner_id": "owner_id"} if rt.owned else {})}


def _named(names: Mapping[str, str], columns: Iterable[str] | None) -> list[str]:
    changed = set(columns or ())
    return list(dict.fromkeys(name for column, name in names.items() if column in changed))
