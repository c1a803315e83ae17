"""The recycle bin: deleted records of every kind, who deleted them and when; and deleting for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import and_, func, select, tuple_, union_all
from sqlalchemy.exc import IntegrityError

from ossature.context import current
from ossature.db.kernel import actor as actor_table
from ossature.db.kernel import change, change_set
from ossature.db.work import change_set_id, session
from ossature.duplicates.redirects import is_part_of_another
from ossature.errors import Conflict, Detail, Forbidden
from ossature.events.wake import wake_listeners
from ossature.files.service import forget_files
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.plugins.manifest import is_on
from ossature.rbac.permissions import BIN_PURGE
from ossature.rbac.predicate import reaches, reaches_owner
from ossature.records.cursor import Cursor
from ossature.records.external_ids import forget_external
from ossature.records.incoming import Incoming, incoming
from ossature.records.notes import forget_notes
from ossature.records.query import ListQuery, list_rows
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

PAGE = 50
_DEEPEST, _COUNTED, _FOLLOWED = 6, 1000, 20_000


@dataclass(frozen=True, slots=True)
class Binned:
    """A deleted record; `by` is who deleted it, empty where nobody in particular did, with the change set that did."""

    record: RecordType
    id: UUID
    title: str
    deleted_at: datetime
    by: str = ""
    change_set_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class BinPage:
    rows: tuple[Binned, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Following:
    """Rows that point to what is deleted for good: deleted along (`goes`), left without the link, or in the way.

    `name` is the records' plural, or the table where what declared it is no longer there. `number` stops at 1,000.
    """

    name: str
    number: int
    what: str
    known: bool = True


def binnable() -> list[RecordType]:
    """The records that the bound actor may restore, and therefore sees in the bin."""
    access = current().access
    return [
        rt
        for rt in kernel().records
        if is_on(rt.plugin, access.plugins) and access.allows(rt.permission("view")) and access.allows(rt.permission("delete"))
    ]  # fmt: skip


def in_the_bin(key: str = "", search: str = "", cursor: str = "", limit: int = PAGE) -> BinPage:
    """A page of the bin, what was deleted last first. Searched, it is the first of each kind that can be searched."""
    types = [rt for rt in binnable() if key in ("", rt.key)]
    if search.strip():
        return BinPage(_with_who(_found(types, search, limit)))
    of, place = repr(("bin", key)), None
    if cursor:
        read = Cursor.read(cursor, kernel().cursor_key, of)
        place = (datetime.fromisoformat(read.value), UUID(read.id))
    if not types:
        return BinPage(())
    parts = [_first_of(rt, place, limit + 1) for rt in types]
    every = union_all(*parts).subquery()
    rows = session().execute(
        select(every).order_by(every.c.deleted_at.desc(), every.c.id.desc()).limit(limit + 1)
    ).all()  # fmt: skip
    found = [Binned(kernel().records[row.key], row.id, row.title or _("Unnamed"), row.deleted_at) for row in rows[:limit]]  # fmt: skip
    last = found[-1] if len(rows) > limit else None
    more = Cursor(of, last.deleted_at.isoformat(), str(last.id)).write(kernel().cursor_key) if last else None
    return BinPage(_with_who(found), more)


def in_bin(rt: RecordType, ids: Sequence[UUID]) -> set[UUID]:
    """Those of some records that are in the bin and that the bound actor may restore; not what has become part of another
    record, which is no more to be had by itself."""
    if rt not in binnable():
        return set()
    there = select(rt.c.id).where(rt.c.id.in_(ids), *_binned(rt), ~is_part_of_another(rt))
    return set(session().execute(there).scalars())


def _binned(rt: RecordType) -> tuple[sa.ColumnElement[bool], ...]:
    return rt.c.tenant_id == current().tenant_id, rt.c.deleted_at.is_not(None), reaches(rt), reaches(rt, "delete")


def _first_of(rt: RecordType, place: tuple[datetime, UUID] | None, most: int) -> sa.Select[tuple[object, ...]]:
    statement = select(
        sa.literal(rt.key).label("key"), rt.c.id, sa.cast(rt.c[rt.title_field], sa.Text).label("title"), rt.c.deleted_at
    ).where(*_binned(rt))
    if place is not None:
        at, id = place
        statement = statement.where(
            rt.c.deleted_at <= at, tuple_(rt.c.deleted_at, rt.c.id) < tuple_(sa.literal(at), sa.literal(id))
        )
    first = statement.order_by(rt.c.deleted_at.desc(), rt.c.id.desc()).limit(most).subquery()
    return select(first)


def _found(types: Sequence[RecordType], search: str, limit: int) -> list[Binned]:
    found = []
    for rt in types:
        if not rt.searchable:
            continue
        fields = (rt.title_field, "deleted_at", "owner_id", "id")
        for row in list_rows(rt, ListQuery(search=search, deleted=True, limit=limit, fields=fields)).rows:
            if reaches_owner(rt, "delete", row.get("owner_id")):
                found.append(Binned(rt, row["id"], row[rt.title_field] or _("Unnamed"), row["deleted_at"]))
    return sorted(found, key=lambda one: one.deleted_at, reverse=True)


def _with_who(rows: Sequence[Binned]) -> tuple[Binned, ...]:
    """The same with who deleted each: a step down the history of each record, in one statement."""
    if not rows:
        return ()
    c, tenant_id = change.c, current().tenant_id
    those = sa.values(sa.column("id", sa.Uuid), sa.column("key", sa.Text), name="those").data(
        [(one.id, one.record.key) for one in rows]
    )
    last = (
        select(c.at, c.change_set_id)
        .where(c.tenant_id == tenant_id, c.root_id == those.c.id, c.record == those.c.key, c.what == "delete")
        .order_by(c.seq.desc())
        .limit(1)
        .lateral("last")
    )
    who = session().execute(
        select(those.c.id, last.c.change_set_id, actor_table.c.label)
        .select_from(those)
        .join(last, sa.true())
        .join(
            change_set,
            and_(change_set.c.tenant_id == tenant_id, change_set.c.at == last.c.at, change_set.c.id == last.c.change_set_id),
        )
        .outerjoin(
            actor_table, and_(actor_table.c.tenant_id == tenant_id, actor_table.c.id == change_set.c.actor_id)
        )
    )  # fmt: skip
    by = {id: (set_id, label or "") for id, set_id, label in who}
    return tuple(
        Binned(one.record, one.id, one.title, one.deleted_at, by.get(one.id, (None, ""))[1], by.get(one.id, (None, ""))[0])
        for one in rows
    )  # fmt: skip


# -- for good ----------------------------------------------------------------------------------------------------------


def demand_purge(rt: RecordType) -> None:
    """Raises `Forbidden` for those who may not delete such records for good, `Conflict` where nobody may."""
    for permission in (BIN_PURGE, rt.permission("delete")):
        if not current().access.allows(permission):
            raise Forbidden(
                _("You do not have the permission %(permission)s.", permission=permission), permission=permission
            )
    if rt.ledger:
        raise Conflict(_("What is written in %(records)s stays; correct it by a new entry.", records=rt.plural))


def following(rt: RecordType, ids: Sequence[UUID]) -> list[Following]:
    """What hangs on some records, by the database's catalogue: of every table, whether its plugin is here or not."""
    found: list[Following] = []
    frontier, seen = [(rt.table.fullname, list(ids))], set()
    for _depth in range(_DEEPEST):
        deeper: list[tuple[str, list[UUID]]] = []
        for table, those in frontier:
            for key in incoming(table):
                if (key.table, key.column, table) in seen:
                    continue
                seen.add((key.table, key.column, table))
                rows = _pointing(key, those, list(ids))
                if not rows:
                    continue
                record = kernel().records.get(key.table)
                name = str(record.plural) if record else key.table
                found.append(Following(name, min(len(rows), _COUNTED), key.what, record is not None))
                if key.what == "goes" and key.has_id:
                    deeper.append((key.table, rows))
        frontier = deeper
    return found


