"""Where the id of a record that was merged leads to, and which records became part of one."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select

from ossature.context import current
from ossature.db.kernel import change
from ossature.db.work import session
from ossature.duplicates.tables import merged
from ossature.rbac.predicate import reaches
from ossature.records.types import RecordType

_FARTHEST = 20


def stands_for(rt: RecordType, id: UUID) -> UUID | None:
    """The record that one was merged into, however many times over; None where it was not, or the reader may not see
    that one."""
    now = leads_to(rt, id)
    if now is None:
        return None
    found = select(rt.c.id).where(rt.c.tenant_id == current().tenant_id, rt.c.id == now, reaches(rt))
    return session().execute(found).scalar()


def leads_to(rt: RecordType, id: UUID) -> UUID | None:
    """As `stands_for`, also to a record that nobody may see, or that was purged."""
    seen, now = {id}, id
    while (then := _next(rt, now)) is not None and then not in seen and len(seen) < _FARTHEST:
        seen.add(then)
        now = then
    return None if now == id else now


def _next(rt: RecordType, id: UUID) -> UUID | None:
    return session().execute(
        select(merged.c.to_id)
        .outerjoin_from(merged, rt.table, _taken_from(rt))
        .where(
            merged.c.tenant_id == current().tenant_id, merged.c.record == rt.key, merged.c.from_id == id, _holds(rt)
        )
        .order_by(merged.c.at.desc())
        .limit(1)
    ).scalar()  # fmt: skip


def is_part_of_another(rt: RecordType) -> sa.ColumnElement[bool]:
    """Whether a record in the bin is there since it was merged into another one."""
    there = select(merged.c.to_id).where(_taken_from(rt), merged.c.record == rt.key, merged.c.at == rt.c.deleted_at)
    return there.correlate(rt.table).exists()


def became_part_of(rt: RecordType, id: UUID) -> sa.ScalarSelect[list[UUID]]:
    """The ids of the records that stand in one now and that the reader may see, as an array for a statement about them."""
    holds = sa.and_(_taken_from(rt), rt.c.deleted_at == merged.c.at, reaches(rt))
    return _gathered(rt, id, select(merged.c.from_id).join_from(merged, rt.table, holds))


def all_that_became(rt: RecordType, id: UUID) -> list[UUID]:
    """The ids of all records that stand in one now, whoever may see them, those that were purged since among them."""
    links = select(merged.c.from_id).outerjoin_from(merged, rt.table, _taken_from(rt)).where(_holds(rt))
    return session().execute(select(_gathered(rt, id, links))).scalar() or []


def _gathered(rt: RecordType, id: UUID, links: sa.Select[tuple[UUID]]) -> sa.ScalarSelect[list[UUID]]:
    links = links.where(merged.c.tenant_id == current().tenant_id, merged.c.record == rt.key)
    part = links.where(merged.c.to_id == id).cte("part", recursive=True)
    part = part.union(links.where(merged.c.to_id == part.c.from_id))
    return select(sa.func.array_agg(part.c.from_id, type_=sa.ARRAY(sa.Uuid))).scalar_subquery()


def _taken_from(rt: RecordType) -> sa.ColumnElement[bool]:
    return sa.and_(rt.c.tenant_id == merged.c.tenant_id, rt.c.id == merged.c.from_id)


def _holds(rt: RecordType) -> sa.ColumnElement[bool]:
    """Whether a merge stands: what was merged is in the bin since, or was purged from there without coming back before."""
    back = select(change.c.seq).where(
        change.c.tenant_id == merged.c.tenant_id, change.c.root_id == merged.c.from_id, change.c.record == rt.key,
        change.c.record_id == merged.c.from_id, change.c.what == "restore", change.c.at > merged.c.at,
    )  # fmt: skip
    return sa.or_(rt.c.deleted_at == merged.c.at, sa.and_(rt.c.id.is_(None), ~back.exists()))
