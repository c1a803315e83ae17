"""Deals: every field written, refused when wrong, read back; what follows from stage and lines."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from ossature.api import Money
from ossature.context import Reach
from ossature.rbac.roles import grant, role_by_key
from ossature.testing.background import run_pending
from ossature.testing.people import Tenant
from ossature_crm.deals import line_total

pytestmark = pytest.mark.database

EUR = {"amount": "1200.00", "currency": "EUR"}


def line(description: str = "Bicycle", amount: str = "100.00", currency: str = "EUR", **more: Any) -> dict[str, Any]:
    return {"description": description, "unit_price": {"amount": amount, "currency": currency}, **more}


def stages(pipelines: Any, deal: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The stages of a deal's pipeline by name."""
    return {stage["name"]: stage for stage in pipelines.read(deal["pipeline_id"])["stages"]}


def move(deals: Any, deal: dict[str, Any], stage: dict[str, Any], **more: Any) -> Any:
    return deals.patch(deal["id"], {"stage_id": stage["id"], **more})


# -- the API -----------------------------------------------------------------------------------------------------------


@pytest.mark.req("S4-393")
def test_deals_are_listed(deals: Any) -> None:
    deals.add(name="Zèbre")
    deals.add(name="Éclair")
    assert deals.names() == ["Éclair", "Zèbre"]
    api = deals.person.api
    assert api.get("/api/deals").json == api.get("/api/crm/deals").json


@pytest.mark.req("S4-394", "S1-09")
def test_a_deal_is_created_with_its_relations(deals: Any, companies: Any, contacts: Any) -> None:
    company, contact = companies.add(), contacts.add()
    answer = deals.post(
        {"name": "Fleet", "company_id": company["id"], "contact_id": contact["id"], "lines": [line()],
         "contacts": [{"contact_id": contact["id"], "role": "Signs"}]}
    )  # fmt: skip
    assert answer.status_code == 201
    read = deals.read(answer.json["data"]["id"])
    assert (read["company_id"], read["contact_id"]) == (company["id"], contact["id"])
    assert read["contacts"][0]["role"] == "Signs"
    assert deals.faults(deals.post({"value": EUR})) == {"name": "required"}
    assert deals.faults(deals.post({"name": "X", "company_id": str(uuid4())})) == {"company_id": "not_found"}


@pytest.mark.req("S4-395")
def test_a_deal_is_read(deals: Any) -> None:
    added = deals.add()
    assert deals.read(added["id"]) == added
    assert deals.person.api.get(deals.at(uuid4())).status_code == 404


@pytest.mark.req("S4-396")
def test_a_deal_is_changed(deals: Any) -> None:
    added = deals.add()
    assert deals.patch(added["id"], {"name": "Scooters"}).status_code == 200
    assert deals.read(added["id"])["name"] == "Scooters"


@pytest.mark.req("S4-397", "S4-181")
def test_a_deal_is_deleted_softly_and_restored_with_its_lines(deals: Any, tenant: Tenant) -> None:
    deal = deals.add(lines=[line()])
    assert deals.delete(deal["id"]).status_code == 200
    assert deals.names() == []
    assert deals.read(deal["id"])["deleted_at"] is not None
    deals.restore(deal["id"])
    read = deals.read(deal["id"])
    assert (len(read["lines"]), read["deleted_at"], read["created_by_id"]) == (1, None, str(deals.person.member_id))


# -- fields ------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S4-167", "S1-39")
def test_a_deal_has_a_name_and_a_description(deals: Any) -> None:
    read = deals.read(deals.add(name="Fleet", description="Two\nlines")["id"])
    assert (read["name"], read["description"]) == ("Fleet", "Two\nlines")
    assert deals.faults(deals.post({"name": "x" * 201})) == {"name": "too_long"}


@pytest.mark.req("S4-168", "S4-169")
def test_the_value_is_an_amount_in_minor_units_with_its_currency(deals: Any, tenant: Tenant) -> None:
    for amount, currency, minor in (("12.34", "EUR", 1234), ("1500", "JPY", 1500), ("1.234", "TND", 1234)):
        deal = deals.add(value={"amount": amount, "currency": currency})
        assert deals.read(deal["id"])["value"] == {"amount": amount, "currency": currency}
        with tenant.work() as work:
            stored = work.execute(text("SELECT value_minor FROM crm.deal WHERE id = :id"), {"id": deal["id"]}).scalar()
        assert stored == minor
    for wrong, code in (("-1", "too_small"), ("1.005", "too_precise"), ("many", "invalid")):
        assert deals.faults(deals.post({"name": "X", "value": {"amount": wrong, "currency": "EUR"}})) == {"value": code}
    wrong_currency = deals.post({"name": "X", "value": {"amount": "1", "currency": "XXX"}})
    assert deals.faults(wrong_currency) == {"value": "unknown_currency"}


