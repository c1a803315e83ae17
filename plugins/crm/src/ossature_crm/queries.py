"""Reads of crm that are more than a filter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from ossature.api import current, reaches, record_type, session


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A contact that was added lately."""

    id: UUID
    name: str
    status: str
    created_at: datetime


def newest_contacts(number: int = 6) -> list[Newcomer]:
    """The contacts added last, of those that the reader may see."""
    rt = record_type("crm.contact")
    rows = session().execute(
        select(rt.c.id, rt.c.name, rt.c.status, rt.c.created_at)
        .where(rt.c.tenant_id == current().tenant_id, rt.c.deleted_at.is_(None), reaches(rt))
        .order_by(rt.c.created_at.desc(), rt.c.id.desc())
        .limit(number)
    )
    return [Newcomer(*row) for row in rows]


def contacts_by_status() -> dict[str, int]:
    """How many of the reader's own contacts stand in each status."""
    rt, context = record_type("crm.contact"), current()
    rows = session().execute(
        select(rt.c.status, func.count())
        .where(
            rt.c.tenant_id == context.tenant_id,
            rt.c.deleted_at.is_(None),
            rt.c.owner_id == (context.actor.id if context.actor else None),
            reaches(rt),
        )
        .group_by(rt.c.status)
    )
    return {row[0]: row[1] for row in rows}
