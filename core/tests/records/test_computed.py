"""Numbers and amounts that the database works out: read, filtered, sorted and added up like others, written by nobody."""

from __future__ import annotations

from typing import Any

import pytest

from ossature.records import DeclarationError, Record, integer, money, position

pytestmark = pytest.mark.database

SHELF = {"width": 120, "depth": 30, "cost": {"amount": "10.10", "currency": "EUR"}}


def test_they_follow_from_what_is_written(shelves: Any) -> None:
    added = shelves.add(**SHELF)
    assert (added["area"], added["share"]) == (3600, "25.00")
    assert added["reduced"] == {"amount": "8.59", "currency": "EUR"}  # 858.5 cents, half up
    changed = shelves.patch(added["id"], {"depth": 40, "cost": {"amount": "1001", "currency": "JPY"}}).json["data"]
    assert (changed["area"], changed["share"]) == (4800, "33.33")
    assert changed["reduced"] == {"amount": "851", "currency": "JPY"}
    emptied = shelves.patch(added["id"], {"width": None, "cost": None}).json["data"]
    assert (emptied["area"], emptied["share"], emptied["reduced"]) == (None, None, None)


def test_nobody_writes_them(shelves: Any) -> None:
    assert shelves.faults(shelves.post({"name": "Top", "area": 5})) == {"area": "unknown_field"}
    form = shelves.person.page.get("/_kinds/shelves/new").text
    assert 'name="width"' in form
    assert 'name="area"' not in form
    assert 'name="reduced"' not in form


def test_lists_filter_sort_and_add_them_up(shelves: Any) -> None:
    shelves.add(name="Large", width=100, depth=50, cost={"amount": "10.00", "currency": "EUR"})
    shelves.add(name="Small", width=10, depth=5, cost={"amount": "20.00", "currency": "EUR"})
    shelves.add(name="Unknown")
    assert shelves.names(sort="area") == ["Small", "Large", "Unknown"]
    assert shelves.names(**{"filter[area.above]": "50"}) == ["Large"]
    found = shelves.person.api.get("/api/_kinds/shelves/aggregate?measure=sum:area,sum:reduced").json["data"]
    assert found[0]["values"] == {"sum:area": 5050, "sum:reduced": [{"amount": "25.50", "currency": "EUR"}]}


def test_the_history_holds_what_was_written_and_not_what_follows(shelves: Any) -> None:
    added = shelves.add(**SHELF)
    shelves.patch(added["id"], {"depth": 40})
    told = shelves.person.page.get(f"/_kinds/shelves/{added['id']}/timeline").text
    assert "Depth" in told
    assert "Area" not in told


@pytest.mark.filterwarnings("ignore:This declarative base already contains")
def test_a_declaration_that_cannot_work_is_refused() -> None:
    with pytest.raises(TypeError, match="name the field whose currency"):
        money("Total", computed="price_minor * 2")
    with pytest.raises(DeclarationError, match="only the entries of a part"):
        type("Odd", (Record,), {"__key__": "odd.ordered", "place": position()})


def test_integer_takes_the_sql() -> None:
    assert integer("Area", computed="width * depth").column.computed is not None
