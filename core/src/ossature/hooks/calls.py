"""Ways to call hooks: one implementation at a time, so that one plugin's failure never hides another's answer.

Two policies: *stop* (boot: raise, the plugin becomes failed) and *deny* (a check that crashes refuses).
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, TypeVar

import pluggy
from pluggy import HookImpl

from ossature.errors import Detail
from ossature.hooks import types
from ossature.i18n.texts import translator

log = logging.getLogger(__name__)

T = TypeVar("T")
_, _l, ngettext = translator("ossature")


@dataclass(frozen=True, slots=True)
class Registers(Generic[T]):
    """A `register_*` hook and what it returns; `kind` may be an import path, so that this module imports little.

    `classes` says that the hook returns classes instead of instances.
    """

    hook: str
    kind: type[T] | str
    classes: bool = False

    def accepts(self, value: object) -> bool:
        kind = self._kind()
        return isinstance(value, type) and issubclass(value, kind) if self.classes else isinstance(value, kind)

    @property
    def expected(self) -> str:
        name = self.kind.rpartition(":")[2] if isinstance(self.kind, str) else self.kind.__name__
        name = name.removesuffix("Base")
        return f"{name} classes" if self.classes else f"{name} objects"

    def _kind(self) -> type[Any]:
        if not isinstance(self.kind, str):
            return self.kind
        module, _colon, name = self.kind.partition(":")
        kind: type[Any] = getattr(import_module(module), name)
        return kind


RECORDS: Registers[Any] = Registers("register_records", "ossature.records.record:RecordBase", classes=True)
SCREENS: Registers[Any] = Registers("register_screens", "ossature.records.screens:Screens")
PERMISSIONS = Registers("register_permissions", types.Permission)
PRESET_GRANTS = Registers("register_preset_grants", types.PresetGrant)
NAVIGATION = Registers("register_navigation", types.NavItem)
WIDGETS = Registers("register_widgets", types.Widget)
RECORD_TABS = Registers("register_record_tabs", types.RecordTab)
BLUEPRINTS: Registers[Any] = Registers("register_blueprints", "flask:Blueprint")
API_ALIASES = Registers("register_api_aliases", types.ApiAlias)
API_CHANGES: Registers[Any] = Registers("register_api_changes", "ossature.web.versions:ApiChange")
COMMANDS: Registers[Any] = Registers("register_commands", "click:Command")
DEMO_DATA = Registers("register_demo_data", types.DemoData)
SETTINGS_PAGES = Registers("register_settings_pages", types.SettingsPage)
SETTINGS: Registers[Any] = Registers("register_settings", "ossature.settings:AnySetting")
HEALTH_CHECKS = Registers("register_health_checks", types.HealthCheck)
EVENTS: Registers[Any] = Registers("register_events", "ossature.events.types:EventType")
HANDLERS: Registers[Any] = Registers("register_handlers", "ossature.events.types:Handler")
JOBS: Registers[Any] = Registers("register_jobs", "ossature.jobs.types:Job")
SCHEDULES: Registers[Any] = Registers("register_schedules", "ossature.jobs.types:Schedule")

REGISTERS: tuple[Registers[Any], ...] = (
    RECORDS,
    SCREENS,
    PERMISSIONS,
    PRESET_GRANTS,
    NAVIGATION,
    WIDGETS,
    RECORD_TABS,
    BLUEPRINTS,
    API_ALIASES,
    API_CHANGES,
    COMMANDS,
    DEMO_DATA,
    SETTINGS_PAGES,
    SETTINGS,
    HEALTH_CHECKS,
    EVENTS,
    HANDLERS,
    JOBS,
    SCHEDULES,
)


class HookError(Exception):
    """A plugin's hook raised, answered something else than it should, or is misspelt."""

    def __init__(self, plugin: str, hook: str, problem: str, next_step: str) -> None:
        super().__init__(f"plugin {plugin!r}, hook {hook}: {problem}; {next_step}")
        self.plugin = plugin
        self.hook = hook
        self.problem = f"{hook}: {problem}"
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What one implementation returned, or the exception it raised."""

    plugin: str
    value: T | None
    error: Exception | None = None


def owner(name: str) -> str:
    """The plugin's key of a name in pluggy; parts of one plugin are registered as `key:part`."""
    return name.partition(":")[0]


