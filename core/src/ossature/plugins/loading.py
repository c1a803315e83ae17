"""Loading plugins: from what is installed and active to a registry, one plugin's failure staying its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pluggy

from ossature.config import Config
from ossature.hooks import specs
from ossature.hooks.calls import (
    API_ALIASES,
    BLUEPRINTS,
    EVENTS,
    HANDLERS,
    JOBS,
    PERMISSIONS,
    PRESET_GRANTS,
    RECORD_TABS,
    RECORDS,
    REGISTERS,
    SCHEDULES,
    SETTINGS,
    HookError,
    Registers,
    check_plain,
    check_spelling,
    registered_by,
)
from ossature.i18n.texts import load_catalogues, load_kernel_catalogues
from ossature.plugins.manifest import API_VERSION, KERNEL, FoundPlugin, Manifest, compatible, discover
from ossature.plugins.order import order_plugins
from ossature.plugins.registry import LoadedPlugin, PluginFailure, PluginRegistry, PluginState, PluginStatus

log = logging.getLogger(__name__)


def load_plugins(
    active: Collection[str],
    *,
    builtin: Sequence[object] = (),
    found: Iterable[FoundPlugin] | None = None,
    strict: bool = False,
) -> PluginRegistry:
    """Load the plugins that are active in this deployment.

    `builtin` are the kernel's own hook modules, `found` what `discover()` says unless given. An inactive plugin is not
    imported. Raises `PluginFailure` when `strict` and a plugin that is active cannot run.
    """
    manager = pluggy.PluginManager(specs.PROJECT)
    manager.add_hookspecs(specs)
    registry = PluginRegistry(manager, strict=strict)
    installed = {plugin.key: plugin for plugin in (discover() if found is None else found)}

    load_kernel_catalogues()
    for plugin in installed.values():
        if plugin.translations:
            load_catalogues(plugin.key, plugin.translations)

    registry.add(_kernel(builtin))
    for status in assess(installed, active):
        registry.note(status)
    ready = [
        installed[key]
        for key, status in registry.statuses.items()
        if status.state is PluginState.ACTIVE and key != KERNEL
    ]
    _import(registry, ready)
    _register(registry)
    _collect(registry)

    for status in registry.problems:
        log.error(status.sentence())
    if strict and registry.problems:
        raise PluginFailure(registry.problems)
    return registry


def installed_packages(config: Config) -> list[tuple[str, str]]:
    """Key and import package of every usable plugin in loading order, active or not; nothing is imported.

    Where the configuration names the plugins, those and what they require.
    """
    found = {plugin.key: plugin for plugin in discover() if plugin.manifest}
    wanted = set(found if config.plugins is None else config.plugins)
    manifests = {key: plugin.manifest for key, plugin in found.items() if plugin.manifest}
    pending = list(wanted)
    while pending:
        manifest = manifests.get(pending.pop())
        more = set(manifest.requires) - wanted if manifest else set()
        wanted |= more
        pending.extend(more)
    order = order_plugins(manifest for key, manifest in manifests.items() if key in wanted)
    return [(key, found[key].package) for key in order.keys]


def _kernel(modules: Sequence[object]) -> LoadedPlugin:
    manifest = Manifest(KERNEL, "Ossature", API_VERSION, API_VERSION)
    return LoadedPlugin(manifest, Path(__file__).parent.parent, tuple(modules))


def assess(installed: dict[str, FoundPlugin], active: Collection[str]) -> Iterator[PluginStatus]:
    """How each plugin stands before any code is imported; those that may be imported come last, in loading order."""
    candidates: dict[str, Manifest] = {}
    broken: dict[str, PluginStatus] = {}
    for key in sorted({*installed, *active}):
        plugin = installed.get(key)
        manifest = plugin.manifest if plugin else None
        if plugin is None:
            broken[key] = PluginStatus(
                key,
                PluginState.FAILED,
                None,
                "it is active but not installed",
                f"install its distribution with pip, or run `ossature plugin deactivate {key}`",
            )
        elif plugin.error is not None:
            broken[key] = PluginStatus(key, PluginState.FAILED, None, plugin.error.problem, plugin.error.next_step)
        elif key not in active:
            yield PluginStatus(key, PluginState.INSTALLED, manifest)
        elif manifest is not None and not compatible(manifest.api):
            broken[key] = PluginStatus(
                key,
                PluginState.INCOMPATIBLE,
                manifest,
                f"it is written for API {manifest.api}, and this kernel offers {API_VERSION}",
                f"install a release of {plugin.distribution} made for this kernel",
            )
        elif manifest is not None:
            candidates[key] = manifest

    order = order_plugins(candidates.values())
    for ring in order.cycles:
        for key in ring[:-1]:
            broken[key] = PluginStatus(
                key,
                PluginState.FAILED,
                candidates[key],
                f"it goes round in a circle: {' needs '.join(ring)}",
                "remove one of these names from requires or after",
            )
    good: list[PluginStatus] = []
    for key in order.keys:
        status = _need(candidates[key], {status.key for status in good}, broken, installed)
        if status is None:
            good.append(PluginStatus(key, PluginState.ACTIVE, candidates[key]))
        else:
            broken[key] = status
    yield from broken.values()
    yield from good


def _need(
    manifest: Manifest, good: Collection[str], broken: dict[str, PluginStatus], installed: dict[str, FoundPlugin]
) -> PluginStatus | None:
    """Why a plugin lacks something it requires, or cannot live beside another."""
    for other in manifest.requires:
        if other in good:
            continue
        if other in broken:
            state = PluginState.FAILED if other in installed else PluginState.MISSING_REQUIREMENT
            return PluginStatus(
                manifest.key, state, manifest, f"requires {other}, which cannot run", f"mend {other} first"
            )
        step = (
            f"run `ossature plugin activate {other}`"
            if other in installed
            else f"install a distribution that provides {other}, then run `ossature plugin activate {other}`"
        )
        reason = f"requires {other}, which is {'not active' if other in installed else 'not installed'}"
        return PluginStatus(manifest.key, PluginState.MISSING_REQUIREMENT, manifest, reason, step)
    for other in good:
        theirs = installed[other].manifest
        if other in manifest.conflicts or (theirs and manifest.key in theirs.conflicts):
            return PluginStatus(
                manifest.key,
                PluginState.INCOMPATIBLE,
                manifest,
                f"it cannot run beside {other}",
                f"run `ossature plugin deactivate` for one of {manifest.key}, {other}",
            )
    return None


def _import(registry: PluginRegistry, ready: Sequence[FoundPlugin]) -> None:
    for plugin in ready:
        manifest, directory = plugin.manifest, plugin.directory
        if manifest is None or directory is None:
            continue
        missing = [other for other in manifest.requires if other not in registry]
        registry.add(LoadedPlugin(manifest, directory, ()))
        if missing:
            registry.fail(plugin.key, f"requires {missing[0]}, which failed", f"mend {missing[0]} first")
            continue
        with registry.guard(plugin.key, f"importing {plugin.module}"):
            try:
                module = import_module(plugin.module)
            except SystemExit as error:
                raise RuntimeError(f"it tried to end the process ({error})") from error
            registry.add(LoadedPlugin(manifest, directory, (module,)))


def _register(registry: PluginRegistry) -> None:
    """Register in reverse order: pluggy calls the last registered first, so required plugins answer first."""
    for plugin in reversed(registry.plugins):
        for module in reversed(plugin.modules):
            if plugin.key in registry:
                with registry.guard(plugin.key, "registering"):
                    _register_module(registry.manager, plugin.key, module)
    for plugin in registry.plugins:
        if plugin.key in registry:
            with registry.guard(plugin.key, "checking hooks"):
                check_spelling(registry.manager, plugin.key)
                check_plain(registry.manager, plugin.key)


def _register_module(manager: pluggy.PluginManager, key: str, module: object) -> None:
    part = getattr(module, "__name__", type(module).__name__)
    try:
        manager.register(module, name=f"{key}:{part}")
    except pluggy.PluginValidationError as error:
        if manager.is_registered(module):
            manager.unregister(module)
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise HookError(key, part, "; ".join(lines), "use the arguments that the hook's specification names") from error


def _collect(registry: PluginRegistry) -> None:
    for plugin in registry.plugins:
        if plugin.key not in registry:
            continue
        with registry.guard(plugin.key, "registering"):
            for register in REGISTERS:
                values = registered_by(registry.manager, register, plugin.key)
                _check_names(registry, plugin.key, register, values)
                registry.extend(register, plugin.key, values)


def _check_names(registry: PluginRegistry, key: str, register: Registers[Any], values: Sequence[Any]) -> None:
    """Names must begin with the plugin's key, and none may be taken twice."""
    name_of = _NAMES.get(register.hook, _key)
    taken: dict[str, str] = {}
    for entry in registry.registered(register):
        taken[name_of(entry.value)] = entry.plugin
    for value in values:
        name = name_of(value)
        if register in _OWN and not name.startswith(f"{key}."):
            raise HookError(key, register.hook, f"{name!r} does not begin with {key!r}", f"name it `{key}.something`")
        if key != KERNEL and register is BLUEPRINTS and not (name == key or name.startswith(f"{key}_")):
            raise HookError(key, register.hook, f"blueprint {name!r}", f"name it {key!r} or `{key}_something`")
        if key != KERNEL and register is PRESET_GRANTS and not name.startswith(f"{key}."):
            raise HookError(key, register.hook, f"grants {name!r}", "grant only permissions of this plugin")
        if name and name in taken and register is not PRESET_GRANTS:
            raise HookError(key, register.hook, f"{name!r} is taken by plugin {taken[name]!r}", "choose another name")
        taken[name] = key


_OWN = (RECORDS, PERMISSIONS, RECORD_TABS, SETTINGS, EVENTS, HANDLERS, JOBS, SCHEDULES)
"""What carries the plugin's key in its own."""


def _key(value: object) -> str:
    return str(getattr(value, "key", ""))


_NAMES: dict[str, Callable[[Any], str]] = {
    API_ALIASES.hook: lambda value: str(value.alias),
    BLUEPRINTS.hook: lambda value: str(value.name),
    PRESET_GRANTS.hook: lambda value: str(value.permission),
    RECORDS.hook: lambda value: str(getattr(value, "__key__", "")),
}