@pytest.mark.req("S4-171")
def test_the_probability_is_that_of_the_stage_unless_somebody_gives_another(deals: Any, pipelines: Any) -> None:
    deal = deals.add(value=EUR)
    of = stages(pipelines, deal)
    assert (deal["probability"], deal["weighted_value"]["amount"]) == (10, "120.00")
    moved = move(deals, deal, of["Qualified"]).json["data"]
    assert moved["probability"] == 30
    by_hand = deals.patch(deal["id"], {"probability": 45}).json["data"]
    assert by_hand["weighted_value"]["amount"] == "540.00"
    assert move(deals, deal, of["Proposal"]).json["data"]["probability"] == 45
    assert move(deals, deal, of["Won"]).json["data"]["probability"] == 100
    assert move(deals, deal, of["Lead"]).json["data"]["probability"] == 10
    assert deals.patch(deal["id"], {"probability": None}).json["data"]["probability"] == 10
    for wrong, code in ((101, "too_large"), (-1, "too_small"), (1.5, "invalid")):
        assert deals.faults(deals.patch(deal["id"], {"probability": wrong})) == {"probability": code}


@pytest.mark.req("S4-172", "S4-173")
def test_closing_sets_the_day_and_reopening_takes_it_back(deals: Any, pipelines: Any) -> None:
    deal = deals.add(expected_close="2026-12-24", opened_on="2026-01-01")
    assert (deal["expected_close"], deal["closed_on"]) == ("2026-12-24", None)
    of = stages(pipelines, deal)
    won = move(deals, deal, of["Won"], won_reason="Price").json["data"]
    day = datetime.fromisoformat(won["closed_on"]).date()
    assert abs(day - datetime.now(UTC).date()) <= timedelta(days=1)
    assert (won["status"], won["won_reason"]) == ("won", "Price")
    assert deals.patch(deal["id"], {"closed_on": "2026-11-02"}).json["data"]["closed_on"] == "2026-11-02"
    opened = move(deals, deal, of["Proposal"]).json["data"]
    assert (opened["status"], opened["closed_on"], opened["won_reason"]) == ("open", None, None)
    given = move(deals, deal, of["Won"], closed_on="2026-10-01").json["data"]
    assert given["closed_on"] == "2026-10-01"
    assert deals.faults(deals.patch(deal["id"], {"expected_close": "soon"})) == {"expected_close": "invalid"}


def test_a_deal_is_opened_today_or_on_the_day_given_and_its_days_to_close_are_counted(
    deals: Any, pipelines: Any
) -> None:
    deal = deals.add()
    opened = datetime.fromisoformat(deal["opened_on"]).date()
    assert abs(opened - datetime.now(UTC).date()) <= timedelta(days=1)
    assert deal["days_to_close"] is None
    won = move(deals, deal, stages(pipelines, deal)["Won"]).json["data"]
    assert won["days_to_close"] == 0
    old = deals.add(opened_on="2026-03-01")
    won = move(deals, old, stages(pipelines, old)["Won"], closed_on="2026-04-11").json["data"]
    assert (won["opened_on"], won["days_to_close"]) == ("2026-03-01", 41)
    unknown = deals.patch(deals.add()["id"], {"opened_on": None}).json["data"]
    assert (unknown["opened_on"], unknown["days_to_close"]) == (None, None)
    answer = deals.person.api.get("/api/crm/deals/aggregate?group=status&measure=avg:days_to_close&filter[status]=won")
    assert answer.json["data"][0]["values"] == {"avg:days_to_close": "20.5"}


