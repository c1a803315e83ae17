"""What everything does at one moment, kept in a file when a wait is long, so that a failure explains itself."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import psutil
import psycopg
import redis

from torture.deployment import PATIENCE, Deployment, until

STACKS = signal.SIGUSR2
"""Asked by this, a process of the deployment writes the stacks of all its threads into its log."""
_LONG = PATIENCE / 2
_LAST_OF_A_LOG = 20_000  # characters

T = TypeVar("T")

_ASKED = {
    "jobs": "SELECT name, state, attempts, pushed_at IS NOT NULL AS pushed, count(*), min(due_at) AS due, "
    "min(pushed_at) AS pushed_first, max(started_at) AS started_last, max(beat_at) AS beat_last, min(worker) AS worker, "
    "min(error) AS error FROM ossature.job GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
    "deliveries": "SELECT handler, state, attempts, count(*), min(seq) AS first, min(due_at) AS due, min(error) AS error "
    "FROM ossature.delivery GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    "schedules": "SELECT key, active, next_at, planned_by FROM ossature.schedule",
    "sessions": "SELECT pid, client_port, state, wait_event_type AS waits, wait_event AS for_, "
    "pg_blocking_pids(pid) AS blocked_by, backend_start::time(0), now() - xact_start AS in_transaction, "
    "now() - state_change AS unchanged, backend_xid, left(query, 300) AS query "
    "FROM pg_stat_activity WHERE datname = current_database() ORDER BY xact_start NULLS LAST",
    "locks": "SELECT pid, locktype, relation::regclass, transactionid, mode, granted, waitstart FROM pg_locks "
    "WHERE NOT granted OR locktype = 'advisory' ORDER BY granted, pid",
}


def patiently(deployment: Deployment, condition: Callable[[], T], what: str) -> T:
    """Wait as `until` does; what everything does halfway is kept. Raises `TimeoutError`, which names the file."""
    try:
        return until(condition, what, _LONG)
    except TimeoutError:
        kept = keep(deployment, what)
    try:
        return until(condition, what, PATIENCE - _LONG)
    except TimeoutError as error:
        raise TimeoutError(f"{what}: not within {PATIENCE:.0f} s; see {kept}") from error


def keep(deployment: Deployment, why: str) -> Path:
    """Write down what everything does; where. The file stays when the deployment goes."""
    text = "\n".join([f"{datetime.now(UTC)} {why}", *_all(deployment)])
    number, name = tempfile.mkstemp(prefix="ossature-standstill-", suffix=".txt")
    with os.fdopen(number, "w") as file:
        file.write(text + "\n")
    print(f"    {why}: what everything does is in {name}", flush=True)
    return Path(name)


def _all(deployment: Deployment) -> Iterator[str]:
    for folder in ("armed", "sprung"):
        yield from ("", f"== {folder}", *sorted(path.name for path in (deployment.folder / folder).iterdir()))
    yield from ("", "== processes", *_processes(deployment))
    yield from ("", "== Redis", *_redis(deployment))
    for title, query in _ASKED.items():
        yield from ("", f"== {title}", *_answer(deployment, query))
    time.sleep(1)  # for the stacks to be written
    for log in sorted((deployment.home / "log").iterdir()):
        with suppress(OSError):
            yield from ("", f"== {log.name}", log.read_text(errors="replace")[-_LAST_OF_A_LOG:])


def _processes(deployment: Deployment) -> Iterator[str]:
    """Those of the deployment, each asked for its stacks if it knows how."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get("TORTURE_FOLDER") != str(deployment.folder):
                continue
            age, words = time.time() - process.create_time(), " ".join(process.cmdline()[-3:])
            times = process.cpu_times()
            yield (
                f"{process.pid} of {process.ppid()}, {process.status()}, {age:.1f} s old, "
                f"{times.user + times.system:.1f} s of processor: {words}"
            )
            if _catches(process.pid):
                process.send_signal(STACKS)


def _catches(pid: int) -> bool:
    """Whether a process handles the signal; another would be ended by it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (STACKS - 1) & 1)
    return False


def _redis(deployment: Deployment) -> Iterator[str]:
    try:
        with redis.Redis.from_url(deployment.redis.url, socket_timeout=5) as connection:
            for key in sorted(connection.scan_iter(count=1000, _type="list")):
                yield f"{key.decode()}: {connection.llen(key)}, first {connection.lindex(key, -1)!r}"
            for client in connection.client_list():
                yield f"client {client['id']}: {client['age']} s, idle {client['idle']} s, {client['cmd']}"
    except redis.RedisError as error:
        yield f"{type(error).__name__}: {error}"


def _answer(deployment: Deployment, query: str) -> Iterator[str]:
    try:
        with deployment.sql() as connection:
            rows = connection.execute(query)  # type: ignore[call-overload]
            names = [column.name for column in rows.description or ()]
            for row in rows:
                told = (f"{name}={value}" for name, value in zip(names, row, strict=True) if value not in (None, []))
                yield "; ".join(told)
    except psycopg.Error as error:
        yield f"{type(error).__name__}: {error}"
