"""The dispatcher: hands events to handlers and due jobs to Redis. Any number may run; a lane is held by one at a time.

It waits for a bell that writers ring after their commit and looks by itself every few seconds, so that a lost bell or
an absent Redis delays events and loses none.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait

import psycopg
import redis
from sqlalchemy.exc import SQLAlchemyError

from ossature.context import Context
from ossature.db.work import transaction
from ossature.events.delivery import Lane, deliver, look
from ossature.events.wake import DISPATCHER, Bell
from ossature.jobs.pushing import Pushing
from ossature.kernel import Kernel
from ossature.processes_seen import announcing

log = logging.getLogger(__name__)

THREADS = 4
"""Lanes worked on at once, so that a slow handler holds up itself alone."""
_LOOK_EVERY = 5.0
_BUSY_LOOK_EVERY = 0.2  # while lanes are worked on, the bell is not listened to
_TEND_EVERY = 15.0
_LANE_FOR = 1.0  # seconds at one lane before the others get a look
_NOTHING_FOR = 2.0  # seconds until a lane is tried again whose events could not be delivered
_UNKNOWN_FOR = 60.0  # the same where the handler's code is not here


class Dispatcher:
    """`run` until told to stop."""

    def __init__(self, kernel: Kernel, threads: int = THREADS) -> None:
        self.kernel = kernel
        self.pushing = Pushing(
            kernel, redis.Redis.from_url(kernel.config.redis_url, socket_timeout=5, socket_connect_timeout=2)
        )
        self._threads = threads
        self._busy: dict[Lane, Future[int]] = {}
        self._resting: dict[Lane, float] = {}
        self._tended = 0.0
        self._failing = False

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set: what is under way is finished then."""
        bell = Bell(self.kernel, DISPATCHER)
        with announcing(self.kernel, DISPATCHER), ThreadPoolExecutor(self._threads, "lane") as pool:
            while not stop.is_set():
                try:
                    pause = self._round(pool, stop)
                    if self._failing:
                        log.warning("the dispatcher works again")
                        self._failing = False
                except (SQLAlchemyError, psycopg.Error) as error:
                    if not self._failing:
                        log.error("the dispatcher waits for the database: %s", type(error).__name__)
                        self._failing = True
                    stop.wait(1.0)
                    continue
                if self._busy:
                    wait(self._busy.values(), timeout=min(pause, _BUSY_LOOK_EVERY), return_when="FIRST_COMPLETED")
                elif pause > 0:
                    bell.wait(pause)

    def _round(self, pool: ThreadPoolExecutor, stop: threading.Event) -> float:
        """One look at what there is to do; seconds until the next one makes sense."""
        now = time.monotonic()
        self._collect(now)
        with transaction(Context(means="system"), role="system", database=self.kernel.db):
            found = look()
        started = False
        for lane in found.lanes:
            if lane not in self._busy and self._resting.get(lane, 0.0) <= now:
                self._busy[lane] = pool.submit(self._work_on, lane, stop)
                started = True
        jobs_are_due = found.next_job is not None and found.next_job <= found.now
        if self._tend_jobs(now, jobs_are_due) or started:
            return 0.01
        later = [moment for moment in (found.next_retry, found.next_job) if moment is not None and moment > found.now]
        pauses = [(moment - found.now).total_seconds() for moment in later] + [
            at - now for at in self._resting.values()
        ]
        return min([_LOOK_EVERY, *(max(0.05, seconds) for seconds in pauses)])

    def _tend_jobs(self, now: float, due: bool) -> int:
        """Hand due jobs to Redis, and now and then look after those that run; how many were handed over."""
        try:
            pushed = self.pushing.push() if due else 0
            if now - self._tended > _TEND_EVERY:
                self._tended = now
                self.pushing.tend()
        except redis.RedisError as error:
            log.debug("jobs wait for Redis: %s", error)
            return 0
        return pushed

    def _work_on(self, lane: Lane, stop: threading.Event) -> int:
        """Deliver until the lane is empty or its time is up; how many events left it."""
        done, until = 0, time.monotonic() + _LANE_FOR
        while not stop.is_set() and (count := deliver(self.kernel, lane)):
            done += count
            if time.monotonic() > until:
                break
        return done

    def _collect(self, now: float) -> None:
        for lane, future in list(self._busy.items()):
            if future.done():
                del self._busy[lane]
                error = future.exception()
                if error is not None:
                    log.error("handing events to %s failed", lane.handler, exc_info=error)
                if error is not None or not future.result():
                    known = lane.handler in self.kernel.background.handlers
                    self._resting[lane] = now + (_NOTHING_FOR if known else _UNKNOWN_FOR)
        self._resting = {lane: until for lane, until in self._resting.items() if until > now}
