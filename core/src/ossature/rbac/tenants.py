"""Organisations: made with a role set, suspended, opened by a platform administrator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert

from ossature.auth.state import access_state
from ossature.context import Actor, Context, TenantInfo, current
from ossature.db import after_commit, session, transaction
from ossature.db.kernel import actor
from ossature.errors import Conflict, Detail, Forbidden, Invalid, NotFound
from ossature.i18n import is_time_zone, locales, translator
from ossature.ids import new_id
from ossature.rbac.presets import DEFAULT_PRESET
from ossature.rbac.roles import add_preset

_, _l, ngettext = translator("ossature")

RESERVED = frozenset({"www", "api", "app", "admin", "mail", "static", "assets", "cdn", "localhost", "platform"})
_PLUGINS = text("""
INSERT INTO ossature.tenant_plugin (tenant_id, id, key)
SELECT CAST(:tenant AS uuid), p.* FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS text[])) p
""")
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class TenantRow:
    id: UUID
    slug: str
    name: str
    status: str
    created_at: datetime
    members: int


def create_tenant(
    slug: str,
    name: str,
    *,
    preset: str = DEFAULT_PRESET,
    locale: str = "fr",
    time_zone: str = "Europe/Paris",
    plugins: Iterable[str] = (),
) -> TenantInfo:
    """Make an organisation with its roles, in a transaction of its own.

    By a platform administrator's session when one is bound, else by the system role (the command line). `plugins`
    are enabled from the start.
    """
    details = _faults(slug, name, locale, time_zone)
    if details:
        raise Invalid(details[0].message, details)
    tenant = TenantInfo(new_id(), slug, name.strip(), locale, time_zone)
    caller = current()
    by_session = caller.session_id is not None
    if by_session and not caller.platform_admin:
        raise Forbidden(_("Only administrators of the platform may do this."))
    context = caller.with_(tenant=tenant, actor=None)
    values = {
        "session": caller.session_id, "id": tenant.id, "slug": slug, "name": tenant.name, "locale": locale,
        "zone": time_zone,
    }  # fmt: skip
    function = (
        "platform_create_tenant(:session, :id, :slug, :name, :locale, :zone)"
        if by_session
        else "system_create_tenant(:id, :slug, :name, :locale, :zone)"
    )
    plugins = tuple(plugins)
    with transaction(context, role="app" if by_session else "system") as work:
        if not work.execute(text(f"SELECT ossature.{function}"), values).scalar():
            message = _("The name %(slug)s is taken.", slug=slug)
            raise Conflict(message, [Detail("slug", "taken", message)])
        if plugins:
            work.execute(_PLUGINS, {"tenant": tenant.id, "ids": [new_id() for _key in plugins], "keys": list(plugins)})
        add_preset(preset, plugins)
    return tenant


def list_tenants() -> list[TenantRow]:
    """All organisations of the installation, for the platform administrator whose session is bound."""
    rows = session().execute(
        text("SELECT * FROM ossature.platform_tenants(:session)"), {"session": current().session_id}
    )
    return [TenantRow(**row._mapping) for row in rows]


def set_status(tenant_id: UUID, status: Literal["active", "suspended"]) -> None:
    """Suspend an organisation (nobody gets in, nothing is lost) or open it again."""
    by_session = current().session_id is not None
    function = "platform_set_status(:session, :id, :status)" if by_session else "system_set_status(:id, :status)"
    values = {"session": current().session_id, "id": tenant_id, "status": status}
    if not session().execute(text(f"SELECT ossature.{function}"), values).scalar():
        raise NotFound(_("There is no such organisation."))
    cache = access_state().cache
    after_commit(lambda: cache.tenant_changed(tenant_id))


def open_tenant(tenant_id: UUID, label: str, reason: str) -> TenantInfo:
    """Let the bound platform session work in an organisation, as an actor of kind platform that its history names.

    The actor is the same each time for one administrator and one organisation.
    """
    caller = current()
    if caller.session_id is None or caller.user_id is None or not caller.platform_admin:
        raise Forbidden(_("Only administrators of the platform may do this."))
    session_id, user_id = caller.session_id, caller.user_id
    found = next((row for row in list_tenants() if row.id == tenant_id), None)
    if found is None or found.status != "active":
        raise NotFound(_("There is no such organisation."))
    tenant = TenantInfo(found.id, found.slug, found.name)
    actor_id = uuid5(tenant_id, f"platform:{user_id}")
    acting = Actor(actor_id, "platform", label, user_id)
    cache = access_state().cache
    with transaction(caller.with_(tenant=tenant, actor=acting, reason=reason)) as work:
        # Closed first, so that each opening is a change of its own and the history keeps its reason.
        work.execute(update(actor).where(actor.c.tenant_id == tenant_id, actor.c.id == actor_id).values(active=False))
        work.execute(
            insert(actor)
            .values(tenant_id=tenant_id, id=actor_id, kind="platform", label=label, active=True)
            .on_conflict_do_update(index_elements=["tenant_id", "id"], set_={"label": label, "active": True})
        )
        opened = work.execute(
            text("SELECT ossature.platform_open_tenant(:session, :tenant, :actor)"),
            {"session": session_id, "tenant": tenant_id, "actor": actor_id},
        ).scalar()
        if not opened:
            raise NotFound(_("There is no such organisation."))
        after_commit(lambda: cache.user_changed(user_id, session_id))
    return tenant


def operator_context(tenant: TenantInfo | None) -> Context:
    """The context of a command: nobody in particular, above the ranks."""
    return Context(tenant=tenant, means="command", locale="en")


def each_tenant(slug: str | None = None) -> Iterator[TenantInfo]:
    """Every organisation in turn, or the one of that slug, for commands: while it has its turn its operator's context is
    bound, and a transaction of its own as the system role is open.

    Raises `NotFound` when there is none of that slug.
    """
    with transaction(operator_context(None), role="system") as work:
        rows = work.execute(text("SELECT id, slug, name, locale, time_zone FROM ossature.tenant ORDER BY slug")).all()
    named = [TenantInfo(*row) for row in rows if slug is None or row.slug == slug]
    if slug is not None and not named:
        raise NotFound(_("There is no such organisation."))
    for tenant in named:
        with transaction(operator_context(tenant), role="system"):
            yield tenant


def _faults(slug: str, name: str, locale: str, time_zone: str) -> list[Detail]:
    faults = []
    if not _SLUG.fullmatch(slug) or slug in RESERVED:
        faults.append(
            Detail("slug", "invalid", _("Use lower-case letters, digits and hyphens; it becomes part of the address."))
        )
    if not name.strip() or len(name) > 200:
        faults.append(Detail("name", "required", _("Give a name.")))
    if locale not in locales():
        faults.append(Detail("locale", "unknown", _("Choose a language.")))
    if not is_time_zone(time_zone):
        faults.append(Detail("time_zone", "unknown", _("Choose a time zone.")))
    return faults
