"""Imports as a whole: all or nothing, corrected, kept as presets, undone, killed, two at once, and nobody else's."""

from __future__ import annotations

import io
import itertools
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import xlsxwriter
from sqlalchemy import event, text
from werkzeug.datastructures import MultiDict

from ossature.context import Reach, use_context
from ossature.files import sweeping
from ossature.files.storage import PLACES, storage
from ossature.imports import job as importing
from ossature.imports import staged
from ossature.jobs import run as running
from ossature.jobs.run import run_job
from ossature.kernel import Kernel
from ossature.rbac.members import assign_roles
from ossature.rbac.roles import create_role, set_grants
from ossature.testing.background import run_pending
from ossature.testing.background_rows import change_job
from ossature.testing.importing import Imported, as_csv, begin, columns, send
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

CONTACTS, COMPANIES = "/api/contacts", "/api/crm/companies"
NAMES = [["Name", "Mail"], ["Martin", "martin@example.com"], ["Durand", "wrong"], ["Petit", "petit@example.com"]]


def names(person: Person, url: str = CONTACTS, field: str = "last_name") -> list[str]:
    answer = person.api.get(f"{url}?limit=200&sort=created_at")
    assert answer.status_code == 200, answer.text
    return [one[field] for one in answer.json["data"]]


def test_all_or_nothing_writes_nothing_when_a_row_is_refused(owner: Person) -> None:
    imp = begin(owner, CONTACTS, NAMES, ["last_name", "email"], policy="all").run()
    assert (imp.head["state"], imp.counts) == ("refused", (2, 0, 0, 1))
    assert imp.faults() == [(3, "Mail", "wrong", "invalid")]
    assert names(owner) == []
    assert imp.ask("PATCH", "/rows/3", json={"cells": {"1": "durand@example.com"}})["outcome"] == "create"
    assert imp.run().head["state"] == "done"
    assert sorted(names(owner)) == ["Durand", "Martin", "Petit"]


@pytest.mark.req("A-018")
def test_a_refused_cell_is_told_with_row_column_and_reason_and_corrected_in_place(owner: Person) -> None:
    imp = begin(owner, CONTACTS, NAMES, ["last_name", "email"]).run()
    assert (imp.head["state"], imp.counts) == ("done", (2, 0, 0, 1))
    (row,) = imp.rows("refused")
    assert (row["number"], row["cells"], row["record_id"]) == (3, ["Durand", "wrong"], None)
    assert row["faults"] == [
        {
            "column": 1, "header": "Mail", "value": "wrong", "code": "invalid",
            "message": "Enter a full e-mail address, such as anna@example.com.", "proposal": None,
        }
    ]  # fmt: skip
    sheet = owner.api.get(f"{imp.here}/refused")
    assert sheet.mimetype == "text/csv"
    assert (
        sheet.get_data(as_text=True).splitlines()[1]
        == 'Durand,wrong,"Mail: Enter a full e-mail address, such as anna@example.com."'
    )
    assert all(row["cells"] == [] for row in imp.rows("create")), "what went in is in its record"
    assert imp.ask("PATCH", "/rows/3", json={"cells": {"1": "still wrong"}})["outcome"] == "refused"
    assert imp.ask("PATCH", "/rows/3", json={"cells": {"1": "d@example.com"}})["faults"] == []
    assert imp.run().counts == (3, 0, 0, 0)
    assert sorted(names(owner)) == ["Durand", "Martin", "Petit"]
    sets = {history_of(owner, one["record_id"]) for one in imp.rows()}
    assert sets == {imp.head["change_set_id"]}, "what is written later is of the same import"


def history_of(person: Person, id: str) -> str:
    (entry,) = person.api.get(f"{CONTACTS}/{id}/history").json["data"]
    assert entry["means"] == "import"
    return str(entry["change_set_id"])


@pytest.mark.req("A-018")
def test_what_a_text_stands_for_is_said_once_for_all_its_rows(owner: Person) -> None:
    file = [["Name", "Company"], *([f"N{n}", "Akme" if n % 2 else "Other"] for n in range(10))]
    for name in ("Acme", "Other"):
        owner.api.post(COMPANIES, json={"name": name})
    imp = begin(owner, CONTACTS, file, ["last_name", "company_id"]).check()
    assert imp.counts == (5, 0, 0, 5)
    (group,) = imp.ask("GET", "/summary")["faults"]
    assert (group["value"], group["code"], group["count"], group["header"]) == ("Akme", "not_found", 5, "Company")
    assert group["proposal"] == "Acme"
    imp.ask("POST", "/values", json={"column": 1, "value": "Akme", "to": "Acme"})
    assert imp.ask("GET", "/summary")["waiting"] == 5
    assert imp.check().counts == (10, 0, 0, 0)
    assert imp.run().counts == (10, 0, 0, 0)


