"""Why somebody may or may not: the same verdict as the predicate that everything asks, and how it came about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from ossature.context import Context, Reach
from ossature.db import session
from ossature.kernel import kernel
from ossature.rbac.acting import as_actor
from ossature.rbac.keys import issue_key
from ossature.rbac.members import assign_roles, set_team_members
from ossature.rbac.predicate import reaches, reaches_owner
from ossature.rbac.roles import create_role, grant, role_by_key
from ossature.rbac.why import why
from ossature.testing.people import Person, Tenant, client_of

pytestmark = pytest.mark.database

RECORD, PATH = "_kinds.sample", "/api/_kinds/samples"
WHY = "/api/ossature/why"
REACHES = (None, Reach.OWN, Reach.TEAM, Reach.ALL)


@dataclass
class House:
    """Somebody with two roles, a colleague of the same team, somebody else, and a record of each and of nobody."""

    tenant: Tenant
    owner: Person
    asked: Person
    colleague: Person
    stranger: Person
    rows: dict[str, UUID]
    roles: list[UUID]

    def context(self) -> Context:
        found = as_actor(self.tenant.info, self.tenant.plugins, self.asked.member_id)
        assert found is not None
        return found

    def give(self, one: Reach | None, other: Reach | None, action: str) -> None:
        with self.tenant.work():
            for role, reach in zip(self.roles, (one, other), strict=True):
                grant(role, f"{RECORD}.{action}", reach)

    def ask(self, person: Person, **query: Any) -> Any:
        return person.api.get(WHY, query_string={"record": RECORD, **query})


@pytest.fixture
def house(tenant: Tenant) -> House:
    people = owner, asked, colleague, stranger = [
        tenant.member("owner", name="Olga"), tenant.member("viewer", name="Anna"),
        tenant.member("viewer", name="Ben"), tenant.member("viewer", name="Carl"),
    ]  # fmt: skip
    team = owner.api.post("/api/ossature/teams", json={"name": "North"}).json["data"]["id"]
    with tenant.work():
        set_team_members(UUID(team), [asked.member_id, colleague.member_id])
        roles = [create_role("Clerk", "").id, create_role("Guest", "").id]
        assign_roles(asked.member_id, roles)
    rows = {}
    for name, person in (("mine", asked), ("theirs", colleague), ("strange", stranger), ("nobody's", None)):
        made = owner.api.post(PATH, json={"name": name, "owner_id": str(person.member_id) if person else None})
        rows[name] = UUID(made.json["data"]["id"])
        if person is None:
            cleared = owner.api.patch(f"{PATH}/{rows[name]}", json={"owner_id": None})
            assert cleared.json["data"]["owner_id"] is None
    return House(tenant, *people, rows, roles)


@pytest.mark.req("A-045")
@pytest.mark.parametrize("action", ["view", "edit"])
def test_the_verdict_is_that_of_the_predicate_for_all_roles_reaches_and_owners(house: House, action: str) -> None:
    decided = set()
    for one, other in product(REACHES, REACHES):
        house.give(one, other, action)
        context = house.context()
        rt = kernel().records[RECORD]
        with house.owner.work():
            for name, id in house.rows.items():
                found = why(rt, action, id, house.asked.member_id)
                owner_id = found.row.owner_id if found.row else None
                here = select(rt.c.id).where(rt.c.id == id, reaches(rt, action, context))
                by_sql = session().execute(here).scalar() is not None
                assert found.allowed == by_sql == reaches_owner(rt, action, owner_id, context), (one, other, name)
                assert found.allowed == any(role.reaches for role in found.roles)
                assert {role.name: role.reach for role in found.roles} == {"Clerk": one, "Guest": other}
                assert bool(found.role) == (found.rule != "ungranted")
                assert found.allowed == (found.rule in ("all", "team", "own"))
                decided.add((found.rule, name))
    assert decided == {
        *((rule, name) for rule in ("all", "ungranted") for name in house.rows),
        ("own", "mine"), ("team", "theirs"), ("out_of_reach", "theirs"), ("out_of_reach", "strange"),
        ("out_of_reach", "nobody's"),
    }  # fmt: skip


@pytest.mark.req("A-045")
def test_rule_role_and_value_are_named(house: House) -> None:
    house.give(Reach.TEAM, None, "edit")

    def told(name: str, action: str = "edit") -> dict[str, Any]:
        answer = house.ask(house.owner, id=str(house.rows[name]), action=action, actor=str(house.asked.member_id))
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json["data"]
        return data

    theirs, strange, nobodys, mine = (told(name) for name in ("theirs", "strange", "nobody's", "mine"))
    assert (theirs["rule"], theirs["role"], theirs["value"]) == ("team", "Clerk", "North")
    assert theirs["reasons"] == [
        "This takes the right “Samples: Edit”.",
        "Clerk grants it for records of one’s teams.",
        "The record belongs to Ben, who is in the same team: North.",
    ]
    assert (strange["rule"], strange["value"]) == ("out_of_reach", "Carl")
    assert strange["reasons"][-1] == "The record belongs to Carl, who is in no team with Anna."
    assert nobodys["reasons"][-1] == "Nobody owns this record, so it is within no narrower reach than all records."
    assert (mine["rule"], mine["value"]) == ("own", "Anna")
    delete = told("mine", "delete")
    assert delete["reasons"][1] == "None of these grants it: Clerk, Guest."
    assert (delete["rule"], delete["role"], delete["allowed"]) == ("ungranted", None, False)


def test_owners_platform_and_records_without_owner_have_rules_of_their_own(house: House) -> None:
    mine = house.ask(house.owner, id=str(house.rows["strange"]), action="delete").json["data"]
    assert (mine["rule"], mine["role"], mine["allowed"]) == ("everything", "Owner", True)
    team = house.stranger.api.get(WHY, query_string={"record": "ossature.team"}).json["data"]
    assert (team["rule"], team["role"], team["allowed"]) == ("any_row", "Viewer", True) or team["rule"] == "all"


@pytest.mark.req("A-045")
def test_about_oneself_nothing_is_told_of_what_one_does_not_see(house: House) -> None:
    house.give(Reach.OWN, None, "view")
    hidden = house.ask(house.asked, id=str(house.rows["strange"])).json["data"]
    absent = house.ask(house.asked, id=str(uuid4())).json["data"]
    assert {**hidden, "id": None} == {**absent, "id": None}
    assert (hidden["rule"], hidden["allowed"], hidden["row"]) == ("unseen", False, None)
    foreign = house.ask(house.asked, id=str(house.rows["mine"])).json["data"]
    assert (foreign["rule"], foreign["row"]["title"]) == ("own", "mine")
    pages = [
        house.asked.page.get("/why", query_string={"record": RECORD, "id": id}).text.replace(str(id), "")
        for id in (house.rows["strange"], uuid4())
    ]
    inside = [page.split("<main", 1)[1].split("</main>", 1)[0] for page in pages]
    assert inside[0] == inside[1]
    assert "There is no such record within that reach." in inside[0]


def test_about_others_only_those_may_ask_who_see_members(house: House) -> None:
    house.give(Reach.ALL, None, "view")
    query = {"id": str(house.rows["mine"]), "actor": str(house.colleague.member_id)}
    refused = house.ask(house.asked, **query)
    assert (refused.status_code, refused.json["error"]["permission"]) == (403, "ossature.members.view")
    assert house.ask(house.owner, **query).status_code == 200
    with house.tenant.work():
        grant(house.roles[0], "ossature.members.view", Reach.ALL)
    assert house.ask(house.asked, **query).status_code == 200
    with house.tenant.work():
        grant(house.roles[0], f"{RECORD}.view", Reach.OWN)
    unseen = [house.ask(house.asked, actor=query["actor"], id=str(id)) for id in (house.rows["strange"], uuid4())]
    assert [answer.status_code for answer in unseen] == [404, 404]
    assert unseen[0].json["error"]["message"] == unseen[1].json["error"]["message"]


def test_another_tenants_members_and_records_are_not_there(house: House, make_tenant: Callable[..., Tenant]) -> None:
    other = make_tenant().member("owner")
    for query in ({"actor": str(house.asked.member_id)}, {"actor": str(uuid4())}):
        assert house.ask(other, **query).status_code == 404
    found = house.ask(other, id=str(house.rows["mine"])).json["data"]
    assert (found["rule"], found["row"]) == ("unseen", None)


def test_a_personal_key_has_its_scope_and_its_members_roles(house: House) -> None:
    with house.owner.work():
        key = issue_key("Sync", {f"{RECORD}.view": Reach.OWN}, member_id=house.owner.member_id)
    api = client_of(house.tenant.app, house.tenant.url, Authorization=f"Bearer {key.shown}")
    found = api.get(WHY, query_string={"record": RECORD, "action": "view"}).json["data"]
    assert (found["allowed"], found["reach"]) == (True, "own")
    assert [role["name"] for role in found["roles"]] == ["The scope of the key Sync", "Owner"]
    without = api.get(WHY, query_string={"record": RECORD, "action": "edit"}).json["data"]
    assert (without["allowed"], without["rule"]) == (False, "ungranted")


def test_fields_with_a_right_of_their_own_are_told_to_those_who_have_it_or_give_it(house: House) -> None:
    (field,) = house.ask(house.owner, actor=str(house.asked.member_id)).json["data"]["fields"]
    assert (field["field"], field["allowed"], field["roles"]) == ("remark", False, [])
    assert house.ask(house.asked).json["data"]["fields"] == []


@pytest.mark.req("A-045")
def test_a_refusal_says_why_to_whom_it_meets(house: House) -> None:
    house.give(Reach.ALL, None, "view")
    house.give(None, Reach.OWN, "edit")
    answer = house.asked.api.patch(f"{PATH}/{house.rows['strange']}", json={"name": "Other"})
    assert answer.status_code == 403
    assert answer.json["error"]["reasons"] == [
        "This takes the right “Samples: Edit”.",
        "Guest grants it for one’s own records.",
        "The record belongs to Carl, not to Anna.",
    ]
    page = house.asked.page.get("/settings/roles")
    assert page.status_code == 403
    assert "None of these grants it: Clerk, Guest." in page.text
    assert 'href="/why"' in page.text
    post = house.asked.page.post(f"/_kinds/samples/{house.rows['strange']}/delete")
    assert (post.status_code, "None of these grants it" in post.text) == (403, True)


def test_the_page_answers_from_the_records_menu_and_from_a_members_page(house: House) -> None:
    house.give(Reach.TEAM, None, "view")
    address = f"/why?record={RECORD}&amp;id={house.rows['theirs']}"
    assert address in house.asked.page.get(f"/_kinds/samples/{house.rows['theirs']}").text
    shown = house.asked.page.get(address.replace("&amp;", "&")).text
    assert "Anna may see: theirs" in shown
    assert "The record belongs to Ben, who is in the same team: North." in shown
    assert "f-actor" not in shown
    member = house.owner.page.get(f"/settings/members/{house.asked.member_id}").text
    assert f"/why?actor={house.asked.member_id}" in member
    assert "Anna" in house.owner.page.get(f"/why?actor={house.asked.member_id}").text


@pytest.mark.parametrize(
    "query",
    [{"record": ""}, {"record": "no.such"}, {"record": "_kinds.sample_line"}, {"action": "fly"}, {"id": "7"},
     {"actor": "\x00"}, {"colour": "red"}],
)  # fmt: skip
def test_a_question_that_cannot_be_read_is_refused_naming_the_parameter(tenant: Tenant, query: dict[str, str]) -> None:
    person = tenant.member()
    answer = person.api.get(WHY, query_string={"record": RECORD, **query})
    assert answer.status_code == 400
    assert answer.json["error"]["details"][0]["field"] == next(iter(query))
    if "record" not in query or query["record"]:
        assert person.page.get("/why", query_string={"record": RECORD, **query}).status_code == 400


def test_roles_of_presets_are_named_as_they_are_called_here(tenant: Tenant) -> None:
    with tenant.work():
        name = role_by_key("viewer").name
    found = tenant.member("viewer").api.get(WHY, query_string={"record": RECORD}).json["data"]
    assert (found["role"], found["rule"]) == (name, "all")
