"""Settings and platform pages, as people use them: every one opens, saves, and says what is wrong beside its field."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from limits import parse
from sqlalchemy import text

from ossature.auth.accounts import create_user, set_password, set_platform_admin
from ossature.context import Context, Reach
from ossature.db import transaction
from ossature.ids import new_id
from ossature.rbac.members import assign_roles
from ossature.rbac.rights import rights
from ossature.rbac.roles import create_role, role_by_key, set_grants
from ossature.testing.people import PASSWORD, HostClient, Tenant, client_of

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def many_strangers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests come from one address; together they may knock more often than one visitor."""
    monkeypatch.setattr(app.extensions["ossature.access"]._limits, "_address", parse("100000/minute"))


MakeTenant = Callable[..., Tenant]


def role_id(tenant: Tenant, key: str) -> str:
    with tenant.work():
        return str(role_by_key(key).id)


def sign_in(client: HostClient, email: str, password: str = PASSWORD) -> HostClient:
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/sign-in").text)
    assert token
    data = {"email": email, "password": password, "csrf_token": token[1]}
    assert client.post("/sign-in", data=data).status_code == 303
    client.always = {"X-CSRFToken": re.search(r'name="csrf-token" content="([^"]+)"', client.get("/choose").text)[1]}  # type: ignore[index]
    return client


@pytest.fixture
def administrator(client: HostClient) -> HostClient:
    """A platform administrator who is no member anywhere, signed in on the main host."""
    email = f"root-{new_id().hex[-8:]}@platform.example"
    with transaction(Context(means="command"), role="system"):
        user = create_user(email, "Root", locale="en")
        set_platform_admin(user.id, True)
    set_password(user.id, email, PASSWORD)
    return sign_in(client, email)


PAGES = (
    "me", "organisation", "members", "members/new", "roles", "roles/new", "teams", "teams/new", "plugins", "keys",
    "keys/new",
)  # fmt: skip


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_every_page_of_the_settings_opens_for_an_owner(tenant: Tenant, locale: str) -> None:
    owner = tenant.member("owner", locale=locale)
    assert owner.page.get("/settings").location == "/settings/me"
    for page in PAGES:
        answer = owner.page.get(f"/settings/{page}")
        assert answer.status_code == 200, page
        assert f'lang="{locale}"' in answer.text


@pytest.mark.req("S3-126")
def test_settings_show_only_what_one_may_open(tenant: Tenant) -> None:
    page = tenant.member("viewer").page.get("/settings/me").text
    assert "/settings/keys" in page
    for closed in ("/settings/organisation", "/settings/roles", "/settings/plugins", "/platform/tenants"):
        assert f'href="{closed}"' not in page
    owner = tenant.member("owner").page.get("/settings/me").text
    for opened in ("/settings/organisation", "/settings/roles", "/settings/plugins"):
        assert f'href="{opened}"' in owner


def test_what_one_chooses_under_me_is_kept_and_the_name_follows(tenant: Tenant) -> None:
    person = tenant.member("viewer")
    values = {
        "name": "Élodie Martin", "locale": "fr", "time_zone": "Indian/Reunion", "theme": "dark", "density": "compact",
    }  # fmt: skip
    answer = person.page.post("/settings/me", data=values)
    assert answer.status_code == 303
    page = person.page.get("/settings/me").text
    assert 'data-theme="dark"' in page
    assert 'lang="fr"' in page
    me = person.api.get("/api/auth/me").json["data"]
    assert (me["actor"]["label"], me["user"]["time_zone"]) == ("Élodie Martin", "Indian/Reunion")
    with tenant.work() as work:
        label = work.execute(
            text("SELECT label FROM ossature.actor WHERE id = :id"), {"id": person.member_id}
        ).scalar_one()
    assert label == "Élodie Martin"
    wrong = person.page.post("/settings/me", data={**values, "name": " ", "time_zone": "Mars/Base"})
    assert wrong.status_code == 422
    assert 'aria-invalid="true"' in wrong.text


def test_a_changed_password_ends_the_other_sessions(tenant: Tenant) -> None:
    person = tenant.member("viewer")
    assert person.api.get("/api/auth/me").status_code == 200
    wrong = person.page.post("/settings/me/password", data={"present": "not it", "password": "un chat sur le toit"})
    assert wrong.status_code == 422
    weak = person.page.post("/settings/me/password", data={"present": PASSWORD, "password": "court"})
    assert weak.status_code == 422
    done = person.page.post("/settings/me/password", data={"present": PASSWORD, "password": "un chat sur le toit"})
    assert done.status_code == 303
    assert person.page.get("/settings/me").status_code == 200
    assert person.api.get("/api/auth/me").status_code == 401


