"""Reads of crm that are more than a filter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from ossature.api import current, reaches, record_type, session
from ossature_crm.deals import StageNow, stages


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


@dataclass(frozen=True, slots=True)
class PipelineNow:
    """A pipeline with its stages, each with how many live deals stand in it."""

    id: UUID
    name: str
    stages: list[tuple[StageNow, int]]


def pipelines() -> list[PipelineNow]:
    """The pipelines that the reader may see, the first one first; three statements however many."""
    pipeline, deal, tenant_id = record_type("crm.pipeline"), record_type("crm.deal"), current().tenant_id
    found = (
        session()
        .execute(
            select(pipeline.c.id, pipeline.c.name)
            .where(pipeline.c.tenant_id == tenant_id, pipeline.c.deleted_at.is_(None), reaches(pipeline))
            .order_by(pipeline.c.created_at, pipeline.c.id)
            .limit(50)
        )
        .all()
    )
    counts = {
        row[0]: row[1]
        for row in session().execute(
            select(deal.c.stage_id, func.count())
            .where(deal.c.tenant_id == tenant_id, deal.c.deleted_at.is_(None))
            .group_by(deal.c.stage_id)
        )
    }
    of: dict[UUID, list[tuple[StageNow, int]]] = {}
    for stage in stages(pipelines=[row.id for row in found]):
        of.setdefault(stage.pipeline_id, []).append((stage, counts.get(stage.id, 0)))
    return [PipelineNow(row.id, row.name, of.get(row.id, [])) for row in found]
