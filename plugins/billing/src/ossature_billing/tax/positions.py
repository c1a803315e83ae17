"""The position of a line: which tax applies, by who sells what to whom and where.

The seller is established in France. Not decided here, and so to be stated by hand: sales between French territories of
different tax (CGI 294), distance sales taxed where they arrive (the one-stop shop), and services with a place of their
own (CGI 259 A: buildings, transport of persons, meals, entrance), whose `place` people state.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from ossature.api import translator
from ossature_billing.calculation import ZERO, group_of
from ossature_billing.documents import Document, Line, Party, TaxGroup
from ossature_billing.rules.failures import Failure, blank
from ossature_billing.rules.terms import name_of
from ossature_billing.tax.data import Exemption, Rate, TaxRefused, exemption_on, rate_on

_, _l, _n = translator("billing")

UNION = frozenset(
    ["AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"]
)  # fmt: skip
"""The member states, in the codes of ISO 3166."""
NORTHERN_IRELAND = "XI"
"""In the Union for goods alone."""
PREFIXES = (UNION - {"GR", "FR"}) | {"EL", NORTHERN_IRELAND}
"""What the VAT numbers of another member state begin with."""
OF_TERRITORY = {"metropole": "FR", "corsica": "FR", "guadeloupe": "GP", "martinique": "MQ", "reunion": "RE"}
"""Territories as countries."""
OVERSEAS = frozenset(["GF", "GP", "MQ", "RE", "YT", "BL", "MF", "PM", "WF", "PF", "NC", "TF"])
MONACO = "MC"
"""Taxed as France is (convention of 18 May 1963)."""
UNTAXED = "O"
BOTH_NUMBERS = ("K", "AE")
"""Categories whose documents carry the VAT numbers of both (CGI, annex II, art. 242 nonies A, I, 3° and 4°)."""
LAW_OF_NUMBERS = "CGI-ANN2-242-NONIES-A"

_NUMBER = re.compile(r"[A-Z]{2}[A-Z0-9+*.]{2,13}")


class Kind(StrEnum):
    """What is sold."""

    GOODS = "goods"
    SERVICE = "service"
    TRAINING = "training"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """What the position asks of a legal entity."""

    territory: str = "metropole"
    franchise: bool = False
    """A small business that charges no VAT (CGI 293 B)"""
    training_attested: bool = False
    """Holds the attestation (form 3511) that exempts its continuing training (CGI 261, 4, 4° a)"""
    on_debits: bool = False
    """Has opted for tax on services to fall due when they are invoiced (CGI 269, 2, c), not when they are paid"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """What the position asks of a customer."""

    country: str
    """ISO 3166; `XI` for Northern Ireland"""
    vat_number: str | None = None
    firm: bool = True
    """False for a private person"""
    exemption: str | None = None
    """The key of an exemption that the customer has for what is taxed in France, as `diplomatic`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """What the position asks of a line."""

    kind: Kind
    rate: str
    """The key of the rate, where tax is charged"""
    exemption: str | None = None
    """The key of an exemption or a reverse charge that what is sold has in France, as `education` or `construction`"""
    place: str | None = None
    """The country in which a service is taxed when it has a place of its own; goods that stay in France say `FR`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The tax of a line: either a rate, or an exemption. Raises ValueError for both and for none."""

    rate: Rate | None = None
    exemption: Exemption | None = None

    def __post_init__(self) -> None:
        if (self.rate is None) == (self.exemption is None):
            raise ValueError("a position is a rate or an exemption")

    @property
    def category(self) -> str:
        """BT-151"""
        return self.exemption.category if self.exemption else "S"

    @property
    def percent(self) -> Decimal | None:
        """BT-152: zero for what is exempt, none for what is not subject to VAT"""
        if self.exemption is not None:
            return None if self.category == UNTAXED else ZERO
        return self.rate.percent if self.rate else None

    @property
    def both_numbers(self) -> bool:
        """Whether the document has to carry the VAT numbers of seller and buyer."""
        return self.category in BOTH_NUMBERS


def position(seller: Seller, customer: Customer, sale: Sale, day: date) -> Position:
    """The tax of a line on the day that its tax falls due. Raises TaxRefused with what people have to state.

    The law asked in turn: what is no supply at all (256), the place of the supply (258, 259), what leaves France (262,
    262 ter), what is exempt or reversed as such (261, 283), the seller's regime (293 B), the customer's own exemption.
    """
    stated = exemption_on(sale.exemption, day) if sale.exemption else None
    if stated and stated.category == UNTAXED:
        return Position(exemption=stated)
    place = _place(seller, customer, sale)
    if place == "abroad":
        return _abroad(customer, day)
    if place in ("union", "export") and not seller.franchise:  # what it sells is exempt by 293 B before it leaves
        return Position(exemption=exemption_on("intra-eu-goods" if place == "union" else "export", day))
    if sale.kind is Kind.TRAINING and seller.training_attested:
        return Position(exemption=exemption_on("training", day))
    if stated and stated.category == "AE":
        if not customer.firm or blank(customer.vat_number):
            raise TaxRefused(_("The reverse charge needs a customer with a VAT number."))
        # a small business charges no tax that its customer could owe instead
        return Position(exemption=exemption_on("franchise", day) if seller.franchise else stated)
    if stated:
        return Position(exemption=stated)
    if seller.franchise:
        return Position(exemption=exemption_on("franchise", day))
    if customer.exemption is not None:
        return Position(exemption=exemption_on(customer.exemption, day))
    rate = rate_on(sale.rate, day)
    if rate.territory != seller.territory:
        raise TaxRefused(_("The rate %(rate)s is not one of the seller’s territory.", rate=rate.name))
    return Position(rate=rate)


