"""Presets, grants, ranks and reach: what roles mean, and that nobody climbs by themselves."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest

from ossature.auth.state import access_state
from ossature.auth.tokens import api_key_prefix
from ossature.context import Context, Reach
from ossature.db import transaction
from ossature.errors import Conflict, Forbidden, Invalid
from ossature.hooks.types import PresetGrant
from ossature.rbac import members, roles
from ossature.rbac.authority import own_rank
from ossature.rbac.keys import issue_key
from ossature.rbac.permissions import ALIASES, MEMBERS_MANAGE, ROLES_MANAGE, SETTINGS_MANAGE
from ossature.rbac.presets import PRESETS, preset_role
from ossature.rbac.rights import rights
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

MakeTenant = Callable[..., Tenant]


def permissions_of(person: Person) -> dict[str, str]:
    found: dict[str, str] = person.api.get("/api/auth/me").json["data"]["permissions"]
    return found


def role_id(key: str) -> UUID:
    return roles.role_by_key(key).id


@pytest.mark.req("S2-048", "S2-055")
def test_the_owner_may_do_everything_and_alone_manages_members_in_the_first_set(tenant: Tenant) -> None:
    owner = permissions_of(tenant.member("owner"))
    assert set(owner) == set(rights().permissions)
    assert set(owner.values()) == {"all"}
    for key in ("manager", "user"):
        assert MEMBERS_MANAGE not in permissions_of(tenant.member(key))


@pytest.mark.req("S2-049", "S3-047")
def test_the_manager_reads_and_writes_but_deletes_nothing_and_has_no_settings(tenant: Tenant) -> None:
    manager = permissions_of(tenant.member("manager"))
    assert {"ossature.team.view", "ossature.team.edit", "ossature.team.create"} <= manager.keys()
    assert not {name for name in manager if name.endswith(".delete") or name.startswith("billing.")}
    assert not {SETTINGS_MANAGE, ROLES_MANAGE} & manager.keys()


@pytest.mark.req("S3-046", "S3-048", "S3-049")
def test_administrator_auditor_and_viewer_of_the_second_set(tenant: Tenant) -> None:
    assert set(permissions_of(tenant.member("admin"))) == set(rights().permissions)
    auditor = permissions_of(tenant.member("auditor"))
    assert all(name.endswith((".view", ".export")) for name in auditor)
    assert "ossature.history.view" in auditor
    viewer = permissions_of(tenant.member("viewer"))
    assert all(name.endswith(".view") for name in viewer)
    assert "ossature.history.view" not in viewer


@pytest.mark.req("S4-597", "S3-006", "S4-064")
def test_the_third_set_has_administrator_manager_sales_and_read_only(make_tenant: MakeTenant) -> None:
    tenant = make_tenant(preset="sales")
    with tenant.work():
        keys = [role.key for role in roles.list_roles()]
    assert {"owner", "admin", "manager", "sales_rep", "read_only"} <= set(keys)
    seller = permissions_of(tenant.member("sales_rep"))
    assert {reach for name, reach in seller.items() if name.startswith("ossature.")} == {"team"}
    assert all(name.endswith(".view") for name in permissions_of(tenant.member("read_only")))


@pytest.mark.req("S4-598", "S2-058")
def test_every_record_has_view_edit_create_delete_and_export(tenant: Tenant) -> None:
    names = rights().permissions
    for record in ("ossature.team", "ossature.legal_entity"):
        assert {f"{record}.{right}" for right in ("view", "edit", "create", "delete", "export")} <= names.keys()
    assert all(len(name.split(".")) >= 3 for name in names)


def test_a_plugins_own_statement_wins_over_the_preset_pattern() -> None:
    manager = preset_role("manager")
    assert manager is not None
    stated = [PresetGrant("manager", "crm.contact.delete", Reach.OWN), PresetGrant("viewer", "crm.contact.edit")]
    grants = manager.grants(["crm.contact.view", "crm.contact.delete", "billing.invoice.view"], stated)
    assert grants == {"crm.contact.view": Reach.ALL, "crm.contact.delete": Reach.OWN}


@pytest.mark.req("S3-052", "S3-086")
def test_sketched_permission_names_are_answered_as_aliases(tenant: Tenant) -> None:
    me = tenant.member("owner").api.get("/api/auth/me").json["data"]
    assert {"canManageSystemSettings", "users:manage"} <= set(me["aliases"])
    assert "canManageSystemSettings" not in tenant.member("viewer").api.get("/api/auth/me").json["data"]["aliases"]
    assert ALIASES["contacts:update"] == ("crm.contact.edit",)


@pytest.mark.req("S2-051")
def test_roles_form_a_hierarchy_that_nobody_climbs(tenant: Tenant) -> None:
    owner, admin = tenant.member("owner"), tenant.member("admin")
    with admin.work():
        assert own_rank() == 80
        for forbidden in (
            lambda: members.assign_roles(admin.member_id, [role_id("owner")]),
            lambda: members.assign_roles(owner.member_id, [role_id("viewer")]),
            lambda: members.set_active(owner.member_id, False),
        ):
            with pytest.raises(Forbidden):
                forbidden()
        with pytest.raises(Conflict, match="owner"):
            roles.set_grants(role_id("owner"), {})


def test_nobody_gives_what_they_lack(tenant: Tenant) -> None:
    with tenant.work():
        roles.set_grants(
            role_id("manager"),
            {ROLES_MANAGE: Reach.ALL, MEMBERS_MANAGE: Reach.ALL, "ossature.team.edit": Reach.TEAM},
        )
    manager, viewer = tenant.member("manager"), tenant.member("viewer")
    with manager.work():
        for forbidden in (
            lambda: roles.grant(role_id("viewer"), SETTINGS_MANAGE, Reach.ALL),
            lambda: roles.grant(role_id("viewer"), "ossature.team.edit", Reach.ALL),
            lambda: roles.grant(role_id("viewer"), "ossature.legal_entity.view", None),
            lambda: members.assign_roles(viewer.member_id, [role_id("auditor")]),
            lambda: issue_key("Wide", {"ossature.team.edit": Reach.ALL}),
            lambda: roles.create_role("Mine", "", role_id("admin")),
        ):
            with pytest.raises(Forbidden):
                forbidden()
        roles.set_grants(roles.create_role("Writer", "").id, {"ossature.team.edit": Reach.TEAM})


def test_an_organisation_keeps_an_owner(tenant: Tenant) -> None:
    first = tenant.member("owner")
    with pytest.raises(Conflict, match="owner"), tenant.work():
        members.assign_roles(first.member_id, [role_id("viewer")])
    second = tenant.member("owner")
    with second.work(), pytest.raises(Conflict, match="yourself"):
        members.set_active(second.member_id, False)
    with tenant.work():
        members.assign_roles(first.member_id, [role_id("viewer")])
    with pytest.raises(Conflict, match="owner"), tenant.work():
        members.set_active(second.member_id, False)


def test_two_owners_who_remove_each_other_do_not_both_succeed(tenant: Tenant) -> None:
    one, other = tenant.member("owner"), tenant.member("owner")
    barrier, outcomes = Barrier(2), list[str]()

    def remove(actor: Person, victim: Person) -> None:
        context = actor.context
        barrier.wait()
        try:
            with transaction(context):
                members.assign_roles(victim.member_id, [role_id("viewer")])
            outcomes.append("done")
        except Exception as error:
            outcomes.append(type(error).__name__)

    threads = [Thread(target=remove, args=pair) for pair in ((one, other), (other, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    owners = [person for person in (one, other) if "owner" in person.api.get("/api/auth/me").json["data"]["roles"]]
    assert owners, outcomes


def test_a_grant_reaches_the_widest_of_ones_roles(tenant: Tenant) -> None:
    with tenant.work():
        narrow, wide = roles.create_role("Narrow", ""), roles.create_role("Wide", "")
        roles.set_grants(narrow.id, {"ossature.team.view": Reach.OWN, "ossature.team.edit": Reach.OWN})
        roles.set_grants(wide.id, {"ossature.team.view": Reach.ALL})
    person = tenant.member("viewer")
    with tenant.work():
        members.assign_roles(person.member_id, [narrow.id, wide.id])
    assert permissions_of(person) == {"ossature.team.view": "all", "ossature.team.edit": "own"}


def test_reach_team_covers_whoever_shares_a_team_until_it_is_deleted(tenant: Tenant) -> None:
    owner, mate, seller = tenant.member("owner"), tenant.member("viewer"), tenant.member("sales_rep")
    stranger = tenant.member("viewer")
    made = owner.api.post("/api/ossature/teams", json={"name": "Ventes"}).json["data"]
    with tenant.work():
        members.set_team_members(UUID(made["id"]), [seller.member_id, mate.member_id])
    session_id, cache = seller.session("api"), access_state().cache

    def reached() -> set[UUID]:
        found = cache.session(session_id, tenant.id, seller.user_id)
        assert found is not None
        return set(found.access.owners)

    assert reached() == {seller.member_id, mate.member_id}
    assert stranger.member_id not in reached()
    assert owner.api.delete(f"/api/ossature/teams/{made['id']}").status_code in (200, 204)
    assert reached() == {seller.member_id}


def test_role_sets_are_added_later_without_touching_what_is_there(make_tenant: MakeTenant) -> None:
    tenant = make_tenant(preset="team")
    with tenant.work():
        roles.set_grants(role_id("manager"), {"ossature.team.view": Reach.OWN})
        before = roles.grants_by_role()[role_id("manager")]
        roles.add_preset("audit", [])
        assert roles.grants_by_role()[role_id("manager")] == before
        assert {role.key for role in roles.list_roles()} >= {role.key for role in PRESETS["audit"].roles}
        with pytest.raises(Invalid):
            roles.add_preset("nonsense", [])


def test_rights_of_absent_plugins_survive_a_change_of_the_role(tenant: Tenant) -> None:
    from ossature.rbac.models import RoleGrant

    with tenant.work() as work:
        role = roles.create_role("Keeper", "")
        work.add(RoleGrant(role_id=role.id, permission="gone.thing.view", reach="all"))
        work.flush()
        roles.set_grants(role.id, {"ossature.team.view": Reach.ALL})
        assert set(roles.grants_by_role()[role.id]) == {"gone.thing.view", "ossature.team.view"}
        with pytest.raises(Invalid):
            roles.grant(role.id, "never.heard.of", Reach.ALL)


def test_a_role_that_somebody_has_is_not_deleted(tenant: Tenant) -> None:
    person = tenant.member("viewer")
    with tenant.work():
        role = roles.create_role("Temporary", "")
        members.assign_roles(person.member_id, [role.id])
        with pytest.raises(Conflict):
            roles.delete_role(role.id)
        members.assign_roles(person.member_id, [role_id("viewer")])
        roles.delete_role(role.id)


def test_a_deactivated_member_comes_back_as_the_same_actor(tenant: Tenant) -> None:
    person = tenant.member("viewer")
    with tenant.work():
        members.set_active(person.member_id, False)
    with tenant.work():
        assert members.add_member(person.user_id, "Anna", [role_id("auditor")]) == person.member_id
        with pytest.raises(Conflict):
            members.add_member(person.user_id, "Anna", [role_id("auditor")])
    assert person.api.get("/api/auth/me").json["data"]["roles"] == ["auditor"]


def test_a_key_with_few_scopes_makes_nobody_owner_although_its_member_is_one(tenant: Tenant) -> None:
    owner, viewer = tenant.member("owner"), tenant.member("viewer")
    with owner.work():
        key = issue_key("Members", {MEMBERS_MANAGE: Reach.ALL}, member_id=owner.member_id)
    prefix = api_key_prefix(key.shown)
    assert prefix
    found = access_state().cache.api_key(prefix)
    assert found is not None
    with transaction(Context(tenant=found.tenant, actor=found.actor, access=found.access)):
        for role in ("owner", "auditor"):
            with pytest.raises(Forbidden):
                members.assign_roles(viewer.member_id, [role_id(role)])


def test_a_services_key_has_no_rank(tenant: Tenant) -> None:
    viewer = tenant.member("viewer")
    with tenant.work():
        roles.create_role("Service", "")
        key = issue_key("Sync", {MEMBERS_MANAGE: Reach.ALL, "ossature.team.view": Reach.ALL})
    found = access_state().cache.api_key(api_key_prefix(key.shown) or "")
    assert found is not None
    acting = Context(tenant=found.tenant, actor=found.actor, access=found.access)
    with pytest.raises(Forbidden), transaction(acting):
        members.set_active(viewer.member_id, False)


def test_a_member_comes_back_only_with_roles_that_one_could_give(tenant: Tenant) -> None:
    clerk, guest = tenant.member("viewer"), tenant.member("viewer")
    with tenant.work():
        clerks, keepers = roles.create_role("Clerk", ""), roles.create_role("Key keeper", "")
        roles.set_grants(clerks.id, {MEMBERS_MANAGE: Reach.ALL})
        roles.set_grants(keepers.id, {"ossature.roles.manage": Reach.ALL})
        members.assign_roles(clerk.member_id, [clerks.id])
        members.assign_roles(guest.member_id, [keepers.id])
        members.set_active(guest.member_id, False)
    path = f"/settings/members/{guest.member_id}/activate"
    refused = clerk.page.post(path)
    assert refused.status_code == 403
    assert "the role Key keeper, which you cannot give" in refused.text
    assert tenant.member("owner").page.post(path).status_code == 303


def test_nobody_reaches_more_by_putting_people_into_a_team(tenant: Tenant) -> None:
    owner, leader, mate = (tenant.member(role) for role in ("owner", "viewer", "viewer"))
    team = owner.api.post("/api/ossature/teams", json={"name": "Ventes"}).json["data"]["id"]
    with tenant.work():
        role = roles.create_role("Leader", "")
        teams = dict.fromkeys((f"ossature.team.{verb}" for verb in ("view", "edit", "create", "delete")), Reach.ALL)
        roles.set_grants(role.id, {**teams, "_kinds.shelf.view": Reach.TEAM})
        members.assign_roles(leader.member_id, [role.id])

    def fill(by: Person, *inside: Person, path: str = team) -> Any:
        data = {"name": f"Ventes {path[:3]}", "members": [str(person.member_id) for person in inside]}
        return by.page.post(f"/settings/teams/{path}", data=data)

    for path in (team, "new"):
        refused = fill(leader, leader, mate, path=path)
        assert refused.status_code == 422
        assert "would reach rows that you do not reach" in refused.text
        assert len(leader.context.access.owners) == 1
    assert fill(leader, leader).status_code == 303, "alone in a team one reaches nobody's rows"
    assert fill(owner, leader, mate).status_code == 303
    assert fill(leader, leader, mate, path="new").status_code == 303, "they reach each other already"
    assert owner.api.delete(f"/api/ossature/teams/{team}").status_code in (200, 204)


def test_a_deleted_team_is_restored_by_whoever_could_have_filled_it(tenant: Tenant) -> None:
    owner, seller, mate = tenant.member("owner"), tenant.member("sales_rep"), tenant.member("viewer")
    team = owner.api.post("/api/ossature/teams", json={"name": "Ventes"}).json["data"]["id"]
    with tenant.work():
        members.set_team_members(UUID(team), [seller.member_id, mate.member_id])
        role = roles.create_role("Keeper", "")
        roles.set_grants(role.id, dict.fromkeys(("ossature.team.view", "ossature.team.delete"), Reach.ALL))
        members.assign_roles(mate.member_id, [role.id])
    assert mate.api.delete(f"/api/ossature/teams/{team}").status_code in (200, 204)
    refused = mate.api.post(f"/api/ossature/teams/{team}/restore")
    assert refused.status_code == 409
    assert "would reach rows that you do not reach" in refused.text
    assert owner.api.post(f"/api/ossature/teams/{team}/restore").status_code == 200
