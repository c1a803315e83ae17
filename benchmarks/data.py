"""What is measured: three tenants, each with an owner and the sample people and companies of crm, the largest size."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

from deployments import Deployment
from flask import Flask
from sqlalchemy import text

from ossature.app import create_app
from ossature.auth.accounts import create_user, set_password
from ossature.auth.sign_in import memberships, open_session
from ossature.auth.state import access_state
from ossature.context import Context, TenantInfo, use_context
from ossature.db import migrate, transaction
from ossature.demo import load_demo
from ossature.first_run import activate_first_plugins
from ossature.hooks.types import DemoSize
from ossature.rbac.members import add_member
from ossature.rbac.presets import OWNER
from ossature.rbac.roles import role_by_key
from ossature.rbac.tenants import create_tenant, operator_context

TENANTS = ("one", "two", "three")
PASSWORD = "correct horse battery staple 7"
CONTACTS = {DemoSize.SMALL: 200, DemoSize.MEDIUM: 10_000, DemoSize.LARGE: 100_000}


def email_of(slug: str) -> str:
    return f"owner@{slug}.example"


@dataclass(frozen=True)
class Filled:
    """A deployment with its data, and the application on it in this process, to see what SQL it sends."""

    deployment: Deployment
    app: Flask
    context: Context
    """Of the owner of the first tenant."""


def fill(deployment: Deployment, size: DemoSize, say: Callable[[str], None]) -> Filled:
    """Migrate and fill a database; one that was filled before is used as it is."""
    config = deployment.config
    migrate.prepare(config)
    migrate.upgrade(config)
    activate_first_plugins(config)
    app = create_app(config)
    with app.app_context():
        missing = [slug for slug in TENANTS if find(slug) is None]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda slug: fill_tenant(slug, size, say), missing))
        if missing:
            with closing(deployment.administrator()) as connection:
                connection.execute("VACUUM (ANALYZE)")
                connection.execute("CHECKPOINT")
        found = find(TENANTS[0])
        assert found is not None
        return Filled(deployment, app, owner_of(found))


def find(slug: str) -> TenantInfo | None:
    with transaction(Context(means="command")) as work:
        row = work.execute(text("SELECT * FROM ossature.find_tenant(:slug)"), {"slug": slug}).first()
    return TenantInfo(row.id, row.slug, row.name, row.locale, row.time_zone) if row else None


def fill_tenant(slug: str, size: DemoSize, say: Callable[[str], None]) -> None:
    say(f"  tenant {slug}: {CONTACTS[size]:,} contacts ...")
    with use_context(operator_context(None)):
        tenant = create_tenant(slug, slug.capitalize(), locale="en", plugins=["crm"])
        with transaction(operator_context(tenant), role="system"):
            user = create_user(email_of(slug), f"Owner of {slug}", locale="en")
        set_password(user.id, email_of(slug), PASSWORD)
        with transaction(operator_context(tenant), role="system"):
            add_member(user.id, f"Owner of {slug}", [role_by_key(OWNER).id])
    load_demo(tenant, size)


def owner_of(tenant: TenantInfo) -> Context:
    with transaction(Context(means="command"), role="system") as work:
        user = work.execute(
            text("SELECT id FROM ossature.system_user(:email)"), {"email": email_of(tenant.slug)}
        ).scalar_one()
    session_id = open_session(user, "api", memberships(user), tenant).session_id
    found = access_state().cache.session(session_id, tenant.id, user)
    assert found is not None
    return Context(tenant=found.tenant, actor=found.actor, access=found.access, means="api", request_id=str(session_id))
