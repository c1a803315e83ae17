"""What comes back after servers were away, what waits in whose stead, and how processes end when they are asked to."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import redis
from torture.counting import count, newest, settled
from torture.deployment import PROCESSES, until
from torture.points import HANDS, PAUSE, PAUSE_AT_END, PAUSE_UNCLAIMED
from torture.standstill import patiently
from torture.writer import STONES

if TYPE_CHECKING:
    from torture.deployment import Deployment
    from torture.writer import Writer

pytestmark = [pytest.mark.processes, pytest.mark.slow]

HOPELESS = 1_000_000_000
WORKERS, DISPATCHERS = ("worker", "worker 2"), ("dispatcher", "dispatcher 2")


@pytest.fixture(autouse=True)
def nothing_lost_or_doubled(deployment: Deployment, writer: Writer) -> Iterator[None]:
    """Whatever a test does, in the end everything has happened once."""
    patiently(deployment, lambda: deployment.answers() and settled(deployment), "quiet")
    since = newest(deployment)
    writer.forget()
    yield
    deployment.disarm()
    for point in HANDS:
        if paused := deployment.sprung(point):
            with suppress(ProcessLookupError):
                os.kill(paused, signal.SIGCONT)
    writer.pause()
    patiently(deployment, lambda: settled(deployment), "catching up")
    assert count(deployment, since, writer.answered).faults == []


def throw(deployment: Deployment, **how: Any) -> str:
    """Ask for a job; its id."""
    status, stone = deployment.ask("POST", STONES, {"name": "Flint", "number": 1})
    assert status == 201
    status, thrown = deployment.ask("POST", "/api/_torture/throws", {"stone": stone["id"], "number": 1, **how})
    assert status == 201
    return str(thrown["job"])


def value(deployment: Deployment, query: str, *values: Any) -> Any:
    with deployment.sql() as connection:
        row = connection.execute(query, values).fetchone()
    return row[0] if row else None


def state(deployment: Deployment, job: str) -> str:
    return str(value(deployment, "SELECT state FROM ossature.job WHERE id = %s", job))


def effects(deployment: Deployment, source: str, cause: str) -> int:
    found = value(deployment, "SELECT count(*) FROM _torture.effect WHERE source = %s AND cause = %s", source, cause)
    return int(found)


def all_handed_over(deployment: Deployment) -> bool:
    waiting = "SELECT count(*) FROM ossature.delivery"
    unpushed = "SELECT count(*) FROM ossature.job WHERE state IN ('queued', 'failed') AND pushed_at IS NULL"
    return not value(deployment, waiting) and not value(deployment, unpushed)


def wait_for_jobs_in_redis(deployment: Deployment, writer: Writer) -> None:
    writer.writing.set()
    until(lambda: sum(one.kind == "throw" for one in writer.answered) >= 10, "jobs")
    writer.pause()
    until(lambda: all_handed_over(deployment), "jobs in Redis")


# -- servers that go away ----------------------------------------------------------------------------------------------


@pytest.mark.req("S4-092")
def test_an_emptied_redis_is_filled_again_from_postgresql(deployment: Deployment, writer: Writer) -> None:
    with deployment.without(*WORKERS):
        wait_for_jobs_in_redis(deployment, writer)
        redis.Redis.from_url(deployment.redis.url).flushall()


def test_a_redis_that_was_killed_and_lost_its_data_is_filled_again(deployment: Deployment, writer: Writer) -> None:
    with deployment.without(*WORKERS):
        wait_for_jobs_in_redis(deployment, writer)
        with deployment.without("Redis", with_signal=signal.SIGKILL):
            shutil.rmtree(deployment.redis.data)


def test_while_redis_is_away_writes_and_events_go_on(deployment: Deployment, writer: Writer) -> None:
    with deployment.without("Redis", with_signal=signal.SIGKILL):
        writer.writing.set()
        until(lambda: len(writer.answered) >= 20, "writing without Redis")
        writer.pause()
        until(lambda: not value(deployment, "SELECT count(*) FROM ossature.delivery"), "events without Redis")


def test_when_postgresql_is_restarted_all_processes_recover_by_themselves(
    deployment: Deployment, writer: Writer
) -> None:
    before = {name: deployment.pid(name) for name in PROCESSES}
    writer.writing.set()
    until(lambda: len(writer.answered) >= 10, "writing")
    with deployment.without("PostgreSQL", with_signal=signal.SIGQUIT):
        time.sleep(3)
    answered = len(writer.answered)
    until(lambda: len(writer.answered) >= answered + 20, "writing after the restart")
    writer.pause()
    until(lambda: settled(deployment), "catching up")
    assert {name: deployment.pid(name) for name in PROCESSES} == before
    assert writer.refused == []


# -- order -------------------------------------------------------------------------------------------------------------


def test_of_transactions_that_commit_in_the_opposite_order_no_handler_misses_one(deployment: Deployment) -> None:
    tenant = value(deployment, "SELECT id::text FROM ossature.tenant")
    add = "INSERT INTO _torture.stone (tenant_id, id, name, number) VALUES (%s, gen_random_uuid(), %s, 3) RETURNING id"
    event = "SELECT id::text FROM ossature.event WHERE record_id = %s"
    done = "SELECT count(*) FROM _torture.effect WHERE record_id = %s"
    with deployment.sql() as early, deployment.sql() as late:
        with early.transaction():
            (first,) = early.execute(add, [tenant, "First"]).fetchone() or ()
            (second,) = late.execute(add, [tenant, "Second"]).fetchone() or ()
            until(lambda: value(deployment, done, second) == 3, "the later one")
            (seq,) = early.execute("SELECT seq FROM ossature.event WHERE record_id = %s", [first]).fetchone() or ()
        assert seq < value(deployment, "SELECT seq FROM ossature.event WHERE record_id = %s", second)
    until(lambda: value(deployment, done, first) == 3, "the earlier one")
    for handler in ("single", "batch", "stubborn"):
        assert effects(deployment, handler, value(deployment, event, first)) == 1


def test_a_handler_that_always_fails_holds_up_the_events_of_that_record_alone(deployment: Deployment) -> None:
    _status, bad = deployment.ask("POST", STONES, {"name": "Bad", "number": HOPELESS + 1})
    deployment.ask("PATCH", f"{STONES}/{bad['id']}", {"number": 3})
    _status, good = deployment.ask("POST", STONES, {"name": "Good", "number": 3})
    place = "SELECT place FROM _torture.effect WHERE source = 'stubborn' AND record_id = %s"
    until(lambda: value(deployment, place, bad["id"]), "the later event of the bad one")
    assert value(deployment, place, good["id"]) < value(deployment, place, bad["id"])
    dead = "SELECT attempts FROM ossature.delivery WHERE state = 'dead' AND record_id = %s"
    assert value(deployment, dead, bad["id"]) == 3
    assert value(deployment, "SELECT number FROM _torture.effect WHERE source = 'stubborn' AND record_id = %s", bad["id"]) == 3  # fmt: skip


# -- processes that are asked to end, or stand still ----------------------------------------------------------------------


def test_a_worker_that_is_asked_to_end_finishes_its_job(deployment: Deployment) -> None:
    job = throw(deployment, seconds=3)
    until(lambda: state(deployment, job) == "running", "a running job")
    with deployment.without(*WORKERS):
        assert state(deployment, job) == "succeeded"
        assert value(deployment, "SELECT attempts FROM ossature.job WHERE id = %s", job) == 1


def test_a_worker_finishes_its_job_when_all_of_its_processes_are_asked_to_end(deployment: Deployment) -> None:
    """As systemd does, which asks every process of a service."""
    job = throw(deployment, seconds=3)
    until(lambda: state(deployment, job) == "running", "a running job")
    forks = [fork for name in WORKERS for fork in psutil.Process(deployment.pid(name)).children()]
    assert forks
    for fork in forks:
        fork.send_signal(signal.SIGTERM)
    with deployment.without(*WORKERS):
        assert state(deployment, job) == "succeeded"
        assert value(deployment, "SELECT attempts FROM ossature.job WHERE id = %s", job) == 1


@pytest.mark.parametrize("names", [("serve",), DISPATCHERS, ("scheduler", "scheduler 2")])
def test_processes_that_are_asked_to_end_leave_nothing_half_done(
    deployment: Deployment, writer: Writer, names: tuple[str, ...]
) -> None:
    ending = [deployment.process(name) for name in names]
    writer.writing.set()
    until(lambda: len(writer.answered) >= 20, "writing")
    with deployment.without(*names):
        assert [process.returncode for process in ending] == [0] * len(names)


def test_a_paused_worker_whose_job_was_given_to_another_does_nothing_twice(deployment: Deployment) -> None:
    deployment.arm(PAUSE, "SIGSTOP")
    job = throw(deployment)
    paused = until(lambda: deployment.sprung(PAUSE), "a paused fork")
    until(lambda: state(deployment, job) == "succeeded", "another worker")
    os.kill(paused, signal.SIGCONT)
    until(lambda: ended(paused), "the end of the paused one")
    assert effects(deployment, "count", job) == 1
    assert state(deployment, job) == "succeeded"


def test_a_paused_worker_that_holds_its_jobs_row_holds_up_nobody_else(deployment: Deployment) -> None:
    deployment.arm(PAUSE_AT_END, "SIGSTOP")
    job = throw(deployment)
    paused = until(lambda: deployment.sprung(PAUSE_AT_END), "a paused fork")
    time.sleep(5)  # longer than it may be silent
    other = throw(deployment)
    until(lambda: state(deployment, other) == "succeeded", "another job", seconds=20)
    os.kill(paused, signal.SIGCONT)
    until(lambda: ended(paused), "the end of the paused one")
    until(lambda: state(deployment, job) == "succeeded", "the job")
    assert effects(deployment, "count", job) == 1


def test_a_fork_that_hangs_before_its_claim_is_killed_and_its_job_goes_on(deployment: Deployment) -> None:
    deployment.arm(PAUSE_UNCLAIMED, "SIGSTOP")
    job = throw(deployment)
    paused = until(lambda: deployment.sprung(PAUSE_UNCLAIMED), "a paused fork")
    until(lambda: state(deployment, job) == "succeeded", "the job", seconds=30)
    until(lambda: ended(paused), "the end of the paused one", seconds=40)
    assert effects(deployment, "count", job) == 1


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
