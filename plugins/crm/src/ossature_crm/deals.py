"""Rules of deals: what follows from the stage and the lines, and what a stage asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from ossature.api import ChangeKind, Detail, Money, RecordChange, current, record_type, session, translator

_, _l, ngettext = translator("crm")

LARGEST_TOTAL = 10**15
"""Minor units that a deal may come to."""
CLOSED = {"won": 100, "lost": 0}
"""The probability of what is closed."""
NEEDS = {
    "requires_company": ("company_id", _l("a company")),
    "requires_contact": ("contact_id", _l("a contact")),
    "requires_value": ("value", _l("a value")),
    "requires_close": ("expected_close", _l("an expected close")),
}
"""What a stage can ask for, the field that answers it, and how that is called in a sentence."""


@dataclass(frozen=True, slots=True)
class StageNow:
    """A stage as it stands."""

    id: UUID
    pipeline_id: UUID
    name: str
    kind: str
    probability: int
    rotting_days: int | None
    requires: tuple[str, ...]

    def stale_from(self, since: date) -> date | None:
        """The day from which a deal that came here is stale; None where it never is."""
        return since + timedelta(days=self.rotting_days) if self.kind == "open" and self.rotting_days else None

    @property
    def chance(self) -> int:
        return CLOSED.get(self.kind, self.probability)


def stages(pipeline_id: UUID | None = None, id: UUID | None = None, pipelines: Sequence[UUID] = ()) -> list[StageNow]:
    """The stages of a pipeline in their order, or of several, or the one with that id."""
    rt = record_type("crm.stage")
    named = [rt.c[name] for name in ("id", "pipeline_id", "name", "kind", "probability", "rotting_days")]
    which = (
        rt.c.id == id if id is not None else rt.c.pipeline_id.in_([*pipelines, *([pipeline_id] if pipeline_id else [])])
    )
    rows = session().execute(
        select(*named, *(rt.c[name] for name in NEEDS))
        .where(rt.c.tenant_id == current().tenant_id, rt.c.deleted_at.is_(None), which)
        .order_by(rt.c.position, rt.c.id)
    )
    found = []
    for id_, of, name, kind, probability, rotting, *asks in rows:
        requires = tuple(need for need, on in zip(NEEDS, asks, strict=True) if on)
        found.append(StageNow(id_, of, name, kind, probability, rotting, requires))
    return found


def stage_by_id(id: UUID | None) -> StageNow | None:
    return next(iter(stages(id=id)), None) if id is not None else None


def line_total(quantity: Decimal, unit_price: Money, discount: Decimal) -> Money:
    """What a line comes to, rounded half up to the minor unit; the database computes the same."""
    minor = quantity * unit_price.minor * (100 - discount) / 100
    return Money(int(minor.quantize(Decimal(1), ROUND_HALF_UP)), unit_price.currency)


def today() -> date:
    return datetime.now(ZoneInfo(current().time_zone)).date()


# -- what follows ------------------------------------------------------------------------------------------------------


def complete(change: RecordChange) -> dict[str, Any]:
    """Place, status, probability and dates from the stage; the value from the lines."""
    follows: dict[str, Any] = {}
    if change.kind is ChangeKind.CREATED or change.changed & {"stage_id", "pipeline_id"}:
        follows |= _place(change)
    stage_id = follows.get("stage_id", change.after.get("stage_id"))
    if stage_id != change.before.get("stage_id") and (stage := stage_by_id(stage_id)):
        follows |= _arrival(change, stage)
    elif change.before and _emptied(change, "probability") and (stage := stage_by_id(stage_id)):
        follows["probability"] = stage.chance
    follows |= _opening(change, follows.get("closed_on", change.after.get("closed_on")))
    total = _lines_total(change)
    if total is not None:
        follows["value"] = total
    return follows


def _emptied(change: RecordChange, name: str) -> bool:
    return name in change.changed and change.after.get(name) is None


def _place(change: RecordChange) -> dict[str, Any]:
    """A pipeline and a stage for who names one of them or none."""
    from ossature_crm import pipelines

    stage_id, pipeline_id = change.after.get("stage_id"), change.after.get("pipeline_id")
    moved = change.before and "pipeline_id" in change.changed and "stage_id" not in change.changed
    if stage_id is not None and pipeline_id is not None and not moved:
        return {}
    if stage_id is not None and not moved:
        stage = stage_by_id(stage_id)
        return {"pipeline_id": stage.pipeline_id} if stage else {}
    pipeline_id = pipeline_id or pipelines.default_pipeline()
    first = next((stage for stage in stages(pipeline_id) if stage.kind == "open"), None)
    return {"pipeline_id": pipeline_id, "stage_id": first.id if first else None}


def _arrival(change: RecordChange, stage: StageNow) -> dict[str, Any]:
    """What coming to a stage sets: since when, the chance unless it was given by hand, the day of closing."""
    arrived: dict[str, Any] = {
        "stage_changed_at": datetime.now(UTC), "status": stage.kind, "stale_from": stage.stale_from(today()),
    }  # fmt: skip
    if stage.kind in CLOSED or not _by_hand(change):
        arrived["probability"] = stage.chance
    if stage.kind == "open":
        arrived |= {"closed_on": None, "won_reason": None, "lost_reason": None}
    else:
        other = "lost_reason" if stage.kind == "won" else "won_reason"
        given = change.after.get("closed_on") if "closed_on" in change.changed else None
        arrived |= {"closed_on": given or today(), other: None}
    return arrived


def _opening(change: RecordChange, closed_on: date | None) -> dict[str, Any]:
    """The day of opening where nobody gives one: that of writing, and none later than the day of closing. One that a
    deal has yields to the day on which it happens to be closed, but to none that somebody gives."""
    if "opened_on" in change.changed:
        return {}
    created = change.kind is ChangeKind.CREATED
    opened = today() if created else change.after.get("opened_on")
    if opened and closed_on and closed_on < opened and (created or "closed_on" not in change.changed):
        opened = closed_on
    return {"opened_on": opened} if opened != change.before.get("opened_on") else {}


def _by_hand(change: RecordChange) -> bool:
    """Whether somebody gave the probability: now, or earlier another than the stage had."""
    if change.after.get("probability") is None:
        return False
    if "probability" in change.changed:
        return True
    before = stage_by_id(change.before.get("stage_id"))
    return before is not None and before.kind == "open" and change.before.get("probability") != before.chance


def _lines_total(change: RecordChange) -> Money | None:
    """What the lines come to, where they or the value are written and they are of one currency."""
    lines: Sequence[Mapping[str, Any]]
    if "lines" in change.after:
        lines = change.after["lines"]
    elif change.before and "value" in change.changed:
        lines = _stored_lines(change.id)
    else:
        return None
    prices = [line["unit_price"] for line in lines if line.get("unit_price")]
    if not prices or len(prices) < len(lines) or len({price.currency for price in prices}) > 1:
        return None
    totals = [line_total(line["quantity"], line["unit_price"], line["discount"]) for line in lines]
    return Money(sum(total.minor for total in totals), totals[0].currency)


def _stored_lines(deal_id: UUID) -> list[dict[str, Any]]:
    line = record_type("crm.deal_line")
    rows = session().execute(
        select(line.c.quantity, line.c.discount, line.c.unit_price_minor, line.c.unit_price_currency).where(
            line.c.tenant_id == current().tenant_id, line.c.deal_id == deal_id, line.c.deleted_at.is_(None)
        )
    )
    return [{"quantity": q, "discount": d, "unit_price": Money(minor, currency)} for q, d, minor, currency in rows]


# -- what is refused ---------------------------------------------------------------------------------------------------


def refuse(change: RecordChange) -> Iterator[Detail]:
    """A deal has one currency, stands in a stage of its own pipeline, and has what the stage asks for."""
    yield from _refuse_lines(change)
    if change.kind is ChangeKind.RESTORED:
        return
    opened, closed = change.after.get("opened_on"), change.after.get("closed_on")
    if opened and closed and closed < opened:
        if "closed_on" in change.changed:
            message = _("The deal was opened later than that. Correct this day, or the one of opening along with it.")
            yield Detail("closed_on", "before_opening", message)
        elif "opened_on" in change.changed:
            yield Detail("opened_on", "after_closing", _("Give a day that is not after the one of closing."))
    stage = stage_by_id(change.after.get("stage_id"))
    if stage is None:
        return
    if stage.pipeline_id != change.after.get("pipeline_id"):
        names = ", ".join(one.name for one in stages(change.after.get("pipeline_id")))
        yield Detail(
            "stage_id", "other_pipeline",
            _("%(stage)s belongs to another pipeline. This one has: %(names)s.", stage=stage.name, names=names),
        )  # fmt: skip
        return
    arrived = "stage_id" in change.changed
    for name in stage.requires:
        field, words = NEEDS[name]
        missing = not change.after.get(field)
        if field == "contact_id" and change.after.get("contacts"):
            missing = False
        if missing and (arrived or field in change.changed):
            yield Detail(
                field, "required", _("In the stage %(stage)s a deal needs %(what)s.", stage=stage.name, what=words)
            )


def _refuse_lines(change: RecordChange) -> Iterator[Detail]:
    lines = change.after.get("lines") or ()
    first = next((line["unit_price"].currency for line in lines if line.get("unit_price")), None)
    for number, line in enumerate(lines):
        price = line.get("unit_price")
        if price is None:
            continue
        if price.currency != first:
            yield Detail(
                f"lines.{number}.unit_price", "other_currency",
                _(
                    "Line %(n)d is in %(currency)s, the first one in %(first)s; a deal has one currency.",
                    n=number + 1, currency=price.currency, first=first,
                ),
            )  # fmt: skip
        elif line_total(line["quantity"], price, line["discount"]).minor > LARGEST_TOTAL:
            yield Detail(f"lines.{number}.quantity", "too_large", _("This line comes to too much."))
