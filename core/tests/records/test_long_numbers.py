"""Numbers that requests spell: thousands of digits, and more than a column of the database takes, are no failure."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import MultiDict

from ossature.records.clean import whole_number
from ossature.testing.importing import Imported, begin
from ossature.testing.people import Person
from ossature.testing.record_api import RecordApi

pytestmark = pytest.mark.database

NUMBERS = ["9" * 5000, "9" * 18, "²", "٣", "-1", "x", ""]


@pytest.fixture
def checked(owner: Person) -> Imported:
    file = [["Name", "Mail"], ["Martin", "nobody"]]
    return begin(owner, "/api/contacts", file, ["last_name", "email"]).check()


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), (str(2**31 - 1), 2**31 - 1), (str(2**31), None)])
def test_a_number_is_taken_up_to_what_the_database_takes(text: str, number: int | None) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", NUMBERS)
def test_no_number_is_no_number(text: str) -> None:
    assert whole_number(text) is None


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", ["at", "remove"])
def test_the_filter_box_passes_over_a_place_that_there_is_not(owner: Person, name: str, number: str) -> None:
    address = {"part": "filter", "filter[state]": "raw", "f0": "state", name: number}
    assert owner.page.get("/_kinds/samples", query_string=address).status_code == 200


@pytest.mark.parametrize("number", NUMBERS)
def test_a_form_passes_over_rows_whose_numbers_are_none(owner: Person, samples: RecordApi, number: str) -> None:
    given = {"name": "Opal", "state": "raw", "lines-0-finding": "gold", "lines-1-finding": "tin"}
    made = owner.page.post("/_kinds/samples/new", data={**given, f"lines-{number}-finding": "odd"})
    assert made.status_code in (303, 422), made.text
    shown = owner.page.post("/_kinds/samples/new", data={**given, "_move": f"lines-{number}-up"})
    assert shown.status_code == 200
    assert "gold" in shown.text


@pytest.mark.parametrize("number", NUMBERS)
def test_the_pages_of_an_import_pass_over_columns_and_rows_that_there_are_not(
    owner: Person, checked: Imported, number: str
) -> None:
    page = f"/crm/contacts/imports/{checked.head['id']}"
    assert owner.page.get(f"{page}/check", query_string={"column": number, "value": "x"}).status_code == 200
    posted = [
        (f"{page}/columns", {"_do": f"again-{number}", "c-index": number, "c-to": "last_name"}),
        (f"{page}/check", {"_do": "correct", "row": number, "index": "0", "to": "x"}),
        (f"{page}/check", {"_do": "correct", "row": "2", "index": number, "to": "x"}),
        (f"{page}/check", {"_do": "map", "index": number, "value": "x", "to": "y"}),
    ]  # fmt: skip
    for address, form in posted:
        assert owner.page.post(address, data=MultiDict(form)).status_code < 500, form


@pytest.mark.parametrize("number", ["9" * 4000, "9" * 18])
def test_a_row_of_an_import_that_there_is_not_is_not_found(checked: Imported, number: str) -> None:
    checked.ask("PATCH", f"/rows/{number}", 404, json={"cells": {"0": "x"}})
