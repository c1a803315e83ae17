"""Exports that are to be imported again: besides the fields, the entries of collections and external ids."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from ossature.context import Reach
from ossature.rbac.keys import issue_key
from ossature.records import export_beside, exporting
from ossature.testing.people import Person, Tenant, client_of
from ossature.testing.record_api import RecordApi
from ossature.testing.statements import StatementLog

pytestmark = pytest.mark.database

EXPORT = "/api/_kinds/samples/export"
LINES: list[dict[str, Any]] = [
    {"finding": "Iron; \"pure\"", "share": 60, "doubt": "some, more", "count": "2.500",
     "each": {"amount": "1.50", "currency": "EUR"}},
    {"finding": "=gold", "share": None, "doubt": None, "count": None, "each": None},
]  # fmt: skip


def table(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.data.decode())))


def called(samples: RecordApi, id: str, source: str, value: str) -> None:
    assert samples.person.api.put(f"{samples.at(id)}/external-ids/{source}/{value}").status_code == 201


@pytest.fixture
def sample(samples: RecordApi) -> dict[str, Any]:
    """A sample with lines that is called so elsewhere, beside one that has neither."""
    made = samples.add(name="Onyx", lines=LINES)
    for source, value in (("shop", "=1"), ("shop", "2"), ("my crm", "A, 7")):
        called(samples, made["id"], source, value)
    samples.add(name="Plain")
    return made


@pytest.mark.req("S4-365", "A-023")
def test_csv_has_entries_as_json_and_external_ids_by_their_source(owner: Person, sample: dict[str, Any]) -> None:
    plain, onyx = table(owner.api.get(EXPORT, query_string={"format": "csv", "whole": "true", "sort": "-name"}))
    lines = json.loads(onyx["lines"])
    assert [{name: line[name] for name in LINES[0]} for line in lines] == LINES
    assert [line["id"] for line in lines] == [line["id"] for line in sample["lines"]]
    assert lines[0].keys() == {"id", *LINES[0]}
    assert (onyx["external_id:shop"], onyx["external_id:my crm"]) == ("2\n=1", "A, 7")
    assert (plain["name"], plain["lines"], plain["external_id:shop"]) == ("Plain", "", "")
    assert {"id", "name", "price", "price_currency", "created_at"} <= onyx.keys()


@pytest.mark.req("S4-366", "S4-133")
def test_a_workbook_and_json_have_them_too(owner: Person, sample: dict[str, Any]) -> None:
    asked = {"fields": "name,lines,external_id:shop,external_id:none", "sort": "name"}
    answer = owner.api.get(EXPORT, query_string={"format": "xlsx", **asked})
    head, onyx, plain = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert head == ["id", "name", "lines", "external_id:shop", "external_id:none"]
    assert [line["finding"] for line in json.loads(str(onyx[2]))] == ['Iron; "pure"', "=gold"]
    assert (onyx[3], onyx[4], plain[2:]) == ("2\n=1", "", ["", "", ""])
    first, second = json.loads(owner.api.get(EXPORT, query_string=asked).data)["data"]
    assert [line["each"] for line in first["lines"]] == [{"amount": "1.50", "currency": "EUR"}, None]
    assert (first["external_id:shop"], second["external_id:shop"], second["lines"]) == (["2", "=1"], [], [])


@pytest.mark.req("S4-365", "A-022")
def test_a_view_says_whose_rows_and_the_dialogue_offers_everything(owner: Person, sample: dict[str, Any]) -> None:
    definition = {"columns": ["name", "state"], "where": {"field": "name", "op": "is", "value": "Onyx"}}
    kept = {"record": "_kinds.sample", "name": "Black ones", "definition": definition}
    view = owner.api.post("/api/ossature/views", json=kept).json["data"]["id"]
    (preset,) = table(owner.api.get(EXPORT, query_string={"format": "csv", "view": view}))
    assert list(preset) == ["id", "name", "state"]
    (row,) = table(owner.api.get(EXPORT, query_string={"format": "csv", "view": view, "whole": "true"}))
    assert (list(row)[:3], row["external_id:my crm"]) == (["id", "name", "state"], "A, 7")
    form = {"_step": "start", "_all": "1", "headers": "whole", "format": "csv", "dialect": "plain"}
    (shown,) = table(owner.page.post(f"/_kinds/samples/export?view={view}", data=form))
    assert {**shown} == {name: row[name] for name in shown}
    assert shown.keys() == row.keys()
    assert "Everything, to be imported again" in owner.page.get("/_kinds/samples/export").text


@pytest.mark.req("S4-365")
@pytest.mark.parametrize(
    "argument",
    ["whole=perhaps", "whole=true&headers=labels", "fields=lines&headers=labels", "fields=external_id:",
     "fields=external_id:a/b", "fields=external_ids"],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_refused(owner: Person, argument: str) -> None:
    assert owner.api.get(f"{EXPORT}?{argument}").status_code == 400


def test_entries_and_external_ids_of_records_out_of_reach_are_in_no_file(
    tenant: Tenant, owner: Person, samples: RecordApi
) -> None:
    hidden = samples.by(tenant.member()).add(name="Of others", lines=[{"finding": "hidden"}])
    called(samples, hidden["id"], "shop", "hidden")
    samples.add(name="Own")
    scopes = {"_kinds.sample.view": Reach.ALL, "_kinds.sample.export": Reach.OWN}
    with tenant.work():
        key = issue_key("Sync", scopes, member_id=owner.member_id)
    rep = client_of(tenant.app, tenant.url, Authorization=f"Bearer {key.shown}")
    for format in ("csv", "json"):
        assert "hidden" not in rep.get(EXPORT, query_string={"format": format, "whole": "true"}).text


@pytest.mark.req("S4-365", "S4-366")
@pytest.mark.parametrize("format", ["csv", "xlsx", "json"])
def test_they_are_read_a_window_at_a_time(
    owner: Person, samples: RecordApi, statements: StatementLog, format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "WINDOW", 5)
    for number in range(21):
        id = samples.add(name=f"S{number}", lines=[{"finding": f"F{number}"}])["id"]
        called(samples, id, "shop", str(number))

    def counted(fields: str) -> int:
        with statements.counting() as found:
            answer = owner.api.get(EXPORT, query_string={"format": format, "fields": fields})
            assert answer.data
        return len(found)

    windows = 5
    assert counted("name,lines,external_id:shop") == counted("name") + 2 * windows


def test_entries_that_a_cell_of_a_workbook_does_not_take_break_the_file_off(
    owner: Person, samples: RecordApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_beside, "LONGEST_CELL", 10)
    samples.add(lines=[{"finding": "Iron"}])
    with pytest.raises(Exception, match="does not take all of lines"):
        owner.api.get(EXPORT, query_string={"format": "xlsx", "whole": "true"}, buffered=True)
    assert owner.api.get(EXPORT, query_string={"format": "csv", "whole": "true"}).status_code == 200
