"""Entries of a collection stay in the order in which they were given; few are written when one moves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossature.records.part_order import rising


def lines(*findings: str) -> list[dict[str, str]]:
    return [{"finding": finding} for finding in findings]


def findings(samples: Any, id: str) -> list[str]:
    return [line["finding"] for line in samples.read(id)["lines"]]


@given(st.lists(st.one_of(st.none(), st.integers(-5, 40)), max_size=30))
def test_numbers_rise_whatever_they_were(numbers: list[int | None]) -> None:
    made = rising(numbers)
    assert len(made) == len(numbers)
    assert made == sorted(set(made))
    assert rising(made) == made


def test_moving_one_writes_one() -> None:
    assert rising([None, None, None]) == [10, 20, 30]
    assert rising([30, 10, 20]) == [5, 10, 20]
    assert rising([10, None, 20]) == [10, 15, 20]
    assert rising([10, None, 11]) == [10, 20, 30]


@pytest.mark.database
@pytest.mark.req("S4-294")
def test_entries_keep_the_order_in_which_they_are_given(samples: Any) -> None:
    added = samples.add(lines=lines("c", "a", "b"))
    assert findings(samples, added["id"]) == ["c", "a", "b"]
    c, a, b = samples.read(added["id"])["lines"]
    samples.patch(added["id"], {"lines": [b, c, {"finding": "new"}, a]})
    assert findings(samples, added["id"]) == ["b", "c", "new", "a"]
    kept = {line["id"]: line["position"] for line in samples.read(added["id"])["lines"]}
    assert (kept[c["id"]], kept[a["id"]]) == (c["position"], a["position"])
    assert [line["finding"] for line in samples.list(include="lines").json["data"][0]["lines"]] == [
        "b",
        "c",
        "new",
        "a",
    ]


@pytest.mark.database
def test_a_position_that_is_sent_says_nothing_the_order_does(samples: Any) -> None:
    added = samples.add(lines=[{"finding": "first", "position": 99}, {"finding": "second", "position": 1}])
    assert findings(samples, added["id"]) == ["first", "second"]


@pytest.mark.database
def test_the_form_keeps_the_order_of_its_rows(samples: Any) -> None:
    added = samples.add(lines=lines("one", "two"))
    one, two = samples.read(added["id"])["lines"]
    page = samples.person.page
    posted = {
        "name": "Quartz", "state": "raw", "version": "1",
        "lines-0-id": two["id"], "lines-0-finding": "two", "lines-1-id": one["id"], "lines-1-finding": "one",
    }  # fmt: skip
    assert page.post(f"/_kinds/samples/{added['id']}/edit", data=posted).status_code == 303
    assert findings(samples, added["id"]) == ["two", "one"]


@pytest.mark.database
def test_two_people_who_reorder_apart_conflict_and_the_same_order_does_not(samples: Any) -> None:
    added = samples.add(lines=lines("a", "b", "c"))
    a, b, c = samples.read(added["id"])["lines"]
    samples.patch(added["id"], {"lines": [b, a, c]})
    refused = samples.patch(added["id"], {"lines": [a, c, b], "version": 1})
    assert refused.status_code == 409
    assert [line["finding"] for line in refused.json["error"]["details"][0]["before"]] == ["a", "b", "c"]
    assert samples.patch(added["id"], {"lines": [b, a, c], "version": 1}).status_code == 200
    late = samples.patch(added["id"], {"lines": [a, b, c], "name": "Opal", "version": 1})
    assert late.status_code == 200
    assert findings(samples, added["id"]) == ["b", "a", "c"]


@pytest.mark.database
def test_the_timeline_says_that_an_entry_was_moved_and_not_by_numbers(samples: Any) -> None:
    added = samples.add(lines=lines("a", "b"))
    a, b = samples.read(added["id"])["lines"]
    samples.patch(added["id"], {"lines": [b, a]})
    told = samples.person.page.get(f"/_kinds/samples/{added['id']}/timeline").text
    assert "Line: Position" in told
    assert ">10<" not in told