def foreign_number(customer: Customer) -> bool:
    """Whether the customer is known by the VAT number of another member state. Its form is looked at, not its truth."""
    number = re.sub(r"[\s.-]", "", customer.vat_number or "").upper()
    return customer.firm and number[:2] in PREFIXES and _NUMBER.fullmatch(number) is not None


def _place(seller: Seller, customer: Customer, sale: Sale) -> str:
    """`france`, `abroad` (a service taxed elsewhere), `union` or `export` (goods that leave)."""
    if sale.place is not None and sale.place in _home(seller):
        return "france"
    if customer.country in _home(seller):
        if sale.place is not None:
            raise TaxRefused(_("What is taxed in another country needs its tax stated by hand."))
        return "france"
    if customer.country in OVERSEAS | {"FR", MONACO}:
        raise TaxRefused(_("Between French territories of different tax (CGI 294) state the tax by hand."))
    if sale.kind is not Kind.GOODS:
        if not customer.firm:  # CGI 259, 2°: where the seller is
            return "france"
        if customer.country in UNION and not foreign_number(customer):
            raise TaxRefused(
                _("A firm in another country of the Union needs its VAT number; without one it is billed as a person.")
            )
        return "abroad"
    if customer.country not in UNION | {NORTHERN_IRELAND}:
        return "export"
    return "union" if foreign_number(customer) else "france"


def _home(seller: Seller) -> frozenset[str]:
    """The countries that are the seller's territory; mainland France, Corsica and Monaco are one."""
    country = OF_TERRITORY[seller.territory]
    return frozenset({"FR", MONACO}) if country == "FR" else frozenset({country})


def _abroad(customer: Customer, day: date) -> Position:
    """CGI 259, 1°: a service to a firm is taxed where the firm is; in the Union the firm owes the tax."""
    return Position(
        exemption=exemption_on("intra-eu-services" if customer.country in UNION else "services-abroad", day)
    )


def taxed_by(document: Document, positions: Sequence[Position]) -> Document:
    """The draft with the tax of its lines, in their order, and the reasons of exemption in the document's language.

    What is not subject to VAT goes without VAT numbers (BR-O-02). Allowances and charges of the document keep the tax
    that they state. Raises TaxRefused where EN 16931 allows no such mix: one document has one reason for each category,
    and what is not subject to VAT stands alone; two documents are needed.
    """
    if len(positions) != len(document.lines):
        raise ValueError(f"{len(document.lines)} lines have {len(positions)} positions")
    reasons: dict[str, Exemption] = {}
    for one in positions:
        if one.exemption is not None and reasons.setdefault(one.category, one.exemption) != one.exemption:
            raise TaxRefused(
                _(
                    "“%(one)s” and “%(other)s” cannot stand in one document; make two of it.",
                    one=reasons[one.category].mention(document.language),
                    other=one.exemption.mention(document.language),
                )
            )
    if UNTAXED in reasons and any(one.category != UNTAXED for one in positions):
        raise TaxRefused(_("What is not subject to VAT cannot stand in one document with what is; make two of it."))
    lines = tuple(
        replace(line, category=one.category, rate=one.percent)
        for line, one in zip(document.lines, positions, strict=True)
    )
    done = replace(document, lines=lines, breakdown=_reasons(lines, reasons, document))
    return _without_numbers(done) if UNTAXED in reasons else done


def _reasons(lines: Iterable[Line], reasons: dict[str, Exemption], document: Document) -> tuple[TaxGroup, ...]:
    """Those of the lines, and what the document said of the tax of its own allowances and charges."""
    used = dict.fromkeys(group_of(line.category, line.rate) for line in lines if line.category in reasons)
    others = (one for one in document.breakdown if group_of(one.category, one.rate) not in used)
    return (
        *(
            TaxGroup(
                category=category, rate=rate, exemption=reasons[category].mention(document.language),
                exemption_code=reasons[category].code,
            )
            for category, rate in used
            if category is not None
        ),
        *(replace(one, base=None, tax=None) for one in others if one.exemption or one.exemption_code),
    )  # fmt: skip


def _without_numbers(document: Document) -> Document:
    return replace(
        document,
        seller=document.seller and replace(document.seller, vat_id=None),
        buyer=document.buyer and replace(document.buyer, vat_id=None),
    )


def numbers_missing(document: Document) -> tuple[Failure, ...]:
    """The VAT numbers that the law asks for and the document lacks: of both, where the buyer owes the tax or receives
    goods from another member state. EN 16931 itself is content with a registration for category AE."""
    if not any(line.category in BOTH_NUMBERS for line in document.lines):
        return ()
    agent = document.tax_representative or Party()
    known = {
        "BT-31": ("seller.vat_id", (document.seller or Party()).vat_id or agent.vat_id),
        "BT-48": ("buyer.vat_id", (document.buyer or Party()).vat_id),
    }
    return tuple(
        Failure(LAW_OF_NUMBERS, term, path, _("Missing: %(name)s.", name=name_of(term)))
        for term, (path, number) in known.items()
        if blank(number)
    )
