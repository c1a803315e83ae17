"""Pipelines: those to begin with, their rules, and moving the deals of a stage to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import case, cast, func, literal, null, select, text, update
from sqlalchemy.types import Date

from ossature.api import (
    ChangeKind,
    Conflict,
    Detail,
    Forbidden,
    NotFound,
    Reach,
    RecordChange,
    current,
    insert_rows,
    new_id,
    record_type,
    rules,
    session,
    translator,
)
from ossature_crm import deals

_, _l, ngettext = translator("crm")

MOST_STAGES = 20
GAP = 10


@dataclass(frozen=True, slots=True)
class Template:
    """A pipeline to begin with: its name, and name, probability and kind of each stage."""

    name: Any
    stages: tuple[tuple[Any, int, str], ...]


TEMPLATES: Mapping[str, Template] = {
    "short": Template(
        _l("Sales"),
        (
            (_l("Lead"), 10, "open"), (_l("Qualified"), 30, "open"), (_l("Proposal"), 60, "open"),
            (_l("Won"), 100, "won"), (_l("Lost"), 0, "lost"),
        ),
    ),
    "long": Template(
        _l("Sales with negotiation"),
        (
            (_l("Lead"), 10, "open"), (_l("Qualified"), 25, "open"), (_l("Proposal"), 50, "open"),
            (_l("Negotiation"), 75, "open"), (_l("Closed won"), 100, "won"), (_l("Closed lost"), 0, "lost"),
        ),
    ),
}  # fmt: skip


def default_pipeline() -> UUID:
    """The first pipeline of the organisation, made when there is none: so the first deal needs no preparation."""
    found = _first()
    if found is None:
        # One at a time, so that two first deals do not make two pipelines.
        session().execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))"),
            {"what": f"crm.pipeline {current().tenant_id}"},
        )
        found = _first() or create_from("short", owned=False)
    return found


def _first() -> UUID | None:
    rt = record_type("crm.pipeline")
    here = select(rt.c.id).where(rt.c.tenant_id == current().tenant_id, rt.c.deleted_at.is_(None))
    found: UUID | None = session().execute(here.order_by(rt.c.created_at, rt.c.id).limit(1)).scalar()
    return found


def create_from(template: str, *, owned: bool = True, custom: Mapping[str, Any] | None = None) -> UUID:
    """Write a pipeline with the stages of a template, in the language of whoever acts."""
    made, id = TEMPLATES[template], new_id()
    actor = current().actor
    owner = actor.id if owned and actor else None
    beside = {"custom": dict(custom)} if custom else {}
    insert_rows(record_type("crm.pipeline"), [{"id": id, "name": str(made.name), "owner_id": owner, **beside}])
    insert_rows(
        record_type("crm.stage"),
        [
            {"id": new_id(), "pipeline_id": id, "position": GAP * (place + 1), "name": str(name), "kind": kind,
             "probability": probability, **beside}
            for place, (name, probability, kind) in enumerate(made.stages)
        ],
    )  # fmt: skip
    return id


def refuse(change: RecordChange) -> Iterator[Detail]:
    """A pipeline has an open stage, names apart, and keeps the stages that deals stand in."""
    if "stages" not in change.after and change.kind is not ChangeKind.CREATED:
        return
    now = change.after.get("stages") or []
    if not any(stage.get("kind", "open") == "open" for stage in now):
        yield Detail("stages", "required", _("Give at least one open stage, in which deals begin."))
    if len(now) > MOST_STAGES:
        yield Detail("stages", "too_many", _("Give at most %(n)d stages.", n=MOST_STAGES))
    seen: set[str] = set()
    for number, stage in enumerate(now):
        name = rules.folded(stage.get("name") or "")
        if name in seen:
            yield Detail(f"stages.{number}.name", "repeated", _("Another stage of this pipeline has this name."))
        seen.add(name)
    yield from _refuse_taken_stages(change, now)


def _refuse_taken_stages(change: RecordChange, now: list[Mapping[str, Any]]) -> Iterator[Detail]:
    before = {row["id"]: row for row in change.before.get("stages") or ()}
    after = {row["id"]: (number, row) for number, row in enumerate(now) if row.get("id") in before}
    touched = [id for id in before if id not in after or after[id][1]["kind"] != before[id]["kind"]]
    counts = _deals_in(touched)
    for id in touched:
        if not counts.get(id):
            continue
        said = ngettext(
            "%(num)d deal stands in %(stage)s.", "%(num)d deals stand in %(stage)s.", counts[id],
            stage=before[id]["name"],
        )  # fmt: skip
        if id in after:
            where, what = f"stages.{after[id][0]}.kind", _("Its kind cannot change before they are moved.")
        else:
            where, what = "stages", _("Move them to another stage first, in Settings, Pipelines.")
        yield Detail(where, "in_use", f"{said} {what}", {"stage": str(id), "deals": counts[id]})


def _deals_in(stage_ids: list[UUID]) -> dict[UUID, int]:
    """How many live deals stand in these stages, which stay locked so that none comes in meanwhile."""
    if not stage_ids:
        return {}
    stage, deal = record_type("crm.stage"), record_type("crm.deal")
    here = stage.c.tenant_id == current().tenant_id
    session().execute(select(stage.c.id).where(here, stage.c.id.in_(stage_ids)).with_for_update())
    rows = session().execute(
        select(deal.c.stage_id, func.count())
        .where(deal.c.tenant_id == current().tenant_id, deal.c.stage_id.in_(stage_ids), deal.c.deleted_at.is_(None))
        .group_by(deal.c.stage_id)
    )
    return {row[0]: row[1] for row in rows}


def move_deals(pipeline_id: UUID, from_id: UUID, to_id: UUID) -> int:
    """Move every live deal of a stage to an open stage of the same pipeline; how many there were.

    Raises `NotFound` where the pipeline has no such stages, `Conflict` for a target that is not open or asks for something.
    """
    if current().access.reach("crm.deal.edit") is not Reach.ALL:
        raise Forbidden(_("Only who may change every deal can move all of a stage."), permission="crm.deal.edit")
    stage = record_type("crm.stage")  # held, so that neither is removed or changed before the deals have moved
    session().execute(
        select(stage.c.id)
        .where(stage.c.tenant_id == current().tenant_id, stage.c.id.in_([from_id, to_id]))
        .order_by(stage.c.id)
        .with_for_update(read=True)
    )
    by_id = {stage.id: stage for stage in deals.stages(pipeline_id)}
    if from_id not in by_id or to_id not in by_id:
        raise NotFound(_("This pipeline has no such stage (any more)."))
    to = by_id[to_id]
    if to.kind != "open" or to.requires or from_id == to_id:
        raise Conflict(_("Choose another stage that is open and asks for nothing; deals are closed one by one."))
    deal = record_type("crm.deal")
    values = {
        "stage_id": to.id, "status": to.kind, "probability": to.chance, "stage_changed_at": datetime.now(UTC),
        "stale_from": to.stale_from(deals.today()), "closed_on": None, "won_reason": None, "lost_reason": None,
    }  # fmt: skip
    moved = session().execute(
        update(deal.table)
        .where(deal.c.tenant_id == current().tenant_id, deal.c.stage_id == from_id, deal.c.deleted_at.is_(None))
        .values(values)
    )
    count: int = moved.rowcount  # type: ignore[attr-defined]
    return count


def age_anew(stage_ids: list[UUID]) -> None:
    """Say again from when the deals of some stages are stale, by what the stages say now."""
    deal, stage = record_type("crm.deal"), record_type("crm.stage")
    since = cast(func.timezone(current().time_zone, deal.c.stage_changed_at), Date)
    stale = case((stage.c.kind == literal("open"), since + stage.c.rotting_days), else_=null())
    session().execute(
        update(deal.table)
        .where(
            deal.c.tenant_id == current().tenant_id, deal.c.stage_id == stage.c.id, stage.c.tenant_id == deal.c.tenant_id,
            stage.c.id.in_(stage_ids), deal.c.deleted_at.is_(None), deal.c.stale_from.is_distinct_from(stale),
        )
        .values(stale_from=stale)
    )  # fmt: skip