@pytest.mark.req("A-018")
def test_what_a_text_stands_for_is_said_for_all_its_spellings(owner: Person) -> None:
    file = [["Name", "Company"], ["A", " AKME "], ["B", "akme"], ["C", "Akmé"], ["D", "Akme 2"]]
    owner.api.post(COMPANIES, json={"name": "Acme"})
    imp = begin(owner, CONTACTS, file, ["last_name", "company_id"]).check()
    groups = imp.ask("GET", "/summary")["faults"]
    assert [(group["value"], group["count"]) for group in groups] == [("AKME", 3), ("Akme 2", 1)]
    for said in ("nothing", "aKME"):
        imp.ask("POST", "/values", json={"column": 1, "value": said, "to": "Acme" if said == "aKME" else ""})
        assert imp.ask("GET", "/summary")["waiting"] == (3 if said == "aKME" else 0)
    imp.ask("POST", "/values", json={"column": 1, "value": "AKMÉ", "to": "ACME"})
    assert imp.ask("GET")["mapping"]["columns"][1]["values"] == {"nothing": "", "AKMÉ": "ACME"}
    assert imp.check().counts == (3, 0, 0, 1)


def test_what_a_day_and_a_number_of_a_workbook_stand_for_is_said_as_they_are_told(owner: Person) -> None:
    book = io.BytesIO()
    with xlsxwriter.Workbook(book, {"in_memory": True}) as made:
        sheet, day = made.add_worksheet(), made.add_format({"num_format": "dd/mm/yyyy"})
        for number, cell in enumerate(["Company", datetime(2026, 11, 20), 1001, 12.5, True]):  # noqa: DTZ001 - as workbooks have it
            sheet.write(number, 0, f"N{number}" if number else "Name")
            if isinstance(cell, datetime):
                sheet.write_datetime(number, 1, cell, day)
            else:
                sheet.write(number, 1, cell)
    owner.api.post(COMPANIES, json={"name": "Acme"})
    mapping = {"columns": [{"index": 0, "to": "last_name"}, {"index": 1, "to": "company_id"}]}
    begun = send(owner, CONTACTS, book.getvalue(), mapping, 201, filename="file.xlsx").json["data"]
    imp = Imported(owner, f"{CONTACTS}/imports", begun).check()
    told = [value for _row, _header, value, _code in imp.faults()]
    assert told == ["2026-11-20", "1001", "12.5", "TRUE"]
    for value in told:
        imp.ask("POST", "/values", json={"column": 1, "value": value, "to": "Acme"})
    assert imp.ask("GET", "/summary")["waiting"] == 4
    assert imp.check().counts == (4, 0, 0, 0)


def test_what_stands_for_what_has_its_limits(owner: Person) -> None:
    many = {f"v{number}": "x" for number in range(2000)}
    imp = begin(owner, CONTACTS, NAMES, [{"to": "last_name", "values": many}, "email"])

    def refused(**given: Any) -> tuple[str, str]:
        answer = owner.api.post(f"{imp.here}/values", json={"column": 0, "value": "v1", "to": "y", **given})
        assert answer.status_code == 422, answer.text
        (detail,) = answer.json["error"]["details"]
        return detail["field"], detail["code"]

    assert refused(value="one more") == ("column", "too_many")
    assert refused(value="x" * 1001) == ("value", "too_long")
    assert refused(to="x" * 2_000_000) == ("to", "too_long")
    kept = imp.ask("POST", "/values", json={"column": 0, "value": "V1", "to": "y"})
    assert kept["mapping"]["columns"][0]["values"]["V1"] == "y"
    assert imp.check().head["state"] == "checked"
    long = {"columns": [{"index": 0, "to": "last_name", "values": {"a": "x" * 1001}}]}
    (detail,) = owner.api.patch(imp.here, json={"mapping": long}).json["error"]["details"]
    assert detail["field"] == "mapping.columns.0.values.a"


