"""Documents made of others: invoices of quotes, deposits and what follows them, corrective invoices, credit notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ossature_billing.calculation import calculate
from ossature_billing.conversion import (
    ConversionRefused,
    bases_of,
    corrective,
    deposit,
    draft,
    final_invoice,
    invoice_of,
    payable,
)
from ossature_billing.credit_notes import credit_amount, credit_lines, credit_whole, uncredited
from ossature_billing.documents import Adjustment, Document, Line, Preceding, Price, TaxGroup, Totals
from ossature_billing.rules import check
from ossature_billing.rules.codes import codes_of
from ossature_billing.xml.official import broken_rules
from ossature_billing.xml.writing import cii, ubl

D, ZERO = Decimal, Decimal(0)
DAY = date(2026, 11, 25)
Documents = dict[str, Document]
whatever = settings(deadline=None, derandomize=True, max_examples=40)
TAXES = st.sampled_from([("S", D(20)), ("S", D("5.5")), ("E", ZERO)])
EXEMPT = TaxGroup(category="E", rate=ZERO, exemption="Exonération, art. 261 du CGI", exemption_code="VATEX-FR-CGI261-4")
TOTALS = ("lines", "allowances", "charges", "without_tax", "tax", "with_tax", "rounding", "tax_accounting", "prepaid")


def issued(document: Document, number: str = "N1") -> Document:
    """With what a document gets when it is issued."""
    return replace(document, number=number, issue_date=DAY, due_date=DAY)


def decimals(places: int, least: int, most: int) -> st.SearchStrategy[Decimal]:
    return st.integers(least * 10**places, most * 10**places).map(lambda number: D(number).scaleb(-places))


@st.composite
def adjustments(draw: st.DrawFn, most: str, category: str | None = None, rate: Decimal | None = None) -> Adjustment:
    share = draw(st.booleans())
    cents = st.integers(1, int(D(most) * 100)).map(lambda number: D(number) / 100)
    return Adjustment(
        percent=draw(decimals(2, 1, 30)) if share and category is None else None,
        amount=None if share and category is None else draw(cents), reason="Geste", category=category, rate=rate,
    )  # fmt: skip


@st.composite
def orders(draw: st.DrawFn) -> Callable[[Document], Document]:
    """Lines, allowances and charges, none of which eats up another, put into a document."""
    lines = []
    for at in range(draw(st.integers(1, 4))):
        category, rate = draw(TAXES)
        lines.append(
            Line(
                id=str(at), name="Objet", quantity=draw(decimals(4, 1, 50)), unit="C62", category=category, rate=rate,
                price=Price(net=draw(decimals(6, 4, 300)), base_quantity=draw(st.none() | decimals(1, 1, 3))),
                allowances=tuple(draw(st.lists(adjustments("0.40"), max_size=1))),
                charges=tuple(draw(st.lists(adjustments("9.99"), max_size=1))),
            )
        )  # fmt: skip
    of = {(line.category, line.rate) for line in lines}
    (category, rate) = draw(st.sampled_from(sorted(of, key=str)))
    allowances = tuple(draw(st.lists(adjustments("0.30", category, rate), max_size=1)))
    charges = tuple(draw(st.lists(adjustments("50.00", category, rate), max_size=2)))
    rounding = draw(st.sampled_from([None, D("0.02"), D("-0.01")]))

    def into(base: Document) -> Document:
        return issued(
            calculate(
                replace(
                    base, lines=tuple(lines), allowances=allowances, charges=charges,
                    breakdown=(EXEMPT,) if any(line.category == "E" for line in lines) else (),
                    totals=Totals(rounding=rounding),
                )
            )
        )  # fmt: skip

    return into


def said(document: Document, name: str) -> Decimal:
    return getattr(document.totals, name) or ZERO


# -- credit notes ------------------------------------------------------------------------------------------------------


@whatever
@given(orders(), st.booleans())
def test_an_invoice_and_its_whole_credit_note_cancel_in_every_total(
    goldens: Documents, order: Callable[[Document], Document], dollars: bool
) -> None:
    invoice = order(goldens["standard"])
    if dollars:
        assert invoice.totals
        totals = replace(invoice.totals, tax_accounting=D("12.34"))
        invoice = replace(invoice, currency="USD", tax_currency="EUR", totals=totals)
    note = issued(credit_whole(invoice), "A1")
    assert (check(invoice), check(note)) == ((), ())
    assert note.type_code == "381"
    assert note.preceding == (Preceding(number="N1", issue_date=DAY),)
    for name in (*TOTALS, "due"):
        assert said(note, name) == said(invoice, name)  # a credit note counts the other way round
    assert note.breakdown == invoice.breakdown
    left = uncredited(invoice, [note])
    assert left.payable == 0
    assert set(left.bases.values()) | set(left.quantities.values()) == {ZERO}
    with pytest.raises(ConversionRefused, match="credited already"):
        credit_whole(invoice, [note])


@whatever
@given(orders(), st.data())
def test_credit_notes_by_lines_sum_up_to_the_invoice_to_the_cent(
    goldens: Documents, order: Callable[[Document], Document], data: st.DataObject
) -> None:
    invoice, notes = order(goldens["standard"]), []
    while any((left := uncredited(invoice, notes)).quantities.values()):
        ids = [id for id, rest in left.quantities.items() if rest]
        last = len(notes) == 3
        chosen = ids if last else data.draw(st.lists(st.sampled_from(ids), min_size=1, unique=True))
        parts = st.sampled_from([D(1), D("0.5"), D("0.3333")])
        wanted = {
            id: left.quantities[id] if last else max((left.quantities[id] * data.draw(parts)).quantize(D("0.0001")), D("0.0001"))
            for id in chosen
        }  # fmt: skip
        notes.append(issued(credit_lines(invoice, wanted, notes), f"A{len(notes)}"))
        assert check(notes[-1]) == ()
        assert uncredited(invoice, notes).payable >= 0
    assert sum(map(payable, notes)) == payable(invoice)
    for group, base in bases_of(invoice).items():
        assert sum(bases_of(note).get(group, ZERO) for note in notes) == base
    for line in invoice.lines:
        parts_of = [one for note in notes for one in note.lines if one.id == line.id]
        assert sum(one.net or ZERO for one in parts_of) == line.net
    for name in ("lines", "allowances", "charges", "without_tax"):
        assert sum(said(note, name) for note in notes) == said(invoice, name)
    assert abs(sum(said(note, "tax") for note in notes) - said(invoice, "tax")) <= D("0.01") * 3 * len(notes)


@whatever
@given(orders(), st.lists(st.integers(1, 90), max_size=3), st.booleans())
def test_credit_notes_by_amount_come_to_it_and_what_is_left_to_the_rest(
    goldens: Documents, order: Callable[[Document], Document], percents: list[int], lines_first: bool
) -> None:
    invoice = order(goldens["standard"])
    notes: list[Document] = []
    if lines_first:
        whole = uncredited(invoice).quantities
        notes.append(issued(credit_lines(invoice, {"0": whole["0"]}), "A0"))
    for percent in percents:
        left = uncredited(invoice, notes).payable
        amount = (left * percent / 100).quantize(D("0.01"))
        assume(amount > 0)
        notes.append(issued(credit_amount(invoice, amount, notes), f"A{len(notes)}"))
        assert payable(notes[-1]) == said(notes[-1], "due") == amount
        assert check(notes[-1]) == ()
    if any(uncredited(invoice, notes).bases.values()):
        notes.append(issued(credit_whole(invoice, notes), f"A{len(notes)}"))
        assert check(notes[-1]) == ()
    assert uncredited(invoice, notes).payable == 0
    assert set(uncredited(invoice, notes).bases.values()) == {ZERO}


def test_no_credit_note_goes_above_what_is_left(goldens: Documents) -> None:
    invoice = issued(goldens["everything at once"])
    half = issued(credit_lines(invoice, {"1": D("6.25")}), "A1")
    for wanted, words in (
        ({"1": D("6.2501")}, "6.2501 cannot be credited, 6.25 is left"),
        ({"3": D("0.1")}, "cannot be credited"),  # the line's quantity is below zero
        ({"2": ZERO}, "cannot be credited"),
        ({"9": D(1)}, "no line 9"),
        ({}, "Choose the lines"),
    ):
        with pytest.raises(ConversionRefused, match=words):
            credit_lines(invoice, wanted, [half])
    left = uncredited(invoice, [half]).payable
    for amount, words in (
        (left + D("0.01"), "at most"), (ZERO, "more than zero"), (D("-1"), "more than zero"),
        (D("0.001"), "more decimals"), (D("NaN"), "more than zero"),
    ):  # fmt: skip
        with pytest.raises(ConversionRefused, match=words):
            credit_amount(invoice, amount, [half])
    assert payable(credit_amount(invoice, left, [half])) == left
    with pytest.raises(ValueError, match="is not a credit note of"):
        uncredited(invoice, [replace(half, preceding=())])


def test_a_discount_line_cannot_be_left_out_of_its_rate(goldens: Documents) -> None:
    (line,) = goldens["standard"].lines
    lines = (line, replace(line, id="2", name="Remise", quantity=D(-1), price=Price(net=D(300))))
    invoice = issued(calculate(replace(goldens["standard"], lines=lines)))
    with pytest.raises(ConversionRefused, match=r"At 20 %, 2,300 would be credited, but 2,000 is left"):
        credit_lines(invoice, {"1": D(2)})
    assert payable(credit_lines(invoice, {"1": D(2), "2": D(-1)})) == payable(invoice)


def test_only_what_was_issued_is_credited_or_corrected(goldens: Documents) -> None:
    for make in (credit_whole, corrective):
        with pytest.raises(ConversionRefused, match="issue it first"):
            make(replace(goldens["standard"], number=None))
        with pytest.raises(ConversionRefused, match="credited" if make is credit_whole else "corrected"):
            make(goldens["credit note"])
    nothing = calculate(replace(goldens["standard"], totals=None, lines=(replace(goldens["standard"].lines[0], price=Price(net=ZERO)),)))  # fmt: skip
    with pytest.raises(ConversionRefused, match="asks for nothing"):
        credit_amount(nothing, D(1))


def test_tax_in_euros_is_credited_at_the_rate_of_the_invoice(goldens: Documents) -> None:
    invoice = issued(goldens["in dollars"])
    first = issued(credit_amount(invoice, D(920)), "A1")
    rest = issued(credit_whole(invoice, [first]), "A2")
    assert (check(first), check(rest)) == ((), ())
    assert said(first, "tax_accounting") == D("141.45")
    assert said(first, "tax_accounting") + said(rest, "tax_accounting") == said(invoice, "tax_accounting")


# -- deposits, final and corrective invoices ---------------------------------------------------------------------------


@whatever
@given(orders(), st.lists(st.integers(1, 60), min_size=1, max_size=3), st.booleans())
def test_deposits_never_come_to_more_than_the_order_and_the_final_invoice_asks_for_the_rest(
    goldens: Documents, order: Callable[[Document], Document], percents: list[int], amounts: bool
) -> None:
    quote = order(goldens["standard"])
    deposits: list[Document] = []
    for percent in percents:
        amount = (payable(quote) * percent / 100).quantize(D("0.01"))
        try:
            one = deposit(quote, amount=amount, earlier=deposits) if amounts else deposit(quote, percent=D(percent), earlier=deposits)  # fmt: skip
        except ConversionRefused:
            assert sum(map(payable, deposits)) + amount > payable(quote) - D("0.10")
            continue
        deposits.append(issued(one, f"D{len(deposits)}"))
        assert check(deposits[-1]) == ()
        assert not amounts or payable(one) == amount
    done = issued(final_invoice(quote, deposits), "F1")
    assert check(done) == ()
    assert (done.type_code, done.frame, len(done.preceding)) == ("380", "S4", len(deposits))
    assert done.breakdown == quote.breakdown
    assert said(done, "due") == payable(quote) - sum(map(payable, deposits)) >= 0
    note = credit_whole(done)
    assert [said(note, name) for name in (*TOTALS, "due")] == [said(done, name) for name in (*TOTALS, "due")]
    assert note.frame == "S4"


def test_three_thirds_are_a_whole_even_where_each_was_rounded_up(goldens: Documents) -> None:
    (line,) = goldens["standard"].lines
    order = issued(calculate(replace(goldens["standard"], lines=(replace(line, quantity=D(1), price=Price(net=D("0.05"))),))))  # fmt: skip
    deposits: list[Document] = []
    for percent in (30, 70):
        deposits.append(issued(deposit(order, percent=D(percent), earlier=deposits), f"D{percent}"))
    assert sum(map(payable, deposits)) == payable(order)
    with pytest.raises(ConversionRefused, match=r"more than the order, which is 0\.06"):
        deposit(order, percent=D(100), earlier=deposits)
    with pytest.raises(ConversionRefused, match="more than the order"):
        deposit(order, percent=D(1), earlier=deposits)


def test_what_makes_no_deposit_and_no_final_invoice_is_refused(goldens: Documents) -> None:
    order = issued(goldens["standard"])
    for percent in (ZERO, D(101), D("-1"), D("NaN")):
        with pytest.raises(ConversionRefused, match="at most 100 %"):
            deposit(order, percent=percent)
    for stated in ({}, {"percent": D(1), "amount": D(1)}):
        with pytest.raises(ValueError, match="a percentage or an amount"):
            deposit(order, **stated)
    paid = issued(deposit(order, percent=D(60)), "D1")
    for deposits, words in (
        ([], "names the deposits"), ([order], "N1 is not a deposit"), ([paid, paid], "more than the order"),
        ([replace(paid, currency="USD")], "is not a deposit in the currency"), ([replace(paid, number=None)], "issue it"),
    ):  # fmt: skip
        with pytest.raises(ConversionRefused, match=words):
            final_invoice(order, deposits)


def test_a_deposit_on_goods_is_taxed_when_it_is_paid_and_says_what_it_is(goldens: Documents) -> None:
    order = replace(goldens["standard"], tax_point="delivery", language="en")
    done = deposit(order, percent=D("33.5"))
    assert (done.type_code, done.tax_point) == ("386", "payment")
    assert [(line.name, line.quantity, line.net) for line in done.lines] == [("Deposit of 33.5 %", D(1), D("770.50"))]
    assert deposit(replace(order, tax_point="invoice"), percent=D(1)).tax_point == "invoice"
    assert "33,5" in (deposit(replace(order, language="fr-FR"), percent=D("33.5")).lines[0].name or "")


def test_a_quote_becomes_an_invoice_and_an_invoice_a_corrective_one(goldens: Documents) -> None:
    quote = replace(goldens["everything at once"], type_code=None, frame=None)
    invoice = invoice_of(quote, frame="M1")
    assert (invoice.number, invoice.type_code, invoice.frame, invoice.preceding) == (None, "380", "M1", ())
    assert bases_of(invoice) == bases_of(quote)
    assert check(issued(invoice)) == ()
    for name, frame in (("paid", "S1"), ("final after deposits", "S4"), ("exempt training", "S1")):
        source = issued(goldens[name])
        corrected = issued(corrective(source), "N2")
        assert (corrected.type_code, corrected.frame) == ("384", frame)
        assert corrected.breakdown == source.breakdown
        assert said(corrected, "prepaid") == (said(source, "prepaid") if frame == "S4" else 0)
        assert check(corrected) == ()


def test_a_draft_comes_to_what_it_was_made_of(goldens: Documents) -> None:
    for document in goldens.values():
        bare = draft(document)
        assert all(line.net is None for line in bare.lines)
        assert all(one.amount is None and one.base is None for one in bare.allowances if one.percent is not None)
        assert calculate(bare).breakdown == document.breakdown


def test_every_frame_of_billing_stays_one_that_france_knows(goldens: Documents) -> None:
    for frame in codes_of("french_frames"):
        invoice = issued(replace(goldens["standard"], frame=frame))
        for made in (credit_whole(invoice), deposit(invoice, percent=D(30)), corrective(invoice)):
            assert made.frame in codes_of("french_frames")


@pytest.mark.parametrize("write", [cii, ubl])
def test_the_official_rules_accept_what_is_made(goldens: Documents, write: Any) -> None:
    order = issued(goldens["everything at once"])
    paid = issued(deposit(order, percent=D(30)), "D1")
    last = issued(final_invoice(order, [paid]), "F1")
    for done in (
        paid, last, credit_whole(order), credit_whole(last), credit_whole(paid), credit_lines(order, {"1": D("3.1")}),
        credit_amount(order, D("99.99")), corrective(order), deposit(order, amount=D("99.99")),
    ):  # fmt: skip
        assert check(issued(done, "X1")) == ()
        assert broken_rules(write(issued(done, "X1"))) == ()
