"""Arithmetic: BR-CO-10 to BR-CO-17, BR-DEC, and what only Peppol asks (PEPPOL-EN16931-R040 to R046, R120)."""

from __future__ import annotations

from decimal import Decimal

from ossature.api import translator
from ossature_billing.calculation import HUNDRED, ONE, ZERO, line_amount, rounded, tax_on
from ossature_billing.documents import Document, Line, Totals
from ossature_billing.rules.failures import Failure, Failures, adjustments, differs, missing, too_fine
from ossature_billing.rules.terms import heading_of, name_of

_, _l, _n = translator("billing")

CENTS = "EUR"
"""The currency whose minor unit counts where a document does not state its own: two decimals."""
DECIMALS = {
    "lines": ("BR-DEC-09", "BT-106"), "allowances": ("BR-DEC-10", "BT-107"), "charges": ("BR-DEC-11", "BT-108"),
    "without_tax": ("BR-DEC-12", "BT-109"), "tax": ("BR-DEC-13", "BT-110"), "with_tax": ("BR-DEC-14", "BT-112"),
    "tax_accounting": ("BR-DEC-15", "BT-111"), "prepaid": ("BR-DEC-16", "BT-113"),
    "rounding": ("BR-DEC-17", "BT-114"), "due": ("BR-DEC-18", "BT-115"),
}  # fmt: skip
OF_ADJUSTMENT = {
    "allowances": ("BR-DEC-01", "BR-DEC-02"), "charges": ("BR-DEC-05", "BR-DEC-06"),
    "line.allowances": ("BR-DEC-24", "BR-DEC-25"), "line.charges": ("BR-DEC-27", "BR-DEC-28"),
}  # fmt: skip


def check(document: Document) -> Failures:
    yield from _totals(document, document.totals or Totals())
    yield from _taxes(document)
    for at, line in enumerate(document.lines):
        yield from _line(line, f"lines.{at}", document.currency or CENTS)
    yield from _adjustments(document)
    yield from _decimals(document)


def _totals(document: Document, totals: Totals) -> Failures:
    nets = [line.net for line in document.lines if line.net is not None]
    if nets:
        yield from differs("BR-CO-10", "BT-106", "totals.lines", totals.lines, sum(nets, ZERO))
    for rule, term, name, every in (
        ("BR-CO-11", "BT-107", "allowances", document.allowances),
        ("BR-CO-12", "BT-108", "charges", document.charges),
    ):
        stated, right = getattr(totals, name), sum((one.amount or ZERO for one in every), ZERO)
        if stated is None and right and totals.without_tax is not None:
            yield from differs(rule, term, f"totals.{name}", ZERO, right)
        elif every:
            yield from differs(rule, term, f"totals.{name}", stated, right)
    if totals.lines is not None:
        right = totals.lines - (totals.allowances or ZERO) + (totals.charges or ZERO)
        yield from differs("BR-CO-13", "BT-109", "totals.without_tax", totals.without_tax, right)
    if totals.without_tax is not None and totals.tax is not None:
        right = totals.without_tax + totals.tax
        yield from differs("BR-CO-15", "BT-112", "totals.with_tax", totals.with_tax, right)
    if totals.with_tax is not None:
        right = totals.with_tax - (totals.prepaid or ZERO) + (totals.rounding or ZERO)
        yield from differs("BR-CO-16", "BT-115", "totals.due", totals.due, right)


def _taxes(document: Document) -> Failures:
    taxes = [group.tax for group in document.breakdown if group.tax is not None]
    if taxes and document.totals is not None:
        yield from differs("BR-CO-14", "BT-110", "totals.tax", document.totals.tax, sum(taxes, ZERO))
        if document.totals.without_tax is not None:
            yield from missing("BR-CO-14", "BT-110", "totals.tax", document.totals.tax)
    for at, group in enumerate(document.breakdown):
        if group.base is not None and (group.rate is not None or group.category == "O"):
            right = tax_on(group.base, group.rate, document.currency or CENTS)
            yield from differs("BR-CO-17", "BT-117", f"breakdown.{at}.tax", group.tax, right)


def _line(line: Line, path: str, currency: str) -> Failures:
    price = line.price
    if price is None:
        return
    if price.gross is not None and price.net is not None:
        right = price.gross - (price.discount or ZERO)
        yield from differs("PEPPOL-EN16931-R046", "BT-146", f"{path}.price.net", price.net, right)
    units = ONE if price.base_quantity is None else price.base_quantity
    if units <= 0:
        words = _("%(name)s is not more than zero.", name=heading_of("BT-149"))
        yield Failure("PEPPOL-EN16931-R121", "BT-149", f"{path}.price.base_quantity", words)
    elif line.quantity is not None and price.net is not None:
        right = line_amount(line.quantity, price.net, units)
        right += sum((one.amount or ZERO for one in line.charges), ZERO)
        right -= sum((one.amount or ZERO for one in line.allowances), ZERO)
        yield from differs("PEPPOL-EN16931-R120", "BT-131", f"{path}.net", line.net, rounded(right, currency))


def _adjustments(document: Document) -> Failures:
    for found in adjustments(document):
        one, (amount, base, *_rest) = found.one, found.terms
        if one.percent is not None and one.base is not None:
            right = rounded(one.base * one.percent / HUNDRED, document.currency or CENTS)
            yield from differs("PEPPOL-EN16931-R040", amount, f"{found.path}.amount", one.amount, right)
        elif one.percent is not None:
            words = _("Missing: %(name)s, of which it is a percentage.", name=name_of(base))
            yield Failure("PEPPOL-EN16931-R041", base, f"{found.path}.base", words)


def _decimals(document: Document) -> Failures:
    def cents(rule: str, term: str, path: str, value: Decimal | None) -> Failures:
        return too_fine(rule, term, path, value, most=2)

    for name, (rule, term) in DECIMALS.items():
        yield from cents(rule, term, f"totals.{name}", getattr(document.totals or Totals(), name))
    for at, group in enumerate(document.breakdown):
        yield from cents("BR-DEC-19", "BT-116", f"breakdown.{at}.base", group.base)
        yield from cents("BR-DEC-20", "BT-117", f"breakdown.{at}.tax", group.tax)
    for at, line in enumerate(document.lines):
        yield from cents("BR-DEC-23", "BT-131", f"lines.{at}.net", line.net)
    for found in adjustments(document):
        of_amount, of_base = OF_ADJUSTMENT[found.kind]
        yield from cents(of_amount, found.terms[0], f"{found.path}.amount", found.one.amount)
        yield from cents(of_base, found.terms[1], f"{found.path}.base", found.one.base)
