"""Dates, numbers and money as the reader's language writes them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from ossature.context import Context, use_context
from ossature.i18n import load_kernel_catalogues
from ossature.web import formats

MOMENT = datetime(2026, 11, 20, 13, 5, tzinfo=UTC)


@pytest.fixture(params=["en", "fr"])
def locale(request: pytest.FixtureRequest) -> Iterator[str]:
    load_kernel_catalogues()
    with use_context(Context(locale=request.param, time_zone="Europe/Paris")):
        yield request.param


@pytest.mark.req("S4-137")
def test_dates_are_written_in_the_reader_s_language_and_time_zone(locale: str) -> None:
    expected = {"en": ("20 Nov 2026", "20 Nov 2026, 14:05"), "fr": ("20 nov. 2026", "20 nov. 2026, 14:05")}[locale]
    assert (formats.as_date(date(2026, 11, 20)), formats.as_datetime(MOMENT)) == expected
    assert formats.as_date(datetime(2026, 11, 20, 23, 30, tzinfo=UTC)).startswith("21")
    assert formats.as_date(None) == formats.as_datetime(None) == formats.ago(None) == ""


@pytest.mark.req("S4-137")
@pytest.mark.parametrize(
    ("distance", "said"),
    [
        (timedelta(minutes=-4), {"en": "4 minutes ago", "fr": "il y a 4 minutes"}),
        (timedelta(hours=-23), {"en": "23 hours ago", "fr": "il y a 23 heures"}),
        (timedelta(days=-3), {"en": "3 days ago", "fr": "il y a 3 jours"}),
        (timedelta(days=2), {"en": "in 2 days", "fr": "dans 2 jours"}),
        (timedelta(days=-60), {"en": "21 Sept 2026", "fr": "21 sept. 2026"}),
    ],
)
def test_moments_are_told_by_their_distance_for_a_month(locale: str, distance: timedelta, said: dict[str, str]) -> None:
    assert formats.relative(MOMENT + distance, MOMENT) == said[locale]


def test_days_near_today_have_names(locale: str) -> None:
    days = [formats.relative(date(2026, 11, 20) + timedelta(days=step), MOMENT) for step in (-1, 0, 1)]
    assert days == {"en": ["yesterday", "today", "tomorrow"], "fr": ["hier", "aujourd’hui", "demain"]}[locale]


def test_the_exact_moment_is_on_hover_and_for_machines(locale: str) -> None:
    written = formats.ago(MOMENT)
    assert 'datetime="2026-11-20T13:05:00+00:00"' in written
    assert {"en": "Friday", "fr": "vendredi"}[locale] in written


def test_numbers_and_money_use_the_narrow_space_in_french(locale: str) -> None:
    euro = SimpleNamespace(amount=Decimal("1234.50"), currency="EUR")
    expected = {
        "en": ("1,234,567", "1,234.5\u00a0km", "€1,234.50", "12.5%"),
        "fr": ("1\u202f234\u202f567", "1\u202f234,5\u202fkm", "1\u202f234,50\u202f€", "12,5\u202f%"),
    }[locale]
    assert (
        formats.as_number(1_234_567),
        formats.as_number(Decimal("1234.5"), "km"),
        formats.as_money(euro),
        formats.as_percent(Decimal("0.125")),
    ) == expected


@pytest.mark.parametrize(
    ("currency", "amount", "digits"), [("JPY", "1500", "1,500"), ("TND", "1.5", "1.500"), ("EUR", "2", "2.00")]
)
def test_money_has_the_decimals_of_its_currency(currency: str, amount: str, digits: str) -> None:
    with use_context(Context(locale="en")):
        assert digits in formats.as_money(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("name", "letters"), [("Anna Lefèvre", "AL"), ("Jean-Marc Élie", "JÉ"), ("Zoé", "Z"), ("", "?"), ("— ·", "?")]
)
def test_initials(name: str, letters: str) -> None:
    assert formats.initials(name) == letters
