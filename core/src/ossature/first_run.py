"""What a new deployment gets by itself: its plugins, a platform administrator, and on a developer's machine a demo
tenant. Safe to repeat; what people have changed since is left alone."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from ossature.config import Config
from ossature.config_checks import DEFAULT_DEMO_PASSWORD

if TYPE_CHECKING:
    from flask import Flask

DEMO_TENANT = "demo"
DEMO_ADMIN = "admin@demo.example"


def offers_demo(config: Config) -> bool:
    """Whether this deployment has the demo tenant. A development one that others can reach has a demo password of its
    own: `Config.load` refuses the default."""
    return config.environment == "development"


def activate_first_plugins(config: Config) -> list[str]:
    """Activate every installed plugin when none was ever activated; what was done, in words."""
    from sqlalchemy import text

    from ossature.context import Context, use_context
    from ossature.db import Database
    from ossature.errors import Refusal
    from ossature.plugins import activation
    from ossature.plugins.manifest import discover

    # A key with an underscore in front marks a plugin made for tests.
    installed = {plugin.key: plugin for plugin in discover() if not plugin.key.startswith("_")}
    said = []
    database = Database(config)
    try:
        with use_context(Context(means="command")), database.owner.begin() as connection:
            if connection.execute(text("SELECT FROM ossature.plugin LIMIT 1")).first() is not None:
                return []
            for key in sorted(installed):
                try:
                    said += [f"plugin {one} activated" for one in activation.activate(connection, installed, key)]
                except Refusal as refusal:
                    said.append(f"plugin {key} was left out: {refusal.message}")
    finally:
        database.dispose()
    return said


def first_run(app: Flask) -> list[str]:
    """Make the first administrator and the demo tenant where they are wanted and missing; what was done, in words."""
    from ossature.context import use_context
    from ossature.rbac.tenants import operator_context

    config: Config = app.extensions["ossature"].config
    with app.app_context(), use_context(operator_context(None)):
        said = _make_administrator(config)
        said += _make_demo(app) if offers_demo(config) else _close_demo()
    return said


@dataclass(frozen=True, slots=True)
class _Account:
    id: UUID
    has_password: bool


def _find_account(email: str) -> _Account | None:
    from sqlalchemy import text

    from ossature.db import transaction

    with transaction(role="system") as work:
        row = work.execute(text("SELECT id, has_password FROM ossature.system_user(:email)"), {"email": email}).first()
    return _Account(row.id, row.has_password) if row else None


def _make_account(email: str, name: str, password: str, *, platform_admin: bool) -> UUID:
    from sqlalchemy import text

    from ossature.auth.accounts import create_user, set_password
    from ossature.db import transaction

    with transaction(role="system") as work:
        user = create_user(email, name)
        if platform_admin:
            work.execute(text("SELECT ossature.system_set_platform_admin(:id, true)"), {"id": user.id})
    set_password(user.id, email, password)
    return user.id


def _make_administrator(config: Config) -> list[str]:
    from ossature.auth.accounts import normalise_email

    if not config.admin_email:
        return []
    email = normalise_email(config.admin_email)
    found = _find_account(email)
    if found is not None and found.has_password:
        return []
    _make_account(email, "Administrator", config.admin_password, platform_admin=True)
    return ["platform administrator made from OSSATURE_ADMIN_EMAIL"]


def _make_demo(app: Flask) -> list[str]:
    from sqlalchemy import text

    from ossature.context import TenantInfo
    from ossature.db import transaction
    from ossature.demo import load_demo
    from ossature.hooks.types import DemoSize
    from ossature.rbac.members import add_member
    from ossature.rbac.presets import OWNER
    from ossature.rbac.roles import role_by_key
    from ossature.rbac.tenants import create_tenant, operator_context

    kernel = app.extensions["ossature"]
    with transaction(role="system") as work:
        row = work.execute(text("SELECT * FROM ossature.find_tenant(:slug)"), {"slug": DEMO_TENANT}).first()
    account = _find_account(DEMO_ADMIN)
    if row is not None and account is not None:
        return _follow_demo_password(account, kernel.config.demo_password)
    said = []
    if row is not None:
        tenant = TenantInfo(row.id, row.slug, row.name, row.locale, row.time_zone)
    else:
        tenant = create_tenant(DEMO_TENANT, "Démo", plugins=kernel.plugins.keys)
        said.append("tenant demo made")
    user_id = (
        account.id
        if account is not None
        else _make_account(
            DEMO_ADMIN,
            "Anna Durand",
            kernel.config.demo_password,
            platform_admin=not kernel.config.admin_email,
        )
    )
    with transaction(operator_context(tenant), role="system"):
        add_member(user_id, "Anna Durand", [role_by_key(OWNER).id])
    said.append(f"account {DEMO_ADMIN} made, owner of demo")
    if row is None:
        load_demo(tenant, DemoSize.SMALL)
        said.append("sample data loaded; `ossature demo remove` takes it away")
    return said


def _follow_demo_password(account: _Account, password: str) -> list[str]:
    """Replace the default demo password once another one is set; one that a person chose stays."""
    if password == DEFAULT_DEMO_PASSWORD or not _has_default_password(account.id):
        return []
    from ossature.auth.accounts import set_password

    set_password(account.id, DEMO_ADMIN, password)
    return [f"password of {DEMO_ADMIN} changed to the one in OSSATURE_DEMO_PASSWORD"]


def _close_demo() -> list[str]:
    """Beyond development nobody signs in with the password that everybody can read in our source."""
    account = _find_account(DEMO_ADMIN)
    if account is None or not _has_default_password(account.id):
        return []
    from ossature.auth.accounts import set_password

    set_password(account.id, DEMO_ADMIN, secrets.token_urlsafe(32))
    return [f"{DEMO_ADMIN} had the default demo password: closed; `ossature user` gives it another"]


def _has_default_password(user_id: UUID) -> bool:
    from sqlalchemy import text

    from ossature.auth.passwords import verify_password
    from ossature.db import transaction

    with transaction(role="system") as work:
        stored = work.execute(text("SELECT ossature.password_of(:id)"), {"id": user_id}).scalar()
    return verify_password(stored, DEFAULT_DEMO_PASSWORD)
