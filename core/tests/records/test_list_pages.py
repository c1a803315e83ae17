"""The list's page and its parts: filter form, order, groups, columns, count, all that match; with and without scripts."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from ossature.records import list_pages, query
from ossature.testing.people import Person, Tenant
from ossature.testing.statements import StatementLog

pytestmark = pytest.mark.database

LIST = "/_kinds/samples"
FRAGMENT = {"HX-Request": "true", "HX-Target": "rows"}


def get(
    person: Person, address: str = LIST, status: int = 200, headers: dict[str, str] | None = None, **arguments: Any
) -> Any:
    answer = person.page.get(address, query_string=arguments or None, headers=headers or {})
    assert answer.status_code == status, answer.text[:2000]
    return answer


def led_to(answer: Any) -> dict[str, str]:
    """The arguments of the address that a form led to."""
    assert answer.status_code == 303
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query, keep_blank_values=True))


def names(text: str) -> list[str]:
    """Of the rows, in their order."""
    return [html.unescape(name) for name in re.findall(r'class="os-row-link"[^>]*>([^<]*)<', text)]


def link(text: str, label: str) -> str:
    """Where the link with this text leads."""
    found = re.search(rf'<a[^>]*href="([^"]*)"[^>]*>(?:<[^>]*>)*{re.escape(label)}<', text)
    assert found, label
    return html.unescape(found[1])


def test_a_filter_is_made_in_a_form_that_works_without_scripts(owner: Person, samples: Any) -> None:
    for name, state in (("Quartz", "raw"), ("Opal", "cut"), ("Flint", "gone")):
        samples.add(name=name, state=state)
    page = get(owner).text
    fields = get(owner, link(page, "Filter")).text
    assert "<html" in fields
    form = get(owner, link(fields, "State")).text
    assert 'name="f0"' in form
    assert 'value="cut"' in form
    sent = {"part": "filter", "f0": "state", "o0": "is", "v0": ["cut", "gone"], "join": "all", "apply": "1"}
    assert led_to(get(owner, status=303, **sent)) == {"filter[state.in]": "cut,gone"}
    shown = get(owner, **{"filter[state.in]": "cut,gone"}).text
    assert names(shown) == ["Flint", "Opal"]
    assert "State is Cut or Gone" in shown


def test_a_filter_is_changed_where_it_stands_and_joined_with_others(owner: Person) -> None:
    state = {"filter[state]": "raw", "filter[pieces.above]": "3"}
    form = get(owner, part="filter", at="1", **state).text
    assert re.search(r'name="v0"[^>]*value="3"', form)
    changed = {**state, "part": "filter", "at": "1", "f0": "pieces", "o0": "at_most", "v0": "5", "apply": "1"}
    assert led_to(get(owner, status=303, **changed)) == {"filter[state]": "raw", "filter[pieces.at_most]": "5"}
    joined = {**changed, "join": "any", "f1": "price", "o1": "above", "v1": "10,50 eur", "f2": "created_at",
              "o2": "in_period", "v2": "last", "n2": "30", "f3": "owner_id", "o3": "me"}  # fmt: skip
    answer = led_to(get(owner, status=303, **joined))
    assert answer.pop("filter[state]") == "raw"
    assert json.loads(answer["where"]) == {"any": [
        {"field": "pieces", "op": "at_most", "value": "5"}, {"field": "price", "op": "above", "value": "10.50 EUR"},
        {"field": "created_at", "op": "in_period", "value": "last_30_days"}, {"field": "owner_id", "op": "me"},
    ]}  # fmt: skip
    again = get(owner, part="filter", at="1", **{"filter[state]": "raw"}, where=answer["where"]).text
    assert again.count("os-filter-line") == 4
    assert 'value="30"' in again
    alone = led_to(get(owner, status=303, part="filter", at="0", apply="1", **{"filter[state]": "raw"}))
    assert alone == {}


def test_what_lies_deeper_is_shown_in_words_and_kept(owner: Person) -> None:
    tree = {
        "any": [
            {"field": "state", "op": "is", "value": "raw"},
            {"all": [{"field": "pieces", "op": "above", "value": "1"}]},
        ]
    }
    form = get(owner, part="filter", at="0", where=json.dumps(tree)).text
    assert "Pieces is above 1" in form
    kept = html.unescape(re.search(r'name="k1" value="([^"]*)"', form)[1])  # type: ignore[index]
    sent = {"where": json.dumps(tree), "part": "filter", "at": "0", "join": "any", "f0": "state", "o0": "is", "v0": "cut",
            "k1": kept, "apply": "1"}  # fmt: skip
    assert json.loads(led_to(get(owner, status=303, **sent))["where"])["any"][1] == tree["any"][1]


@pytest.mark.parametrize(
    ("field", "op", "value", "said"),
    [
        ("pieces", "is", "many", "Give a number."), ("price", "above", "much", "Give an amount such as"),
        ("state", "is", "", "Choose one of"), ("taken_on", "before", "", "Give a day such as"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_suit_is_refused_in_the_form(
    owner: Person, field: str, op: str, value: str, said: str
) -> None:
    sent = {"part": "filter", "f0": field, "o0": op, "v0": value, "apply": "1"}
    answer = get(owner, status=422, headers=FRAGMENT, **sent)
    assert said in answer.text
    assert answer.headers["HX-Retarget"] == "#list-box"


@pytest.mark.req("A-014")
def test_what_is_typed_below_the_headers_is_a_filter_of_its_column(owner: Person, samples: Any) -> None:
    samples.add(name="Quartz")
    owner.page.set_cookie("ossature_ui", "filters%3D1", domain=owner.tenant.url.partition("://")[2].partition(":")[0])
    columns = "name,pieces,state,taken_on,price,owner_id"
    page = get(owner, columns=columns).text
    assert page.count('name="row[') == 6
    for typed, wanted in (
        ({"name": "qua"}, {"filter[name.starts]": "qua"}), ({"pieces": ">10"}, {"filter[pieces.above]": "10"}),
        ({"pieces": "2..5"}, {"filter[pieces.between]": "2,5"}), ({"state": "cut"}, {"filter[state]": "cut"}),
        ({"price": "<= 1 234,50 eur"}, {"filter[price.at_most]": "1234.50 EUR"}), ({"owner_id": "me"}, {"filter[owner_id.me]": ""}),
        ({"taken_on": "this_month"}, {"filter[taken_on.in_period]": "this_month"}), ({"name": ""}, {}),
    ):  # fmt: skip
        sent = {f"row[{name}]": text for name, text in typed.items()}
        assert led_to(get(owner, status=303, part="row", **sent)) == wanted
    before = {"filter[name.starts]": "qua", "filter[state]": "raw"}
    sent = {**before, "part": "row", "row[name]": "", "row[state]": "cut"}
    assert led_to(get(owner, status=303, **sent)) == {"filter[state]": "cut"}


@pytest.mark.req("A-013")
def test_columns_are_chosen_ordered_and_sized(owner: Person, samples: Any) -> None:
    samples.add(name="Quartz", pieces=3)
    page = get(owner, columns="pieces:240,name").text
    assert re.findall(r'data-name="(\w+)"', page) == ["pieces", "name"]
    assert 'width="240"' in page
    form = get(owner, link(page, "Columns")).text
    assert re.findall(r'name="c" value="(\w+)" checked', form) == ["pieces", "name"]
    sent = {"columns": "pieces:240,name", "part": "columns", "c": ["pieces", "name", "state"]}
    assert led_to(get(owner, status=303, **sent)) == {"columns": "pieces:240,name,state"}
    assert led_to(get(owner, status=303, **sent, up="state")) == {"columns": "pieces:240,state,name"}
    assert led_to(get(owner, status=303, **sent, down="pieces")) == {"columns": "name,pieces:240,state"}
    assert link(get(owner, part="columns", columns="pieces").text, "Back to the usual columns") == LIST


def test_headers_sort_by_one_column_or_by_several(owner: Person, samples: Any) -> None:
    for name, state, pieces in (("A", "raw", 1), ("B", "cut", 2), ("C", "cut", 1)):
        samples.add(name=name, state=state, pieces=pieces)
    page = get(owner, columns="name,state,pieces", sort="state").text
    assert names(page) == ["A", "B", "C"]
    added = html.unescape(re.search(r'id="sort-pieces"[^>]*data-add="([^"]*)"', page)[1])  # type: ignore[index]
    page = get(owner, added).text
    assert names(page) == ["A", "C", "B"]
    assert re.findall(r"<sup>(\d)</sup>", page) == ["1", "2"]
    box = get(owner, link(page, "Sort")).text
    assert "In lists of up to 10,000 rows" in box
    assert names(get(owner, re.search(r'id="turn-pieces" href="([^"]*)"', box)[1].replace("&amp;", "&")).text) == ["A", "B", "C"]  # type: ignore[index]  # fmt: skip


def test_a_list_too_long_for_an_order_says_so_on_its_page(
    owner: Person, samples: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "SORT_CAP", 2)
    monkeypatch.setattr(list_pages, "SORT_CAP", 2)
    for name in "ABC":
        samples.add(name=name)
    answer = get(owner, status=422, sort="state")
    assert "too long to be sorted by State" in answer.text
    assert "Narrow it to 2 rows by filters" in answer.text
    assert link(answer.text, "Back to the usual order") == LIST


@pytest.mark.req("A-008")
def test_groups_have_counts_and_sums_and_open_level_by_level(owner: Person, samples: Any) -> None:
    for name, state, fragile, amount in (
        ("A", "raw", True, "10.00 EUR"), ("B", "raw", False, "5.50 EUR"), ("C", "raw", True, "7.00 USD"), ("D", "cut", True, "1.00 EUR"),
    ):  # fmt: skip
        value, currency = amount.split()
        samples.add(name=name, state=state, fragile=fragile, price={"amount": value, "currency": currency})
    page = get(owner, columns="name,price", group="state,fragile").text
    assert names(page) == []
    headings = get(owner, columns="name,price", group="state,fragile", part="groups").text
    assert re.findall(r'os-count">(\d+)<', headings) == ["3", "1"]
    assert re.findall(r'os-sum">([^<]*)<', headings) == ["€15.50", "US$7.00", "€1.00"]
    opens = html.unescape(re.search(r'data-open="([^"]*)"', headings)[1])  # type: ignore[index]
    inner = get(owner, opens).text
    assert re.findall(r'id="(g[\d-]+)"', inner) == ["g0-0", "g0-1"]
    assert "Fragile: No" in inner
    rows = get(owner, html.unescape(re.findall(r'data-open="([^"]*)"', inner)[1])).text
    assert names(rows) == ["A", "C"]
    alone = html.unescape(re.findall(r'<a href="([^"]*)" data-open', inner)[1])
    assert names(get(owner, alone).text) == ["A", "C"]
    months = get(owner, group="created_at:month", part="groups").text
    assert re.search(r"[A-Z][a-z]+ 20\d\d", months)


def test_a_group_shows_its_rows_a_window_at_a_time(owner: Person, samples: Any) -> None:
    for number in range(30):
        samples.add(name=f"Row {number:02}")
    first = get(owner, part="rows", inside="g0", **{"filter[state]": "raw"}).text
    assert names(first) == [f"Row {number:02}" for number in range(25)]
    assert "<tbody" in first
    rest = get(owner, link(first, "Show more")).text
    assert names(rest) == [f"Row {number:02}" for number in range(25, 30)]
    assert "<tbody" not in rest


def test_an_empty_list_says_which_filter_to_lift(owner: Person, samples: Any) -> None:
    samples.add(name="Quartz", state="raw", pieces=1)
    page = get(owner, **{"filter[state]": "raw", "filter[pieces.above]": "5"}).text
    assert "There would be something without one of these" in page
    assert names(get(owner, link(page, "Lift: Pieces is above 5")).text) == ["Quartz"]
    assert "Lift: State is Raw" not in page


def test_what_is_counted_is_counted_on_request(owner: Person, samples: Any, statements: StatementLog) -> None:
    for number in range(51):
        samples.add(name=f"Row {number}")
    asked = {"filter[state]": "raw"}
    with statements.counting() as counted:
        page = get(owner, **asked).text
    assert not [text for text in counted.texts if "count(" in text.lower() and "_kinds.sample" in text]
    found = re.search(r'<a href="([^"]*part=count[^"]*)"[^>]*>50', page)
    assert found
    assert ">51</span>" in re.sub(r"\s", "", get(owner, html.unescape(found[1]), headers={"HX-Request": "true"}).text)


def test_all_that_match_are_there_to_be_copied(owner: Person, samples: Any) -> None:
    kept = samples.add(name="A", email="a@example.com")
    samples.add(name="B", state="cut")
    found = get(owner, part="all", **{"filter[state]": "raw"}).json
    assert found == {"links": [f"{LIST}/{kept['id']}"], "emails": ["a@example.com"], "more": False}


@pytest.mark.req("A-027")
def test_a_record_is_seen_at_a_glance(owner: Person, samples: Any) -> None:
    row = samples.add(name="Quartz", pieces=3)
    seen = get(owner, f"{LIST}/{row['id']}", part="preview", headers={"HX-Request": "true"}).text
    assert "Quartz" in seen
    assert "created this" in seen
    assert "<html" not in seen


@pytest.mark.req("S2-112")
def test_parts_of_a_list_cost_the_same_whatever_its_rows(owner: Person, samples: Any, statements: StatementLog) -> None:
    paths = [
        f"{LIST}?columns=name,owner_id,shelf_id&sort=state,-name", f"{LIST}?group=state&part=groups&columns=name,price",
        f"{LIST}?part=rows&filter[state]=raw", f"{LIST}?part=filter&filter[state]=raw&at=0", f"{LIST}?part=all",
    ]  # fmt: skip
    costs: dict[str, list[int]] = {path: [] for path in paths}
    for rows in (2, 12):
        for number in range(rows):
            samples.add(name=f"Row {number}", state=("raw", "cut", "gone")[number % 3])
        for path in paths:
            get(owner, path)
            with statements.counting() as counted:
                text = get(owner, path).text
            costs[path].append(len(counted))
            assert len(text) < 60_000
    assert all(few == many <= 10 for few, many in costs.values()), costs


@pytest.mark.parametrize(
    ("kept", "status"),
    [
        ({"field": "bogus", "value": "1"}, 400), ({"all": [{"field": "name", "op": "near", "value": "x"}]}, 400),
        ({"all": [{"field": "taken_on", "value": "some day"}]}, 422),
    ],
)  # fmt: skip
def test_a_kept_question_that_cannot_be_asked_is_refused(owner: Person, kept: Any, status: int) -> None:
    for more in ({}, {"apply": "1"}):
        get(owner, status=status, part="filter", k0=json.dumps(kept), **more)


def test_headings_of_a_list_without_groups_are_refused(owner: Person) -> None:
    get(owner, status=400, part="groups")


@pytest.mark.parametrize(
    ("locale", "typed", "read"),
    [
        ("en", ">1,234", "1234"), ("en", ">1,234,567.5", "1234567.5"), ("en", ">1,5", "1.5"), ("en", ">1.234", "1.234"),
        ("fr", ">1,234", "1.234"), ("fr", ">1\u202f234,5", "1234.5"), ("fr", ">1.234", "1.234"),
    ],
)  # fmt: skip
def test_numbers_are_read_as_the_readers_language_writes_them(
    tenant: Tenant, locale: str, typed: str, read: str
) -> None:
    answer = get(tenant.member("owner", locale=locale), status=303, part="row", **{"row[price]": typed})
    assert led_to(answer) == {"filter[price.above]": read}


def test_money_is_sorted_by_currency_then_by_amount(owner: Person, samples: Any) -> None:
    for name, amount, currency in (("A", "100", "JPY"), ("B", "2.00", "EUR"), ("C", "150.00", "EUR"), ("D", "1.000", "TND"), ("F", "9", "JPY")):  # fmt: skip
        samples.add(name=name, price={"amount": amount, "currency": currency})
    samples.add(name="E")
    expected = ["B", "C", "F", "A", "D", "E"]
    assert names(get(owner, sort="price").text) == expected
    assert names(get(owner, sort="-price").text) == expected[::-1]
    for sort, wanted in (("price", expected), ("-price", expected[::-1]), ("state,-price", expected[::-1]), ("-price,name", expected[::-1])):  # fmt: skip
        seen: list[str] = []
        cursor = ""
        while cursor is not None:
            page = samples.list(sort=sort, limit=2, **({"cursor": cursor} if cursor else {})).json
            seen += [row["name"] for row in page["data"]]
            cursor = page["meta"]["next"]
        assert seen == wanted, sort
    assert samples.list(sort="price,-price").status_code == 400
