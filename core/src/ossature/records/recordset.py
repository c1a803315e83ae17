"""Rows on their way into one statement: a JSON document that the database reads as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator

from ossature.records.types import RecordType

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def recordset(rt: RecordType, columns: Sequence[str], *more: str) -> str:
    """The table `entry` of the parameter `rows`: columns of a record with their types, and `more` as they are."""
    typed = (f'"{column}" {rt.c[column].type.compile(_DIALECT)}' for column in columns)
    return f"jsonb_to_recordset(CAST(:rows AS jsonb)) AS entry({', '.join((*more, *typed))})"


def document(rt: RecordType, columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """The value of `rows`, from rows of stored columns."""
    writers = {
        name: writer
        for name in columns
        if isinstance(rt.c[name].type, TypeDecorator) and (writer := rt.c[name].type.bind_processor(_DIALECT))
    }
    entries = [{**row, **{name: write(row.get(name)) for name, write in writers.items()}} if writers else row
               for row in rows]  # fmt: skip
    return orjson.dumps(entries, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()


def _plain(value: Any) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise TypeError(type(value).__name__)
