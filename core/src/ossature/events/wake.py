"""Telling waiting processes that there is work, so that they need not ask the database all the time.

A wake-up is one short list in Redis. Losing one costs a few seconds, nothing else: the processes look by themselves
now and then.
"""

from __future__ import annotations

import logging
import time

import redis

from ossature.db.work import after_commit, session
from ossature.kernel import Kernel, kernel
from ossature.records.types import RecordType

log = logging.getLogger(__name__)

DISPATCHER, SCHEDULER = "dispatcher", "scheduler"


def wake_after_commit(process: str = DISPATCHER) -> None:
    """Wake a process once the current unit of work has committed; asking more than once is the same."""
    asked = session().info.setdefault("wakes", set())
    if process not in asked:
        asked.add(process)
        found = kernel()
        after_commit(lambda: wake(found, process))


def wake_listeners(rt: RecordType) -> None:
    """Wake the dispatcher once the changes of a record are committed, if anybody handles them."""
    if not kernel().background.heard.isdisjoint(rt.keys):
        wake_after_commit()


def wake(kernel: Kernel, process: str) -> None:
    try:
        with kernel.redis.pipeline(transaction=False) as pipe:
            pipe.lpush(_key(process), 1)
            pipe.ltrim(_key(process), 0, 0)
            pipe.execute()
    except redis.RedisError as error:
        log.debug("could not wake the %s: %s", process, type(error).__name__)


class Bell:
    """The waiting side: `wait(seconds)` returns early when somebody rings."""

    def __init__(self, kernel: Kernel, process: str) -> None:
        self._key = _key(process)
        self._redis = redis.Redis.from_url(kernel.config.redis_url, socket_connect_timeout=2, socket_timeout=30)

    def wait(self, seconds: float) -> None:
        try:
            self._redis.blpop([self._key], timeout=max(0.01, min(seconds, 20)))
        except redis.RedisError:
            time.sleep(min(seconds, 0.5))


def _key(process: str) -> str:
    return f"ossature:wake:{process}"
