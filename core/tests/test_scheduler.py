"""The scheduler as a process, what it does besides schedules, and the commands."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from ossature.builtin.tidy import register_schedules
from ossature.jobs import scheduler as process
from ossature.jobs import schedules
from ossature.jobs.scheduler import Scheduler, maintain
from ossature.kernel import Kernel
from ossature.testing.people import Tenant


@pytest.fixture
def kernel(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """With a schedule that is far away, whenever the test runs."""
    found: Kernel = app.extensions["ossature"]
    (tidy,) = register_schedules()
    distant = replace(found.background, schedules={tidy.key: replace(tidy, cron="0 0 29 2 *")})
    monkeypatch.setattr(found, "background", distant)
    return found


@pytest.mark.database
def test_an_idle_scheduler_looks_with_one_statement_every_twenty_seconds(kernel: Kernel, statements: Any) -> None:
    scheduler = Scheduler(kernel)
    scheduler.once()
    with statements.counting() as counted:
        assert scheduler.once() == process.LOOK_EVERY
    assert len(counted) == 1, str(counted)


@pytest.mark.database
def test_the_scheduler_says_once_that_the_database_is_away_and_goes_on(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scheduler, stop, rounds = Scheduler(kernel), threading.Event(), []

    def once() -> float:
        rounds.append(1)
        if len(rounds) < 4:
            raise OperationalError("SELECT", {}, Exception("gone"))
        stop.set()
        return 0.05

    monkeypatch.setattr(scheduler, "once", once)
    real = stop.wait
    monkeypatch.setattr(stop, "wait", lambda _seconds: real(0.01))
    scheduler.run(stop)
    assert [record.getMessage() for record in caplog.records if "scheduler" in record.getMessage()] == [
        "the scheduler waits for the database: OperationalError", "the scheduler works again",
    ]  # fmt: skip


@pytest.mark.database
def test_a_change_wakes_the_scheduler_and_it_stops_within_seconds(
    kernel: Kernel, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler, stop, looks = Scheduler(kernel), threading.Event(), []
    real = scheduler.once

    def once(now: datetime | None = None) -> float:
        looks.append(time.monotonic())
        return real(now)

    monkeypatch.setattr(scheduler, "once", once)
    thread = threading.Thread(target=scheduler.run, args=(stop,))
    thread.start()
    stop.wait(1.0)
    before = len(looks)
    with tenant.work():
        schedules.pause("ossature.tidy")
    until = time.monotonic() + 5
    while len(looks) == before and time.monotonic() < until:
        stop.wait(0.05)
    assert len(looks) > before
    stop.set()
    thread.join(timeout=8)
    assert not thread.is_alive()


@pytest.mark.database
def test_partitions_are_made_for_a_year_ahead(kernel: Kernel, tenant: Tenant) -> None:
    maintain(kernel)
    with tenant.work() as opened:
        found = opened.scalar(
            text("SELECT count(*) FROM pg_inherits WHERE inhparent = CAST('ossature.event' AS regclass)")
        )
    assert found == 14


@pytest.mark.database
def test_the_kernels_own_schedule_is_there_for_every_organisation(app: Flask, tenant: Tenant) -> None:
    Scheduler(app.extensions["ossature"]).once()
    with tenant.work():
        (row,) = [row for row in schedules.listing() if row.key == "ossature.tidy"]
    assert row.cron == "30 3 * * *"
    assert row.next_at is not None


@pytest.mark.database
def test_commands_list_pause_resume_and_run(ossature: Any) -> None:
    def run(*words: str) -> str:
        done = ossature("schedule", *words, "--tenant", "clockwork")
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    made = ossature("tenant", "create", "clockwork")
    assert made.returncode == 0, made.stderr
    assert "ossature.tidy is paused" in run("pause", "ossature.tidy")
    assert "paused" in run("list")
    assert "ossature.tidy goes on" in run("resume", "ossature.tidy")
    assert "active" in run("list")
    assert "waits for a worker" in run("run", "ossature.tidy")
    refused = ossature("schedule", "run", "ossature.nonsense", "--tenant", "clockwork")
    assert refused.returncode == 1
    assert "no such schedule" in refused.stderr
