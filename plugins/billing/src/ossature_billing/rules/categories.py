"""The VAT categories: BR-S, BR-Z, BR-E, BR-AE, BR-IC, BR-G and BR-O, each from 01 to 10, and what O and IC add."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from ossature.api import translator
from ossature_billing.calculation import ZERO, group_of, tax_on, taxed
from ossature_billing.documents import Delivery, Document, Party, TaxGroup
from ossature_billing.rules.failures import Failure, Failures, blank, differs
from ossature_billing.rules.terms import name_of, written

_, _l, _n = translator("billing")

RULES = {"S": "BR-S", "Z": "BR-Z", "E": "BR-E", "AE": "BR-AE", "K": "BR-IC", "G": "BR-G", "O": "BR-O"}
"""What the rules of a category begin with."""
WITHOUT_REASON = ("S", "Z")


@dataclass(frozen=True, slots=True)
class Use:
    """A category and a rate that a line, an allowance or a charge of the document has."""

    category: str | None
    rate: Decimal | None
    kind: int
    """0 a line, 1 an allowance, 2 a charge: by so much higher is the number of a rule that exists for each"""
    path: str

    @property
    def terms(self) -> tuple[str, str]:
        """The terms of category and rate."""
        return (("BT-151", "BT-152"), ("BT-95", "BT-96"), ("BT-102", "BT-103"))[self.kind]


def uses(document: Document) -> Iterator[Use]:
    """Every category that something of the document has."""
    for at, line in enumerate(document.lines):
        yield Use(line.category, line.rate, 0, f"lines.{at}")
    for kind, (name, every) in enumerate((("allowances", document.allowances), ("charges", document.charges)), start=1):
        for at, one in enumerate(every):
            yield Use(one.category, one.rate, kind, f"{name}.{at}")


def check(document: Document) -> Failures:
    yield from _groups_of(document)
    for use in uses(document):
        if use.category in RULES:
            yield from _identified(document, use, use.category)
            yield from _rate(use, use.category)
    for at, group in enumerate(document.breakdown):
        if group.category in RULES:
            yield from _group(document, group, group.category, f"breakdown.{at}")
    yield from _alone(document)
    yield from _delivered(document)


def _groups_of(document: Document) -> Failures:
    """01: a category that is used has its group, and but for S one only; 08: so has each rate of S."""
    for category, prefix in RULES.items():
        used = {group_of(use.category, use.rate) for use in uses(document) if use.category == category}
        stated = [group_of(group.category, group.rate) for group in document.breakdown if group.category == category]
        if used and not stated:
            words = _("The tax breakdown has no group of category %(category)s, which is used.", category=category)
            yield Failure(f"{prefix}-01", "BG-23", "breakdown", words)
        elif len(stated) > 1 and category != "S":
            words = _("The tax breakdown has more than one group of category %(category)s.", category=category)
            yield Failure(f"{prefix}-01", "BG-23", "breakdown", words)
        elif category == "S" and document.breakdown:
            for _category, rate in sorted(used - set(stated), key=lambda group: group[1] or ZERO):
                words = _("The tax breakdown has no group of rate %(rate)s, which is used.", rate=written(rate or ZERO))
                yield Failure("BR-S-08", "BG-23", "breakdown", words)


def _identified(document: Document, use: Use, category: str) -> Failures:
    """02, 03, 04: by which numbers seller and buyer are known."""
    seller, buyer = document.seller or Party(), document.buyer or Party()
    agent = document.tax_representative or Party()
    rule = f"{RULES[category]}-0{2 + use.kind}"
    if category == "O":
        for term, path, party in (
            ("BT-31", "seller", seller), ("BT-63", "tax_representative", agent), ("BT-48", "buyer", buyer)
        ):  # fmt: skip
            if not blank(party.vat_id):
                words = _("What is not subject to VAT goes without: %(name)s.", name=name_of(term))
                yield Failure(rule, term, f"{path}.vat_id", words)
        return
    known = not blank(seller.vat_id) or not blank(agent.vat_id)
    if not known and (category in ("K", "G") or blank(seller.tax_id)):
        words = _("Category %(category)s needs: %(name)s.", category=category, name=name_of("BT-31"))
        yield Failure(rule, "BT-31", "seller.vat_id", words)
    if blank(buyer.vat_id) and (category == "K" or (category == "AE" and buyer.legal_id is None)):
        words = _("Category %(category)s needs: %(name)s.", category=category, name=name_of("BT-48"))
        yield Failure(rule, "BT-48", "buyer.vat_id", words)


def _rate(use: Use, category: str) -> Failures:
    """05, 06, 07: a rate above zero for S, none for O, zero for the others."""
    rule, term, path = f"{RULES[category]}-0{5 + use.kind}", use.terms[1], f"{use.path}.rate"
    if category == "S" and (use.rate is None or use.rate <= 0):
        words = _("Category %(category)s needs a rate above zero.", category=category)
    elif category == "O" and use.rate is not None:
        words = _("Category %(category)s has no rate.", category=category)
    elif category not in ("S", "O") and use.rate != 0:
        words = _("Category %(category)s has the rate zero.", category=category)
    else:
        return
    yield Failure(rule, term, path, words)


def _group(document: Document, group: TaxGroup, category: str, path: str) -> Failures:
    """08: the taxable amount; 09: its tax; 10: the reason of exemption."""
    prefix = RULES[category]
    bases = taxed(document.lines, document.allowances, document.charges)
    if category == "S":
        right = bases.get(group_of(category, group.rate)) if group.rate is not None else None
    else:  # their rate is zero or none, and a wrong one is another rule's
        found = [base for (used, _of_rate), base in bases.items() if used == category]
        right = sum(found, ZERO) if found else None
    if right is not None or document.lines:
        yield from differs(f"{prefix}-08", "BT-116", f"{path}.base", group.base, right or ZERO)
    if category != "S":
        yield from differs(f"{prefix}-09", "BT-117", f"{path}.tax", group.tax, ZERO)
    elif group.base is not None and group.rate is not None:
        due = tax_on(group.base, group.rate, document.currency or "EUR")
        yield from differs(f"{prefix}-09", "BT-117", f"{path}.tax", group.tax, due)
    reasoned = not blank(group.exemption) or not blank(group.exemption_code)
    if reasoned and category in WITHOUT_REASON:
        words = _("Category %(category)s has no reason of exemption.", category=category)
        yield Failure(f"{prefix}-10", "BT-120", f"{path}.exemption", words)
    elif not reasoned and category not in WITHOUT_REASON:
        words = _("Category %(category)s needs the reason for which no tax is due.", category=category)
        yield Failure(f"{prefix}-10", "BT-120", f"{path}.exemption", words)


def _alone(document: Document) -> Failures:
    """BR-O-11 to BR-O-14: what is not subject to VAT shares its document with nothing that is."""
    if not any(group.category == "O" for group in document.breakdown):
        return
    words = _("What is not subject to VAT cannot stand in one document with what is.")
    for at, group in enumerate(document.breakdown):
        if group.category != "O":
            yield Failure("BR-O-11", "BT-118", f"breakdown.{at}.category", words)
    for use in uses(document):
        if use.category != "O":
            yield Failure(f"BR-O-{12 + use.kind}", use.terms[0], f"{use.path}.category", words)


def _delivered(document: Document) -> Failures:
    """BR-IC-11, BR-IC-12: when and to which country something was supplied within the Union."""
    if not any(group.category == "K" for group in document.breakdown):
        return
    delivery = document.delivery or Delivery()
    if delivery.day is None and document.period is None:
        words = _("A supply to another country of the Union needs the day of delivery, or the period.")
        yield Failure("BR-IC-11", "BT-72", "delivery.day", words)
    if delivery.address is None or blank(delivery.address.country):
        words = _("A supply to another country of the Union needs the country that it was delivered to.")
        yield Failure("BR-IC-12", "BT-80", "delivery.address.country", words)
