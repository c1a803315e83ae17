"""The last look at what plugins brought once all routes are there: no link leads nowhere, no failed plugin answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, NoReturn

from ossature.errors import NotFound
from ossature.hooks.calls import NAVIGATION, SETTINGS_PAGES, WIDGETS, HookError, Registers
from ossature.i18n.texts import translator
from ossature.plugins.manifest import KERNEL
from ossature.plugins.registry import PluginRegistry
from ossature.rbac.rules import public

_, _l, ngettext = translator("ossature")

_NAMING_ENDPOINTS: tuple[Registers[Any], ...] = (NAVIGATION, WIDGETS, SETTINGS_PAGES)


def check_endpoints(registry: PluginRegistry, views: MutableMapping[str, Callable[..., Any]]) -> None:
    """Plugins whose navigation, widgets or settings pages name an endpoint that is not there become failed.

    Flask cannot take routes back, so those of plugins that failed, here or in an earlier step, answer 404 from now on.
    """
    for register in _NAMING_ENDPOINTS:
        for entry in registry.registered(register):
            endpoint = getattr(entry.value, "endpoint", None)
            if endpoint is None or endpoint in views or entry.plugin not in registry:
                continue
            with registry.guard(entry.plugin, "checking endpoints"):
                raise HookError(
                    entry.plugin,
                    register.hook,
                    f"there is no endpoint {endpoint!r}",
                    "correct the name or add the view",
                )
    for endpoint in views:
        key = plugin_of(endpoint, registry.statuses)
        if key is not None and key != KERNEL and key not in registry:
            views[endpoint] = _gone


def plugin_of(name: str, keys: Iterable[str]) -> str | None:
    """The plugin that an endpoint, a blueprint or a permission belongs to: `crm`, `crm_records`, `crm.contact.view`."""
    first = name.partition(".")[0]
    fitting = [key for key in keys if first == key or first.startswith(f"{key}_")]
    return max(fitting, key=len, default=None)


@public
def _gone(**_values: object) -> NoReturn:
    raise NotFound(_("There is nothing here."))