def test_no_deal_is_opened_after_it_was_closed(deals: Any, pipelines: Any) -> None:
    deal = deals.add(opened_on="2022-05-01")
    won = stages(pipelines, deal)["Won"]
    entered_late = deals.add(stage_id=won["id"], closed_on="2021-02-01")
    assert (entered_late["opened_on"], entered_late["days_to_close"]) == ("2021-02-01", 0)
    assert deals.faults(deals.patch(entered_late["id"], {"opened_on": "2021-02-02"})) == {"opened_on": "after_closing"}
    assert deals.faults(move(deals, deal, won, closed_on="2012-06-01")) == {"closed_on": "before_opening"}
    assert deals.read(deal["id"])["status"] == "open"
    both = move(deals, deal, won, opened_on="2021-01-10", closed_on="2021-02-01").json["data"]
    assert (both["opened_on"], both["days_to_close"]) == ("2021-01-10", 22)
    assert deals.faults(deals.patch(deal["id"], {"closed_on": "2021-01-09"})) == {"closed_on": "before_opening"}
    swapped = deals.post({"name": "Trams", "stage_id": won["id"], "opened_on": "2021-02-01", "closed_on": "2021-01-10"})
    assert deals.faults(swapped) == {"closed_on": "before_opening"}


def test_a_deal_that_is_closed_before_the_day_it_was_to_be_opened_was_opened_then(deals: Any, pipelines: Any) -> None:
    ahead = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
    deal = deals.add(opened_on=ahead)
    closed = move(deals, deal, stages(pipelines, deal)["Lost"], lost_reason="No money").json["data"]
    assert closed["opened_on"] == closed["closed_on"] < ahead


@pytest.mark.req("S4-174")
def test_a_deal_relates_to_a_company_and_several_contacts(deals: Any, companies: Any, contacts: Any) -> None:
    company, people = companies.add(), [contacts.add(last_name=name) for name in ("Durand", "Petit", "Roux")]
    deal = deals.add(
        company_id=company["id"], contact_id=people[0]["id"],
        contacts=[{"contact_id": one["id"]} for one in people[1:]],
    )  # fmt: skip
    read = deals.read(deal["id"])
    assert [one["contact_id"] for one in read["contacts"]] == [one["id"] for one in people[1:]]
    contacts.delete(people[2]["id"])
    assert len(deals.read(deal["id"])["contacts"]) == 1
    page = deals.person.page
    for shown in (f"companies/{company['id']}", *(f"contacts/{one['id']}" for one in people[:2])):
        address = unescape(re.search(r'"(/crm/deals\?[^"]*part=related)"', page.get(f"/crm/{shown}").text)[1])  # type: ignore[index]
        assert "Bicycles for the town" in page.get(address, headers={"HX-Request": "true"}).text
    begun = re.search(r'href="(/crm/deals/new\?[^"]*)"', page.get(address, headers={"HX-Request": "true"}).text)
    assert begun is not None
    assert begun[1].endswith(f"contact_id={people[1]['id']}")


def test_a_list_asks_who_takes_part_in_a_deal(deals: Any, contacts: Any) -> None:
    anna, bela = contacts.add(last_name="Anna"), contacts.add(last_name="Bela")
    deals.add(name="Main", contact_id=anna["id"])
    deals.add(name="Beside", contacts=[{"contact_id": anna["id"]}, {"contact_id": bela["id"]}])
    left = deals.add(name="Left", contacts=[{"contact_id": anna["id"]}])
    deals.patch(left["id"], {"contacts": []})
    assert deals.names(**{"filter[contacts]": anna["id"]}) == ["Beside"]
    assert deals.names(**{"filter[contacts.in]": f"{anna['id']},{bela['id']}"}) == ["Beside"]
    assert deals.names(**{"filter[contacts.not]": anna["id"]}) == ["Left", "Main"]
    assert deals.names(**{"filter[contacts.empty]": ""}) == ["Left", "Main"]
    assert deals.names(**{"filter[contacts.filled]": ""}) == ["Beside"]
    either = [{"field": name, "value": anna["id"]} for name in ("contact_id", "contacts")]
    assert deals.names(where=json.dumps({"any": either})) == ["Beside", "Main"]
    assert deals.names(where=json.dumps({"none": either})) == ["Left"]
    assert deals.person.api.get("/api/crm/deals?filter[contacts]=somebody").status_code == 422
    page = deals.person.page.get("/crm/deals", query_string={"where": json.dumps({"any": either})}).text
    assert "Main contact is Anna or Other contacts is Anna" in unescape(page)


@pytest.mark.req("S4-175")
def test_a_deal_has_an_owner_who_reaches_it(deals: Any, tenant: Tenant) -> None:
    assert deals.add()["owner_id"] == str(deals.person.member_id)
    sales, other = tenant.member("sales_rep"), tenant.member("sales_rep")
    own = deals.add(owner_id=str(sales.member_id))
    assert deals.by(sales).patch(own["id"], {"name": "Mine"}).status_code == 200
    assert deals.by(other).patch(own["id"], {"name": "Mine"}).status_code == 404
    assert deals.faults(deals.patch(own["id"], {"owner_id": str(uuid4())})) == {"owner_id": "not_found"}


