"""Tenants and members for tests: made fresh for each test through the product's own services, signed in at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import count
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ossature.auth.accounts import create_user
from ossature.auth.passwords import hash_password
from ossature.auth.sign_in import memberships, open_session
from ossature.auth.state import access_state
from ossature.context import Context, TenantInfo
from ossature.db import transaction
from ossature.ids import new_id
from ossature.kernel import Kernel
from ossature.plugins.activation import enabled_plugins
from ossature.rbac.members import add_member
from ossature.rbac.models import Role
from ossature.rbac.presets import PRESETS
from ossature.rbac.roles import add_preset
from ossature.rbac.tenants import create_tenant

PASSWORD = "correct horse battery staple 7"  # noqa: S105
_CSRF = "0" * 40
_numbers = count(1)


class HostClient(FlaskClient):
    """A test client that speaks to one host, sends the same headers each time and reads answers to their end."""

    base_url: str = "http://localhost"
    always: dict[str, str]

    def open(self, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], str):
            kwargs.setdefault("base_url", self.base_url)
            kwargs.setdefault("buffered", True)
            kwargs["headers"] = {**getattr(self, "always", {}), **dict(kwargs.get("headers") or {})}
        return super().open(*args, **kwargs)


def client_of(app: Flask, base_url: str, **headers: str) -> HostClient:
    """A client without a session, speaking to `base_url`."""
    client = HostClient(app, app.response_class)
    client.base_url = base_url
    client.always = headers
    return client


@dataclass(frozen=True)
class Person:
    """A member of a tenant, able to sign in with `email` and `PASSWORD`."""

    tenant: Tenant
    member_id: UUID
    user_id: UUID
    email: str
    role: str

    @cached_property
    def page(self) -> HostClient:
        """Signed in to the pages, with the token that forms carry."""
        app = self.tenant.app
        client = client_of(app, self.tenant.url, **{"X-CSRFToken": _csrf_header(app)})
        with client.session_transaction(base_url=self.tenant.url) as cookie:
            cookie.permanent = True
            cookie["sid"], cookie["uid"] = str(self.session("page")), str(self.user_id)
            cookie["tid"] = str(self.tenant.id)
            cookie["csrf_token"] = _CSRF
        return client

    @cached_property
    def api(self) -> HostClient:
        """Signed in to the API with an access token; send JSON with `json=`."""
        token = access_state().tokens.issue(self.user_id, self.session("api"), self.tenant.id, (self.role,))
        return client_of(self.tenant.app, self.tenant.url, Authorization=f"Bearer {token}", Accept="application/json")

    @cached_property
    def context(self) -> Context:
        """What services see when this person acts, for tests that call them directly."""
        found = access_state().cache.session(self.session("api"), self.tenant.id, self.user_id)
        if found is None:
            raise AssertionError(f"{self.email} cannot sign in")
        return Context(tenant=found.tenant, actor=found.actor, access=found.access, means="api", user_id=self.user_id)

    @contextmanager
    def work(self) -> Iterator[Session]:
        """A unit of work of this person."""
        with transaction(self.context) as work:
            yield work

    def session(self, kind: str) -> UUID:
        """A new session in the database, of kind page or api."""
        return open_session(self.user_id, kind, memberships(self.user_id), self.tenant.info).session_id


@dataclass(frozen=True)
class Tenant:
    """An organisation with the roles of its preset and the given plugins enabled."""

    app: Flask
    info: TenantInfo
    plugins: frozenset[str]

    @property
    def id(self) -> UUID:
        return self.info.id

    @property
    def slug(self) -> str:
        return self.info.slug

    @property
    def url(self) -> str:
        """The address of its host, without a slash at the end."""
        scheme, _, host = _kernel(self.app).config.base_url.partition("://")
        return f"{scheme}://{self.slug}.{host}"

    @property
    def context(self) -> Context:
        """The operator's, at the command line: everything allowed, nobody in particular."""
        return Context(tenant=self.info, means="command")

    @contextmanager
    def work(self) -> Iterator[Session]:
        """A unit of work of the operator in this tenant."""
        with transaction(self.context) as work:
            yield work

    def member(self, role: str = "owner", *, name: str | None = None, locale: str | None = "en") -> Person:
        """A new account with one role: owner, admin, manager, user, auditor, viewer, sales_rep, read_only.

        The first member with a role of another preset brings the roles of that preset.
        """
        number = next(_numbers)
        email = f"{role.replace('_', '-')}-{number}-{new_id().hex[-8:]}@{self.slug}.example"
        name = name or f"{role.replace('_', ' ').capitalize()} {number}"
        with self.work() as work:
            role_id = work.scalar(select(Role.id).where(Role.key == role)) or self._add_role(work, role)
            user = create_user(email, name, locale=locale)
            work.execute(text("SELECT ossature.set_password(:user, :hash)"), {"user": user.id, "hash": _hashed()})
            member_id = add_member(user.id, name, [role_id])
        return Person(self, member_id, user.id, email, role)

    def _add_role(self, work: Session, key: str) -> UUID:
        preset = next(preset.key for preset in PRESETS.values() if key in {role.key for role in preset.roles})
        added = add_preset(preset, sorted(enabled_plugins(work, self.id)))
        return next(role.id for role in added if role.key == key)


def new_tenant(app: Flask, slug: str | None = None, plugins: frozenset[str] | None = None, **fields: Any) -> Tenant:
    """A tenant of its own for a test; `fields` as `create_tenant` takes them."""
    enabled = frozenset(_kernel(app).plugins.keys) if plugins is None else plugins
    slug = slug or f"t{next(_numbers)}-{new_id().hex[-8:]}"
    with transaction(Context(means="command")):
        info = create_tenant(slug, slug.capitalize(), plugins=sorted(enabled), **{"locale": "en", **fields})
    return Tenant(app, info, enabled)


@lru_cache(maxsize=1)
def _hashed() -> str:
    """`PASSWORD` as accounts keep it: hashing is slow on purpose, and hardly a test signs in by it."""
    return hash_password(PASSWORD)


def _kernel(app: Flask) -> Kernel:
    kernel: Kernel = app.extensions["ossature"]
    return kernel


def _csrf_header(app: Flask) -> str:
    """What `csrf_token()` would have written into the page's form."""
    return str(URLSafeTimedSerializer(str(app.secret_key), salt="wtf-csrf-token").dumps(_CSRF))
