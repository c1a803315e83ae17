"""What hangs on records that are merged away, moved to the one that stays: entries, notes, files, pins; by the kernel,
whoever may see it. And all of it counted, before it is done."""

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
from ossature.duplicates.references import Left, asked, references_to
from ossature.files.table import table as file
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.records.rules import folded
from ossature.records.types import RecordType
from ossature.search.pins import table as pin

_, _l, _n = translator("ossature")


@dataclass(frozen=True, slots=True)
class Move:
    """So many rows of one kind: `what` they are called; `key` is the record's, or that of notes, files and entries."""

    key: str
    what: str
    number: int


def what_moves(rt: RecordType, ids: Sequence[UUID], into: UUID) -> list[Move]:
    """What will move when some records are merged into another, counted: references, entries, notes, files."""
    moves = [
        Move(name, called(name, number), number)
        for name, number in references_to(rt).count(asked(ids, into)).items()
    ]  # fmt: skip
    for name, entries in compared_entries(rt, ids, into).items():
        number = len(entries.new)
        moves.append(Move(rt.parts[name].key, rt.parts[name].noun(number), number))
    notes = session().execute(select(func.count()).where(*_hanging(note, rt, ids))).scalar_one()
    moves.append(Move("note", _n("note", "notes", notes), notes))
    files = session().execute(select(func.count()).where(*_hanging(file, rt, ids), file.c.latest)).scalar_one()
    moves.append(Move("file", _n("file", "files", files), files))
    return [move for move in moves if move.number]


def called(table: str, number: int) -> str:
    """What so many rows of a table are called: entries by what they are entries of."""
    rt = kernel().records.get(table)
    if rt and rt.parent:
        rt = kernel().records.get(rt.parent)
    return rt.noun(number) if rt else table


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of some records beside those of another one: the `new` ones that it does not have, in their order, and
    the others, each with its `equal`."""

    new: Sequence[UUID]
    equal: Mapping[UUID, UUID]


def compared_entries(rt: RecordType, ids: Sequence[UUID], into: UUID) -> dict[str, Entries]:
    """What each collection of the record that stays would get, and what it has already."""
    return {name: _compared(part, ids, into) for name, part in rt.parts.items()}


def move_entries(rt: RecordType, found: Mapping[str, Entries], into: UUID, left: Left) -> None:
    """Add the entries of collections to those of the record that stays, but for what it has already: what points to
    such an entry points to its equal then; to `left` is added what cannot."""
    for name, entries in found.items():
        part, new = rt.parts[name], entries.new
        if entries.equal:
            _point_to_equals(part, entries.equal, left)
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


def _point_to_equals(part: RecordType, equal: Mapping[UUID, UUID], left: Left) -> None:
    for one in references_to(part).tables:
        for name in one.columns:
            column = one.table.c[name]
            here = (one.table.c.tenant_id == current().tenant_id, column.in_(list(equal)))
            moved = sa.update(one.table).where(*here).values({name: sa.case(dict(equal), value=column)})
            try:
                with session().begin_nested():
                    session().execute(moved)
            except IntegrityError:
                rows = session().execute(select(one.row).select_from(one.table).where(*here)).scalars()
                left.stuck.setdefault(one.name, []).extend(rows)


def _compared(part: RecordType, ids: Sequence[UUID], into: UUID) -> Entries:
    names = [
        name for item in part.fields.values() if item.writable and not item.orders for name in item.columns
    ]  # fmt: skip
    known: dict[tuple[Any, ...], UUID] = {}
    found, equal = list[UUID](), dict[UUID, UUID]()
    order = {id: number for number, id in enumerate((into, *ids))}
    owner = part.c[part.parent_column or ""]
    rows = session().execute(
        select(owner, part.c.id, *(part.c[name] for name in names))
        .where(*_entries(part.table, part, list(order)))
        .order_by(*part.entries_order)
    )
    for id, entry, *values in sorted(rows.all(), key=lambda row: order[row[0]]):
        said = tuple(folded(one) if isinstance(one, str) else one for one in values)
        if id != into and said in known:
            equal[entry] = known[said]
        elif id != into:
            found.append(entry)
        known.setdefault(said, entry)
    return Entries(found, equal)


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
    chains, renamed = list[UUID](), dict[UUID, str]()
    for row in rows:
        if row.record_id == into or taken.get(folded(row.name)) == row.sha256:
            continue
        name = _free(row.name, taken)
        taken[folded(name)] = row.sha256
        chains.append(row.chain_id)
        if name != row.name:
            renamed[row.chain_id] = name
    if not chains:
        return
    values: dict[str, Any] = {"record_id": into}
    if renamed:
        anew = sa.case(renamed, value=file.c.chain_id, else_=file.c.name)
        values["name"] = sa.case((file.c.latest, anew), else_=file.c.name)
    where = (file.c.tenant_id == current().tenant_id, file.c.chain_id.in_(chains))
    session().execute(sa.update(file).where(*where).values(values))


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
