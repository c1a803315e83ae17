"""Where the id of a record that was merged leads to, and which records became part of one."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select

from ossature.context import current
from ossature.db.work import session
from ossature.duplicates.tables import merged
from ossature.rbac.predicate import reaches
from ossature.records.types import RecordType

_FARTHEST = 20


def stands_for(rt: RecordType, id: UUID) -> UUID | None:
    """The record that one was merged into, however many times over; None where it was not, or the reader may not see
    that one."""
    seen, now = {id}, id
    while (then := _next(rt, now)) is not None and then not in seen and len(seen) < _FARTHEST:
        seen.add(then)
        now = then
    if now == id:
        return None
    found = select(rt.c.id).where(rt.c.tenant_id == current().tenant_id, rt.c.id == now, reaches(rt))
    return session().execute(found).scalar()


def _next(rt: RecordType, id: UUID) -> UUID | None:
    return session().execute(
        select(merged.c.to_id)
        .outerjoin_from(
            merged, rt.table, sa.and_(rt.c.tenant_id == merged.c.tenant_id, rt.c.id == merged.c.from_id)
        )
        .where(
            merged.c.tenant_id == current().tenant_id, merged.c.record == rt.key, merged.c.from_id == id,
            sa.or_(rt.c.id.is_(None), rt.c.deleted_at == merged.c.at),
        )
        .order_by(merged.c.at.desc())
        .limit(1)
    ).scalar()  # fmt: skip


def became_part_of(rt: RecordType, id: UUID, *, seen: bool = False) -> sa.ScalarSelect[list[UUID]]:
    """The ids of all records that stand in one now, as an array for a statement about them; with `seen`, of those that
    the reader may see."""
    holds = sa.and_(
        rt.c.tenant_id == merged.c.tenant_id, rt.c.id == merged.c.from_id, rt.c.deleted_at == merged.c.at,
        *([reaches(rt)] if seen else []),
    )  # fmt: skip
    here = (merged.c.tenant_id == current().tenant_id, merged.c.record == rt.key)
    part = (
        select(merged.c.from_id)
        .join_from(merged, rt.table, holds)
        .where(*here, merged.c.to_id == id)
        .cte("part", recursive=True)
    )
    part = part.union(
        select(merged.c.from_id)
        .select_from(merged.join(rt.table, holds).join(part, merged.c.to_id == part.c.from_id))
        .where(*here)
    )
    return select(sa.func.array_agg(part.c.from_id, type_=sa.ARRAY(sa.Uuid))).scalar_subquery()
