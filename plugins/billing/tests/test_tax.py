"""Tax as dated data, the position of a line, when its tax falls due, and the tax in euros."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ossature_billing.calculation import calculate
from ossature_billing.documents import Delivery, Document, Line, Totals
from ossature_billing.rules import check
from ossature_billing.rules.codes import codes_of
from ossature_billing.tax import data
from ossature_billing.tax.currencies import ExchangeRate, tax_in_euros
from ossature_billing.tax.data import TERRITORIES, TaxRefused, exemptions, penalty, rate_on, rates, threshold
from ossature_billing.tax.points import State, due_on, frame, tax_point
from ossature_billing.tax.positions import (
    Customer,
    Kind,
    Position,
    Sale,
    Seller,
    numbers_missing,
    position,
    taxed_by,
)
from ossature_billing.xml.official import broken_rules
from ossature_billing.xml.writing import cii, ubl

whatever = settings(deadline=None, derandomize=True, max_examples=60)
D = Decimal
TODAY = date(2026, 11, 20)


# -- dated data --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("territory", "percents"),
    [  # CGI 278 to 281, 294 to 297; BOI-TVA-GEO-20-10
        ("metropole", "20 10 5.5 2.1"),
        ("corsica", "20 13 10 5.5 2.1 0.9"),
        ("guadeloupe", "8.5 2.1 1.75 1.05"),
        ("martinique", "8.5 2.1 1.75 1.05"),
        ("reunion", "8.5 2.1 1.75 1.05"),
    ],
)
def test_each_territory_has_its_rates(territory: str, percents: str) -> None:
    assert [str(rate.percent) for rate in rates(TODAY, territory)] == percents.split()


def test_a_rate_that_ended_yesterday_is_refused_and_the_next_one_named() -> None:
    ended = date(2013, 12, 31)
    assert rate_on("metropole-19.6", ended).percent == D("19.6")
    with pytest.raises(TaxRefused) as refused:
        rate_on("metropole-19.6", ended + timedelta(days=1))
    assert str(refused.value) == (
        "The rate 19.6 % (Standard rate, Mainland France) ended on December 31, 2013; "
        "since then it is 20 % (Standard rate, Mainland France)."
    )
    with pytest.raises(TaxRefused, match=r"applies from January 1, 2014 only"):
        rate_on("metropole-20", ended)
    with pytest.raises(TaxRefused, match="no VAT rate metropole-21"):
        rate_on("metropole-21", TODAY)


def test_a_rate_has_one_that_follows_it_on_the_next_day_and_in_its_territory() -> None:
    for rate in data._rates().values():
        if rate.until is not None:
            assert rate.followed_by is not None
            following = data._rates()[rate.followed_by]
            assert (following.start, following.territory) == (rate.until + timedelta(days=1), rate.territory)


def test_data_states_its_law_and_source_and_uses_codes_of_the_official_lists() -> None:
    for rate in data._rates().values():
        assert str(rate.percent) in codes_of("french_rates")
        assert rate.territory in TERRITORIES
        assert rate.name
    for one in exemptions(TODAY):
        assert one.code in codes_of("exemption_reasons")
        assert one.category in codes_of("categories")
        assert one.mention("fr") != one.mention("en") == one.mention("de")
    for dated in (*data._rates().values(), *exemptions(TODAY), threshold("goods", TODAY), penalty(TODAY)):
        assert dated.law
        assert dated.source
        assert dated.sure in ("read", "known")


def test_thresholds_and_penalties_are_data_of_their_day() -> None:
    assert (threshold("services", TODAY).limit, threshold("goods", TODAY).upper) == (D(37500), D(93500))
    with pytest.raises(LookupError):
        threshold("goods", date(2024, 12, 31))
    late = penalty(TODAY)
    assert (late.rate(D("2.15")), late.least(D("2.62")), late.indemnity) == (D("12.15"), D("7.86"), D(40))
    assert data.reference_day(date(2026, 6, 30)) == date(2026, 1, 1)
    assert data.reference_day(date(2026, 7, 1)) == date(2026, 7, 1)


# -- positions ---------------------------------------------------------------------------------------------------------

FRENCH = Customer(country="FR", vat_number="FR83404833048")
PERSON = Customer(country="FR", firm=False)
GERMAN_FIRM = Customer(country="DE", vat_number="DE123456789")
GERMAN_PERSON = Customer(country="DE", firm=False)
SWISS_FIRM, SWISS_PERSON = Customer(country="CH"), Customer(country="CH", firm=False)
NORMAL, FRANCHISE, ATTESTED = Seller(), Seller(franchise=True), Seller(training_attested=True)
GOODS, SERVICE, COURSE = (Sale(kind=kind, rate="metropole-20") for kind in Kind)

TABLE: list[tuple[str, Seller, Customer, Sale, str]] = [
    ("domestic goods: CGI 258", NORMAL, FRENCH, GOODS, "S 20"),
    ("domestic service to a person: CGI 259, 2°", NORMAL, PERSON, SERVICE, "S 20"),
    ("training without the attestation is taxed", NORMAL, FRENCH, COURSE, "S 20"),
    ("training with it: CGI 261, 4, 4° a", ATTESTED, FRENCH, COURSE, "E VATEX-FR-CGI261-4"),
    ("its holder's other services stay taxed: BOI-TVA-CHAMP-30-10-20-50", ATTESTED, FRENCH, SERVICE, "S 20"),
    ("training is exempt before the regime is asked", replace(ATTESTED, franchise=True), FRENCH, COURSE, "E VATEX-FR-CGI261-4"),
    ("training for a firm of the Union is taxed there: CGI 259, 1°", ATTESTED, GERMAN_FIRM, COURSE, "AE VATEX-EU-AE"),
    ("small business: CGI 293 B", FRANCHISE, FRENCH, GOODS, "E VATEX-FR-FRANCHISE"),
    ("small business, goods to the Union: 262 ter does not apply", FRANCHISE, GERMAN_FIRM, GOODS, "E VATEX-FR-FRANCHISE"),
    ("small business, service to a firm of the Union", FRANCHISE, GERMAN_FIRM, SERVICE, "AE VATEX-EU-AE"),
    ("goods to a firm of the Union: CGI 262 ter, I", NORMAL, GERMAN_FIRM, GOODS, "K VATEX-EU-IC"),
    ("goods to Northern Ireland", NORMAL, Customer(country="XI", vat_number="XI123456789"), GOODS, "K VATEX-EU-IC"),
    ("goods to Greece, whose numbers begin with EL", NORMAL, Customer(country="GR", vat_number="EL123456789"), GOODS, "K VATEX-EU-IC"),
    ("goods to the Union for a firm without a number", NORMAL, Customer(country="DE"), GOODS, "S 20"),
    ("goods to the Union for one with a French number", NORMAL, Customer(country="DE", vat_number="FR83404833048"), GOODS, "S 20"),
    ("goods that a firm of the Union takes in France", NORMAL, GERMAN_FIRM, replace(GOODS, place="FR"), "S 20"),
    ("service to a firm of the Union: CGI 259, 1° and 283, 2", NORMAL, GERMAN_FIRM, SERVICE, "AE VATEX-EU-AE"),
    ("service to a person of the Union: the seller's rate", NORMAL, GERMAN_PERSON, SERVICE, "S 20"),
    ("goods to a person of the Union: the seller's rate", NORMAL, GERMAN_PERSON, GOODS, "S 20"),
    ("export: CGI 262, I", NORMAL, SWISS_PERSON, GOODS, "G VATEX-EU-G"),
    ("service to a firm outside the Union: CGI 259, 1°", NORMAL, SWISS_FIRM, SERVICE, "O VATEX-EU-O"),
    ("service to a person outside the Union: CGI 259, 2°", NORMAL, SWISS_PERSON, SERVICE, "S 20"),
    ("a service about a building in France: CGI 259 A, 2°", NORMAL, SWISS_FIRM, replace(SERVICE, place="FR"), "S 20"),
    ("subcontracted construction: CGI 283, 2 nonies", NORMAL, FRENCH, replace(SERVICE, exemption="construction"), "AE VATEX-FR-AE"),
    ("waste: CGI 283, 2 sexies", NORMAL, FRENCH, replace(GOODS, exemption="waste"), "AE VATEX-FR-AE"),
    ("a small business charges nothing that others could owe", FRANCHISE, FRENCH, replace(SERVICE, exemption="construction"), "E VATEX-FR-FRANCHISE"),
    ("schools: directive, 132, 1, i", NORMAL, PERSON, replace(COURSE, exemption="education"), "E VATEX-EU-132-1I"),
    ("outside the scope", NORMAL, FRENCH, replace(SERVICE, exemption="outside-scope"), "O VATEX-EU-O"),
    ("a compensation is no supply, wherever it goes", NORMAL, GERMAN_FIRM, replace(GOODS, exemption="outside-scope"), "O VATEX-EU-O"),
    ("an exempt customer: CGI 275", NORMAL, replace(FRENCH, exemption="tax-free-purchase"), GOODS, "E VATEX-FR-CGI275"),
    ("Réunion at home", Seller(territory="reunion"), Customer(country="RE"), Sale(kind=Kind.GOODS, rate="reunion-8.5"), "S 8.5"),
    ("Monaco is taxed as France is", NORMAL, Customer(country="MC"), GOODS, "S 20"),
]  # fmt: skip


@pytest.mark.parametrize(("seller", "customer", "sale", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])  # fmt: skip
def test_the_position_follows_from_seller_customer_and_what_is_sold(
    seller: Seller, customer: Customer, sale: Sale, expected: str
) -> None:
    found = position(seller, customer, sale, TODAY)
    says = found.exemption.code if found.exemption else str(found.percent)
    assert f"{found.category} {says}" == expected
    assert found.both_numbers == (found.category in ("K", "AE"))


@pytest.mark.parametrize(
    ("seller", "customer", "sale", "words"),
    [
        (NORMAL, PERSON, replace(SERVICE, exemption="construction"), "customer with a VAT number"),
        (NORMAL, Customer(country="DE"), SERVICE, "needs its VAT number"),
        (NORMAL, Customer(country="RE"), GOODS, "CGI 294"),
        (Seller(territory="reunion"), FRENCH, GOODS, "CGI 294"),
        (NORMAL, FRENCH, replace(SERVICE, place="ES"), "stated by hand"),
        (NORMAL, FRENCH, Sale(kind=Kind.GOODS, rate="metropole-19.6"), "ended on December 31, 2013"),
        (NORMAL, FRENCH, Sale(kind=Kind.GOODS, rate="corsica-13"), "not one of the seller’s territory"),
        (NORMAL, FRENCH, replace(GOODS, exemption="none"), "no VAT exemption none"),
    ],
)  # fmt: skip
def test_what_cannot_be_decided_is_refused_in_words(seller: Seller, customer: Customer, sale: Sale, words: str) -> None:
    with pytest.raises(TaxRefused, match=words):
        position(seller, customer, sale, TODAY)


Documents = dict[str, Document]


def billed(base: Document, goods: Line, kinds: tuple[Kind, ...], positions: tuple[Position, ...]) -> Document:
    """A document like another, of lines that have these positions."""
    (service,) = base.lines
    draft = replace(
        base, frame=frame(kinds), tax_point=tax_point(zip(kinds, positions, strict=True), Seller()),
        delivery=Delivery(day=TODAY, address=base.buyer and base.buyer.address),
        lines=tuple(
            replace(goods if kind is Kind.GOODS else service, id=str(at)) for at, kind in enumerate(kinds, start=1)
        ),
    )  # fmt: skip
    return calculate(taxed_by(draft, positions))


@pytest.mark.parametrize(
    ("seller", "customer", "sales", "like"),
    [
        (NORMAL, FRENCH, (GOODS, SERVICE), "standard"),
        (ATTESTED, FRENCH, (COURSE, SERVICE), "standard"),
        (FRANCHISE, FRENCH, (SERVICE,), "franchise"),
        (NORMAL, FRENCH, (replace(SERVICE, exemption="construction"), GOODS), "standard"),
        (NORMAL, GERMAN_FIRM, (GOODS, SERVICE), "intra-EU supply"),
        (NORMAL, SWISS_FIRM, (GOODS,), "export"),
        (NORMAL, SWISS_FIRM, (SERVICE,), "export"),
        (NORMAL, GERMAN_PERSON, (GOODS,), "intra-EU supply"),
    ],
    ids=["domestic", "training and its room", "franchise", "construction", "union", "export", "abroad", "person"],
)
def test_documents_of_each_position_pass_our_check_and_the_official_rules(
    goldens: Documents, seller: Seller, customer: Customer, sales: tuple[Sale, ...], like: str
) -> None:
    positions = tuple(position(seller, customer, sale, TODAY) for sale in sales)
    kinds = tuple(sale.kind for sale in sales)
    done = billed(goldens[like], goldens["export"].lines[0], kinds, positions)
    assert check(done) == ()
    assert numbers_missing(done) == ()
    assert [broken_rules(write(done)) for write in (cii, ubl)] == [(), ()]


def test_a_document_has_the_mention_in_its_language(goldens: Documents) -> None:
    positions = (position(FRANCHISE, FRENCH, SERVICE, TODAY),)
    said = {
        language: taxed_by(replace(goldens["standard"], language=language), positions).breakdown[0].exemption
        for language in ("fr", "en", None)
    }
    assert said["fr"] == said[None] == "TVA non applicable, art. 293 B du CGI"
    assert said["en"] == "VAT not applicable, article 293 B of the French tax code (CGI)"


def test_both_vat_numbers_are_asked_for_where_the_buyer_owes_the_tax(goldens: Documents, changed: Any) -> None:
    bare = changed(goldens["reverse charge"], {"seller.vat_id": None, "buyer.vat_id": " "})
    assert [(one.term, one.path) for one in numbers_missing(bare)] == [
        ("BT-31", "seller.vat_id"), ("BT-48", "buyer.vat_id"),
    ]  # fmt: skip
    assert numbers_missing(changed(goldens["standard"], {"buyer.vat_id": None})) == ()


def test_two_reasons_of_one_category_and_tax_beside_none_are_refused_in_words(goldens: Documents) -> None:
    two = replace(goldens["standard"], lines=goldens["standard"].lines * 2)
    course, school, abroad, home = (
        position(*one, TODAY)
        for one in (
            (ATTESTED, FRENCH, COURSE), (NORMAL, FRENCH, replace(COURSE, exemption="education")),
            (NORMAL, SWISS_FIRM, SERVICE), (NORMAL, FRENCH, SERVICE),
        )
    )  # fmt: skip
    with pytest.raises(TaxRefused, match="cannot stand in one document"):
        taxed_by(two, (course, school))
    with pytest.raises(TaxRefused, match="not subject to VAT"):
        taxed_by(two, (abroad, home))
    with pytest.raises(ValueError, match="2 lines have 1 positions"):
        taxed_by(two, (home,))


# -- tax point and frame -----------------------------------------------------------------------------------------------


def test_tax_falls_due_on_delivery_payment_or_invoice() -> None:
    debits = Seller(on_debits=True)
    taxed, untaxed = position(NORMAL, FRENCH, GOODS, TODAY), position(NORMAL, SWISS_FIRM, GOODS, TODAY)
    cases: list[tuple[tuple[Kind, ...], Seller, bool, str | None]] = [
        ((Kind.GOODS,), NORMAL, False, "delivery"),
        ((Kind.GOODS,), debits, True, "payment"),  # CGI 269, 2, a bis
        ((Kind.SERVICE, Kind.TRAINING), NORMAL, False, "payment"),
        ((Kind.SERVICE,), debits, False, "invoice"),
        ((Kind.GOODS, Kind.SERVICE), NORMAL, False, None),
        ((Kind.GOODS, Kind.SERVICE), NORMAL, True, "payment"),
        ((Kind.GOODS, Kind.SERVICE), debits, False, "invoice"),
    ]
    for kinds, seller, deposit, expected in cases:
        assert tax_point([(kind, taxed) for kind in kinds], seller, deposit) == expected
    assert tax_point([(Kind.GOODS, untaxed)], NORMAL) is None
    assert due_on(Kind.TRAINING, debits) == "invoice"


def test_the_frame_says_what_is_sold_and_in_which_state() -> None:
    assert frame({Kind.GOODS}) == "B1"
    assert frame({Kind.SERVICE, Kind.TRAINING}, State.PAID) == "S2"
    assert frame([Kind.GOODS, Kind.TRAINING], State.FINAL) == "M4"
    assert {frame({kind}, state) for kind in Kind for state in State} <= codes_of("french_frames")
    with pytest.raises(ValueError):
        frame(())


# -- the tax in euros --------------------------------------------------------------------------------------------------

ECB = ExchangeRate(currency="USD", units=D("1.084"), day=TODAY, source="European Central Bank")


def test_the_tax_of_a_document_in_dollars_is_stated_in_euros(goldens: Documents) -> None:
    done = tax_in_euros(goldens["in dollars"], ECB)
    assert done.totals
    assert (done.tax_currency, done.totals.tax, done.totals.tax_accounting) == ("EUR", D(460), D("424.35"))
    assert check(done) == ()
    assert calculate(done) == done
    assert [broken_rules(write(done)) for write in (cii, ubl)] == [(), ()]
    assert ECB.words == "1.084 USD = 1 EUR (November 20, 2026, European Central Bank)"


@whatever
@given(st.decimals("0.0001", 10000, places=4), st.integers(-(10**7), 10**7))
def test_tax_in_euros_is_rounded_half_up_whatever_the_rate(units: Decimal, cents: int) -> None:
    taxed = Document(currency="USD", totals=Totals(tax=D(cents) / 100))
    dear = tax_in_euros(taxed, replace(ECB, units=units))
    assert dear.totals
    assert dear.totals.tax_accounting is not None
    # in integers: |tax / units - euros| is at most half a cent, and a half goes away from zero
    exact, found = abs(cents) * 10**4, abs(int(dear.totals.tax_accounting * 100))
    per = int(units * 10**4)
    assert found == (2 * exact + per) // (2 * per)


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (None, "needs an exchange rate"),
        (replace(ECB, currency="CHF"), "is of CHF, the document in USD"),
        (replace(ECB, units=D(0)), "more than zero"),
        (replace(ECB, euros=D("NaN")), "more than zero"),
        (replace(ECB, source=" "), "who publishes"),
    ],
)
def test_without_a_usable_rate_it_is_refused_in_words(
    goldens: Documents, rate: ExchangeRate | None, words: str
) -> None:
    with pytest.raises(TaxRefused, match=words):
        tax_in_euros(goldens["in dollars"], rate)


def test_a_document_in_euros_needs_no_rate(goldens: Documents) -> None:
    assert tax_in_euros(goldens["standard"], None) == goldens["standard"]
