"""What conditions ask of the records that one refers to: whether the stage of a deal is a lost one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from ossature.context import current
from ossature.db.work import session
from ossature.kernel import kernel
from ossature.rbac.predicate import reaches
from ossature.records.fields import Kind
from ossature.records.types import RecordType

Told = dict[UUID, dict[str, Any]]


def asked_of(rt: RecordType, reference: str) -> tuple[str, ...]:
    """The fields of what a reference points to that conditions ask."""
    return tuple(name.partition(".")[2] for name in rt.elsewhere if name.partition(".")[0] == reference)


def may_tell(rt: RecordType) -> list[str]:
    """What a picker may tell of its options, since everybody who sees them sees it: choices, yes and no."""
    return [name for name, item in rt.fields.items() if item.kind in (Kind.CHOICE, Kind.BOOLEAN) and not item.view]


def told(rt: RecordType, ids: Iterable[UUID], names: Iterable[str], known: Iterable[UUID] = ()) -> Told:
    """Some fields of some records, in one statement: of those that the reader may see, and of those in `known`."""
    names, wanted = list(names), set(ids)
    if not names or not wanted:
        return {}
    statement = select(rt.c.id, *(rt.c[name] for name in names)).where(
        rt.c.tenant_id == current().tenant_id, rt.c.id.in_(wanted), or_(reaches(rt), rt.c.id.in_(set(known)))
    )
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in session().execute(statement)}


def with_referred(rt: RecordType, *rows: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Rows with what conditions ask of those that they refer to, as `stage_id.kind`; a statement a reference.

    The first is what somebody typed, so that it tells nothing of what they may not see; the others are stored.
    """
    found = [dict(row) for row in rows]
    for reference in dict.fromkeys(name.partition(".")[0] for name in rt.elsewhere):
        names = asked_of(rt, reference)
        ids = {row[reference] for row in rows if isinstance(row.get(reference), UUID)}
        stored = {row[reference] for row in rows[1:] if isinstance(row.get(reference), UUID)}
        values = told(kernel().records[rt.fields[reference].target or ""], ids, names, stored)
        for row in found:
            told_of = values.get(row.get(reference), {})  # type: ignore[arg-type]
            row.update({f"{reference}.{name}": told_of.get(name) for name in names})
    return list(found)
