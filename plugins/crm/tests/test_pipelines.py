"""Pipelines and their stages: several of them, changed as an organisation likes, never leaving a deal nowhere."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from ossature.testing.people import Tenant

pytestmark = pytest.mark.database

OPEN = {"name": "Open", "probability": 20}
STAGES = [OPEN, {"name": "Won", "kind": "won"}, {"name": "Lost", "kind": "lost"}]


def names(pipeline: dict[str, Any]) -> list[str]:
    return [stage["name"] for stage in pipeline["stages"]]


@pytest.mark.req("S4-011", "S4-371")
def test_stages_are_added_renamed_reordered_and_removed(pipelines: Any) -> None:
    pipeline = pipelines.add(stages=STAGES)
    first, won, lost = pipeline["stages"]
    changed = pipelines.patch(
        pipeline["id"], {"stages": [{"name": "Call"}, {**first, "name": "Demo", "rotting_days": 14}, lost, won]}
    ).json["data"]
    assert names(changed) == ["Call", "Demo", "Lost", "Won"]
    assert changed["stages"][1]["rotting_days"] == 14
    removed = pipelines.patch(pipeline["id"], {"stages": changed["stages"][1:]}).json["data"]
    assert names(removed) == ["Demo", "Lost", "Won"]


@pytest.mark.req("A-085")
def test_an_organisation_has_several_pipelines_with_their_own_stages(pipelines: Any, deals: Any) -> None:
    one, two = pipelines.add(name="New", stages=STAGES), pipelines.add(name="Renewal", stages=STAGES)
    deal = deals.add(stage_id=two["stages"][0]["id"])
    assert deal["pipeline_id"] == two["id"]
    assert deals.add(pipeline_id=two["id"])["stage_id"] == two["stages"][0]["id"]
    assert deals.add()["pipeline_id"] == one["id"]
    moved = deals.patch(deal["id"], {"pipeline_id": one["id"]}).json["data"]
    assert moved["stage_id"] == one["stages"][0]["id"]


def test_a_stage_of_another_pipeline_is_refused_with_those_there_are(pipelines: Any, deals: Any) -> None:
    one, two = pipelines.add(name="New", stages=STAGES), pipelines.add(name="Renewal", stages=STAGES)
    deal = deals.add(pipeline_id=one["id"])
    refused = deals.patch(deal["id"], {"stage_id": two["stages"][0]["id"]})
    assert deals.faults(refused) == {"stage_id": "other_pipeline"}
    assert "Open, Won, Lost" in refused.json["error"]["details"][0]["message"]


@pytest.mark.req("S1-08", "S4-170")
def test_both_sets_of_stages_are_there_to_begin_with(pipelines: Any) -> None:
    page = pipelines.person.page
    shown = page.get("/crm/settings/pipelines").text
    assert "Lead › Qualified › Proposal › Won › Lost" in " ".join(shown.split())
    for template in ("short", "long"):
        made = page.post("/crm/settings/pipelines", data={"template": template})
        assert made.status_code == 303
    assert page.post("/crm/settings/pipelines", data={"template": "other"}).status_code == 422
    found = pipelines.list(include="stages", sort="created_at").json["data"]
    assert [names(one) for one in found] == [
        ["Lead", "Qualified", "Proposal", "Won", "Lost"],
        ["Lead", "Qualified", "Proposal", "Negotiation", "Closed won", "Closed lost"],
    ]
    assert [stage["kind"] for stage in found[1]["stages"]] == ["open"] * 4 + ["won", "lost"]


def test_the_first_deal_makes_a_pipeline_and_two_at_once_make_one(deals: Any, pipelines: Any, tenant: Tenant) -> None:
    assert pipelines.names() == []
    second = deals.by(tenant.member("sales_rep"))
    threads = [threading.Thread(target=api.post, args=({"name": "First"},)) for api in (deals, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pipelines.names() == ["Sales"]
    assert deals.names() == ["First", "First"]


def test_a_stage_is_not_removed_while_deals_stand_in_it(pipelines: Any, deals: Any) -> None:
    pipeline = pipelines.add(stages=[*STAGES, {"name": "Second"}])
    first, won, lost, second = pipeline["stages"]
    deals.add(stage_id=first["id"])
    refused = pipelines.patch(pipeline["id"], {"stages": [won, lost, second]})
    assert pipelines.faults(refused) == {"stages": "in_use"}
    assert "1 deal stands in Open. Move them" in refused.json["error"]["details"][0]["message"]
    other_kind = pipelines.patch(pipeline["id"], {"stages": [{**first, "kind": "won"}, won, lost, second]})
    assert pipelines.faults(other_kind) == {"stages.0.kind": "in_use"}
    page = pipelines.person.page
    moved = page.post(
        f"/crm/settings/pipelines/{pipeline['id']}/move-deals", data={"from": first["id"], "to": second["id"]}
    )
    assert moved.status_code == 303
    assert deals.list().json["data"][0]["stage_id"] == second["id"]
    assert pipelines.patch(pipeline["id"], {"stages": [won, lost, second]}).status_code == 200
    assert pipelines.delete(pipeline["id"]).status_code == 409


def test_deals_are_moved_together_to_open_stages_of_the_same_pipeline_only(
    pipelines: Any, deals: Any, tenant: Tenant
) -> None:
    one, two = pipelines.add(stages=STAGES), pipelines.add(name="Other", stages=STAGES)
    deal = deals.add(stage_id=one["stages"][0]["id"])
    address = f"/crm/settings/pipelines/{one['id']}/move-deals"
    page = pipelines.person.page
    for to in (one["stages"][1]["id"], two["stages"][0]["id"], "", one["stages"][0]["id"]):
        page.post(address, data={"from": one["stages"][0]["id"], "to": to})
        assert deals.read(deal["id"])["stage_id"] == one["stages"][0]["id"]
    stranger = tenant.member("viewer")
    assert stranger.page.post(address, data={}).status_code == 403


def test_a_pipeline_has_an_open_stage_and_stages_of_different_names(pipelines: Any) -> None:
    assert pipelines.faults(pipelines.post({"name": "X"})) == {"stages": "required"}
    assert pipelines.faults(pipelines.post({"name": "X", "stages": STAGES[1:]})) == {"stages": "required"}
    twice = pipelines.post({"name": "X", "stages": [OPEN, {"name": "öpen"}]})
    assert pipelines.faults(twice) == {"stages.1.name": "repeated"}
    wrong = pipelines.post({"name": "X", "stages": [{"name": "A", "kind": "maybe", "probability": 101}]})
    assert pipelines.faults(wrong) == {"stages.0.kind": "unknown_choice", "stages.0.probability": "too_large"}


def test_a_stage_asks_for_what_it_requires_by_name(pipelines: Any, deals: Any, companies: Any) -> None:
    asking = {"name": "Offer", "requires_company": True, "requires_value": True, "requires_close": True,
              "requires_contact": True}  # fmt: skip
    pipeline = pipelines.add(stages=[OPEN, asking])
    deal = deals.add(pipeline_id=pipeline["id"])
    offer = pipeline["stages"][1]["id"]
    refused = deals.patch(deal["id"], {"stage_id": offer})
    assert set(deals.faults(refused)) == {"company_id", "value", "expected_close", "contact_id"}
    assert "In the stage Offer a deal needs a company." in refused.text
    person = RecordApiOf(deals).add_contact()
    given = {"company_id": companies.add()["id"], "expected_close": "2026-12-01",
             "value": {"amount": "1.00", "currency": "EUR"}, "contacts": [{"contact_id": person}]}  # fmt: skip
    assert deals.patch(deal["id"], {"stage_id": offer, **given}).status_code == 200
    assert deals.faults(deals.patch(deal["id"], {"value": None})) == {"value": "required"}
    assert deals.patch(deal["id"], {"name": "Renamed"}).status_code == 200


class RecordApiOf:
    """Somebody to name, made through the same person."""

    def __init__(self, deals: Any) -> None:
        self.api = deals.person.api

    def add_contact(self) -> str:
        id: str = self.api.post("/api/crm/contacts", json={"last_name": "Petit"}).json["data"]["id"]
        return id


def test_a_sales_representative_sees_every_pipeline_and_who_only_reads_changes_none(
    pipelines: Any, deals: Any, tenant: Tenant
) -> None:
    pipeline = pipelines.add(stages=STAGES)
    sales, viewer = tenant.member("sales_rep"), tenant.member("viewer")
    assert pipelines.by(sales).names() == ["Sales"]
    assert deals.by(sales).add(stage_id=pipeline["stages"][0]["id"])["status"] == "open"
    assert pipelines.by(viewer).patch(pipeline["id"], {"name": "Mine"}).status_code == 403
    assert viewer.page.get("/crm/settings/pipelines").status_code == 403


def test_the_picker_of_stages_names_their_pipeline(pipelines: Any) -> None:
    pipelines.add(name="New", stages=STAGES)
    pipelines.add(name="Renewal", stages=STAGES)
    found = pipelines.person.api.get("/api/crm/stages/options?q=op").json["data"]
    assert [(one["label"], one["hint"]) for one in found] == [("Open", "New"), ("Open", "Renewal")]