@pytest.mark.req("A-022")
def test_columns_are_kept_under_a_name_and_used_for_the_next_file(owner: Person, tenant: Tenant) -> None:
    odd = [["Wer", "Was"], ["Martin", "Sales"]]
    first = begin(owner, CONTACTS, odd, ["last_name", "department"], mode="create")
    answer = owner.api.post(
        f"{CONTACTS}/imports/presets", json={"import_id": first.head["id"], "name": "From the fair"}
    )
    assert answer.status_code == 201, answer.text
    colleague = tenant.member("owner")
    theirs = begin(colleague, CONTACTS, [["wer", "WAS"], ["Durand", "Sales"]])
    assert [column["to"] for column in theirs.head["mapping"]["columns"]] == [None, None], "nobody asked for it"
    second = begin(owner, CONTACTS, [["wer", "WAS"], ["Durand", "Sales"]])
    assert [column["to"] for column in second.head["mapping"]["columns"]] == ["last_name", "department"]
    (kept,) = colleague.api.get(f"{CONTACTS}/imports/presets").json["data"]
    assert (kept["name"], kept["headers"]) == ("From the fair", ["Wer", "Was"])
    asked = {"import_id": theirs.head["id"], "name": "from the FAIR"}
    assert colleague.api.post(f"{CONTACTS}/imports/presets", json=asked).status_code == 409
    assert colleague.api.delete(f"{CONTACTS}/imports/presets/{kept['id']}").status_code == 403
    assert tenant.member("viewer").api.get(f"{CONTACTS}/imports/presets").status_code == 403
    assert owner.api.delete(f"{CONTACTS}/imports/presets/{kept['id']}").status_code == 200
    assert owner.api.get(f"{CONTACTS}/imports/presets").json["data"] == []


@pytest.mark.req("A-020")
def test_an_import_is_undone_as_a_whole_with_what_it_changed(owner: Person) -> None:
    to = ["last_name", "email", {"to": "company_id", "missing": "create"}]
    old = owner.api.post(CONTACTS, json={"last_name": "Before", "email": "a@example.com"}).json["data"]
    file = [["Name", "Mail", "Company"], ["After", "a@example.com", "Acme"], ["New", "b@example.com", "Acme"]]
    imp = begin(owner, CONTACTS, file, to, mode="both", key=["email"]).run()
    assert imp.counts == (1, 1, 0, 0)
    undo = f"/api/ossature/change-sets/{imp.head['change_set_id']}/undo"
    assert owner.api.post(undo, json={}).status_code == 200
    assert names(owner) == ["Before"]
    assert names(owner, COMPANIES, "name") == []
    again = owner.api.get(f"{CONTACTS}/{old['id']}").json["data"]
    assert (again["last_name"], again["company_id"]) == ("Before", None)


def test_what_is_unfolded_stays_so_where_a_column_comes_in_between_or_goes(owner: Person) -> None:
    imp = begin(owner, CONTACTS, NAMES, ["last_name", "email"])

    def unfolded(do: str, open: int, *indexes: int) -> list[str]:
        columns = [("c-index", str(index)) for index in indexes]
        to = [("c-to", {0: "last_name", 1: "email"}[index]) for index in indexes]
        form = MultiDict([("_do", do), (f"c{open}-open", "1"), *columns, *to])
        page = owner.page.post(f"/crm/contacts/imports/{imp.head['id']}/columns", data=form)
        return re.findall(r'<details data-position="(\d+)" open', page.text)

    assert unfolded("keep", 1, 0, 1) == ["1"]
    assert unfolded("again-0", 1, 0, 1) == ["2"]
    assert unfolded("without-1", 2, 0, 0, 1) == ["1"]


@pytest.mark.req("A-020")
def test_an_import_is_not_undone_while_it_is_written(owner: Person) -> None:
    imp = begin(owner, CONTACTS, NAMES, ["last_name", "email"]).run()
    imp.ask("PATCH", "/rows/3", json={"cells": {"1": "durand@example.com"}})
    imp.ask("POST", "/run", 202)
    id = imp.head["change_set_id"]
    undo = f"/api/ossature/change-sets/{id}/undo"
    refused = owner.api.post(undo, json={})
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "busy")
    page = owner.page.post(f"/history/{id}/undo", data={"sure": "1"})
    assert page.status_code == 409
    assert "This import is still being written; stop it or wait for its end, then undo it." in page.text
    assert sorted(names(owner)) == ["Martin", "Petit"]
    imp.ask("POST", "/cancel")
    assert owner.api.post(undo, json={}).status_code == 200
    assert names(owner) == []


def test_what_is_written_after_an_undoing_is_undone_by_itself(owner: Person) -> None:
    imp = begin(owner, CONTACTS, NAMES, ["last_name", "email"]).run()
    undo = "/api/ossature/change-sets/{}/undo"
    first = imp.head["change_set_id"]
    assert owner.api.post(undo.format(first), json={}).status_code == 200
    imp.ask("PATCH", "/rows/3", json={"cells": {"1": "durand@example.com"}})
    second = imp.run().head["change_set_id"]
    assert (names(owner), second != first) == (["Durand"], True)
    assert owner.api.post(undo.format(second), json={}).status_code == 200
    assert names(owner) == []


