"""Records that nobody needs: each kind of field, each way to point to another record, a collection of parts."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from ossature.api import (
    Mapped,
    Money,
    Part,
    Record,
    boolean,
    choice,
    day,
    decimal,
    email_address,
    integer,
    long_text,
    moment,
    money,
    part_of,
    phone_number,
    position,
    reference,
    secret,
    text,
    web_address,
    when,
)


class Shelf(Record):
    """Where samples stand; goes with everything on it."""

    __key__ = "_kinds.shelf"
    __label__ = "Shelf"
    __plural__ = "Shelves"
    __slug__ = "shelves"

    name: Mapped[str] = text("Name", max_length=80, sort=True, search=True)
    width: Mapped[int | None] = integer("Width", unit="cm", minimum=0, maximum=1000)
    depth: Mapped[int | None] = integer("Depth", unit="cm", minimum=0, maximum=1000)
    area: Mapped[int | None] = integer("Area", unit="cm²", sort=True, computed="width * depth")
    share: Mapped[Decimal | None] = decimal("Share", places=2, unit="%", computed="100.0 * depth / nullif(width, 0)")
    cost: Mapped[Money | None] = money("Cost", minimum=0)
    reduced: Mapped[Money | None] = money("Reduced", computed="round(cost_minor * 0.85)::bigint", currency="cost")
    score: Mapped[int | None] = integer("Score", tracked=False)


class Sample(Record):
    """One of everything."""

    __key__ = "_kinds.sample"
    __label__ = "Sample"
    __plural__ = "Samples"

    name: Mapped[str] = text("Name", max_length=80, sort=True, search=True)
    code: Mapped[str | None] = text("Code", max_length=20, unique=True)
    notes: Mapped[str | None] = long_text("Notes", search=True)
    email: Mapped[str | None] = email_address("E-mail")
    phone: Mapped[str | None] = phone_number("Telephone")
    website: Mapped[str | None] = web_address("Website")
    token: Mapped[str | None] = secret("Token")
    pieces: Mapped[int | None] = integer("Pieces", minimum=0, maximum=1_000_000, sort=True)
    grains: Mapped[int | None] = integer("Grains", minimum=0, maximum=2**62)
    ratio: Mapped[Decimal | None] = decimal("Ratio", places=3, minimum=Decimal(-1000), maximum=Decimal(1000), sort=True)
    price: Mapped[Money | None] = money("Price", minimum=0)
    fragile: Mapped[bool] = boolean("Fragile")
    taken_on: Mapped[date | None] = day("Taken on", sort=True)
    seen_at: Mapped[datetime | None] = moment("Seen at")
    state: Mapped[str] = choice("State", {"raw": "Raw", "cut": "Cut", "gone": "Gone"}, default="raw")
    remark: Mapped[str | None] = text("Remark", view="_kinds.sample.see_remark")
    shelf_id: Mapped[UUID | None] = reference("_kinds.shelf", "Shelf", on_delete="cascade")
    basis_id: Mapped[UUID | None] = reference("_kinds.sample", "Made from", on_delete="restrict")
    twin_id: Mapped[UUID | None] = reference("_kinds.sample", "Looks like", on_delete="clear")
    lost: Mapped[bool] = boolean("Lost")
    loss: Mapped[str | None] = text("How it was lost", max_length=100)
    sealed: Mapped[bool] = boolean("Sealed")

    __when__ = (
        when("lost").is_(True).shows("loss").requires("loss"),
        when("sealed").is_(True).locks("lost", "loss", "lines"),
        (when("state").is_("gone") & when("pieces").above(10)).requires("code"),
    )


class SampleLine(Part):
    """What was found in a sample."""

    __key__ = "_kinds.sample_line"
    __label__ = "Line"
    __plural__ = "Lines"

    sample_id: Mapped[UUID] = part_of("_kinds.sample", "lines")
    position: Mapped[int] = position()
    finding: Mapped[str] = text("Finding", max_length=100)
    share: Mapped[int | None] = integer("Share", unit="%", minimum=0, maximum=100)
    doubt: Mapped[str | None] = text("Doubt", max_length=100)
    count: Mapped[Decimal | None] = decimal("Count", places=3)
    each: Mapped[Money | None] = money("Each")
    total: Mapped[Money | None] = money("Total", computed="round(count * each_minor)::bigint", currency="each")

    __when__ = (
        when("share").above(50).requires("doubt"),
        when("finding").is_("gold").locks("share"),
    )
