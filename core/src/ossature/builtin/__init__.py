"""Kernel features written as plugins are, so that the hooks stay honest."""

from types import ModuleType

from ossature.builtin import (
    auth_api,
    background,
    background_api,
    background_schedules,
    changes,
    home,
    keys,
    members,
    options,
    organisation,
    platform,
    plugins,
    roles,
    settings,
    sign_in,
    teams,
    tidy,
    views,
    views_api,
    why,
)

MODULES: tuple[ModuleType, ...] = (
    home,
    sign_in,
    auth_api,
    changes,
    settings,
    organisation,
    options,
    members,
    roles,
    teams,
    views,
    views_api,
    plugins,
    keys,
    background,
    background_schedules,
    background_api,
    platform,
    tidy,
    why,
)
