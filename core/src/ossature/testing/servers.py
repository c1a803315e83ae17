"""The PostgreSQL and the Redis that tests run on, and one database per worker.

Embedded servers in a folder of the session's own, unless `OSSATURE_TEST_DATABASE_URL` names a PostgreSQL (with the
right to create roles and databases) or `OSSATURE_TEST_REDIS_URL` a Redis. All migrations run once, into a template;
each worker of a parallel run clones it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from ossature.config import Config
from ossature.db import migrate
from ossature.embedded import places
from ossature.embedded.servers import running

DATABASE_URL = "OSSATURE_TEST_DATABASE_URL"
REDIS_URL = "OSSATURE_TEST_REDIS_URL"
HOME = "OSSATURE_TEST_HOME"
SECRET = "a secret that only tests know, 32 bytes or more"  # noqa: S105
UNLIMITED = {"rate_limit": "1000000/minute", "sign_in_limit": "1000000/minute"}
ROLES = "ossature_test"
_TEMPLATE_LOCK = 7_163_311


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers of this session are; `log` is PostgreSQL's log when this machine can read it."""

    home: Path
    database_url: URL
    redis_url: str
    log: Path | None

    @property
    def run(self) -> str:
        """A word that tells this session's databases from those of others on the same server."""
        return self.home.name.rpartition("-")[2].lower()

    def config(
        self, database: str, redis_number: int = 0, plugins: Sequence[str] | None = None, **settings: Any
    ) -> Config:
        """The settings of an application on one of the databases; nothing is read from the environment's files.

        Limits are out of the way, since all tests call from one address. No mail leaves, whatever server the environment names.
        """
        redis_url = self.redis_url.partition("?")[0]
        if redis_url.startswith("unix:"):
            redis_url = f"{redis_url}?db={redis_number}"
        return Config.load(
            env_file=None,
            environment="test",
            home=self.home,
            database_url=self.database_url.set(database=database).render_as_string(hide_password=False),
            redis_url=redis_url,
            secret_key=SECRET,
            db_role_prefix=ROLES,
            plugins=tuple(plugins) if plugins is not None else None,
            **{"log_level": "warn", "strict": True, "smtp_url": "", **UNLIMITED, **settings},
        )

    def connect(self, database: str) -> psycopg.Connection:
        """As administrator of the server, outside transactions."""
        url = self.database_url.set(database=database, drivername="postgresql")
        return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)

    def clone(self, source: str, name: str) -> None:
        """A new database with the content of `source`, which nobody may be using."""
        with self.connect("postgres") as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(source))
            )
            connection.execute(sql.SQL("ALTER DATABASE {} SET log_statement = 'all'").format(sql.Identifier(name)))
        migrate.prepare(self.config(name))

    def drop(self, name: str) -> None:
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def template(self, name: str, plugins: Sequence[str]) -> str:
        """A migrated database to clone, made by whichever worker asks first; `plugins` beside the kernel."""
        database = f"ossature_{self.run}_{name}"
        with self.connect("postgres") as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [_TEMPLATE_LOCK])
            exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
            if not exists:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
                config = self.config(database, plugins=plugins)
                try:
                    migrate.prepare(config)
                    migrate.upgrade(config)
                except BaseException:
                    self.drop(database)  # so that the next worker meets the error itself, not half a template
                    raise
        return database


@contextmanager
def running_servers() -> Iterator[Servers]:
    """Servers for the length of a session; workers of a parallel run use those of their controller."""
    shared = os.environ.get(HOME)
    with ExitStack() as stack:
        if shared:
            home = Path(shared)
        else:
            home = Path(tempfile.mkdtemp(prefix="ossature-test-"))
            stack.callback(shutil.rmtree, home, ignore_errors=True)
        database_url, redis_url = os.environ.get(DATABASE_URL), os.environ.get(REDIS_URL)
        log = home / "log" / "postgres.log" if database_url is None else _external_log()
        if not shared:
            embedded = Config.load(
                env_file=None,
                environment="test",
                home=home,
                database_url=database_url or places.postgres_url(home),
                redis_url=redis_url or places.redis_url(home),
                secret_key=SECRET,
            )
            stack.enter_context(running(embedded))
        servers = Servers(
            home,
            make_url(database_url or places.postgres_url(home)).set(drivername="postgresql"),
            redis_url or places.redis_url(home),
            log,
        )
        if not shared:
            stack.callback(_drop_all, servers)
        yield servers


def _external_log() -> Path | None:
    path = os.environ.get("OSSATURE_TEST_DATABASE_LOG")
    return Path(path) if path else None


def _drop_all(servers: Servers) -> None:
    """Leave nothing behind on a server that outlives us."""
    if os.environ.get(DATABASE_URL) is None:
        return
    with servers.connect("postgres") as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [f"ossature_{servers.run}_"]
        ).fetchall()
    for (name,) in rows:
        servers.drop(name)
