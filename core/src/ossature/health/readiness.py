"""Whether this instance can serve: each thing it needs is asked, and answers with nothing or with what is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
import redis
from sqlalchemy.exc import SQLAlchemyError

from ossature.config import Config
from ossature.context import Context, use_context
from ossature.db.database import Database
from ossature.logs import get_logger
from ossature.plugins import migrations

log = get_logger(__name__)

_MIGRATIONS_EVERY = 30.0  # seconds; the files are read from disk


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer of one check; `problem` is None when well, else what is wrong and what to do."""

    name: str
    problem: str | None
    duration_ms: float

    @property
    def well(self) -> bool:
        return self.problem is None


class Readiness:
    """The checks of one application: database, migrations, Redis, then those of plugins."""

    def __init__(
        self, config: Config, database: Database, extra: Sequence[tuple[str, Callable[[], str | None]]] = ()
    ) -> None:
        """`extra` are names and checks of plugins' `HealthCheck`s."""
        self.config = config
        self.database = database
        self._redis = redis.Redis.from_url(config.redis_url, socket_timeout=2, socket_connect_timeout=2)
        self._checks: list[tuple[str, Callable[[], str | None]]] = [
            ("database", self._database),
            ("migrations", self._migrations),
            ("redis", self._redis_answers),
            *extra,
        ]
        self._migrations_known: tuple[float, str | None] = (float("-inf"), None)

    def results(self) -> list[CheckResult]:
        """Ask everything; a check that fails to answer counts as unwell."""
        found = []
        for name, check in self._checks:
            begun = time.perf_counter()
            try:
                problem = check()
            except Exception as error:  # a plugin's check may raise anything
                log.exception("health check failed", check=name)
                problem = f"the check itself failed: {type(error).__name__}"
            found.append(CheckResult(name, problem, round((time.perf_counter() - begun) * 1000, 2)))
        for result in found:
            if not result.well:
                log.warning("not ready", check=result.name, problem=result.problem)
        return found

    def _database(self) -> str | None:
        try:
            with use_context(Context(means="system")), self.database.app.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except SQLAlchemyError as error:
            return (
                f"the database cannot be reached ({type(error).__name__}); start it, or correct OSSATURE_DATABASE_URL"
            )
        return None

    def _migrations(self) -> str | None:
        asked, problem = self._migrations_known
        now = time.monotonic()
        if problem is None and now - asked < _MIGRATIONS_EVERY:
            return None
        try:
            late = migrations.behind(migrations.status(self.config))
        except psycopg.Error as error:
            return f"migrations cannot be read ({type(error).__name__})"
        problem = f"behind on migrations of {', '.join(late)}; run: ossature migrate" if late else None
        self._migrations_known = (now, problem)
        return problem

    def _redis_answers(self) -> str | None:
        try:
            self._redis.ping()
        except redis.RedisError as error:
            return f"Redis does not answer ({type(error).__name__}); start it, or correct OSSATURE_REDIS_URL"
        return None
