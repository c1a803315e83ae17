"""Records that look like one that is being written: asked while somebody types, answered from indexes alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, or_, select

from ossature.context import current
from ossature.db.work import session
from ossature.duplicates.matching import MOST_SHARING, Reason, compare
from ossature.duplicates.rules import Alike, Same, fields_of
from ossature.duplicates.tables import duplicate
from ossature.ids import as_id
from ossature.rbac.predicate import demand, reaches
from ossature.records.clean import Wrong, clean_value
from ossature.records.fields import Kind
from ossature.records.query import Row, columns, to_row
from ossature.records.rules import folded
from ossature.records.types import RecordType

MOST = 5
_CANDIDATES = 200
_BEGINS = 4
"""So many letters of a name are taken to be right; the scan at night finds those that begin otherwise."""


@dataclass(frozen=True, slots=True)
class Similar:
    """A record that looks like what is written, how much (0 to 100), and why."""

    row: Row
    score: int
    reasons: tuple[Reason, ...]


def asked_fields(rt: RecordType) -> tuple[str, ...]:
    """The fields that are typed into and that the rules look at, those that a derived one is made of included."""
    found: dict[str, None] = {}
    for name in fields_of(rt.duplicates):
        item = rt.fields[name]
        made_of = item.derived or ""
        found |= dict.fromkeys(
            [name] if item.writable else [one for one, other in rt.fields.items() if other.writable and one in made_of]
        )
    return tuple(found)


def similar(rt: RecordType, values: Mapping[str, Any], but: UUID | None = None) -> list[Similar]:
    """The records within reach that look most like these values, which may be half typed or wrong; `but` is the
    record itself. Pairs that somebody said are not the same are left out."""
    demand(rt, "view")
    given = _read(rt, values)
    where = [rt.c.tenant_id == current().tenant_id, rt.c.deleted_at.is_(None), reaches(rt)]
    if but is not None:
        where.append(rt.c.id != but)
    found: dict[UUID, Similar] = {}
    common: frozenset[str] = frozenset()
    for condition, shared in _looked_for(rt, given):
        rows = session().execute(select(*columns(rt)).where(*where, condition).limit(_CANDIDATES)).mappings().all()
        if shared and len(rows) > MOST_SHARING:
            common |= {folded(value) for value in shared}
        for one in (to_row(rt, row) for row in rows):
            if (match := compare(rt.duplicates, one, given, common)) is not None:
                found[one["id"]] = Similar(one, match.score, match.reasons)
    if but is not None and found:
        for id in _dismissed(rt, but):
            found.pop(id, None)
    return sorted(found.values(), key=lambda one: (-one.score, str(one.row["id"])))[:MOST]


def _read(rt: RecordType, values: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed as it would be stored; what is wrong counts as not typed yet."""
    given: dict[str, Any] = {}
    for name in asked_fields(rt):
        item, value = rt.fields[name], values.get(name)
        if item.kind is Kind.REFERENCE:
            given[name] = value if isinstance(value, UUID) else as_id(value) if isinstance(value, str) else None
            continue
        try:
            given[name] = clean_value(item, value) if isinstance(value, str) and value.strip() else None
        except Wrong:
            given[name] = None
    for name in fields_of(rt.duplicates):
        item = rt.fields[name]
        if item.derived:
            given[name] = _worked_out(rt, item.derived, given)
    return given


def _worked_out(rt: RecordType, expression: str, given: Mapping[str, Any]) -> str | None:
    """A derived field, by the database's own expression."""
    used = [name for name in given if name in expression and rt.fields[name].textual]
    if not any(given[name] for name in used):
        return None
    source = select(*(sa.cast(sa.literal(given[name]), sa.Text).label(name) for name in used)).subquery("given")
    return session().execute(select(sa.literal_column(expression)).select_from(source)).scalar() or None


def _looked_for(rt: RecordType, given: Mapping[str, Any]) -> Iterator[tuple[sa.ColumnElement[bool], list[str]]]:
    """Each by an index: the same value of any field, with those values; the beginning of a name; what has the same thing
    beside its name."""
    for rule in rt.duplicates:
        if isinstance(rule, Same):
            values = [given[name] for name in rule.fields if given.get(name)]
            if values:
                yield or_(*(_is_one_of(rt, name, values) for name in rule.fields)), values
        elif given.get(rule.field):
            if (begins := _begins_alike(rt, rule, given)) is not None:
                yield begins, []
            if beside := [rt.c[name] == given[name] for name in rule.beside if given.get(name)]:
                yield sa.and_(*beside), []


def _is_one_of(rt: RecordType, name: str, values: list[str]) -> sa.ColumnElement[bool]:
    item = rt.fields[name]
    if item.sort or item.unique:
        spelled: sa.ColumnElement[Any] = rt.c[item.shown_column]
        return spelled.in_([folded(value) for value in values])
    column: sa.ColumnElement[Any] = rt.c[name]
    found: sa.ColumnElement[bool] = column.in_({*values, *(value.lower() for value in values)})
    return found


def _begins_alike(rt: RecordType, rule: Alike, given: Mapping[str, Any]) -> sa.ColumnElement[bool] | None:
    """The names that begin with the same letters, by any of their words: "Jean Dupont" is sought as both."""
    item = rt.fields[rule.field]
    words = [word for word in folded(given[rule.field]).split() if len(word) > 1]
    starts = {word[:_BEGINS] for word in words if word not in rule.ignoring}
    columns = {item.sort_column, item.shown_column}
    if not starts:
        return None
    return or_(*(func.starts_with(rt.c[column], start) for column in columns for start in sorted(starts)[:6]))


def _dismissed(rt: RecordType, id: UUID) -> list[UUID]:
    d = duplicate.c
    pairs = session().execute(
        select(d.a_id, d.b_id).where(
            d.tenant_id == current().tenant_id,
            d.record == rt.key,
            d.state == "dismissed",
            or_(d.a_id == id, d.b_id == id),
        )
    )
    return [b if a == id else a for a, b in pairs]
