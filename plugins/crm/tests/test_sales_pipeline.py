"""8,800 real opportunities come in through the API, with their companies, people, products and stages; nothing is lost."""

from __future__ import annotations

import csv
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ossature.rbac.models import TeamMember
from ossature.testing.importing import Imported, send
from ossature.testing.needs import need
from ossature.testing.people import Person, Tenant

pytestmark = [pytest.mark.database, pytest.mark.slow]

DATA = Path(os.environ.get("OSSATURE_TEST_DATA") or Path(__file__).parents[4] / "shared" / "data") / "sales-pipeline"
COMPANIES, DEALS, PIPELINES = "/api/crm/companies", "/api/crm/deals", "/api/crm/pipelines"
STAGES = {"Prospecting": "open", "Engaging": "open", "Won": "won", "Lost": "lost"}
PER_MANAGER = {
    "Cara Losch": (480, 265), "Celia Rouche": (610, 352), "Dustin Brinkmann": (747, 439), "Melvin Marxen": (882, 536),
    "Rocco Neubert": (691, 422), "Summer Sewald": (828, 459),
}  # fmt: skip


def read(name: str) -> list[dict[str, str]]:
    if not DATA.is_dir():
        need(f"{DATA} is not there; name it with OSSATURE_TEST_DATA")
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def imported(person: Person, url: str, name: str, mapping: dict[str, Any]) -> Imported:
    answer = send(person, url, (DATA / name).read_bytes(), mapping, 201, filename=name)
    return Imported(person, f"{url}/imports", answer.json["data"])


def accounts_mapping() -> dict[str, Any]:
    return {
        "columns": [
            {"index": 0, "to": "name"},
            {"index": 1, "to": "industry", "values": {"technolgy": "technology"}},
            {"index": 3, "to": "annual_revenue", "currency": "USD"},
            {"index": 6, "to": "parent_id"},
        ],
        "key": ["name"], "mode": "both",
    }  # fmt: skip


def deals_mapping(products: list[str]) -> dict[str, Any]:
    return {
        "columns": [
            {"index": 0, "to": "external_id", "source": "maven"},
            {"index": 0, "to": "name"},
            {"index": 1, "to": "owner_id"},
            {"index": 2, "to": "lines.description", "values": {one: one for one in products}, "others": "refuse"},
            {"index": 3, "to": "company_id"},
            {"index": 4, "to": "stage_id"},
            {"index": 5, "to": "opened_on"},
            {"index": 6, "to": "closed_on"},
            {"index": 7, "to": "lines.unit_price", "currency": "USD"},
        ],
        "defaults": {"pipeline_id": "Opportunities", "lost_reason": "Not told", "lines.unit_price": "0"},
        "key": ["external_id"], "mode": "both",
    }  # fmt: skip


def people_of(tenant: Tenant) -> dict[str, list[str]]:
    """The agents as members, in a team each by their manager: who is in it, by manager."""
    teams: dict[str, list[str]] = {}
    owner = tenant.member("owner")
    for row in read("sales_teams.csv"):
        if row["manager"] not in teams:
            answer = owner.api.post("/api/ossature/teams", json={"name": row["manager"]})
            teams[row["manager"]] = [answer.json["data"]["id"]]
        agent = tenant.member("sales_rep", name=row["sales_agent"])
        with tenant.work() as work:
            work.add(TeamMember(tenant_id=tenant.id, team_id=teams[row["manager"]][0], member_id=agent.member_id))
        teams[row["manager"]].append(str(agent.member_id))
    return {manager: members[1:] for manager, members in teams.items()}


