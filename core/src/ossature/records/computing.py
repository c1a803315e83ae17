"""What the database would work out for entries that are still being typed: the same SQL, so the same rounding."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DataError

from ossature.db.types import Money
from ossature.db.work import session
from ossature.records.fields import Field, Kind
from ossature.records.query import Row
from ossature.records.recordset import document, recordset
from ossature.records.statements import stored_columns
from ossature.records.types import RecordType


def computed_fields(part: RecordType) -> dict[str, Field]:
    """The fields that the database works out, texts aside."""
    return {name: item for name, item in part.fields.items() if item.derived and not item.textual}


def work_out(part: RecordType, rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The computed fields of each row of clean values, in one statement; empty rows where it cannot be worked out."""
    fields = computed_fields(part)
    if not fields or not rows:
        return [{} for _row in rows]
    given = [name for name, item in part.fields.items() if item.writable]
    columns = [column for name in given for column in part.fields[name].columns]
    made = [column for item in fields.values() for column in item.columns]
    sums = ", ".join(f'({part.c[column].computed.sqltext}) AS "{column}"' for column in made)
    statement = f"SELECT {_without_binds(sums)} FROM {recordset(part, columns, 'n integer')} ORDER BY n"  # noqa: S608
    entries = [
        {"n": number, **stored_columns(part, {name: row.get(name) for name in given})}
        for number, row in enumerate(rows)
    ]
    try:
        with session().begin_nested():
            found = session().execute(sa.text(statement), {"rows": document(part, columns, entries)}).mappings().all()
    except DataError:  # a product that no column could hold, of which saving will say more
        return [{} for _row in rows]
    return [{name: _value(item, dict(row)) for name, item in fields.items()} for row in found]


def totals(part: RecordType, rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    """What the rows add up to, by field; amounts of money one a currency."""
    found: dict[str, list[Any]] = {}
    for name in names:
        values = [row[name] for row in rows if row.get(name) is not None]
        if part.fields[name].kind is not Kind.MONEY:
            found[name] = [sum(values, Decimal(0))] if values else []
            continue
        sums: dict[str, int] = defaultdict(int)
        for money in values:
            sums[money.currency] += money.minor
        found[name] = [Money(minor, currency) for currency, minor in sorted(sums.items())]
    return found


def _value(item: Field, row: Mapping[str, Any]) -> Any:
    if item.kind is not Kind.MONEY:
        value = row[item.name]
        return round(value, item.places) if isinstance(value, Decimal) else value
    minor, currency = (row[column] for column in item.columns)
    return None if minor is None or currency is None else Money(int(minor), currency)


def _without_binds(sql: str) -> str:
    """No colon of the author's SQL is a parameter."""
    return sql.replace(":", r"\:")
