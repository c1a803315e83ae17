"""Every way to read reveals the same set of records: lists, single records, searches, pickers, groups, the change feed,
what is included, pages and the texts of refusals, for each preset role, each reach, and another organisation.

Each record carries a word that stands nowhere else. What somebody may see follows from grants and owners by the rule as
it is written down (own, team, all), not from the product's own predicate.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from ossature.context import Reach
from ossature.rbac.members import assign_roles, set_team_members
from ossature.rbac.roles import create_role, grant
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

ROLES = ("owner", "admin", "manager", "user", "auditor", "viewer", "sales_rep", "read_only")
VIEW, TAKE_OUT = "crm.contact.view", "crm.contact.export"
CONTACTS, COMPANIES = "/api/crm/contacts", "/api/crm/companies"
WORD = re.compile(r"zqword[a-z]+x", re.IGNORECASE)


@dataclass
class Known:
    """A contact: whose it is, the word that only it carries, and the company whose main contact it is."""

    id: str
    word: str
    owner: UUID | None
    company: str
    deleted: bool = False


@dataclass
class House:
    """People with contacts of their own: the one who asks, a colleague of the team, a stranger; and one of nobody's."""

    tenant: Tenant
    boss: Person
    asking: Person
    colleague: Person
    stranger: Person
    contacts: list[Known] = field(default_factory=list)

    def of(self, reach: Reach | None, *, deleted: bool = False) -> list[Known]:
        """What somebody with that reach is to see, by the rule."""
        mine, team = {self.asking.member_id}, {self.asking.member_id, self.colleague.member_id}
        seen: dict[Reach | None, Callable[[Known], bool]] = {
            None: lambda one: False, Reach.OWN: lambda one: one.owner in mine,
            Reach.TEAM: lambda one: one.owner in team, Reach.ALL: lambda one: True,
        }  # fmt: skip
        return [one for one in self.contacts if seen[reach](one) and one.deleted == deleted]


@pytest.fixture
def house(tenant: Tenant) -> House:
    boss = tenant.member("owner")
    asking, colleague, stranger = (tenant.member("viewer") for _number in range(3))
    found = House(tenant, boss, asking, colleague, stranger)
    team = boss.api.post("/api/ossature/teams", json={"name": "North"}).json["data"]["id"]
    with tenant.work():
        set_team_members(UUID(team), [asking.member_id, colleague.member_id])
    letters = iter("abcdefghij")
    for owner in (asking, colleague, stranger, None):
        for deleted in (False, True):
            found.contacts.append(_contact(boss, owner, f"Zqword{next(letters) * 3}x", deleted=deleted))
    return found


def _contact(boss: Person, owner: Person | None, word: str, *, deleted: bool) -> Known:
    company = boss.api.post(COMPANIES, json={"name": "Firm"}).json["data"]["id"]
    email = f"{word.lower()}@example.com"
    owner_id = str(owner.member_id) if owner else str(boss.member_id)
    body = {"last_name": word, "email": email, "company_id": company, "owner_id": owner_id, "notes": word}
    id = boss.api.post(CONTACTS, json=body).json["data"]["id"]
    assert boss.api.patch(f"{COMPANIES}/{company}", json={"primary_contact_id": id}).status_code == 200
    if owner is None:
        assert boss.api.patch(f"{CONTACTS}/{id}", json={"owner_id": None}).status_code == 200
    assert boss.api.put(f"{CONTACTS}/{id}/external-ids/shop/{word}").status_code == 201
    if deleted:
        assert boss.api.delete(f"{CONTACTS}/{id}").status_code == 200
    return Known(id, word.lower(), owner.member_id if owner else None, company, deleted)


def data(person: Person, path: str, **query: str) -> Any:
    """What an API answers; nothing where the caller may not ask at all."""
    answer: Any = person.api.get(path, query_string=query)
    assert answer.status_code in (200, 403, 404, 422), f"{path} {query}: {answer.text}"
    return answer.json["data"] if answer.status_code == 200 else []


def revealed(person: Person, house: House) -> Iterator[tuple[str, set[str]]]:
    """Each way to read live records, and the ids that it gives."""
    yield "list", {row["id"] for row in data(person, CONTACTS, limit="200")}
    yield "short list", {row["id"] for row in data(person, "/api/contacts", limit="200", fields="status")}
    yield "sorted list", {row["id"] for row in data(person, CONTACTS, sort="company_id,-owner_id", limit="200")}
    yield "list by cursors", set(walked(person))
    live = [one for one in house.contacts if not one.deleted]
    yield "detail", {one.id for one in live if read(person, one.id) == 200}
    yield "search in the list", {row["id"] for row in data(person, CONTACTS, search="zqword", limit="200")}
    by_code = (data(person, CONTACTS, search=f"{one.word}@example.com") for one in live)
    yield "search by code", {row["id"] for rows in by_code for row in rows}
    yield "search over all", {hit["id"] for hit in data(person, "/api/search", q="zqword", limit="20")
                              if hit["record"] == "crm.contact"}  # fmt: skip
    yield (
        "filter",
        {row["id"] for one in live for row in data(person, CONTACTS, **{"filter[email]": f"{one.word}@example.com"})},
    )
    yield "external id", {one.id for one in live if called_so(person, one) == 200}
    yield "picker", {option["value"] for option in data(person, f"{CONTACTS}/options", q="zqword")}
    yield "whole picker", {option["value"] for option in data(person, f"{CONTACTS}/options")}


