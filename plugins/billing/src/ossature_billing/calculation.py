"""The amounts of a document, worked out as EN 16931 says (its section 6.4; the rule's id stands where it is applied).

Everything is exact until it is rounded, and rounding is half up (away from zero, so that a credit note mirrors its
invoice) to the minor unit of the document's currency: 2 decimals for EUR, none for JPY. Rounded are the net of a line,
an amount made of a percentage, and the tax of a group; all totals are sums of what was rounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Context, Decimal, InvalidOperation, localcontext

from ossature.api import Money
from ossature_billing.documents import Adjustment, Document, Line, Price, TaxGroup, Totals

EXACT = Context(prec=80)
"""Digits enough that no product or quotient of a document loses one that decides a rounding: numbers have 19 at most."""

ONE, ZERO, HUNDRED = Decimal(1), Decimal(0), Decimal(100)

UNTAXED = "O"
"""The VAT category of what is not subject to VAT: it has no rate (BR-O-05)."""

_CURRENCY = re.compile(r"[A-Z]{3}")

Taxed = tuple[str | None, Decimal | None]
"""What makes a group of the breakdown: category and rate."""


class NotCalculable(ValueError):
    """A draft that lacks what its amounts follow from: `path` leads to it, as `lines.0.quantity`."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


def calculate(document: Document) -> Document:
    """The document with all amounts that follow from others: nets, percentages, breakdown and totals.

    Taken as stated: quantities, prices, percentages and amounts of allowances and charges, categories and rates, the
    reasons of exemption in `breakdown`, and of the totals what was prepaid (BT-113), the rounding (BT-114) and the tax
    in the accounting currency (BT-111), which no rate of this document gives. A percentage is of its stated base, else
    of what it adjusts, which is then stated: so calculating twice changes nothing, and a draft that is still edited
    leaves the base out. Raises NotCalculable.
    """
    if document.currency is None or not _CURRENCY.fullmatch(document.currency):
        raise NotCalculable("currency", f"{document.currency!r} is not an ISO 4217 currency code")
    try:
        return _calculate(document, document.currency)
    except ArithmeticError:
        raise NotCalculable("lines", "a number is not finite, or has more digits than a document can state") from None


def _calculate(document: Document, currency: str) -> Document:
    with localcontext(EXACT):
        lines = tuple(_line(line, currency, f"lines.{at}") for at, line in enumerate(document.lines))
        of_lines = sum((line.net or ZERO for line in lines), ZERO)
        allowances, charges = (
            tuple(_adjustment(one, of_lines, currency, f"{name}.{at}") for at, one in enumerate(stated))
            for name, stated in (("allowances", document.allowances), ("charges", document.charges))
        )
        breakdown = _breakdown(lines, allowances, charges, document.breakdown, currency)
        totals = _totals(lines, allowances, charges, breakdown, document.totals or Totals(), currency)
    return replace(
        document, lines=lines, allowances=allowances, charges=charges, breakdown=breakdown, totals=totals
    )  # fmt: skip


def rounded(amount: Decimal, currency: str) -> Decimal:
    """An amount half up at the currency's minor unit, with all its decimals; never a negative zero.

    Raises ValueError for what is no currency code, ArithmeticError for what is no amount or has more than 80 digits.
    """
    if not amount.is_finite():
        raise InvalidOperation(f"{amount} is no amount")
    with localcontext(EXACT):
        return Money.of(amount, currency).amount


def net_price(price: Price) -> Decimal | None:
    """The net price (BT-146): as stated, else the gross price (BT-148) less the discount (BT-147)."""
    if price.net is not None or price.gross is None:
        return price.net
    with localcontext(EXACT):
        return price.gross - (price.discount or ZERO)


def line_amount(quantity: Decimal, price: Decimal, base_quantity: Decimal = ONE) -> Decimal:
    """Quantity (BT-129) times net price (BT-146) of so many units (BT-149), before allowances and charges; unrounded."""
    with localcontext(EXACT):
        return quantity * price / base_quantity


def tax_on(base: Decimal, rate: Decimal | None, currency: str) -> Decimal:
    """The tax on a taxable amount at a rate in percent (BR-CO-17; BR-S-09 and its like of the other categories)."""
    with localcontext(EXACT):
        return rounded(base * (rate or ZERO) / HUNDRED, currency)


def group_of(category: str | None, rate: Decimal | None) -> Taxed:
    """The group that something of this category and rate belongs to; rates are compared as numbers."""
    return (category, None) if category == UNTAXED else (category, rate or ZERO)


