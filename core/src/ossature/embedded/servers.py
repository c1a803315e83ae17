"""The servers that a first run needs, from wheels: started unless `OSSATURE_DATABASE_URL` or `OSSATURE_REDIS_URL` names
others.

One process owns a home's servers: `ossature up`, or for its own duration any command that finds none running.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from ossature.config import Config
from ossature.embedded import places
from ossature.embedded.children import EmbeddedError
from ossature.embedded.postgres import EmbeddedPostgres
from ossature.embedded.redis import EmbeddedRedis


class Server(Protocol):
    """What can be started, watched and stopped."""

    name: str

    def start(self) -> None: ...
    def alive(self) -> bool: ...
    def answers(self) -> bool: ...
    def stop(self) -> None: ...


def servers_of(config: Config, say: Callable[[str], None] = lambda _text: None) -> list[Server]:
    """The embedded servers that this configuration needs, in the order to start them."""
    servers: list[Server] = []
    if config.embedded_postgres:
        servers.append(EmbeddedPostgres(config.home, durable=config.environment != "test", say=say))
    if config.embedded_redis:
        servers.append(EmbeddedRedis(config.home))
    return servers


class HomeLock:
    """Who owns the servers of a home; held until closed, and given up by the system if the holder is killed.

    Those who merely use the servers hold the users' lock together; an owner that ends waits for them.
    """

    def __init__(self, home: Path) -> None:
        folder = places.run_folder(home)
        folder.mkdir(parents=True, exist_ok=True)
        if folder.stat().st_uid != os.geteuid() and os.geteuid() != 0:
            raise EmbeddedError(f"{folder} belongs to another user; give a folder of your own with OSSATURE_HOME.")
        self._owner = (folder / "owner.lock").open("a+")
        self._users = (folder / "users.lock").open("a+")

    def own(self) -> bool:
        """Become the owner; False when another process is."""
        try:
            fcntl.flock(self._owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._owner.truncate(0)
        self._owner.write(f"{os.getpid()}\n")
        self._owner.flush()
        return True

    def owner(self) -> int | None:
        """The owner's process id, as it last wrote it."""
        self._owner.seek(0)
        with suppress(ValueError):
            return int(self._owner.read())
        return None

    def use(self) -> None:
        fcntl.flock(self._users, fcntl.LOCK_SH)

    def leave(self) -> None:
        fcntl.flock(self._users, fcntl.LOCK_UN)

    def wait_for_users(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(BlockingIOError):
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.1)

    def close(self) -> None:
        self._users.close()
        self._owner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def running(config: Config, say: Callable[[str], None] = lambda _text: None) -> Iterator[None]:
    """Have the embedded servers running for a block: those that run already, or own ones, stopped at its end."""
    servers = servers_of(config, say)
    if not servers:
        yield
        return
    with HomeLock(config.home) as lock:
        started: list[Server] = []
        try:
            if _own_or_find(lock, servers):
                for server in servers:
                    started.append(server)
                    server.start()
            yield
        finally:
            if started:
                lock.wait_for_users(30)
            for server in reversed(started):
                server.stop()


def _own_or_find(lock: HomeLock, servers: list[Server]) -> bool:
    """True when the servers are ours to start; False once another process's answer."""
    deadline = time.monotonic() + 60
    while not lock.own():
        lock.use()
        if all(server.answers() for server in servers):
            return False
        lock.leave()  # the owner is starting, or ending and waiting for us
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"process {lock.owner()} holds the embedded servers, which do not answer; end it first."
            )
        time.sleep(0.2)
    return True
