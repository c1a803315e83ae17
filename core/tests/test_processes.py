"""`ossature up`: one command starts everything, what dies is started again, nothing stays behind."""

from __future__ import annotations

import contextlib
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
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue

import psutil
import pytest

from ossature.processes import Watched, pause_after
from ossature.serving import allow_open_files
from ossature.testing.ports import free_port

pytestmark = pytest.mark.processes

PASSWORD = "a-demo-password-7"


def environment_of(home: Path, port: int, **settings: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OSSATURE_")}
    return kept | {
        "OSSATURE_HOME": str(home),
        "OSSATURE_PORT": str(port),
        "OSSATURE_WORKERS": "1",
        "OSSATURE_DEMO_PASSWORD": PASSWORD,
        **settings,
    }


def command(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `ossature ...` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "ossature", *arguments],
        env=environment,
        cwd=environment["OSSATURE_HOME"],
        capture_output=True,
        text=True,
        check=False,
    )


class Run:
    """`ossature up` in a home of its own; what it printed so far is in `lines`."""

    def __init__(self, home: Path, port: int, *arguments: str, **settings: str) -> None:
        self.home, self.port = home, port
        self.lines: list[str] = []
        self._queue: Queue[str | None] = Queue()
        self.environment = environment_of(home, port, **settings)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ossature", *(arguments or ["up"])],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
            cwd=home,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as printed:
            for line in printed:
                self._queue.put(line.rstrip())
        self._queue.put(None)

    def wait_for(self, text: str, seconds: float = 300) -> str:
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._queue.get(timeout=max(0.1, deadline - time.monotonic()))
            except Empty:
                pytest.fail(f"{text!r} was not printed within {seconds} s:\n" + "\n".join(self.lines))
            if line is None:
                pytest.fail(f"ended without printing {text!r}:\n" + "\n".join(self.lines))
            self.lines.append(line)
            if text in line:
                return line

    def get(self, path: str) -> tuple[int, bytes]:
        return self._ask("GET", path)

    def post(self, path: str, data: dict[str, str]) -> tuple[int, bytes]:
        return self._ask("POST", path, json.dumps(data), {"Content-Type": "application/json"})

    def _ask(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def wait_until_ready(self, seconds: float = 300) -> None:
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.get("/readyz")[0] == 200:
                    return
            assert time.monotonic() < deadline, "no answer"
            time.sleep(0.1)

    def workers(self) -> list[psutil.Process]:
        """The processes that `ossature serve` made to answer requests."""
        found = []
        for one in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):  # it ends while it is looked at
                if one.name() != "postgres" and "serve" in one.cmdline():
                    found.append(one)
        return found

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return command(self.environment, *arguments)

    def stop(self, with_signal: int = signal.SIGINT) -> int:
        self.process.send_signal(with_signal)
        code = self.process.wait(300)
        self.lines += list(iter(self._queue.get, None))
        return code

    def left(self) -> list[psutil.Process]:
        """Processes of this home that still run."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get("OSSATURE_HOME") == str(self.home) or self.home in Path(process.cwd()).parents:
                    found.append(process)
        return found


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """One home for the whole module: the first start makes it, the others find it made. Beside pytest's own folders,
    which only their owner can pass: PostgreSQL does not run as root."""
    folder = Path(tempfile.mkdtemp(prefix="ossature-up-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def run(home: Path) -> Iterator[Run]:
    started = Run(home, free_port())
    yield started
    if started.process.poll() is None:
        started.stop()


@pytest.mark.req("S0-67", "S1-27", "S0-65")
def test_one_command_starts_everything_and_ctrl_c_leaves_nothing(run: Run) -> None:
    run.wait_for("Ctrl-C stops it.")
    printed = "\n".join(run.lines)
    for step in ("Starting PostgreSQL", "Starting Redis", "Bringing the database up to date", "Starting pages and API"):
        assert step in printed
    assert f"http://localhost:{run.port}" in printed
    assert "admin@demo.example" in printed
    assert PASSWORD not in printed
    assert run.get("/healthz")[0] == 200
    listening = [one for process in run.left() for one in process.net_connections("inet") if one.status == "LISTEN"]
    assert {one.laddr.ip for one in listening} == {"127.0.0.1"}
    assert run.stop() == 0
    assert run.lines[-1] == "Stopped."
    assert run.left() == []


@pytest.mark.req("S1-28", "S1-94")
def test_a_running_instance_is_verified_by_command_and_by_address(run: Run) -> None:
    run.wait_for("Ctrl-C stops it.")
    for path in ("/readyz", "/health", "/api/v1/health"):
        status, body = run.get(path)
        assert status == 200
        checks = {one["name"]: one["status"] for one in json.loads(body)["data"]["checks"]}
        assert checks.items() >= {"database": "ok", "migrations": "ok", "redis": "ok"}.items()
    done = run.command("health")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "/readyz" in done.stdout
    assert b"ossature_requests_total" in run.get("/metrics")[1]
    found = [line for line in run.command("check").stderr.splitlines() if not line.startswith("translations: ")]
    assert [line.partition(",")[0] for line in found] == ["warning: no mail server is set up"]
    run.stop(signal.SIGTERM)
    done = run.command("health")
    assert done.returncode == 1
    assert "ossature up" in done.stdout


@pytest.mark.req("S1-30")
def test_the_first_administrator_of_the_configuration_can_sign_in(home: Path) -> None:
    password = "correct horse battery"
    started = Run(home, free_port(), OSSATURE_ADMIN_EMAIL="boss@acme.fr", OSSATURE_ADMIN_PASSWORD=password)
    try:
        started.wait_for("Ctrl-C stops it.")
        assert password not in "\n".join(started.lines)
        for email, word in (("boss@acme.fr", password), ("admin@demo.example", PASSWORD)):
            status, body = started.post("/api/auth/login", {"email": email, "password": word})
            assert status == 200, body
            assert json.loads(body)["data"]["access_token"]
        status, _body = started.post("/api/auth/login", {"email": "boss@acme.fr", "password": "another password"})
        assert status == 401
    finally:
        started.stop()


def test_connections_that_browsers_keep_open_leave_room_for_others(run: Run) -> None:
    allow_open_files(4096)
    run.wait_until_ready()
    with contextlib.ExitStack() as kept:
        for _browser in range(1200):
            kept.enter_context(socket.create_connection(("127.0.0.1", run.port), timeout=10))
        assert run.get("/healthz")[0] == 200


def test_what_is_killed_is_started_again(run: Run) -> None:
    run.wait_for("Ctrl-C stops it.")
    supervisor = psutil.Process(run.process.pid)
    (server,) = [child for child in supervisor.children() if "serve" in child.cmdline()]
    server.kill()
    run.wait_for("the serving process ended unexpectedly")
    run.wait_until_ready()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals children of a killed parent")
def test_after_a_kill_of_the_supervisor_it_starts_again_by_itself(run: Run, home: Path) -> None:
    run.wait_for("Ctrl-C stops it.")
    run.process.kill()
    run.process.wait()
    again = Run(home, run.port)
    try:
        again.wait_for("Ctrl-C stops it.")
        assert again.get("/readyz")[0] == 200
    finally:
        again.stop()
    assert again.left() == []


@pytest.mark.req("S3-145")
def test_serving_starts_again_when_code_changes(home: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    package = site / "grove"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "manifest.toml").write_text('key = "grove"\ntitle = "Grove"\napi = "1"\n')
    (package / "plugin.py").touch()
    information = site / "grove-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: grove\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[ossature.plugins]\ngrove = grove.plugin\n")
    done = command(environment_of(home, free_port()), "setup")
    assert done.returncode == 0, done.stderr
    served = Run(home, free_port(), "serve", "--reload", PYTHONPATH=str(site))
    try:
        served.wait_until_ready()
        (before,) = served.workers()
        (package / "plugin.py").write_text("# changed\n")
        deadline = time.monotonic() + 30
        while before in served.workers():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        served.wait_until_ready()
    finally:
        served.stop()
    assert served.left() == []


def test_a_second_start_in_the_same_home_is_refused_in_one_line(run: Run) -> None:
    run.wait_for("Ctrl-C stops it.")
    done = run.command("up", "--port", str(free_port()))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "runs already" in done.stderr


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = Run(tmp_path, taken.getsockname()[1])
        refused.wait_for("set OSSATURE_PORT to another")
        assert refused.process.wait(30) == 1
    assert len(refused.lines) == 1


def test_pauses_between_restarts_grow_to_half_a_minute() -> None:
    assert [pause_after(deaths) for deaths in range(8)] == [0, 1, 2, 4, 8, 16, 30, 30]


def test_a_server_that_keeps_dying_is_not_started_in_a_tight_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dying:
        name = "a server"
        starts = 0

        def start(self) -> None:
            self.starts += 1

        def alive(self) -> bool:
            return False

        def answers(self) -> bool:
            return False

        def stop(self) -> None:
            pass

    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    server, said = Dying(), list[str]()
    watched = Watched(server)
    for _ in range(100):  # 50 seconds
        watched.tend(said.append)
        now[0] += 0.5
    assert server.starts == 6
    assert "ended unexpectedly" in said[0]
