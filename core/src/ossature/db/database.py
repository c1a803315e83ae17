"""Three engines, one per database role, and the settings that every transaction begins with.

* app: requests. Owns nothing, cannot bypass row-level security.
* system: the kernel's own processes, under policies of their own.
* owner: migrations and backups; never used to serve a request.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any, Literal

import orjson
import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

from ossature.config import Config
from ossature.context import NoContext, current_or_none
from ossature.ids import new_id

Role = Literal["app", "system", "owner"]

OLDEST_VERSION = 150000
SILENT_SECONDS = 300
"""After so many seconds the server ends a transaction of a background process that is silent within it."""
# A server whose machine is gone answers nothing, not even that it is gone; the system would wait for hours.
_NOTICED_WITHIN_A_MINUTE = {
    "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000,
}  # fmt: skip


class Database:
    """The engines of one deployment; each is opened when first used."""

    def __init__(self, config: Config) -> None:
        self.config = config

    @cached_property
    def app(self) -> Engine:
        return self._engine(self.config.app_database_url, pool_size=self.config.database_pool_size)

    @cached_property
    def system(self) -> Engine:
        return self._engine(self.config.system_database_url, pool_size=2)

    @cached_property
    def owner(self) -> Engine:
        engine = self._engine(self.config.database_url, pool_size=1)
        owner = f"{self.config.db_role_prefix}_owner"

        @event.listens_for(engine, "connect")
        def take_owner_role(connection: Any, _record: object) -> None:
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))

        return engine

    def engine(self, role: Role) -> Engine:
        engine: Engine = getattr(self, role)
        return engine

    def dispose(self) -> None:
        """Close all connections; the engines open new ones when used again."""
        for role in ("app", "system", "owner"):
            if role in self.__dict__:
                self.__dict__[role].dispose()

    def forget(self) -> None:
        """After a fork: leave the parent's connections alone and open new ones when needed."""
        for role in ("app", "system", "owner"):
            if role in self.__dict__:
                self.__dict__[role].dispose(close=False)

    def _engine(self, url: str, *, pool_size: int) -> Engine:
        engine = create_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=False,
            pool_use_lifo=True,  # the connection used last has its statements prepared and its caches warm
            hide_parameters=True,  # an error goes to the log, what people wrote does not
            json_serializer=lambda value: orjson.dumps(value, default=str).decode(),
            json_deserializer=orjson.loads,
            connect_args={"connect_timeout": 10, "application_name": "ossature", **_NOTICED_WITHIN_A_MINUTE},
        )
        event.listen(engine, "connect", _leave_begin_to_us)
        event.listen(engine, "begin", partial(say_for_whom, most_seconds=self.config.statement_seconds))
        return engine


def _leave_begin_to_us(connection: Any, _record: object) -> None:
    """psycopg would send BEGIN by itself, a round trip more for each transaction; `say_for_whom` sends it."""
    connection.autocommit = True


def say_for_whom(connection: Connection, most_seconds: int) -> None:
    """Begin a transaction with who it is for, as statements, since `set_config()` is not propagated by Citus.

    A statement of a request is stopped after `most_seconds`: whoever waited has gone, others wait for what it holds.
    A background process that is paused within a transaction, or whose machine is gone, holds rows and lanes no longer
    than `SILENT_SECONDS`, whatever the server's own settings are.
    A pooled connection that died since it was used last is replaced here: nothing has been done on it yet.
    Raises `NoContext` when no context is bound: a transaction for nobody in particular does not exist.
    """
    context = current_or_none()
    if context is None:
        raise NoContext("a transaction was begun without a bound context")
    tenant = context.tenant_id
    change_set, began_at = context.change_set or (new_id(), "")
    served_before = "change_set_id" in connection.info
    connection.info["change_set_id"] = change_set
    settings = {
        "tenant": tenant or "",
        "actor": context.actor.id if context.actor else "",
        "change_set": change_set,
        "change_set_at": began_at,
        "means": context.means,
        "request": context.request_id,
        "reason": context.reason or "",
    }
    begin = "BEGIN; " + "; ".join(
        f"SET LOCAL ossature.{name} = '{_plain(str(v))}'" for name, v in settings.items() if v != "" or name == "tenant"
    )
    if context.means in ("page", "api", "link"):
        # A plan made for no value in particular walks a whole organisation where the value at hand would lead to few rows.
        begin += (
            f"; SET LOCAL statement_timeout = {most_seconds * 1000:d}; SET LOCAL plan_cache_mode = force_custom_plan"
        )
    elif context.means in ("system", "job"):
        begin += f"; SET LOCAL idle_in_transaction_session_timeout = {SILENT_SECONDS * 1000:d}"
    raw: Any = connection.connection.driver_connection
    try:
        with raw.cursor() as cursor:
            cursor.execute(begin, prepare=False)
    except psycopg.OperationalError as error:
        if not (served_before and raw.closed):
            raise
        connection.invalidate(error)
        say_for_whom(connection, most_seconds)


def _plain(text: str) -> str:
    """Text that cannot end its quotes: the settings are statements, which take no parameters."""
    return text[:500].replace("\\", "/").replace("'", "\u2019").replace("\x00", "")
