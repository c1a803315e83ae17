"""Do the endpoints that plugins name exist? Asked once all routes are there, so that no page meets a dead link."""

from __future__ import annotations

from collections.abc import Container

from ossature.hooks.calls import NAVIGATION, SETTINGS_PAGES, WIDGETS, HookError, Registers
from ossature.plugins.registry import PluginRegistry

_NAMING_ENDPOINTS: tuple[Registers[object], ...] = (NAVIGATION, WIDGETS, SETTINGS_PAGES)  # type: ignore[assignment]


def check_endpoints(registry: PluginRegistry, endpoints: Container[str]) -> None:
    """Plugins whose navigation, widgets or settings pages name an endpoint that is not there become failed."""
    for register in _NAMING_ENDPOINTS:
        for entry in registry.registered(register):
            endpoint = getattr(entry.value, "endpoint", None)
            if endpoint is None or endpoint in endpoints or entry.plugin not in registry:
                continue
            with registry.guard(entry.plugin, "checking endpoints"):
                raise HookError(
                    entry.plugin,
                    register.hook,
                    f"there is no endpoint {endpoint!r}",
                    "correct the name or add the view",
                )
