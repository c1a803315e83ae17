"""Many rows at once. COPY is refused under row-level security, so it fills a temporary table that one INSERT reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from psycopg import sql

from ossature.context import current
from ossature.db.work import session
from ossature.events.wake import wake_listeners
from ossature.records.types import RecordType


def insert_rows(rt: RecordType, rows: Iterable[Mapping[str, Any]]) -> int:
    """Add rows of columns by name, the same columns in each; returns how many. They are not held in memory.

    For data that is known to be right: the database's policies, checks and history apply, the record's own rules,
    plugins' checks and permissions are not asked.
    """
    rows = iter(rows)
    if (first := next(rows, None)) is None:
        return 0
    connection = session().connection()
    names = [rt.c[name].name for name in first]
    writers = [rt.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect) for name in names]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    target, waiting = sql.Identifier(*rt.table.fullname.split(".")), sql.Identifier("pg_temp", f"new_{rt.table.name}")
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
                waiting, columns, target
            )
        )
        with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(waiting, columns)) as copy:
            for row in chain([first], rows):
                copy.write_row(
                    [
                        write(row[name]) if write and row[name] is not None else row[name]
                        for name, write in zip(names, writers, strict=True)
                    ]
                )
        cursor.execute(
            sql.SQL("INSERT INTO {} (tenant_id, {}) SELECT {}, {} FROM {}").format(
                target, columns, sql.Literal(current().tenant_id), columns, waiting
            )
        )
        added: int = cursor.rowcount
        cursor.execute(sql.SQL("DROP TABLE {}").format(waiting))
    wake_listeners(rt)
    return added
