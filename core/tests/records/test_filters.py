"""Filters of lists: every operator of every kind, joined as one likes, and told apart from what cannot be asked."""

from __future__ import annotations

import html
import json
import re
from datetime import date, timedelta
from typing import Any

import pytest

from ossature.records.periods import period
from ossature.testing.people import Tenant

pytestmark = pytest.mark.database


def where(samples: Any, **tree: Any) -> list[str]:
    names: list[str] = samples.names(where=json.dumps(tree))
    return names


def test_periods_are_whole_days_of_the_calendar() -> None:
    friday = date(2026, 11, 20)
    assert {name: (str(found.first), str(found.last)) for name in (
        "today", "yesterday", "tomorrow", "this_week", "last_week", "this_month", "next_month", "last_quarter",
        "this_year", "last_30_days", "next_7_days",
    ) for found in [period(name, friday)]} == {
        "today": ("2026-11-20", "2026-11-20"), "yesterday": ("2026-11-19", "2026-11-19"),
        "tomorrow": ("2026-11-21", "2026-11-21"), "this_week": ("2026-11-16", "2026-11-22"),
        "last_week": ("2026-11-09", "2026-11-15"), "this_month": ("2026-11-01", "2026-11-30"),
        "next_month": ("2026-12-01", "2026-12-31"), "last_quarter": ("2026-07-01", "2026-09-30"),
        "this_year": ("2026-01-01", "2026-12-31"), "last_30_days": ("2026-10-22", "2026-11-20"),
        "next_7_days": ("2026-11-21", "2026-11-27"),
    }  # fmt: skip
    assert period("last_month", date(2026, 1, 31)).first == date(2025, 12, 1)
    assert period("this_month", date(2028, 2, 3)).last == date(2028, 2, 29)
    for name in ("someday", "last_0_days", "last_century", ""):
        with pytest.raises(ValueError):
            period(name, friday)


def test_texts_are_compared_without_case_and_accents(samples: Any) -> None:
    for name in ("Élodie", "elodie-2", "Zoé"):
        samples.add(name=name, code=name)
    assert samples.names(**{"filter[name]": "ELODIE"}) == ["Élodie"]
    assert samples.names(**{"filter[name.starts]": "élo"}) == ["Élodie", "elodie-2"]
    assert samples.names(**{"filter[name.in]": "zoe,elodie-2"}) == ["elodie-2", "Zoé"]
    assert samples.names(**{"filter[name.not]": "elodie"}) == ["elodie-2", "Zoé"]
    assert samples.names(**{"filter[code.starts]": "ZO"}) == ["Zoé"]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({"filter[pieces]": "5"}, ["B"]), ({"filter[pieces.not]": "5"}, ["A", "C", "D"]),
        ({"filter[pieces.below]": "5"}, ["A"]), ({"filter[pieces.at_most]": "5"}, ["A", "B"]),
        ({"filter[pieces.above]": "5"}, ["C"]), ({"filter[pieces.at_least]": "5"}, ["B", "C"]),
        ({"filter[pieces.between]": "2,9"}, ["B", "C"]), ({"filter[pieces.in]": "1,9"}, ["A", "C"]),
        ({"filter[pieces.empty]": ""}, ["D"]), ({"filter[pieces.filled]": ""}, ["A", "B", "C"]),
        ({"filter[ratio.above]": "0.25"}, ["B"]), ({"filter[price.at_least]": "10.50"}, ["B"]),
        ({"filter[price]": "10.49"}, ["A"]), ({"filter[price.between]": "10.49,10.495"}, ["A"]),
        ({"filter[price.above]": "10.49 EUR"}, ["B"]), ({"filter[price.above]": "1 USD"}, []),
        ({"filter[price.in]": "10.49,7 JPY"}, ["A"]), ({"filter[price.not]": "10.49"}, ["B", "C", "D"]),
        ({"filter[price.empty]": ""}, ["C", "D"]), ({"filter[token.filled]": ""}, ["A"]),
    ],
)  # fmt: skip
def test_numbers_money_and_what_is_missing(samples: Any, question: dict[str, str], found: list[str]) -> None:
    samples.add(name="A", pieces=1, ratio="0.25", price={"amount": "10.49", "currency": "EUR"}, token="t")
    samples.add(name="B", pieces=5, ratio="0.251", price={"amount": "10.50", "currency": "EUR"})
    samples.add(name="C", pieces=9)
    samples.add(name="D")
    assert samples.names(**question) == found


