"""What cells say: every kind of field in both notations, and what is proposed where they say nothing."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest

from ossature.context import Context, use_context
from ossature.i18n.texts import load_kernel_catalogues, translator
from ossature.imports.cells import Cell, pack, unpack
from ossature.imports.notation import Notation
from ossature.imports.proposing import nearest, propose
from ossature.imports.values import value_of
from ossature.records import rules
from ossature.records.clean import Wrong, clean_value
from ossature.records.fields import Field, Kind

_, _l, _n = translator("ossature")
FRENCH = Notation(decimal=",", dates="dmy")
AMERICAN = Notation(decimal=".", dates="mdy")
FIELDS = {
    "text": Field(Kind.TEXT, "Text", max_length=40), "notes": Field(Kind.LONG_TEXT, "Notes", max_length=4000),
    "email": Field(Kind.EMAIL, "E-mail", max_length=254, rule=rules.email_address),
    "phone": Field(Kind.PHONE, "Telephone", max_length=32, rule=rules.phone_number),
    "url": Field(Kind.URL, "Website", max_length=200, rule=rules.web_address),
    "siren": Field(Kind.TEXT, "SIREN", max_length=20, rule=rules.siren),
    "whole": Field(Kind.INTEGER, "Distance", unit="km", minimum=-1000, maximum=10_000_000),
    "decimal": Field(Kind.DECIMAL, "Rate", places=3), "money": Field(Kind.MONEY, "Price"),
    "yes": Field(Kind.BOOLEAN, "Fragile"), "day": Field(Kind.DATE, "On"), "moment": Field(Kind.DATETIME, "At"),
    "choice": Field(Kind.CHOICE, "State", choices={"own": _l("Comma"), "team": _l("Semicolon"), "x_y": "Plain"}),
    "country": Field(Kind.CHOICE, "Country", choices=rules.COUNTRY_NAMES),
    "size": Field(Kind.CHOICE, "Size", choices={"1-9": "1 to 9", "10-49": "10 to 49", "50+": "50 or more"}),
    "tags": Field(Kind.TAGS, "Tags"), "company": Field(Kind.REFERENCE, "Company", target="crm.company"),
}  # fmt: skip
NIGHT = datetime.fromisoformat("2026-11-20T00:00:00")


def said(field: str, cell: Cell, notation: Notation = FRENCH) -> Any:
    with use_context(Context(locale="en", time_zone="Europe/Paris")):
        return value_of(FIELDS[field], cell, notation, "EUR")


@pytest.mark.parametrize(
    ("field", "cell", "notation", "value"),
    [
        ("text", " Anna ", FRENCH, "Anna"), ("text", 75001, FRENCH, "75001"), ("text", 12.0, FRENCH, "12"),
        ("text", 1e21, FRENCH, "1000000000000000000000"), ("text", 0.1, FRENCH, "0.1"), ("text", True, FRENCH, "TRUE"),
        ("text", date(2026, 11, 20), FRENCH, "2026-11-20"), ("notes", "a\nb", FRENCH, "a\nb"),
        ("phone", 612345678, FRENCH, "612345678"), ("company", "Cancity", FRENCH, "Cancity"),
        ("whole", "1 234", FRENCH, 1234), ("whole", "1\u202f234 km", FRENCH, 1234), ("whole", "1.234", FRENCH, 1234),
        ("whole", "1,234", AMERICAN, 1234), ("whole", "1'234", AMERICAN, 1234), ("whole", 12.0, FRENCH, 12),
        ("whole", "-5", FRENCH, -5), ("whole", "(5)", FRENCH, -5), ("whole", "5-", FRENCH, -5), ("whole", "12,0", FRENCH, 12),
        ("decimal", "1 234,56", FRENCH, Decimal("1234.56")), ("decimal", "1.234,56", FRENCH, Decimal("1234.56")),
        ("decimal", "1,234.56", AMERICAN, Decimal("1234.56")), ("decimal", ".5", AMERICAN, Decimal("0.5")),
        ("decimal", 0.1, FRENCH, Decimal("0.1")), ("decimal", "12,5 %", FRENCH, Decimal("12.5")),
        ("decimal", "1,5E+3", FRENCH, Decimal(1500)), ("decimal", 3, FRENCH, Decimal(3)),
        ("money", "1 200,50 €", FRENCH, ("1200.50", "EUR")), ("money", "1 200,50 EUR", FRENCH, ("1200.50", "EUR")),
        ("money", "$1,200.50", AMERICAN, ("1200.50", "USD")), ("money", "USD 1,200", AMERICAN, ("1200", "USD")),
        ("money", "-£5", AMERICAN, ("-5", "GBP")), ("money", 1200.5, FRENCH, ("1200.5", "EUR")),
        ("money", "12 CHF", FRENCH, ("12", "CHF")), ("money", "1100", AMERICAN, ("1100", "EUR")),
        ("yes", "Oui", FRENCH, True), ("yes", "NON", FRENCH, False), ("yes", "yes", FRENCH, True),
        ("yes", "Vrai", FRENCH, True), ("yes", "faux", FRENCH, False), ("yes", "x", FRENCH, True), ("yes", "✓", FRENCH, True),
        ("yes", 1, FRENCH, True), ("yes", 0, FRENCH, False), ("yes", "0", FRENCH, False), ("yes", False, FRENCH, False),
        ("day", "20/11/2026", FRENCH, date(2026, 11, 20)), ("day", "03/04/2026", FRENCH, date(2026, 4, 3)),
        ("day", "03/04/2026", AMERICAN, date(2026, 3, 4)), ("day", "3.4.26", FRENCH, date(2026, 4, 3)),
        ("day", "3-4-30", FRENCH, date(1930, 4, 3)), ("day", "2026-11-20", AMERICAN, date(2026, 11, 20)),
        ("day", "2026/11/20", FRENCH, date(2026, 11, 20)), ("day", "20261120", FRENCH, date(2026, 11, 20)),
        ("day", "20 novembre 2026", FRENCH, date(2026, 11, 20)), ("day", "1er févr. 2026", FRENCH, date(2026, 2, 1)),
        ("day", "vendredi 20 novembre 2026", AMERICAN, date(2026, 11, 20)), ("day", "Nov 20, 2026", FRENCH, date(2026, 11, 20)),
        ("day", "14/07/1789", FRENCH, date(1789, 7, 14)), ("day", NIGHT, FRENCH, date(2026, 11, 20)),
        ("day", "20/11/2026 00:00:00", FRENCH, date(2026, 11, 20)), ("day", 46346, FRENCH, date(2026, 11, 20)),
        ("day", date(2026, 11, 20), AMERICAN, date(2026, 11, 20)),
        ("moment", "2026-07-01T10:30:00Z", FRENCH, "2026-07-01T10:30:00"),
        ("moment", "2026-07-01 12:30:00", FRENCH, "2026-07-01T10:30:00"),
        ("moment", "01/07/2026 12:30", FRENCH, "2026-07-01T10:30:00"),
        ("moment", "7/1/2026 12:30 PM", AMERICAN, "2026-07-01T10:30:00"),
        ("moment", "7/1/2026 12:30:15 am", AMERICAN, "2026-06-30T22:30:15"),
        ("moment", "1 juillet 2026 à 12h30", FRENCH, "2026-07-01T10:30:00"),
        ("moment", "2026-07-01 12:30:00 +0200", FRENCH, "2026-07-01T10:30:00"),
        ("moment", date(2026, 11, 20), FRENCH, "2026-11-19T23:00:00"), ("moment", NIGHT, FRENCH, "2026-11-19T23:00:00"),
        ("choice", "own", FRENCH, "own"), ("choice", "Comma", FRENCH, "own"), ("choice", "virgule", FRENCH, "own"),
        ("choice", "POINT-VIRGULE", FRENCH, "team"), ("choice", "X Y", FRENCH, "x_y"), ("choice", "plain", FRENCH, "x_y"),
        ("country", "fr", FRENCH, "FR"), ("country", "Allemagne", FRENCH, "DE"), ("country", "germany", FRENCH, "DE"),
        ("country", "United States", FRENCH, "US"), ("country", "USA", FRENCH, "US"), ("country", "GBR", FRENCH, "GB"),
        ("country", "Etats unis", FRENCH, "US"), ("country", "Philipines", FRENCH, "PH"),
        ("size", "2822", FRENCH, "50+"), ("size", 12, FRENCH, "10-49"), ("size", "1 to 9", FRENCH, "1-9"),
        ("tags", "new, blue;old\nnew", FRENCH, ["new", "blue", "old", "new"]), ("tags", 2026, FRENCH, ["2026"]),
        ("text", "  ", FRENCH, None), ("yes", None, FRENCH, None), ("tags", "", FRENCH, None),
    ],
)  # fmt: skip
def test_a_cell_is_read_in_its_notation(field: str, cell: Cell, notation: Notation, value: Any) -> None:
    if field == "money":
        value = {"amount": Decimal(value[0]), "currency": value[1]}
    elif field == "moment":
        value = datetime.fromisoformat(value).replace(tzinfo=UTC)
    assert said(field, cell, notation) == value
    if value is not None and field not in ("company",):
        clean_value(FIELDS[field], value)


@pytest.mark.parametrize(
    ("field", "cell", "notation", "message", "proposal"),
    [
        ("decimal", "1234.56", FRENCH, "Give a number, such as 1234,50.", "1234,56"),
        ("decimal", "12,5", AMERICAN, "Give a number, such as 1234.50.", "12.5"),
        ("decimal", "1,23,456", AMERICAN, "Give a number, such as 1234.50.", None),
        ("whole", "12 pieces", FRENCH, "Give a number, such as 1234,50.", "12"),
        ("whole", "12 pcs", FRENCH, "Give a number without pcs.", "12"), ("whole", date(2026, 1, 1), FRENCH, "Give a number.", None),
        ("money", "12 XXX", FRENCH, "Choose a currency, such as EUR.", "12"), ("money", "much", FRENCH, "Give a number, such as 1234,50.", None),
        ("yes", "ouii", FRENCH, "Answer yes or no.", "oui"), ("yes", "perhaps", FRENCH, "Answer yes or no.", None),
        ("day", "11/20/2026", FRENCH, "Give a date, such as 20/11/2026.", "2026-11-20"),
        ("day", "20/11/2026", AMERICAN, "Give a date, such as 11/20/2026.", "2026-11-20"),
        ("day", "20/11/2026 09:30", FRENCH, "Give a date without a time, such as 2026-11-20.", "2026-11-20"),
        ("day", "46346", FRENCH, "Give a date, such as 20/11/2026.", "2026-11-20"),
        ("day", 2016, FRENCH, "Give a date, such as 2026-11-20.", None), ("day", "31/02/2026", FRENCH, "Give a date, such as 20/11/2026.", None),
        ("day", "soon", FRENCH, "Give a date, such as 20/11/2026.", None),
        ("moment", "11/20/2026 25:00", FRENCH, "Give a date, such as 20/11/2026.", None),
        ("choice", "Semicolum", FRENCH, "Choose one of: Comma, Semicolon, Plain.", "Semicolon"),
        ("choice", "Else", FRENCH, "Choose one of: Comma, Semicolon, Plain.", None),
        ("country", "Frence", FRENCH, None, "France"),
    ],
)  # fmt: skip
def test_what_does_not_suit_is_told_and_what_is_near_proposed(
    field: str, cell: Cell, notation: Notation, message: str | None, proposal: str | None
) -> None:
    with pytest.raises(Wrong) as wrong:
        said(field, cell, notation)
    assert message is None or str(wrong.value) == message
    with use_context(Context(locale="en", time_zone="Europe/Paris")):
        assert propose(FIELDS[field], cell, notation) == proposal


@pytest.mark.parametrize(
    ("field", "cell", "proposal"),
    [
        ("email", "anna(at)example.org", "anna@example.org"), ("email", "Anna <anna@example.org>", "anna@example.org"),
        ("email", "anna@example,org", "anna@example.org"), ("email", "anna @example.org", "anna@example.org"),
        ("email", "nobody", None), ("phone", "01 23 45 67 89 / 06 12 34 56 78", "01 23 45 67 89"),
        ("url", "example .org", "example.org"), ("url", "nowhere", None), ("siren", "FR 552.008.443", None),
        ("siren", "552 008 443 01234", "552008443"), ("whole", "12.6", None), ("decimal", "1,23456", "1,235"),
    ],
)  # fmt: skip
def test_what_the_rules_of_a_field_refuse_is_mended_where_it_can_be(
    field: str, cell: str, proposal: str | None
) -> None:
    with use_context(Context(locale="en", time_zone="Europe/Paris")):
        assert propose(FIELDS[field], cell, FRENCH if field == "decimal" else AMERICAN) == proposal


def test_an_amount_without_a_currency_asks_for_one() -> None:
    with use_context(Context(locale="en")), pytest.raises(Wrong, match="Say which currency this column is in"):
        value_of(FIELDS["money"], "12", FRENCH)


@pytest.mark.parametrize(
    ("text", "found"),
    [("GTXPro", "GTX Pro"), ("gtx pro", "GTX Pro"), ("GTX Plus Bsic", "GTX Plus Basic"), ("MG", None), ("", None)],
)
def test_the_nearest_name_is_blind_to_case_signs_and_slips(text: str, found: str | None) -> None:
    assert nearest(text, ["GTX Basic", "GTX Pro", "GTX Plus Basic", "MG Special"]) == found


def test_a_column_may_have_a_notation_of_its_own() -> None:
    assert FRENCH.of_column(".", "mdy") == AMERICAN
    assert FRENCH.of_column() is FRENCH


def test_cells_are_kept_as_json() -> None:
    cells: list[Cell] = ["a", 1, 1.5, True, None, date(2026, 11, 20), NIGHT]
    kept = unpack(orjson.loads(pack(cells)))
    assert kept == cells
    assert [type(cell) for cell in kept] == [type(cell) for cell in cells]


@pytest.fixture(autouse=True, scope="module")
def french() -> None:
    load_kernel_catalogues()


@pytest.mark.parametrize("field", ["whole", "decimal", "money"])
@pytest.mark.parametrize("cell", ["1e99999999", "1e-99999999", "1e9999999999999999999", "9" * 40, "1" + "0" * 27])
def test_numbers_beyond_all_fields_are_refused_before_they_are_spelled_out(field: str, cell: str) -> None:
    with pytest.raises(Wrong) as wrong:
        said(field, cell)
    assert wrong.value.code == "too_large"
    with use_context(Context(locale="en", time_zone="Europe/Paris")):
        assert len(propose(FIELDS[field], cell, FRENCH) or "") < 20


def test_a_long_cell_is_read_in_no_more_time_than_its_length_takes() -> None:
    """What goes over the rest of a text from each of its places would be at it for hours with 131,072 characters. It is
    to be stopped from outside alone."""
    subprocess.run([sys.executable, "-c", _ALL_READINGS], check=True, timeout=300)


_ALL_READINGS = """
from ossature.imports import evidence, headers, number_formats
from ossature.imports.notation import Notation, dates_of, decimal_of
from ossature.imports.proposing import propose
from ossature.imports.values import value_of
from ossature.records.clean import Wrong
from ossature.records.fields import Field, Kind

KINDS = (Kind.INTEGER, Kind.DECIMAL, Kind.MONEY, Kind.DATE, Kind.DATETIME, Kind.EMAIL, Kind.PHONE, Kind.URL)
for begin in ("€", "1", "(", "+1", "20/11/2026", "a@b"):
    for filling in (" ", ".", "1", "a.", "[", chr(10)):
        cell = begin + filling * (131_072 // len(filling)) + "x"
        headers.find_header([(1, [cell]), (2, ["a"])])
        decimal_of([[cell]], ","), dates_of([[cell]]), number_formats.shape_of(200, cell), evidence.are_e_mails([cell])
        for kind in KINDS:
            item = Field(kind, "Any")
            evidence.looks_like(item, [cell]), evidence.contradicts(item, [cell])
            propose(item, cell, Notation()), propose(item, cell[:100] + cell[-100:], Notation())
            try:
                value_of(item, cell, Notation(), "EUR")
            except Wrong:
                pass
"""