@pytest.mark.req("S4-177")
def test_a_deal_has_a_source(deals: Any) -> None:
    assert deals.read(deals.add(source="referral")["id"])["source"] == "referral"
    assert deals.faults(deals.post({"name": "X", "source": "dream"})) == {"source": "unknown_choice"}


@pytest.mark.req("S4-178")
def test_a_deal_is_not_lost_without_a_reason(deals: Any, pipelines: Any) -> None:
    deal = deals.add()
    lost = stages(pipelines, deal)["Lost"]
    assert deals.faults(move(deals, deal, lost)) == {"lost_reason": "required"}
    assert deals.read(deal["id"])["status"] == "open"
    done = move(deals, deal, lost, lost_reason="Too dear").json["data"]
    assert (done["status"], done["probability"], done["lost_reason"]) == ("lost", 0, "Too dear")
    assert deals.faults(deals.patch(deal["id"], {"lost_reason": None})) == {"lost_reason": "required"}
    assert deals.faults(deals.patch(deal["id"], {"lost_reason": "x" * 201})) == {"lost_reason": "too_long"}


def test_the_form_follows_the_kind_of_the_stage_that_is_chosen(deals: Any, pipelines: Any) -> None:
    page = deals.person.page
    deal = deals.add(lines=[line()])
    of = stages(pipelines, deal)
    edit = f"/crm/deals/{deal['id']}/edit"
    shown = page.get(edit).text
    for name in ("lost_reason", "won_reason", "closed_on"):
        assert re.search(rf'data-off>\s*<label [^>]*for="f-{name}"', shown), name
    assert "tell=kind" in shown
    assert unescape(re.search(r'selected data-tells="([^"]*)"', shown)[1]) == '{"kind":"open"}'  # type: ignore[index]
    assert "data-grid-grip" in shown
    assert "data-total" in shown
    picked = deals.person.api.get("/api/crm/stages/options?tell=kind&q=lost").json["data"]
    assert [(one["label"], one["tells"]) for one in picked] == [("Lost", {"kind": "lost"})]
    unknown = deals.person.api.get("/api/crm/stages/options?tell=name")
    assert unknown.status_code == 400
    refused = page.post(edit, data={"name": "Fleet", "stage_id": of["Lost"]["id"], "pipeline_id": deal["pipeline_id"]})
    assert refused.status_code == 422
    assert 'href="#f-lost_reason"' in refused.text
    assert not re.search(r'data-off>\s*<label [^>]*for="f-lost_reason"', refused.text)


def test_a_contacts_deletion_is_undone_with_its_part_in_deals_out_of_reach(
    deals: Any, contacts: Any, tenant: Tenant
) -> None:
    seller = tenant.member("sales_rep")
    with tenant.work():
        for permission, reach in (("contact.view", Reach.ALL), ("contact.delete", Reach.ALL), ("deal.view", Reach.OWN)):
            grant(role_by_key("sales_rep").id, f"crm.{permission}", reach)
    bela = contacts.add(last_name="Bela")
    deal = deals.add(contacts=[{"contact_id": bela["id"]}])
    assert seller.api.get(f"/api/crm/deals/{deal['id']}").status_code == 404
    assert seller.api.delete(f"/api/crm/contacts/{bela['id']}").status_code == 200
    assert deals.read(deal["id"])["contacts"] == []
    with tenant.work() as work:
        newest = text("SELECT change_set_id FROM ossature.change WHERE record_id = :id ORDER BY seq DESC LIMIT 1")
        deletion = work.execute(newest, {"id": bela["id"]}).scalar_one()
    undone = seller.api.post(f"/api/ossature/change-sets/{deletion}/undo", json={})
    assert undone.status_code == 200, undone.text
    assert [one["contact_id"] for one in deals.read(deal["id"])["contacts"]] == [bela["id"]]
    assert seller.api.get(f"/api/crm/contacts/{bela['id']}").status_code == 200


@pytest.mark.parametrize(
    ("locale", "value", "price", "quantity"), [("fr", "19422,50", "100,00", "2,5"), ("en", "19422.50", "100.00", "2.5")]
)
def test_the_form_writes_numbers_as_its_reader_does(
    deals: Any, tenant: Tenant, locale: str, value: str, price: str, quantity: str
) -> None:
    page = tenant.member("owner", locale=locale).page
    plain = deals.add(value={"amount": "19422.50", "currency": "EUR"})["id"]
    assert f'value="{value}"' in page.get(f"/crm/deals/{plain}/edit").text
    lined = deals.add(lines=[line(quantity="2.500")])
    edit = f"/crm/deals/{lined['id']}/edit"
    shown = page.get(edit).text
    assert f'value="{price}"' in shown
    assert f'value="{quantity}"' in shown


