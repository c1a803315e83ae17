"""Groups of lists: counts and sums by one, two or three fields, over the rows that the reader may see."""

from __future__ import annotations

import html
import re
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ossature.records.aggregate import group_filter
from ossature.records.filters import to_arguments
from ossature.records.lookup import record_type
from ossature.testing.people import Tenant

pytestmark = pytest.mark.database


def groups(samples: Any, **query: Any) -> list[dict[str, Any]]:
    answer = samples.person.api.get(f"{samples.path}/aggregate", query_string=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["data"]
    return found


def euros(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def test_without_groups_everything_is_counted(samples: Any) -> None:
    assert groups(samples) == [{"keys": {}, "count": 0, "values": {}}]
    samples.add(pieces=3)
    samples.add(pieces=4)
    assert groups(samples, measure="sum:pieces,max:pieces") == [
        {"keys": {}, "count": 2, "values": {"sum:pieces": 7, "max:pieces": 4}}
    ]


@pytest.mark.parametrize("grains", [1, 2**40, 2**62])
def test_sums_of_whole_numbers_are_numbers_however_large_and_of_decimals_texts(samples: Any, grains: int) -> None:
    for _time in range(5):
        samples.add(pieces=3, grains=grains, ratio="0.5")
    measures = "sum:pieces,sum:grains,min:grains,max:grains,sum:ratio,max:ratio,avg:grains"
    assert groups(samples, measure=measures)[0]["values"] == {
        "sum:pieces": 15, "sum:grains": 5 * grains, "min:grains": grains, "max:grains": grains,
        "sum:ratio": "2.500", "max:ratio": "0.500", "avg:grains": str(grains),
    }  # fmt: skip


def test_groups_of_a_choice_come_in_its_order_with_their_sums(samples: Any) -> None:
    for state, pieces in (("gone", 1), ("raw", 2), ("cut", 3), ("raw", 5), ("cut", None)):
        samples.add(state=state, pieces=pieces)
    assert [(one["keys"], one["count"], one["values"]) for one in groups(samples, group="state", measure="sum:pieces")] == [
        ({"state": "raw"}, 2, {"sum:pieces": 7}),
        ({"state": "cut"}, 2, {"sum:pieces": 3}),
        ({"state": "gone"}, 1, {"sum:pieces": 1}),
    ]  # fmt: skip


def test_money_is_added_up_apart_for_each_currency(samples: Any) -> None:
    for amount, currency in (("10.50", "EUR"), ("0.25", "EUR"), ("300", "JPY")):
        samples.add(price={"amount": amount, "currency": currency})
    samples.add()
    (whole,) = groups(samples, measure="sum:price")
    assert whole["count"] == 4
    assert whole["values"]["sum:price"] == [euros("10.75"), {"amount": "300", "currency": "JPY"}]


def test_groups_lie_within_groups_and_what_is_empty_comes_last(samples: Any) -> None:
    samples.add(state="raw", fragile=True, taken_on="2026-01-31")
    samples.add(state="raw", fragile=False, taken_on="2026-02-01")
    samples.add(state="raw", fragile=False)
    found = groups(samples, group="state,taken_on:month,fragile")
    assert [list(one["keys"].values()) for one in found] == [
        ["raw", "2026-01-01", True], ["raw", "2026-02-01", False], ["raw", None, False],
    ]  # fmt: skip


def test_moments_fall_into_the_months_of_the_readers_own_time_zone(samples: Any) -> None:
    samples.add(seen_at="2026-01-31T23:30:00Z")
    (one,) = groups(samples, group="seen_at:month")
    assert one["keys"] == {"seen_at:month": "2026-02-01"}


@pytest.mark.parametrize(
    ("span", "first"),
    [("day", "2026-05-14"), ("week", "2026-05-11"), ("month", "2026-05-01"), ("quarter", "2026-04-01"), ("year", "2026-01-01")],
)  # fmt: skip
def test_dates_fall_together_by_span(samples: Any, span: str, first: str) -> None:
    samples.add(taken_on="2026-05-14")
    (one,) = groups(samples, group=f"taken_on:{span}")
    assert one["keys"] == {f"taken_on:{span}": first}


@pytest.mark.parametrize("span", ["day", "week", "month", "quarter", "year"])
def test_spans_of_creation_hold_what_was_made_in_them_and_nothing_else(samples: Any, tenant: Tenant, span: str) -> None:
    """Over both changes of the clock and the turns of years, in the reader's own days."""
    moments = ["2025-12-31 22:59", "2025-12-31 23:00", "2026-03-28 23:30", "2026-03-29 22:30", "2026-10-24 21:59",
               "2026-10-24 22:01", "2026-10-25 23:00"]  # fmt: skip
    for moment in moments:
        id = samples.add()["id"]
        with tenant.work() as work:
            work.connection().exec_driver_sql(
                "UPDATE _kinds.sample SET created_at = %s WHERE id = %s", (f"{moment}+00", id)
            )
    found = groups(samples, group=f"created_at:{span}")
    assert sum(one["count"] for one in found) == len(moments)
    days = [datetime.fromisoformat(f"{moment}+00:00").astimezone(ZoneInfo("Europe/Paris")).date() for moment in moments]
    firsts = sorted({first_day(day, span) for day in days})
    assert [one["keys"][f"created_at:{span}"] for one in found] == [first.isoformat() for first in firsts]
    assert [one["count"] for one in found] == [sum(first_day(day, span) == first for day in days) for first in firsts]


def first_day(day: date, span: str) -> date:
    if span == "week":
        return date.fromisocalendar(*day.isocalendar()[:2], 1)
    month = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}.get(span)
    return date(day.year, month, 1) if month else day


def test_a_record_is_in_the_group_of_each_of_its_tags(samples: Any, shelves: Any) -> None:
    for tags, pieces in ((["Fair", "VIP"], 1), (["fair"], 2), ([], 4)):
        samples.add(tags=tags, pieces=pieces)
    found = groups(samples, group="tags", measure="sum:pieces")
    assert [(one["keys"]["tags"], one["count"], one["values"]["sum:pieces"]) for one in found] == [
        ("Fair", 2, 3), ("VIP", 1, 1), (None, 1, 4),
    ]  # fmt: skip
    deeper = groups(samples, group="tags,state")
    assert [one["count"] for one in deeper] == [2, 1, 1]
    shelves.add(name="Both", tags=["Fair", "VIP"])
    page = shelves.person.page.get("/_kinds/shelves?group=tags&part=groups").text
    assert '<span class="os-tag os-tone-neutral">VIP</span>' in page
    assert "in the group of each" in page
    inside = html.unescape(re.findall(r'data-open="([^"]+)"', page)[1])
    assert "Both" in shelves.person.page.get(inside).text


def test_filters_searches_and_the_bin_narrow_the_groups_as_they_do_the_list(samples: Any) -> None:
    for name, state in (("Quartz", "raw"), ("Quartz", "cut"), ("Topaz", "raw")):
        samples.add(name=name, state=state)
    samples.delete(samples.add(name="Quartz", state="gone")["id"])
    assert [one["keys"]["state"] for one in groups(samples, group="state", search="quartz")] == ["raw", "cut"]
    assert [one["count"] for one in groups(samples, group="state", **{"filter[name]": "topaz"})] == [1]
    assert [one["keys"]["state"] for one in groups(samples, group="state", deleted="true")] == ["gone"]


def test_the_rows_of_each_group_are_found_by_its_filter(samples: Any, tenant: Tenant) -> None:
    for number in range(12):
        samples.add(
            state=["raw", "cut", "gone"][number % 3], fragile=number % 2 == 0,
            taken_on=None if number % 4 == 0 else f"2026-0{number % 5 + 1}-28", pieces=number % 3 or None,
        )  # fmt: skip
    for group in (["state"], ["fragile", "taken_on:quarter"], ["taken_on:week", "pieces", "state"]):
        found = groups(samples, group=",".join(group))
        assert sum(one["count"] for one in found) == 12
        for one in found:
            keys = [
                date.fromisoformat(key) if ":" in name and key else key
                for name, key in zip(group, one["keys"].values(), strict=True)
            ]
            with tenant.work():
                arguments = to_arguments(group_filter(record_type("_kinds.sample"), group, keys))
            assert len(samples.names(**arguments)) == one["count"]


@pytest.mark.parametrize(
    "query",
    [
        {"group": "nothing"}, {"group": "notes"}, {"group": "token"}, {"group": "state:month"},
        {"group": "taken_on:century"}, {"group": "state,fragile,taken_on,pieces"}, {"measure": "sum:name"},
        {"measure": "median:pieces"}, {"measure": "pieces"}, {"limit": "3"}, {"group": "tenant_id"},
    ],
)  # fmt: skip
def test_what_cannot_be_grouped_or_added_up_is_refused_with_its_name(samples: Any, query: dict[str, str]) -> None:
    answer = samples.person.api.get(f"{samples.path}/aggregate", query_string=query)
    assert answer.status_code == 400
    assert answer.json["error"]["details"][0]["field"] in (*query, "limit")


@pytest.mark.parametrize("span", ["day", "week", "month", "quarter", "year"])
def test_the_last_day_that_there_is_falls_into_the_last_span(samples: Any, span: str) -> None:
    samples.add(taken_on="9999-12-31", seen_at="9998-12-31T23:30:00Z")
    for name in ("taken_on", "seen_at"):
        (one,) = groups(samples, group=f"{name}:{span}")
        assert one["keys"][f"{name}:{span}"].startswith("999")
        asked = {"group": f"{name}:{span}", "part": "groups"}
        headings = samples.person.page.get("/_kinds/samples", query_string=asked)
        assert headings.status_code == 200
        (alone,) = map(html.unescape, re.findall(r'<a href="([^"]*)" data-open', headings.text))
        assert "Quartz" in samples.person.page.get(alone).text


def test_spellings_of_a_text_are_one_group_as_they_are_one_filter(samples: Any) -> None:
    for name, currency in (("Anna", "EUR"), ("anna", "USD"), ("Ànna", "EUR"), ("Zoé", "EUR"), ("bob", "EUR")):
        samples.add(name=name, remark=name, price={"amount": "2", "currency": currency})
    samples.add(name="Without")
    for group, others in (("name", ["bob", "Without", "Zoé"]), ("remark", ["bob", "Zoé", None])):
        found = groups(samples, group=group, measure="sum:price")
        shown, *rest = [one["keys"][group] for one in found]
        assert shown in ("Anna", "anna", "Ànna")
        assert rest == others
        assert found[0]["count"] == 3
        assert [one["amount"] for one in found[0]["values"]["sum:price"]] == ["4.00", "2.00"]
        for one in found:
            with samples.person.work():
                arguments = to_arguments(group_filter(record_type("_kinds.sample"), [group], [one["keys"][group]]))
            assert len(samples.names(**arguments)) == one["count"]
    samples.add(name="ANNA", state="cut")
    within = [(one["keys"], one["count"]) for one in groups(samples, group="name,state")][:2]
    assert [count for _keys, count in within] == [3, 1]
    assert within[0][0]["name"] == within[1][0]["name"]