def _pointing(key: Incoming, ids: Sequence[UUID], going: Sequence[UUID]) -> list[UUID]:
    """The rows that point to some others; those that go themselves are not told of."""
    schema, name = key.table.split(".")
    own = sa.column("id", sa.Uuid) if key.has_id else sa.column(key.column, sa.Uuid)
    statement = (
        select(own)
        .select_from(sa.table(name, schema=schema))
        .where(
            sa.column("tenant_id", sa.Uuid) == current().tenant_id,
            sa.column(key.column, sa.Uuid) == sa.any_(sa.literal(list(ids), sa.ARRAY(sa.Uuid))),
        )
        .limit(_FOLLOWED if key.what == "goes" else _COUNTED)
    )
    if key.has_id:
        statement = statement.where(own != sa.all_(sa.literal(list(going), sa.ARRAY(sa.Uuid))))
    return list(session().execute(statement).scalars())


def purge(rt: RecordType, ids: Sequence[UUID]) -> int:
    """Delete records of the bin for good, with their parts and what hangs on them; returns how many.

    What refers to them loses the link. Raises `Conflict` naming what is in the way, `Forbidden`.
    """
    demand_purge(rt)
    doomed = list(
        session().execute(
            select(rt.c.id)
            .where(
                rt.c.tenant_id == current().tenant_id, rt.c.id.in_(ids), rt.c.deleted_at.is_not(None),
                reaches(rt), reaches(rt, "delete"),
            )
            .order_by(rt.c.id)
            .with_for_update(of=rt.table)
        ).scalars()
    )  # fmt: skip
    if not doomed:
        return 0
    before = _last_change()
    try:
        with session().begin_nested():
            session().execute(
                sa.delete(rt.table).where(rt.c.tenant_id == current().tenant_id, rt.c.id.in_(doomed))
            )  # fmt: skip
    except IntegrityError:
        blocking = [one for one in following(rt, doomed) if one.what == "blocks"]
        said = ", ".join(f"{one.number} {one.name}" for one in blocking) or str(rt.plural)
        message = _("%(what)s still refer to it, also in the recycle bin; delete those for good first.", what=said)
        raise Conflict(message, [Detail("", "referenced", message)], code="referenced") from None
    _forget_what_hung(before)
    wake_listeners(rt)
    return len(doomed)


