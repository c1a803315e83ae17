"""A document made of another, before it is numbered: an invoice of a quote, a deposit, the final invoice after deposits,
a corrective invoice. Credit notes are in `credit_notes`.

What they are made of is calculated; so are the results, which lack number, day of issue and due date alone, and in
another currency their tax in euros (`tax.currencies`), as the rate is of another day.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from itertools import count

from ossature.api import Money, translator
from ossature_billing.calculation import (
    EXACT,
    HUNDRED,
    ONE,
    ZERO,
    Taxed,
    calculate,
    group_of,
    line_amount,
    net_price,
    rounded,
    tax_on,
)
from ossature_billing.documents import Adjustment, Document, Line, Preceding, Price, TaxGroup, Totals
from ossature_billing.rules.terms import written
from ossature_billing.tax.points import State

_, _l, _n = translator("billing")

INVOICE, DEPOSIT = "380", "386"
DEPOSITS = ("386", "500")
CORRECTIONS = {"380": "384", "389": "471", "393": "472", "501": "473"}
"""The corrective type of each type of invoice (UNTDID 1001, as XP Z12-012 uses it)."""
PIECE = "C62"


class ConversionRefused(ValueError):
    """A document that cannot be made of another; the text is for whoever asked for it."""


def draft(document: Document) -> Document:
    """The document as people would edit it: without number, days, preceding documents, totals and whatever follows from
    other terms. Calculated, it comes to the same amounts."""
    currency = document.currency or ""
    of_lines = document.totals.lines if document.totals else None
    return replace(
        document, number=None, issue_date=None, due_date=None, tax_point_date=None, preceding=(), totals=None,
        payment=document.payment and replace(document.payment, remittance=None),
        lines=tuple(_drafted(line, currency) for line in document.lines),
        allowances=_unworked(document.allowances, of_lines), charges=_unworked(document.charges, of_lines),
        breakdown=reasons(document),
    )  # fmt: skip


def invoice_of(quote: Document, frame: str | None = None) -> Document:
    """The invoice (380) of a quote that was accepted; the frame of billing (BT-23) where the quote states none."""
    return calculate(replace(draft(quote), type_code=INVOICE, frame=quote.frame or frame))


def corrective(invoice: Document) -> Document:
    """The corrective invoice (384 and its like), which names the one that it replaces (BR-FR-CO-04): a copy to correct.

    Deposits stay deducted; what was paid otherwise is no part of it. Raises ConversionRefused.
    """
    if invoice.type_code not in CORRECTIONS:
        raise ConversionRefused(_("Only an invoice that was issued can be corrected by a corrective invoice."))
    final = digit_of(invoice) == State.FINAL
    prepaid = invoice.totals.prepaid if invoice.totals and final else None
    return calculate(
        replace(
            draft(invoice), type_code=CORRECTIONS[invoice.type_code], preceding=(named(invoice),),
            frame=framed(invoice, State.FINAL if final else State.NORMAL), totals=Totals(prepaid=prepaid),
        )
    )  # fmt: skip


def deposit(
    order: Document, *, percent: Decimal | None = None, amount: Decimal | None = None, earlier: Sequence[Document] = ()
) -> Document:
    """The invoice (386) of a deposit on an order: a percentage of what each rate taxes, or an amount with tax, which
    falls on the rates in proportion. `earlier` are the deposits invoiced before.

    An amount that no taxable amount gives to the cent is reached by the rounding (BT-114). Tax on a deposit falls due
    when it is paid, for goods too (CGI 269, 2, a bis). Raises ConversionRefused; ValueError unless one is stated.
    """
    if (percent is None) == (amount is None):
        raise ValueError("a deposit is a percentage or an amount")
    currency, language = order.currency or "", order.language or "fr"
    left = payable(order) - sum(map(payable, earlier), ZERO)
    if percent is not None:
        if not percent.is_finite() or not ZERO < percent <= HUNDRED:
            raise ConversionRefused(_("A deposit is more than nothing and at most 100 %."))
        bases, rounding = _percentage(order, percent, earlier), None
        name = _l("Deposit of %(percent)s %%", percent=written(percent, language)).in_locale(language)
    else:
        assert amount is not None
        bases, rounding = spread(amount, bases_of(order), left, currency)
        name = _l("Deposit").in_locale(language)
    done = calculate(
        replace(
            draft(order), type_code=DEPOSIT, frame=framed(order, State.NORMAL), allowances=(), charges=(),
            attachments=(), tax_point="payment" if order.tax_point == "delivery" else order.tax_point,
            lines=lines_of(bases, name), totals=Totals(rounding=rounding),
        )
    )  # fmt: skip
    over = payable(done) - left
    if over > _unit(currency) * len(bases) or not done.lines:
        raise ConversionRefused(
            _("Deposits would come to more than the order, which is %(total)s.", total=written(payable(order)))
        )
    return calculate(replace(done, totals=Totals(rounding=-over))) if over > ZERO else done


def _percentage(order: Document, percent: Decimal, earlier: Sequence[Document]) -> dict[Taxed, Decimal]:
    """Of each taxable amount; the last deposit does not take the cent by which the ones before were rounded up."""
    currency, found = order.currency or "", {}
    for group, base in bases_of(order).items():
        with localcontext(EXACT):
            part = rounded(base * percent / HUNDRED, currency)
        left = base - sum((bases_of(one).get(group, ZERO) for one in earlier), ZERO)
        found[group] = left if ZERO < abs(part) - abs(left) <= _unit(currency) else part
    return found


def _unit(currency: str) -> Decimal:
    return Money(1, currency).amount


def final_invoice(order: Document, deposits: Sequence[Document]) -> Document:
    """The invoice of a whole order after its deposits, which were issued, paid and not credited: it names them (BG-3) and deducts what
    they came to (BT-113); its frame has the digit 4. Raises ConversionRefused."""
    if not deposits:
        raise ConversionRefused(_("A final invoice after deposits names the deposits."))
    for one in deposits:
        if one.type_code not in DEPOSITS or one.currency != order.currency:
            raise ConversionRefused(
                _("%(number)s is not a deposit in the currency of the order.", number=named(one).number)
            )
    prepaid = sum(map(payable, deposits), ZERO)
    if prepaid > payable(order):
        raise ConversionRefused(
            _(
                "Deposits come to more than the order: %(paid)s of %(total)s.",
                paid=written(prepaid),
                total=written(payable(order)),
            )
        )
    return calculate(
        replace(
            draft(order), type_code=INVOICE, frame=framed(order, State.FINAL), preceding=tuple(map(named, deposits)),
            totals=Totals(prepaid=prepaid, rounding=order.totals.rounding if order.totals else None),
        )
    )  # fmt: skip


# -- what conversions share --------------------------------------------------------------------------------------------


def named(document: Document) -> Preceding:
    """How a later document names this one (BG-3). Raises ConversionRefused when it was not issued."""
    if not document.number or document.issue_date is None:
        raise ConversionRefused(_("A draft cannot be credited, corrected or deducted; issue it first."))
    return Preceding(number=document.number, issue_date=document.issue_date)


def payable(document: Document) -> Decimal:
    """What a calculated document comes to, whatever was prepaid: the total with tax and the rounding."""
    if document.totals is None or document.totals.with_tax is None:
        raise ValueError("the document is not calculated")
    return document.totals.with_tax + (document.totals.rounding or ZERO)


def bases_of(document: Document) -> dict[Taxed, Decimal]:
    """The taxable amount of each group of a calculated document."""
    return {group_of(one.category, one.rate): one.base or ZERO for one in document.breakdown}


def reasons(document: Document) -> tuple[TaxGroup, ...]:
    """The groups that say why no tax is due, without their amounts."""
    return tuple(
        replace(one, base=None, tax=None) for one in document.breakdown if one.exemption or one.exemption_code
    )  # fmt: skip


def lines_of(bases: Mapping[Taxed, Decimal], name: str, taken: Container[str] = ()) -> tuple[Line, ...]:
    """A line for each group, of one piece, with an id that is not taken; below zero is the quantity, not the price."""
    ids = (id for at in count(1) if (id := f"T{at}") not in taken)
    return tuple(
        Line(
            id=next(ids), name=name, quantity=ONE.copy_sign(base), unit=PIECE, price=Price(net=abs(base)),
            category=category, rate=rate,
        )
        for (category, rate), base in bases.items()
        if base
    )  # fmt: skip


def spread(
    amount: Decimal, bases: Mapping[Taxed, Decimal], most: Decimal, currency: str
) -> tuple[dict[Taxed, Decimal], Decimal | None]:
    """Taxable amounts that come to an amount with tax, in proportion to others and none above them, and the rounding
    that is left to it. Raises ConversionRefused for an amount that is not above zero, above `most` or finer than a cent.
    """
    if not amount.is_finite() or amount <= ZERO or amount > most:
        raise ConversionRefused(
            _("The amount is more than zero and at most %(most)s, with tax.", most=written(max(most, ZERO)))
        )
    if rounded(amount, currency) != amount:
        raise ConversionRefused(_("The amount has more decimals than its currency."))
    found: dict[Taxed, Decimal] = {}
    with localcontext(EXACT):
        weights = {group: base + tax_on(base, group[1], currency) for group, base in bases.items()}
        whole, passed, given = sum(weights.values(), ZERO), ZERO, ZERO
        if not whole:
            raise ConversionRefused(_("Nothing is left that could be taxed."))
        for group, weight in weights.items():
            passed += weight
            share = rounded(amount * passed / whole, currency) - given
            given += share
            base = rounded(share * HUNDRED / (HUNDRED + (group[1] or ZERO)), currency)
            found[group] = min(base, bases[group], key=abs)
        comes_to = sum((base + tax_on(base, group[1], currency) for group, base in found.items()), ZERO)
    return found, amount - comes_to or None


def digit_of(document: Document) -> str | None:
    """The digit of the frame of billing."""
    return document.frame[1:] if document.frame else None


def framed(document: Document, state: State) -> str | None:
    """The frame of billing in another state; sub-contracting, several sellers and two-way frames keep their own."""
    if document.frame is None or digit_of(document) not in tuple(State):
        return document.frame
    return document.frame[:1] + state


def _drafted(line: Line, currency: str) -> Line:
    base = None
    price = net_price(line.price) if line.price else None
    if line.price is not None and line.quantity is not None and price is not None:
        base = rounded(line_amount(line.quantity, price, line.price.base_quantity or ONE), currency)
    return replace(
        line, net=None, allowances=_unworked(line.allowances, base), charges=_unworked(line.charges, base)
    )  # fmt: skip


def _unworked(adjustments: Iterable[Adjustment], base: Decimal | None) -> tuple[Adjustment, ...]:
    """Percentages without their amounts, and without the base that they would be of anyhow."""
    return tuple(
        one if one.percent is None else replace(one, amount=None, base=None if one.base == base else one.base)
        for one in adjustments
    )