def taxed(
    lines: Iterable[Line], allowances: Iterable[Adjustment], charges: Iterable[Adjustment]
) -> Mapping[Taxed, Decimal]:
    """The taxable amount of each group that something belongs to."""
    bases: dict[Taxed, Decimal] = {}
    with localcontext(EXACT):
        for line in lines:
            group = group_of(line.category, line.rate)
            bases[group] = bases.get(group, ZERO) + (line.net or ZERO)
        for sign, adjustments in ((-ONE, allowances), (ONE, charges)):
            for one in adjustments:
                group = group_of(one.category, one.rate)
                bases[group] = bases.get(group, ZERO) + sign * (one.amount or ZERO)
    return bases


def _line(line: Line, currency: str, path: str) -> Line:
    """The line with its net (BT-131): quantity times price, less allowances, plus charges, rounded once at the end."""
    price = net_price(line.price) if line.price else None
    if line.quantity is None:
        raise NotCalculable(f"{path}.quantity", "the line has no quantity")
    if line.price is None or price is None:
        raise NotCalculable(f"{path}.price.net", "the line has no price")
    base_quantity = ONE if line.price.base_quantity is None else line.price.base_quantity
    if base_quantity <= 0:
        raise NotCalculable(f"{path}.price.base_quantity", "a price is for more than nothing")
    amount = line_amount(line.quantity, price, base_quantity)
    base = rounded(amount, currency)
    allowances, charges = (
        tuple(_adjustment(one, base, currency, f"{path}.{name}.{at}") for at, one in enumerate(stated))
        for name, stated in (("allowances", line.allowances), ("charges", line.charges))
    )
    net = rounded(amount - _sum(allowances) + _sum(charges), currency)
    return replace(
        line, net=net, price=replace(line.price, net=price), allowances=allowances, charges=charges
    )  # fmt: skip


def _adjustment(one: Adjustment, base: Decimal, currency: str, path: str) -> Adjustment:
    """With its amount: a percentage of the stated base, or else of what it adjusts; or as stated."""
    if one.percent is not None:
        base = rounded(base if one.base is None else one.base, currency)
        return replace(one, base=base, amount=rounded(base * one.percent / HUNDRED, currency))
    if one.amount is None:
        raise NotCalculable(f"{path}.amount", "neither an amount nor a percentage is stated")
    return replace(one, amount=rounded(one.amount, currency))


def _breakdown(
    lines: Iterable[Line], allowances: Iterable[Adjustment], charges: Iterable[Adjustment],
    stated: Iterable[TaxGroup], currency: str,
) -> tuple[TaxGroup, ...]:  # fmt: skip
    """One group for each category and rate that is used (BR-S-01, BR-E-01 ...), the highest rate of a category first."""
    reasons = {group_of(group.category, group.rate): group for group in stated}
    bases = taxed(lines, allowances, charges)
    return tuple(
        replace(
            reasons.get((category, rate), TaxGroup()), category=category, rate=rate,
            base=rounded(bases[category, rate], currency), tax=tax_on(bases[category, rate], rate, currency),
        )
        for category, rate in sorted(bases, key=lambda group: (group[0] or "", -(group[1] or ZERO)))
    )  # fmt: skip


def _totals(
    lines: Iterable[Line], allowances: tuple[Adjustment, ...], charges: tuple[Adjustment, ...],
    breakdown: Iterable[TaxGroup], stated: Totals, currency: str,
) -> Totals:  # fmt: skip
    of_lines = sum((line.net or ZERO for line in lines), ZERO)  # BR-CO-10
    less, more = _sum(allowances), _sum(charges)  # BR-CO-11, BR-CO-12
    without_tax = of_lines - less + more  # BR-CO-13
    tax = sum((group.tax or ZERO for group in breakdown), ZERO)  # BR-CO-14
    with_tax = without_tax + tax  # BR-CO-15
    prepaid, rounding = (
        None if one is None else rounded(one, currency) for one in (stated.prepaid, stated.rounding)
    )  # fmt: skip
    due = with_tax - (prepaid or ZERO) + (rounding or ZERO)  # BR-CO-16
    return Totals(
        lines=rounded(of_lines, currency),
        allowances=rounded(less, currency) if allowances else None,
        charges=rounded(more, currency) if charges else None,
        without_tax=rounded(without_tax, currency), tax=rounded(tax, currency),
        tax_accounting=stated.tax_accounting, with_tax=rounded(with_tax, currency),
        prepaid=prepaid, rounding=rounding, due=rounded(due, currency),
    )  # fmt: skip


def _sum(adjustments: Iterable[Adjustment]) -> Decimal:
    return sum((one.amount or ZERO for one in adjustments), ZERO)