def _of_this_change_set() -> sa.ColumnElement[bool]:
    c = change.c
    return and_(c.tenant_id == current().tenant_id, c.at == func.now(), c.change_set_id == change_set_id())


def _last_change() -> int:
    """The number of the last change of this change set so far."""
    found: int = session().execute(
        select(func.coalesce(func.max(change.c.seq), 0)).where(_of_this_change_set())
    ).scalar_one()  # fmt: skip
    return found


def _forget_what_hung(after: int) -> None:
    """Delete what hung on all records that went after a change: also of those that the database took along."""
    c, gone = change.c, dict[str, list[UUID]]()
    rows = session().execute(
        select(c.record, c.record_id).where(
            _of_this_change_set(), c.seq > after, c.what == "purge", c.record_id == c.root_id
        )
    )
    for row in rows:
        gone.setdefault(row.record, []).append(row.record_id)
    for key, ids in gone.items():
        forget_notes(key, ids)
        forget_files(key, ids)
        forget_external(key, ids)


def purge_older(rt: RecordType, days: int, after: tuple[datetime, UUID] | None, most: int) -> tuple[int, tuple[datetime, UUID] | None]:  # fmt: skip
    """Delete for good what has been in the bin for so many days, the oldest first: how many, and where to go on.

    What something else still needs stays, and is tried again another day.
    """
    where = [rt.c.tenant_id == current().tenant_id, rt.c.deleted_at < func.now() - sa.cast(f"{days} days", sa.Interval)]
    if after is not None:
        where.append(tuple_(rt.c.deleted_at, rt.c.id) > tuple_(*(sa.literal(value) for value in after)))
    rows = session().execute(
        select(rt.c.deleted_at, rt.c.id).where(*where).order_by(rt.c.deleted_at, rt.c.id).limit(most)
    ).all()  # fmt: skip
    if not rows:
        return 0, None
    try:
        count = purge(rt, [row.id for row in rows])
    except Conflict:
        count = 0
        for row in rows:
            try:
                count += purge(rt, [row.id])
            except Conflict:
                continue
    return count, (rows[-1].deleted_at, rows[-1].id)
