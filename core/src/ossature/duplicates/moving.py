"""What hangs on records that are merged away, moved to the one that stays: by the kernel, whoever may see it.

References of every table are read from the database's catalogue, so that those of a plugin that is switched off, or not
even loaded, move as well. What is written in a ledger stays as it was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from ossature.context import current
from ossature.db.kernel import note
from ossature.db.work import session
from ossature.files.table import table as file
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.records.fields import Kind
from ossature.records.incoming import Incoming, incoming
from ossature.records.rules import folded
from ossature.records.types import RecordType
from ossature.search.pins import table as pin

_, _l, _n = translator("ossature")

_AMOUNTS = (Kind.INTEGER, Kind.DECIMAL, Kind.MONEY)


@dataclass(frozen=True, slots=True)
class Move:
    """So many rows of one kind: `what` they are called; `key` is the record's, or that of notes, files and entries."""

    key: str
    what: str
    number: int


def references_to(rt: RecordType) -> list[Incoming]:
    """The columns that are moved: not those of its own parts, not of ledgers, not of tables that nobody may write."""
    own = {(part.table.fullname, part.parent_column) for part in rt.parts.values()}
    found = []
    for key in incoming(rt.table.fullname):
        other = kernel().records.get(key.table)
        if (key.table, key.column) not in own and key.writable and not (other and other.ledger):
            found.append(key)
    return found


def what_moves(rt: RecordType, ids: Sequence[UUID], into: UUID) -> list[Move]:
    """What will move when some records are merged into another, counted: references, entries, notes, files."""
    counted: dict[str, int] = {}
    for key in references_to(rt):
        table = _table(key)
        pointing = select(func.count()).select_from(table).where(*_pointing(rt, key, table, ids, into))
        if key.has_id and _alive(key):
            pointing = pointing.where(table.c.deleted_at.is_(None))
        counted[key.table] = counted.get(key.table, 0) + session().execute(pointing).scalar_one()
    moves = []
    for name, number in counted.items():
        other = kernel().records.get(name)
        if other and other.parent:
            other = kernel().records.get(other.parent)
        moves.append(Move(name, other.noun(number) if other else name, number))
    for part in rt.parts.values():
        moves.append(Move(part.key, part.noun(number := len(_new_entries(part, ids, into)[0])), number))
    notes = session().execute(select(func.count()).where(*_hanging(note, rt, ids))).scalar_one()
    moves.append(Move("note", _n("note", "notes", notes), notes))
    files = session().execute(select(func.count()).where(*_hanging(file, rt, ids), file.c.latest)).scalar_one()
    moves.append(Move("file", _n("file", "files", files), files))
    return [move for move in moves if move.number]


def move_references(rt: RecordType, ids: Sequence[UUID], into: UUID) -> None:
    """Have everything that points to some records point to another one."""
    for key in references_to(rt):
        table = _table(key)
        changed = sa.update(table).where(*_pointing(rt, key, table, ids, into)).values({key.column: into})
        if not key.has_id:
            session().execute(changed)
            continue
        savepoint = session().begin_nested()
        try:
            moved = list(session().execute(changed.returning(table.c.id)).scalars())
        except IntegrityError:  # some are one of a kind there, and the one that stays has its own
            savepoint.rollback()
            moved = _one_by_one(rt, key, table, ids, into)
        else:
            savepoint.commit()
        if moved:
            _of_parts(key, moved, into)


def _one_by_one(rt: RecordType, key: Incoming, table: sa.TableClause, ids: Sequence[UUID], into: UUID) -> list[UUID]:
    """Those that can be moved; the others stay where they are, and go with it where they would have gone with it."""
    moved = []
    rows = session().execute(select(table.c.id).where(*_pointing(rt, key, table, ids, into)).order_by(table.c.id))
    for id in rows.scalars().all():
        one = (table.c.tenant_id == current().tenant_id, table.c.id == id)
        savepoint = session().begin_nested()
        try:
            session().execute(sa.update(table).where(*one).values({key.column: into}))
        except IntegrityError:
            savepoint.rollback()
            if key.what == "goes" and _alive(key):
                gone = sa.update(table).where(*one, table.c.deleted_at.is_(None)).values(deleted_at=func.now())
                session().execute(gone)
        else:
            savepoint.commit()
            moved.append(id)
    return moved


