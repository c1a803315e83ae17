"""Keys for programs: a service's own, and those of a person."""

from __future__ import annotations

import pytest
from flask import Flask
from limits import parse
from sqlalchemy import text

from ossature.auth.cache import SessionCache
from ossature.auth.state import access_state
from ossature.context import Reach
from ossature.rbac.keys import IssuedKey, issue_key, revoke_key
from ossature.rbac.members import assign_roles, members_changed, set_active
from ossature.rbac.roles import role_by_key
from ossature.testing.people import Tenant, client_of

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def many_strangers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests come from one address; together they may knock more often than one visitor."""
    monkeypatch.setattr(app.extensions["ossature.access"]._limits, "_address", parse("100000/minute"))


MEMBERS = "ossature.members.view"


def key_for(tenant: Tenant, *permissions: str) -> IssuedKey:
    with tenant.work():
        return issue_key("Sync", dict.fromkeys(permissions, Reach.ALL), days=30)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.req("A-052", "S4-081")
def test_a_services_key_does_what_its_scopes_say_and_no_more(app: Flask, tenant: Tenant) -> None:
    key = key_for(tenant, "ossature.team.view")
    client = client_of(app, tenant.url, **bearer(key.shown))
    assert client.get("/api/ossature/teams").status_code == 200
    assert client.post("/api/ossature/teams", json={"name": "Atelier"}).status_code == 403
    me = client.get("/api/auth/me").json["data"]
    assert (me["actor"]["kind"], me["user"], me["permissions"]) == ("api_key", None, {"ossature.team.view": "all"})


@pytest.mark.req("A-052")
def test_a_key_ends_by_its_date_by_revocation_and_is_stored_as_a_digest(app: Flask, tenant: Tenant) -> None:
    key, other = key_for(tenant, MEMBERS), key_for(tenant, MEMBERS)
    client = client_of(app, tenant.url, **bearer(key.shown))
    assert client.get("/api/auth/me").status_code == 200
    with tenant.work() as work:
        stored = work.execute(text("SELECT * FROM ossature.api_key WHERE id = :id"), {"id": key.id}).one()
        assert key.shown.split("_", 2)[2] not in str(stored)
        revoke_key(key.id)
    assert client.get("/api/auth/me").status_code == 401
    with tenant.work() as work:
        work.execute(text("UPDATE ossature.api_key SET expires_at = now() WHERE id = :id"), {"id": other.id})
        members_changed()
    assert client_of(app, tenant.url, **bearer(other.shown)).get("/api/auth/me").status_code == 401


def test_a_guessed_secret_behind_a_known_prefix_is_refused(app: Flask, tenant: Tenant) -> None:
    key = key_for(tenant, MEMBERS)
    guessed = key.shown[:-1] + ("A" if key.shown[-1] != "A" else "B")
    for bad in (guessed, key.shown.rpartition("_")[0], "oss_", f"oss_{'a' * 10}_{'b' * 40}"):
        assert client_of(app, tenant.url, **bearer(bad)).get("/api/auth/me").status_code == 401


def test_a_personal_key_loses_what_its_member_loses(app: Flask, tenant: Tenant) -> None:
    tenant.member("owner")
    person = tenant.member("owner")
    with person.work():
        key = issue_key(
            "Mine", {"ossature.team.view": Reach.ALL, "ossature.team.delete": Reach.ALL}, member_id=person.member_id
        )
    client = client_of(app, tenant.url, **bearer(key.shown))
    assert set(client.get("/api/auth/me").json["data"]["permissions"]) == {"ossature.team.view", "ossature.team.delete"}
    with tenant.work():
        assign_roles(person.member_id, [role_by_key("viewer").id])
    assert set(client.get("/api/auth/me").json["data"]["permissions"]) == {"ossature.team.view"}
    with tenant.work():
        set_active(person.member_id, False)
    assert client.get("/api/auth/me").status_code == 401


def test_what_a_personal_key_creates_belongs_to_its_member(app: Flask, tenant: Tenant) -> None:
    person = tenant.member("sales_rep")
    with person.work():
        scopes = dict.fromkeys(("_kinds.shelf.create", "_kinds.shelf.view"), Reach.OWN)
        key = issue_key("Mine", scopes, member_id=person.member_id)
    made = client_of(app, tenant.url, **bearer(key.shown)).post("/api/_kinds/shelves", json={"name": "Top"})
    assert made.json["data"]["owner_id"] == str(person.member_id)
    assert person.api.get(f"/api/_kinds/shelves/{made.json['data']['id']}").status_code == 200


def test_a_revoked_key_is_refused_by_processes_that_meet_it_for_the_first_time(app: Flask, tenant: Tenant) -> None:
    state = access_state()

    def process() -> SessionCache:
        return SessionCache(state.database, state.cache._redis, 3600)

    key = key_for(tenant, MEMBERS)
    prefix = key.shown.split("_")[1]
    assert process().api_key(prefix) is not None
    with tenant.work():
        revoke_key(key.id)
    assert process().api_key(prefix) is None


def test_the_history_names_the_key_as_actor(app: Flask, tenant: Tenant) -> None:
    key = key_for(tenant, "ossature.team.create", "ossature.team.view")
    answer = client_of(app, tenant.url, **bearer(key.shown)).post("/api/ossature/teams", json={"name": "Ventes"})
    assert answer.status_code == 201
    with tenant.work() as work:
        actor = work.execute(
            text("SELECT created_by_id FROM ossature.team WHERE id = :id"), {"id": answer.json["data"]["id"]}
        ).scalar_one()
    assert actor == key.id
