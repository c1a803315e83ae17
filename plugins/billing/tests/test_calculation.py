"""Amounts come out as EN 16931 says, to the cent: those of invoices that others published, and any others."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ossature.api import Money
from ossature_billing.calculation import NotCalculable, calculate, rounded, tax_on, taxed
from ossature_billing.documents import Adjustment, Document, Line, Price, TaxGroup, Totals

LINES = (
    Line(id="1", quantity=Decimal(3), price=Price(net=Decimal("33.333333")), category="S", rate=Decimal(20)),
    Line(id="2", quantity=Decimal("1.5"), price=Price(net=Decimal(80)), category="E", rate=Decimal(0)),
)
QUOTED = Document(currency="EUR", lines=LINES)


def draft_of(stated: Document) -> Document:
    """What people would have typed: without anything that follows from it."""
    said = stated.totals or Totals()
    return replace(
        stated,
        lines=tuple(replace(line, net=None) for line in stated.lines),
        breakdown=(),
        totals=Totals(prepaid=said.prepaid, rounding=said.rounding, tax_accounting=said.tax_accounting),
    )


def numbers(document: Document) -> dict[str, Any]:
    """Everything that is worked out, by the name of its place; what is not stated is nothing."""
    totals = document.totals or Totals()
    found: dict[str, Any] = {
        f"totals.{name}": getattr(totals, name) or 0
        for name in ("lines", "allowances", "charges", "without_tax", "tax", "with_tax", "due", "tax_accounting")
    }
    for at, line in enumerate(document.lines):
        found[f"lines.{at}.net"] = line.net
        found |= {f"lines.{at}.{key}": amount for key, amount in amounts(line).items()}
    found |= amounts(document)
    for group in document.breakdown:
        found[f"breakdown.{group.category}.{(group.rate or Decimal(0)).normalize()}"] = (group.base, group.tax)
    return found


def amounts(of: Document | Line) -> dict[str, Decimal | None]:
    named = {"allowances": of.allowances, "charges": of.charges}
    return {f"{name}.{at}": one.amount for name, every in named.items() for at, one in enumerate(every)}


def differences(stated: Document) -> dict[str, Any]:
    ours, theirs = numbers(calculate(draft_of(stated))), numbers(stated)
    return {key: (ours.get(key), theirs.get(key)) for key in ours | theirs if ours.get(key) != theirs.get(key)}


def test_every_published_invoice_comes_out_to_the_cent(cases: Any) -> None:
    assert len(cases.invoices) == 53
    assert {case.id: found for case in cases.invoices if (found := differences(case.stated))} == {}


def test_every_invoice_that_another_program_calculated_comes_out_to_the_cent(cases: Any) -> None:
    assert len(cases.gobl) == 25
    assert {case.id: found for case in cases.gobl if (found := differences(case.stated))} == {}


def test_a_quantity_times_a_price_is_rounded_half_up_and_its_mirror_alike() -> None:
    half = Line(quantity=Decimal("0.5"), price=Price(net=Decimal("0.01")), category="S", rate=Decimal(20))
    for quantity, net in (("0.5", "0.01"), ("-0.5", "-0.01"), ("0.4999", "0.00"), ("-0.4999", "0.00")):
        done = calculate(replace(QUOTED, lines=(replace(half, quantity=Decimal(quantity)),)))
        assert str(done.lines[0].net) == net


def test_prices_keep_their_six_decimals_until_the_line_is_rounded() -> None:
    price = Price(net=Decimal("0.000123"), base_quantity=Decimal("0.5"))
    line = Line(quantity=Decimal("12345.6789"), price=price, category="S", rate=Decimal(20))
    assert calculate(replace(QUOTED, lines=(line,))).lines[0].net == Decimal("3.04")


def test_a_line_is_rounded_once_after_its_allowances_and_charges() -> None:
    line = Line(
        quantity=Decimal(1), price=Price(net=Decimal("0.005")), category="S", rate=Decimal(20),
        allowances=(Adjustment(amount=Decimal(1)),),
    )  # fmt: skip
    assert calculate(replace(QUOTED, lines=(line,))).lines[0].net == Decimal("-1.00")


def test_a_percentage_is_of_its_base_or_of_what_it_adjusts() -> None:
    tenth = Adjustment(percent=Decimal(10), category="S", rate=Decimal(20))
    of_line = replace(LINES[1], allowances=(Adjustment(percent=Decimal("12.5")),))
    done = calculate(
        replace(QUOTED, lines=(of_line,), allowances=(tenth,), charges=(replace(tenth, base=Decimal(50)),))
    )
    assert (done.lines[0].allowances[0].base, done.lines[0].net) == (Decimal(120), Decimal(105))
    assert (done.allowances[0].base, done.allowances[0].amount) == (Decimal(105), Decimal("10.50"))
    assert (done.charges[0].base, done.charges[0].amount) == (Decimal(50), Decimal(5))


def test_a_price_without_a_net_is_the_gross_less_its_discount() -> None:
    line = replace(LINES[0], price=Price(gross=Decimal("0.1234"), discount=Decimal("0.0022")))
    done = calculate(replace(QUOTED, lines=(replace(line, quantity=Decimal(100)),)))
    assert (done.lines[0].price, done.lines[0].net) == (replace(line.price, net=Decimal("0.1212")), Decimal("12.12"))


def test_tax_is_worked_out_on_the_sum_of_what_is_taxed_alike() -> None:
    cent = Line(quantity=Decimal(1), price=Price(net=Decimal("0.02")), category="S", rate=Decimal(20))
    done = calculate(replace(QUOTED, lines=(cent, replace(cent, rate=Decimal("20.00")), cent)))
    assert [(group.base, group.tax) for group in done.breakdown] == [(Decimal("0.06"), Decimal("0.01"))]
    assert done.totals is not None
    assert done.totals.with_tax == Decimal("0.07")


def test_what_is_not_subject_to_tax_has_no_rate_whatever_was_said() -> None:
    line = replace(LINES[0], category="O", rate=Decimal(0))
    done = calculate(replace(QUOTED, lines=(line, replace(line, rate=None))))
    assert [(group.category, group.rate, group.tax) for group in done.breakdown] == [("O", None, Decimal(0))]


def test_a_group_keeps_the_reason_for_which_it_is_exempt() -> None:
    reason = TaxGroup(category="E", rate=Decimal("0.00"), exemption="Art. 261, 4 du CGI", exemption_code="VATEX-X")
    done = calculate(replace(QUOTED, breakdown=(reason,)))
    assert done.breakdown[0] == replace(reason, base=Decimal("120.00"), tax=Decimal("0.00"))
    assert done.breakdown[1] == TaxGroup(base=Decimal(100), tax=Decimal(20), category="S", rate=Decimal(20))


def test_what_was_prepaid_and_rounded_changes_only_what_is_due() -> None:
    stated = Totals(prepaid=Decimal(100), rounding=Decimal("0.02"), tax_accounting=Decimal("18.31"), due=Decimal(7))
    totals = calculate(replace(QUOTED, totals=stated)).totals
    assert totals is not None
    assert (totals.with_tax, totals.due, totals.tax_accounting) == (Decimal(240), Decimal("140.02"), Decimal("18.31"))


@pytest.mark.parametrize(
    ("currency", "net", "tax"), [("EUR", "100.00", "20.00"), ("JPY", "100", "20"), ("TND", "100.000", "20.000")]
)
def test_amounts_have_the_decimals_of_their_currency(currency: str, net: str, tax: str) -> None:
    done = calculate(replace(QUOTED, currency=currency, lines=LINES[:1]))
    assert (str(done.lines[0].net), str(done.breakdown[0].tax)) == (net, tax)


@pytest.mark.parametrize(
    ("draft", "path"),
    [
        (Document(lines=LINES), "currency"),
        (Document(currency="euro", lines=LINES), "currency"),
        (replace(QUOTED, lines=(LINES[0], replace(LINES[1], quantity=None))), "lines.1.quantity"),
        (replace(QUOTED, lines=(replace(LINES[0], price=None),)), "lines.0.price.net"),
        (replace(QUOTED, lines=(replace(LINES[0], price=Price(discount=Decimal(1))),)), "lines.0.price.net"),
        (replace(QUOTED, lines=(replace(LINES[0], price=Price(net=Decimal(1), base_quantity=Decimal(0))),)), "lines.0.price.base_quantity"),
        (replace(QUOTED, lines=(replace(LINES[0], charges=(Adjustment(),)),)), "lines.0.charges.0.amount"),
        (replace(QUOTED, allowances=(Adjustment(base=Decimal(3)),)), "allowances.0.amount"),
        (replace(QUOTED, lines=(replace(LINES[0], quantity=Decimal("NaN")),)), "lines"),
        (replace(QUOTED, lines=(replace(LINES[0], quantity=Decimal("Infinity")),)), "lines"),
        (replace(QUOTED, lines=(replace(LINES[0], quantity=Decimal("1E+90")),)), "lines"),
    ],
)  # fmt: skip
def test_a_draft_that_lacks_something_is_refused_with_the_way_to_it(draft: Document, path: str) -> None:
    with pytest.raises(NotCalculable) as refused:
        calculate(draft)
    assert refused.value.path == path
    assert str(refused.value).startswith(f"{path}: ")


# -- whatever the numbers --------------------------------------------------------------------------------------------

whatever = settings(deadline=None, derandomize=True, max_examples=40)
CURRENCIES = st.sampled_from(["EUR", "JPY", "TND"])
RATES = st.sampled_from(
    [("S", Decimal(20)), ("S", Decimal("5.5")), ("S", Decimal("2.10")), ("E", Decimal(0)), ("O", None)]
)


def decimals(places: int, least: int = -(10**7), most: int = 10**7) -> st.SearchStrategy[Decimal]:
    return st.integers(least * 10**places, most * 10**places).map(lambda number: Decimal(number).scaleb(-places))


@st.composite
def adjustments(draw: st.DrawFn, taxed: bool = False) -> Adjustment:
    percent = draw(st.none() | decimals(2, 0, 100))
    category, rate = draw(RATES) if taxed else (None, None)
    amount = None if percent is not None else draw(decimals(2, -1000, 1000))
    return Adjustment(amount=amount, percent=percent, category=category, rate=rate)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    category, rate = draw(RATES)
    price = Price(net=draw(decimals(6, 0, 10**5)), base_quantity=draw(st.none() | decimals(4, 1, 100)))
    return Line(
        quantity=draw(decimals(4, -(10**4), 10**4)), price=price, category=category, rate=rate,
        allowances=tuple(draw(st.lists(adjustments(), max_size=2))),
        charges=tuple(draw(st.lists(adjustments(), max_size=2))),
    )  # fmt: skip


@st.composite
def drafts(draw: st.DrawFn) -> Document:
    return Document(
        currency=draw(CURRENCIES), lines=tuple(draw(st.lists(lines(), min_size=1, max_size=6))),
        allowances=tuple(draw(st.lists(adjustments(taxed=True), max_size=2))),
        charges=tuple(draw(st.lists(adjustments(taxed=True), max_size=2))),
        totals=Totals(prepaid=draw(st.none() | decimals(2, 0, 1000)), rounding=draw(st.none() | decimals(2, -1, 1))),
    )  # fmt: skip


def nothing(number: Decimal | None) -> Decimal:
    return number or Decimal(0)


@whatever
@given(drafts())
def test_totals_are_the_sums_of_what_is_stated(draft: Document) -> None:
    done = calculate(draft)
    said = done.totals
    assert said is not None
    assert said.lines == sum(nothing(line.net) for line in done.lines)
    assert nothing(said.allowances) == sum(nothing(one.amount) for one in done.allowances)
    assert nothing(said.charges) == sum(nothing(one.amount) for one in done.charges)
    assert said.without_tax == sum(nothing(group.base) for group in done.breakdown)
    assert said.tax == sum(nothing(group.tax) for group in done.breakdown)
    assert said.due == nothing(said.without_tax) + nothing(said.tax) - nothing(said.prepaid) + nothing(said.rounding)


@whatever
@given(drafts())
def test_calculating_again_changes_nothing(draft: Document) -> None:
    done = calculate(draft)
    assert calculate(done) == done


@whatever
@given(drafts(), st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_no_total_and_no_group(draft: Document, chance: Any) -> None:
    mixed = list(draft.lines)
    chance.shuffle(mixed)
    one, other = calculate(draft), calculate(replace(draft, lines=tuple(mixed)))
    assert (one.totals, one.breakdown) == (other.totals, other.breakdown)


@whatever
@given(drafts())
def test_a_mirrored_document_has_mirrored_amounts(draft: Document) -> None:
    draft = replace(draft, allowances=(), charges=(), totals=None)
    draft = replace(draft, lines=tuple(replace(line, allowances=(), charges=()) for line in draft.lines))
    mirror = replace(draft, lines=tuple(replace(line, quantity=-nothing(line.quantity)) for line in draft.lines))
    one, other = calculate(draft), calculate(mirror)
    assert [(group.base, group.tax) for group in one.breakdown] == [
        (-nothing(group.base), -nothing(group.tax)) for group in other.breakdown
    ]


@whatever
@given(decimals(0, 1, 1000), decimals(0, 1, 1000), decimals(2, 0, 10**4), RATES, CURRENCIES)
def test_a_line_may_be_split_where_no_cent_is_lost(
    first: Decimal, second: Decimal, price: Decimal, tax: tuple[str, Decimal | None], currency: str
) -> None:
    price = price * 100 if currency == "JPY" else price
    whole = Line(quantity=first + second, price=Price(net=price), category=tax[0], rate=tax[1])
    parts = (replace(whole, quantity=first), replace(whole, quantity=second))
    one = calculate(Document(currency=currency, lines=(whole,)))
    other = calculate(Document(currency=currency, lines=parts))
    assert (one.totals, one.breakdown) == (other.totals, other.breakdown)


@whatever
@given(drafts())
def test_no_amount_is_a_negative_zero_and_all_have_the_decimals_of_the_currency(draft: Document) -> None:
    done = calculate(draft)
    places = {"EUR": 2, "JPY": 0, "TND": 3}[done.currency or ""]
    said = [
        *(number for line in done.lines for number in (line.net, *amounts(line).values())),
        *amounts(done).values(),
        *(number for group in done.breakdown for number in (group.base, group.tax)),
        *(getattr(done.totals, name) for name in ("lines", "without_tax", "tax", "with_tax", "due")),
    ]
    for number in said:
        assert number is not None
        assert number or not number.is_signed()
        assert number == number.quantize(Decimal(1).scaleb(-places))
        assert -number.as_tuple().exponent == places


@whatever
@given(decimals(4), RATES, CURRENCIES)
def test_tax_is_within_half_a_minor_unit_of_the_exact_one(
    base: Decimal, tax: tuple[str, Decimal | None], currency: str
) -> None:
    exact = base * nothing(tax[1]) / 100
    places = {"EUR": 2, "JPY": 0, "TND": 3}[currency]
    assert abs(tax_on(base, tax[1], currency) - exact) <= Decimal("0.5").scaleb(-places)
    assert rounded(exact, currency) == exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    assert rounded(exact, currency) == Money.of(exact, currency).amount


@whatever
@given(drafts())
def test_every_line_and_adjustment_is_taxed_in_exactly_one_group(draft: Document) -> None:
    done = calculate(draft)
    bases = taxed(done.lines, done.allowances, done.charges)
    assert {(group.category, group.rate): group.base for group in done.breakdown} == bases