def test_an_import_is_not_undone_over_what_somebody_edited_since(owner: Person) -> None:
    owner.api.post(CONTACTS, json={"last_name": "Before", "email": "a@example.com"})
    file = [["Name", "Mail"], ["After", "a@example.com"], ["New", "b@example.com"]]
    imp = begin(owner, CONTACTS, file, ["last_name", "email"], mode="both", key=["email"]).run()
    edited = imp.rows()[0]["record_id"]
    assert owner.api.patch(f"{CONTACTS}/{edited}", json={"last_name": "Later"}).status_code == 200
    undo = f"/api/ossature/change-sets/{imp.head['change_set_id']}/undo"
    refused = owner.api.post(undo, json={})
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "cannot_undo")
    assert owner.api.post(undo, json={"rest": True}).status_code == 200
    assert names(owner) == ["Later"]


def test_two_imports_of_one_file_at_once_end_as_one_after_the_other(owner: Person, tenant: Tenant) -> None:
    to = ["last_name", "email", {"to": "company_id", "missing": "create"}]
    file = [["Name", "Mail", "Company"], *([f"N{n}", f"n{n}@example.com", f"C{n % 7}"] for n in range(60))]
    both = [begin(owner, CONTACTS, file, to, mode="both", key=["email"]) for _ in range(2)]
    for imp in both:
        imp.ask("POST", "/run", 202)
    here: Kernel = tenant.app.extensions["ossature"]
    with tenant.work() as work:
        jobs = work.execute(text("SELECT job_id FROM ossature.import_run")).scalars().all()
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda one: run_job(here, tenant.id, one, "test"), jobs)) == ["succeeded"] * 2
    counts = sorted(imp.again().counts for imp in both)
    assert [sum(one[at] for one in counts) for at in range(4)] == [60, 0, 60, 0]
    assert len(names(owner)) == 60
    assert sorted(names(owner, COMPANIES, "name")) == [f"C{n}" for n in range(7)]


def other_import(tenant: Tenant, work: Any) -> None:
    """As if another import wrote contacts until the end of this transaction."""
    name = f"ossature.import crm.contact {tenant.id}"
    work.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def test_rows_are_checked_and_corrected_while_another_import_writes_such_records(owner: Person, tenant: Tenant) -> None:
    with tenant.work() as work:
        other_import(tenant, work)
        imp = begin(owner, CONTACTS, NAMES, ["last_name", "email"]).check()
        assert imp.counts == (2, 0, 0, 1)
        assert imp.ask("PATCH", "/rows/3", json={"cells": {"1": "durand@example.com"}})["outcome"] == "create"


@pytest.mark.parametrize(
    ("rows", "said"),
    [(NAMES[:1] + NAMES[2:3], "There is nothing to import yet."), (NAMES, "What cannot go in is left out;")],
)
def test_the_page_says_what_becomes_of_refused_rows(owner: Person, rows: list[list[str]], said: str) -> None:
    imp = begin(owner, CONTACTS, rows, ["last_name", "email"]).check()
    assert said in owner.page.get(f"/crm/contacts/imports/{imp.head['id']}/check").text


