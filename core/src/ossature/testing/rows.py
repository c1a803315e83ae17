"""Many rows of any record, made by the database from the record's description: for tests of lists and of speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from hashlib import md5
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from ossature.records.fields import Field, Kind
from ossature.records.types import RecordType


def insert_rows(
    connection: psycopg.Connection[Any],
    rt: RecordType,
    tenant_id: UUID,
    number: int,
    *,
    references: Mapping[str, Sequence[UUID]] | None = None,
    history: bool = True,
) -> list[UUID]:
    """Insert `number` different rows and return their ids; `connection` is an administrator's.

    `references` gives the ids that columns such as `owner_id` take in turn. Without `history`, triggers and key
    checks stay out of it, for fillings by the ten thousand. Fields with a rule, and secrets, are left empty where
    they may be; else a text is as its rule leaves it, unless the rule refuses it.
    """
    references = references or {}
    columns: dict[str, sql.Composable] = {
        "tenant_id": sql.Literal(tenant_id),
        "id": sql.SQL("gen_random_uuid()"),
        "created_at": sql.SQL("now() - n * interval '1 minute'"),
    }
    for item in rt.fields.values():
        if (
            (item.writable or item.read_only)
            and item.name not in references
            and (history or item.kind is not Kind.TAGS)
        ):
            columns |= _ruled(item, number) if item.kind is Kind.TEXT and item.rule else _values(item)
    for name, ids in references.items():
        columns[name] = sql.SQL("({}::uuid[])[1 + n % {}]").format(sql.Literal([str(id) for id in ids]), len(ids))
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM generate_series(0, {}) n RETURNING id").format(
        sql.Identifier(rt.plugin, rt.name),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(columns.values()),
        number - 1,
    )
    with connection.transaction():
        if not history:
            connection.execute("SET LOCAL session_replication_role = replica")
        return [id for (id,) in connection.execute(statement)]


def _ruled(item: Field, number: int) -> dict[str, sql.Composable]:
    """The same as `_values` for a text with a rule, which the database does not know."""
    if item.rule is None or not item.required:
        return {}
    made = []
    for n in range(number):
        value = f"{md5(str(n).encode(), usedforsecurity=False).hexdigest()[:8]} {n}"[: item.max_length or 200]
        with suppress(ValueError):
            value = item.rule(value)
        made.append(value)
    return {item.name: sql.SQL("({}::text[])[1 + n]").format(sql.Literal(made))}


def _values(item: Field) -> dict[str, sql.Composable]:
    """Column -> SQL that gives a value for the number `n`; nothing where the default or null will do."""
    made: sql.Composable
    match item.kind:
        case Kind.TEXT | Kind.LONG_TEXT:
            made = sql.SQL("left(substr(md5(n::text), 1, 8) || ' ' || n, {})").format(item.max_length or 200)
        case Kind.EMAIL:
            made = sql.SQL("substr(md5(n::text), 1, 8) || n || '@example.com'")
        case Kind.PHONE:
            made = sql.SQL("'+331' || lpad((n % 100000000)::text, 8, '0')")
        case Kind.URL:
            made = sql.SQL("'https://example.com/' || n")
        case Kind.INTEGER:
            low, high = int(item.minimum or 0), int(item.maximum or 2**31 - 1)  # type: ignore[arg-type]
            made = sql.SQL("{} + n % {}").format(low, min(high - low + 1, 2**31 - 1))
        case Kind.DECIMAL:
            least, most = Decimal(str(item.minimum or 0)), Decimal(str(item.maximum or 125))
            made = sql.SQL("{} + (n % 1000)::numeric / 1000 * {}").format(least, min(most - least, Decimal(125)))
        case Kind.DATE:
            made = sql.SQL("'2026-01-01'::date + n % 3000")
        case Kind.DATETIME:
            made = sql.SQL("now() - n * interval '1 hour'")
        case Kind.CHOICE:
            values = list(item.choices)
            made = sql.SQL("({}::text[])[1 + n % {}]").format(sql.Literal(values), len(values))
        case Kind.BOOLEAN:
            made = sql.SQL("n % 2 = 0")
        case Kind.TAGS:
            made = sql.SQL("CASE n % 3 WHEN 0 THEN '{}'::text[] ELSE ARRAY['Tag ' || n % 4, 'Second'] END")
        case Kind.MONEY:
            minor, currency = item.columns
            return {minor: sql.SQL("n * 100"), currency: sql.Literal("EUR")}
        case _:
            return {}
    return {item.name: made}


__all__ = ["insert_rows"]
