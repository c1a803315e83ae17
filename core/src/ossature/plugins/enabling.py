"""Switching plugins on and off for the bound tenant: what it has, and what its preset roles may do with it."""

from __future__ import annotations

from ossature.context import TenantInfo, current
from ossature.db import session
from ossature.plugins.activation import disable, enable
from ossature.plugins.manifest import discover
from ossature.rbac.members import members_changed
from ossature.rbac.roles import grant_presets


def enable_plugin(key: str) -> tuple[str, ...]:
    """Enable an active plugin and all it requires; returns the keys that were not. Raises `Conflict`.

    Preset roles get what the plugins state for them. Works in the open unit of work.
    """
    installed = {plugin.key: plugin for plugin in discover()}
    keys = enable(session(), installed, _tenant().id, key)
    for each in keys:
        grant_presets(each)
    return keys


def disable_plugin(key: str) -> None:
    """Disable a plugin; data and rights stay for the day it is enabled again. Raises `Conflict`, `NotFound`."""
    installed = {plugin.key: plugin for plugin in discover()}
    disable(session(), installed, _tenant().id, key)
    members_changed()


def _tenant() -> TenantInfo:
    tenant = current().tenant
    if tenant is None:
        raise RuntimeError("plugins are switched on and off for a tenant, and none is bound")
    return tenant