def test_an_import_waits_for_the_one_before_it_says_so_and_can_be_stopped_meanwhile(
    owner: Person, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[bool] = []

    def ask() -> None:
        page = owner.page.get(f"/crm/contacts/imports/{imp.head['id']}")
        said.append("Waits until another import of such records ends." in page.text)
        imp.ask("POST", "/cancel")

    def look(_seconds: float) -> None:
        with ThreadPoolExecutor(1) as somebody:
            somebody.submit(ask).result()
        assert len(said) < 3

    monkeypatch.setattr(importing, "sleep", look)
    monkeypatch.setattr(running, "_PROGRESS_EVERY", 0)
    with tenant.work() as work:
        other_import(tenant, work)
        imp = begin(owner, CONTACTS, NAMES, ["last_name", "email"], policy="all")
        imp.run()
    assert (said, imp.head["state"], names(owner)) == ([True], "cancelled", [])
    imp.run()
    assert imp.head["state"] == "refused"


def same_key(rows: int, **others: str) -> list[list[str]]:
    """A file whose rows are all of one contact; `others` say another external id in a row, by its number."""
    lines = [[f"N{n}", "one@example.com", others.get(f"r{n}", f"e{n}")] for n in range(rows)]
    return [["Name", "Mail", "Id"], *lines]


OF_ONE = ["last_name", "email", {"to": "external_id", "source": "old"}]


def test_many_rows_of_one_record_take_about_as_many_statements_as_rows_of_many(owner: Person, tenant: Tenant) -> None:
    here: Kernel = tenant.app.extensions["ossature"]
    counted: list[int] = []
    many = [["Name", "Mail", "Id"], *([f"N{n}", f"n{n}@example.com", f"d{n}"] for n in range(150))]
    for file in (many, same_key(150)):
        imp = begin(owner, CONTACTS, file, OF_ONE, mode="both", key=["email"])
        sent: list[str] = []

        def before(_connection: Any, _cursor: Any, statement: str, *_more: Any, to: list[str] = sent) -> None:
            to.append(statement)

        event.listen(here.db.engine("app"), "before_cursor_execute", before)
        try:
            imp.check()
            imp.run()
        finally:
            event.remove(here.db.engine("app"), "before_cursor_execute", before)
        counted.append(len(sent))
    assert imp.counts == (1, 149, 0, 0)
    assert counted[1] < 2 * counted[0], counted
    (found,) = owner.api.get(f"{CONTACTS}?filter[email]=one@example.com").json["data"]
    assert found["last_name"] == "N149", "the last row wins"


def test_of_many_rows_of_one_record_those_that_are_wrong_are_refused_alone(owner: Person) -> None:
    other = owner.api.post(CONTACTS, json={"last_name": "Other"}).json["data"]["id"]
    assert owner.api.put(f"{CONTACTS}/{other}/external-ids/old/taken").status_code in (200, 201)
    imp = begin(owner, CONTACTS, same_key(9, r0="taken", r5="taken"), OF_ONE, mode="both", key=["email"])
    for counts in (imp.check().counts, imp.run().counts):
        assert counts == (1, 6, 0, 2)
    assert [(row, code) for row, _header, _value, code in imp.faults()] == [(2, "taken"), (7, "taken")]
    assert imp.outcomes()[1] == "create"
    assert sorted(names(owner)) == ["N8", "Other"]


@pytest.mark.req("S4-004")
def test_ids_of_another_organisation_are_not_found(owner: Person, make_tenant: Any) -> None:
    stranger = make_tenant().member("owner")
    theirs = stranger.api.post(CONTACTS, json={"last_name": "Theirs"}).json["data"]["id"]
    firm = stranger.api.post(COMPANIES, json={"name": "Theirs"}).json["data"]["id"]
    by_id = begin(owner, CONTACTS, [["Id", "Name"], [theirs, "Mine"]], ["id", "last_name"], mode="update", key=["id"])
    assert by_id.run().faults() == [(2, "Id", theirs, "not_found")]
    to = ["last_name", {"to": "company_id", "by": "id"}]
    at = begin(owner, CONTACTS, [["Name", "Company"], ["Mine", firm], ["Mine", str(uuid4())]], to).run()
    assert [fault[3] for fault in at.faults()] == ["not_found", "not_found"]
    named = begin(owner, CONTACTS, [["Name", "Company"], ["Mine", "Theirs"]], ["last_name", "company_id"]).run()
    assert named.faults() == [(2, "Company", "Theirs", "not_found")]
    assert stranger.api.get(f"{CONTACTS}/{theirs}").json["data"]["last_name"] == "Theirs"
    assert stranger.api.get(by_id.here).status_code == 404
    assert names(owner) == []


def test_an_import_is_stopped_and_goes_on_where_it_was(owner: Person, tenant: Tenant) -> None:
    imp = begin(owner, CONTACTS, NAMES, ["last_name", "email"])
    imp.ask("POST", "/run", 202)
    imp.ask("POST", "/run", 409)
    imp.ask("POST", "/cancel")
    assert imp.again().head["state"] == "cancelled"
    assert names(owner) == []
    assert imp.run().head["state"] == "done"


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ({"columns": [{"index": 0, "to": "nothing"}]}, "columns.0.to"),
        ({"columns": [{"index": 9, "to": "last_name"}]}, "columns.0.index"),
        ({"columns": [{"index": 0, "to": "last_name"}, {"index": 1, "to": "last_name"}]}, "columns.1.to"),
        ({"columns": [{"index": 0, "to": "last_name"}], "mode": "both"}, "key"),
        ({"columns": [{"index": 0, "to": "last_name"}], "mode": "update", "key": ["email"]}, "key.0"),
        ({"columns": [{"index": 0, "to": "company_id", "by": "color"}]}, "columns.0.by"),
        ({"columns": [{"index": 0, "to": "external_id"}]}, "columns.0.source"),
        ({"columns": [{"index": 0, "to": "company_id.industry"}]}, "columns.0.to"),
        (
            {"columns": [{"index": 0, "to": "company_id"}], "defaults": {"company_id.industry": "Steel"}},
            "defaults.company_id.industry",
        ),
        ({"columns": [], "unheard": 1}, "mapping.unheard"),
    ],
)
def test_what_columns_cannot_mean_is_refused_by_its_place(owner: Person, mapping: Any, field: str) -> None:
    answer = send(owner, CONTACTS, as_csv(NAMES), mapping, 422)
    assert field in [detail["field"] for detail in answer.json["error"]["details"]]


