"""CSV as people have it: encodings, delimiters, quotes, blank and short lines, and what is no table at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ossature.errors import Invalid, TooLarge
from ossature.imports.notation import Notation
from ossature.imports.reading import look, rows

Make = Callable[..., Path]
Read = Callable[..., Any]
TABLE = "Prénom,Ville\nHélène,Besançon\nLoïc,Nîmes\n"
CELLS = [["Hélène", "Besançon"], ["Loïc", "Nîmes"]]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16-le"), ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"), ("latin-1", "cp1252"), ("cp1252", "cp1252"), ("mac_roman", "mac_roman"),
        ("cp850", "cp850"),
    ],
)  # fmt: skip
def test_the_encoding_is_found_out(written: str, found: str, text_file: Make, read: Read) -> None:
    seen, cells = read(text_file(TABLE, written))
    assert (seen.notation.encoding, list(seen.headers), cells) == (found, ["Prénom", "Ville"], CELLS)


def test_an_encoding_of_one_byte_a_letter_is_in_doubt_and_may_be_said_otherwise(text_file: Make, read: Read) -> None:
    path = text_file("Name,Note\nŁukasz,dobry\n", "cp1250")
    seen, _cells = read(path)
    assert [note.doubt for note in seen.notes if note.about == "encoding"] == [True]
    assert read(path, encoding="cp1250")[1] == [["Łukasz", "dobry"]]


def test_a_file_that_is_not_of_the_encoding_said_is_refused(text_file: Make, read: Read) -> None:
    with pytest.raises(Invalid, match=r"not written in Unicode \(UTF-8\)"):
        read(text_file("Name\nHélène\n", "cp1252"), encoding="utf-8")


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(sign: str, text_file: Make, read: Read) -> None:
    lines = [["Name", "Note", "Amount"], ["Anna", '"one, two; three | four"', "1"], ["Zoé", "", "2"]]
    seen, cells = read(text_file("\r\n".join(sign.join(line) for line in lines)))
    assert seen.notation.delimiter == sign
    assert cells == [["Anna", "one, two; three | four", "1"], ["Zoé", None, "2"]]


def test_decimal_commas_are_not_taken_for_the_delimiter(text_file: Make, read: Read) -> None:
    seen, cells = read(text_file("a;b;c\n1,5;2,5;3,5\n4,5;5,5;6,5\n"))
    assert (seen.notation.delimiter, seen.notation.decimal, cells[0]) == (";", ",", ["1,5", "2,5", "3,5"])


def test_a_first_line_that_only_tells_the_delimiter_is_no_row(text_file: Make, read: Read) -> None:
    path = text_file("sep=|\na|b\n1|2\n")
    seen, cells = read(path)
    assert (seen.headers, seen.notation.header, cells) == (("a", "b"), 1, [["1", "2"]])
    assert next(rows(path, seen.notation)).number == 2


def test_quotes_hold_delimiters_quotes_and_line_ends(text_file: Make, read: Read) -> None:
    _seen, cells = read(text_file('"a","b"\r\n"say ""hi"", please","two\r\nlines"\r\nplain "word",x\r\n'))
    assert cells == [['say "hi", please', "two\r\nlines"], ['plain "word"', "x"]]


def test_rows_have_the_numbers_of_a_spreadsheet(text_file: Make) -> None:
    path = text_file('a,b\n"1\n1",2\n\n3,4\n')
    assert [row.number for row in rows(path, look(path, "x.csv").notation)] == [2, 4]


def test_a_quote_that_never_closes_is_told_at_its_row(text_file: Make) -> None:
    path = text_file('a,b\n1,2\n3,"4\n5,6\n')
    found = list(rows(path, look(path, "x.csv").notation))
    assert [(row.number, [fault.code for fault in row.faults]) for row in found] == [(2, []), (3, ["open_quote"])]


def test_a_quote_that_never_closes_in_a_long_file_is_refused(text_file: Make) -> None:
    with pytest.raises(Invalid, match="Row 3 has no end"):
        look(text_file('a,b\n1,2\n3,"4\n' + "5,6\n" * 50_000), "x.csv")


def test_a_line_without_an_end_is_not_held(text_file: Make) -> None:
    with pytest.raises(Invalid, match="Row 1 has no end"):
        look(text_file("a" * 1_200_000), "x.csv")


def test_blank_rows_are_passed_over_short_ones_filled_up_long_ones_told(text_file: Make) -> None:
    path = text_file("a,b,c\n\n1\n,,\n1,2,3,,\n1,2,3,4\n")
    found = list(rows(path, look(path, "x.csv").notation))
    assert [(row.number, row.cells) for row in found] == [
        (3, ["1", None, None]), (5, ["1", "2", "3"]), (6, ["1", "2", "3"]),
    ]  # fmt: skip
    assert [[fault.code for fault in row.faults] for row in found] == [[], [], ["too_many_cells"]]


def test_doubled_and_missing_headers_are_told_apart(text_file: Make, read: Read) -> None:
    seen, cells = read(text_file("E-mail,,e-mail,E-mail,,\na,b,c,d,e,\n"))
    assert seen.headers == ("E-mail", "Column B", "e-mail (2)", "E-mail (3)", "Column E")
    assert cells == [["a", "b", "c", "d", "e"]]
    assert "doubled" in {note.code for note in seen.notes}


def test_lines_above_the_header_are_no_rows(text_file: Make, read: Read) -> None:
    seen, cells = read(text_file("Contacts of Ossature\n\nName,City,E-mail\nAnna,Lyon,anna@example.org\n"))
    assert (seen.notation.header, seen.headers) == (3, ("Name", "City", "E-mail"))
    assert cells == [["Anna", "Lyon", "anna@example.org"]]


def test_a_file_without_a_header_is_read_as_it_is_said(text_file: Make, read: Read) -> None:
    path = text_file("Anna,anna@example.org\nZoé,zoe@example.org\n")
    assert "looks_like_values" in {note.code for note in read(path)[0].notes}
    seen, cells = read(path, header=0)
    assert (seen.headers, len(cells)) == (("Column A", "Column B"), 2)


def test_three_hundred_columns_are_read(text_file: Make, read: Read) -> None:
    names = [f"c{n}" for n in range(300)]
    seen, cells = read(text_file(f"{','.join(names)}\n{','.join('1' * 300)}\n"))
    assert (len(seen.headers), cells) == (300, [["1"] * 300])


def test_more_columns_than_are_read_are_refused(text_file: Make) -> None:
    with pytest.raises(Invalid, match="501 columns; at most 500"):
        look(text_file(",".join(f"c{n}" for n in range(501)) + "\n"), "x.csv")


def test_only_headers_are_no_rows_but_no_fault(text_file: Make, read: Read) -> None:
    seen, cells = read(text_file("Name,City\n"))
    assert (seen.headers, cells) == (("Name", "City"), [])
    assert "no_rows" in {note.code for note in seen.notes}


@pytest.mark.parametrize("content", ["", "\n\n", " , \n,\n", "\ufeff"])
def test_an_empty_file_is_refused(content: str, text_file: Make) -> None:
    with pytest.raises(Invalid, match="The file is empty"):
        look(text_file(content), "x.csv")


PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" * 40


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (PNG, "photo.csv (image/png) is not a table"), (b"%PDF-1.7\nmuch", "photo.csv is not a table"),
        (b"<html><table><tr><td>a</td></tr></table></html>", "photo.csv is a web page"),
        (b'[{"name": "Anna"}]', "photo.csv is JSON, not a table"), (b"PK\x03\x04" + b"x" * 50, "photo.csv is damaged"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_whatever_its_name(content: bytes, says: str, text_file: Make) -> None:
    with pytest.raises(Invalid) as refused:
        look(text_file(content, name="photo.csv"), "photo.csv")
    assert says in str(refused.value)
    assert refused.value.details[0].message


def test_a_text_that_begins_like_the_sign_of_a_picture_is_a_table(text_file: Make, read: Read) -> None:
    assert read(text_file("BM,GIF89a\nMercedes,BMW\n"))[1] == [["Mercedes", "BMW"]]


def test_a_file_of_two_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(2_000_000_000)  # a hole: nothing is stored
    with pytest.raises(TooLarge, match="larger than 100 MB") as refused:
        look(path, "large.csv")
    assert "several files" in refused.value.details[0].message


def test_more_rows_than_are_allowed_are_refused(text_file: Make, limits: Callable[..., None]) -> None:
    limits(import_max_rows=3)
    path = text_file("a\n1\n2\n3\n4\n")
    with pytest.raises(TooLarge, match="more than 3 rows"):
        list(rows(path, look(path, "x.csv").notation))


def test_what_begins_like_a_formula_is_a_text_and_its_guard_is_taken_off(text_file: Make, read: Read) -> None:
    path = text_file("a\n=cmd|' /C calc'!A0\n'=1+1\n'+33123456789\n''=x\n'tis\n-5\n")
    assert [row[0] for row in read(path)[1]] == ["=cmd|' /C calc'!A0", "=1+1", "+33123456789", "'=x", "'tis", "-5"]


@pytest.mark.parametrize(
    ("values", "locale", "decimal", "doubt"),
    [
        ("1,5;x", "en", ",", False), ("1.5;x", "fr", ".", False), ("1.234,5;x", "en", ",", False),
        ("1 234;x", "fr", ",", False), ("1.234;x", "fr", ",", True), ("12.345.678;1", "en", ",", False),
        ("1,5\n2.5;x", "en", ",", True),
    ],
)  # fmt: skip
def test_the_decimal_mark_is_found_out(
    values: str, locale: str, decimal: str, doubt: bool, text_file: Make, read: Read
) -> None:
    seen, _cells = read(text_file(f"a;b\n{values}\n"), locale)
    assert seen.notation.decimal == decimal
    assert any(note.doubt for note in seen.notes if note.about == "decimal") is doubt


@pytest.mark.parametrize(
    ("days", "order", "doubt"),
    [
        (["20/11/2026", "03/04/2026"], "dmy", ""), (["10/20/2016", "3/1/2017"], "mdy", ""),
        (["2026-11-20"], "ymd", ""), (["03/04/2026", "05/05/2026"], "dmy", "03/04/2026 reads both ways."),
        (["20/11/2026", "20/11/2026", "11/20/2026"], "dmy", "Some dates begin with the day, others with the month."),
        (["20.11.26"], "dmy", ""), (["192.168.10.20"], "dmy", ""),
        (["01 23 45 67 89", "02 13 25 67 89"], "dmy", ""), (["01 23 2026 10:30"], "mdy", ""),
    ],
)  # fmt: skip
def test_the_order_of_dates_is_found_out(days: list[str], order: str, doubt: str, text_file: Make, read: Read) -> None:
    seen, _cells = read(text_file("on\n" + "\n".join(days) + "\n"))
    assert seen.notation.dates == order
    assert "".join(note.message for note in seen.notes if note.about == "dates") == doubt


def test_what_is_said_is_not_found_out(text_file: Make, read: Read) -> None:
    seen, _cells = read(text_file("a,b\n10/20/2016,1.5\n"), dates="dmy", decimal=",", delimiter=",")
    assert (seen.notation.dates, seen.notation.decimal) == ("dmy", ",")
    assert Notation.model_validate_json(seen.notation.model_dump_json()) == seen.notation
