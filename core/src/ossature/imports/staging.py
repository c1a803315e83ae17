"""The rows of a file, put down beside its import: read once, a row at a time, whatever the file's size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import orjson

from ossature.context import current
from ossature.db.work import session
from ossature.imports.cells import FileRow, pack


def stage(import_id: UUID, rows: Iterable[FileRow]) -> int:
    """Put rows down; how many there were. COPY is refused under row-level security, so it fills a temporary table.

    The file is read within that one statement, which may therefore take longer than others of a request.
    """
    raw: Any = session().connection().connection.driver_connection
    with raw.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '10min'")
        cursor.execute("CREATE TEMPORARY TABLE staged (number integer, cells text, flaws text) ON COMMIT DROP")
        with cursor.copy("COPY pg_temp.staged FROM STDIN") as copy:
            for row in rows:
                copy.write_row((row.number, pack(row.cells), _flaws(row)))
        cursor.execute(
            "INSERT INTO ossature.import_row (tenant_id, import_id, number, cells, flaws) "
            "SELECT %s, %s, number, cells::jsonb, flaws::jsonb FROM pg_temp.staged ORDER BY number",
            (current().tenant_id, import_id),
        )
        count: int = cursor.rowcount
        cursor.execute("DROP TABLE pg_temp.staged")
    return count


def _flaws(row: FileRow) -> str | None:
    if not row.faults:
        return None
    return orjson.dumps([[fault.index, fault.code, fault.message, fault.value] for fault in row.faults]).decode()
