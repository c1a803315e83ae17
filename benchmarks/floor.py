"""The floor: the very SQL that the product sends, by psycopg alone: one transaction, the settings that policies and
triggers read, the statements, all rows fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from data import Filled
from sqlalchemy import event

from ossature.context import Context
from ossature.db import transaction
from ossature.ids import new_id

Statement = tuple[str, dict[str, Any]]


@contextmanager
def recorded(filled: Filled) -> Iterator[list[Statement]]:
    """What a block sends as the owner of the first tenant, begin and end of the transaction aside."""
    engine = filled.app.extensions["ossature"].db.app
    seen: list[Statement] = []

    def note(_connection: Any, _cursor: Any, sql: str, values: Any, _context: Any, _many: bool) -> None:
        seen.append((sql, dict(values)))

    event.listen(engine, "before_cursor_execute", note)
    try:
        with filled.app.app_context(), transaction(filled.context):
            yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def settings_of(context: Context) -> str:
    """As `ossature.db.database.say_for_whom` writes them; a change set of its own each time."""
    assert context.actor is not None
    said = {
        "tenant": context.tenant_id, "actor": context.actor.id, "change_set": new_id(), "means": context.means,
        "request": context.request_id,
    }  # fmt: skip
    settings = [f"SET LOCAL ossature.{name} = '{value}'" for name, value in said.items()]
    return "; ".join((*settings, "SET LOCAL plan_cache_mode = force_custom_plan"))


def reading(connection: psycopg.Connection, context: Context, statements: list[Statement]) -> Callable[[], None]:
    """A function that reads what the statements say, once per call."""

    def read() -> None:
        with connection.transaction():
            cursor = connection.execute(settings_of(context))
            for sql, values in statements:
                cursor.execute(sql.encode(), values)
                cursor.fetchall()

    return read


def writing(connection: psycopg.Connection, context: Context, statements: list[Statement]) -> Callable[[], None]:
    """The same for inserts: each call writes rows with ids of their own."""
    made = {values["id"] for _sql, values in statements}

    def write() -> None:
        fresh: dict[UUID, UUID] = {id: new_id() for id in made}

        def own(value: object) -> object:
            return fresh.get(value, value) if isinstance(value, UUID) else value

        with connection.transaction():
            cursor = connection.execute(settings_of(context))
            for sql, values in statements:
                cursor.execute(sql.encode(), {name: own(value) for name, value in values.items()})
                cursor.fetchall()

    return write


def plan(connection: psycopg.Connection, context: Context, statement: Statement) -> str:
    """EXPLAIN of a statement as the app role sees it."""
    sql, values = statement
    with connection.transaction():
        connection.execute(settings_of(context))
        rows = connection.execute(b"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) " + sql.encode(), values).fetchall()
    return "\n".join(row[0] for row in rows)