def implementations(manager: pluggy.PluginManager, hook: str) -> list[HookImpl]:
    """Implementations in calling order: required plugins first."""
    caller: pluggy.HookCaller = getattr(manager.hook, hook)
    return list(reversed(caller.get_hookimpls()))


def call_each(
    manager: pluggy.PluginManager, hook: str, /, plugins: Collection[str] | None = None, **arguments: object
) -> Iterator[Answer[Any]]:
    """Call every implementation of a hook (of `plugins` only, when given), each failure kept apart."""
    for implementation in implementations(manager, hook):
        plugin = owner(implementation.plugin_name)
        if plugins is not None and plugin not in plugins:
            continue
        try:
            yield Answer(plugin, implementation.function(*(arguments[name] for name in implementation.argnames)))
        except Exception as error:
            yield Answer(plugin, None, error)


def registered_by(manager: pluggy.PluginManager, register: Registers[T], plugin: str) -> list[T]:
    """What one plugin registers through a hook. Policy *stop*: raises `HookError`."""
    values: list[T] = []
    for answer in call_each(manager, register.hook, plugins=(plugin,)):
        if answer.error is not None:
            error = answer.error
            raise HookError(
                plugin, register.hook, f"raised {type(error).__name__}: {error}", "correct the plugin"
            ) from error
        values.extend(_checked(plugin, register.hook, register.accepts, register.expected, answer.value))
    return values


def refusals(
    manager: pluggy.PluginManager, hook: str, /, plugins: Collection[str] | None = None, **arguments: object
) -> list[Detail]:
    """Policy *deny*: all reasons to refuse; an implementation that raises or answers nonsense is one of them."""
    details: list[Detail] = []
    for answer in call_each(manager, hook, plugins=plugins, **arguments):
        error = answer.error
        if error is None:
            try:
                details.extend(
                    _checked(
                        answer.plugin, hook, lambda value: isinstance(value, Detail), "Detail objects", answer.value
                    )
                )
                continue
            except HookError as wrong:
                error = wrong
        log.error("plugin %s failed in %s, refused", answer.plugin, hook, exc_info=error)
        message = _("The check of the plugin %(plugin)s failed, so nothing was saved.", plugin=answer.plugin)
        details.append(Detail("", "check_failed", message, {"plugin": answer.plugin}))
    return details


def _checked(plugin: str, hook: str, accepts: Callable[[object], bool], expected: str, value: object) -> Iterable[Any]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise HookError(plugin, hook, f"returned {type(value).__name__}", f"return a list of {expected}")
    for item in value:
        if not accepts(item):
            raise HookError(plugin, hook, f"returned {item!r} in its list", f"return a list of {expected}")
    return value


def check_spelling(manager: pluggy.PluginManager, plugin: str) -> None:
    """Raise `HookError` when the plugin implements a hook that nobody specified, naming the nearest one."""
    names = [name for name in vars(manager.hook) if not name.startswith("_")]
    known = [name for name in names if getattr(manager.hook, name).has_spec()]
    for name in sorted(set(names) - set(known)):
        for implementation in getattr(manager.hook, name).get_hookimpls():
            if owner(implementation.plugin_name) == plugin and not implementation.optionalhook:
                nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
                raise HookError(
                    plugin,
                    name,
                    "there is no such hook",
                    f"did you mean {nearest[0]}?" if nearest else f"the hooks are {', '.join(sorted(known))}",
                )


def check_plain(manager: pluggy.PluginManager, plugin: str) -> None:
    """Raise `HookError` for wrappers: hooks are called one by one, so that a wrapper would never run."""
    for name in vars(manager.hook):
        if name.startswith("_"):
            continue
        for implementation in getattr(manager.hook, name).get_hookimpls():
            if owner(implementation.plugin_name) == plugin and (implementation.wrapper or implementation.hookwrapper):
                raise HookError(plugin, name, "is a wrapper", "write a plain implementation")
