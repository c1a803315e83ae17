"""The frame of this deployment's pages: navigation, create menu and banner from what plugins registered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import g, url_for

from ossature.auth.request import caller
from ossature.context import Context, NoContext, current
from ossature.db.work import session, transaction
from ossature.hooks.calls import NAVIGATION
from ossature.hooks.types import NavItem
from ossature.i18n.texts import translator
from ossature.jobs.console import dead_counts
from ossature.kernel import Kernel
from ossature.rbac.permissions import BACKGROUND_VIEW
from ossature.web.shell import Banner, CreateEntry, Reader, Shell, TenantChoice

_, _l, _n = translator("ossature")


ENDPOINTS: dict[str, Any] = {
    "home": "/",
    "me": "settings.me",
    "settings": "settings.index",
    "sign_in": "auth.sign_in",
    "sign_out": "auth.sign_out",
    "switch_tenant": "auth.switch_tenant",
    "set_locale": "auth.set_locale",
    "set_preferences": "auth.set_preferences",
    "search": "search.index",
}


def reader(_context: Context) -> Reader | None:
    """Who is signed in, for the me menu."""
    found = caller()
    if found is None or found.user is None:
        return None
    return Reader(found.user.name, found.user.email, found.user.theme, found.user.density)


def tenants(context: Context) -> Sequence[TenantChoice]:
    """The organisations that the reader may work in."""
    found = caller()
    places = found.places if found else ()
    return [TenantChoice(place.name, place.slug, place.id == context.tenant_id) for place in places]


def dead(context: Context) -> tuple[int, int]:
    """How many jobs and how many events failed for good; counted once a request, for who may see them.

    In a transaction of its own: a form that is shown again may come after a refusal by the database, which ends the
    present one. The page of an error asks nothing of the database, which may be what failed.
    """
    if context.tenant_id is None or not context.access.allows(BACKGROUND_VIEW):
        return 0, 0
    if "dead" not in g:
        try:
            session()
        except NoContext:
            return 0, 0
        with transaction():
            g.dead = dead_counts()
    found: tuple[int, int] = g.dead
    return found


def make_shell(kernel: Kernel) -> Shell:
    """What every page's frame is made from."""

    def navigation() -> Iterable[NavItem]:
        enabled = current().access.plugins
        items = [*kernel.plugins.values(NAVIGATION, enabled)]
        for key, screens in kernel.screens.items():
            rt = kernel.records.get(key)
            if rt is None or screens.navigation is None or (rt.plugin != "ossature" and rt.plugin not in enabled):
                continue
            endpoint = f"{rt.plugin}_records.{rt.name}_list"
            items.append(
                NavItem(
                    key, rt.plural, endpoint, icon=rt.icon, group=screens.navigation, permission=rt.permission("view"),
                    weight=screens.weight,
                )
            )  # fmt: skip
        return sorted(items, key=lambda item: item.weight)

    def create(context: Context) -> Iterable[CreateEntry]:
        for key, screens in sorted(kernel.screens.items(), key=lambda pair: pair[1].weight):
            rt = kernel.records.get(key)
            if rt is None or screens.navigation is None or rt.plugin not in context.access.plugins:
                continue
            if context.access.allows(rt.permission("create")):
                yield CreateEntry(str(rt.label), url_for(f"{rt.plugin}_records.{rt.name}_new"), rt.icon)

    def banner(context: Context) -> Banner | None:
        problems = kernel.plugins.problems
        if not problems or not (context.platform_admin or context.access.allows("ossature.plugins.manage")):
            return None
        return Banner(_("Not running: %(plugins)s. The rest works.", plugins=", ".join(p.key for p in problems)))

    return Shell(
        product=kernel.config.title, navigation=navigation, create=create, banner=banner,
        dead=lambda context: sum(dead(context)),
        reader=reader, tenants=tenants, **ENDPOINTS,
    )  # fmt: skip