def test_one_ends_a_session_elsewhere_and_nobody_elses(tenant: Tenant) -> None:
    person, other = tenant.member("viewer"), tenant.member("viewer")
    elsewhere, theirs = person.session("page"), other.session("page")
    assert str(elsewhere) in person.page.get("/settings/me").text
    assert person.page.post(f"/settings/me/sessions/{elsewhere}/end").status_code == 303
    assert str(elsewhere) not in person.page.get("/settings/me").text
    assert person.page.post(f"/settings/me/sessions/{theirs}/end").status_code == 404


def test_the_organisation_is_renamed_by_whoever_may(tenant: Tenant) -> None:
    owner, viewer = tenant.member("owner"), tenant.member("viewer")
    values = {"name": "Atelier du Pont", "locale": "fr", "time_zone": "Europe/Paris"}
    assert owner.page.post("/settings/organisation", data=values).status_code == 303
    assert viewer.api.get("/api/auth/me").json["data"]["tenant"]["name"] == "Atelier du Pont"
    assert viewer.page.post("/settings/organisation", data=values).status_code == 403


@pytest.mark.req("S3-013")
def test_a_member_is_invited_chooses_a_password_and_works(app: Flask, tenant: Tenant) -> None:
    owner, email = tenant.member("owner"), f"zoe-{new_id().hex[-8:]}@garage.example"
    nothing = owner.page.post("/settings/members/new", data={"name": "Zoé", "email": "nonsense"})
    assert nothing.status_code == 422
    page = owner.page.post(
        "/settings/members/new", data={"name": "Zoé Petit", "email": email, "roles": [role_id(tenant, "viewer")]}
    )
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    link = re.search(r'value="http://[^"]*(/password/[^"]+)"', page.text)
    assert link
    visitor = client_of(app, tenant.url)
    form = visitor.get(link[1])
    assert email in form.text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form.text)
    assert token
    weak = visitor.post(link[1], data={"password": "court", "csrf_token": token[1]})
    assert weak.status_code == 422
    assert visitor.post(link[1], data={"password": PASSWORD, "csrf_token": token[1]}).status_code == 303
    assert visitor.get(link[1]).status_code == 404, "it works once"
    assert sign_in(client_of(app, tenant.url), email).get("/settings/members").status_code == 200


def test_an_owner_gets_no_link_to_an_account_that_is_not_theirs_alone(make_tenant: MakeTenant) -> None:
    mine, theirs = make_tenant(), make_tenant()
    owner, stranger = mine.member("owner"), theirs.member("viewer")
    answer = owner.page.post(
        "/settings/members/new", data={"name": "X", "email": stranger.email, "roles": [role_id(mine, "viewer")]}
    )
    assert answer.status_code == 200
    assert "/password/" not in answer.text, "no link that could set another's password"
    assert "/join/" in answer.text
    listed = owner.page.get("/settings/members").text
    (added,) = set(re.findall(r"/settings/members/([0-9a-f-]{36})", listed)) - {str(owner.member_id)}
    assert "/password/" not in owner.page.post(f"/settings/members/{added}/link").text


def test_somebody_with_an_account_is_let_in_once_they_accept_and_nobody_else_can(make_tenant: MakeTenant) -> None:
    mine, theirs = make_tenant(), make_tenant()
    owner, guest, other = mine.member("owner"), theirs.member("viewer"), theirs.member("viewer")
    asked = owner.page.post(
        "/settings/members/new", data={"name": "Guest", "email": guest.email, "roles": [role_id(mine, "viewer")]}
    )
    path = re.search(r"/join/[\w-]+", asked.text)
    assert path is not None
    assert guest.api.get("/api/auth/me").json["data"]["tenants"] == [
        {"id": str(theirs.id), "slug": theirs.slug, "name": theirs.info.name}
    ]
    (member,) = set(re.findall(r"/settings/members/([0-9a-f-]{36})", owner.page.get("/settings/members").text)) - {
        str(owner.member_id)
    }
    assert owner.page.post(f"/settings/members/{member}/activate").status_code == 409

    assert client_of(mine.app, theirs.url).get(path[0]).status_code == 303, "signed out: to sign in, and back"
    assert other.page.get(path[0]).status_code == 403
    assert other.page.post(path[0]).status_code == 403
    shown = guest.page.get(path[0])
    assert shown.status_code == 200
    assert mine.info.name in shown.text
    assert guest.page.post(path[0]).status_code == 303
    slugs = {one["slug"] for one in guest.api.get("/api/auth/me").json["data"]["tenants"]}
    assert slugs == {mine.slug, theirs.slug}
    assert guest.page.post(path[0]).status_code == 404, "a link works once"


