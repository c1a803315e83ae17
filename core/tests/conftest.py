"""Shared by the kernel's tests: plugins made on the spot, as pip would have installed them; the database by hand."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from flask import Flask
from pydantic import BaseModel
from sqlalchemy import delete, update

from ossature.context import Context
from ossature.db.kernel import job as table
from ossature.db.kernel import subscription
from ossature.db.work import transaction
from ossature.events.subscriptions import tell_database
from ossature.events.types import Event, EventType, Handler, handles
from ossature.jobs.pushing import PRIORITIES, Pushing
from ossature.jobs.run import JobRun
from ossature.jobs.types import Job, Schedule, job
from ossature.kernel import Kernel, set_kernel
from ossature.testing.people import Person, Tenant
from ossature.testing.ports import free_port
from ossature.testing.servers import SECRET, Servers

Declare = Callable[..., None]
Install = Callable[..., Path]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hand(servers: Servers, database: str) -> Iterator[psycopg.Connection[Any]]:
    """Whoever holds the database itself."""
    with servers.connect(database) as connection:
        connection.autocommit = True
        yield connection


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """`install("garden", code=..., requires=["crm"])` puts a distribution with a plugin on the path of this test.

    `manifest` replaces the whole text of manifest.toml; None leaves the file out. Returns the package's folder.
    """
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    before = set(sys.modules)

    def make(
        key: str,
        code: str = "",
        manifest: str | None = "",
        package: str | None = None,
        package_code: str = "",
        distribution: str | None = None,
        **fields: object,
    ) -> Path:
        package = package or f"test_{key.strip('_')}"
        folder = site / package
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").write_text(package_code)
        (folder / "plugin.py").write_text(code)
        if manifest == "":
            values = {"key": key, "title": key.strip("_").capitalize(), "api": "1", **fields}
            manifest = "".join(f"{name} = {value!r}\n" for name, value in values.items())
        if manifest is not None:
            (folder / "manifest.toml").write_text(manifest)
        name = distribution or f"test-{key.strip('_')}"
        info = site / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[ossature.plugins]\n{key} = {package}.plugin\n")
        importlib.invalidate_caches()
        return folder

    yield make
    for module in set(sys.modules) - before:
        if module.startswith("test_"):
            del sys.modules[module]


@pytest.fixture
def declare(app: Flask) -> Iterator[Declare]:
    """`declare(handler, job, ...)`: as if plugins had registered them, for this test alone."""
    kernel: Kernel = app.extensions["ossature"]
    former = kernel.background
    places = {EventType: "event_types", Handler: "handlers", Job: "jobs", Schedule: "schedules"}

    def add(*declared: EventType | Handler | Job | Schedule) -> None:
        for one in declared:
            place = places[type(one)]
            known = {**getattr(kernel.background, place), one.key: one}
            kernel.background = replace(kernel.background, **{place: known})
        tell_database(kernel)

    set_kernel(kernel)
    yield add
    kernel.background = former
    tell_database(kernel)
    with transaction(Context(means="system"), role="system", database=kernel.db) as work:
        strangers = delete(subscription).where(subscription.c.handler.not_in(former.handlers))
        work.execute(strangers)  # what plugins that are not there subscribed to would stay


class Heard:
    """A handler that notes what it gets, and fails for the names of records that it is told."""

    def __init__(self, *events: str, key: str = "ossature.listen", batch: int = 1, attempts: int = 8) -> None:
        self.events: list[Event] = []
        self.calls: list[int] = []
        self.failing: set[str] = set()
        self.handler = handles(*events, key=key, label="Listen", batch=batch, attempts=attempts)(self.take)

    def take(self, given: Event | list[Event]) -> None:
        events = given if isinstance(given, list) else [given]
        self.calls.append(len(events))
        for event in events:
            if self.failing & {name_of(event), str(event.record_id)}:
                raise RuntimeError(f"{name_of(event)} is not wanted, anna@example.com")
        self.events += events

    @property
    def names(self) -> list[str]:
        return [name_of(event) for event in self.events]

    @property
    def types(self) -> list[str]:
        return [event.type.rpartition(".")[2] for event in self.events]


def name_of(event: Event) -> str:
    changed = event.data.get("changes", {}).get("name") or {}
    return str(changed.get("after") or changed.get("before") or event.data.get("floor"))


@pytest.fixture
def listen(declare: Declare) -> Callable[..., Heard]:
    """`listen("crm.contact.created", batch=10)`: a handler that notes what it gets, declared for this test alone."""

    def made(*events: str, **options: Any) -> Heard:
        heard = Heard(*events, **options)
        declare(heard.handler)
        return heard

    return made


@pytest.fixture
def kernel(app: Flask) -> Kernel:
    found: Kernel = app.extensions["ossature"]
    return found


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner")


class Shelves(BaseModel):
    """What the jobs of `make` are given."""

    number: int = 1
    name: str = "Top"


@pytest.fixture
def make(declare: Declare) -> Callable[..., Job[Any]]:
    """`make(function, attempts=1)`: a job of the kernel's own, declared for this test."""

    def made(
        run: Callable[[JobRun, Any], Any] = lambda run, args: None, key: str = "ossature.tried", **options: Any
    ) -> Job[Any]:
        found = job(key, "Tried", **{"args": Shelves, **options})(run)
        declare(found)
        return found

    return made


@pytest.fixture
def pushing(app: Flask) -> Pushing:
    """What hands jobs to Redis, its queues empty and no other test's job waiting."""
    kernel: Kernel = app.extensions["ossature"]
    found = Pushing(kernel, redis.Redis.from_url(kernel.config.redis_url))
    for name in PRIORITIES:
        found.queues[name].empty()
    with transaction(Context(means="system"), role="system", database=kernel.db) as work:
        waiting = table.c.state.in_(("queued", "failed", "parked"))
        work.execute(update(table).where(waiting).values(state="cancelled"))
    found.tend()
    return found


@pytest.fixture(scope="module")
def ossature(servers: Servers, installed_plugins: tuple[str, ...], worker_number: int) -> Iterator[Run]:
    """Runs the command on a database of its own; `ossature("plugin", "list", ENVIRONMENT="test")`."""
    name = f"ossature_{servers.run}_cli_{worker_number}"
    servers.clone(servers.template("all", installed_plugins), name)
    config = servers.config(name)
    settings = {
        "HOME": str(config.home),
        "DATABASE_URL": config.database_url,
        "REDIS_URL": config.redis_url,
        "SECRET_KEY": SECRET,
        "DB_ROLE_PREFIX": config.db_role_prefix,
        "ENVIRONMENT": "test",
        "LOG_LEVEL": "error",
        "PORT": str(free_port()),
    }

    def run(*words: str, **changed: str) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("OSSATURE_")}
        environment |= {f"OSSATURE_{key}": value for key, value in {**settings, **changed}.items()}
        command = [sys.executable, "-m", "ossature", *words]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)

    yield run
    servers.drop(name)
