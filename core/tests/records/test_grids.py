"""Collections as grids: rows in the order in which they are sent, and what is worked out before anything is saved."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ossature.testing.people import Person

pytestmark = pytest.mark.database

NEW = "/_kinds/samples/new"
FORM = {"name": "Quartz", "state": "raw"}


def line(number: int, **fields: str) -> dict[str, str]:
    return {f"lines-{number}-{name.replace('__', '-')}": value for name, value in fields.items()}


def findings(text: str) -> list[str]:
    return re.findall(r'name="lines-\d+-finding" value="([^"]*)"', text)


@pytest.mark.req("A-043")
def test_a_grid_is_a_table_whose_cells_have_names(owner: Person) -> None:
    page = owner.page.post(NEW, data={**FORM, "_add": "lines", **line(0, finding="gold")}).text
    assert re.search(r'<th scope="col"[^>]*>Finding', page)
    assert re.search(r'<label [^>]*for="f-lines-1-finding">Finding</label>', page)
    assert '<output data-computed="total">' in page


def test_rows_are_stored_in_the_order_in_which_they_are_sent(owner: Person, samples: Any) -> None:
    data = {**FORM, **line(4, finding="tin"), **line(0, finding="gold"), **line(2, finding="iron")}
    answer = owner.page.post(NEW, data=data)
    assert answer.status_code == 303
    stored = samples.read(answer.location.rpartition("/")[2])
    assert [one["finding"] for one in stored["lines"]] == ["tin", "gold", "iron"]


def test_without_scripts_buttons_move_rows(owner: Person) -> None:
    data = {**FORM, **line(0, finding="tin"), **line(1, finding="gold"), **line(2, finding="iron")}
    moved = owner.page.post(NEW, data={**data, "_move": "lines-2-up"})
    assert moved.status_code == 200
    assert findings(moved.text)[:3] == ["tin", "iron", "gold"]
    for nonsense in ("lines-0-up", "lines-2-down", "lines-9-up", "lines-²-up", "lines-"):
        assert findings(owner.page.post(NEW, data={**data, "_move": nonsense}).text)[:3] == ["tin", "gold", "iron"]


def test_what_is_computed_follows_while_somebody_types_and_rounds_as_saving_does(owner: Person, samples: Any) -> None:
    rows = {
        **line(0, finding="tin", count="1.5", each="0.33", each__currency="EUR"),  # 0.495
        **line(1, finding="gold", count="2", each="10", each__currency="USD"),
        **line(2, finding="iron", count="many", each="10", each__currency="EUR"),
        **line(3, finding="lead", count="1", each="1000.01", each__currency="EUR"),
    }
    answer = owner.page.post(NEW, data={"_work_out": "lines", **rows})
    assert answer.status_code == 200
    assert [row.get("total") for row in answer.json["rows"]] == ["€0.50", "US$20.00", None, "€1,000.01"]
    assert answer.json["totals"] == {"count": "4.5", "total": "€1,000.51\nUS$20.00"}
    assert samples.names() == []

    rows["lines-2-count"] = "0"
    stored = samples.read(owner.page.post(NEW, data={**FORM, **rows}).location.rpartition("/")[2])
    assert stored["lines"][0]["total"] == {"amount": "0.50", "currency": "EUR"}


def test_what_no_column_could_hold_is_not_worked_out(owner: Person) -> None:
    rows = line(0, finding="tin", count="99999999999999", each="9999999999999", each__currency="EUR")
    answer = owner.page.post(NEW, data={"_work_out": "lines", **rows})
    assert answer.status_code == 200
    assert answer.json["rows"][0].get("total") is None


def test_french_numbers_are_read_and_written_in_french(tenant: Any) -> None:
    person = tenant.member("owner", locale="fr")
    rows = line(0, finding="étain", count="1 234,5", each="1.000,10", each__currency="EUR")
    answer = person.page.post(NEW, data={"_work_out": "lines", **rows})
    assert answer.json["totals"]["count"] == "1\u202f234,5"
    assert answer.json["rows"][0]["total"].replace("\u202f", " ").replace("\xa0", " ") == "1 234 623,45 €"


@pytest.mark.parametrize("typed", ["1,0e30", "1,000,000,000,000,000,000,000,000,000", "1,0e999999999"])
def test_a_number_out_of_all_bounds_is_a_fault_beside_its_field(owner: Person, typed: str) -> None:
    answer = owner.page.post(NEW, data={**FORM, "ratio": typed})
    assert answer.status_code == 422
    assert 'href="#f-ratio"' in answer.text


def test_nothing_is_worked_out_for_those_who_may_not_write_or_of_what_is_no_grid(tenant: Any, owner: Person) -> None:
    assert tenant.member("viewer").page.post(NEW, data={"_work_out": "lines"}).status_code == 403
    assert owner.page.post(NEW, data={**FORM, "_work_out": "nonsense"}).status_code == 303


def test_more_rows_than_fit_are_refused_whole(owner: Person, samples: Any) -> None:
    rows = {name: value for number in range(5000) for name, value in line(number, finding="tin", share="1,5,0").items()}
    answer = owner.page.post(NEW, data={**FORM, **rows})
    assert answer.status_code == 422
    assert "at most 200 fit here" in answer.text
    assert samples.names() == []


def test_faults_lie_in_their_cells_and_lead_there(owner: Person) -> None:
    rows = {**line(0, finding="tin", share="12"), **line(1, finding="", share="abc")}
    answer = owner.page.post(NEW, data={**FORM, **rows})
    assert answer.status_code == 422
    assert 'href="#f-lines-1-share"' in answer.text
    assert "Line 2, Share" in answer.text
    assert re.search(r'id="f-lines-1-share"[^>]*value="abc"[^>]*aria-invalid="true"', answer.text)
    assert re.search(r'aria-selected="true"[^>]*>Findings<span class="os-count">2</span>', answer.text)
