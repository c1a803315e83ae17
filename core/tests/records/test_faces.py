"""Boards and calendars: the rows of a list in columns and on days, a window of each, counted in a second request."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import text

from ossature.context import Reach
from ossature.ids import new_id
from ossature.rbac.members import set_team_members
from ossature.rbac.roles import grant, role_by_key
from ossature.records import boards
from ossature.testing.people import Person, Tenant, new_tenant
from ossature.testing.record_api import RecordApi
from ossature.testing.statements import StatementLog

pytestmark = pytest.mark.database

PAGE = "/_kinds/samples"
TABLE = "_kinds.sample"


def fill(tenant: Tenant, rows: list[dict[str, Any]], table: str = TABLE) -> list[Any]:
    """Rows written past the API, since a face does not care how they came; their ids."""
    ids = []
    with tenant.work() as work:
        for row in rows:
            given = {"tenant_id": tenant.id, "id": new_id(), **row}
            ids.append(given["id"])
            marks = ", ".join(f"%({name})s" for name in given)
            work.connection().exec_driver_sql(f"INSERT INTO {table} ({', '.join(given)}) VALUES ({marks})", given)
    return ids


def get(person: Person, path: str = PAGE, status: int = 200, **arguments: Any) -> str:
    answer = person.page.get(f"{path}?{urlencode(arguments, doseq=True)}")
    assert answer.status_code == status, answer.text
    return answer.text


def follow(person: Person, url: str) -> str:
    answer = person.page.get(unescape(url))
    assert answer.status_code == 200, answer.text
    return answer.text


def columns(page: str) -> dict[str, list[str]]:
    """What a board shows: the name of each column, and the titles of its cards."""
    found = {}
    for section in re.findall(r"<section class=\"os-column\".*?</section>", page, re.DOTALL):
        name = re.search(r"<h2.*?</h2>", section, re.DOTALL)
        assert name is not None
        found[words(name[0])] = cards(section)
    return found


def cards(text: str) -> list[str]:
    return [unescape(title) for title in re.findall(r'os-card-title">(.*?)</span>', text)]


def words(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", text)).split())


def days(page: str) -> dict[str, list[str]]:
    """What a calendar shows: the days that have something, and their entries as they are read."""
    found = {}
    for section in re.findall(r"<section class=\"os-day.*?</section>", page, re.DOTALL):
        day = re.search(r'datetime="([\d-]{10})"', section)
        assert day is not None
        entries = [words(one) for one in re.findall(r'<a class="os-entry".*?</a>', section, re.DOTALL)]
        if entries:
            found[day[1]] = entries
    return found


def sums(person: Person, page: str) -> dict[str, str]:
    """What the second request puts where."""
    url = re.search(r'hx-get="([^"]*part=sums[^"]*)"', page)
    assert url is not None, "the page asks for no sums"
    parts = follow(person, url[1]).split('hx-swap-oob="innerHTML:#')[1:]
    return {part.partition('"')[0]: words(part.partition(">")[2].removesuffix("<span ").strip()) for part in parts}


def more_of(page: str) -> list[str]:
    return re.findall(r'hx-get="([^"]*part=column[^"]*)"', page)


# -- boards ------------------------------------------------------------------------------------------------------------


@pytest.mark.req("A-011")
def test_a_board_has_the_columns_of_a_choice_as_declared(owner: Person, samples: RecordApi) -> None:
    for name, state in (("Opal", "gone"), ("Agate", "raw"), ("Quartz", "raw")):
        samples.add(name=name, state=state)
    page = get(owner, face="board", by="state")
    assert columns(page) == {"Raw": ["Agate", "Quartz"], "Cut": [], "Gone": ["Opal"]}
    assert sums(owner, page) == {"count-0": "2", "count-1": "0", "count-2": "1", "count": "3"}


@pytest.mark.req("A-011")
def test_a_board_by_a_reference_begins_with_the_busiest_and_ends_with_those_without(
    owner: Person, samples: RecordApi, shelves: RecordApi
) -> None:
    top, low = (shelves.add(name=name)["id"] for name in ("Top", "Low"))
    for name, shelf in (("A", top), ("B", low), ("C", low)):
        samples.add(name=name, shelf_id=shelf)
    assert columns(get(owner, face="board", by="shelf_id")) == {"Low": ["B", "C"], "Top": ["A"]}
    samples.add(name="D")
    page = get(owner, face="board", by="shelf_id")
    assert list(columns(page).items()) == [("Low", ["B", "C"]), ("Top", ["A"]), ("Without shelf", ["D"])]
    assert sums(owner, page) == {"count-0": "2", "count-1": "1", "count-2": "1"}


def test_a_board_of_a_list_too_long_to_look_at_says_that_there_may_be_other_columns(
    owner: Person, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "LOOKED_AT", 4)
    shelves = fill(tenant, [{"name": f"Shelf {n}"} for n in range(6)], "_kinds.shelf")
    fill(tenant, [{"name": f"{n}", "shelf_id": shelf} for n, shelf in enumerate(shelves[:3])])
    page = get(owner, face="board", by="shelf_id")
    assert columns(page) == {"Shelf 0": ["0"], "Shelf 1": ["1"], "Shelf 2": ["2"]}
    assert "These are the busiest." not in page
    fill(tenant, [{"name": f"{n}", "shelf_id": shelf} for n, shelf in enumerate(shelves[3:], 3)])
    page = get(owner, face="board", by="shelf_id")
    # Whichever four rows were looked at, they are on four shelves.
    assert len(columns(page)) == 4
    assert "These are the busiest." in page


def test_a_column_of_what_was_deleted_is_struck_through(owner: Person, samples: RecordApi) -> None:
    twin = samples.add(name="Twin")["id"]
    samples.add(name="A", twin_id=twin)
    samples.delete(twin)
    page = get(owner, face="board", by="twin_id")
    assert columns(page) == {"Twin": ["A"]}
    assert '<s title="Deleted">Twin</s>' in page


def test_a_reference_with_many_values_shows_twelve_columns_and_says_so(
    owner: Person, tenant: Tenant, samples: RecordApi
) -> None:
    shelves = fill(tenant, [{"name": f"Shelf {n:02}"} for n in range(15)], "_kinds.shelf")
    fill(
        tenant, [{"name": f"{n}.{one}", "shelf_id": shelf} for n, shelf in enumerate(shelves) for one in range(20 - n)]
    )
    page = get(owner, face="board", by="shelf_id")
    assert list(columns(page)) == [f"Shelf {n:02}" for n in range(12)]
    assert "These are the busiest." in page
    assert "group=shelf_id" in page
    counted = sums(owner, page)
    assert counted == {f"count-{n}": str(20 - n) for n in range(12)}


@pytest.mark.parametrize("sort", ["", "-name", "-created_at", "-state,name", "pieces"])
def test_a_column_is_a_window_and_goes_on_where_it_ended(
    owner: Person, tenant: Tenant, samples: RecordApi, sort: str
) -> None:
    fill(tenant, [{"name": f"Row {n:02}", "state": ("raw", "cut")[n % 9 == 0], "pieces": n % 7} for n in range(130)])
    order = {"sort": sort} if sort else {}
    page = get(owner, face="board", by="state", **order)
    shown = columns(page)
    (more,) = more_of(page)
    found = shown["Raw"]
    assert len(found) == boards.WINDOW
    assert len(shown["Cut"]) == 15
    while more:
        part = follow(owner, more)
        found += cards(part)
        more = next(iter(more_of(part)), "")
    assert found == samples.names(limit=200, **order, **{"filter[state]": "raw"})
    assert len(found) == 115


def test_a_cursor_goes_on_in_its_own_column_alone(owner: Person, tenant: Tenant) -> None:
    fill(tenant, [{"name": f"Row {n:02}", "state": ("raw", "cut")[n % 2]} for n in range(104)])
    raw, _cut = more_of(get(owner, face="board", by="state"))
    assert "column=raw" in raw
    assert owner.page.get(unescape(raw).replace("column=raw", "column=cut")).status_code == 400
    assert owner.page.get(unescape(raw).replace("column=raw", "column=blue")).status_code in (400, 422)


def test_filter_search_and_view_narrow_cards_and_counts_alike(owner: Person, samples: RecordApi) -> None:
    for name, state, fragile in (("Opal", "raw", True), ("Opaline", "cut", False), ("Quartz", "raw", True)):
        samples.add(name=name, state=state, fragile=fragile)
    page = get(owner, face="board", by="state", **{"filter[fragile]": "true"})
    assert columns(page) == {"Raw": ["Opal", "Quartz"], "Cut": [], "Gone": []}
    assert sums(owner, page)["count"] == "2"
    page = get(owner, face="board", by="state", q="opal")
    assert columns(page) == {"Raw": ["Opal"], "Cut": ["Opaline"], "Gone": []}
    assert sums(owner, page) == {"count-0": "1", "count-1": "1", "count-2": "0", "count": "2"}
    where = {"field": "fragile", "op": "is", "value": "true"}
    kept = owner.api.post(
        "/api/ossature/views",
        json={
            "record": "_kinds.sample",
            "name": "Fragile",
            "definition": {"where": where, "face": "board", "by": "state"},
        },
    )
    assert kept.status_code == 201, kept.text
    assert columns(get(owner, view=kept.json["data"]["id"])) == {"Raw": ["Opal", "Quartz"], "Cut": [], "Gone": []}
    assert "Opaline" in get(owner, view=kept.json["data"]["id"], face="list", where="")


def test_amounts_are_added_up_each_currency_apart(owner: Person, samples: RecordApi) -> None:
    for amount, currency, state in (
        ("10.50", "EUR", "raw"),
        ("4.50", "EUR", "raw"),
        ("7.00", "USD", "raw"),
        ("1.00", "EUR", "cut"),
    ):
        samples.add(state=state, price={"amount": amount, "currency": currency})
    counted = sums(owner, get(owner, face="board", by="state"))
    assert counted["sum-0"] == "Price €15.00 · US$7.00"
    assert counted["sum-1"] == "Price €1.00"
    assert "sum-2" not in counted


@pytest.mark.parametrize("reach", ["own", "team", "all"])
def test_cards_and_counts_speak_of_the_rows_that_the_reader_reaches(tenant: Tenant, owner: Person, reach: str) -> None:
    reader, mate, stranger = tenant.member("owner" if reach == "all" else "sales_rep"), tenant.member(), tenant.member()
    if reach == "team":
        id = new_id()
        with tenant.work() as work:
            work.execute(text("INSERT INTO ossature.team (id, name) VALUES (:id, 'Sales')"), {"id": id})
            set_team_members(id, [reader.member_id, mate.member_id])
    for person, name in ((reader, "Mine"), (mate, "Mates"), (stranger, "Theirs")):
        fill(
            tenant,
            [{"last_name": name, "owner_id": person.member_id, "created_at": "2026-11-10 10:00+00"}],
            "crm.contact",
        )
    mine = {"own": ["Mine"], "team": ["Mates", "Mine"], "all": ["Mates", "Mine", "Theirs"]}[reach]
    board = get(reader, "/crm/contacts", face="board", by="status")
    assert columns(board)["Lead"] == mine
    assert sums(reader, board)["count-0"] == str(len(mine))
    owners = get(reader, "/crm/contacts", face="board", by="owner_id")
    assert sorted(card for column in columns(owners).values() for card in column) == mine
    calendar = get(reader, "/crm/contacts", face="calendar", at="2026-11")
    assert sorted(one.partition(" ")[2] for one in days(calendar)["2026-11-10"]) == mine
    assert sums(reader, calendar)["count-all"] == str(len(mine))


def test_a_column_says_nothing_of_what_the_reader_may_not_see(tenant: Tenant, owner: Person) -> None:
    reader = tenant.member("sales_rep")
    (company,) = fill(tenant, [{"name": "Secret", "owner_id": owner.member_id}], "crm.company")
    fill(tenant, [{"last_name": "Mine", "owner_id": reader.member_id, "company_id": company}], "crm.contact")
    with tenant.work():
        grant(role_by_key("sales_rep").id, "crm.company.view", Reach.OWN)
    page = get(reader, "/crm/contacts", face="board", by="company_id")
    assert columns(page) == {"Restricted": ["Mine"]}
    assert "Secret" not in page


def test_a_board_takes_as_many_statements_for_many_rows_as_for_few(
    tenant: Tenant, owner: Person, statements: StatementLog
) -> None:
    counts = []
    get(owner, face="board")
    for rows in (6, 120):
        shelves = fill(tenant, [{"name": f"Shelf {rows} {n}"} for n in range(rows // 6)], "_kinds.shelf")
        fill(tenant, [{"name": f"Row {n}", "state": ("raw", "cut", "gone")[n % 3], "shelf_id": shelves[n % len(shelves)],
                       "owner_id": owner.member_id, "taken_on": "2026-11-10"} for n in range(rows)])  # fmt: skip
        for arguments in ({"by": "state"}, {"by": "shelf_id"}, {"face": "calendar", "by": "taken_on", "at": "2026-11"}):
            with statements.counting() as counted:
                get(owner, **{"face": "board", **arguments})
            counts.append(len(counted))
    assert counts[:3] == counts[3:]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ({"face": "board", "by": "name"}, 422), ({"face": "board", "by": "nothing"}, 422), ({"face": "pie"}, 400),
        ({"face": "calendar", "by": "state"}, 422), ({"face": "calendar", "at": "2026-13"}, 400),
        ({"face": "calendar", "at": "soon"}, 400), ({"face": "calendar", "at": "0001-01"}, 400),
        ({"face": "calendar", "at": "9999-12"}, 400), ({"face": "calendar", "at": "٢٠٢٦-١١"}, 400),
        ({"face": "calendar", "span": "year"}, 400), ({"face": "board", "sort": "nothing"}, 400),
        ({"face": "board", "part": "sums"}, 400), ({"face": "board", "part": "sums", "shown": ["raw"] * 33}, 400),
        ({"face": "board", "by": "shelf_id", "part": "sums", "shown": "x"}, 422),
        ({"face": "board", "part": "column", "column": "raw", "cursor": "x"}, 400),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(owner: Person, arguments: dict[str, Any], status: int) -> None:
    get(owner, status=status, **arguments)


def test_a_search_without_letters_finds_nothing_and_a_bin_is_a_list(owner: Person, samples: RecordApi) -> None:
    samples.add(name="Opal", taken_on="2026-11-10")
    assert "Nothing matches" in get(owner, face="board", q="%")
    assert days(get(owner, face="calendar", at="2026-11", by="taken_on", q="%")) == {}
    samples.delete(samples.add(name="Gone")["id"])
    assert "<table" in get(owner, face="board", deleted="true")


def test_the_switcher_offers_each_face_and_each_field(owner: Person) -> None:
    page = get(owner, face="board", **{"filter[fragile]": "true"})
    for face in ("List", "Board", "Calendar"):
        assert f'aria-label="{face}"' in page
    for field in ("State", "Shelf", "Made from", "Owner"):
        assert re.search(rf'role="menuitemradio"[^>]*>.*?<span>{field}</span>', page)
    assert "fragile" in re.findall(r'<nav class="os-switcher os-face-switch".*?</nav>', page, re.DOTALL)[0]
    assert "Price" not in re.findall(r'id="face-by".*?</div>', page, re.DOTALL)[0]


# -- calendars ---------------------------------------------------------------------------------------------------------


@pytest.mark.req("A-012")
def test_moments_stand_on_their_days_in_the_order_of_time(owner: Person, samples: RecordApi) -> None:
    for name, at in (
        ("Late", "2026-11-10T22:30:00Z"),
        ("Early", "2026-11-10T05:00:00Z"),
        ("Next", "2026-11-10T23:30:00Z"),
    ):
        samples.add(name=name, seen_at=at)
    samples.add(name="Never")
    page = get(owner, face="calendar", by="seen_at", at="2026-11")
    assert days(page) == {"2026-11-10": ["06:00 Early", "23:30 Late"], "2026-11-11": ["00:30 Next"]}


@pytest.mark.req("A-012")
@pytest.mark.parametrize("by", ["taken_on", "seen_at"])
def test_a_month_shows_whole_weeks_and_nothing_beyond(owner: Person, samples: RecordApi, by: str) -> None:
    for day in ("2026-10-25", "2026-10-26", "2026-11-01", "2026-11-30", "2026-12-06", "2026-12-07"):
        samples.add(name=day, **{by: day if by == "taken_on" else f"{day}T12:00:00Z"})
    page = get(owner, face="calendar", by=by, at="2026-11")
    assert list(days(page)) == ["2026-10-26", "2026-11-01", "2026-11-30", "2026-12-06"]
    assert sums(owner, page)["count-all"] == "2", "the month alone is counted"
    week = get(owner, face="calendar", by=by, at="2026-11-01", span="week")
    assert list(days(week)) == ["2026-10-26", "2026-11-01"]


@pytest.mark.parametrize("by", ["taken_on", "seen_at", "created_at"])
def test_a_day_shows_a_few_and_says_how_many_more(owner: Person, tenant: Tenant, by: str) -> None:
    at = "2026-11-10" if by == "taken_on" else "2026-11-10 12:00+00"
    fill(tenant, [{"name": f"Row {n}", by: at} for n in range(7)])
    page = get(owner, face="calendar", by=by, at="2026-11")
    assert len(days(page)["2026-11-10"]) == 4
    assert sums(owner, page)["count-2026-11-10"] == "3 more"
    more = re.search(r'<a class="os-entry os-entry-more" href="([^"]+)"', page)
    assert more is not None
    assert len(set(re.findall(r"Row \d", follow(owner, more[1])))) == 7
    week = get(owner, face="calendar", by=by, at="2026-11-12", span="week")
    assert len(days(week)["2026-11-10"]) == 7


@pytest.mark.parametrize(
    ("zone", "day", "begins", "ends"),
    [
        ("Europe/Paris", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z"),  # 23 hours
        ("Europe/Paris", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z"),  # 25 hours
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z", "2026-09-07T02:59:59Z"),  # begins at 01:00
        ("Pacific/Kiritimati", "2026-11-10", "2026-11-09T10:00:00Z", "2026-11-10T09:59:59Z"),
    ],
)
@pytest.mark.parametrize("by", ["seen_at", "created_at"])
def test_days_are_those_of_the_readers_time_zone(
    app: Flask, zone: str, day: str, begins: str, ends: str, by: str
) -> None:
    tenant = new_tenant(app, time_zone=zone)
    reader = tenant.member()
    fill(tenant, [{"name": name, by: at} for name, at in (("First", begins), ("Last", ends))])
    page = get(reader, face="calendar", by=by, at=day[:7])
    assert [entry.partition(" ")[2] for entry in days(page)[day]] == ["First", "Last"]
    assert len(days(page)) == 1
    fill(tenant, [{"name": f"Other {n}", by: begins} for n in range(4)])
    assert sums(reader, page)[f"count-{day}"] == "2 more"


def test_previous_next_and_today_keep_what_is_looked_at(owner: Person, samples: RecordApi) -> None:
    samples.add(name="Opal", taken_on="2026-01-15", fragile=True)
    samples.add(name="Glass", taken_on="2025-12-31", fragile=False)
    page = get(owner, face="calendar", by="taken_on", at="2026-01", **{"filter[fragile]": "true"})
    assert days(page) == {"2026-01-15": ["Opal"]}
    links = {key: unescape(url) for url, key in re.findall(r'href="([^"]+)"[^>]*data-key="([kjt])"', page)}
    assert "at=2025-12" in links["k"]
    assert "at=2026-02" in links["j"]
    assert all("fragile" in url and "by=taken_on" in url and "span=month" in url for url in links.values())
    assert "December 2025" in follow(owner, links["k"])
    week = get(owner, face="calendar", by="taken_on", at="2026-01-01", span="week")
    assert "29 Dec 2025 – 4 Jan 2026" in week.replace("\u2009", " ")


def test_a_list_too_long_to_be_read_whole_says_so_in_its_place(
    owner: Person, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tenant, [{"name": f"Row {n}", "seen_at": "2026-11-10 12:00+00", "taken_on": "2026-11-10"} for n in range(4)])
    monkeypatch.setattr("ossature.records.query.SORT_CAP", 3)
    page = get(owner, status=422, face="calendar", by="seen_at", at="2026-11")
    assert "This list is too long for a calendar by Seen at." in page
    assert "choose one of: Taken on, Created." in page
    assert len(days(get(owner, face="calendar", by="taken_on", at="2026-11"))["2026-11-10"]) == 4
    assert len(days(get(owner, face="calendar", by="seen_at", at="2026-11", **{"filter[name.in]": "Row 1,Row 2"}))) == 1


def test_a_calendar_speaks_french(tenant: Tenant) -> None:
    page = get(tenant.member(locale="fr"), face="calendar", by="taken_on", at="2026-08")
    assert "Août 2026" in page
    assert [f"{day}." for day in ("lun", "mar", "mer", "jeu", "ven", "sam", "dim")] == re.findall(
        r"<span>(\w+\.)</span>", re.findall(r'<div class="os-weekdays".*?</div>', page)[0]
    )
    assert "samedi 1 août 2026" in page
