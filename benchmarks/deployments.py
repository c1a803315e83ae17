"""The deployments that are measured: PostgreSQL 18 embedded, and Debian's PostgreSQL 15 with pg_trgm; `ossature serve`."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil
import psycopg

from ossature.config import Config
from ossature.embedded.postgres import SETTINGS
from ossature.embedded.servers import running

SECRET = "known to whoever reads the benchmarks, which is fine"
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
# More than any run sends, so that requests are counted but never refused.
LIMIT = "100000000/minute"


@dataclass(frozen=True)
class Deployment:
    """One database, the Redis of its home, and the settings that processes on them get."""

    home: Path
    port: int
    database_url: str = ""

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "home": str(self.home), "port": self.port, "base_url": f"http://localhost:{self.port}",
            "environment": "production", "secret_key": SECRET, "rate_limit": LIMIT, "sign_in_limit": LIMIT,
            "database_url": self.database_url,
        }  # fmt: skip

    @property
    def config(self) -> Config:
        return Config.load(env_file=None, **self.settings)

    def administrator(self) -> psycopg.Connection:
        return psycopg.connect(self.config.database_url, autocommit=True)

    def app_role(self) -> psycopg.Connection:
        """As requests connect; transactions are begun by whoever uses it."""
        return psycopg.connect(self.config.app_database_url, autocommit=True)

    def version(self) -> str:
        with closing(self.administrator()) as connection:
            row = connection.execute("SHOW server_version").fetchone()
        return str(row[0]).split(" ")[0] if row else ""


@contextmanager
def embedded(home: Path) -> Iterator[Deployment]:
    """PostgreSQL 18 and Redis from wheels."""
    deployment = Deployment(home, free_port())
    with running(deployment.config):
        yield deployment


@contextmanager
def debian(home: Path, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[Deployment]:
    """PostgreSQL 15 from Debian's packages, with the settings of the embedded one and `more`, run as user postgres."""
    home.mkdir(parents=True, exist_ok=True)
    data, sockets = home / "postgres15", home / "sockets15"
    root = os.geteuid() == 0
    account: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if root else {}
    for folder in (data, sockets):
        folder.mkdir(exist_ok=True)
        if root:
            shutil.chown(folder, "postgres", "postgres")
    for parent in data.parents if root else ():
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o001)
    if not (data / "PG_VERSION").exists():
        subprocess.run(
            [DEBIAN_15 / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"],
            check=True, stdout=subprocess.DEVNULL, cwd=data, **account,
        )  # fmt: skip
    options = [word for name, value in (SETTINGS | more).items() for word in ("-c", f"{name}={value}")]
    with (home / "postgres15.log").open("ab") as log:
        server = subprocess.Popen(
            [DEBIAN_15 / "postgres", "-D", data, "-k", sockets, *options], stdout=log, stderr=log, cwd=data, **account
        )
    url = f"postgresql://postgres@/ossature?host={sockets}"
    try:
        wait_for_database(url)
        deployment = Deployment(home, free_port(), url)
        with running(deployment.config):
            yield deployment
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


def wait_for_database(url: str) -> None:
    """Until the server answers; the database is made when it is missing."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with psycopg.connect(url.replace("/ossature?", "/postgres?"), autocommit=True) as connection:
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'ossature'").fetchone():
                    connection.execute("CREATE DATABASE ossature")
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Serving:
    """A running `ossature serve`, as in production: limits, session checks, log lines of JSON into a file."""

    def __init__(self, deployment: Deployment) -> None:
        self.port = deployment.port
        environment = {f"OSSATURE_{name.upper()}": str(value) for name, value in deployment.settings.items() if value}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OSSATURE_")}
        begun = time.perf_counter()
        with (deployment.home / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ossature", "serve"], env=kept | environment, stdout=log, stderr=log
            )
        while not self._ready():
            if self._process.poll() is not None:
                raise RuntimeError(f"serve ended while starting; see {deployment.home / 'serve.log'}")
            time.sleep(0.01)
        self.started_within = time.perf_counter() - begun

    def _ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as wire:
                wire.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return wire.recv(64).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    @property
    def processes(self) -> list[psutil.Process]:
        """The supervisor and its workers."""
        supervisor = psutil.Process(self._process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def memory(self) -> list[float]:
        """Resident megabytes of each process, the supervisor first."""
        return [process.memory_info().rss / 1_000_000 for process in self.processes]

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)


@contextmanager
def serving(deployment: Deployment) -> Iterator[Serving]:
    server = Serving(deployment)
    try:
        yield server
    finally:
        server.stop()
