"""A deployment in a home of its own: servers, processes with traps, and who starts them again when they die."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil
import psycopg
import redis

from ossature.embedded import places
from ossature.embedded.children import spawn
from ossature.embedded.postgres import EmbeddedPostgres
from ossature.embedded.redis import EmbeddedRedis
from ossature.embedded.servers import HomeLock
from torture import traps
from torture.points import Point

HERE = Path(__file__).resolve().parent.parent
PROCESSES = {
    "serve": "serve",
    "dispatcher": "dispatcher",
    "dispatcher 2": "dispatcher",
    "worker": "worker",
    "worker 2": "worker",
    "scheduler": "scheduler",
    "scheduler 2": "scheduler",
}
PATIENCE = 60.0
"""Seconds that anything may take, generously."""

T = TypeVar("T")


def until(condition: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """Wait until a condition holds, and give back what it returned."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(psycopg.OperationalError, redis.RedisError):
            if found := condition():
                return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.03)


class Deployment:
    """Everything that runs; `arm` a point, and what dies is started again at once, as the supervisor would."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "torture"
        self.outside = home / "outside.txt"
        self.postgres = EmbeddedPostgres(home, durable=True)
        self.redis = EmbeddedRedis(home)
        self.port = _free_port()
        self.restarts = 0
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = HomeLock(home)
        self._over = threading.Event()
        self._held: set[str] = set()
        self._watch = threading.RLock()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self.key = ""

    # -- from start to stop ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        traps.prepare(self.folder)
        self.outside.touch()
        assert self._lock.own()
        self._supervisor.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        until(self.answers, "pages and API")

    def stop(self) -> None:
        self._over.set()
        self._supervisor.join(60)
        self._lock.close()

    def answers(self) -> bool:
        with suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/readyz")[0] == 200
        return False

    def _prepare(self) -> None:
        self.postgres.start()
        self.redis.start()
        self.command("setup")
        self.command("tenant", "create", "torture", "--plugin", "_torture", "--time-zone", "UTC")
        scopes = [f"_torture.stone.{verb}" for verb in ("view", "create", "edit")]
        self.key = self.command(
            "token", "create", "client", "--tenant", "torture", *(word for one in scopes for word in ("--scope", one))
        ).strip()

    def command(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "ossature", *words],
            env=self.environment, capture_output=True, text=True, check=False, cwd=self.home,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("OSSATURE_")}
        settings = {
            "HOME": str(self.home), "PORT": str(self.port), "WORKERS": "1", "PLUGINS": "_torture", "STRICT": "true",
            "ENVIRONMENT": "test", "LOG_LEVEL": "warn", "RATE_LIMIT": "1000000/minute",
            "SIGN_IN_LIMIT": "1000000/minute", "DB_ROLE_PREFIX": "ossature_torture",
            "TEST_OUTSIDE": str(self.outside),
        }  # fmt: skip
        return kept | {f"OSSATURE_{key}": value for key, value in settings.items()} | {
            "PYTHONPATH": f"{HERE}:{HERE / 'plugin'}",
            "TORTURE_FOLDER": str(self.folder),
            "TORTURE_REDIS": places.redis_url(self.home),
        }  # fmt: skip

    # -- processes ------------------------------------------------------------------------------------------------------

    def _supervise(self) -> None:
        """Children are bound to the thread that starts them, so one thread starts all."""
        try:
            self._prepare()
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()
        while not self._over.is_set() and self._failure is None:
            with self._watch:
                for server in (self.postgres, self.redis):
                    if not server.alive() and server.name not in self._held:
                        server.start()
                for name, command in PROCESSES.items():
                    process = self._processes.get(name)
                    if name not in self._held and (process is None or process.poll() is not None):
                        self.restarts += process is not None
                        self._start(name, command)
            time.sleep(0.02)
        for process in self._processes.values():
            with suppress(OSError):
                process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for process in psutil.process_iter():  # forks whose worker was killed
            with suppress(psutil.Error):
                if process.environ().get("TORTURE_FOLDER") == str(self.folder):
                    process.kill()
        self.redis.stop()
        self.postgres.stop()

    def _start(self, name: str, command: str) -> None:
        self._processes[name] = spawn(
            [sys.executable, "-m", "torture.launch", command],
            environment=self.environment, log=self.home / "log" / f"{name.replace(' ', '')}.log",
        )  # fmt: skip

    def pid(self, name: str) -> int:
        if name == "Redis":
            assert self.redis.process is not None
            return self.redis.process.pid
        if name == "PostgreSQL":
            assert self.postgres.process is not None
            return self.postgres.process.pid
        return self._processes[name].pid

    def process(self, name: str) -> subprocess.Popen[bytes]:
        return self._processes[name]

    def alive(self, name: str) -> bool:
        return self._processes[name].poll() is None

    @contextmanager
    def without(self, *names: str, with_signal: int = signal.SIGTERM) -> Iterator[None]:
        """Do without some processes or servers for a while."""
        with self._watch:
            self._held |= set(names)
        for name in names:
            os.kill(self.pid(name), with_signal)
        servers = {"PostgreSQL": self.postgres, "Redis": self.redis}
        for name in names:
            until(
                lambda name=name: not (servers[name].alive() if name in servers else self.alive(name)),
                f"the end of {name}",
            )
        try:
            yield
        finally:
            with self._watch:
                self._held -= set(names)

    # -- traps ----------------------------------------------------------------------------------------------------------

    def arm(self, point: Point, signal_name: str = "SIGKILL") -> None:
        """Let the next call there kill; see `traps`."""
        what = {
            "itself": f"{signal_name} 0",
            "Redis": f"SIGKILL {self.pid('Redis')}",
            "Redis emptied": "flush 0",
            "PostgreSQL": f"SIGQUIT {self.pid('PostgreSQL')}",
        }[point.victim]
        traps.arm(self.folder, point, what)

    def armed(self, point: Point) -> bool:
        return traps.armed(self.folder, point)

    def disarm(self) -> None:
        traps.disarm(self.folder)

    def sprung(self, point: Point) -> int:
        """The process that got there; 0 while none has."""
        return traps.sprung(self.folder, point)

    # -- looking --------------------------------------------------------------------------------------------------------

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        connection: http.client.HTTPConnection | None = None,
        **more: str,
    ) -> Any:
        """The status of an answer and its `data`; raises when none came."""
        wire = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            "Host": f"localhost:{self.port}",
            **more,
        }
        try:
            wire.request(method, path, json.dumps(body) if body is not None else None, headers if self.key else {})
            answer = wire.getresponse()
            content = answer.read()
        finally:
            if connection is None:
                wire.close()
        if not 200 <= answer.status < 300:
            return answer.status, content
        return answer.status, json.loads(content).get("data") if content.startswith(b"{") else None

    def sql(self) -> psycopg.Connection:
        return psycopg.connect(places.postgres_url(self.home), autocommit=True)

    def log(self, name: str) -> str:
        path = self.home / "log" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""


@contextmanager
def running() -> Iterator[Deployment]:
    """Beside pytest's own folders, which only their owner can pass: PostgreSQL does not run as root."""
    with ExitStack() as stack:
        home = Path(tempfile.mkdtemp(prefix="ossature-torture-"))
        if not os.environ.get("TORTURE_KEEP"):
            stack.callback(shutil.rmtree, home, ignore_errors=True)
        deployment = Deployment(home)
        stack.callback(deployment.stop)
        deployment.start()
        yield deployment


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