@pytest.mark.parametrize("number", [0, 99, 2**31, 99999999999])
def test_a_row_that_is_not_there_is_not_found(owner: Person, number: int) -> None:
    imp = begin(owner, CONTACTS, NAMES, ["last_name", "email"])
    imp.ask("PATCH", f"/rows/{number}", 404, json={"cells": {"0": "Martin"}})


@pytest.mark.parametrize("sign", ['"', "'", "\n", "\r", "\0", "", ";;"])
def test_a_sign_that_cannot_divide_cells_is_refused(owner: Person, sign: str) -> None:
    imp = begin(owner, CONTACTS, NAMES, ["last_name", "email"])
    answer = owner.api.patch(imp.here, json={"notation": {"delimiter": sign}})
    assert answer.status_code == 422, answer.text
    assert [detail["field"] for detail in answer.json["error"]["details"]] == ["notation.delimiter"]
    assert imp.ask("GET")["headers"] == ["Name", "Mail"]


def test_a_file_that_announces_a_sign_that_cannot_divide_cells_is_read_by_what_does(owner: Person) -> None:
    found = send(owner, CONTACTS, b'sep="\r\nName,Mail\r\nMartin,m@example.com\r\n', None, 201).json["data"]
    assert (found["notation"]["delimiter"], found["headers"]) == (",", ["Name", "Mail"])


def test_an_id_that_a_record_has_already_is_told_in_its_cell(owner: Person, tenant: Tenant) -> None:
    def told(person: Person, id: str) -> list[tuple[int, str, str, str]]:
        file = [["Id", "Name"], [id, "Mine"]]
        imp = begin(person, CONTACTS, file, ["id", "last_name"], mode="both", key=["id"]).check()
        (row,) = imp.rows("refused")
        return [(one["column"], one["value"], one["code"], one["message"]) for one in row["faults"]]

    there, binned = (
        str(owner.api.post(CONTACTS, json={"last_name": "There"}).json["data"]["id"]) for _number in range(2)
    )
    assert owner.api.delete(f"{CONTACTS}/{binned}").status_code == 200
    message = "The record with this id is in the recycle bin; restore it."
    assert told(owner, binned) == [(0, binned, "id_taken", message)]
    into = owner.api.post(CONTACTS, json={"last_name": "Into"}).json["data"]["id"]
    away = owner.api.post(CONTACTS, json={"last_name": "Away"}).json["data"]["id"]
    assert owner.api.post(f"{CONTACTS}/merge", json={"into": into, "ids": [away]}).status_code == 200
    assert told(owner, away) == [(0, away, "id_taken", "A record with this id exists already.")]
    apart = tenant.member("sales_rep")
    for id in (there, binned):
        assert apart.api.get(f"{CONTACTS}/{id}").status_code == 404
        assert told(apart, id) == [(0, id, "id_taken", "A record with this id exists already.")]


def test_how_a_file_is_read_is_changed_as_long_as_its_import_waits(owner: Person, tenant: Tenant) -> None:
    imp = begin(owner, CONTACTS, NAMES, ["last_name", "email"])
    for days in (2, 29):
        later = datetime.now(UTC) + timedelta(days=days)
        with use_context(tenant.context):
            sweeping.sweep(now=later)
            assert sweeping.look_over(now=later).without_row == ()
        assert imp.ask("PATCH", json={"notation": {"delimiter": ";"}})["headers"] == ["Name,Mail"]
    with tenant.work() as work:
        work.execute(text("DELETE FROM ossature.import_run"))
    with use_context(tenant.context):
        assert sweeping.sweep(now=later) == (0, 1)
    assert kept_for(tenant) == []


def test_the_file_of_an_import_that_is_written_is_deleted(owner: Person, tenant: Tenant) -> None:
    begin(owner, CONTACTS, NAMES, ["last_name", "email"]).run()
    assert len(kept_for(tenant)) == 1
    with use_context(tenant.context):
        assert sweeping.sweep(now=datetime.now(UTC) + timedelta(days=2)) == (0, 1)
    assert kept_for(tenant) == []


