"""What an invoice or a credit note says, in the terms of EN 16931 (`BT-1` a term, `BG-25` a group of terms).

A document is data alone: a draft whose amounts are not worked out yet (`calculation.calculate` does), one that is
ready for issue, or one that was issued. `None` and an empty tuple mean "not stated"; nothing has a default that means
something, so that a document read in ten years says what it said when it was frozen.

Amounts are decimals in major units of the document's currency (BT-5), percentages and rates are 20 for 20 %, days have
no time zone, codes are those of the lists that EN 16931 names. `freezing` writes documents as bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, PlainSerializer


def plain(number: Decimal) -> str:
    """A number as its shortest decimal text, equal numbers alike: `10` of 10.00, `-0.5`, never `-0`, `1E+3` or `NaN`.

    Raises ValueError when it is not finite.
    """
    if not number.is_finite():
        raise ValueError(f"{number} is not a number that a document can state")
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _written(value: object) -> object:
    """Numbers are read from text alone: what went through a float is no longer what was written."""
    if not isinstance(value, str | Decimal):
        raise ValueError("a number of a document is written as text")
    return value


Number = Annotated[Decimal, BeforeValidator(_written), PlainSerializer(plain, return_type=str)]


class Stated:
    """What all groups of terms share: a name that is unknown is refused when a document is read."""

    __slots__ = ()
    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier(Stated):
    """An identifier and the list it comes from: `0002` a SIREN, `0009` a SIRET, `0225` a French electronic address."""

    value: str
    scheme: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Stated):
    """A note (BG-1): its subject code (BT-21) of UNTDID 4451, and its text (BT-22).

    France asks for PMT (fixed indemnity of 40 EUR), PMD (late penalties) and AAB (discount for early payment, or none),
    and knows TXD (member of a single VAT group), BAR (treatment: B2B, B2BINT, B2C ...) and ABL (registration).
    """

    subject: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preceding(Stated):
    """An earlier document that this one corrects, credits or settles (BG-3)."""

    number: str | None = None
    """BT-25"""
    issue_date: date | None = None
    """BT-26"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address(Stated):
    """A postal address: of the seller (BG-5), the buyer (BG-8), a tax representative (BG-12) or a delivery (BG-15)."""

    line1: str | None = None
    line2: str | None = None
    line3: str | None = None
    city: str | None = None
    postcode: str | None = None
    subdivision: str | None = None
    country: str | None = None
    """ISO 3166-1 alpha-2: BT-40, BT-55, BT-69, BT-80"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact(Stated):
    """Whom to ask: of the seller (BG-6) or the buyer (BG-9)."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Party(Stated):
    """The seller (BG-4), the buyer (BG-7), the payee (BG-10), the tax representative (BG-11) or the payer.

    The payer is a term of the French extension (EXT-FR-FE-BG-02): who pays when it is not the buyer.
    """

    name: str | None = None
    """BT-27, BT-44, BT-59, BT-62"""
    trading_name: str | None = None
    """BT-28, BT-45"""
    identifiers: tuple[Identifier, ...] = ()
    """BT-29, BT-46, BT-60: among them the SIRET (scheme 0009)"""
    legal_id: Identifier | None = None
    """BT-30, BT-47, BT-61: the SIREN (scheme 0002)"""
    vat_id: str | None = None
    """BT-31, BT-48, BT-63"""
    tax_id: str | None = None
    """BT-32: registered for tax otherwise than for VAT"""
    legal_text: str | None = None
    """BT-33: legal form, capital, place of registration"""
    electronic_address: Identifier | None = None
    """BT-34, BT-49"""
    address: Address | None = None
    contact: Contact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Period(Stated):
    """A period: of the document (BG-14: BT-73, BT-74) or of a line (BG-26: BT-134, BT-135), both days included."""

    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Stated):
    """What was delivered where and when (BG-13)."""

    name: str | None = None
    """BT-70"""
    location: Identifier | None = None
    """BT-71"""
    day: date | None = None
    """BT-72"""
    address: Address | None = None
    """BG-15"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Stated):
    """An account to transfer to (BG-17)."""

    id: str | None = None
    """BT-84: an IBAN"""
    name: str | None = None
    """BT-85"""
    bank: str | None = None
    """BT-86: a BIC"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment(Stated):
    """How to pay (BG-16)."""

    means: str | None = None
    """BT-81, UNTDID 4461: 30 a transfer, 58 a SEPA transfer, 59 a SEPA debit, 48 a card, 20 a cheque, 10 cash"""
    means_text: str | None = None
    """BT-82"""
    remittance: str | None = None
    """BT-83: what the payer is asked to repeat"""
    accounts: tuple[Account, ...] = ()
    """BG-17"""
    mandate: str | None = None
    """BT-89, of a direct debit (BG-19)"""
    creditor: str | None = None
    """BT-90"""
    debited_account: str | None = None
    """BT-91"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment(Stated):
    """An allowance or a charge: of the document (BG-20, BG-21) or of a line (BG-27, BG-28), which has no tax of its own.

    Either the amount is stated, or a percentage of which the calculation makes the amount.
    """

    amount: Number | None = None
    """BT-92, BT-99, BT-136, BT-141"""
    base: Number | None = None
    """BT-93, BT-100, BT-137, BT-142"""
    percent: Number | None = None
    """BT-94, BT-101, BT-138, BT-143"""
    reason: str | None = None
    """BT-97, BT-104, BT-139, BT-144"""
    reason_code: str | None = None
    """BT-98, BT-140 of UNTDID 5189; BT-105, BT-145 of UNTDID 7161"""
    category: str | None = None
    """BT-95, BT-102"""
    rate: Number | None = None
    """BT-96, BT-103"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price(Stated):
    """The price of one item, without tax (BG-29), to 6 decimals."""

    net: Number | None = None
    """BT-146: what counts"""
    discount: Number | None = None
    """BT-147: what was taken off the gross price"""
    gross: Number | None = None
    """BT-148"""
    base_quantity: Number | None = None
    """BT-149: for how many units the price is; one when not stated"""
    unit: str | None = None
    """BT-150"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute(Stated):
    """A property of an item (BG-32): its name (BT-160) and value (BT-161)."""

    name: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Stated):
    """A line (BG-25)."""

    id: str | None = None
    """BT-126"""
    note: str | None = None
    """BT-127"""
    object: Identifier | None = None
    """BT-128: what is billed, as a subscription or a meter"""
    quantity: Number | None = None
    """BT-129, to 4 decimals"""
    unit: str | None = None
    """BT-130, UN/ECE Recommendation 20: C62 one, HUR hour, DAY day"""
    net: Number | None = None
    """BT-131: without tax, after the allowances and charges of the line"""
    order_line: str | None = None
    """BT-132"""
    accounting_reference: str | None = None
    """BT-133"""
    period: Period | None = None
    """BG-26"""
    allowances: tuple[Adjustment, ...] = ()
    """BG-27"""
    charges: tuple[Adjustment, ...] = ()
    """BG-28"""
    price: Price | None = None
    """BG-29"""
    category: str | None = None
    """BT-151, UNTDID 5305: S, Z, E, AE, K, G, O"""
    rate: Number | None = None
    """BT-152"""
    name: str | None = None
    """BT-153"""
    description: str | None = None
    """BT-154"""
    seller_item: str | None = None
    """BT-155"""
    buyer_item: str | None = None
    """BT-156"""
    standard_item: Identifier | None = None
    """BT-157: a GTIN (scheme 0160)"""
    origin_country: str | None = None
    """BT-159"""
    attributes: tuple[Attribute, ...] = ()
    """BG-32"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxGroup(Stated):
    """What is taxed alike (BG-23). In a draft it says why a category is exempt; the calculation fills in the amounts."""

    base: Number | None = None
    """BT-116"""
    tax: Number | None = None
    """BT-117"""
    category: str | None = None
    """BT-118"""
    rate: Number | None = None
    """BT-119: not stated for category O"""
    exemption: str | None = None
    """BT-120: the mention, as `TVA non applicable, art. 293 B du CGI`"""
    exemption_code: str | None = None
    """BT-121: of the VATEX list"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals(Stated):
    """The totals (BG-22). In a draft, what was prepaid, the rounding and the tax in euros are what people state."""

    lines: Number | None = None
    """BT-106: sum of the nets of the lines"""
    allowances: Number | None = None
    """BT-107: sum of the allowances of the document"""
    charges: Number | None = None
    """BT-108: sum of the charges of the document"""
    without_tax: Number | None = None
    """BT-109"""
    tax: Number | None = None
    """BT-110"""
    tax_accounting: Number | None = None
    """BT-111: the tax in the accounting currency (BT-6), at the rate of the day that the law names"""
    with_tax: Number | None = None
    """BT-112"""
    prepaid: Number | None = None
    """BT-113"""
    rounding: Number | None = None
    """BT-114"""
    due: Number | None = None
    """BT-115"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment(Stated):
    """A document that goes with this one (BG-24): at an address, or as a file whose bytes are kept elsewhere."""

    id: str | None = None
    """BT-122"""
    description: str | None = None
    """BT-123: in France a code, as LISIBLE, BON_COMMANDE or FEUILLE_DE_STYLE"""
    url: str | None = None
    """BT-124"""
    filename: str | None = None
    """BT-125-2"""
    mime: str | None = None
    """BT-125-1"""
    sha256: str | None = None
    """Of the bytes (BT-125), in lower-case hexadecimal digits"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Stated):
    """An invoice or a credit note."""

    number: str | None = None
    """BT-1"""
    issue_date: date | None = None
    """BT-2"""
    type_code: str | None = None
    """BT-3, UNTDID 1001: 380 invoice, 386 deposit, 384 corrective, 381 credit note, 503 credit note of a deposit"""
    currency: str | None = None
    """BT-5, ISO 4217"""
    tax_currency: str | None = None
    """BT-6"""
    tax_point_date: date | None = None
    """BT-7"""
    tax_point: str | None = None
    """BT-8: `invoice` (France: the option for debits), `delivery` or `payment`"""
    due_date: date | None = None
    """BT-9"""
    buyer_reference: str | None = None
    """BT-10: at Chorus Pro the service code"""
    project: str | None = None
    """BT-11"""
    contract: str | None = None
    """BT-12"""
    order: str | None = None
    """BT-13: at Chorus Pro the engagement number"""
    sales_order: str | None = None
    """BT-14"""
    receiving_advice: str | None = None
    """BT-15"""
    despatch_advice: str | None = None
    """BT-16"""
    tender: str | None = None
    """BT-17"""
    object: Identifier | None = None
    """BT-18"""
    accounting_reference: str | None = None
    """BT-19"""
    payment_terms: str | None = None
    """BT-20"""
    notes: tuple[Note, ...] = ()
    """BG-1"""
    frame: str | None = None
    """BT-23, in France the frame of billing: B goods, S services, M both, and 1 normal, 2 paid, 4 final after deposits"""
    specification: str | None = None
    """BT-24"""
    preceding: tuple[Preceding, ...] = ()
    """BG-3"""
    seller: Party | None = None
    """BG-4"""
    buyer: Party | None = None
    """BG-7"""
    payee: Party | None = None
    """BG-10: who is paid when it is not the seller"""
    tax_representative: Party | None = None
    """BG-11"""
    payer: Party | None = None
    """EXT-FR-FE-BG-02: who pays when it is not the buyer"""
    delivery: Delivery | None = None
    """BG-13"""
    period: Period | None = None
    """BG-14"""
    payment: Payment | None = None
    """BG-16"""
    allowances: tuple[Adjustment, ...] = ()
    """BG-20"""
    charges: tuple[Adjustment, ...] = ()
    """BG-21"""
    totals: Totals | None = None
    """BG-22"""
    breakdown: tuple[TaxGroup, ...] = ()
    """BG-23"""
    attachments: tuple[Attachment, ...] = ()
    """BG-24"""
    lines: tuple[Line, ...] = ()
    """BG-25"""
    language: str | None = None
    """The language that its texts are in, as `fr`; no term of EN 16931"""
