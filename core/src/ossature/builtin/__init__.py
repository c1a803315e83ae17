"""Kernel features written as plugins are, so that the hooks stay honest."""

from types import ModuleType

from ossature.builtin import (
    auth_api,
    home,
    keys,
    members,
    organisation,
    platform,
    plugins,
    roles,
    settings,
    sign_in,
    teams,
)

MODULES: tuple[ModuleType, ...] = (
    home,
    sign_in,
    auth_api,
    settings,
    organisation,
    members,
    roles,
    teams,
    plugins,
    keys,
    platform,
)