def walked(person: Person) -> Iterator[str]:
    query = {"limit": "1"}
    while True:
        answer: Any = person.api.get(CONTACTS, query_string=query)
        if answer.status_code != 200:
            return
        yield from (row["id"] for row in answer.json["data"])
        if answer.json["meta"]["next"] is None:
            return
        query["cursor"] = answer.json["meta"]["next"]


def called_so(person: Person, one: Known) -> int:
    """What asking for a contact by its external id is answered."""
    answer: Any = person.api.get(f"{CONTACTS}/by-external/shop/Z{one.word[1:]}")
    assert answer.status_code in (200, 403, 404)
    return int(answer.status_code)


def exported(person: Person) -> Iterator[tuple[str, Any]]:
    """Each way to take contacts out into a file, and the answer."""
    for asked in ({"format": "csv"}, {"format": "csv", "whole": "true"}, {"format": "json", "whole": "true"},
                  {"format": "csv", "headers": "labels"}, {"format": "csv", "search": "zqword"}):  # fmt: skip
        yield f"export {asked}", person.api.get(f"{CONTACTS}/export", query_string=asked)
    form = {"_step": "start", "_all": "1", "headers": "whole", "format": "csv"}
    yield "export of the page", person.page.post("/crm/contacts/export", data=form)


def read(person: Person, id: str) -> int:
    answer: Any = person.api.get(f"{CONTACTS}/{id}")
    assert answer.status_code in (200, 403, 404)
    return int(answer.status_code)


def check(person: Person, house: House, live: list[Known], bin: list[Known], who: str) -> None:
    """All ways of reading give these records, and no other word is said anywhere."""
    ids = {one.id for one in live}
    for way, found in revealed(person, house):
        assert found == ids, f"{who}, {way}: {found ^ ids}"
    assert {row["id"] for row in data(person, CONTACTS, deleted="true", limit="200")} == {one.id for one in bin}, who
    told = {change["id"] for change in data(person, "/api/changes", records="crm.contact", limit="1000")}
    assert told == {one.id for one in (*live, *bin)}, f"{who}, change feed"
    groups = data(person, f"{CONTACTS}/aggregate", group="owner_id")
    counted = {group["keys"]["owner_id"]: group["count"] for group in groups}
    assert counted == Counter(one.owner and str(one.owner) for one in live), f"{who}, aggregate"
    assert {group["keys"]["company_id"] for group in data(person, f"{CONTACTS}/aggregate", group="company_id")} == {
        one.company for one in live
    }, f"{who}, aggregate"
    total: Any = person.api.get(CONTACTS, query_string={"count": "exact", "limit": "1"})
    assert total.status_code == 403 or total.json["meta"]["count"]["value"] == len(live), f"{who}, count"
    seen = {one.id for one in (*live, *bin)}
    firms = {one.company: one.id for one in house.contacts}
    for row in data(person, COMPANIES, include="primary_contact", limit="200"):
        main = firms.get(row["id"])
        included = row["primary_contact"] and row["primary_contact"]["id"]
        assert included == (main if main in seen else None), f"{who}, include"
    out = [one for one in live if one in house.of(person.context.access.reach(TAKE_OUT))]
    for way, answer in exported(person):
        assert answer.status_code in (200, 403), f"{who}, {way}: {answer.status_code}"
        words = {word.lower() for word in WORD.findall(answer.text)} if answer.status_code == 200 else set()
        assert words == {one.word for one in out}, f"{who}, {way}"
    said = set(words_said(person, house))
    assert said == {one.word for one in live}, f"{who}, pages: {said ^ {one.word for one in live}}"


def words_said(person: Person, house: House) -> Iterator[str]:
    """The words of live records on the pages that somebody opens, and in refusals."""
    live = [one for one in house.contacts if not one.deleted]
    paths = [
        "/crm/contacts",
        "/crm/contacts?face=board&by=status",
        "/crm/companies",
        "/search?q=zq",
        "/search/hits?q=zq",
    ]
    paths += [f"/crm/contacts/{one.id}" for one in live] + [f"/crm/companies/{one.company}" for one in live]
    paths += [f"/why?record=crm.contact&id={one.id}" for one in live]
    for path in paths:
        answer: Any = person.page.get(path)
        assert answer.status_code in (200, 403, 404), f"{path}: {answer.status_code}"
        yield from (word.lower() for word in WORD.findall(answer.text))
    for one in live:
        for answer in (person.api.patch(f"{CONTACTS}/{one.id}", json={"status": "nothing"}),
                       person.api.get(f"{CONTACTS}/{one.id}?include=nothing"),
                       person.api.get("/api/ossature/why", query_string={"record": "crm.contact", "id": one.id})):  # fmt: skip
            yield from (word.lower() for word in WORD.findall(answer.text))


