"""The running application's parts in one object: `app.extensions["ossature"]`, or the process's own outside Flask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import current_app, has_app_context

from ossature.config import Config, derive
from ossature.db.database import Database
from ossature.records.types import RecordTypes

if TYPE_CHECKING:
    from redis import Redis

    from ossature.events.types import EventType, Handler
    from ossature.jobs.types import Job, Schedule
    from ossature.plugins.registry import PluginRegistry
    from ossature.records.screens import Screens


@dataclass(frozen=True)
class Background:
    """What running plugins declare about events and jobs, by key."""

    event_types: Mapping[str, EventType] = field(default_factory=dict)
    handlers: Mapping[str, Handler] = field(default_factory=dict)
    jobs: Mapping[str, Job[Any]] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)

    @cached_property
    def heard(self) -> frozenset[str]:
        """Records of whose changes somebody wants to know."""
        return frozenset(event.rpartition(".")[0] for handler in self.handlers.values() for event in handler.events)


@dataclass
class Kernel:
    """Configuration, database, Redis, plugins and record types of one application."""

    config: Config
    db: Database
    redis: Redis
    plugins: PluginRegistry
    records: RecordTypes = field(default_factory=RecordTypes)
    screens: dict[str, Screens] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)
    background: Background = field(default_factory=Background)

    @cached_property
    def cursor_key(self) -> bytes:
        """Signs list cursors."""
        return derive(self.config.secret_key, "list cursor")


_process_kernel: Kernel | None = None


def set_kernel(kernel: Kernel) -> None:
    """Make this the kernel of code that runs outside an application context: commands, jobs."""
    global _process_kernel
    _process_kernel = kernel


def kernel() -> Kernel:
    """The kernel of the current application, else of the process."""
    if has_app_context():
        found: Kernel = current_app.extensions["ossature"]
        return found
    if _process_kernel is None:
        raise RuntimeError("no application was created in this process")
    return _process_kernel