@pytest.mark.req("S2-055")
def test_members_are_changed_by_those_who_may_and_not_above_their_rank(tenant: Tenant) -> None:
    owner, admin, viewer = tenant.member("owner"), tenant.member("admin"), tenant.member("viewer")
    page = f"/settings/members/{viewer.member_id}"
    assert viewer.page.get(page).status_code == 403
    assert admin.page.post(page, data={"roles": [role_id(tenant, "auditor")]}).status_code == 303
    assert viewer.api.get("/api/auth/me").json["data"]["roles"] == ["auditor"]
    assert admin.page.post(page, data={"roles": [role_id(tenant, "owner")]}).status_code == 422
    above = f"/settings/members/{owner.member_id}"
    assert admin.page.post(above, data={"roles": [role_id(tenant, "viewer")]}).status_code == 422
    assert admin.page.post(f"{above}/deactivate").status_code == 403
    assert admin.page.post(f"{page}/deactivate").status_code == 303
    assert viewer.api.get("/api/ossature/teams").status_code == 404
    assert admin.page.post(f"{page}/activate").status_code == 303
    assert viewer.page.get("/settings/members").status_code == 200


def test_a_role_is_made_from_another_changed_and_deleted(tenant: Tenant) -> None:
    owner = tenant.member("owner")
    made = owner.page.post("/settings/roles/new", data={"name": "Réception", "like": role_id(tenant, "viewer")})
    assert made.status_code == 303
    page = owner.page.get(made.location).text
    assert 'name="grant-ossature.team.view"' in page
    data = {"name": "Réception", "description": "", "grant-ossature.team.view": "team", "grant-nonsense": "all"}
    assert owner.page.post(made.location, data=data).status_code == 303
    person = tenant.member("viewer")
    new = made.location.rpartition("/")[2]
    assert owner.page.post(f"/settings/members/{person.member_id}", data={"roles": [new]}).status_code == 303
    assert person.api.get("/api/auth/me").json["data"]["permissions"] == {"ossature.team.view": "team"}
    assert owner.page.post(f"{made.location}/delete").status_code == 409
    assert owner.page.post("/settings/roles/presets", data={"preset": "team"}).status_code == 303


def test_the_matrix_shows_every_permission_and_role(tenant: Tenant) -> None:
    page = tenant.member("owner").page.get("/settings/roles").text
    for name in rights().permissions:
        if name.startswith("ossature."):
            assert f'title="{name}"' in page


def test_a_team_is_made_filled_and_deleted(tenant: Tenant) -> None:
    owner, mate = tenant.member("owner"), tenant.member("viewer", name="Chloé Bernard")
    made = owner.page.post("/settings/teams/new", data={"name": "Atelier", "members": [str(mate.member_id)]})
    assert made.status_code == 303
    page = owner.page.get("/settings/teams").text
    assert "Atelier" in page
    assert "Chloé Bernard" in page
    twice = owner.page.post("/settings/teams/new", data={"name": "ATELIER"})
    assert twice.status_code == 422
    team = re.search(r"/settings/teams/([0-9a-f-]{36})", page)
    assert team
    assert owner.page.post(f"/settings/teams/{team[1]}", data={"name": "Garage"}).status_code == 303
    assert "Chloé Bernard" not in owner.page.get("/settings/teams").text
    assert owner.page.post(f"/settings/teams/{team[1]}/delete").status_code == 303
    assert mate.page.post("/settings/teams/new", data={"name": "X"}).status_code == 403


def test_the_settings_show_no_team_beyond_ones_reach(tenant: Tenant) -> None:
    team = tenant.member("owner").api.post("/api/ossature/teams", json={"name": "Atelier"}).json["data"]
    person = tenant.member("viewer")
    with tenant.work():
        role = create_role("Own teams", "")
        set_grants(role.id, {"ossature.team.view": Reach.ALL, "ossature.team.edit": Reach.OWN})
        assign_roles(person.member_id, [role.id])
    assert "Atelier" in person.page.get("/settings/teams").text
    assert person.page.get(f"/settings/teams/{team['id']}").status_code == 404
    with tenant.work():
        set_grants(role.id, {"ossature.team.view": Reach.OWN})
    assert "Atelier" not in person.page.get("/settings/teams").text


@pytest.mark.req("S1-32")
def test_a_key_is_made_in_settings_shown_once_used_and_revoked(app: Flask, tenant: Tenant) -> None:
    owner = tenant.member("owner")
    form = {"name": "Boutique", "kind": "service", "days": "30", "scopes": ["ossature.team.view"]}
    page = owner.page.post("/settings/keys/new", data=form)
    assert page.headers["Cache-Control"] == "no-store"
    shown = re.search(r"oss_[a-z0-9]{10}_[A-Za-z0-9_-]{40}", page.text)
    assert shown
    listed = owner.page.get("/settings/keys").text
    assert "Boutique" in listed
    assert shown[0] not in listed
    api = client_of(app, tenant.url, Authorization=f"Bearer {shown[0]}")
    assert api.get("/api/ossature/teams").status_code == 200
    key = re.search(r"/settings/keys/([0-9a-f-]{36})/revoke", listed)
    assert key
    assert owner.page.post(f"/settings/keys/{key[1]}/revoke").status_code == 303
    assert api.get("/api/ossature/teams").status_code == 401


