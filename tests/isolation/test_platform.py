"""Administrators of the platform: nobody in an organisation until they open it, and then under their own name."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from ossature.auth.accounts import create_user, set_platform_admin
from ossature.auth.sign_in import memberships, open_session
from ossature.context import Context
from ossature.db import transaction
from ossature.ids import new_id
from ossature.testing.people import _CSRF, HostClient, Tenant, _csrf_header, client_of

pytestmark = pytest.mark.database


@pytest.fixture
def root(app: Flask) -> HostClient:
    """A platform administrator, signed in at the main address."""
    base = app.extensions["ossature"].config.base_url
    with transaction(Context(means="command"), role="system"):
        user = create_user(f"root-{new_id().hex[-8:]}@example.com", "Root Admin")
        set_platform_admin(user.id, True)
    with transaction(Context(means="command")):
        signed_in = open_session(user.id, "page", memberships(user.id), None)
    page = client_of(app, base, **{"X-CSRFToken": _csrf_header(app)})
    with page.session_transaction(base_url=base) as cookie:
        cookie["sid"], cookie["uid"], cookie["csrf_token"] = str(signed_in.session_id), str(user.id), _CSRF
    return page


@pytest.mark.req("S2-047", "S2-057")
def test_they_see_all_organisations_and_nothing_inside_one(root: HostClient, tenant: Tenant) -> None:
    assert tenant.info.name in root.get("/platform/tenants").text
    assert root.get("/crm/contacts").headers["Location"].endswith("/choose")
    assert root.get("/api/contacts").status_code == 403


@pytest.mark.req("S2-052", "S2-053", "S2-054")
def test_they_do_everything_in_one_they_have_opened_and_its_history_names_them(
    root: HostClient, tenant: Tenant
) -> None:
    owner = tenant.member("owner")
    id = owner.api.post("/api/contacts", json={"last_name": "Martin"}).json["data"]["id"]
    assert root.post(f"/platform/tenants/{tenant.id}/open", data={"reason": ""}).status_code == 422
    assert root.post(f"/platform/tenants/{tenant.id}/open", data={"reason": "Asked by phone"}).status_code == 303

    assert "Martin" in root.get("/crm/contacts").text
    assert root.post("/api/contacts", json={"last_name": "Petit"}).status_code == 201
    assert root.patch(f"/api/contacts/{id}", json={"notes": "seen"}).status_code == 200
    assert root.delete(f"/api/contacts/{id}").status_code == 200

    with tenant.work() as work:
        last = work.execute(
            text(
                "SELECT a.kind, a.label, c.what FROM ossature.change c "
                "JOIN ossature.change_set s ON (s.tenant_id, s.at, s.id) = (c.tenant_id, c.at, c.change_set_id) "
                "JOIN ossature.actor a ON (a.tenant_id, a.id) = (s.tenant_id, s.actor_id) "
                "WHERE c.record_id = :id ORDER BY c.seq DESC LIMIT 1"
            ),
            {"id": id},
        ).one()
    assert tuple(last) == ("platform", "Root Admin", "delete")


def test_opening_one_organisation_opens_no_other(root: HostClient, tenant: Tenant, make_tenant: Any) -> None:
    other = make_tenant().member("owner")
    id = other.api.post("/api/contacts", json={"last_name": "Secret"}).json["data"]["id"]
    root.post(f"/platform/tenants/{tenant.id}/open", data={"reason": "Asked"})
    assert root.get(f"/api/contacts/{id}").status_code == 404
    assert "Secret" not in root.get("/crm/contacts").text


def test_a_suspended_organisation_lets_nobody_in_and_loses_nothing(root: HostClient, tenant: Tenant) -> None:
    owner = tenant.member("owner")
    owner.api.post("/api/contacts", json={"last_name": "Martin"})
    assert root.post(f"/platform/tenants/{tenant.id}/suspend").status_code == 303
    assert owner.api.get("/api/contacts").status_code in (401, 404)
    assert root.post(f"/platform/tenants/{tenant.id}/resume").status_code == 303
    with tenant.work() as work:
        assert work.execute(text("SELECT count(*) FROM crm.contact")).scalar_one() == 1
