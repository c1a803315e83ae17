"""Any table that is written is read back: in every encoding, delimiter, quoting and notation, as a workbook, and as our
own exports write it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter
from flask import Flask
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ossature.context import Access, Context, Reach, TenantInfo, use_context
from ossature.db.types import Money
from ossature.imports.cells import Cell
from ossature.imports.encodings import ENCODINGS
from ossature.imports.guessing import guess
from ossature.imports.notation import DELIMITERS, Notation, Said
from ossature.imports.reading import look, rows
from ossature.imports.values import value_of
from ossature.kernel import Kernel
from ossature.records.clean import clean_value
from ossature.records.export_tables import csv_writer
from ossature.records.export_workbook import xlsx_writer
from ossature.records.exporting import Export, Window
from ossature.records.fields import Field, Kind
from ossature.records.query import ListQuery
from ossature.records.types import RecordType

MANY = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ZONE = ZoneInfo("Europe/Paris")
WORDS = st.sampled_from(
    ["Éric", "Zoé", "Besançon", "a, b; c", 'say "hi"', "two\nlines", "tab\there", "x | y", "l'été", "€ 5"]
)
NUMBERS = st.decimals(-(10**9), 10**9, places=2)
DAYS = st.dates(date(1901, 1, 1), date(2029, 12, 31))


def names(width: int) -> list[str]:
    return [f"colonne {'abcdefgh'[number]}" for number in range(width)]


def spelled(value: Any, decimal: str, order: str) -> str:
    if isinstance(value, date):
        return value.strftime({"dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y", "ymd": "%Y-%m-%d"}[order])
    return f"{value:f}".replace(".", decimal) if isinstance(value, Decimal) else str(value)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[st.SearchStrategy[Any]], list[list[Any]]]:
    kinds = draw(st.lists(st.sampled_from([WORDS, NUMBERS, DAYS]), min_size=2, max_size=6))
    found = draw(st.lists(st.tuples(*kinds), min_size=1, max_size=12))
    return kinds, [list(row) for row in found]


def read(path: Path, said: Said) -> tuple[Notation, list[list[Cell]]]:
    with use_context(Context(locale="en", time_zone="Europe/Paris")):
        seen = look(path, path.name, said)
        return seen.notation, [row.cells for row in rows(path, seen.notation)]


@MANY
@given(
    table=tables(), encoding=st.sampled_from([*ENCODINGS, "utf-8-sig", "utf-16"]), delimiter=st.sampled_from([*DELIMITERS]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), end=st.sampled_from(["\n", "\r\n", "\r"]),
    decimal=st.sampled_from([".", ","]), order=st.sampled_from(["dmy", "mdy", "ymd"]), told=st.booleans(),
)  # fmt: skip
def test_a_text_file_is_read_as_it_was_written(
    table: Any,
    encoding: str,
    delimiter: str,
    quoting: Any,
    end: str,
    decimal: Any,
    order: Any,
    told: bool,
    tmp_path: Path,
) -> None:
    """What is said is taken; what is not is found out, where the encoding leaves a trace."""
    kinds, values = table
    written = io.StringIO()
    if end == "\r":
        quoting = csv.QUOTE_ALL  # else the writer leaves other ends of lines within a text unquoted
    writer = csv.writer(written, delimiter=delimiter, quoting=quoting, lineterminator=end)
    texts = [[spelled(value, decimal, order) for value in row] for row in values]
    writer.writerows([names(len(kinds)), *texts])
    try:
        content = written.getvalue().encode(encoding)
    except UnicodeEncodeError:
        assume(False)
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    name = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)
    everything = Said(encoding=name, delimiter=delimiter, header=1, decimal=decimal, dates=order)
    certain = name.startswith("utf") or written.getvalue().isascii()
    notation, cells = read(
        path, everything if told else Said(encoding=None if certain else name, decimal=decimal, dates=order)
    )
    assert notation.delimiter == delimiter
    assert cells == texts
    number, day = Field(Kind.DECIMAL, "Number", places=2), Field(Kind.DATE, "Day")
    for index, kind in enumerate(kinds):
        if kind is not WORDS:
            field = number if kind is NUMBERS else day
            assert [value_of(field, row[index], notation) for row in cells] == [row[index] for row in values]


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r\ufffe\uffff"), min_size=1, max_size=40
)
TYPED = st.one_of(
    TEXTS.filter(str.strip), st.integers(-(10**14), 10**14), st.booleans(), st.dates(date(1900, 3, 1), date(9999, 12, 31)),
    st.decimals(-(10**7), 10**7, places=5).map(float), st.none(),
    st.datetimes(datetime(1900, 3, 1), datetime(9999, 1, 1)).map(lambda one: one.replace(microsecond=0, second=one.second or 1)),  # noqa: DTZ001
)  # fmt: skip


@MANY
@given(table=st.lists(st.lists(TYPED, min_size=3, max_size=3), min_size=1, max_size=8), in_memory=st.booleans())
def test_a_workbook_is_read_as_it_was_written(table: list[list[Any]], in_memory: bool, tmp_path: Path) -> None:
    path = tmp_path / "any.xlsx"
    book = xlsxwriter.Workbook(path, {"constant_memory": not in_memory})
    day, moment = book.add_format({"num_format": "dd/mm/yy"}), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, names(4))
    for number, row in enumerate(table, start=1):
        sheet.write_string(number, 0, "here")
        for column, value in enumerate(row, start=1):
            if isinstance(value, date):
                sheet.write_datetime(number, column, value, moment if isinstance(value, datetime) else day)
            elif isinstance(value, str):
                sheet.write_string(number, column, value)
            elif value is not None:
                sheet.write(number, column, value)
    book.close()
    _notation, cells = read(path, Said())
    assert [row[1:] for row in cells] == table
    assert [[type(cell) for cell in row[1:]] for row in cells] == [
        [int if isinstance(cell, float) and cell.is_integer() else type(cell) for cell in row] for row in table
    ]


# -- our own exports --------------------------------------------------------------------------------------------------

LETTERS = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=30).map(str.strip).filter(
    lambda text: any(ch.isalpha() for ch in text)
)  # fmt: skip
EXPORTED: dict[str, st.SearchStrategy[Any]] = {
    "name": LETTERS | st.sampled_from(["=cmd|' /C calc'!A0", "'=x", "-a", "@b", "'tis", "_x0041_ x"]),
    "notes": st.lists(LETTERS, min_size=1, max_size=3).map("\r\n".join),
    "email": st.sampled_from(["anna@example.org", "zoé@exemple.fr"]), "phone": st.sampled_from(["+33123456789", "+3221234567"]),
    "website": st.just("https://example.org/"), "pieces": st.integers(0, 1_000_000), "grains": st.integers(0, 2**62),
    "ratio": st.decimals(-1000, 1000, places=3), "fragile": st.booleans(), "state": st.sampled_from(["raw", "cut"]),
    "price": st.builds(Money, st.integers(0, 10**12), st.sampled_from(["EUR", "JPY", "TND"])),
    "taken_on": st.dates(date(1600, 1, 1), date(9999, 12, 31)),
    "seen_at": st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
        lambda one: one.replace(microsecond=0)
    ),
    "tags": st.lists(st.sampled_from(["new", "blue", "à voir"]), unique=True),
}  # fmt: skip


@pytest.fixture(scope="module")
def sample(app: Flask) -> Iterator[RecordType]:
    kernel: Kernel = app.extensions["ossature"]
    with app.app_context():
        yield kernel.records["_kinds.sample"]


def reader(rt: RecordType, locale: str) -> Context:
    access = Access(grants={rt.permission(action): Reach.ALL for action in ("view", "edit", "create", "export")})
    return Context(tenant=TenantInfo(uuid4(), "a", "A"), access=access, locale=locale, time_zone="Europe/Paris")


@MANY
@given(
    table=st.lists(st.fixed_dictionaries({}, optional=EXPORTED), min_size=1, max_size=6), name=EXPORTED["name"],
    format=st.sampled_from(["csv", "xlsx"]), headers=st.sampled_from(["names", "labels"]),
    dialect=st.sampled_from(["plain", "excel"]), locale=st.sampled_from(["en", "fr"]),
)  # fmt: skip
def test_our_own_export_is_read_back(
    table: list[dict[str, Any]], name: str, format: Any, headers: Any, dialect: Any, locale: str, sample: RecordType,
    tmp_path: Path,
) -> None:  # fmt: skip
    """Each column goes to its field by guess, each value is what it was."""
    wanted = tuple(field for field in EXPORTED if field in sample.fields)
    values = [{"name": name, **{field: row.get(field) for field in wanted[1:]}} for row in table]
    for row in values:
        row["tags"] = row["tags"] or []
        moment = row.get("seen_at")
        assume(moment is None or moment.astimezone(ZONE).replace(fold=0).astimezone(UTC) == moment)
    export = Export(sample, ListQuery(), wanted, format, headers, dialect)
    path = tmp_path / f"any.{format}"
    with use_context(reader(sample, locale)):
        window = Window({field: [row[field] for row in values] for field in wanted}, {})
        path.write_bytes(b"".join((csv_writer if format == "csv" else xlsx_writer)(export)(iter([window]))))
        seen = look(path, path.name)
        found = list(rows(path, seen.notation))
        columns = guess(sample, seen.headers, [row.cells for row in seen.samples])
        targets = [column.to for column in columns]
        expected = [one for field in wanted for one in ((field, f"{field}_currency") if field == "price" else (field,))]
        assert targets == expected
        at = {target: index for index, target in enumerate(targets)}
        for row, before in zip(found, values, strict=True):
            assert not row.faults
            for field in wanted:
                item = sample.fields[field]
                currency = str(row.cells[at["price_currency"]] or "") if field == "price" else ""
                value = value_of(item, row.cells[at[field]], seen.notation, currency)
                expected_value = before[field] if before[field] != [] else None
                assert (None if value is None else clean_value(item, value)) == expected_value, field