def _of_parts(key: Incoming, moved: Sequence[UUID], into: UUID) -> None:
    """Entries of other records: their owner gets another version, and none says twice what another says already, but
    where order or amounts matter: two equal lines of an offer are two."""
    part = kernel().records.get(key.table)
    owner = kernel().records.get(part.parent or "") if part else None
    if part is None or owner is None:
        return
    column = part.parent_column or ""
    if part.position is None and not any(item.kind in _AMOUNTS for item in part.fields.values()):
        _without_repeated(part, key, moved, into)
    owners = select(part.c[column]).where(part.c.tenant_id == current().tenant_id, part.c.id.in_(moved))
    touched = (owner.c.tenant_id == current().tenant_id, owner.c.id.in_(owners))
    session().execute(sa.update(owner.table).where(*touched).values(version=owner.c.version + 1))


def _without_repeated(part: RecordType, key: Incoming, moved: Sequence[UUID], into: UUID) -> None:
    column = part.parent_column or ""
    mine, other = part.table.alias("mine"), part.table.alias("other")
    said = [
        name
        for item in part.fields.values()
        if item.writable and not item.orders and item.name != key.column
        for name in item.columns
    ]
    twice = (
        select(other.c.id)
        .where(
            other.c.tenant_id == mine.c.tenant_id, other.c[column] == mine.c[column], other.c[key.column] == into,
            other.c.deleted_at.is_(None), other.c.id != mine.c.id,
            sa.or_(other.c.id.notin_(moved), other.c.id < mine.c.id),
            *(sa.or_(mine.c[name].is_(None), mine.c[name].is_not_distinct_from(other.c[name])) for name in said),
        )
        .exists()
    )  # fmt: skip
    where = (mine.c.tenant_id == current().tenant_id, mine.c.id.in_(moved), mine.c.deleted_at.is_(None), twice)
    gone = list(session().execute(select(mine.c.id).where(*where)).scalars())
    if gone:
        these = (part.c.tenant_id == current().tenant_id, part.c.id.in_(gone))
        session().execute(sa.update(part.table).where(*these).values(deleted_at=func.now()))


def move_entries(rt: RecordType, ids: Sequence[UUID], into: UUID) -> None:
    """Add the entries of collections to those of the record that stays, but for what it has already: what points to
    such an entry points to its equal then."""
    for part in rt.parts.values():
        new, equal = _new_entries(part, ids, into)
        if equal:
            _point_to_equals(part, equal)
        if not new:
            continue
        values: dict[str, Any] = {str(part.parent_column): into}
        if part.position is not None:
            place = part.c[part.position.name]
            last = (
                select(func.coalesce(func.max(place), 0)).where(*_entries(part.table, part, [into])).scalar_subquery()
            )
            order = sa.case({id: number for number, id in enumerate(new, 1)}, value=part.c.id)
            values[part.position.name] = last + order
        where = (part.c.tenant_id == current().tenant_id, part.c.id.in_(new))
        session().execute(sa.update(part.table).where(*where).values(values))


def _point_to_equals(part: RecordType, equal: Mapping[UUID, UUID]) -> None:
    for key in references_to(part):
        table = _table(key)
        column = table.c[key.column]
        here = (table.c.tenant_id == current().tenant_id, column.in_(list(equal)))
        session().execute(sa.update(table).where(*here).values({key.column: sa.case(dict(equal), value=column)}))


def _new_entries(part: RecordType, ids: Sequence[UUID], into: UUID) -> tuple[list[UUID], dict[UUID, UUID]]:
    """The entries of some records that another one, and those before, do not have yet, in their order; and the others,
    each with the entry that says the same."""
    names = [
        name for item in part.fields.values() if item.writable and not item.orders for name in item.columns
    ]  # fmt: skip
    known: dict[tuple[Any, ...], UUID] = {}
    found, equal = list[UUID](), dict[UUID, UUID]()
    for id in (into, *ids):
        rows = session().execute(
            select(part.c.id, *(part.c[name] for name in names))
            .where(*_entries(part.table, part, [id]))
            .order_by(*part.entries_order)
        )
        for entry, *values in rows.all():
            said = tuple(folded(one) if isinstance(one, str) else one for one in values)
            if id != into and said in known:
                equal[entry] = known[said]
            elif id != into:
                found.append(entry)
            known.setdefault(said, entry)
    return found, equal


