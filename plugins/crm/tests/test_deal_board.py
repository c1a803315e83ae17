"""The board of deals: the stages of one pipeline in their order, sums in each currency, moves that ask what is missing."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

pytestmark = pytest.mark.database

BOARD = "/crm/deals?face=board"


def columns(page: str) -> dict[str, str]:
    """Name of a column -> what it stands for."""
    found = re.findall(r'data-value="([^"]*)".*?<h2.*?<a [^>]*>(.*?)</a>', page, re.DOTALL)
    return {name: value for value, name in found}


def move(deals: Any, deal: dict[str, Any], stage: str, **form: Any) -> Any:
    address = f"/crm/deals/{deal['id']}/move?face=board&by=stage_id"
    version = deals.read(deal["id"])["version"]
    return deals.person.page.post(address, data={"to": stage, "version": version, **form})


@pytest.mark.req("S1-08")
def test_the_board_shows_the_stages_of_one_pipeline_and_switches_to_another(deals: Any, pipelines: Any) -> None:
    deal = deals.add()
    page = deals.person.page
    assert list(columns(page.get(BOARD).text)) == ["Lead", "Qualified", "Proposal", "Won", "Lost"]
    assert 'aria-label="Columns of"' not in page.get(BOARD).text
    other = pipelines.add(name="Renewal", stages=[{"name": "Second"}, {"name": "First"}])
    shown = page.get(BOARD).text
    assert deal["name"] in shown
    link = unescape(re.search(r'<a href="([^"]+)">Renewal</a>', shown)[1])  # type: ignore[index]
    assert list(columns(page.get(link).text)) == ["Second", "First"]
    assert deal["name"] not in page.get(link).text
    deals.add(name="Again", pipeline_id=other["id"])
    assert "Again" in page.get(link).text


@pytest.mark.req("S4-372", "S1-44")
def test_moving_a_deal_writes_its_stage_and_tells_sums_by_currency_and_weight(deals: Any) -> None:
    euros = deals.add(value={"amount": "1000.00", "currency": "EUR"})
    deals.add(name="Swiss", value={"amount": "500.00", "currency": "CHF"})
    of = columns(deals.person.page.get(BOARD).text)
    sums = move(deals, euros, of["Qualified"]).json["sums"]
    assert {value: one["count"] for value, one in sums.items()} == {of["Lead"]: 1, of["Qualified"]: 1}
    assert "€1,000.00" in sums[of["Qualified"]]["sum"]
    assert "€300.00" in sums[of["Qualified"]]["sum"]
    assert "CHF" in sums[of["Lead"]]["sum"]
    assert deals.read(euros["id"])["probability"] == 30


def test_a_lost_deal_asks_for_its_reason_and_goes_on(deals: Any) -> None:
    deal = deals.add(name="Fleet")
    lost = columns(deals.person.page.get(BOARD).text)["Lost"]
    asked = move(deals, deal, lost)
    assert asked.status_code == 422
    assert "Move Fleet to Lost" in asked.json["dialog"]
    assert 'name="lost_reason"' in asked.json["dialog"]
    again = move(deals, deal, lost, asked="lost_reason", lost_reason="")
    assert again.status_code == 422
    assert "Fill this in." in again.json["dialog"]
    done = move(deals, deal, lost, asked="lost_reason", lost_reason="Too dear")
    assert done.status_code == 200
    read = deals.read(deal["id"])
    assert (read["status"], read["lost_reason"]) == ("lost", "Too dear")


def test_a_stage_that_requires_something_asks_for_it_by_its_kind(deals: Any, pipelines: Any) -> None:
    pipeline = pipelines.add(
        stages=[{"name": "Talk"}, {"name": "Offer", "requires_value": True, "requires_close": True}]
    )
    deal = deals.add(pipeline_id=pipeline["id"], lines=[])
    offer = pipeline["stages"][1]["id"]
    asked = move(deals, deal, offer)
    assert all(f'name="{name}"' in asked.json["dialog"] for name in ("value", "expected_close"))
    form = {"asked": ["value", "expected_close"], "value": "1,000.00", "value-currency": "EUR",
            "expected_close": "2026-12-24"}  # fmt: skip
    assert move(deals, deal, offer, **form).status_code == 200
    read = deals.read(deal["id"])
    assert (read["value"]["amount"], read["expected_close"]) == ("1000.00", "2026-12-24")


def test_lines_and_contacts_stay_when_a_card_is_moved(deals: Any, contacts: Any) -> None:
    line = {"description": "Bicycle", "unit_price": {"amount": "1.00", "currency": "EUR"}}
    deal = deals.add(lines=[line], contacts=[{"contact_id": contacts.add()["id"]}])
    of = columns(deals.person.page.get(BOARD).text)
    for form in ({}, {"asked": "lost_reason", "lost_reason": "Budget"}):
        assert move(deals, deal, of["Lost" if form else "Proposal"], **form).status_code == 200
        read = deals.read(deal["id"])
        assert (len(read["lines"]), len(read["contacts"])) == (1, 1)


def test_a_stale_deal_is_marked(deals: Any, tenant: Any) -> None:
    deal = deals.add()
    with tenant.work() as work:
        given = {"id": deal["id"]}
        work.connection().exec_driver_sql("UPDATE crm.deal SET stale_from = '2026-01-02' WHERE id = %(id)s", given)
    assert re.search(r"os-card-mark.*?Stale from", deals.person.page.get(BOARD).text, re.DOTALL)


def test_another_organisation_moves_nothing_here(deals: Any, make_tenant: Any) -> None:
    deal = deals.add()
    stage = columns(deals.person.page.get(BOARD).text)["Proposal"]
    stranger = make_tenant().member("owner")
    other = deals.by(stranger)
    own = other.add(name="Theirs")
    address = "/crm/deals/{}/move?face=board&by=stage_id"
    assert stranger.page.post(address.format(deal["id"]), data={"to": stage, "version": 1}).status_code == 404
    refused = stranger.page.post(address.format(own["id"]), data={"to": stage, "version": 1})
    assert refused.status_code == 422
    assert other.read(own["id"])["stage_id"] == own["stage_id"]
