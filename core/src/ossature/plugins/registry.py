"""What the loaded plugins registered: each object with the key of its plugin, looked up per tenant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, TypeVar

import pluggy

from ossature.errors import Detail
from ossature.hooks.calls import HookError, Registers, refusals
from ossature.hooks.types import RecordChange
from ossature.i18n.texts import Text
from ossature.plugins.manifest import KERNEL, Manifest, is_on

T = TypeVar("T")


class PluginState(StrEnum):
    INSTALLED = "installed"
    ACTIVE = "active"
    FAILED = "failed"
    INCOMPATIBLE = "incompatible"
    MISSING_REQUIREMENT = "missing-requirement"


BROKEN = frozenset({PluginState.FAILED, PluginState.INCOMPATIBLE, PluginState.MISSING_REQUIREMENT})
"""States of plugins that should run and do not."""


@dataclass(frozen=True, slots=True)
class PluginStatus:
    """How one plugin stands; `reason` and `next_step` are filled when it should run and does not."""

    key: str
    state: PluginState
    manifest: Manifest | None = None
    reason: str = ""
    next_step: str = ""

    @property
    def broken(self) -> bool:
        return self.state in BROKEN

    @property
    def title(self) -> Text | str:
        """Translated by the plugin's own catalogue, which can be read without running its code."""
        return Text(self.key, self.manifest.title) if self.manifest else self.key

    @property
    def summary(self) -> Text | str:
        return Text(self.key, self.manifest.summary) if self.manifest and self.manifest.summary else ""

    def sentence(self) -> str:
        """One line for logs and terminals."""
        if not self.reason:
            return f"plugin {self.key}: {self.state}"
        return f"plugin {self.key}: {self.state}: {self.reason}; {self.next_step}"


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A running plugin: its manifest, its folder, and the modules that hold its hooks."""

    manifest: Manifest
    directory: Path
    modules: tuple[object, ...]

    @property
    def key(self) -> str:
        return self.manifest.key


@dataclass(frozen=True, slots=True)
class Registered(Generic[T]):
    """An object and the plugin it came from; `position` is that plugin's place in the order, 0 for the kernel."""

    plugin: str
    position: int
    value: T


class PluginFailure(Exception):
    """Raised instead of going on when failures are fatal; `statuses` are the plugins that failed."""

    def __init__(self, statuses: Iterable[PluginStatus]) -> None:
        self.statuses = tuple(statuses)
        super().__init__("\n".join(status.sentence() for status in self.statuses))


@dataclass
class PluginRegistry:
    """The plugins of this process. Built by `load_plugins`; later boot steps run under `guard`."""

    manager: pluggy.PluginManager
    strict: bool = False
    _loaded: dict[str, LoadedPlugin] = field(default_factory=dict)
    _statuses: dict[str, PluginStatus] = field(default_factory=dict)
    _objects: dict[str, list[Registered[Any]]] = field(default_factory=dict)

    # What there is

    @property
    def plugins(self) -> tuple[LoadedPlugin, ...]:
        """Running plugins in loading order, the kernel first."""
        return tuple(self._loaded.values())

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of running plugins in loading order, without the kernel."""
        return tuple(key for key in self._loaded if key != KERNEL)

    @property
    def statuses(self) -> Mapping[str, PluginStatus]:
        """Every plugin that is installed or was asked for, by key."""
        return self._statuses

    @property
    def problems(self) -> tuple[PluginStatus, ...]:
        """Plugins that should run and do not, for the administrators' banner and `ossature check`."""
        return tuple(status for status in self._statuses.values() if status.broken)

    def __contains__(self, key: object) -> bool:
        return key in self._loaded

    def plugin(self, key: str) -> LoadedPlugin:
        return self._loaded[key]

    def position(self, key: str) -> int:
        return tuple(self._loaded).index(key)

    # What they registered

    def registered(self, register: Registers[T], enabled: Collection[str] | None = None) -> tuple[Registered[T], ...]:
        """Objects of one `register_*` hook, with their plugin, sorted by weight, plugin order and key.

        `enabled` are the keys enabled for the tenant (`Access.plugins`); None takes all. The kernel's own objects are
        always there. Objects without a weight keep the order in which their plugin listed them.
        """
        return tuple(
            entry for entry in self._objects.get(register.hook, ()) if enabled is None or is_on(entry.plugin, enabled)
        )

    def values(self, register: Registers[T], enabled: Collection[str] | None = None) -> tuple[T, ...]:
        """As `registered`, the objects alone."""
        return tuple(entry.value for entry in self.registered(register, enabled))

    def check_record_change(self, change: RecordChange, enabled: Collection[str] | None) -> list[Detail]:
        """Reasons of plugins to refuse a change; `enabled` as in `registered`."""
        plugins = None if enabled is None else {KERNEL, *enabled}
        return refusals(self.manager, "check_record_change", plugins=plugins, change=change)

    # How it is filled

    def add(self, plugin: LoadedPlugin) -> None:
        self._loaded[plugin.key] = plugin
        self._statuses[plugin.key] = PluginStatus(plugin.key, PluginState.ACTIVE, plugin.manifest)

    def note(self, status: PluginStatus) -> None:
        self._statuses[status.key] = status

    def extend(self, register: Registers[T], plugin: str, values: Iterable[T]) -> None:
        entries = self._objects.setdefault(register.hook, [])
        position = self.position(plugin)
        entries.extend(Registered(plugin, position, value) for value in values)
        entries.sort(key=_rank)

    def fail(self, key: str, reason: str, next_step: str) -> None:
        """Mark a plugin failed and take it out, with every plugin that requires it."""
        manifest = self._loaded[key].manifest
        self._take_out(key)
        self._statuses[key] = PluginStatus(key, PluginState.FAILED, manifest, reason, next_step)
        for other in [plugin for plugin in self.plugins if key in plugin.manifest.requires]:
            if other.key in self._loaded:
                self.fail(other.key, f"requires {key}, which failed", f"mend {key} first")

    @contextmanager
    def guard(self, key: str, during: str = "starting") -> Iterator[None]:
        """Run a boot step on behalf of a plugin: an error makes the plugin failed, and the rest goes on.

        Errors of the kernel's own parts are raised, as is every error when failures are fatal.
        """
        try:
            yield
        except Exception as error:
            if key == KERNEL or key not in self._loaded:
                raise
            if isinstance(error, HookError):
                self.fail(key, error.problem, error.next_step)
            else:
                self.fail(key, f"{during} raised {type(error).__name__}: {error}", "correct the plugin")
            if self.strict:
                raise PluginFailure(self.problems) from error

    def _take_out(self, key: str) -> None:
        for module in self._loaded[key].modules:
            if self.manager.is_registered(module):
                self.manager.unregister(module)
        del self._loaded[key]
        for entries in self._objects.values():
            entries[:] = [entry for entry in entries if entry.plugin != key]


def _rank(entry: Registered[Any]) -> tuple[int, int, str]:
    weight = getattr(entry.value, "weight", None)
    if not isinstance(weight, int):
        return (0, entry.position, "")
    return (weight, entry.position, getattr(entry.value, "key", ""))