def test_amounts_are_compared_as_they_are_written_whatever_the_minor_unit(samples: Any) -> None:
    for name, amount, currency in (("yen", "11", "JPY"), ("dinar", "10.505", "TND"), ("euro", "10.50", "EUR")):
        samples.add(name=name, price={"amount": amount, "currency": currency})
    assert samples.names(**{"filter[price.above]": "10.50"}) == ["dinar", "yen"]
    assert samples.names(**{"filter[price]": "11"}) == ["yen"]
    assert samples.names(**{"filter[price.at_most]": "10.505 TND"}) == ["dinar"]
    for wrong in ("a lot", "1e3", "10.50EUR", "NaN", "10,50"):
        assert samples.list(**{"filter[price]": wrong}).status_code == 422, wrong


def test_days_and_moments_are_those_of_the_reader(samples: Any, make_tenant: Any) -> None:
    today = date.today()  # noqa: DTZ011 - asked of days, far from midnight's edge by whole days
    for name, day in (("A", today - timedelta(days=40)), ("B", today - timedelta(days=3)), ("C", today)):
        samples.add(name=name, taken_on=day.isoformat())
    samples.add(name="D")
    since = (today - timedelta(days=3)).isoformat()
    assert samples.names(**{"filter[taken_on]": since}) == ["B"]
    assert samples.names(**{"filter[taken_on.since]": since}) == ["B", "C"]
    assert samples.names(**{"filter[taken_on.after]": since}) == ["C"]
    assert samples.names(**{"filter[taken_on.before]": since}) == ["A"]
    assert samples.names(**{"filter[taken_on.until]": since}) == ["A", "B"]
    assert samples.names(**{"filter[taken_on.between]": f"{since},{today.isoformat()}"}) == ["B", "C"]
    assert samples.names(**{"filter[taken_on.in_period]": "last_7_days"}) == ["B", "C"]
    # 23:30 in Paris is the same day there, and the day before in UTC's count of half past ten in the evening
    samples.add(name="E", seen_at="2026-06-30T22:30:00Z")
    assert samples.names(**{"filter[seen_at]": "2026-07-01"}) == ["E"]
    assert samples.names(**{"filter[seen_at]": "2026-06-30"}) == []
    assert len(samples.names(**{"filter[created_at.in_period]": "last_7_days"})) == 5


def test_questions_are_joined_by_all_any_and_none(samples: Any) -> None:
    samples.add(name="A", state="raw", pieces=1)
    samples.add(name="B", state="cut", pieces=2)
    samples.add(name="C", state="gone")
    few, cut = {"field": "pieces", "op": "below", "value": 2}, {"field": "state", "value": "cut"}
    assert where(samples, any=[few, cut]) == ["A", "B"]
    assert where(samples, all=[few, cut]) == []
    assert where(samples, none=[few, cut]) == ["C"]
    assert where(samples, all=[{"any": [few, cut]}, {"none": [{"field": "state", "value": "raw"}]}]) == ["B"]
    assert where(samples, any=[]) == ["A", "B", "C"]
    tree = {"any": [few, cut]}
    assert samples.names(where=json.dumps(tree), **{"filter[state]": "raw"}) == ["A"]


def test_mine_and_my_team(samples: Any, tenant: Tenant) -> None:
    other = tenant.member("manager")
    samples.add(name="Mine")
    samples.by(other).add(name="Theirs")
    assert samples.names(**{"filter[owner_id.me]": ""}) == ["Mine"]
    assert samples.by(other).names(**{"filter[owner_id.me]": ""}) == ["Theirs"]
    assert samples.by(other).names(**{"filter[owner_id.my_team]": ""}) == ["Theirs"]