def _entries(table: Any, part: RecordType, owners: Sequence[UUID]) -> Iterator[sa.ColumnElement[bool]]:
    yield table.c.tenant_id == current().tenant_id
    yield table.c[part.parent_column].in_(owners)
    yield table.c.deleted_at.is_(None)


def move_notes(rt: RecordType, ids: Sequence[UUID], into: UUID) -> None:
    session().execute(sa.update(note).where(*_hanging(note, rt, ids)).values(record_id=into))


def move_files(rt: RecordType, ids: Sequence[UUID], into: UUID) -> None:
    """The files of some records, all versions of each; what has the name of another one gets a number behind it.

    The very same file, of the same name, is not taken twice.
    """
    latest = select(file.c.chain_id, file.c.record_id, file.c.name, file.c.sha256).where(
        *_hanging(file, rt, [into, *ids]), file.c.latest
    )
    order = {id: number for number, id in enumerate((into, *ids))}
    rows = sorted(session().execute(latest).all(), key=lambda row: (order[row.record_id], row.name))
    taken: dict[str, str] = {folded(row.name): row.sha256 for row in rows if row.record_id == into}
    for row in rows:
        if row.record_id == into or taken.get(folded(row.name)) == row.sha256:
            continue
        name = _free(row.name, taken)
        taken[folded(name)] = row.sha256
        chain = (file.c.tenant_id == current().tenant_id, file.c.chain_id == row.chain_id)
        if name == row.name:
            session().execute(sa.update(file).where(*chain).values(record_id=into))
        else:
            session().execute(sa.update(file).where(*chain, file.c.latest).values(record_id=into, name=name))
            session().execute(sa.update(file).where(*chain, ~file.c.latest).values(record_id=into))


def _free(name: str, taken: dict[str, str]) -> str:
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (name, "")
    number, found = 1, name
    while folded(found) in taken:
        number += 1
        found = f"{stem[: 190 - len(ending)]} ({number}){ending}"
    return found


def move_pins(id: UUID, into: UUID) -> list[UUID]:
    """Have those who pinned a record have the other one at hand; the pins that were moved. Who pinned both keeps both."""
    other = pin.alias()
    has = select(other.c.id).where(
        other.c.tenant_id == pin.c.tenant_id, other.c.actor_id == pin.c.actor_id, other.c.record_id == into
    )
    where = (pin.c.tenant_id == current().tenant_id, pin.c.record_id == id, ~has.exists())
    return list(session().execute(sa.update(pin).where(*where).values(record_id=into).returning(pin.c.id)).scalars())


def _hanging(table: sa.Table, rt: RecordType, ids: Sequence[UUID]) -> Iterator[sa.ColumnElement[bool]]:
    yield table.c.tenant_id == current().tenant_id
    yield table.c.record == rt.key
    yield table.c.record_id.in_(ids)
    yield table.c.deleted_at.is_(None)


def _table(key: Incoming) -> sa.TableClause:
    schema, name = key.table.split(".")
    names = ("tenant_id", "id", key.column)
    columns: list[sa.ColumnClause[Any]] = [sa.column(one, sa.Uuid) for one in dict.fromkeys(names)]
    return sa.table(name, *columns, sa.column("deleted_at", sa.DateTime(timezone=True)), schema=schema)


def _alive(key: Incoming) -> bool:
    """Whether rows of a table may lie in the recycle bin."""
    return kernel().records.get(key.table) is not None


def _pointing(
    rt: RecordType, key: Incoming, table: sa.TableClause, ids: Sequence[UUID], into: UUID
) -> Iterator[sa.ColumnElement[bool]]:
    yield table.c.tenant_id == current().tenant_id
    yield table.c[key.column] == sa.any_(sa.literal(list(ids), sa.ARRAY(sa.Uuid)))
    if key.table == rt.table.fullname:
        yield table.c.id != sa.all_(sa.literal([*ids, into], sa.ARRAY(sa.Uuid)))
