"""XLSX as people have it, and as somebody may send it who means no good."""

from __future__ import annotations

import io
import resource
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from python_calamine import load_workbook

from ossature.errors import Invalid, TooLarge
from ossature.imports.notation import Said
from ossature.imports.reading import look, rows

Make = Callable[..., Path]
Read = Callable[..., Any]


def changed(path: Path, part: str, content: bytes | Callable[[bytes], bytes]) -> Path:
    """The same workbook with other content in one of its parts."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = content(parts.get(part, b"")) if callable(content) else content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, found in parts.items():
            archive.writestr(name, found)
    return path


SHEET = "xl/worksheets/sheet1.xml"


def test_every_kind_of_cell_is_read(workbook: Make, read: Read) -> None:
    def fill(book: Any, sheet: Any) -> None:
        day, moment = book.add_format({"num_format": "dd/mm/yyyy"}), book.add_format({"num_format": "d mmm yyyy h:mm"})
        clock, share = book.add_format({"num_format": "[h]:mm"}), book.add_format({"num_format": "0.0%"})
        sheet.write_row(0, 0, ["text", "whole", "decimal", "yes", "day", "moment", "clock", "share"])
        sheet.write_row(1, 0, ["Zoé\nÉric", 1200, 0.1, True])
        sheet.write_datetime(1, 4, datetime.fromisoformat("2026-11-20"), day)
        sheet.write_datetime(1, 5, datetime.fromisoformat("2026-11-20T09:30:15"), moment)
        sheet.write_number(1, 6, 1.5, clock)
        sheet.write_number(1, 7, 0.125, share)

    seen, cells = read(workbook(fill))
    assert (seen.format, seen.sheets, seen.notation.sheet) == ("xlsx", ("People",), "People")
    assert cells == [
        [
            "Zoé\nÉric",
            1200,
            0.1,
            True,
            date(2026, 11, 20),
            datetime.fromisoformat("2026-11-20T09:30:15"),
            "36:00:00",
            12.5,
        ]
    ]
    assert [type(cell) for cell in cells[0][1:5]] == [int, float, bool, date]


def test_an_ordinary_sheet_is_read_as_calamine_reads_it(workbook: Make, read: Read) -> None:
    def fill(book: Any, sheet: Any) -> None:
        day = book.add_format({"num_format": 14})
        sheet.write_row(0, 0, ["a", "b", "c"])
        for row in range(1, 200):
            sheet.write_row(row, 0, [f"text & <{row}>", row / 7])
            sheet.write_datetime(row, 2, datetime.fromisoformat(f"{1900 + row}-{1 + row % 12:02d}-03"), day)

    path = workbook(fill)
    assert read(path)[1] == load_workbook(path).get_sheet_by_index(0).to_python()[1:]


def test_days_of_a_workbook_from_1904_are_those_it_shows(workbook: Make, read: Read) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_string(0, 0, "on")
        sheet.write_datetime(1, 0, datetime.fromisoformat("2026-11-20"), book.add_format({"num_format": 14}))

    assert read(workbook(fill, date_1904=True))[1] == [[date(2026, 11, 20)]]


def test_days_before_1900_are_texts_and_impossible_ones_are_told(workbook: Make) -> None:
    def fill(book: Any, sheet: Any) -> None:
        day = book.add_format({"num_format": 14})
        sheet.write_column(0, 0, ["on", "14/07/1789"])
        for row, number in enumerate([1, 59, 60, 61, -5, 3_000_000], start=2):
            sheet.write_number(row, 0, number, day)

    path = workbook(fill)
    found = list(rows(path, look(path, path.name).notation))
    assert [row.cells[0] for row in found] == [
        "14/07/1789", date(1900, 1, 1), date(1900, 2, 28), None, date(1900, 3, 1), None, None,
    ]  # fmt: skip
    assert [row.number for row in found if row.faults] == [5, 7, 8]


def test_the_first_of_merged_cells_has_their_value(workbook: Make, read: Read) -> None:
    def fill(_book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["a", "b"])
        sheet.merge_range(1, 0, 2, 1, "both")
        sheet.write_row(3, 0, ["x", "y"])

    assert read(workbook(fill))[1] == [["both", None], ["x", "y"]]


def test_formulas_have_the_value_that_was_saved_and_their_errors_are_told(workbook: Make) -> None:
    def fill(_book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["a", "b", "c"])
        sheet.write_formula(1, 0, "=1+1", None, 2)
        sheet.write_formula(1, 1, '="x"&"y"', None, "xy")
        sheet.write_formula(1, 2, "=1/0", None, "#DIV/0!")
        sheet.write_formula(2, 0, "=NOW()", None, "")

    path = changed(workbook(fill), SHEET, lambda xml: xml.replace(b"<f>NOW()</f><v></v>", b"<f>NOW()</f>"))
    found = list(rows(path, look(path, path.name).notation))
    assert found[0].cells == [2, "xy", None]
    assert [(fault.index, fault.code, fault.value) for fault in found[0].faults] == [(2, "error_cell", "#DIV/0!")]
    assert found[0].faults[0].message == "The cell holds the error #DIV/0!, not a value."


def test_what_begins_like_a_formula_is_a_text(workbook: Make, read: Read) -> None:
    path = workbook(
        lambda _book, sheet: sheet.write_column(0, 0, ["a", "=cmd|' /C calc'!A0"]), strings_to_formulas=False
    )
    assert read(path)[1] == [["=cmd|' /C calc'!A0"]]


def test_rows_have_the_numbers_that_the_spreadsheet_shows(workbook: Make) -> None:
    def fill(_book: Any, sheet: Any) -> None:
        sheet.write_string(2, 1, "name")
        sheet.write_string(6, 1, "Anna")

    path = workbook(fill)
    seen = look(path, path.name)
    assert (seen.notation.header, seen.headers) == (3, ("Column A", "name"))
    assert [(row.number, row.cells) for row in rows(path, seen.notation)] == [(7, [None, "Anna"])]


def test_one_of_several_sheets_is_read_the_first_with_rows_unless_said(workbook: Make, read: Read) -> None:
    def fill(book: Any, _sheet: Any) -> None:
        book.add_worksheet("Two").write_column(0, 0, ["b", "2"])
        book.add_worksheet("Three").write_column(0, 0, ["c", "3"])
        book.add_worksheet("Hidden").hide()

    path = workbook(fill)
    seen, cells = read(path)
    assert (seen.sheets, seen.notation.sheet, cells) == (("People", "Two", "Three"), "Two", [["2"]])
    assert "one_of_several" in {note.code for note in seen.notes}
    assert read(path, sheet="Three")[1] == [["3"]]
    with pytest.raises(Invalid, match="There is no sheet Four"):
        look(path, path.name, Said(sheet="Four"))


@pytest.mark.slow
def test_a_million_empty_rows_do_no_harm(workbook: Make, read: Read) -> None:
    def fill(_book: Any, sheet: Any) -> None:
        sheet.write_column(0, 0, ["a", "1"])
        sheet.write_string(2, 0, "2")

    empty = b"".join(b'<row r="%d" s="0" customFormat="1"/>' % n for n in range(4, 1_000_000))
    path = changed(workbook(fill), SHEET, lambda xml: xml.replace(b"</sheetData>", empty + b"</sheetData>"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert read(path)[1] == [["1"], ["2"]]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_a_cell_in_the_last_corner_takes_no_memory(workbook: Make) -> None:
    def fill(_book: Any, sheet: Any) -> None:
        sheet.write_column(0, 0, ["a", "1"])
        sheet.write_string(1_048_575, 16_383, "far")

    path = workbook(fill)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = list(rows(path, look(path, path.name).notation))
    assert [(row.number, [fault.code for fault in row.faults]) for row in found] == [
        (2, []),
        (1_048_576, ["too_many_cells"]),
    ]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def small(_book: Any, sheet: Any) -> None:
    sheet.write_column(0, 0, ["a", "1"])


@pytest.mark.parametrize("part", [SHEET, "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"])
def test_a_zip_bomb_is_refused_by_what_it_claims(part: str, workbook: Make) -> None:
    path = changed(workbook(small), part, b"<x>" + b" " * 60_000_000)
    with pytest.raises(TooLarge, match="far more than a table holds"):
        list(rows(path, look(path, path.name).notation))


def test_a_zip_bomb_that_lies_is_read_no_further_than_it_claims(workbook: Make) -> None:
    path = changed(
        workbook(small), SHEET, lambda xml: xml.replace(b"</sheetData>", b" " * 30_000_000 + b"</sheetData>")
    )
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(SHEET).file_size
    path.write_bytes(path.read_bytes().replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    with pytest.raises(Invalid, match="damaged"):
        list(rows(path, look(path, path.name).notation))


@pytest.mark.parametrize(
    "harm",
    [
        lambda xml: b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + xml[xml.index(b"<worksheet") :],
        lambda xml: xml[: len(xml) // 2], lambda xml: b"not xml", lambda xml: xml.replace(b"<v>", b"<v>9"),
        lambda xml: xml.replace(b'r="A1"', b'r="ZZZZZ1"'), lambda xml: xml.replace(b"<v>0</v>", b"<v>" + b"1" * 200_000 + b"</v>"),
        lambda xml: xml.replace(b"<sheetData>", b"<sheetData " + b" " * 6_000_000 + b">"),
    ],
    ids=["doctype", "cut", "no xml", "no such text", "no such column", "endless cell", "endless tag"],
)  # fmt: skip
def test_a_damaged_workbook_is_refused(harm: Callable[[bytes], bytes], workbook: Make) -> None:
    path = changed(workbook(small), SHEET, harm)
    with pytest.raises(Invalid, match="damaged"):
        list(rows(path, look(path, path.name).notation))


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 2000


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (OLE, "old_workbook", "save it as .xlsx"),
        (OLE + "EncryptedPackage".encode("utf-16-le") + OLE, "encrypted", "take the password away"),
    ],
    ids=["old", "encrypted"],
)
def test_old_and_encrypted_workbooks_are_refused_with_what_to_do(
    content: bytes, code: str, says: str, text_file: Make
) -> None:
    with pytest.raises(Invalid) as refused:
        look(text_file(content, name="people.xls"), "people.xls")
    assert refused.value.details[0].code == code
    assert says in refused.value.details[0].message


@pytest.mark.parametrize(
    ("part", "code"), [("xl/workbook.bin", "binary_workbook"), ("word/document.xml", "not_a_table")]
)
def test_other_archives_are_refused(part: str, code: str, text_file: Make) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(part, "x")
    with pytest.raises(Invalid) as refused:
        look(text_file(made.getvalue(), name="people.xlsx"), "people.xlsx")
    assert refused.value.details[0].code == code


def test_texts_of_many_formats_and_escaped_characters_are_read(workbook: Make, read: Read) -> None:
    def fill(book: Any, sheet: Any) -> None:
        bold = book.add_format({"bold": True})
        sheet.write_string(0, 0, "a")
        sheet.write_rich_string(1, 0, "one ", bold, "two", " three")
        sheet.write_string(2, 0, "bell \x07 _x0041_")

    assert read(workbook(fill))[1] == [["one two three"], ["bell \x07 _x0041_"]]
