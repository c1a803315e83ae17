"""Contexts of work that nobody's request carries: event handlers and jobs."""

from __future__ import annotations

import time
from uuid import UUID, uuid5

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from ossature.auth.snapshot import member_access
from ossature.auth.state import access_state
from ossature.context import Access, Actor, Context, TenantInfo, current
from ossature.db.kernel import actor, tenant
from ossature.db.work import session, transaction
from ossature.rbac.models import ApiKey, Member
from ossature.rbac.rights import rights

_KNOWN_FOR = 2.0  # seconds; a plugin or a tenant that is switched off stops within this time
_known: dict[UUID, tuple[float, TenantInfo | None, frozenset[str]]] = {}


def tenant_now(tenant_id: UUID) -> tuple[TenantInfo | None, frozenset[str]]:
    """A tenant and the plugins enabled for it, at most two seconds old; None while it is suspended."""
    found = _known.get(tenant_id)
    if found is None or found[0] < time.monotonic():
        with transaction(Context(means="system"), role="system") as work:
            row = work.execute(
                select(tenant).where(tenant.c.id == tenant_id, tenant.c.status == "active")
            ).one_or_none()
            plugins = work.execute(text("SELECT ossature.enabled_plugins(:tenant)"), {"tenant": tenant_id}).scalar()
        info = TenantInfo(row.id, row.slug, row.name, row.locale, row.time_zone) if row else None
        found = _known[tenant_id] = (time.monotonic() + _KNOWN_FOR, info, frozenset(plugins or ()))
    return found[1], found[2]


def forget_tenants() -> None:
    """Ask again at once: after a fork, and in tests."""
    _known.clear()


def as_job(tenant: TenantInfo, plugins: frozenset[str], key: str, label: str) -> Context:
    """The context of a handler or job that runs in nobody's name: everything allowed, an actor of kind job."""
    acting = Actor(uuid5(tenant.id, f"job:{key}"), "job", label)
    access = Access(rights().everything, frozenset({acting.id}), plugins, ("job",))
    return Context(tenant, acting, access, "job", locale=tenant.locale, time_zone=tenant.time_zone)


def write_actor(acting: Actor) -> None:
    """Make the row of a job's actor in the current unit of work; safe to repeat."""
    session().execute(
        insert(actor)
        .values(tenant_id=current().tenant_id, id=acting.id, kind=acting.kind, label=acting.label, active=True)
        .on_conflict_do_nothing(index_elements=["tenant_id", "id"])
    )


def as_actor(tenant: TenantInfo, plugins: frozenset[str], actor_id: UUID) -> Context | None:
    """The context of somebody's job with what they may do now; None when they may do nothing here any more."""
    bound = Context(tenant, means="system", locale=tenant.locale, time_zone=tenant.time_zone)
    with transaction(bound) as work:
        row = work.execute(
            select(actor).where(actor.c.tenant_id == tenant.id, actor.c.id == actor_id, actor.c.active)
        ).one_or_none()
        if row is None:
            return None
        user_id, access = None, None
        if row.kind == "member":
            user_id = work.scalar(select(Member.user_id).where(Member.id == actor_id, Member.active))
            document = work.execute(
                text("SELECT ossature.actor_access(:tenant, :member)"), {"tenant": tenant.id, "member": actor_id}
            ).scalar()
            access = member_access(document, actor_id, plugins) if user_id and document else None
        elif row.kind == "api_key":
            prefix = work.scalar(select(ApiKey.prefix).where(ApiKey.id == actor_id))
            key = access_state().cache.api_key(prefix) if prefix else None
            access = key.access if key else None
        elif row.kind == "platform":
            access = Access(rights().everything, frozenset({actor_id}), plugins, ("platform",))
    if access is None:
        return None
    acting = Actor(actor_id, row.kind, row.label, user_id)
    return bound.with_(actor=acting, access=access, means="job", user_id=user_id)