@pytest.mark.parametrize("form", [{"run": "true"}, {"check": "true"}, {}])
def test_a_file_whose_columns_are_refused_is_not_kept(owner: Person, tenant: Tenant, form: dict[str, str]) -> None:
    columns = [] if form else [{"index": 9, "to": "last_name"}]
    send(owner, CONTACTS, as_csv(NAMES), {"columns": columns}, 422, **form)
    assert kept_for(tenant) == []


def kept_for(tenant: Tenant) -> list[str]:
    """The keys of all bytes of an organisation."""
    with use_context(tenant.context):
        return [held.key for place in PLACES for held in storage().held(tenant.id, place)]


def test_the_refused_rows_are_a_file_in_the_words_of_who_asks(tenant: Tenant) -> None:
    person = tenant.member("owner", locale="fr")
    mapping = {"columns": columns(NAMES[0], ["last_name", "email"])}
    begun = send(person, CONTACTS, as_csv(NAMES), mapping, 201, filename="Łódź.csv")
    imp = Imported(person, f"{CONTACTS}/imports", begun.json["data"]).run()
    name = quote("Łódź-à corriger.csv")
    for answer in (person.api.get(f"{imp.here}/refused"), person.page.get(f"/crm{imp.here[4:]}/refused")):
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Disposition"].endswith(f"filename*=UTF-8''{name}")
        assert answer.data.decode("utf-8-sig").splitlines()[0] == "Name,Mail,Motif du refus"


def job_of(imp: Imported) -> Any:
    with imp.person.tenant.work() as work:
        return work.execute(
            text("SELECT job_id FROM ossature.import_run WHERE id = :id"), {"id": imp.head["id"]}
        ).scalar_one()


