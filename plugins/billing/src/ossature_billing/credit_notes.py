"""Credit notes of an invoice or a deposit: whole, by lines, or by an amount; never above what is not credited yet.

They state amounts above zero, as XP Z12-012 has it for the types 381, 503 and their like. A credit note by lines keeps
the ids of the lines that it credits; `credited` are the ones that were issued on the same document before.

The taxable amounts of credit notes sum up to those of the document, group by group, and what they ask for sums up to
what it asked for, to the cent. A whole credit note repeats each tax as well. The taxes of several partial ones can be
off by the cent that each was rounded by, as each is the tax on its own base (BR-CO-17): the last one states the
difference as its rounding (BT-114).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from ossature.api import translator
from ossature_billing.calculation import EXACT, ONE, ZERO, Taxed, calculate, group_of, line_amount, rounded
from ossature_billing.conversion import (
    ConversionRefused,
    bases_of,
    digit_of,
    framed,
    lines_of,
    named,
    payable,
    reasons,
    spread,
)
from ossature_billing.documents import Adjustment, Document, Line, Totals
from ossature_billing.rules.terms import written
from ossature_billing.tax.points import State

_, _l, _n = translator("billing")

CREDITS = {"380": "381", "384": "381", "386": "503", "389": "261", "393": "396", "500": "502"}
"""The type of the credit note of each type of invoice (UNTDID 1001, as XP Z12-012 uses it)."""


@dataclass(frozen=True, slots=True)
class Uncredited:
    """What may still be credited of a document."""

    payable: Decimal
    """With tax"""
    bases: Mapping[Taxed, Decimal]
    """Without tax, by category and rate"""
    quantities: Mapping[str, Decimal]
    """By id of a line; an amount that was credited is of no line, and lowers `bases` alone"""


def uncredited(source: Document, credited: Sequence[Document] = ()) -> Uncredited:
    """What is left of an issued document. Raises ValueError for a credit note that does not name it."""
    for note in credited:
        if note.currency != source.currency or named(source) not in note.preceding:
            raise ValueError(f"{note.number} is not a credit note of {source.number}")
    bases = bases_of(source)
    for note in credited:
        for group, base in bases_of(note).items():
            bases[group] = bases.get(group, ZERO) - base
    lines = _lines_by_id(source)
    quantities = {id: (line.quantity or ZERO) - _before(id, credited).quantity for id, line in lines.items()}
    return Uncredited(payable(source) - sum(map(payable, credited), ZERO), bases, quantities)


def credit_whole(source: Document, credited: Sequence[Document] = ()) -> Document:
    """The credit note of everything that is not credited yet: the document's own lines when nothing is, else what is
    left at each rate. Of a final invoice after deposits, the first kind deducts what they came to (each has its own
    credit note); partial ones deduct nothing.

    Raises ConversionRefused when nothing is left.
    """
    left = uncredited(source, credited)
    if credited:
        if not any(left.bases.values()):
            raise ConversionRefused(_("Everything is credited already."))
        return _by_groups(source, left.bases, left, credited, left.payable)
    totals = source.totals or Totals()
    prepaid = totals.prepaid if digit_of(source) == State.FINAL else None
    kept = Totals(prepaid=prepaid, rounding=totals.rounding, tax_accounting=totals.tax_accounting)
    return calculate(
        replace(_headed(source), frame=framed(source, State.FINAL if prepaid else State.NORMAL), totals=kept)
    )


def credit_amount(source: Document, amount: Decimal, credited: Sequence[Document] = ()) -> Document:
    """The credit note of an amount with tax, which falls on the rates in proportion to what is left at each.

    What it comes to is the amount to the cent, by the rounding (BT-114) where no taxable amount gives it. Raises
    ConversionRefused for more than what is left.
    """
    left = _partly(source, credited)
    if amount == left.payable:
        return credit_whole(source, credited)
    bases, _rounding = spread(amount, left.bases, left.payable, source.currency or "")
    return _by_groups(source, bases, left, credited, amount)


def credit_lines(source: Document, quantities: Mapping[str, Decimal], credited: Sequence[Document] = ()) -> Document:
    """The credit note of so much of lines, by their ids, with their part of the allowances and charges of the lines and
    of the document: in proportion, so that the last one takes what the others left. Raises ConversionRefused."""
    left = _partly(source, credited)
    by_id = _lines_by_id(source)
    for id, quantity in quantities.items():
        _within(id, quantity, by_id, left)
    if not quantities:
        raise ConversionRefused(_("Choose the lines to credit."))
    lines = tuple(
        _part(line, quantities[line.id], _before(line.id, credited), source)
        for line in source.lines
        if line.id is not None and line.id in quantities
    )
    over = all(rest == quantities.get(id, ZERO) for id, rest in left.quantities.items())
    shares = _Shares(source, credited, lines, over)
    note = calculate(
        replace(
            _headed(source), lines=lines, breakdown=reasons(source), frame=framed(source, State.NORMAL), totals=None,
            allowances=shares.of(source.allowances), charges=shares.of(source.charges),
        )
    )  # fmt: skip
    for group, base in bases_of(note).items():
        _not_above(base, left.bases.get(group, ZERO), group)
    return _settled(note, source, left, credited)


# -- parts -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Before:
    """What was credited of a line."""

    quantity: Decimal
    net: Decimal


class _Shares:
    """The part of the document's allowances and charges that goes with the lines of a credit note: by their nets among
    those of the same tax; where no line has that tax, with the last line of the document."""

    def __init__(self, source: Document, credited: Sequence[Document], lines: Sequence[Line], over: bool) -> None:
        ids = set(_lines_by_id(source))
        self.currency = source.currency or ""
        self.whole = _nets(source.lines)
        self.before = _nets(line for note in credited for line in note.lines if line.id in ids)
        self.now = _nets(lines)
        self.over = over

    def of(self, adjustments: Iterable[Adjustment]) -> tuple[Adjustment, ...]:
        parts = (replace(one, amount=self._part(one), base=None, percent=None) for one in adjustments)
        return tuple(one for one in parts if one.amount)

    def _part(self, one: Adjustment) -> Decimal:
        group, amount = group_of(one.category, one.rate), one.amount or ZERO
        whole, before = self.whole.get(group, ZERO), self.before.get(group, ZERO)
        if not whole:
            return amount if self.over else ZERO
        after = before + self.now.get(group, ZERO)
        return _share(amount, after, whole, self.currency) - _share(amount, before, whole, self.currency)


def _part(line: Line, quantity: Decimal, before: _Before, source: Document) -> Line:
    """So much of a line, with the net that makes all parts come to that of the line."""
    if quantity == line.quantity or not line.quantity or line.price is None or line.price.net is None:
        return line
    currency, whole, after = source.currency or "", line.quantity, before.quantity + quantity

    def parts(adjustments: Iterable[Adjustment]) -> tuple[Adjustment, ...]:
        amounts = (
            _share(one.amount or ZERO, after, whole, currency)
            - _share(one.amount or ZERO, before.quantity, whole, currency)
            for one in adjustments
        )
        made = (
            replace(one, amount=amount, base=None, percent=None)
            for one, amount in zip(adjustments, amounts, strict=True)
        )  # fmt: skip
        return tuple(one for one in made if one.amount)

    allowances, charges = parts(line.allowances), parts(line.charges)
    right = _share(line.net or ZERO, after, whole, currency) - before.net
    with localcontext(EXACT):
        comes_to = line_amount(quantity, line.price.net, line.price.base_quantity or ONE)
        comes_to += sum((one.amount or ZERO for one in charges), ZERO)
        comes_to -= sum((one.amount or ZERO for one in allowances), ZERO)
        off = right - rounded(comes_to, currency)
    if off:
        rounding = Adjustment(amount=abs(off), reason=_l("Rounding").in_locale(source.language or "fr"))
        allowances, charges = (allowances, (*charges, rounding)) if off > 0 else ((*allowances, rounding), charges)
    return replace(line, quantity=quantity, net=right, allowances=allowances, charges=charges)


def _by_groups(
    source: Document, bases: Mapping[Taxed, Decimal], left: Uncredited, credited: Sequence[Document], comes_to: Decimal
) -> Document:
    name = _l("Credit on %(number)s", number=source.number).in_locale(source.language or "fr")
    note = calculate(
        replace(
            _headed(source), lines=lines_of(bases, name, _lines_by_id(source)), breakdown=reasons(source), allowances=(), charges=(),
            frame=framed(source, State.NORMAL), totals=None,
        )
    )  # fmt: skip
    return _settled(note, source, left, credited, comes_to)


def _settled(
    note: Document, source: Document, left: Uncredited, credited: Sequence[Document], comes_to: Decimal | None = None
) -> Document:
    """With the rounding that makes it come to what it is meant to, and the tax in euros in proportion."""
    made = bases_of(note)
    over = all(base == made.get(group, ZERO) for group, base in left.bases.items())
    if comes_to is None:
        comes_to = left.payable if over else min(payable(note), left.payable)
    rounding = comes_to - payable(note) or None
    return calculate(
        replace(note, totals=Totals(rounding=rounding, tax_accounting=_in_euros(note, source, credited, over)))
    )  # fmt: skip


def _in_euros(note: Document, source: Document, credited: Sequence[Document], over: bool) -> Decimal | None:
    """At the rate of the document that is credited; the last credit note takes what the others left."""
    of, tax = source.totals or Totals(), note.totals.tax if note.totals else None
    if of.tax_accounting is None:
        return None
    if over:
        taken = (one.totals.tax_accounting or ZERO for one in credited if one.totals)
        return of.tax_accounting - sum(taken, ZERO)
    return _share(of.tax_accounting, tax or ZERO, of.tax, source.tax_currency or "EUR") if of.tax else ZERO


def _partly(source: Document, credited: Sequence[Document]) -> Uncredited:
    if payable(source) <= ZERO:
        raise ConversionRefused(_("A document that asks for nothing is credited as a whole or not at all."))
    return uncredited(source, credited)


def _headed(source: Document) -> Document:
    """The head of a credit note of it."""
    if source.type_code not in CREDITS:
        raise ConversionRefused(_("A document of this type cannot be credited."))
    return replace(
        source, number=None, issue_date=None, due_date=None, tax_point_date=None, attachments=(),
        type_code=CREDITS[source.type_code], preceding=(named(source),),
        payment=source.payment and replace(source.payment, remittance=None),
    )  # fmt: skip


def _lines_by_id(source: Document) -> dict[str, Line]:
    lines = {line.id: line for line in source.lines if line.id is not None}
    if len(lines) != len(source.lines):
        raise ValueError("the lines of an issued document have ids of their own (BT-126)")
    return lines


def _before(id: str | None, credited: Sequence[Document]) -> _Before:
    parts = [line for note in credited for line in note.lines if line.id == id]
    return _Before(
        sum((line.quantity or ZERO for line in parts), ZERO), sum((line.net or ZERO for line in parts), ZERO)
    )


def _within(id: str, quantity: Decimal, lines: Mapping[str, Line], left: Uncredited) -> None:
    if id not in lines:
        raise ConversionRefused(_("The document has no line %(line)s.", line=id))
    rest = left.quantities[id]
    if not quantity.is_finite() or not quantity or quantity * rest <= ZERO or abs(quantity) > abs(rest):
        words = _(
            "Line %(line)s: %(asked)s cannot be credited, %(rest)s is left.",
            line=id, asked=quantity, rest=written(rest),
        )  # fmt: skip
        raise ConversionRefused(words)


def _not_above(base: Decimal, rest: Decimal, group: Taxed) -> None:
    if base * rest < ZERO or abs(base) > abs(rest):
        words = _(
            "At %(rate)s %%, %(base)s would be credited, but %(rest)s is left.",
            rate=written(group[1] or ZERO), base=written(base), rest=written(rest),
        )  # fmt: skip
        raise ConversionRefused(words)


def _nets(lines: Iterable[Line]) -> dict[Taxed, Decimal]:
    nets: dict[Taxed, Decimal] = {}
    for line in lines:
        group = group_of(line.category, line.rate)
        nets[group] = nets.get(group, ZERO) + (line.net or ZERO)
    return nets


def _share(amount: Decimal, part: Decimal, whole: Decimal, currency: str) -> Decimal:
    with localcontext(EXACT):
        return rounded(amount * part / whole, currency)
