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
        keys = [key for kind in KINDS for key in kernel.redis.scan_iter(f"ossature:process:{kind}:*", count=1000)]
        values = [value for value in kernel.redis.mget(keys) if value] if keys else []
    except redis.RedisError:
        return []
    found = [orjson.loads(value) for value in values]
    return sorted(
        (SeenProcess(it["kind"], it["host"], it["pid"], datetime.fromtimestamp(it["since"], UTC)) for it in found),
        key=lambda one: (KINDS.index(one.kind), one.host, one.pid),
    )


@contextmanager
def announcing(kernel: Kernel, kind: str) -> Iterator[None]:
    """Say that this process runs, from a thread, for the length of a block."""
    host, pid, over = socket.gethostname(), os.getpid(), threading.Event()
    key = f"ossature:process:{kind}:{host}:{pid}"
    value = orjson.dumps({"kind": kind, "host": host, "pid": pid, "since": time.time()})
    connection = redis.Redis.from_url(kernel.config.redis_url, socket_timeout=2, socket_connect_timeout=2)

    def tell() -> None:
        while True:
            try:
                connection.set(key, value, ex=FORGOTTEN_AFTER)
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
            connection.delete(key)
        except redis.RedisError:
            log.debug("could not say that the %s ended", kind)
        connection.close()