def test_a_filtered_list_is_paged_without_gap_or_repeat(samples: Any) -> None:
    for number in range(12):
        samples.add(name=f"Quartz {number:02}", pieces=number, state="cut" if number % 3 else "raw")
    tree = json.dumps({"none": [{"field": "state", "value": "raw"}]})
    seen, cursor = [], None
    while True:
        answer = samples.list(where=tree, limit=3, **({"cursor": cursor} if cursor else {})).json
        seen += [row["name"] for row in answer["data"]]
        if (cursor := answer["meta"]["next"]) is None:
            break
    assert seen == [f"Quartz {number:02}" for number in range(12) if number % 3]
    first = samples.list(where=tree, limit=3).json["meta"]["next"]
    assert samples.list(limit=3, cursor=first).status_code == 400


@pytest.mark.parametrize(
    ("tree", "code", "at"),
    [
        ("{", "bad_filter", "where"), ("[]", "bad_filter", "where"), ('"x"', "bad_filter", "where"),
        ('{"all": 3}', "bad_filter", "where.all"), ('{"all": [{"any": [7]}]}', "bad_filter", "where.all.0.any.0"),
        ('{"field": "name", "more": 1}', "bad_filter", "where"), ('{"op": "is"}', "bad_filter", "where"),
        ('{"field": "nothing", "value": 1}', "unknown_filter", "filter[nothing]"),
        ('{"field": "tenant_id", "value": 1}', "unknown_filter", "filter[tenant_id]"),
        ('{"field": "name", "op": "like", "value": "%"}', "unknown_operator", "filter[name]"),
        ('{"field": "token", "value": "t"}', "unknown_operator", "filter[token]"),
        ('{"field": "notes", "value": "t"}', "unknown_operator", "filter[notes]"),
        ('{"all": [' * 6 + "]}" * 6, "bad_filter", "where.all.0.all.0.all.0.all.0.all.0"),
        (json.dumps({"any": [{"field": "name", "value": "x"}] * 10_000}), "bad_filter", "where"),
        (json.dumps({"any": [{"field": "name", "value": "x"}] * 101}), "bad_filter", "where"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_told_where(samples: Any, tree: str, code: str, at: str) -> None:
    answer = samples.list(where=tree)
    assert answer.status_code == 400, answer.json
    assert (answer.json["error"]["details"][0]["code"], answer.json["error"]["details"][0]["field"]) == (code, at)


@pytest.mark.parametrize(
    "test",
    [
        {"field": "pieces", "value": "many"}, {"field": "pieces", "value": 1.5}, {"field": "pieces", "value": True},
        {"field": "pieces", "value": 10**30}, {"field": "pieces", "op": "in", "value": 3},
        {"field": "pieces", "op": "in", "value": []}, {"field": "pieces", "op": "between", "value": [1]},
        {"field": "ratio", "value": "NaN"}, {"field": "price", "value": "10.50 euros"}, {"field": "name", "value": "a\u0000"},
        {"field": "name", "value": ""}, {"field": "name", "op": "in", "value": ["x"] * 201}, {"field": "name", "value": "x" * 201},
        {"field": "state", "value": "melted"}, {"field": "state", "value": {}}, {"field": "shelf_id", "value": "seven"},
        {"field": "taken_on", "value": "yesterday"}, {"field": "taken_on", "value": 20261120},
        {"field": "taken_on", "op": "in_period", "value": "someday"},
        {"field": "fragile", "value": "perhaps"},
    ],
)  # fmt: skip
def test_a_value_that_does_not_suit_is_told_with_its_field(samples: Any, test: dict[str, Any]) -> None:
    answer = samples.list(where=json.dumps(test))
    assert answer.status_code == 422, answer.json
    assert answer.json["error"]["details"][0]["field"] == f"filter[{test['field']}]"


def test_a_field_that_one_may_not_see_cannot_be_asked_about(samples: Any, tenant: Tenant) -> None:
    samples.add(name="A", remark="secret")
    assert samples.names(**{"filter[remark]": "secret"}) == ["A"]
    viewer = samples.by(tenant.member("viewer"))
    told, unknown = (viewer.list(**{f"filter[{name}]": "secret"}) for name in ("remark", "nothing"))
    assert told.status_code == unknown.status_code == 400
    assert "remark" not in json.dumps(unknown.json)
    assert told.json["error"]["details"][0]["message"] == unknown.json["error"]["details"][0]["message"]


def test_the_page_says_in_words_what_it_is_filtered_by(samples: Any, owner: Any) -> None:
    samples.add(name="Alpha", state="cut", pieces=3)
    samples.add(name="Beta", state="raw")
    tree = json.dumps({"any": [{"field": "pieces", "op": "above", "value": 2}, {"field": "state", "value": "gone"}]})
    query = {"where": tree, "filter[name.starts]": "al", "filter[created_at.in_period]": "this_month"}
    text = owner.page.get("/_kinds/samples", query_string=query).get_data(as_text=True)
    for said in ("Name begins with al", "Pieces is above 2 or State is Gone", "Created: this month", "Alpha"):
        assert said in text, said
    assert "Beta" not in text


@pytest.mark.parametrize(
    "asked",
    [
        {"filter[taken_on.empty]": ""}, {"filter[taken_on.filled]": "x"}, {"filter[owner_id.me]": "x"},
        {"where": '{"field": "state", "op": "empty", "value": {}}'}, {"where": '{"field": "owner_id", "op": "me", "value": [[]]}'},
    ],
)  # fmt: skip
def test_what_takes_no_value_is_asked_with_any_or_none(samples: Any, owner: Any, asked: dict[str, str]) -> None:
    samples.add(name="Alpha")
    assert samples.list(**asked).status_code == 200
    assert owner.page.get("/_kinds/samples", query_string=asked).status_code == 200


def test_a_view_is_not_changed_by_the_address_that_spells_its_filter(samples: Any, owner: Any) -> None:
    """However its values were written: as JSON has them, or as an address."""
    samples.add(name="Alpha", fragile=True, price={"amount": "12", "currency": "EUR"}, pieces=3)
    tests = [
        {"field": "code", "op": "empty"}, {"field": "fragile", "value": True}, {"field": "pieces", "op": "in", "value": [3, 5]},
        {"field": "price", "op": "at_least", "value": {"amount": "10", "currency": "EUR"}},
    ]  # fmt: skip
    sent = {"record": "_kinds.sample", "name": "Mine", "definition": {"where": {"all": tests}}}
    view = owner.api.post("/api/ossature/views", json=sent).json["data"]["id"]
    spelled = {"filter[code.empty]": "", "filter[fragile]": "true", "filter[pieces.in]": "3,5", "filter[price.at_least]": "10 EUR"}  # fmt: skip
    page = owner.page.get("/_kinds/samples", query_string={"view": view, **spelled}).text
    assert "Alpha" in page
    assert "Save changes" not in page
    assert "Price is at least 10 EUR" in page
    for part in ({}, {"part": "groups", "group": "state"}):
        text = owner.page.get("/_kinds/samples", query_string={"view": view, "sort": "-name", **part}).text
        links = {html.unescape(one) for one in re.findall(r'(?:href|data-open)="(/_kinds/samples\?[^"]*)"', text)}
        assert links
        assert {one: code for one in links if (code := owner.page.get(one).status_code) != 200} == {}


def test_the_last_day_that_there_is_can_be_asked_about(samples: Any) -> None:
    samples.add(name="A", taken_on="9999-12-31", seen_at="9998-12-31T23:30:00Z")
    samples.add(name="B", taken_on="9999-12-30")
    for op, found in (("is", ["A"]), ("until", ["A", "B"]), ("before", ["B"]), ("since", ["A"]), ("after", [])):
        assert samples.names(**{f"filter[taken_on.{op}]": "9999-12-31"}) == found, op
    assert samples.names(**{"filter[taken_on.between]": "9999-12-01,9999-12-31"}) == ["A", "B"]
    assert samples.names(**{"filter[seen_at.until]": "9999-12-31"}) == ["A"]
    assert samples.names(**{"filter[seen_at.since]": "9999-12-31"}) == []


def test_a_number_may_be_asked_that_no_row_can_have(samples: Any) -> None:
    samples.add(name="A", pieces=7)
    for question, found in (
        ({"filter[pieces]": "3000000000"}, []), ({"filter[pieces.below]": "3000000000"}, ["A"]),
        ({"filter[pieces.in]": "7,99999999999"}, ["A"]), ({"filter[pieces.between]": "7,99999999999"}, ["A"]),
        ({"filter[pieces.not]": "-3000000000"}, ["A"]),
    ):  # fmt: skip
        assert samples.names(**question) == found, question
    assert samples.list(**{"filter[pieces]": "9" * 30}).status_code == 422


def test_a_last_sigma_is_a_sigma(samples: Any) -> None:
    samples.add(name="ΟΔΟΣ", code="ΟΔΟΣ")
    for question in ("name", "name.starts", "code", "code.in"):
        assert samples.names(**{f"filter[{question}]": "οδοσ"}) == ["ΟΔΟΣ"]
        assert samples.names(**{f"filter[{question}]": "ΟΔΟΣ"}) == ["ΟΔΟΣ"]


@pytest.mark.parametrize("question", ["name", "name.starts", "name.not", "name.in", "code.starts"])
@pytest.mark.parametrize("nothing", ["\u0301", " ", " \u0301"])
def test_a_text_of_nothing_but_accents_is_refused(samples: Any, question: str, nothing: str) -> None:
    samples.add(name="Quartz", code="q")
    assert samples.list(**{f"filter[{question}]": nothing}).status_code == 422


def test_a_value_is_found_as_it_may_be_written(samples: Any) -> None:
    """What cleans a value before it is stored cleans what is asked for."""
    samples.add(name="A", phone="01 23 45 67 89", website="quartz.example", email="anna@example.com")
    samples.add(name="B", phone="+32 2 123 45 67")
    for field, written, found in (
        ("phone", "01 23 45 67 89", ["A"]), ("phone", "01.23.45.67.89", ["A"]), ("phone", "+33123456789", ["A"]),
        ("phone.in", "0033 1 23 45 67 89,+32 2 123 45 67", ["A", "B"]), ("phone.not", "01 23 45 67 89", ["B"]),
        ("phone.starts", "01 23", ["A"]), ("phone.starts", "+33 (0)1 23", ["A"]), ("phone.starts", "0032 2", ["B"]),
        ("phone.starts", "+", ["A", "B"]), ("phone.starts", "+32 2", ["B"]), ("phone.starts", "anna", []),
        ("website", "quartz.example", ["A"]), ("website", "https://quartz.example", ["A"]),
        ("email", " Anna@EXAMPLE.com", ["A"]), ("name", " a ", ["A"]), ("phone", "nobody's", []), ("email", "anna", []),
    ):  # fmt: skip
        assert samples.names(**{f"filter[{field}]": written}) == found, (field, written)


def test_a_row_that_is_older_than_its_fields_rule_is_found_as_it_stands(samples: Any, tenant: Tenant) -> None:
    id = samples.add(name="A")["id"]
    with tenant.work() as work:
        work.connection().exec_driver_sql("UPDATE _kinds.sample SET phone = '01 23 45 67 89' WHERE id = %s", (id,))
    assert samples.names(**{"filter[phone]": "01 23 45 67 89"}) == ["A"]
    assert samples.names(**{"filter[phone.not]": "01 23 45 67 89"}) == []
