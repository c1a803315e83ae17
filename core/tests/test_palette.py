"""What the command palette shows: screens, things to create, pinned and recent records, hits; and the pins themselves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import redis
from flask import Flask

from ossature.context import Reach
from ossature.kernel import Kernel
from ossature.rbac.roles import grant, role_by_key
from ossature.search import pins, recent
from ossature.testing.people import Person, Tenant
from ossature.testing.statements import StatementLog

pytestmark = pytest.mark.database

CONTACTS = "/api/crm/contacts"


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner")


def add(person: Person, name: str, **fields: Any) -> str:
    answer = person.api.post(CONTACTS, json={"last_name": name, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


def places(person: Person) -> str:
    answer = person.page.get("/search/places", headers={"HX-Request": "true"})
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def visit(person: Person, id: str) -> str:
    answer = person.page.get(f"/crm/contacts/{id}")
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def set_pin(person: Person, id: str, pinned: bool = True, record: str = "crm.contact", **headers: str) -> Any:
    form = {"record": record, "id": id, "pinned": "1" if pinned else "0"}
    return person.page.post("/search/pins", data=form, headers=headers)


@pytest.mark.req("A-025")
def test_the_palette_offers_screens_settings_and_what_one_may_create(tenant: Tenant, owner: Person) -> None:
    offered = places(owner)
    assert "<html" not in offered
    for url in ("/crm/contacts", "/crm/companies", "/crm/contacts/new", "/settings/members", "/settings/me"):
        assert f'data-url="{url}"' in offered, url
    viewer = places(tenant.member("viewer"))
    assert 'data-url="/crm/contacts"' in viewer
    assert "/crm/contacts/new" not in viewer
    assert "/settings/roles" in offered
    assert "/settings/roles" not in viewer


@pytest.mark.req("A-024")
def test_hits_are_grouped_by_record_and_marked(owner: Person) -> None:
    id = add(owner, "Lefèvre", first_name="Anna")
    owner.api.post("/api/crm/companies", json={"name": "Lefèvre SA"})
    hits = owner.page.get("/search/hits?q=lefe", headers={"HX-Request": "true"}).text
    assert f'data-url="/crm/contacts/{id}"' in hits
    assert "<mark>Lefè</mark>vre" in hits
    assert hits.index("Contacts") < hits.index("Companies")
    assert owner.page.get("/search/hits?q=%25", headers={"HX-Request": "true"}).status_code == 400


@pytest.mark.req("A-024")
def test_the_search_page_works_without_scripts(owner: Person) -> None:
    id = add(owner, "Lefèvre", email="anna@example.com")
    page = owner.page.get("/search?q=anna@example.com")
    assert page.status_code == 200
    assert "Exactly this" in page.text
    assert f'href="/crm/contacts/{id}"' in page.text
    assert "<mark>anna@example.com</mark>" in page.text
    assert "Type at least one letter or digit." in owner.page.get("/search?q=%25%25").text
    assert "Nothing matches" in owner.page.get("/search?q=nobody").text
    assert "What are you looking for?" in owner.page.get("/search").text


@pytest.mark.req("A-028")
def test_records_are_pinned_and_unpinned_where_they_are_shown(owner: Person) -> None:
    id = add(owner, "Lefèvre")
    assert 'aria-pressed="false"' in visit(owner, id)
    assert set_pin(owner, id).headers["Location"].endswith(f"/crm/contacts/{id}")
    assert set_pin(owner, id).status_code == 303  # twice is once
    assert 'aria-pressed="true"' in visit(owner, id)
    assert places(owner).count(f'data-url="/crm/contacts/{id}"') == 1
    fragment = set_pin(owner, id, False, **{"HX-Request": "true"})
    assert fragment.status_code == 200
    assert 'aria-pressed="false"' in fragment.text
    with owner.work():
        assert pins.pinned() == []


@pytest.mark.req("A-028")
def test_pins_are_one_persons_and_end_where_their_rights_end(tenant: Tenant, owner: Person) -> None:
    viewer = tenant.member("viewer")
    id = add(owner, "Lefèvre", owner_id=str(owner.member_id))
    assert set_pin(viewer, id).status_code == 303
    assert "Lefèvre" in places(viewer)
    assert "Lefèvre" not in places(owner)
    with tenant.work():
        grant(role_by_key("viewer").id, "crm.contact.view", Reach.OWN)
    assert "Lefèvre" not in places(viewer)
    assert "Lefèvre" not in viewer.page.get("/search").text
    assert set_pin(viewer, add(owner, "Other", owner_id=str(owner.member_id))).status_code == 404


@pytest.mark.parametrize(
    ("record", "id"),
    [("crm.nothing", None), ("crm.contact_address", None), ("crm.contact", "x"), ("crm.contact", str(UUID(int=1)))],
)
def test_only_records_that_are_there_are_pinned(owner: Person, record: str, id: str | None) -> None:
    assert set_pin(owner, id or add(owner, "Lefèvre"), record=record).status_code == 404


def test_the_number_of_pins_is_bounded(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "MOST", 1)
    first, second = add(owner, "One"), add(owner, "Two")
    assert set_pin(owner, first).status_code == 303
    assert set_pin(owner, second).status_code == 422
    assert set_pin(owner, first).status_code == 303


def test_pins_that_are_no_longer_shown_take_nobodys_place(
    tenant: Tenant, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pins, "MOST", 2)
    viewer = tenant.member("viewer")
    deleted, away = add(owner, "One"), add(owner, "Two", owner_id=str(owner.member_id))
    third, fourth = (add(owner, name, owner_id=str(viewer.member_id)) for name in ("Three", "Four"))
    assert [set_pin(viewer, id).status_code for id in (deleted, away, third)] == [303, 303, 422]
    owner.api.delete(f"{CONTACTS}/{deleted}")
    with tenant.work():
        grant(role_by_key("viewer").id, "crm.contact.view", Reach.OWN)
    assert [set_pin(viewer, id).status_code for id in (third, fourth, third)] == [303, 303, 303]
    assert set_pin(viewer, add(owner, "Five", owner_id=str(viewer.member_id))).status_code == 422


@pytest.mark.req("A-028")
def test_records_that_were_opened_are_remembered_the_last_first(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST", 2)
    ids = [add(owner, name) for name in ("One", "Two", "Three")]
    for id in (*ids, ids[1]):
        visit(owner, id)
    with owner.work():
        assert recent.recent() == [("crm.contact", UUID(ids[1])), ("crm.contact", UUID(ids[2]))]
    offered = places(owner)
    assert offered.index("Two") < offered.index("Three")
    assert ids[0] not in offered
    owner.api.delete(f"{CONTACTS}/{ids[1]}")
    assert "Two" not in places(owner)


@pytest.mark.req("A-028")
def test_what_was_opened_is_not_told_once_it_is_out_of_reach(tenant: Tenant, owner: Person) -> None:
    viewer = tenant.member("viewer")
    visit(viewer, add(owner, "Lefèvre", owner_id=str(owner.member_id)))
    assert "Lefèvre" in places(viewer)
    with tenant.work():
        grant(role_by_key("viewer").id, "crm.contact.view", Reach.OWN)
    assert "Lefèvre" not in places(viewer)


def test_no_page_fails_or_waits_while_redis_is_away(app: Flask, owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    id = add(owner, "Lefèvre")
    visit(owner, id)
    kernel: Kernel = app.extensions["ossature"]
    gone = redis.Redis(host="127.0.0.1", port=1, socket_timeout=1)
    monkeypatch.setattr(kernel, "redis", gone)
    monkeypatch.setattr(recent, "_away_until", 0.0)
    with owner.work():
        recent.remember("crm.contact", UUID(id))
        assert recent._away_until > 0
        assert recent.recent() == []
        assert owner.page.get(f"/crm/contacts/{id}").status_code == 200


@pytest.mark.req("A-025")
def test_views_are_found_by_those_who_may_use_them(tenant: Tenant, owner: Person) -> None:
    body = {"record": "crm.contact", "name": "Hot leads", "audience": "private", "definition": {"sort": "-created_at"}}
    made = owner.api.post("/api/ossature/views", json=body)
    assert made.status_code == 201, made.text
    id = made.json["data"]["id"]
    assert f'data-url="/crm/contacts?view={id}"' in places(owner)
    assert "Hot leads" not in places(tenant.member("admin"))


def test_views_of_all_lists_come_in_one_statement(owner: Person, statements: StatementLog) -> None:
    for record, name in (("crm.contact", "Leads"), ("crm.company", "Clients"), ("_kinds.sample", "Cut ones")):
        made = owner.api.post("/api/ossature/views", json={"record": record, "name": name, "definition": {}})
        assert made.status_code == 201, made.text
    with statements.counting() as found:
        offered = places(owner)
    assert all(name in offered for name in ("Leads", "Clients"))
    assert sum("saved_view.name" in text for text in found.texts) == 1
    with statements.counting() as found:
        assert len(owner.api.get("/api/ossature/views").json["data"]) == 3
    assert sum("saved_view.name" in text for text in found.texts) == 1
