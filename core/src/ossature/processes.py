"""`ossature up`: the embedded servers, the database brought up to date, the serving process; watched, restarted when
one dies, stopped in reverse order.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from types import FrameType

import psutil

from ossature.config import BACKGROUND, Config, ConfigError
from ossature.config_checks import DEFAULT_DEMO_PASSWORD
from ossature.embedded import places
from ossature.embedded.children import EmbeddedError, spawn, stop
from ossature.embedded.servers import HomeLock, Server, servers_of
from ossature.first_run import DEMO_ADMIN, DEMO_TENANT, offers_demo
from ossature.serving import require_free_port

Say = Callable[[str], None]

_READY_WITHIN = 60
_LONGEST_PAUSE = 30.0
_STEADY_AFTER = 60.0  # seconds without dying after which the next restart is immediate again


class OssatureProcess:
    """One of the product's own processes, run as `ossature COMMAND`."""

    def __init__(self, config: Config, command: str, name: str) -> None:
        self.name = name
        self.command = command
        self.config = config
        self.process: subprocess.Popen[bytes] | None = None
        self._record = places.run_folder(config.home) / f"{command}.process"

    def start(self) -> None:
        self._end_recorded()
        self.process = spawn([sys.executable, "-m", "ossature", self.command], environment=_environment(self.config))
        self._record.write_text(f"{self.process.pid} {psutil.Process(self.process.pid).create_time()}\n")

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{local_address(self.config)}/readyz", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process, signal.SIGTERM, 20)
            self.process = None
        self._record.unlink(missing_ok=True)

    def wait(self) -> int:
        """Wait for the end; the exit code."""
        return self.process.wait() if self.process is not None else 0

    def _end_recorded(self) -> None:
        """End what a killed supervisor left behind where the system does not do it for us; only what is surely ours:
        members of the recorded process's session, no older than it, running this product."""
        try:
            leader, created = self._record.read_text().split()
        except (OSError, ValueError):
            return
        left = []
        for process in psutil.process_iter():
            try:
                if (
                    os.getsid(process.pid) == int(leader)
                    and process.create_time() >= float(created) - 0.01
                    and any("ossature" in word or "multiprocessing" in word for word in process.cmdline())
                ):
                    process.terminate()
                    left.append(process)
            except (psutil.Error, OSError):
                continue
        _gone, alive = psutil.wait_procs(left, timeout=20)
        for process in alive:
            process.kill()


class Watched:
    """A server with the pauses between its restarts, which double while it keeps dying."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.deaths = 0
        self.started = time.monotonic()
        self.due: float | None = None

    def tend(self, say: Say) -> None:
        """Notice a death, plan the restart, carry it out when due."""
        now = time.monotonic()
        if self.due is None and not self.server.alive():
            if now - self.started > _STEADY_AFTER:
                self.deaths = 0
            pause = pause_after(self.deaths)
            self.deaths += 1
            self.due = now + pause
            say(f"{self.server.name} ended unexpectedly; starting it again" + (f" in {pause:.0f} s" if pause else ""))
        if self.due is not None and now >= self.due:
            self.due = None
            self.started = time.monotonic()
            try:
                self.server.start()
            except EmbeddedError as error:
                say(str(error))


def pause_after(deaths: int) -> float:
    """Seconds to wait before the next restart after so many deaths in a row: 0, 1, 2, 4 ... 30."""
    return 0.0 if deaths == 0 else min(2.0 ** (deaths - 1), _LONGEST_PAUSE)


def up(config: Config, say: Say) -> int:
    """Run everything until SIGINT or SIGTERM; the exit code."""
    with HomeLock(config.home) as lock:
        if not lock.own():
            raise ConfigError(
                [f"Ossature runs already in {config.home} (process {lock.owner()}); stop it, or set OSSATURE_HOME."]
            )
        require_free_port(config)
        for caught in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(caught, _interrupt)
        started: list[Server] = []
        try:
            return _run(config, started, say)
        except KeyboardInterrupt:
            say("Stopping ...")
            return 0
        finally:
            for caught in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(caught, signal.SIG_IGN)  # stopping has begun; asking again changes nothing
            _stop_all(started, lock, say)


def _run(config: Config, started: list[Server], say: Say) -> int:
    begun = time.monotonic()
    for server in servers_of(config, say):
        say(f"Starting {server.name} ...")
        started.append(server)
        server.start()
    if not config.embedded_postgres:
        say("Using the PostgreSQL of OSSATURE_DATABASE_URL.")
    if not config.embedded_redis:
        say("Using the Redis of OSSATURE_REDIS_URL.")
    say("Bringing the database up to date ...")
    code = _run_once(config, "setup", started)
    if code:
        return code
    say("Starting pages and API, and the processes behind them ...")
    server = OssatureProcess(config, "serve", "the serving process")
    for process in (server, *(OssatureProcess(config, kind, f"the {kind}") for kind in BACKGROUND)):
        started.append(process)
        process.start()
    deadline = time.monotonic() + _READY_WITHIN
    while not server.answers():
        if not server.alive():
            say("The serving process ended while starting; its messages are above.")
            return 1
        if time.monotonic() > deadline:
            say(f"No answer within {_READY_WITHIN} seconds; `ossature check` says why.")
            return 1
        time.sleep(0.1)
    for line in welcome(config, time.monotonic() - begun):
        say(line)
    watched = [Watched(one) for one in started]
    while True:
        time.sleep(0.3)
        for one in watched:
            one.tend(say)


def _run_once(config: Config, command: str, started: list[Server]) -> int:
    """Run one of our commands to its end in a process of its own, so that its memory is given back."""
    process = OssatureProcess(config, command, command)
    started.append(process)
    process.start()
    code = process.wait()
    process.stop()
    started.remove(process)
    return code


def _stop_all(started: list[Server], lock: HomeLock, say: Say) -> None:
    for server in reversed(started):
        if isinstance(server, OssatureProcess):
            server.stop()
    lock.wait_for_users(5)
    for server in reversed(started):
        server.stop()
    if started:
        say("Stopped.")


def welcome(config: Config, seconds: float) -> list[str]:
    """What to open and how to sign in."""
    lines = ["", f"{config.title} is ready after {seconds:.1f} seconds.", "", f"  Open      {config.base_url}"]
    if offers_demo(config):
        plain = config.demo_password == DEFAULT_DEMO_PASSWORD
        password = config.demo_password if plain else "the one in OSSATURE_DEMO_PASSWORD"
        lines += [f"  Sign in   {DEMO_ADMIN}", f"  Password  {password}", f"  Tenant    {DEMO_TENANT}"]
    elif config.admin_email:
        lines += [f"  Sign in   {config.admin_email}", "  Password  the one in OSSATURE_ADMIN_PASSWORD"]
    else:
        lines += ["  Sign in   make the first account with: ossature user create --platform-admin"]
    return [*lines, "", "Ctrl-C stops it."]


def local_address(config: Config) -> str:
    """Where this machine reaches the serving process, whatever its public address is."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(config.host, config.host)  # noqa: S104
    return f"http://[{host}]:{config.port}" if ":" in host.strip("[]") else f"http://{host}:{config.port}"


def _environment(config: Config) -> dict[str, str]:
    """Children get what was decided here: the home and the port may have come from the command line."""
    return os.environ | {
        "OSSATURE_HOME": str(config.home),
        "OSSATURE_HOST": config.host,
        "OSSATURE_PORT": str(config.port),
        "PYTHONUNBUFFERED": "1",
    }


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
