"""The embedded servers start, keep what was written through a kill -9, and never stay behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from ossature.config import Config
from ossature.embedded import places
from ossature.embedded.children import EmbeddedError
from ossature.embedded.postgres import EmbeddedPostgres
from ossature.embedded.redis import EmbeddedRedis
from ossature.embedded.servers import HomeLock, running, servers_of

pytestmark = pytest.mark.processes


@pytest.fixture
def home() -> Iterator[Path]:
    """A home beside pytest's own folders, which only their owner can pass: PostgreSQL does not run as root."""
    folder = Path(tempfile.mkdtemp(prefix="ossature-test-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(home: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(home)
    yield server
    server.stop()


def write_row(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (42)")


def read_row(server: EmbeddedPostgres) -> int:
    with psycopg.connect(server.url) as connection:
        row = connection.execute("SELECT n FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def working_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == folder:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.mark.req("S0-63")
def test_postgres_is_new_enough_folds_accents_and_listens_on_no_network(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    with psycopg.connect(postgres.url) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version_num')::int, lower('ÉLODIE'), current_setting('listen_addresses'), "
            "current_database()"
        ).fetchone()
    assert row is not None
    assert row[0] >= 150000
    assert row[1:] == ("élodie", "", "ossature")
    assert postgres.sockets.stat().st_mode & 0o077 == 0
    assert postgres.data.stat().st_mode & 0o077 == 0


def test_postgres_keeps_what_was_committed_through_a_kill(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    write_row(postgres)
    assert postgres.process is not None
    postgres.process.kill()
    postgres.process.wait()
    assert not postgres.alive()
    assert (postgres.data / "postmaster.pid").exists()
    postgres.start()
    assert read_row(postgres) == 42


def test_a_creation_that_was_interrupted_is_done_again(postgres: EmbeddedPostgres) -> None:
    unfinished = postgres.data.with_name("postgres.new")
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    postgres.start()
    write_row(postgres)
    assert read_row(postgres) == 42
    assert not unfinished.exists()


def test_a_process_id_that_now_belongs_to_somebody_else_does_not_stop_the_start(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    write_row(postgres)
    assert postgres.process is not None
    postgres.process.kill()
    postgres.process.wait()
    pid_file = postgres.data / "postmaster.pid"
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
        postgres.start()
        assert read_row(postgres) == 42
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_server_left_behind_is_ended_before_a_new_one_starts(home: Path) -> None:
    left, new = EmbeddedPostgres(home), EmbeddedPostgres(home)
    try:
        left.start()
        write_row(left)
        new.start()
        assert left.process is not None
        left.process.wait(5)
        assert read_row(new) == 42
    finally:
        left.stop()
        new.stop()


def test_redis_keeps_what_was_written_through_a_kill_and_listens_on_no_network(home: Path) -> None:
    server = EmbeddedRedis(home)
    try:
        server.start()
        with redis.Redis.from_url(server.url) as client:
            client.set("kept", "42")
            assert client.config_get("port") == {"port": "0"}
        time.sleep(1.2)  # written to disk every second
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.get("kept") == b"42"
    finally:
        server.stop()


def test_a_home_with_a_long_path_gets_a_short_socket(home: Path) -> None:
    deep = home / ("deep" * 20) / ("deeper" * 12)
    assert len(str(places.redis_socket(deep))) < 100
    assert places.run_folder(deep) != places.run_folder(deep.parent)
    server = EmbeddedRedis(deep)
    try:
        server.start()
        assert server.answers()
    finally:
        server.stop()


def test_servers_named_by_settings_are_not_started(home: Path) -> None:
    def names(**settings: str) -> list[str]:
        return [server.name for server in servers_of(Config.load(env_file=None, home=home, **settings))]

    assert names() == ["PostgreSQL", "Redis"]
    assert names(database_url="postgresql://a:b@db/x") == ["Redis"]
    assert names(database_url="postgresql://a:b@db/x", redis_url="redis://r/0") == []


def test_servers_run_for_a_block_are_shared_and_stopped_at_its_end(home: Path) -> None:
    config = Config.load(env_file=None, home=home, environment="test")
    with running(config):
        with running(config), psycopg.connect(config.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert EmbeddedPostgres(home).answers()
        with HomeLock(home) as lock:
            assert not lock.own()
            assert lock.owner() == os.getpid()
    assert working_in(home / "postgres") == []
    assert working_in(home / "redis") == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals children of a killed parent")
def test_a_kill_of_the_owner_leaves_nothing_running(home: Path) -> None:
    program = (
        "import sys, time\n"
        "from ossature.config import Config\n"
        "from ossature.embedded.servers import running\n"
        "with running(Config.load(env_file=None, home=sys.argv[1])):\n"
        "    print('up', flush=True)\n"
        "    time.sleep(120)\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"up\n"
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    deadline = time.monotonic() + 20
    while working_in(home / "postgres") or working_in(home / "redis"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with running(Config.load(env_file=None, home=home)):
        assert EmbeddedPostgres(home).answers()


def test_data_of_another_version_are_refused_with_the_next_step(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    postgres.stop()
    (postgres.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 16.*pg_dump"):
        postgres.start()
