"""Stale writes: what two people changed apart holds for both; the same field is a conflict that tells both sides."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select

from ossature.context import current
from ossature.db.kernel import change as change_table
from ossature.db.types import Money
from ossature.db.work import session
from ossature.errors import Conflict, Detail
from ossature.i18n.texts import translator
from ossature.rbac.predicate import visible_fields
from ossature.records.clean import clean_value
from ossature.records.fields import Field, Kind
from ossature.records.query import Row, columns, to_row
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")


@dataclass(frozen=True, slots=True)
class PartChange:
    """One change of one entry of a collection, as the history holds it."""

    id: UUID
    what: str
    payload: Mapping[str, Any]


@dataclass
class Since:
    """What others changed after a version: columns with the value each had then, entries of parts newest first."""

    was: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, list[PartChange]] = field(default_factory=dict)


class Stale(Conflict):
    """A write on an old version that touches what others changed; `untouched` names fields that only they changed."""

    untouched: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Merged:
    """What is left to write, and the names of the fields that others changed and the writer may see."""

    values: dict[str, Any]
    parts: dict[str, list[Row]]
    theirs: list[str]


def merge(
    rt: RecordType,
    before: Row,
    values: Mapping[str, Any],
    parts: Mapping[str, list[Row]],
    old_parts: Mapping[str, list[Row]],
    version: int,
    owner: Field,
) -> Merged:
    """Drop what the writer did not change, keep what others changed meanwhile; raise `Conflict` on the same field.

    `before` and `old_parts` are stored now; `version` is the one that the writer saw.
    """
    since = changes_since(rt, before["id"], version)
    if since is None:
        raise Conflict(
            _("The record was changed too long ago to merge; read it again."), code="stale", version=before["version"]
        )
    conflicts, keep, kept_parts = [], {}, {}
    for name, mine in values.items():
        item = rt.fields.get(name, owner)
        theirs = before.get(name)
        if mine == theirs or not any(column in since.was for column in item.columns):
            keep[name] = mine
            continue
        was = _value_before(item, since.was, before)
        if item.kind is Kind.TAGS:
            keep[name] = _tags_of_both(mine, theirs or [], was or [])
        elif mine != was:
            conflicts.append(_conflict(name, jsonable(mine), jsonable(theirs), jsonable(was)))
    for name, rows in parts.items():
        part = rt.parts[name]
        touched = since.parts.get(part.key)
        if not touched or _same(part, old_parts[name], rows):
            kept_parts[name] = rows
            continue
        earlier = _parts_before(part, old_parts[name], touched)
        if earlier is None or not _same(part, earlier, rows):
            told = [None if one is None else _told(part, one) for one in (rows, old_parts[name], earlier)]
            conflicts.append(_conflict(name, *told))
    if conflicts:
        stale = Stale(
            _("Somebody else has changed the same fields meanwhile."), conflicts, code="stale",
            version=before["version"],
        )  # fmt: skip
        stale.untouched = frozenset({*values, *parts}) - {*keep, *kept_parts} - {one.field for one in conflicts}
        raise stale
    seen = {**visible_fields(rt), **({"owner_id": owner} if rt.owned else {})}
    theirs_seen = {name for name, item in seen.items() if any(column in since.was for column in item.columns)}
    theirs_seen |= {name for name, part in rt.parts.items() if part.key in since.parts}
    return Merged(keep, kept_parts, sorted(theirs_seen))


def _tags_of_both(mine: Sequence[str], theirs: Sequence[str], was: Sequence[str]) -> list[str]:
    """What each has added is there, what either has taken away is not."""
    added = [tag for tag in mine if tag not in theirs and tag not in was]
    return [*(tag for tag in theirs if tag in mine or tag not in was), *added]


def changes_since(rt: RecordType, id: UUID, version: int) -> Since | None:
    """What happened to a record and its parts after a version; None when the history does not know it."""
    c = change_table.c
    here = sa.and_(c.tenant_id == current().tenant_id, c.root_id == id)
    # A version is seen once its whole change set is: parts are written before the record or after it. The newest one
    # of that number counts, since a purged record may have been made again under its id.
    seen = (
        select(c.change_set_id)
        .where(here, c.record == rt.key, c.version == version, c.what != "purge")
        .order_by(c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    mark = session().execute(select(sa.func.max(c.seq)).where(here, c.change_set_id == seen)).scalar()
    if mark is None:
        return None
    rows = session().execute(
        select(
            c.record,
            c.record_id,
            c.what,
            sa.cast(c.payload, sa.Text).label("payload"),
            c.salt.is_(None).label("erased"),
        )
        .where(here, c.seq > mark)
        .order_by(c.seq)
    )
    found = Since()
    for row in rows:
        if row.erased:
            return None
        payload = json.loads(row.payload, parse_float=Decimal)
        if row.record != rt.key:
            found.parts.setdefault(row.record, []).insert(0, PartChange(row.record_id, row.what, payload))
            continue
        for name, pair in payload.items():
            found.was.setdefault(name, pair[0])
    return found


def _value_before(item: Field, was: Mapping[str, Any], now: Row) -> Any:
    """The value a field had at the writer's version, from the history's JSON back to the stored type."""
    if item.kind is Kind.MONEY:
        money = now.get(item.name)
        minor = was.get(f"{item.name}_minor", money.minor if money else None)
        currency = was.get(f"{item.name}_currency", money.currency if money else None)
        return None if minor is None or currency is None else Money(minor, currency)
    value = was[item.name]
    return None if value is None else clean_value(item, value)


def _parts_before(part: RecordType, now: Sequence[Row], changes: Iterable[PartChange]) -> list[Row] | None:
    """The entries of a collection before some changes, undone newest first; None where one cannot be undone."""
    changes = list(changes)
    rows = {row["id"]: dict(row) for row in now}
    gone = {change.id for change in changes if change.what == "delete"}
    stored = {row["id"]: row for row in _rows(part, gone)} if gone else {}
    for change in changes:
        if change.what in ("create", "restore"):
            rows.pop(change.id, None)
        elif change.what == "delete" and change.id in stored:
            rows[change.id] = dict(stored[change.id])
        elif change.what == "update" and change.id in rows:
            row = rows[change.id]
            was = {column: pair[0] for column, pair in change.payload.items()}
            for name, item in visible_fields(part).items():
                if (item.writable or item.orders) and any(column in was for column in item.columns):
                    row[name] = _value_before(item, was, row)
        else:
            return None
    order = [column.name for column in part.entries_order]
    return sorted(rows.values(), key=lambda row: tuple(row[name] for name in order))


def _rows(part: RecordType, ids: set[UUID]) -> list[Row]:
    statement = select(*columns(part)).where(part.c.tenant_id == current().tenant_id, part.c.id.in_(ids))
    return [to_row(part, found) for found in session().execute(statement).mappings()]


def _same(part: RecordType, old: Sequence[Row], new: Sequence[Row]) -> bool:
    """Whether two states of a collection say the same; their order is part of it where the collection keeps one."""
    names = [name for name, item in visible_fields(part).items() if item.writable]

    def key(row: Row) -> str:
        return repr([str(row.get(name)) for name in names])

    said = [list(map(key, rows)) for rows in (old, new)]
    return said[0] == said[1] if part.position else sorted(said[0]) == sorted(said[1])


def _told(part: RecordType, rows: Sequence[Row]) -> list[Any]:
    names = ["id", *(name for name, item in visible_fields(part).items() if item.writable)]
    return [{name: jsonable(row[name]) for name in names if name in row} for row in rows]


def _conflict(name: str, mine: Any, theirs: Any, was: Any) -> Detail:
    return Detail(
        name, "changed_meanwhile", _("Somebody else has changed this field meanwhile."),
        {"mine": mine, "theirs": theirs, "before": was},
    )  # fmt: skip


def jsonable(value: Any) -> Any:
    """A stored value as JSON carries it, which is also how the API takes it."""
    if isinstance(value, Money):
        return {"amount": str(value.amount), "currency": value.currency}
    if isinstance(value, list | tuple):
        return [jsonable(one) for one in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)
