"""The scheduler: asks for jobs by the clock. Any number may run; each occurrence is asked for once.

It sleeps until the next time comes, twenty seconds at most, and keeps nothing that the database does not hold.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ossature.context import Context
from ossature.db.work import transaction
from ossature.events.wake import SCHEDULER, Bell
from ossature.jobs.planning import due, reconcile, run_due
from ossature.kernel import Kernel
from ossature.processes_seen import announcing

log = logging.getLogger(__name__)

LOOK_EVERY = 20.0
"""Seconds between two looks at what is due."""
_RECONCILE_EVERY = 30.0
_RECONCILE_AT_MOST_EVERY = 5.0
_RING_FOR = 5.0  # seconds at the bell before it is asked whether to stop
_MAINTAIN_EVERY, _MAINTAIN_AGAIN = 86_400.0, 3_600.0
_MONTHS_AHEAD = 12


class Scheduler:
    """`run` until told to stop; `once` does what is due now, for tests and commands."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self._reconciled = self._maintained = -_MAINTAIN_EVERY
        self._woken = False

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set."""
        bell, away = Bell(self.kernel, SCHEDULER), False
        with announcing(self.kernel, SCHEDULER):
            while not stop.is_set():
                try:
                    pause = self.once()
                    self._maintain()
                except (SQLAlchemyError, psycopg.Error) as error:
                    if not away:
                        log.error("the scheduler waits for the database: %s", type(error).__name__)
                    away = True
                    stop.wait(2.0)
                    continue
                if away:
                    log.warning("the scheduler works again")
                    away = False
                self._wait(bell, stop, pause)

    def once(self, now: datetime | None = None) -> float:
        """Do what is due; returns the seconds until it should look again. `now` is for tests."""
        clock = time.monotonic()
        since = clock - self._reconciled
        if now is not None or since >= _RECONCILE_EVERY or (self._woken and since >= _RECONCILE_AT_MOST_EVERY):
            reconcile(self.kernel, now or datetime.now(UTC))
            self._reconciled, self._woken = clock, False
        now = now or datetime.now(UTC)
        soon: list[datetime] = []
        for one in due(self.kernel, now + timedelta(seconds=LOOK_EVERY)):
            if one.at > now:
                soon.append(one.at)
                continue
            try:
                following = run_due(self.kernel, one, now)
            except Exception as error:
                if _database_away(error):
                    raise
                log.exception(
                    "schedule %s of tenant %s could not be run; nothing of it was done", one.key, one.tenant_id
                )
                continue
            if following is not None:
                soon.append(following)
        return max(0.05, min([LOOK_EVERY, *((moment - now).total_seconds() for moment in soon)]))

    def _wait(self, bell: Bell, stop: threading.Event, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            began, for_now = time.monotonic(), min(left, _RING_FOR)
            bell.wait(for_now)
            if time.monotonic() - began < for_now - 0.05:  # somebody rang, or Redis is away
                self._woken = True
                stop.wait(min(left, 1.0))  # who rings once often rings again
                return

    def _maintain(self) -> None:
        """Once a day: partitions for the months to come, events that are old enough forgotten."""
        if time.monotonic() - self._maintained < _MAINTAIN_EVERY:
            return
        try:
            maintain(self.kernel)
            self._maintained = time.monotonic()
        except (SQLAlchemyError, psycopg.Error) as error:
            if _database_away(error):
                raise
            log.warning("the partitions could not be tended and will be in an hour: %s", type(error).__name__)
            self._maintained = time.monotonic() - _MAINTAIN_EVERY + _MAINTAIN_AGAIN


def maintain(kernel: Kernel) -> None:
    """Make the partitions of the coming year and drop those of events that are old enough; one process at a time."""
    with transaction(Context(means="system"), role="system", database=kernel.db) as work:
        if not work.scalar(text("SELECT pg_try_advisory_xact_lock(hashtextextended('ossature partitions', 0))")):
            return
        work.execute(text("SET LOCAL lock_timeout = '5s'"))  # a long transaction elsewhere must not block all writing
        work.execute(text("SELECT ossature.ensure_partitions(:months)"), {"months": _MONTHS_AHEAD})
        work.execute(text("SELECT ossature.forget_events(:days)"), {"days": kernel.config.event_days})


def _database_away(error: Exception) -> bool:
    """Whether it is the connection that failed, rather than one piece of work."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(("08", "57P"))