def groups(person: Person, question: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    answer = person.api.get(f"{DEALS}/aggregate?{question}")
    assert answer.status_code == 200, answer.text
    return {tuple(one["keys"].values()): one for one in answer.json["data"]}


@pytest.mark.req("S4-364", "A-021")
def test_all_opportunities_come_in_and_the_product_says_of_them_what_the_file_does(
    owner: Person, tenant: Tenant
) -> None:
    teams = people_of(tenant)
    assert sum(map(len, teams.values())) == 35
    kinds = [{"name": name, "kind": kind} for name, kind in STAGES.items()]
    answer = owner.api.post(PIPELINES, json={"name": "Opportunities", "stages": kinds})
    assert answer.status_code == 201, answer.text
    pipeline = answer.json["data"]["id"]

    accounts = imported(owner, COMPANIES, "accounts.csv", accounts_mapping()).run()
    assert accounts.counts == (85, 0, 0, 0), accounts.faults()
    with_parent = sum(1 for row in read("accounts.csv") if row["subsidiary_of"])
    companies = {one["name"]: one for one in _all(owner, f"{COMPANIES}?limit=100")}
    assert sum(1 for one in companies.values() if one["parent_id"]) == with_parent
    assert {one["industry"] for one in companies.values()} & {"technolgy", "technology"} == {"technology"}
    owner.api.delete(f"{COMPANIES}/{companies['Cancity']['id']}")

    file = read("sales_pipeline.csv")
    products = [row["product"] for row in read("products.csv")]
    imp = imported(owner, DEALS, "sales_pipeline.csv", deals_mapping(products)).check()
    assert imp.head["total"] == 8800
    wrong = {
        *((n, "product", row["product"]) for n, row in enumerate(file, 2) if row["product"] not in products),
        *((n, "account", row["account"]) for n, row in enumerate(file, 2) if row["account"] == "Cancity"),
    }
    assert {fault[:3] for fault in imp.faults()} == wrong
    assert {fault[3] for fault in imp.faults()} == {"unknown_value", "not_found"}

    owner.api.post(f"{COMPANIES}/{companies['Cancity']['id']}/restore", json={})
    imp.ask("POST", "/values", json={"column": 2, "value": "GTXPro", "to": "GTX Pro"})
    imp.ask("POST", "/values", json={"column": 3, "value": "Cancity", "to": "Cancity"})
    assert imp.check().counts == (8800, 0, 0, 0), imp.faults()[:5]
    assert imp.run().counts == (8800, 0, 0, 0), imp.faults()[:5]
    mapping = imp.head["mapping"]

    by_stage = groups(owner, "group=stage_id&measure=sum:value,avg:days_to_close")
    names = {one["id"]: one["name"] for one in owner.api.get(f"{PIPELINES}/{pipeline}").json["data"]["stages"]}
    found = {names[key[0]]: one for key, one in by_stage.items()}
    assert {name: one["count"] for name, one in found.items()} == {
        "Won": 4238, "Lost": 2473, "Engaging": 1589, "Prospecting": 500,
    }  # fmt: skip
    won = found["Won"]["values"]["sum:value"]
    assert "10005534" in str(won).replace(",", ""), won
    days = {name: round(Decimal(str(found[name]["values"]["avg:days_to_close"])), 1) for name in ("Won", "Lost")}
    assert days == {"Won": Decimal("51.8"), "Lost": Decimal("41.5")}

    by_owner = groups(owner, "group=owner_id,status")
    told = {
        manager: tuple(
            sum(one["count"] for (who, status), one in by_owner.items() if who in members and status == wanted)
            for wanted in ("won", "lost")
        )
        for manager, members in teams.items()
    }
    assert told == PER_MANAGER
    assert len({who for who, _status in by_owner}) == 30
    shown = _all(owner, f"{DEALS}?limit=200&include=lines")
    assert Counter(line["description"] for deal in shown for line in deal["lines"]) == Counter(
        row["product"].replace("GTXPro", "GTX Pro") for row in file
    )
    assert sum(1 for deal in shown if deal["company_id"] is None) == 1425

    again = imported(owner, DEALS, "sales_pipeline.csv", mapping).run()
    assert again.counts == (0, 0, 8800, 0), again.faults()[:5]
    assert imported(owner, COMPANIES, "accounts.csv", accounts_mapping()).run().counts == (0, 0, 85, 0)


def _all(person: Person, url: str) -> list[dict[str, Any]]:
    found, cursor = list[dict[str, Any]](), ""
    while cursor is not None:
        answer = person.api.get(f"{url}{f'&cursor={cursor}' if cursor else ''}")
        assert answer.status_code == 200, answer.text
        found += answer.json["data"]
        cursor = answer.json["meta"]["next"]
    return found
