"""A real worker process, jobs named to it by Redis: it survives what jobs do to it."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from ossature.config import Config
from ossature.jobs import queue
from ossature.jobs.pushing import Pushing
from ossature.testing.people import Person, Tenant
from ossature.testing.servers import SECRET

pytestmark = pytest.mark.database

PLUGIN = """
import os, signal, time
from uuid import uuid4
from sqlalchemy import text
from ossature.api import current, hookimpl, job, session

def write(name):
    session().execute(text("INSERT INTO ossature.team (id, name) VALUES (:id, :name)"), {"id": uuid4(), "name": name})

@job("works.write", "Write")
def add(run, args):
    write("Written")
    return {"by": os.getpid(), "for": current().tenant.slug}

@job("works.sleep", "Sleep", time_limit=1, attempts=1)
def sleep(run, args):
    write("Undone")
    time.sleep(60)

@job("works.die", "Die")
def die(run, args):
    write(f"Attempt {run.attempt}")
    if run.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)

@job("works.wait", "Wait")
def wait(run, args):
    run.progress(1, 100, "Waiting")
    time.sleep(60)

JOBS = [add, sleep, die, wait]

@hookimpl
def register_jobs():
    return JOBS
"""

Worker = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def works(
    install: Callable[..., Path], declare: Callable[..., None], tenant: Tenant, tmp_path: Path
) -> Iterator[ModuleType]:
    """A plugin with jobs, known here and in the worker, enabled for the tenant."""
    install("works", PLUGIN)
    module = importlib.import_module("test_works.plugin")
    declare(*module.JOBS)
    with tenant.work() as work:
        work.execute(text("INSERT INTO ossature.tenant_plugin (id, key) VALUES (gen_random_uuid(), 'works')"))
    yield module
    with tenant.work() as work:
        work.execute(text("DELETE FROM ossature.tenant_plugin WHERE key = 'works'"))


@pytest.fixture
def worker(ossature_config: Config, installed_plugins: tuple[str, ...], tmp_path: Path) -> Iterator[Worker]:
    """`worker("--burst")`: the command, on the database and Redis of these tests."""
    config, started = ossature_config, []
    settings = {
        "HOME": str(config.home),
        "DATABASE_URL": config.database_url,
        "REDIS_URL": config.redis_url,
        "SECRET_KEY": SECRET,
        "DB_ROLE_PREFIX": config.db_role_prefix,
        "ENVIRONMENT": "test",
        "LOG_LEVEL": "warn",
        "PLUGINS": ",".join([*installed_plugins, "works"]),
    }
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OSSATURE_")}
    environment |= {f"OSSATURE_{key}": value for key, value in settings.items()}
    environment["PYTHONPATH"] = str(tmp_path / "site")

    def start(*options: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "ossature", "worker", *options], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def row(tenant: Tenant, id: UUID) -> Any:
    with tenant.work() as work:
        return work.execute(text("SELECT * FROM ossature.job WHERE id = :id"), {"id": id}).one()


def teams(tenant: Tenant) -> list[str]:
    with tenant.work() as work:
        return list(work.scalars(text("SELECT name FROM ossature.team")))


def to_redis(pushing: Pushing, person: Person, wanted: Any) -> UUID:
    with person.work():
        id: UUID = wanted.enqueue()
    assert pushing.push() == 1
    return id


def finished(process: subprocess.Popen[str]) -> str:
    output, _none = process.communicate(timeout=60)
    assert process.returncode == 0, output
    return output


def wait_until(ready: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.05)


@pytest.mark.req("S4-092")
def test_a_worker_takes_jobs_from_redis_and_runs_each_in_a_process_of_its_own(
    works: ModuleType, worker: Worker, pushing: Pushing, tenant: Tenant
) -> None:
    id = to_redis(pushing, tenant.member(), works.add)
    process = worker("--burst")
    finished(process)
    found = row(tenant, id)
    assert (found.state, found.result["for"]) == ("succeeded", tenant.slug)
    assert found.result["by"] not in (process.pid, os.getpid())
    assert found.worker.endswith(f"-{process.pid}")
    assert teams(tenant) == ["Written"]


def test_a_job_that_takes_longer_than_its_limit_is_ended_and_what_it_wrote_is_undone(
    works: ModuleType, worker: Worker, pushing: Pushing, tenant: Tenant
) -> None:
    id = to_redis(pushing, tenant.member(), works.sleep)
    finished(worker("--burst"))
    found = row(tenant, id)
    assert (found.state, found.error) == ("dead", "It took longer than its limit of 1 s.")
    assert (found.finished_at - found.started_at).total_seconds() < 5
    assert teams(tenant) == []


def test_a_job_whose_process_is_killed_is_tried_again(
    works: ModuleType, worker: Worker, pushing: Pushing, tenant: Tenant
) -> None:
    id = to_redis(pushing, tenant.member(), works.die)
    finished(worker("--burst"))
    found = row(tenant, id)
    assert (found.state, found.error) == ("failed", "The process that ran this was killed.")
    time.sleep(1.1)
    assert pushing.push() == 1
    finished(worker("--burst"))
    assert row(tenant, id).state == "succeeded"
    assert teams(tenant) == ["Attempt 2"]


def test_a_job_that_runs_is_interrupted_when_it_is_cancelled_even_if_it_never_looks(
    works: ModuleType, worker: Worker, pushing: Pushing, tenant: Tenant
) -> None:
    person = tenant.member()
    id = to_redis(pushing, person, works.wait)
    process = worker("--burst")
    wait_until(lambda: row(tenant, id).note == "Waiting")
    with person.work():
        assert queue.cancel(id) == "running"
    finished(process)
    assert row(tenant, id).state == "cancelled"


def test_a_worker_that_takes_one_priority_leaves_the_others(
    works: ModuleType, worker: Worker, pushing: Pushing, tenant: Tenant
) -> None:
    id = to_redis(pushing, tenant.member(), works.add)
    finished(worker("--burst", "--priority", "high"))
    assert row(tenant, id).state == "queued"
    finished(worker("--burst", "--priority", "normal", "--priority", "low"))
    assert row(tenant, id).state == "succeeded"
