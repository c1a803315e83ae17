"""When a document is due, in which words, and what the law says against it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ossature_billing
from ossature.i18n.texts import load_catalogues
from ossature_billing.terms import LAW, Terms, TermsRefused, Way, over_maximum

whatever = settings(deadline=None, derandomize=True, max_examples=60)
BY_MONTH = (Way.DAYS_THEN_END_OF_MONTH, Way.END_OF_MONTH_THEN_DAYS)
DAYS = st.dates(date(2000, 1, 1), date(2099, 6, 30))


@st.composite
def any_terms(draw: st.DrawFn) -> Terms:
    way = draw(st.sampled_from([way for way in Way if way is not Way.FIXED]))
    return Terms(
        way=way, days=0 if way is Way.RECEIPT else draw(st.integers(0, 120)),
        on_day=draw(st.integers(1, 31)) if way is Way.DAY_OF_MONTH else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("terms", "issued", "due"),
    [
        ({"way": Way.RECEIPT}, (2026, 1, 15), (2026, 1, 15)),
        ({"way": Way.NET, "days": 30}, (2026, 1, 31), (2026, 3, 2)),
        # both readings of 45 days end of month, as the DGCCRF counts them
        ({"way": Way.DAYS_THEN_END_OF_MONTH, "days": 45}, (2026, 1, 15), (2026, 3, 31)),
        ({"way": Way.END_OF_MONTH_THEN_DAYS, "days": 45}, (2026, 1, 15), (2026, 3, 17)),
        ({"way": Way.END_OF_MONTH_THEN_DAYS, "days": 45}, (2024, 1, 15), (2024, 3, 16)),  # a leap year
        ({"way": Way.DAYS_THEN_END_OF_MONTH, "days": 29}, (2024, 1, 31), (2024, 2, 29)),
        ({"way": Way.DAYS_THEN_END_OF_MONTH}, (2023, 2, 1), (2023, 2, 28)),
        ({"way": Way.DAY_OF_MONTH, "on_day": 10}, (2026, 1, 10), (2026, 1, 10)),
        ({"way": Way.DAY_OF_MONTH, "on_day": 10, "days": 30}, (2026, 1, 15), (2026, 3, 10)),
        ({"way": Way.DAY_OF_MONTH, "on_day": 31}, (2026, 2, 1), (2026, 2, 28)),
        ({"way": Way.FIXED, "on": date(2026, 2, 1)}, (2026, 1, 15), (2026, 2, 1)),
    ],
)
def test_terms_name_a_day(terms: dict[str, Any], issued: tuple[int, int, int], due: tuple[int, int, int]) -> None:
    assert Terms(**terms).due(date(*issued)) == date(*due)


@whatever
@given(any_terms(), DAYS)
def test_the_day_is_never_before_issue_nor_before_the_days_are_over(terms: Terms, issued: date) -> None:
    due = terms.due(issued)
    assert due >= issued + timedelta(days=terms.days)
    assert terms.due(issued + timedelta(days=1)) >= due  # who issues later is paid no earlier
    if terms.way is Way.DAYS_THEN_END_OF_MONTH:
        assert (due + timedelta(days=1)).day == 1
    if terms.way is Way.END_OF_MONTH_THEN_DAYS:
        assert (due - timedelta(days=terms.days) + timedelta(days=1)).day == 1
    if terms.on_day is not None:
        assert due.day == terms.on_day or (due + timedelta(days=1)).day == 1
    if terms.way in BY_MONTH:
        assert due <= issued + timedelta(days=terms.days + 30)


@whatever
@given(any_terms(), DAYS, st.booleans())
def test_the_law_warns_of_more_than_60_days_or_45_end_of_month_or_45_for_periodic_invoices(
    terms: Terms, issued: date, periodic: bool
) -> None:
    days = (terms.due(issued) - issued).days
    allowed = days <= 45 if periodic else days <= 60 or (terms.way in BY_MONTH and terms.days <= 45)
    found = over_maximum(terms, issued, periodic)
    assert [one.rule for one in found] == ([] if allowed else [LAW])
    assert all("L441-10" in one.words and one.path == "due_date" for one in found)


def test_a_fixed_day_before_the_issue_is_refused_in_words() -> None:
    terms = Terms(way=Way.FIXED, on=date(2026, 1, 1))
    with pytest.raises(TermsRefused, match="January 1, 2026, before the document is issued on January 2, 2026"):
        terms.due(date(2026, 1, 2))


@pytest.mark.parametrize(
    "terms",
    [
        {"way": Way.NET, "days": -1}, {"way": Way.RECEIPT, "days": 3}, {"way": Way.DAY_OF_MONTH}, {"way": Way.FIXED},
        {"way": Way.DAY_OF_MONTH, "on_day": 32}, {"way": Way.NET, "on_day": 3},
        {"way": Way.NET, "on": date(2026, 1, 1)},
    ],
)  # fmt: skip
def test_terms_that_mean_nothing_cannot_be_made(terms: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Terms(**terms)


@pytest.mark.parametrize(
    ("terms", "english", "in_french"),
    [
        ({"way": Way.RECEIPT}, "Payable on receipt", "Payable à réception"),
        ({"way": Way.NET}, "Payable on receipt", "Payable à réception"),
        ({"way": Way.NET, "days": 30}, "30 days after the date of invoice", "30 jours date de facture"),
        ({"way": Way.NET, "days": 1}, "1 day after the date of invoice", "1 jour date de facture"),
        (
            {"way": Way.DAYS_THEN_END_OF_MONTH, "days": 45},
            "45 days after the date of invoice, then end of month",
            "45 jours date de facture, puis fin de mois",
        ),
        (
            {"way": Way.END_OF_MONTH_THEN_DAYS, "days": 45},
            "End of month of the invoice, then 45 days",
            "Fin du mois de facture, puis 45 jours",
        ),
        ({"way": Way.FIXED, "on": date(2026, 2, 1)}, "On February 1, 2026", "Le 1 février 2026"),
    ],
)
def test_terms_are_said_in_the_language_of_the_document(terms: dict[str, Any], english: str, in_french: str) -> None:
    load_catalogues("billing", Path(ossature_billing.__file__).parent / "translations")
    assert (Terms(**terms).words("en"), Terms(**terms).words("fr")) == (english, in_french)


def test_no_two_ways_are_said_alike() -> None:
    ways = [
        Terms(way=way, days=0 if way is Way.RECEIPT else 45, on_day=10 if way is Way.DAY_OF_MONTH else None)
        for way in Way
        if way is not Way.FIXED
    ]
    assert len({terms.words("en") for terms in ways}) == len(ways)
