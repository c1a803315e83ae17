"""A document as a page of HTML, of which the PDF is printed and which a preview may show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from ossature_billing.calculation import ZERO
from ossature_billing.documents import Document, Identifier, Line, Note, Party, TaxGroup
from ossature_billing.output.look import Column, Look
from ossature_billing.output.words import CREDITS, SELF_BILLED, Words, grouped, registered

FONT = {"normal": "Regular", "600": "Semibold", "700": "Bold"}
"""The faces that pages use, by weight."""
LOGO = "logo"

_SILENT = frozenset({"BAR"})
"""Subjects of notes that speak to machines alone."""
_PAYING = ("PMT", "PMD", "AAB")
_SIREN, _SIRET = "0002", "0009"
UNTAXED = frozenset({"AE", "E", "G", "K", "O"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """That a document is an offer and no invoice: it has a title and a validity, and nothing is due."""

    valid_until: date | None = None


def html(document: Document, look: Look, language: str, quote: Quote | None = None) -> str:
    """The document as a page, whose pictures and fonts have addresses that only the printing knows.

    Everything that people wrote is escaped. A document without a number is called a draft.
    """
    words = Words(language)
    template = _templates().get_template(f"{look.template}.html")
    return template.render(
        _=words.say, words=words, grouped=grouped, document=document, look=look, columns=look.columns, Column=Column,
        texts=look.texts_in(language), page=_Page(document, look, words, quote), quote=quote, fonts=FONT, logo=LOGO,
    )  # fmt: skip


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("ossature_billing.output"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


class _Page:
    """What a page says that takes more than one term of the document."""

    def __init__(self, document: Document, look: Look, words: Words, quote: Quote | None) -> None:
        self.document, self.look, self.words, self.quote = document, look, words, quote
        self.credit = document.type_code in CREDITS
        self.self_billed = document.type_code in SELF_BILLED

    @property
    def title(self) -> str:
        _ = self.words.say
        return _("Quote") if self.quote else self.words.kind(self.document.type_code)

    @property
    def settled(self) -> bool:
        """Whether it is an invoice of which nothing is left to pay (second digit of the frame, or all prepaid)."""
        totals = self.document.totals
        return not self.quote and not self.credit and totals is not None and totals.due == ZERO and bool(totals.prepaid)

    @property
    def due_words(self) -> str:
        _ = self.words.say
        if self.quote:
            return _("Total incl. VAT")
        return _("Amount in your favour") if self.credit else _("Amount due")

    @property
    def due(self) -> str:
        totals = self.document.totals
        amount = None if totals is None else totals.with_tax if self.quote else totals.due
        return self.money(amount)

    def money(self, amount: Decimal | None) -> str:
        return self.words.money(amount, self.document.currency)

    @property
    def facts(self) -> Iterator[tuple[str, str]]:
        """Days and references, each with its name."""
        document, words, _ = self.document, self.words, self.words.say
        delivery, period = document.delivery, document.period
        named = (
            (_("Date of issue"), words.day(document.issue_date)),
            (_("Valid until"), words.day(self.quote.valid_until) if self.quote else ""),
            (_("Due date"), "" if self.quote else words.day(document.due_date)),
            (_("Date of supply"), words.day(delivery.day) if delivery else ""),
            (_("Period"), self.period(period.start, period.end) if period else ""),
            (_("Your order"), document.order),
            (_("Your service"), document.buyer_reference),
            (_("Contract"), document.contract),
            (_("Project"), document.project),
            (_("Our order"), document.sales_order),
            (_("Despatch advice"), document.despatch_advice),
            (_("Receiving advice"), document.receiving_advice),
            (_("Tender"), document.tender),
            (_("Subject"), document.object.value if document.object else ""),
            (_("Your accounting reference"), document.accounting_reference),
            (_("Kind of operation"), words.operation(document.frame)),
        )
        yield from ((name, value) for name, value in named if value)

    @property
    def mentions(self) -> Iterator[str]:
        """What the law asks to be said about the document as a whole."""
        document, _, words = self.document, self.words.say, self.words
        if self.self_billed:
            yield _("Self-billed invoice")
        for one in document.preceding:
            named = {"number": one.number or "", "day": words.day(one.issue_date)}
            if document.type_code in {"384", "471", "472", "473"}:
                yield _("Corrects and replaces invoice %(number)s of %(day)s.", **named)
            elif self.credit:
                yield _("Credits invoice %(number)s of %(day)s.", **named)
            else:
                yield _("Follows invoice %(number)s of %(day)s.", **named)
        if document.tax_point == "invoice":
            yield _("Option to pay the tax on debits.")
        elif document.tax_point == "payment":
            yield _("Tax falls due on payment.")
        if document.tax_point_date:
            yield _("Tax falls due on %(day)s.", day=words.day(document.tax_point_date))

    def notes(self, paying: bool) -> Iterator[Note]:
        """Those about paying (PMT, PMD, AAB), or the others."""
        said = (note for note in self.document.notes if note.text and note.subject not in _SILENT)
        yield from (note for note in said if (note.subject in _PAYING) is paying)

    def period(self, start: date | None, end: date | None) -> str:
        if start and end:
            first, last, _ = self.words.short_day(start), self.words.short_day(end), self.words.say
            return _("%(first)s to %(last)s", first=first, last=last)
        return self.words.short_day(start or end)

    def address(self, of: Party) -> Iterator[str]:
        """The lines of an address; the country where it is not the seller's."""
        place, seller = of.address, self.document.seller
        if place is None:
            return
        town = " ".join(filter(None, (place.postcode, place.city)))
        home = seller.address.country if seller and seller.address else None
        abroad = self.words.country(place.country) if place.country != home else ""
        yield from filter(None, (place.line1, place.line2, place.line3, town, place.subdivision, abroad))

    def identity(self, of: Party) -> Iterator[tuple[str, str]]:
        """SIREN, SIRET, VAT number and other identifiers, each with its name."""
        _, official = self.words.say, (("SIREN", _SIREN), ("SIRET", _SIRET))
        known: tuple[Identifier, ...] = (*((of.legal_id,) if of.legal_id else ()), *of.identifiers)
        for name, scheme in official:
            yield from ((name, registered(one.value)) for one in known if one.scheme == scheme)
        yield from ((_("Identifier"), one.value) for one in known if one.scheme not in (_SIREN, _SIRET))
        if of.vat_id:
            yield _("VAT number"), of.vat_id
        if of.tax_id:
            yield _("Tax number"), of.tax_id

    @property
    def parties(self) -> Iterator[tuple[str, Party]]:
        """Whoever takes part beside seller and buyer."""
        document, _ = self.document, self.words.say
        delivery = document.delivery
        if delivery and (delivery.name or delivery.address):
            place = (delivery.location,) if delivery.location else ()
            yield _("Delivered to"), Party(name=delivery.name, address=delivery.address, identifiers=place)
        for name, party in (
            (_("Payer"), document.payer), (_("Payee"), document.payee),
            (_("Tax representative"), document.tax_representative),
        ):  # fmt: skip
            if party:
                yield name, party

    def details(self, line: Line) -> Iterator[str]:
        """References and properties of a line."""
        words, _, price = self.words, self.words.say, line.price
        named = (
            (_("Reference"), line.seller_item if Column.REFERENCE not in self.look.columns else None),
            (_("Your reference"), line.buyer_item),
            (_("GTIN"), line.standard_item.value if line.standard_item else None),
            (_("Line of your order"), line.order_line),
            (_("Subject"), line.object.value if line.object else None),
            (_("Origin"), words.country(line.origin_country)),
            *((one.name, one.value) for one in line.attributes),
        )
        yield from (f"{name} {value}" for name, value in named if value)
        if price and price.discount:
            gross, discount = self.money(price.gross), self.money(price.discount)
            yield _("Price %(gross)s less %(discount)s", gross=gross, discount=discount)

    def line_adjustments(self, line: Line) -> Iterator[str]:
        """The allowances and charges of a line, each with its reason (art. 242 nonies A, I, 8° and 9°)."""
        words, _ = self.words, self.words.say
        for sign, adjustments, name in ((-1, line.allowances, _("Discount")), (1, line.charges, _("Charge"))):
            for one in adjustments:
                share = f" {words.percent(one.percent)}" if one.percent is not None else ""
                yield f"{one.reason or name}{share} · {self.money(sign * (one.amount or ZERO))}"

    def adjusted(self, line: Line) -> str:
        """Charges less allowances of a line."""
        more = sum((one.amount or ZERO for one in line.charges), ZERO)
        less = sum((one.amount or ZERO for one in line.allowances), ZERO)
        return self.money(more - less) if line.charges or line.allowances else ""

    def price(self, line: Line) -> str:
        """The unit price, with what it is for when that is not one."""
        if line.price is None:
            return ""
        base = line.price.base_quantity
        each = f" / {self.words.quantity(base, line.price.unit or line.unit)}" if base not in (None, 1) else ""
        return f"{self.money(line.price.net)}{each}"

    def rate(self, category: str | None, rate: Decimal | None) -> str:
        """The rate, or why there is none in a word."""
        _ = self.words.say
        if category not in UNTAXED:
            return self.words.percent(rate)
        return {"AE": _("Reverse charge"), "O": _("Outside VAT")}.get(category or "", _("Exempt"))

    def taxed(self, group: TaxGroup) -> str:
        """What a group of the breakdown is called."""
        _, rate, base = self.words.say, self.rate(group.category, group.rate), self.money(group.base)
        if group.category in UNTAXED:
            return _("%(reason)s, on %(base)s", reason=rate, base=base)
        return _("VAT %(rate)s on %(base)s", rate=rate, base=base)

    def exemption(self, group: TaxGroup) -> str:
        """The mention of a group that bears no tax; reverse charge is named in any case (art. 242 nonies A, I, 13°)."""
        _ = self.words.say
        named = _("Reverse charge") if group.category == "AE" else ""
        said = group.exemption or ""
        return said if named.lower() in said.lower() else " \u2013 ".join(filter(None, (named, said)))

    @property
    def adjustments(self) -> Iterator[tuple[str, str]]:
        """The allowances and charges of the document, named, with their amounts."""
        words, _ = self.words, self.words.say
        for sign, adjustments, name in (
            (-1, self.document.allowances, _("Discount")), (1, self.document.charges, _("Charge")),
        ):  # fmt: skip
            for one in adjustments:
                share = f" {words.percent(one.percent)}" if one.percent is not None else ""
                rate = self.rate(one.category, one.rate)
                yield f"{one.reason or name}{share} ({_('VAT')} {rate})", self.money(sign * (one.amount or ZERO))

    @property
    def legal(self) -> str:
        """Who the seller is, for the foot of every page."""
        seller = self.document.seller
        if seller is None:
            return ""
        said = [seller.name or "", *(seller.legal_text or "").splitlines(), " ".join(self.address(seller))]
        said += [f"{name} {value}" for name, value in self.identity(seller)]
        return " · ".join(filter(None, said))