def test_a_form_tells_nothing_of_a_stage_that_its_reader_may_not_see(
    deals: Any, pipelines: Any, tenant: Tenant
) -> None:
    lost = stages(pipelines, deals.add())["Lost"]["id"]
    seller = tenant.member("sales_rep")
    new = f"/crm/deals/new?stage_id={lost}"
    assert 'data-tells="{&#34;kind&#34;:&#34;lost&#34;}"' in seller.page.get(new).text
    with tenant.work():
        grant(role_by_key("sales_rep").id, "crm.pipeline.view", None)
    assert 'data-tells="{&#34;kind&#34;:null}"' in seller.page.get(new).text


def test_the_chance_of_a_closed_deal_is_locked_until_it_is_opened_again(deals: Any, pipelines: Any) -> None:
    deal = deals.add()
    of = stages(pipelines, deal)
    move(deals, deal, of["Won"])
    assert deals.faults(deals.patch(deal["id"], {"probability": 40})) == {"probability": "locked"}
    assert move(deals, deal, of["Lost"], lost_reason="Too dear").json["data"]["probability"] == 0
    assert move(deals, deal, of["Proposal"], probability=40).json["data"]["probability"] == 40
    schema = deals.person.api.get("/api/openapi.json").json["components"]["schemas"]["CrmDealInput"]["properties"]
    assert schema["lost_reason"]["x-required-when"] == {"field": "stage_id.kind", "op": "is", "value": "lost"}


@pytest.mark.req("S4-179")
def test_a_deal_has_tags_that_lists_filter_by(deals: Any) -> None:
    deal = deals.add(tags=["Fair 2026", "urgent"])
    deals.add(tags=["other"])
    assert deals.read(deal["id"])["tags"] == ["Fair 2026", "urgent"]
    found = deals.person.api.get("/api/crm/deals?filter[tags]=URGENT").json["data"]
    assert [one["id"] for one in found] == [deal["id"]]
    assert deals.faults(deals.post({"name": "X", "tags": ["x" * 61]})) == {"tags": "too_long"}


def test_what_follows_is_written_by_nobody(deals: Any) -> None:
    for name, value in (("status", "won"), ("stage_changed_at", "2026-01-01T00:00:00Z"), ("stale_from", "2026-01-01")):
        assert deals.faults(deals.post({"name": "X", name: value})) == {name: "unknown_field"}


@pytest.mark.req("S4-375")
def test_the_timeline_of_a_deal_says_who_moved_it_where(deals: Any, pipelines: Any) -> None:
    deal = deals.add()
    move(deals, deal, stages(pipelines, deal)["Proposal"])
    deals.patch(deal["id"], {"lines": [line("Helmet")]})
    told = deals.person.page.get(f"/crm/deals/{deal['id']}/timeline").text
    assert all(word in told for word in ("Stage", "Lead", "Proposal", "Helmet"))


@pytest.mark.req("S4-182", "S4-295")
def test_deals_and_lines_have_their_indexes(deals: Any, tenant: Tenant) -> None:
    with tenant.work() as work:
        rows = work.execute(text("SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'crm'"))
        found = {(table, definition.partition("(")[2].replace('"', "")) for table, definition in rows}
    for start in ("tenant_id, stage_id", "tenant_id, owner_id", "tenant_id, company_id", "tenant_id, expected_close_sort",
                  "tenant_id, deleted_at"):  # fmt: skip
        assert any(table == "deal" and columns.startswith(start) for table, columns in found), start
    assert any(table == "deal_line" and columns.startswith("tenant_id, deal_id, position") for table, columns in found)


