"""What refers to records that are merged away, moved to the one that stays: by the kernel, whoever may see it.

References of every table are read from the database's catalogue, so that those of a plugin that is switched off, or not
even loaded, move as well. What is written in a ledger stays as it was written. All tables are written by one statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import IntegrityError

from ossature.context import current
from ossature.db.work import session
from ossature.kernel import kernel
from ossature.records.fields import Kind
from ossature.records.incoming import incoming
from ossature.records.types import RecordType

_AMOUNTS = (Kind.INTEGER, Kind.DECIMAL, Kind.MONEY)
_IDS, _INTO, _TENANT = (
    bindparam("ids", type_=sa.ARRAY(sa.Uuid)), bindparam("into", type_=sa.Uuid), bindparam("tenant", type_=sa.Uuid),
)  # fmt: skip


@dataclass(frozen=True)
class Referring:
    """A table that refers to a kind of record, by some columns. `goes`: its rows, entries and the like, have no life of
    their own and go with what they refer to. `alive`: it has a recycle bin."""

    name: str
    table: sa.TableClause
    columns: tuple[str, ...]
    has_id: bool
    goes: bool
    alive: bool

    @property
    def row(self) -> sa.ColumnElement[Any]:
        """What tells its rows apart."""
        return self.table.c.id if self.has_id else sa.cast(sa.literal_column("ctid"), sa.Text)

    def is_row(self, row: Any) -> sa.ColumnElement[bool]:
        this = (
            self.table.c.id == row
            if self.has_id
            else sa.literal_column("ctid") == sa.text("CAST(:row AS tid)").bindparams(row=row)
        )
        return sa.and_(self.table.c.tenant_id == _TENANT, this)

    def pointing(self) -> sa.ColumnElement[bool]:
        """The rows that refer to `ids`, but for those of the records that are merged themselves."""
        c = self.table.c
        return sa.and_(c.tenant_id == _TENANT, sa.or_(*(c[name] == sa.any_(_IDS) for name in self.columns)))

    def moved(self) -> dict[str, Any]:
        c = self.table.c
        if len(self.columns) == 1:
            return {self.columns[0]: _INTO}
        return {name: sa.case((c[name] == sa.any_(_IDS), _INTO), else_=c[name]) for name in self.columns}


@dataclass
class Left:
    """What did not move, since the record that stays may have but one such and has it: `stuck` is in the way of the
    merge, `went` shares the lot of the record that goes. By table, the rows."""

    stuck: dict[str, list[UUID]] = field(default_factory=dict)
    went: dict[str, int] = field(default_factory=dict)


class References:
    """All that refers to a kind of record, with the statements that ask and move it."""

    def __init__(self, rt: RecordType) -> None:
        self.tables = tuple(_referring(rt))
        self.own = rt.table.fullname
        self.all_moved = self._moved(self.tables)

    def where(self, one: Referring) -> sa.ColumnElement[bool]:
        if one.name != self.own:
            return one.pointing()
        return sa.and_(one.pointing(), one.table.c.id != sa.all_(_IDS), one.table.c.id != _INTO)

    def count(self, values: Mapping[str, Any]) -> dict[str, int]:
        """How many live rows of each table refer to them."""
        asked: list[Any] = [
            select(sa.literal_column(str(number)).label("number"), func.count())
            .select_from(one.table)
            .where(self.where(one), *([one.table.c.deleted_at.is_(None)] if one.alive else []))
            for number, one in enumerate(self.tables)
        ]
        if not asked:
            return {}
        return {self.tables[number].name: found for number, found in session().execute(sa.union_all(*asked), values)}

    def move(self, values: Mapping[str, Any], one: Referring | None = None) -> dict[str, list[UUID]]:
        """Move all, or those of one table, in one statement; the rows that were moved, by table."""
        tables = self.tables if one is None else (one,)
        statement = self.all_moved if one is None else self._moved(tables)
        found: dict[str, list[UUID]] = {}
        for number, id in session().execute(statement, values) if statement is not None else ():
            found.setdefault(tables[number].name, []).append(id)
        return found

    def _moved(self, tables: Sequence[Referring]) -> sa.CompoundSelect[Any] | None:
        written = [
            sa.update(one.table).where(self.where(one)).values(one.moved())
            .returning(one.table.c.id if one.has_id else sa.null().label("id")).cte(f"moved_{number}")
            for number, one in enumerate(tables)
        ]  # fmt: skip
        asked: list[Any] = [
            select(sa.literal_column(str(number)).label("number"), one.c.id) for number, one in enumerate(written)
        ]
        return sa.union_all(*asked) if asked else None


def references_to(rt: RecordType) -> References:
    """What is moved: not the record's own entries, nothing of ledgers or of tables that nobody may write.

    Read once per process: a table that comes along later comes with another process.
    """
    if "references" not in rt.worked_out:
        rt.worked_out["references"] = References(rt)
    found: References = rt.worked_out["references"]
    return found


def _referring(rt: RecordType) -> Iterator[Referring]:
    own = {(part.table.fullname, part.parent_column) for part in rt.parts.values()}
    by_table: dict[str, list[Any]] = {}
    for key in incoming(rt.table.fullname):
        other = kernel().records.get(key.table)
        if (key.table, key.column) not in own and key.writable and not (other and other.ledger):
            by_table.setdefault(key.table, []).append(key)
    for name, keys in by_table.items():
        schema, table_name = name.split(".")
        columns = tuple(key.column for key in keys)
        ids: list[sa.ColumnClause[Any]] = [
            sa.column(one, sa.Uuid) for one in dict.fromkeys(("tenant_id", "id", *columns))
        ]
        table = sa.table(table_name, *ids, sa.column("deleted_at", sa.DateTime(timezone=True)), schema=schema)
        record = kernel().records.get(name)
        goes = all(key.what == "goes" for key in keys) and (record is None or record.parent is not None)
        yield Referring(name, table, columns, keys[0].has_id, goes, record is not None)


def asked(ids: Sequence[UUID], into: UUID) -> dict[str, Any]:
    return {"ids": list(ids), "into": into, "tenant": current().tenant_id}


def move_references(rt: RecordType, ids: Sequence[UUID], into: UUID) -> Left:
    """Have everything that refers to some records refer to another one; what could not."""
    references, values, left = references_to(rt), asked(ids, into), Left()
    try:
        with session().begin_nested():
            moved = references.move(values)
    except IntegrityError:  # some are one of a kind there, and the one that stays has its own
        moved = {}
        for one in references.tables:
            moved |= _table_by_table(references, one, values, left)
    for one in references.tables:
        _of_parts(one, moved, into)
    return left


def _table_by_table(
    references: References, one: Referring, values: Mapping[str, Any], left: Left
) -> dict[str, list[UUID]]:
    try:
        with session().begin_nested():
            return references.move(values, one)
    except IntegrityError:
        return {one.name: _one_by_one(references, one, values, left)}


def _one_by_one(references: References, one: Referring, values: Mapping[str, Any], left: Left) -> list[UUID]:
    """Those that can be moved. The others go with the record where they would have gone with it, or are in the way;
    what lies in the recycle bin already is in nobody's way."""
    moved = list[UUID]()
    live = one.table.c.deleted_at.is_(None) if one.alive else sa.true()
    rows = session().execute(
        select(one.row, live).select_from(one.table).where(references.where(one)).order_by(one.row).with_for_update(), values
    )  # fmt: skip
    for row, lives in rows.all():
        this = one.is_row(row)
        try:
            with session().begin_nested():
                session().execute(sa.update(one.table).where(this).values(one.moved()), values)
            moved.append(row)
        except IntegrityError:
            if not lives:
                continue
            if not one.goes:
                left.stuck.setdefault(one.name, []).append(row)
                continue
            left.went[one.name] = left.went.get(one.name, 0) + 1
            if one.alive:
                session().execute(sa.update(one.table).where(this).values(deleted_at=func.now()), values)
    return moved if one.has_id else []


