"""Lists: keyset pages, order, search, filters, chosen fields."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ossature.ids import new_id
from ossature.testing.people import Tenant

pytestmark = pytest.mark.database

TABLE = "_kinds.sample"


def fill(tenant: Tenant, rows: list[dict[str, Any]]) -> None:
    """Rows written past the API, since a list does not care how they came."""
    with tenant.work() as work:
        connection = work.connection()
        for row in rows:
            given = {"tenant_id": tenant.id, "id": new_id(), **row}
            names = ", ".join(given)
            marks = ", ".join(f"%({name})s" for name in given)
            connection.exec_driver_sql(f"INSERT INTO {TABLE} ({names}) VALUES ({marks})", given)


def pages(samples: Any, **query: Any) -> Iterator[list[dict[str, Any]]]:
    """Every page forwards, as a client that follows `meta.next`."""
    cursor = None
    while True:
        answer = samples.list(**query, **({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        yield answer.json["data"]
        cursor = answer.json["meta"]["next"]
        if cursor is None:
            return


def walk_back(samples: Any, **query: Any) -> list[str]:
    """Ids in the order of the list, collected from the last page to the first."""
    *_before, last = pages_with_meta(samples, **query)
    found, meta = [row["id"] for row in last["data"]], last["meta"]
    while meta["previous"]:
        answer = samples.list(**query, cursor=meta["previous"]).json
        found = [row["id"] for row in answer["data"]] + found
        meta = answer["meta"]
    return found


def pages_with_meta(samples: Any, **query: Any) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        answer = samples.list(**query, **({"cursor": cursor} if cursor else {})).json
        yield answer
        cursor = answer["meta"]["next"]
        if cursor is None:
            return


@pytest.mark.parametrize(
    "sort",
    [
        "", "name", "-name", "pieces", "-pieces", "ratio", "-ratio", "taken_on", "-created_at", "name,pieces",
        "-taken_on,-pieces", "pieces,-name", "-pieces,ratio,-name", "state", "-state,name", "price", "seen_at",
        "fragile,-price", "shelf_id,-state", "owner_id", "updated_at", "email",
    ],
)  # fmt: skip
def test_paging_visits_each_row_once_forwards_and_backwards(samples: Any, tenant: Tenant, sort: str) -> None:
    chance = random.Random(sort)
    rows = [
        {
            "name": chance.choice(["Anna", "anna", "Élodie", "Zoé", f"Row {number}"]),
            "pieces": chance.choice([None, 0, 1, number]),
            "ratio": chance.choice([None, "0.5", "0.500", "-3", f"{number}.125"]),
            "taken_on": chance.choice([None, "2026-01-01", "0001-01-01"]),
            "state": chance.choice(["raw", "cut", "gone"]),
            "fragile": chance.choice([True, False]),
            "seen_at": chance.choice([None, "2026-01-01 10:00+00"]),
            "price_minor": number % 3 or None,
            "price_currency": "EUR" if number % 3 else None,
        }
        for number in range(73)
    ]
    fill(tenant, rows)
    query = {"limit": 7, **({"sort": sort} if sort else {})}
    forwards = [row["id"] for page in pages(samples, **query) for row in page]
    assert len(forwards) == len(set(forwards)) == 73
    assert walk_back(samples, **query) == forwards
    whole = [row["id"] for row in samples.list(limit=200, **({"sort": sort} if sort else {})).json["data"]]
    assert whole == forwards


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.sampled_from(["a", "A", "à", "b", "B b", "zz"]), min_size=0, max_size=12),
    limit=st.integers(1, 5),
    down=st.booleans(),
)
def test_any_list_in_any_pages_is_the_list(
    samples: Any, tenant: Tenant, names: list[str], limit: int, down: bool
) -> None:
    with tenant.work() as work:
        work.connection().exec_driver_sql(f"DELETE FROM {TABLE} WHERE tenant_id = %s", (tenant.id,))
    fill(tenant, [{"name": name} for name in names])
    query = {"limit": limit, "sort": "-name" if down else "name"}
    sizes = [len(page) for page in pages(samples, **query)]
    assert all(size == limit for size in sizes[:-1])
    forwards = [row["id"] for page in pages(samples, **query) for row in page]
    assert len(set(forwards)) == len(forwards) == len(names)
    if names:
        assert walk_back(samples, **query) == forwards


def test_rows_that_come_and_go_while_paging_move_no_other(samples: Any) -> None:
    ids = {name: samples.add(name=name)["id"] for name in ("B", "D", "F", "H", "J", "L")}
    first = samples.list(limit=3).json
    samples.add(name="A")
    samples.delete(ids["F"])
    samples.add(name="G")
    second = samples.list(limit=3, cursor=first["meta"]["next"]).json
    assert [row["name"] for row in second["data"]] == ["G", "H", "J"]


def test_names_are_ordered_as_people_expect(samples: Any) -> None:
    for name in ("Zoé", "Éric", "anna", "Élodie", "Anna", "œuvre", "ours"):
        samples.add(name=name)
    assert [name.lower() for name in samples.names(sort="name")] == [
        "anna", "anna", "élodie", "éric", "œuvre", "ours", "zoé",
    ]  # fmt: skip


def test_anna_elodie_eric_zoe(samples: Any) -> None:
    for name in ("Zoé", "Éric", "Élodie", "Anna"):
        samples.add(name=name)
    assert samples.names() == ["Anna", "Élodie", "Éric", "Zoé"]
    assert samples.names(sort="-name") == ["Zoé", "Éric", "Élodie", "Anna"]


def test_rows_without_the_value_sorted_by_come_last(samples: Any) -> None:
    samples.add(name="none")
    samples.add(name="two", pieces=2, ratio="2", taken_on="2026-02-02")
    samples.add(name="one", pieces=1, ratio="-1", taken_on="0001-01-01")
    for field in ("pieces", "ratio", "taken_on"):
        assert samples.names(sort=field) == ["one", "two", "none"], field


@pytest.mark.parametrize(
    "search", ["elodie", "ÉLODIE", "Elo", "élodie gar", "garcon", "GARÇON elodie", "oeuvre", "cœur"]
)
def test_search_is_blind_to_case_and_accents(samples: Any, search: str) -> None:
    samples.add(name="Élodie Garçon", notes="œuvre, coeur")
    samples.add(name="Anna")
    assert samples.names(search=search) == ["Élodie Garçon"]


@pytest.mark.parametrize("search", ["zzz", "a & b | !c:*", "elodie zzz", "x " * 20])
def test_a_search_for_nothing_that_is_there_finds_nothing(samples: Any, search: str) -> None:
    samples.add(name="Élodie Garçon")
    assert samples.names(search=search) == []


@pytest.mark.parametrize("search", ["!!!", "&", "'", "\\", "%", "%%%", "_", "("])
def test_a_search_without_a_letter_says_what_to_type(samples: Any, search: str) -> None:
    refused = samples.list(search=search)
    assert refused.status_code == 400
    assert refused.json["error"]["details"][0]["message"] == "Type at least one letter or digit."


def test_a_search_is_sorted_filtered_and_paged_like_any_list(samples: Any) -> None:
    for number in range(9):
        samples.add(name=f"Quartz {number}", pieces=9 - number, state="cut" if number % 2 else "raw")
    samples.add(name="Opal")
    query = {"search": "quartz", "sort": "pieces", "filter[state]": "raw", "limit": 2}
    assert [[row["name"] for row in page] for page in pages(samples, **query)] == [
        ["Quartz 8", "Quartz 6"], ["Quartz 4", "Quartz 2"], ["Quartz 0"],
    ]  # fmt: skip


def test_filters_narrow_a_list_and_combine(samples: Any, shelves: Any, tenant: Tenant) -> None:
    shelf = shelves.add(name="Top")["id"]
    samples.add(name="A", state="cut", shelf_id=shelf, fragile=True)
    samples.add(name="B", state="cut", shelf_id=shelf)
    samples.add(name="C", state="raw", shelf_id=shelf)
    samples.add(name="D", state="cut")
    assert samples.names(**{"filter[state]": "cut"}) == ["A", "B", "D"]
    assert samples.names(**{"filter[state]": "cut", "filter[shelf_id]": shelf}) == ["A", "B"]
    assert samples.names(**{"filter[fragile]": "true"}) == ["A"]
    assert samples.names(**{"filter[fragile]": "false", "filter[shelf_id]": shelf}) == ["B", "C"]
    mine = tenant.member("manager")
    samples.by(mine).add(name="E")
    assert samples.names(**{"filter[owner_id]": str(mine.member_id)}) == ["E"]


def test_a_list_answers_the_fields_it_is_asked_for(samples: Any) -> None:
    samples.add(pieces=3, notes="long")
    (row,) = samples.list(fields="name,pieces").json["data"]
    assert {"name", "pieces", "id", "version"} <= row.keys()
    assert not {"notes", "state", "price"} & row.keys()


def test_a_cursor_works_in_its_own_list_alone(samples: Any, shelves: Any) -> None:
    for number in range(3):
        samples.add(name=f"Quartz {number}")
        shelves.add(name=f"Quartz {number}")
    cursor = samples.list(limit=1).json["meta"]["next"]
    assert samples.list(limit=2, cursor=cursor).status_code == 200
    others: list[tuple[Any, dict[str, str]]] = [
        (samples, {"sort": "-name"}), (samples, {"search": "quartz"}), (samples, {"filter[state]": "raw"}),
        (samples, {"deleted": "true"}), (shelves, {}),
    ]  # fmt: skip
    for collection, query in others:
        answer = collection.list(limit=1, cursor=cursor, **query)
        assert (answer.status_code, answer.json["error"]["code"]) == (400, "bad_cursor"), query


def test_a_cursor_that_was_altered_is_refused(samples: Any) -> None:
    for number in range(3):
        samples.add(name=f"Quartz {number}")
    cursor = samples.list(limit=1).json["meta"]["next"]
    for position in range(0, len(cursor) - 2, 3):
        altered = cursor[:position] + ("A" if cursor[position] != "A" else "B") + cursor[position + 1 :]
        assert samples.list(limit=1, cursor=altered).status_code == 400, position


def test_a_list_of_long_names_in_any_script_goes_on(samples: Any) -> None:
    for place in range(3):
        samples.add(name=f"{place}" + "한" * 79, remark="글" * 200)
    made = [row["name"][0] for page in pages(samples, sort="name,remark") for row in page]
    assert made == ["0", "1", "2"]
    assert samples.list(cursor="a" * 20_000).json["error"]["code"] == "bad_cursor"


@pytest.mark.parametrize("sort", ["name", "-name", "state,-name", "-state,name", "state", "-state"])
def test_a_page_whose_rows_have_gone_still_counts_the_whole_list_and_leads_back(samples: Any, sort: str) -> None:
    for place in range(3):
        samples.add(name=f"R{place}")
    query = {"sort": sort, "filter[state]": "raw"}
    ids = [row["id"] for row in samples.list(**query).json["data"]]
    first = samples.list(limit=2, **query).json
    second = samples.list(limit=2, **query, cursor=first["meta"]["next"]).json
    query["cursor"] = first["meta"]["next"]
    samples.delete(ids[2])
    for count in ("exact", "some"):
        answer = samples.list(limit=2, count=count, **query).json
        assert (answer["data"], answer["meta"]["count"]) == ([], {"value": 2, "more": False})
    back = samples.list(limit=2, **{**query, "cursor": answer["meta"]["previous"]}).json
    assert [row["id"] for row in back["data"]] == ids[:2]
    page = samples.person.page.get("/_kinds/samples", query_string=query)
    assert page.status_code == 200
    assert all(id in page.text for id in ids[:2])
    for id in ids[:2]:
        samples.delete(id)
    forth = samples.list(limit=2, **{**query, "cursor": second["meta"]["previous"]}).json
    assert (forth["data"], forth["meta"]["previous"]) == ([], None)
    samples.restore(ids[2])
    again = samples.list(limit=2, **{**query, "cursor": forth["meta"]["next"]}).json
    assert [row["id"] for row in again["data"]] == ids[2:]


def test_a_picker_offers_live_records_by_title(samples: Any, owner: Any) -> None:
    samples.add(name="Élodie")
    samples.delete(samples.add(name="Elodie gone")["id"])
    samples.add(name="Anna")
    answer = owner.api.get("/api/_kinds/samples/options", query_string={"q": "elo"})
    assert [option["label"] for option in answer.json["data"]] == ["Élodie"]
    assert answer.json["meta"] == {"more": False}
    assert [option["label"] for option in owner.api.get("/api/_kinds/samples/options").json["data"]] == [
        "Anna",
        "Élodie",
    ]


def test_a_picker_offers_first_whose_title_begins_so(samples: Any, owner: Any) -> None:
    for name in ("Anna Martin", "Martin Zoé", "Martine", "Zoé"):
        samples.add(name=name)
    answer = owner.api.get("/api/_kinds/samples/options", query_string={"q": "martin"})
    assert [option["label"] for option in answer.json["data"]] == ["Martin Zoé", "Martine", "Anna Martin"]


def test_a_filter_without_its_last_bracket_is_told_instead_of_passed_over(samples: Any) -> None:
    answer = samples.list(**{"filter[state": "raw"})
    assert (answer.status_code, answer.json["error"]["details"][0]["code"]) == (400, "unknown_parameter")