# -- lines -------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S4-176", "S4-292", "S4-293")
def test_a_line_has_description_quantity_price_and_discount_and_its_total_follows(deals: Any) -> None:
    deal = deals.add(lines=[line("Bicycle", "99.99", quantity="3", discount="12.5"), line("Helmet", "40.00")])
    first, second = deals.read(deal["id"])["lines"]
    assert (first["description"], first["quantity"], first["discount"]) == ("Bicycle", "3.000", "12.50")
    assert first["total"] == {"amount": "262.47", "currency": "EUR"}  # 262.473 75
    assert (second["quantity"], second["discount"], second["total"]["amount"]) == ("1.000", "0.00", "40.00")
    for wrong, code in (
        ({"description": None}, "required"), ({"quantity": "-1"}, "too_small"), ({"quantity": "1.2345"}, "too_precise"),
        ({"discount": "101"}, "too_large"), ({"unit_price": None}, "required"), ({"quantity": "1000001"}, "too_large"),
    ):  # fmt: skip
        (field,) = wrong
        assert deals.faults(deals.patch(deal["id"], {"lines": [{**line(), **wrong}]})) == {f"lines.0.{field}": code}
    assert len(deals.read(deal["id"])["lines"]) == 2


@settings(max_examples=200)
@given(
    st.decimals(0, 1_000_000, places=3), st.integers(0, 10**9), st.decimals(0, 100, places=2)
)  # fmt: skip
def test_the_total_is_rounded_half_up(quantity: Decimal, price: int, discount: Decimal) -> None:
    exact = quantity * price * (100 - discount) / 100
    total = line_total(quantity, Money(price, "EUR"), discount).minor
    assert Decimal(total) - Decimal("0.5") <= exact < Decimal(total) + Decimal("0.5")


def test_the_database_rounds_a_total_as_we_do(deals: Any) -> None:
    given = [("0.5", "0.01", "0"), ("1.5", "0.01", "0"), ("2.5", "0.33", "50"), ("0.333", "99.99", "33.33")]
    added = deals.add(lines=[line("X", price, quantity=quantity, discount=off) for quantity, price, off in given])
    for (quantity, price, off), stored in zip(given, added["lines"], strict=True):
        ours = line_total(Decimal(quantity), Money.of(price, "EUR"), Decimal(off))
        assert stored["total"]["amount"] == str(ours.amount)
    assert added["value"]["amount"] == str(sum(Decimal(one["total"]["amount"]) for one in added["lines"]))


def test_the_value_follows_from_the_lines_where_there_are_any(deals: Any) -> None:
    deal = deals.add(value=EUR)
    assert deal["value"] == EUR
    with_lines = deals.patch(deal["id"], {"lines": [line(amount="10.00"), line(amount="5.50", quantity="2")]})
    assert with_lines.json["data"]["value"] == {"amount": "21.00", "currency": "EUR"}
    assert deals.patch(deal["id"], {"value": EUR}).json["data"]["value"]["amount"] == "21.00"
    emptied = deals.patch(deal["id"], {"lines": []}).json["data"]
    assert emptied["value"]["amount"] == "21.00"
    assert deals.patch(deal["id"], {"value": EUR}).json["data"]["value"] == EUR


def test_lines_in_two_currencies_are_refused_by_name(deals: Any) -> None:
    refused = deals.post({"name": "X", "lines": [line(), line("Helmet", currency="USD")]})
    assert deals.faults(refused) == {"lines.1.unit_price": "other_currency"}
    assert "Line 2 is in USD" in refused.json["error"]["details"][0]["message"]
    huge = deals.post({"name": "X", "lines": [line(amount="99999999999999", quantity="1000000")]})
    assert deals.faults(huge) == {"lines.0.quantity": "too_large"}


def test_lines_are_moved_by_sending_them_in_another_order(deals: Any) -> None:
    deal = deals.add(lines=[line("A"), line("B"), line("C")])
    a, b, c = deal["lines"]
    deals.patch(deal["id"], {"lines": [c, a, b]})
    assert [one["description"] for one in deals.read(deal["id"])["lines"]] == ["C", "A", "B"]


# -- staleness ---------------------------------------------------------------------------------------------------------


def test_a_deal_that_does_not_move_grows_stale_by_what_its_stage_says(
    deals: Any, pipelines: Any, tenant: Tenant
) -> None:
    deal = deals.add()
    pipeline = pipelines.read(deal["pipeline_id"])
    assert deal["stale_from"] is None
    pipeline["stages"][0]["rotting_days"] = 7
    assert pipelines.patch(pipeline["id"], {"stages": pipeline["stages"]}).status_code == 200
    run_pending(tenant)
    read = deals.read(deal["id"])
    since = datetime.fromisoformat(read["stage_changed_at"]).date()
    assert abs(datetime.fromisoformat(read["stale_from"]).date() - since - timedelta(days=7)) <= timedelta(days=1)
    assert read["version"] == deal["version"]
    assert move(deals, deal, stages(pipelines, deal)["Won"]).json["data"]["stale_from"] is None
