"""Shared by the kernel's tests: plugins made on the spot, as pip would have installed them."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete

from ossature.context import Context
from ossature.db.kernel import subscription
from ossature.db.work import transaction
from ossature.events.subscriptions import tell_database
from ossature.events.types import EventType, Handler
from ossature.jobs.types import Job, Schedule
from ossature.kernel import Kernel, set_kernel
from ossature.testing.servers import SECRET, Servers

Declare = Callable[..., None]
Install = Callable[..., Path]
Run = Callable[..., subprocess.CompletedProcess[str]]


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
    }

    def run(*words: str, **changed: str) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("OSSATURE_")}
        environment |= {f"OSSATURE_{key}": value for key, value in {**settings, **changed}.items()}
        command = [sys.executable, "-m", "ossature", *words]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)

    yield run
    servers.drop(name)
