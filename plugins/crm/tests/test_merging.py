"""Merging pipelines and deals: what refers to their entries, and what their own rules say of the whole."""

from __future__ import annotations

from typing import Any

import pytest

from ossature.duplicates import references
from ossature.records.fields import Kind

pytestmark = pytest.mark.database


def merge(api: Any, into: str, *others: str) -> Any:
    return api.person.api.post(f"{api.path}/merge", json={"into": into, "ids": [*others]})


def undo(api: Any, answer: Any) -> Any:
    return api.person.api.post(f"/api/ossature/change-sets/{answer.json['meta']['change_set_id']}/undo", json={})


@pytest.mark.req("A-017")
def test_deals_of_a_pipeline_that_is_merged_stand_in_the_stages_of_the_one_that_stays(
    pipelines: Any, deals: Any
) -> None:
    a = pipelines.add(name="Sales", stages=[{"name": "Talk"}, {"name": "Offer", "probability": 50}])
    b = pipelines.add(name="Sales", stages=[{"name": "Talk"}, {"name": "Offer", "probability": 50}, {"name": "Trial"}])
    deal = deals.add(pipeline_id=b["id"], stage_id=b["stages"][1]["id"])["id"]
    answer = merge(pipelines, a["id"], b["id"])
    assert answer.status_code == 200, answer.text
    assert [stage["name"] for stage in answer.json["data"]["stages"]] == ["Talk", "Offer", "Trial"]
    now = deals.read(deal)
    assert (now["pipeline_id"], now["stage_id"]) == (a["id"], a["stages"][1]["id"])
    assert deals.patch(deal, {"name": "Trams"}).status_code == 200
    undone = undo(pipelines, answer)
    assert undone.status_code == 200, undone.text
    was = deals.read(deal)
    assert (was["pipeline_id"], was["stage_id"]) == (b["id"], b["stages"][1]["id"])
    again = pipelines.person.api.post(f"/api/ossature/change-sets/{undone.json['data']['change_set_id']}/undo", json={})
    assert again.status_code == 200, again.text
    assert deals.read(deal)["stage_id"] == a["stages"][1]["id"]


@pytest.mark.req("A-017")
def test_a_deal_that_takes_the_lines_of_another_is_worth_all_of_them(deals: Any) -> None:
    a = deals.add(lines=[{"description": "Frame", "unit_price": {"amount": "100", "currency": "EUR"}}])["id"]
    b = deals.add(lines=[{"description": "Wheel", "unit_price": {"amount": "20", "currency": "EUR"}}])["id"]
    answer = merge(deals, a, b)
    assert answer.status_code == 200, answer.text
    assert (answer.json["data"]["value"]["amount"], len(answer.json["data"]["lines"])) == ("120.00", 2)
    assert undo(deals, answer).status_code == 200
    assert [deals.read(id)["value"]["amount"] for id in (a, b)] == ["100.00", "20.00"]


@pytest.mark.req("A-017")
def test_deals_whose_lines_are_of_two_currencies_are_not_merged(deals: Any) -> None:
    a = deals.add(lines=[{"description": "Frame", "unit_price": {"amount": "100", "currency": "EUR"}}])["id"]
    b = deals.add(lines=[{"description": "Wheel", "unit_price": {"amount": "20", "currency": "USD"}}])["id"]
    assert deals.faults(merge(deals, a, b)) == {"lines.1.unit_price": "other_currency"}
    assert len(deals.read(b)["lines"]) == 1


@pytest.mark.parametrize(("amounts", "left"), [(references._AMOUNTS, 1), ((Kind.TEXT,), 2)])
def test_equal_entries_of_other_records_stay_two_where_amounts_matter(
    contacts: Any, deals: Any, monkeypatch: pytest.MonkeyPatch, amounts: Any, left: int
) -> None:
    """As if the role were an amount: no collection of crm has both a reference and one."""
    a, b = contacts.add()["id"], contacts.add()["id"]
    deal = deals.add(contacts=[{"contact_id": a}, {"contact_id": b}])["id"]
    monkeypatch.setattr(references, "_AMOUNTS", amounts)
    assert merge(contacts, a, b).status_code == 200
    assert [one["contact_id"] for one in deals.read(deal)["contacts"]] == [a] * left