def _of_parts(one: Referring, all_moved: Mapping[str, Sequence[UUID]], into: UUID) -> None:
    """Entries of other records: their owner gets another version, and none says twice what another says already, but
    where order or amounts matter: two equal lines of an offer are two."""
    part = kernel().records.get(one.name)
    owner = kernel().records.get(part.parent or "") if part else None
    moved = all_moved.get(one.name)
    if part is None or owner is None or not moved:
        return
    if part.position is None and not any(item.kind in _AMOUNTS for item in part.fields.values()):
        _without_repeated(part, one, moved, into)
    these = part.c.id == sa.any_(sa.literal(list(moved), sa.ARRAY(sa.Uuid)))
    owners = select(part.c[part.parent_column or ""]).where(part.c.tenant_id == current().tenant_id, these)
    # Those that were moved themselves have another version already.
    known = sa.literal(list(all_moved.get(owner.table.fullname, ())), sa.ARRAY(sa.Uuid))
    touched = (owner.c.tenant_id == current().tenant_id, owner.c.id.in_(owners), owner.c.id != sa.all_(known))
    session().execute(sa.update(owner.table).where(*touched).values(version=owner.c.version + 1))


def _without_repeated(part: RecordType, one: Referring, moved: Sequence[UUID], into: UUID) -> None:
    """Put into the bin what another entry of the same owner says as well, and more."""
    key = f"repeated {' '.join(one.columns)}"
    if key not in part.worked_out:
        part.worked_out[key] = _repeated(part, one)
    session().execute(part.worked_out[key], asked(moved, into))


def _repeated(part: RecordType, one: Referring) -> sa.Update:
    """Of the entries `ids`, which refer to `into` now, those that say twice what is said already, deleted."""
    column = part.parent_column or ""
    mine, other = part.table.alias("mine"), part.table.alias("other")
    said = [
        name for item in part.fields.values() if item.writable and not item.orders for name in item.columns
    ]  # fmt: skip
    twice = (
        select(other.c.id)
        .where(
            other.c.tenant_id == mine.c.tenant_id, other.c[column] == mine.c[column],
            sa.or_(*(other.c[name] == _INTO for name in one.columns)), other.c.deleted_at.is_(None),
            other.c.id != mine.c.id, sa.or_(other.c.id != sa.all_(_IDS), other.c.id < mine.c.id),
            *(sa.or_(mine.c[name].is_(None), mine.c[name].is_not_distinct_from(other.c[name])) for name in said),
        )
        .exists()
    )  # fmt: skip
    again = (mine.c.tenant_id == _TENANT, mine.c.id == sa.any_(_IDS), mine.c.deleted_at.is_(None), twice)
    these = (part.c.tenant_id == _TENANT, part.c.id.in_(select(mine.c.id).where(*again)))
    return sa.update(part.table).where(*these).values(deleted_at=func.now())
