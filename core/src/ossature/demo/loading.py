"""Loading and removing sample data, each plugin's in one transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from uuid import UUID, uuid5

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from ossature.context import Actor, Context, TenantInfo
from ossature.db import transaction
from ossature.db.kernel import actor
from ossature.errors import Conflict
from ossature.hooks.calls import DEMO_DATA
from ossature.hooks.types import DemoData, DemoSize
from ossature.i18n.texts import translator
from ossature.kernel import kernel

_, _l, _n = translator("ossature")

SEED = 20261120
LABEL = "Sample data"


def load_demo(tenant: TenantInfo, size: DemoSize, say: Callable[[str], None] = lambda _text: None) -> None:
    """Load the samples of every plugin that the tenant has; the same size gives the same data.

    Raises `Conflict` when samples are there already: remove them first.
    """
    context = _context(tenant)
    with transaction(context) as work:
        found = work.execute(
            select(actor.c.active).where(actor.c.tenant_id == tenant.id, actor.c.id == _loader(tenant).id)
        ).scalar()
    if found:
        raise Conflict(_("Sample data is loaded already; remove it first with `ossature demo remove`."))
    for item in _offered(tenant):
        say(f"{item.key} ...")
        with transaction(context) as work:
            _mark(tenant, active=True)
            item.load(size, work, Random(SEED))  # noqa: S311
    with transaction(context, role="owner") as work:
        work.execute(text("ANALYZE"))


def remove_demo(tenant: TenantInfo, say: Callable[[str], None] = lambda _text: None) -> None:
    """Take the samples away, in the reverse order; what people entered themselves stays."""
    context = _context(tenant)
    for item in reversed(list(_offered(tenant))):
        say(f"{item.key} ...")
        with transaction(context) as work:
            item.remove(work)
            _mark(tenant, active=False)


def _offered(tenant: TenantInfo) -> Iterator[DemoData]:
    from ossature.plugins.activation import enabled_plugins

    with transaction(_context(tenant)) as work:
        enabled = enabled_plugins(work.connection(), tenant.id)
    yield from kernel().plugins.values(DEMO_DATA, enabled)


def _loader(tenant: TenantInfo) -> Actor:
    return Actor(uuid5(UUID(int=SEED), str(tenant.id)), "job", LABEL)


def _context(tenant: TenantInfo) -> Context:
    return Context(tenant=tenant, actor=_loader(tenant), means="command", locale=tenant.locale, reason=LABEL)


def _mark(tenant: TenantInfo, *, active: bool) -> None:
    """The actor that the history names; being active says that samples are loaded."""
    from ossature.db.work import session

    loader = _loader(tenant)
    session().execute(
        insert(actor)
        .values(tenant_id=tenant.id, id=loader.id, kind="job", label=LABEL, active=active)
        .on_conflict_do_update(index_elements=["tenant_id", "id"], set_={"active": active})
    )
