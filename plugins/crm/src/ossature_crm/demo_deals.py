"""Sample deals in a pipeline of their own, with lines and contacts; the same seed gives the same data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from ossature.api import DemoData, DemoSize, Money, current, insert_rows, record_type, translator
from ossature_crm import demo, pipelines
from ossature_crm.deals import StageNow, line_total, stages
from ossature_crm.demo_names import DEAL_REASONS, DEAL_SUBJECTS, PRODUCTS

_, _l, ngettext = translator("crm")

OPEN = {DemoSize.SMALL: 60, DemoSize.MEDIUM: 5_000, DemoSize.LARGE: 20_000}
CLOSED_SHARE = 0.4
"""Deals that are won or lost, against those that are open."""
SOURCES = ("website", "referral", "cold_call", "event", "partner", None)


class Sample(NamedTuple):
    """A deal with its lines and its other contacts, as columns."""

    deal: dict[str, Any]
    lines: list[dict[str, Any]]
    contacts: list[dict[str, Any]]


def load(size: DemoSize, session: Session, random: Random) -> None:
    """Deals of the companies and people that are there."""
    contact = record_type("crm.contact")
    people = [
        (row.id, row.company_id)
        for row in session.execute(
            select(contact.c.id, contact.c.company_id)
            .where(contact.c.tenant_id == current().tenant_id, contact.c.custom.contains(demo.MARK))
            .order_by(contact.c.id)
            .limit(5_000)
        )
    ]
    owners = demo.owners_of_samples(session)
    of = stages(pipelines.create_from("long", owned=False, custom=demo.MARK))
    open_stages = [stage for stage in of if stage.kind == "open"]
    closed = [stage for stage in of if stage.kind != "open"]
    lines: list[dict[str, Any]] = []
    contacts: list[dict[str, Any]] = []

    def deals() -> Iterator[dict[str, Any]]:
        for number in range(int(OPEN[size] * (1 + CLOSED_SHARE))):
            among = open_stages if number < OPEN[size] else closed
            stage = random.choices(among, range(len(among) + 1, 1, -1))[0]
            made = _deal(random, stage, owners, people)
            lines.extend(made.lines)
            contacts.extend(made.contacts)
            yield made.deal

    insert_rows(record_type("crm.deal"), deals())
    insert_rows(record_type("crm.deal_line"), lines)
    insert_rows(record_type("crm.deal_contact"), contacts)


def remove(session: Session) -> None:
    """Take away what `load` wrote; the pipeline stays where people put deals of their own into it."""
    deal, pipeline, tenant_id = record_type("crm.deal"), record_type("crm.pipeline"), current().tenant_id
    session.execute(delete(deal.table).where(deal.c.tenant_id == tenant_id, deal.c.custom.contains(demo.MARK)))
    used = exists().where(deal.c.tenant_id == tenant_id, deal.c.pipeline_id == pipeline.c.id)
    session.execute(
        delete(pipeline.table).where(pipeline.c.tenant_id == tenant_id, pipeline.c.custom.contains(demo.MARK), ~used)
    )


deals = DemoData("crm.deals", load, remove)


def _deal(random: Random, stage: StageNow, owners: list[UUID | None], people: list[tuple[UUID, UUID | None]]) -> Sample:
    at = demo.EPOCH + timedelta(minutes=random.randrange(300 * 24 * 60))
    moved = at + timedelta(days=random.randrange(1, 30))
    id = demo.sample_id(random, at)
    main, company = random.choice(people) if people else (None, None)
    lines = [_line(random, at, id, 10 * (n + 1)) for n in range(random.choice((0, 1, 1, 2, 3)))]
    money = Money(
        sum(line_total(one["quantity"], Money(one["unit_price_minor"], "EUR"), one["discount"]).minor for one in lines),
        "EUR",
    )
    if not lines:
        money = Money(random.randrange(5, 400) * 10_000, random.choices(("EUR", "CHF", "USD"), (8, 1, 1))[0])
    closed = stage.kind != "open"
    deal = {
        "id": id, "name": f"{random.choice(DEAL_SUBJECTS)} {random.randrange(2025, 2028)}", "value_minor": money.minor,
        "value_currency": money.currency, "pipeline_id": stage.pipeline_id, "stage_id": stage.id, "status": stage.kind,
        "probability": stage.chance, "expected_close": _day(moved, random.randrange(10, 150)),
        "opened_on": _day(at, 0), "closed_on": _day(moved, 0) if closed else None, "company_id": company, "contact_id": main,
        "source": random.choice(SOURCES), "lost_reason": random.choice(DEAL_REASONS) if stage.kind == "lost" else None,
        "stage_changed_at": moved, "owner_id": random.choice(owners), "created_at": at, "custom": demo.MARK,
    }  # fmt: skip
    others: list[dict[str, Any]] = []
    if people and random.random() < 0.3:
        other = random.choice(people)[0]
        others = [
            {"id": demo.sample_id(random, at), "deal_id": id, "contact_id": other, "role": None, "custom": demo.MARK}
        ]
    return Sample(deal, lines, others)


def _line(random: Random, at: datetime, deal_id: UUID, position: int) -> dict[str, Any]:
    description, price = random.choice(PRODUCTS)
    return {
        "id": demo.sample_id(random, at), "deal_id": deal_id, "position": position, "description": description,
        "quantity": Decimal(random.randrange(1, 13)), "unit_price_minor": price, "unit_price_currency": "EUR",
        "discount": Decimal(random.choice((0, 0, 0, 5, 10, 15))), "custom": demo.MARK,
    }  # fmt: skip


def _day(moment: datetime, later: int) -> date:
    return moment.astimezone(UTC).date() + timedelta(days=later)
