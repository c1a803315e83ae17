"""Which background processes run: each says so in Redis every few seconds, and is forgotten when it stops saying so."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
import redis

from ossature.config import BACKGROUND
from ossature.kernel import Kernel

log = logging.getLogger(__name__)

KINDS = BACKGROUND

EVERY = 10.0
FORGOTTEN_AFTER = 30

_KEY = "ossature:processes"


@dataclass(frozen=True, slots=True)
class SeenProcess:
    """A running background process: its kind (`KINDS`), host, process id and start."""

    kind: str
    host: str
    pid: int
    since: datetime


def seen(kernel: Kernel) -> list[SeenProcess]:
    """Those heard of within half a minute; none when Redis does not answer."""
    try:
        values = kernel.redis.hvals(_KEY)
    except redis.RedisError:
        return []
    heard_since = time.time() - FORGOTTEN_AFTER
    found = [it for it in map(orjson.loads, values) if it["at"] > heard_since]
    return sorted(
        (SeenProcess(it["kind"], it["host"], it["pid"], datetime.fromtimestamp(it["since"], UTC)) for it in found),
        key=lambda one: (KINDS.index(one.kind), one.host, one.pid),
    )


@contextmanager
def announcing(kernel: Kernel, kind: str) -> Iterator[None]:
    """Say that this process runs, from a thread, for the length of a block."""
    host, pid, over = socket.gethostname(), os.getpid(), threading.Event()
    name = f"{kind}:{host}:{pid}"
    about = {"kind": kind, "host": host, "pid": pid, "since": time.time()}
    connection = redis.Redis.from_url(kernel.config.redis_url, socket_timeout=2, socket_connect_timeout=2)

    def tell() -> None:
        while True:
            try:
                connection.hset(_KEY, name, orjson.dumps(about | {"at": time.time()}))
                _forget_the_dead(connection)
            except redis.RedisError as error:
                log.debug("could not say that the %s runs: %s", kind, error)
            if over.wait(EVERY):
                return

    thread = threading.Thread(target=tell, name="announcing", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=3)
        try:
            connection.hdel(_KEY, name)
        except redis.RedisError:
            log.debug("could not say that the %s ended", kind)
        connection.close()


def _forget_the_dead(connection: redis.Redis) -> None:
    """Drop what processes said that were killed without a word."""
    old = time.time() - 10 * FORGOTTEN_AFTER
    gone = [name for name, value in connection.hgetall(_KEY).items() if orjson.loads(value)["at"] < old]
    if gone:
        connection.hdel(_KEY, *gone)