@pytest.mark.parametrize("role", ROLES)
def test_all_ways_to_read_reveal_what_a_preset_role_may_see(house: House, role: str) -> None:
    person = house.asking if role == "viewer" else house.boss if role == "owner" else house.tenant.member(role)
    reach = person.context.access.reach(VIEW)
    if person is not house.asking:
        house.asking = person
        team = house.boss.api.post("/api/ossature/teams", json={"name": "South"}).json["data"]["id"]
        with house.tenant.work():
            set_team_members(UUID(team), [person.member_id, house.colleague.member_id])
        person.__dict__.pop("context", None)
    check(person, house, house.of(reach), house.of(reach, deleted=True), role)


@pytest.mark.parametrize("reach", [None, *Reach])
def test_all_ways_to_read_reveal_what_a_reach_covers(house: House, reach: Reach | None) -> None:
    with house.tenant.work():
        role = create_role("Clerk", "")
        grant(role.id, "crm.company.view", Reach.ALL)
        for permission in (VIEW, TAKE_OUT):
            grant(role.id, permission, reach)
        assign_roles(house.asking.member_id, [role.id])
    check(house.asking, house, house.of(reach), house.of(reach, deleted=True), str(reach))


@pytest.mark.req("S4-004")
def test_another_organisation_is_revealed_nothing(house: House, make_tenant: Callable[..., Tenant]) -> None:
    check(make_tenant().member("owner"), house, [], [], "another tenant's owner")


@pytest.mark.parametrize("reach", [Reach.OWN, Reach.TEAM])
def test_what_is_out_of_reach_is_answered_as_what_is_not_there(house: House, reach: Reach) -> None:
    with house.tenant.work():
        role = create_role("Clerk", "")
        for action in ("view", "edit", "delete", "create"):
            grant(role.id, f"crm.contact.{action}", reach)
            grant(role.id, f"crm.company.{action}", Reach.OWN)
        assign_roles(house.asking.member_id, [role.id])
    api, page = house.asking.api, house.asking.page
    hidden = next(one for one in house.contacts if one.owner == house.stranger.member_id and not one.deleted)
    mine = next(one for one in house.contacts if one.owner == house.asking.member_id and not one.deleted)
    asked: list[Callable[[str], Any]] = [
        lambda id: api.get(f"{CONTACTS}/{id}"),
        lambda id: api.get(f"{CONTACTS}/{id}?include=company"),
        lambda id: api.patch(f"{CONTACTS}/{id}", json={"last_name": "Other"}),
        lambda id: api.patch(f"{CONTACTS}/{id}", json={"last_name": "Other"}, headers={"If-Match": '"1"'}),
        lambda id: api.put(f"{CONTACTS}/{id}", json={"last_name": "Other"}),
        lambda id: api.delete(f"{CONTACTS}/{id}"),
        lambda id: api.post(f"{CONTACTS}/{id}/restore"),
        lambda id: api.get("/api/ossature/why", query_string={"record": "crm.contact", "id": id, "action": "delete"}),
        lambda id: page.get(f"/crm/contacts/{id}"),
        lambda id: page.get(f"/crm/contacts/{id}/edit"),
        lambda id: page.get(f"/crm/contacts/{id}/timeline"),
    ]
    for number, ask in enumerate(asked):
        absent = str(uuid4())
        one, other = ask(hidden.id), ask(absent)
        assert one.status_code == other.status_code, number
        assert _plain(one, hidden.id) == _plain(other, absent), number
    for company in (hidden.company, str(uuid4())):
        refused: Any = api.patch(f"{CONTACTS}/{mine.id}", json={"company_id": company})
        told = [(detail["code"], detail["message"]) for detail in refused.json["error"]["details"]]
        assert (refused.status_code, len(told)) == (422, 1)
        assert company not in json.dumps(told)
    filtered = [data(house.asking, CONTACTS, **{"filter[company_id]": id}) for id in (hidden.company, str(uuid4()))]
    assert filtered == [[], []]


def _plain(answer: Any, id: str) -> str:
    """The text of an answer without what differs in every answer."""
    text = answer.text.replace(id, "ID")
    if answer.mimetype == "text/html":
        text = text.split("<main", 1)[-1].split("</main>", 1)[0]
    return re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f-]{17}", "", text)
