"""Deals: what may be sold to whom, for how much, and how far it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from ossature.api import (
    Detail,
    Mapped,
    Money,
    Part,
    Record,
    RecordChange,
    choice,
    day,
    decimal,
    integer,
    long_text,
    moment,
    money,
    part_of,
    position,
    reference,
    text,
    translator,
    when,
)
from ossature_crm.models.reach import SOURCES

_, _l, ngettext = translator("crm")


class Deal(Record):
    """A chance to sell. Its value follows from its lines where there are any, its status from its stage."""

    __key__ = "crm.deal"
    __label__ = _l("Deal")
    __plural__ = _l("Deals")
    __new_label__ = _l("New deal")
    __icon__ = "target-arrow"

    name: Mapped[str] = text(_l("Name"), max_length=200, sort=True, search=True)
    value: Mapped[Money | None] = money(_l("Value"), minimum=0, help=_l("Follows from the lines where there are any."))
    pipeline_id: Mapped[UUID | None] = reference(
        "crm.pipeline", _l("Pipeline"), on_delete="restrict", help=_l("The first one unless you choose.")
    )
    stage_id: Mapped[UUID | None] = reference(
        "crm.stage", _l("Stage"), on_delete="restrict", help=_l("The first of the pipeline unless you choose."),
        board=True,
    )  # fmt: skip
    status: Mapped[str] = choice(
        _l("Status"), {"open": _l("Open"), "won": _l("Won"), "lost": _l("Lost")}, default="open", read_only=True
    )
    probability: Mapped[int | None] = integer(
        _l("Probability"), unit="%", minimum=0, maximum=100, help=_l("That of the stage unless you give another.")
    )
    weighted_value: Mapped[Money | None] = money(
        _l("Weighted value"), computed="round(value_minor * probability::numeric / 100)::bigint", currency="value"
    )
    expected_close: Mapped[date | None] = day(_l("Expected close"), sort=True)
    opened_on: Mapped[date | None] = day(_l("Opened on"), sort=True, help=_l("Today unless you choose."))
    closed_on: Mapped[date | None] = day(_l("Closed on"), sort=True, help=_l("Today when it is won or lost."))
    days_to_close: Mapped[int | None] = integer(_l("Days to close"), computed="closed_on - opened_on")
    company_id: Mapped[UUID | None] = reference("crm.company", _l("Company"))
    contact_id: Mapped[UUID | None] = reference("crm.contact", _l("Main contact"))
    source: Mapped[str | None] = choice(_l("Source"), SOURCES)
    won_reason: Mapped[str | None] = text(_l("Won because"), max_length=200)
    lost_reason: Mapped[str | None] = text(_l("Lost because"), max_length=200)
    description: Mapped[str | None] = long_text(_l("Description"), search=True)
    stage_changed_at: Mapped[datetime | None] = moment(_l("In this stage since"), read_only=True)
    stale_from: Mapped[date | None] = day(_l("Stale from"), sort=True, read_only=True, tracked=False)

    __when__ = (
        when("stage_id.kind").is_("lost").shows("lost_reason").requires("lost_reason"),
        when("stage_id.kind").is_("won").shows("won_reason"),
        when("stage_id.kind").in_("won", "lost").shows("closed_on"),
        # Each by itself, so that who turns a won deal into a lost one does not meet the lock.
        when("stage_id.kind").is_("won").locks("probability"),
        when("stage_id.kind").is_("lost").locks("probability"),
    )
    __import_as__ = {
        "name": (
            "opportunity", "opportunity name", "deal name", "deal", "opportunité", "nom de l'opportunité", "transaction",
            "nom de la transaction", "affaire", "nom de l'affaire",
        ),
        "value": (
            "amount", "montant", "close value", "deal value", "deal amount", "expected revenue", "revenu espéré",
            "montant de la transaction", "CA prévisionnel", "chiffre d'affaires prévisionnel",
        ),
        "stage_id": (
            "stage", "étape", "deal stage", "opportunity stage", "sales stage", "phase", "stade",
            "étape de la transaction", "phase de vente",
        ),
        "pipeline_id": ("pipeline", "sales pipeline", "tunnel", "tunnel de vente", "entonnoir", "pipeline de vente"),
        "expected_close": (
            "expected closing", "expected close date", "clôture prévue", "date de clôture prévue", "fermeture prévue",
            "échéance", "deadline",
        ),
        "closed_on": (
            "close date", "closed date", "closing date", "date closed", "date de clôture", "date de fermeture",
        ),
        "opened_on": (
            "engage date", "create date", "created date", "created on", "date created", "date de création", "créé le",
            "date d'ouverture",
        ),
        "lost_reason": ("lost reason", "loss reason", "closed lost reason", "raison de perte", "motif de perte",
                        "raison de la perte", "raison de la fermeture perdue"),
        "external_id": ("opportunity id", "id de l'opportunité", "id de la transaction", "lead id"),
        "won_reason": ("won reason", "closed won reason", "raison du gain", "raison de la fermeture gagnée"),
    }  # fmt: skip

    @classmethod
    def complete(cls, change: RecordChange) -> Mapping[str, Any]:
        from ossature_crm import deals

        return deals.complete(change)

    @classmethod
    def check(cls, change: RecordChange) -> Iterable[Detail]:
        from ossature_crm import deals

        return deals.refuse(change)


class DealLine(Part):
    """Something that is offered: so much of it, at a price, less a discount."""

    __key__ = "crm.deal_line"
    __label__ = _l("Line")
    __plural__ = _l("Lines")
    __title__ = "description"

    deal_id: Mapped[UUID] = part_of("crm.deal", "lines")
    position: Mapped[int] = position()
    description: Mapped[str] = text(_l("Description"), max_length=500)
    quantity: Mapped[Decimal] = decimal(
        _l("Quantity"), places=3, digits=12, minimum=Decimal(0), maximum=Decimal(1_000_000), default=Decimal(1)
    )
    unit_price: Mapped[Money] = money(_l("Unit price"), minimum=0, required=True)
    discount: Mapped[Decimal] = decimal(
        _l("Discount"), places=2, digits=5, unit="%", minimum=Decimal(0), maximum=Decimal(100), default=Decimal(0)
    )
    total: Mapped[Money | None] = money(
        _l("Total"), currency="unit_price",
        computed="round(quantity * unit_price_minor * (100 - discount) / 100)::bigint",
    )  # fmt: skip


class DealContact(Part):
    """Somebody else who has a say in it."""

    __key__ = "crm.deal_contact"
    __label__ = _l("Other contact")
    __plural__ = _l("Other contacts")

    deal_id: Mapped[UUID] = part_of("crm.deal", "contacts")
    contact_id: Mapped[UUID] = reference("crm.contact", _l("Contact"), on_delete="cascade")
    role: Mapped[str | None] = text(_l("Role"), max_length=80, help=_l("Such as decides, signs, uses it."))