def test_a_viewer_makes_keys_for_themselves_alone_and_sees_no_others(tenant: Tenant) -> None:
    owner, viewer = tenant.member("owner"), tenant.member("viewer")
    owner.page.post(
        "/settings/keys/new", data={"name": "Secret d’atelier", "kind": "service", "days": "30", "scopes": ["ossature.team.view"]}
    )  # fmt: skip
    page = viewer.page.get("/settings/keys").text
    assert "Secret d’atelier" not in page
    for wrong in (
        {"kind": "service", "scopes": ["ossature.team.view"]},
        {"kind": "personal", "scopes": ["ossature.team.delete"]},
        {"kind": "personal", "scopes": ["ossature.team.view"], "days": "100000"},
        {"kind": "personal"},
    ):
        assert viewer.page.post("/settings/keys/new", data={"name": "N", "days": "9", **wrong}).status_code == 422
    key = re.search(r"/settings/keys/([0-9a-f-]{36})/revoke", owner.page.get("/settings/keys").text)
    assert key
    assert viewer.page.post(f"/settings/keys/{key[1]}/revoke").status_code == 404


# -- the platform -----------------------------------------------------------------------------------------------------


@pytest.mark.req("S2-057", "S2-047")
def test_all_tenants_are_seen_by_platform_administrators_alone(
    administrator: HostClient, tenant: Tenant, client: HostClient
) -> None:
    assert tenant.slug in administrator.get("/platform/tenants").text
    assert tenant.member("owner").page.get("/platform/tenants").status_code == 403
    with transaction(Context(means="command")) as work:
        rows = work.execute(
            text("SELECT count(*) FROM ossature.platform_tenants(:session)"),
            {"session": tenant.member("owner").session("page")},
        ).scalar_one()
    assert rows == 0, "the database itself asks for an administrator's session"


def test_a_tenant_is_made_with_its_owner_suspended_and_resumed(app: Flask, administrator: HostClient) -> None:
    slug = f"pont-{new_id().hex[-8:]}"
    form = {
        "name": "Garage du Pont", "slug": slug, "locale": "fr", "time_zone": "Europe/Paris", "preset": "team",
        "owner_name": "Inès Roux", "owner_email": f"ines@{slug}.example",
    }  # fmt: skip
    assert administrator.post("/platform/tenants/new", data={**form, "slug": "Not A Slug"}).status_code == 422
    made = administrator.post("/platform/tenants/new", data=form)
    assert made.status_code == 200
    assert "/password/" in made.text
    assert administrator.post("/platform/tenants/new", data=form).status_code == 422, "the name is taken"
    with transaction(Context(means="command")) as work:
        row = work.execute(text("SELECT * FROM ossature.find_tenant(:slug)"), {"slug": slug}).one()
    assert administrator.post(f"/platform/tenants/{row.id}/suspend").status_code == 303
    assert client_of(app, f"http://{slug}.localhost").get("/sign-in").status_code == 404
    assert administrator.post(f"/platform/tenants/{row.id}/resume").status_code == 303


def test_an_administrator_opens_a_tenant_and_its_history_names_them(administrator: HostClient, tenant: Tenant) -> None:
    assert administrator.get("/settings/members").location == "/choose"
    unsaid = administrator.post(f"/platform/tenants/{tenant.id}/open", data={"reason": ""})
    assert unsaid.status_code == 422
    assert administrator.post(f"/platform/tenants/{tenant.id}/open", data={"reason": "A question"}).status_code == 303
    assert administrator.post("/settings/teams/new", data={"name": "Aide"}).status_code == 303
    with tenant.work() as work:
        rows = work.execute(
            text(
                "SELECT a.kind, a.label FROM ossature.team t JOIN ossature.actor a"
                " ON a.tenant_id = t.tenant_id AND a.id = t.created_by_id"
            )
        ).all()
        reasons = work.execute(text("SELECT reason FROM ossature.change_set WHERE reason IS NOT NULL")).scalars().all()
    assert [tuple(row) for row in rows] == [("platform", "Root")]
    assert "A question" in reasons
    assert UUID(str(tenant.id))


def test_each_time_an_administrator_opens_a_tenant_its_history_says_why(
    administrator: HostClient, tenant: Tenant
) -> None:
    for reason in ("A question", "Another one"):
        answer = administrator.post(f"/platform/tenants/{tenant.id}/open", data={"reason": reason})
        assert answer.status_code == 303
    with tenant.work() as work:
        reasons = work.execute(text("SELECT reason FROM ossature.change_set WHERE reason IS NOT NULL")).scalars()
        assert set(reasons) == {"A question", "Another one"}
