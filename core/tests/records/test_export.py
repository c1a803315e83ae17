"""Lists taken out into files: every kind of value in each format, whose rows and fields, and how they are read."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from ossature.context import Reach
from ossature.ids import new_id
from ossature.rbac.keys import issue_key
from ossature.records import exporting
from ossature.records.bulk import insert_rows
from ossature.records.lookup import record_type
from ossature.testing.people import Person, Tenant, client_of
from ossature.testing.record_api import RecordApi
from ossature.testing.statements import StatementLog

pytestmark = pytest.mark.database

EXPORT = "/api/_kinds/samples/export"
LIST = "/_kinds/samples/export"
FULL: dict[str, Any] = {
    "name": "Améthyste; \"rare\"", "code": "A-1", "notes": "two\nlines", "email": "a@example.org",
    "phone": "+33123456789", "website": "https://example.org/", "token": "hidden", "pieces": 1200,
    "grains": 2**60, "ratio": "-12.500", "price": {"amount": "1234.50", "currency": "EUR"}, "fragile": True,
    "taken_on": "2026-03-09", "seen_at": "2026-07-01T10:30:00Z", "state": "cut", "remark": "secretly",
    "tags": ["new", "blue"],
}  # fmt: skip


def table(answer: Any, delimiter: str = ",") -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=delimiter))


def sheet(answer: Any) -> list[list[Any]]:
    assert answer.status_code == 200, answer.text
    found: list[list[Any]] = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    return found


def take(person: Person, look: str = "", **form: str) -> Any:
    return person.page.post(f"{LIST}?{look}", data={"_step": "start", "_all": "1", **form})


@pytest.fixture
def full(samples: RecordApi, shelves: RecordApi) -> dict[str, Any]:
    """One sample with a value of every kind, on a shelf."""
    shelf = shelves.add(name="Top")
    return samples.add(**FULL, shelf_id=shelf["id"])


@pytest.mark.req("S4-365", "S4-639")
def test_csv_has_every_kind_of_value_under_the_names_of_fields_as_the_api_spells_them(
    owner: Person, full: dict[str, Any]
) -> None:
    answer = owner.api.get(EXPORT, query_string={"format": "csv"})
    (row,) = table(answer)
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="samples-')
    assert next(iter(row)) == "id"
    assert "token" not in row
    expected = {
        **{name: FULL[name] for name in ("name", "code", "notes", "email", "website", "taken_on", "ratio", "state")},
        "id": full["id"], "phone": "'+33123456789", "pieces": "1200", "grains": str(2**60), "price": "1234.50",
        "price_currency": "EUR", "fragile": "true", "lost": "false", "seen_at": FULL["seen_at"], "remark": "secretly",
        "shelf_id": full["shelf_id"], "basis_id": "", "owner_id": str(owner.member_id), "tags": "new, blue",
        "created_at": full["created_at"],
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


@pytest.mark.req("S4-365")
def test_json_has_the_rows_of_the_list_in_one_answer(owner: Person, full: dict[str, Any]) -> None:
    body = json.loads(owner.api.get(EXPORT).data)
    listed = owner.api.get("/api/_kinds/samples").json["data"][0]
    assert (body["success"], body["meta"]) == (True, {"count": 1})
    (row,) = body["data"]
    assert row == {name: listed[name] for name in row}
    assert {"id", "name", "price", "shelf_id", "tags", "owner_id", "created_at"} <= row.keys()
    none = json.loads(owner.api.get(EXPORT, query_string={"filter[state]": "gone"}).data)
    assert (none["data"], none["meta"]) == ([], {"count": 0})


@pytest.mark.req("S4-366", "S4-133")
def test_a_workbook_has_typed_cells_under_the_words_of_the_screen(owner: Person, full: dict[str, Any]) -> None:
    names = "name,notes,pieces,grains,ratio,price,fragile,taken_on,seen_at,state,shelf_id,owner_id,phone"
    label = owner.api.get("/api/ossature/actors/options").json["data"][0]["label"]
    head, row, _totals = sheet(take(owner, f"columns={names}", format="xlsx"))
    assert head == [
        "Name", "Notes", "Pieces", "Grains", "Ratio", "Price", "Price (currency)", "Fragile", "Taken on", "Seen at",
        "State", "Shelf", "Owner", "Telephone",
    ]  # fmt: skip
    assert row == [
        FULL["name"], "two\nlines", 1200.0, str(2**60), -12.5, 1234.5, "EUR", True, date(2026, 3, 9),
        datetime.fromisoformat("2026-07-01T12:30:00"), "Cut", "Top", label, "+33123456789",
    ]  # fmt: skip


@pytest.mark.req("S4-366")
@pytest.mark.parametrize("group", ["", "&group=state"])
def test_the_header_of_a_workbook_stays_in_view_and_below_are_the_totals(
    owner: Person, samples: RecordApi, group: str
) -> None:
    for pieces, amount, currency in ((2, "1.50", "EUR"), (3, "4.00", "EUR"), (None, "7.00", "USD")):
        samples.add(pieces=pieces, price={"amount": amount, "currency": currency})
    answer = take(owner, f"columns=name,pieces,price{group}&sort=pieces", format="xlsx")
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert book[4:] == [["Total", 5.0, 5.5, "EUR"], ["", "", 7.0, "USD"]]
    written = zipfile.ZipFile(io.BytesIO(answer.data)).read("xl/worksheets/sheet1.xml").decode()
    assert 'state="frozen"' in written
    assert "<f>SUBTOTAL(109,B2:B4)</f>" in written
    asked = {"format": "xlsx", "fields": "name,pieces,price", "sort": "pieces"}
    by_api = sheet(owner.api.get(EXPORT, query_string={**asked, "headers": "labels"}))
    assert [row[1:] for row in by_api[4:]] == [["", 5.0, 5.5, "EUR"], ["", "", 7.0, "USD"]]
    assert by_api[4][0] == "Total"


@pytest.mark.req("S4-366")
def test_what_may_be_imported_again_has_no_totals(owner: Person, samples: RecordApi) -> None:
    samples.add(pieces=2, price={"amount": "1.50", "currency": "EUR"})
    look = "columns=name,pieces,price"
    assert len(sheet(owner.api.get(EXPORT, query_string={"format": "xlsx"}))) == 2
    assert len(sheet(owner.api.get(EXPORT, query_string={"format": "xlsx", "whole": "true"}))) == 2
    for headers in ("names", "whole"):
        assert len(sheet(take(owner, look, format="xlsx", headers=headers))) == 2
    assert len(table(take(owner, look, format="csv", dialect="plain"))) == 1


@pytest.mark.req("S4-365", "S4-366")
@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|'/c calc'!A0", "'=1"])
def test_a_text_that_looks_like_a_formula_stays_a_text(owner: Person, samples: RecordApi, name: str) -> None:
    samples.add(name=name)
    (row,) = table(owner.api.get(EXPORT, query_string={"format": "csv"}))
    assert row["name"] == f"'{name}"
    answer = owner.api.get(EXPORT, query_string={"format": "xlsx", "fields": "name"})
    assert [cells[1] for cells in sheet(answer)] == ["name", name]
    assert "<f>" not in zipfile.ZipFile(io.BytesIO(answer.data)).read("xl/worksheets/sheet1.xml").decode()


@pytest.mark.req("S4-365")
def test_csv_is_as_excel_opens_it_in_the_readers_language_unless_it_is_to_be_plain(
    tenant: Tenant, full: dict[str, Any]
) -> None:
    look, french = "columns=name,ratio,price,fragile,seen_at", tenant.member(locale="fr")
    answer = take(french, look, format="csv")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    (row,) = table(answer, ";")
    values = list(row.values())
    assert values == [FULL["name"], "-12,500", "1234,50", "EUR", "Oui", "2026-07-01 12:30:00"]
    assert "Price (devise)" in row
    plain = take(french, look, format="csv", dialect="plain")
    assert plain.data[:4] == b"Name"
    assert table(plain)[0]["Ratio"] == "-12.500"
    assert table(take(tenant.member(), look, format="csv"))[0]["Fragile"] == "Yes"


@pytest.mark.req("S4-365", "A-022")
def test_view_filter_order_search_and_columns_are_those_of_the_list(owner: Person, samples: RecordApi) -> None:
    for name, state in (("Agate", "cut"), ("Beryl", "raw"), ("Citrine", "cut")):
        samples.add(name=name, state=state)
    definition = {
        "columns": ["state", "name"],
        "where": {"field": "state", "op": "is", "value": "cut"},
        "sort": "-name",
    }
    kept = {"record": "_kinds.sample", "name": "Cut", "definition": definition}
    view = owner.api.post("/api/ossature/views", json=kept).json["data"]["id"]
    by_api = table(owner.api.get(EXPORT, query_string={"format": "csv", "view": view}))
    assert [list(row)[1:] for row in by_api] == [["state", "name"]] * 2
    assert [row["name"] for row in by_api] == ["Citrine", "Agate"]
    assert sheet(take(owner, f"view={view}", format="xlsx")) == [
        ["State", "Name"],
        ["Cut", "Citrine"],
        ["Cut", "Agate"],
    ]
    assert [row["name"] for row in table(owner.api.get(EXPORT, query_string={"format": "csv", "search": "ber"}))] == [
        "Beryl"
    ]
    page = owner.page.get(f"/_kinds/samples?view={view}").text
    assert f'href="{LIST}?view={view}"' in page


@pytest.mark.req("S4-365")
def test_selected_rows_alone_are_taken_out_where_some_are(owner: Person, samples: RecordApi) -> None:
    one, other = samples.add(name="One"), samples.add(name="Other")
    samples.add(name="Third")
    chosen = {"_rows": f"{one['id']}.1 {other['id']}.1"}
    asked = owner.page.post(LIST, data=chosen, headers={"HX-Request": "true"}).text
    assert "Export 2 samples" in asked
    answer = owner.page.post(LIST, data={**chosen, "_step": "start", "format": "csv"})
    assert [row["Name"] for row in table(answer)] == ["One", "Other"]
    assert "Export 3 samples" in owner.page.get(LIST).text
    assert table(owner.page.post(LIST, data={"_rows": "", "_step": "start", "format": "csv"})) == []


@pytest.mark.req("S4-365", "S4-639")
def test_who_may_not_export_finds_no_way_to_do_so(owner: Person, member: Callable[..., Person], full: Any) -> None:
    viewer = member("viewer")
    assert [viewer.api.get(EXPORT).status_code, viewer.page.get(LIST).status_code] == [403, 403]
    assert take(viewer, format="csv").status_code == 403
    assert LIST not in viewer.page.get("/_kinds/samples").text
    assert LIST in owner.page.get("/_kinds/samples").text


@pytest.mark.req("S4-365", "S4-639")
def test_rows_and_fields_out_of_reach_and_other_organisations_are_in_no_file(
    tenant: Tenant, owner: Person, samples: RecordApi, make_tenant: Callable[..., Tenant]
) -> None:
    other = tenant.member()
    samples.by(other).add(name="Of others")
    samples.add(name="Own", remark="secretly")
    scopes = {"_kinds.sample.view": Reach.ALL, "_kinds.sample.export": Reach.OWN}
    with tenant.work():
        key = issue_key("Sync", scopes, member_id=owner.member_id)
    rep = client_of(tenant.app, tenant.url, Authorization=f"Bearer {key.shown}")
    assert len(rep.get("/api/_kinds/samples").json["data"]) == 2
    (row,) = table(rep.get(EXPORT, query_string={"format": "csv"}))
    assert row["name"] == "Own"
    assert "remark" not in row
    assert rep.get(EXPORT, query_string={"format": "csv", "fields": "name,remark"}).status_code == 400
    assert owner.api.get(EXPORT, query_string={"fields": "token"}).status_code == 400
    stranger = make_tenant().member("owner")
    assert table(stranger.api.get(EXPORT, query_string={"format": "csv"})) == []


@pytest.mark.req("S4-365", "S4-366")
@pytest.mark.parametrize("format", ["csv", "xlsx", "json"])
def test_a_long_list_is_read_in_one_statement_and_windows_and_asks_for_a_title_but_once(
    tenant: Tenant,
    owner: Person,
    shelves: RecordApi,
    statements: StatementLog,
    format: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exporting, "WINDOW", 100)
    shelf = shelves.add()["id"]
    with owner.work():
        insert_rows(
            record_type("_kinds.sample"), ({"id": new_id(), "name": f"S{n:04}", "shelf_id": shelf} for n in range(950))
        )
    with statements.counting() as counted:
        answer = take(owner, "columns=name,shelf_id", format=format)
        data = answer.data
    if format == "json":
        names = [row["name"] for row in json.loads(data)["data"]]
    elif format == "csv":
        names = [row["Name"] for row in table(answer)]
    else:
        names = [row[0] for row in sheet(answer)[1:]]
    assert names == [f"S{n:04}" for n in range(950)]
    assert len(counted) < 50, str(counted)
    titles = [text for text in counted.texts if "FROM _kinds.shelf" in text]
    assert len(titles) == (0 if format == "json" else 1), str(counted)


@pytest.mark.req("S4-366")
def test_a_workbook_with_more_rows_than_a_sheet_takes_is_refused_before_it_begins(
    owner: Person, samples: RecordApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MOST_XLSX", 1)
    samples.add()
    samples.add()
    refused = owner.api.get(EXPORT, query_string={"format": "xlsx"})
    assert (refused.status_code, refused.json["error"]["details"][0]["code"]) == (422, "too_long")
    assert owner.api.get(EXPORT, query_string={"format": "csv"}).status_code == 200


@pytest.mark.req("S4-365")
@pytest.mark.parametrize(
    "argument", ["format=pdf", "headers=no", "dialect=x", "fields=nothing", "limit=5", "sort=nothing"]
)
def test_what_cannot_be_asked_for_is_refused(owner: Person, argument: str) -> None:
    assert owner.api.get(f"{EXPORT}?{argument}").status_code == 400


def test_an_answer_that_fails_in_its_midst_breaks_off(
    owner: Person, samples: RecordApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples.add()

    def broken(*_: Any) -> Any:
        raise RuntimeError("in the midst")

    monkeypatch.setattr(exporting, "Window", broken)
    with pytest.raises(RuntimeError, match="in the midst"):
        owner.api.get(EXPORT, query_string={"format": "csv"}, buffered=True)