POINTS = 30


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["good", "all"])
def test_a_worker_killed_at_any_point_has_lost_and_doubled_nothing(
    owner: Person, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    """Before the n-th statement of the run, for thirty n spread over all of them."""
    monkeypatch.setattr(staged, "AT_ONCE", 4)
    here: Kernel = tenant.app.extensions["ossature"]
    to = ["last_name", "email", {"to": "company_id", "missing": "create"}, {"to": "external_id", "source": "old"}]

    def prepared(name: str) -> Imported:
        for n in (3, 7):
            owner.api.post(CONTACTS, json={"last_name": "Before", "email": f"{name}{n}@example.com"})
        file = [["Name", "Mail", "Company", "Id"]]
        file += [[f"{name} {n}", f"{name}{n}@example.com", f"{name} company {n % 3}", f"{name}-{n}"] for n in range(10)]
        imp = begin(owner, CONTACTS, file, to, mode="both", key=["email"], policy=policy)
        imp.ask("POST", "/run", 202)
        return imp

    def counted(imp: Imported, kill_at: int) -> int:
        """Run it in a process of its own, which is killed before that statement; how many there were."""
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            here.db.forget()
            calls = itertools.count(1)
            last = 0

            def before(*_arguments: Any) -> None:
                nonlocal last
                last = next(calls)
                if last == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)

            event.listen(here.db.engine("app"), "before_cursor_execute", before)
            run_job(here, tenant.id, job_of(imp), "doomed")
            os.write(writing, str(last).encode())
            os._exit(0)
        os.close(writing)
        status = os.waitpid(child, 0)[1]
        told = os.read(reading, 20)
        os.close(reading)
        assert os.WIFSIGNALED(status) == bool(kill_at)
        return int(told or 0)

    def state(name: str, imp: Imported) -> Any:
        imp.again()
        assert (imp.head["state"], imp.counts) == ("done", (8, 2, 0, 0))
        people = owner.api.get(f"{CONTACTS}?search={name}&limit=100&include=company").json["data"]
        firms = owner.api.get(f"{COMPANIES}?search={name}&limit=100").json["data"]
        ids = [owner.api.get(f"{CONTACTS}/by-external/old/{name}-{n}").json["data"]["email"] for n in range(10)]
        with tenant.work() as work:
            changes = work.execute(
                text(
                    "SELECT record, what, count(*) FROM ossature.change WHERE change_set_id = :id GROUP BY 1, 2 ORDER BY 1, 2"
                ),
                {"id": imp.head["change_set_id"]},
            ).all()
        return (
            sorted((one["last_name"], one["email"], one["version"]) for one in people),
            sorted(one["name"] for one in firms), ids, [tuple(row) for row in changes],
        )  # fmt: skip

    whole = prepared("whole")
    total = counted(whole, 0)
    expected = repr(state("whole", whole))
    assert total > POINTS
    for number in range(POINTS):
        name = f"p{number:02}x"
        imp = prepared(name)
        counted(imp, 1 + number * (total - 8) // (POINTS - 1))
        change_job(tenant, job_of(imp), state="failed")  # as the dispatcher does with one that fell silent
        run_pending(tenant)
        assert repr(state(name, imp)).replace(name, "whole") == expected, f"killed at point {number}"


@pytest.mark.req("A-018")
def test_refused_rows_come_back_corrected_with_the_columns_that_were_kept(owner: Person) -> None:
    file = b"Wer;Mail;Betrag;Was\r\nMartin;wrong;1,250;'=Sales\r\n"
    to = [{"index": 0, "to": "last_name"}, {"index": 1, "to": "email"}, {"index": 3, "to": "department"}]
    columns = [*to, {"index": 2, "header": "Betrag", "to": None}]
    begun = send(owner, CONTACTS, file, {"columns": columns}, 201, notation='{"decimal": ","}').json["data"]
    imp = Imported(owner, f"{CONTACTS}/imports", begun)
    kept = owner.api.post(f"{CONTACTS}/imports/presets", json={"import_id": imp.head["id"], "name": "Fair"})
    assert kept.status_code == 201, kept.text
    assert imp.check().counts == (0, 0, 0, 1)
    sheet = owner.api.get(f"{imp.here}/refused").get_data(as_text=True)
    assert sheet.splitlines()[0] == "\ufeffWer;Mail;Betrag;Was;Why not"
    assert sheet.splitlines()[1].startswith("Martin;wrong;1,250;'=Sales;"), sheet
    corrected = sheet.replace(";wrong;", ";m@example.com;").encode()
    for sent in (corrected, corrected.replace(b"Why not", b"Motif du refus")):
        again = Imported(owner, f"{CONTACTS}/imports", send(owner, CONTACTS, sent, None, 201).json["data"])
        went = {column["index"]: column["to"] for column in again.head["mapping"]["columns"]}
        assert went == {0: "last_name", 1: "email", 2: None, 3: "department", 4: None}
        assert again.check().counts == (1, 0, 0, 0)
    again.run()
    (found,) = owner.api.get(CONTACTS).json["data"]
    assert (found["email"], found["department"]) == ("m@example.com", "=Sales")


def test_why_rows_were_refused_is_guessed_to_go_nowhere(owner: Person) -> None:
    imp = begin(owner, "/api/crm/deals", [["Name", "Lost reason", "Motif du refus"], ["One", "", "Perdu"]])
    assert imp.head["mapping"]["columns"][2]["to"] is None


def who_may(tenant: Tenant, *actions: str) -> Person:
    """A member who may do this with contacts and nothing else."""
    mate = tenant.member("viewer")
    with tenant.work():
        role = create_role(" ".join(actions), "")
        set_grants(role.id, {f"crm.contact.{action}": Reach.ALL for action in actions})
        assign_roles(mate.member_id, [role.id])
    return Person(tenant, mate.member_id, mate.user_id, mate.email, "viewer")


@pytest.mark.req("A-018")
def test_who_may_create_imports_what_is_new_and_who_may_change_what_is_here(owner: Person, tenant: Tenant) -> None:
    clerk, editor, reader = (who_may(tenant, "view", *also) for also in (("create",), ("edit",), ()))
    rows = [["Last name", "E-mail"], ["Martin", "martin@example.com"]]
    known = {"to": ["last_name", "email"], "key": ["email"]}

    imp = begin(clerk, CONTACTS, rows)
    assert imp.head["mapping"]["mode"] == "create"
    assert imp.run().counts == (1, 0, 0, 0)
    changing = begin(clerk, CONTACTS, rows, mode="both", **known)
    assert changing.ask("POST", "/check", 403) is None
    assert changing.ask("POST", "/run", 403) is None

    rows[1][0] = "Martins"
    assert begin(editor, CONTACTS, rows).head["mapping"]["mode"] == "update"
    assert begin(editor, CONTACTS, rows, mode="update", **known).run().counts == (0, 1, 0, 0)
    assert begin(editor, CONTACTS, rows, mode="create", **known).ask("POST", "/run", 403) is None
    assert names(owner) == ["Martins"]

    for person, status in ((clerk, 200), (editor, 200), (reader, 403)):
        assert person.page.get("/crm/contacts/imports").status_code == status
        assert ("/crm/contacts/imports" in person.page.get("/crm/contacts").text) == (status == 200)
        assert person.api.get(f"{CONTACTS}/imports").status_code == status
        assert person.api.get(f"{CONTACTS}/imports/targets").status_code == status
    assert send(reader, CONTACTS, as_csv(rows)).status_code == 403
