"""Files that are no tables, or not as they should be, sent to be imported: each is refused with what to do, or read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest
import xlsxwriter
from sqlalchemy import text

from ossature.db.work import session
from ossature.imports import service, workbooks
from ossature.imports.cells import FileRow
from ossature.kernel import Kernel
from ossature.testing.importing import Imported, begin, columns
from ossature.testing.importing import send as send_to
from ossature.testing.people import Person

pytestmark = pytest.mark.database

IMPORTS = "/api/_kinds/samples/imports"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 2000
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" * 40


def send(person: Person, content: bytes, name: str = "samples.csv", **form: str) -> Any:
    data = {"file": (io.BytesIO(content), name), **form}
    return person.api.post(IMPORTS, data=data, content_type="multipart/form-data")


def bomb() -> bytes:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    book.add_worksheet().write_column(0, 0, ["Name", "Quartz"])
    book.close()
    sheet = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(made) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, found in parts.items():
            archive.writestr(
                part, found.replace(b"</sheetData>", b" " * 60_000_000 + b"</sheetData>") if part == sheet else found
            )
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("empty.csv", b"", 422, "empty"), ("blank.csv", b"\n\n ,\n", 422, "empty"), ("photo.csv", PNG, 422, "not_a_table"),
        ("old.xls", OLE, 422, "old_workbook"),
        ("locked.xlsx", OLE + "EncryptedPackage".encode("utf-16-le"), 422, "encrypted"),
        ("cut.xlsx", b"PK\x03\x04" + b"x" * 90, 422, "damaged"),
        ("wide.csv", ",".join(f"c{n}" for n in range(501)).encode(), 422, "too_many_columns"),
        ("quote.csv", b'Name\n"Quartz\n' + b"Topaz\n" * 50_000, 422, "endless_row"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_with_what_to_do(
    name: str, content: bytes, status: int, code: str, owner: Person
) -> None:
    answer = send(owner, content, name)
    assert (answer.status_code, answer.json["error"]["details"][0]["code"]) == (status, code)
    assert answer.json["error"]["details"][0]["message"]
    assert owner.api.get(IMPORTS).json["data"] == []


def test_a_zip_bomb_is_refused(owner: Person) -> None:
    answer = send(owner, bomb(), "bomb.xlsx")
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")


def test_what_is_larger_than_is_allowed_is_refused(
    owner: Person, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = kernel.config
    monkeypatch.setattr(kernel, "config", allowed.model_copy(update={"import_max_mb": 0}))
    answer = send(owner, b"Name\nQuartz\n")
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")
    monkeypatch.setattr(kernel, "config", allowed.model_copy(update={"import_max_rows": 3}))
    answer = send(owner, b"Name\n" + b"Quartz\n" * 4)
    assert (answer.status_code, answer.json["error"]["details"][0]["code"]) == (413, "too_many_rows")


@pytest.mark.parametrize(
    "content",
    [
        "Nom;Notes\nÉtain;été\n".encode("latin-1"), "Nom;Notes\nÉtain;été\n".encode("utf-16"),
        "\ufeffNom,Notes\nÉtain,été\n".encode(), "Nom\tNotes\nÉtain\tété\n\n\n".encode(),
        '"Nom","Notes"\r\n"Étain","été"\r\n'.encode(), "Un titre\n\nNom|Notes\nÉtain|été\n".encode(),
    ],
    ids=["Latin-1", "UTF-16", "mark", "tabs", "quotes", "title"],
)  # fmt: skip
def test_tables_as_people_have_them_are_read(content: bytes, owner: Person) -> None:
    answer = send(owner, content)
    assert answer.status_code == 201, answer.text
    made = answer.json["data"]
    assert (made["headers"], made["total"]) == (["Nom", "Notes"], 1)
    assert [column["to"] for column in made["mapping"]["columns"]] == ["name", "notes"]
    (row,) = owner.api.get(f"{IMPORTS}/{made['id']}/rows").json["data"]
    assert row["cells"] == ["Étain", "été"]


def test_texts_lose_what_the_database_has_no_room_for_and_nothing_else(owner: Person) -> None:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        book.add_worksheet().write_column(0, 0, ["Na@0000@me", "Qu@D800@artz", "\\u0000"])
    escaped = io.BytesIO()
    with zipfile.ZipFile(made) as archive, zipfile.ZipFile(escaped, "w") as other:
        for part in archive.namelist():
            found = archive.read(part)
            other.writestr(part, found.replace(b"@0000@", b"_x0000_").replace(b"@D800@", b"_xD800_"))
    lines = b"Na\x00me,Notes\nQu\x00artz,\n\\u0000,\nTopaz," + b"note " * 200
    for answer in (send(owner, escaped.getvalue(), "samples.xlsx"), send(owner, lines)):
        assert answer.status_code == 201, answer.text
        assert answer.json["data"]["headers"][0] == "Name"
        rows = owner.api.get(f"{IMPORTS}/{answer.json['data']['id']}/rows").json["data"]
        assert [row["cells"][0] for row in rows][:2] == ["Quartz", "\\u0000"]


def test_a_refused_cell_tells_of_letters_that_look_like_an_escape(owner: Person) -> None:
    imp = begin(owner, "/api/contacts", [["Name", "Mail"], ["Martin", "\\u0000"]], ["last_name", "email"]).check()
    assert imp.faults() == [(2, "Mail", "\\u0000", "invalid")]
    row = imp.ask("PATCH", "/rows/2", json={"cells": {"0": "Du\x00rand", "1": "\\u0000x"}})
    assert row["cells"] == ["Durand", "\\u0000x"]
    mapping = {"columns": [{"index": 0, "header": "Na\x00me", "to": "last_name", "values": {"a\x00": "b\x00"}}]}
    (column,) = imp.ask("PATCH", json={"mapping": mapping})["mapping"]["columns"]
    assert (column["header"], column["values"]) == ("Name", {"a": "b"})
    changed = imp.ask("POST", "/values", json={"column": 0, "value": "c\x00", "to": "d\x00"})
    assert changed["mapping"]["columns"][0]["values"] == {"a": "b", "c": "d"}
    address = f"/crm/contacts/imports/{imp.head['id']}/check?column=0&value=%00"
    assert owner.page.get(address, follow_redirects=True).status_code == 200


def test_a_source_of_letters_that_sources_do_not_have_is_refused_with_the_mapping(owner: Person) -> None:
    imp = begin(owner, "/api/contacts", [["Name", "Id", "Company"], ["Martin", "7", "x" * 201]], ["last_name"])
    name = {"index": 0, "to": "last_name"}
    company = {"index": 2, "to": "company_id", "missing": "create"}
    for column, field in (
        ({"index": 1, "to": "external_id", "source": "SAP/R3"}, "columns.1.source"),
        ({**company, "by": "external:SAP/R3"}, "columns.1.by"),
    ):
        answer = owner.api.patch(imp.here, json={"mapping": {"columns": [name, column]}})
        assert answer.status_code == 422, answer.text
        assert [(one["field"], one["code"]) for one in answer.json["error"]["details"]] == [(field, "invalid")]
    imp.ask("PATCH", json={"mapping": {"columns": [name, {**company, "by": "external:sap"}]}})
    assert imp.run().faults() == [(2, "Company", "x" * 200, "too_long")]


def test_the_letters_of_an_error_in_a_column_that_is_left_out_refuse_no_row(owner: Person) -> None:
    book = io.BytesIO()
    with xlsxwriter.Workbook(book, {"in_memory": True}) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, ["Name", "Share"])
        sheet.write(1, 0, "Martin")
        sheet.write_formula(1, 1, "=NA()", None, "#N/A")
    sent = send_to(owner, "/api/contacts", book.getvalue(), {"columns": columns(["Name"], ["last_name"])}, 201,
                   filename="people.xlsx")  # fmt: skip
    imp = Imported(owner, "/api/contacts/imports", sent.json["data"]).check()
    assert (imp.outcomes(), imp.faults()) == (["create"], [])
    imp.ask("PATCH", json={"mapping": {"columns": columns(["Name", "Share"], ["last_name", "first_name"])}})
    assert imp.check().faults() == [(2, "Share", "#N/A", "error_cell")]


def test_for_a_zip_of_countless_parts_there_is_no_room(owner: Person) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(10_001):
            archive.writestr(f"xl/{number}", b"")
    answer = send_to(owner, "/api/_kinds/samples", made.getvalue(), filename="countless.xlsx")
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize("limit", ["_MOST_STRINGS", "_MOST_STYLES"])
def test_for_more_texts_or_styles_than_a_workbook_has_there_is_no_room(
    limit: str, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        book.add_worksheet().write_column(0, 0, ["Name", "Quartz", "Topaz"], book.add_format({"bold": True}))
    assert send(owner, made.getvalue(), "samples.xlsx").status_code == 201
    monkeypatch.setattr(workbooks, limit, 1)
    answer = send(owner, made.getvalue(), "samples.xlsx")
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")


def test_putting_down_letters_of_a_large_file_may_take_longer_than_other_statements(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = list[str]()
    put_down = service.stage

    def stage(import_id: UUID, rows: Iterable[FileRow]) -> int:
        count = put_down(import_id, rows)
        limits.append(session().execute(text("SHOW statement_timeout")).scalar_one())
        return count

    monkeypatch.setattr(service, "stage", stage)
    assert send(owner, b"Name\nQuartz\n").status_code == 201
    assert limits == ["10min"]


def test_headers_alone_are_refused_since_there_is_nothing_to_import(owner: Person) -> None:
    answer = send(owner, b"Name,Notes\n")
    assert answer.status_code == 422, answer.text
    assert answer.json["error"]["details"][0]["field"] == "file"


def test_parts_of_a_form_without_a_name_are_unknown_fields(owner: Person) -> None:
    head = "--x\r\nContent-Disposition: form-data"
    file = f'{head}; name="file"; filename="a.csv"\r\n\r\nName\nQuartz\n\r\n'
    body = f'{head}\r\n\r\n{{}}\r\n{head}; name="z"\r\n\r\n1\r\n{file}--x--\r\n'.encode()
    for headers in ({}, {"Idempotency-Key": "k1"}):
        answer = owner.api.post(IMPORTS, data=body, content_type="multipart/form-data; boundary=x", headers=headers)
        assert (answer.status_code, answer.json["error"]["details"][0]["code"]) == (422, "unknown_field")


def test_a_header_without_any_word_goes_nowhere_and_the_others_are_known(owner: Person) -> None:
    answer = send(owner, "#,Name,%,\x88\x96\n1,Quartz,3,x\n".encode())
    assert answer.status_code == 201, answer.text
    assert [column["to"] for column in answer.json["data"]["mapping"]["columns"]] == [None, "name", None, None]
