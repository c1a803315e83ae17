"""What changed between a table and its declaration, as steps of a migration.

The declaration is made in a scratch schema and both are read from PostgreSQL's catalogue, since the server rewrites the
expressions that it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text

from ossature.config import Config
from ossature.db.migrate import migration_options
from ossature.db.operations import UNTRACKED, CreateRecordTable, create_record_table, fold_column
from ossature.records.types import RecordType
from ossature.revisions.declaration import declared_table, literal, own_column, quoted, render_column, render_item

SCRATCH = "ossature_scratch"
SEARCH = ("search_text", "search_vector")

_COLUMNS = """
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
       CASE WHEN a.attgenerated = 's' THEN pg_get_expr(d.adbin, d.adrelid) END AS generated
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass(:table) AND a.attnum > 0 AND NOT a.attisdropped
"""
_CHECKS = """
SELECT conname AS name, pg_get_expr(conbin, conrelid) AS body FROM pg_constraint
WHERE conrelid = to_regclass(:table) AND contype = 'c'
"""
_KEYS = """
SELECT a.attname AS name, pg_get_constraintdef(k.oid) AS body
FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[array_length(k.conkey, 1)]
WHERE k.conrelid = to_regclass(:table) AND k.contype = 'f' AND array_length(k.conkey, 1) = 2
"""
_INDEXES = """
SELECT c.relname AS name, pg_get_indexdef(i.indexrelid) AS body
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = to_regclass(:table) AND NOT i.indisprimary AND c.relname NOT LIKE '%\\_search\\_%'
"""
_TRIGGERS = """
SELECT tgname AS name, encode(tgargs, 'escape') AS body FROM pg_trigger
WHERE tgrelid = to_regclass(:table) AND NOT tgisinternal
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a migration and the one that takes it back."""

    up: str
    down: str


@dataclass(frozen=True, slots=True)
class Shape:
    """A table as the catalogue has it: columns, checks, keys, indexes, by name, and what its triggers leave out."""

    columns: Mapping[str, Any]
    checks: Mapping[str, str]
    keys: Mapping[str, str]
    indexes: Mapping[str, str]
    untracked: frozenset[str] = field(default_factory=frozenset)


def altered(config: Config, connection: Connection, rt: RecordType) -> list[Step]:
    """The steps from a record's table as it is to the table that is declared; none when they agree."""
    wanted = declared_table(rt)
    now = _shape(connection, rt.plugin, rt.name)
    options = migration_options(config, SCRATCH, connection)
    connection.exec_driver_sql(f"SAVEPOINT scratch; CREATE SCHEMA {SCRATCH}")
    alone = declared_table(rt, SCRATCH)
    alone.items = tuple(item for item in alone.items if not isinstance(item, sa.ForeignKeyConstraint))
    create_record_table(Operations(MigrationContext.configure(connection, opts=options)), alone)
    then = _shape(connection, SCRATCH, rt.name)
    connection.exec_driver_sql("ROLLBACK TO SAVEPOINT scratch")
    return list(_steps(rt, wanted, now, then))


def _steps(rt: RecordType, wanted: CreateRecordTable, now: Shape, then: Shape) -> Iterator[Step]:
    """In an order that works: what generated columns read comes before them and goes after them."""
    table, schema = quoted(rt.name), f"schema={quoted(rt.plugin)}"
    where = f"{quoted(rt.plugin)}, {table}"
    plain = {item.name: item for item in wanted.items if isinstance(item, sa.Column)}
    folded: Mapping[str, str] = wanted.options.get("folded", {})
    stored = {**plain, **{f"{name}_fold": fold_column(name, sql) for name, sql in folded.items()}}
    new = [name for name in then.columns if name not in now.columns]
    gone = [name for name in now.columns if name not in then.columns]
    both = [name for name in then.columns if name in now.columns]
    remade = [name for name in both if now.columns[name].generated != then.columns[name].generated]

    def add(name: str) -> str:
        return f"op.add_column({table}, {render_column(stored[name])}, {schema})"

    def drop(name: str) -> str:
        return f"op.drop_column({table}, {quoted(name)}, {schema})"

    for name in new:
        if then.columns[name].generated is None:
            yield Step(add(name), drop(name))
    for name in both:
        before, after = now.columns[name], then.columns[name]
        if (before.type, before.required) != (after.type, after.required) and name not in remade:
            yield Step(_change(rt, after), _change(rt, before))
    for name in sorted({*now.checks, *then.checks}):
        if now.checks.get(name) != then.checks.get(name):
            bare = quoted(name.removeprefix(f"{rt.name}_").removesuffix("_check"))
            yield Step(*(f"op.alter_check({where}, {bare}, {_check(shape, name)})" for shape in (then, now)))
    if any(name in SEARCH for name in (*new, *gone, *remade)):
        was = now.columns.get(SEARCH[0])
        back = quoted(was.generated) if was else "[]"
        yield Step(
            f"op.set_search({where}, {literal(wanted.options.get('search', []))})", f"op.set_search({where}, {back})"
        )
    for name in (*gone, *remade):
        if now.columns[name].generated is not None and name not in SEARCH:
            yield Step(drop(name), _put_back(rt, now.columns[name]))
    for name in (*new, *remade):
        if then.columns[name].generated is not None and name not in SEARCH:
            yield Step(add(name), drop(name))
    for name in gone:
        if now.columns[name].generated is None:
            yield Step(drop(name), _put_back(rt, now.columns[name]))
    yield from _indexes(rt, wanted, now, then)
    yield from _keys(wanted, now, where)
    yield from _triggers(rt, wanted, now, then, where)


def _indexes(rt: RecordType, wanted: CreateRecordTable, now: Shape, then: Shape) -> Iterator[Step]:
    """Those of dropped columns have gone with them, which `IF EXISTS` allows for."""
    for name in sorted({*now.indexes, *then.indexes}):
        before, after = now.indexes.get(name), then.indexes.get(name)
        if before == after:
            continue
        drop = f"op.execute({quoted(f'DROP INDEX IF EXISTS {rt.plugin}.{name}')})"
        if before is not None:
            yield Step(drop, f"op.execute({quoted(escaped(_there(before, rt)))})")
        if after is not None:
            yield Step(f"op.execute({quoted(escaped(_there(after, rt)))})", drop)


def _triggers(rt: RecordType, wanted: CreateRecordTable, now: Shape, then: Shape, where: str) -> Iterator[Step]:
    """The triggers name the columns that they leave out: generated ones, and fields that are not tracked."""
    if now.untracked == then.untracked:
        return
    root = f", root={quoted(rt.parent_column)}" if rt.parent else ""
    generated = {name for name, column in now.columns.items() if column.generated is not None}
    kept = sorted(now.untracked - generated - set(UNTRACKED))
    untracked = literal(wanted.options.get("untracked", []))
    yield Step(f"op.set_untracked({where}, {untracked}{root})", f"op.set_untracked({where}, {literal(kept)}{root})")


def _keys(wanted: CreateRecordTable, now: Shape, where: str) -> Iterator[Step]:
    declared = {own_column(item): item for item in wanted.items if isinstance(item, sa.ForeignKeyConstraint)}
    for name, item in declared.items():
        if name not in now.keys:
            yield Step(f"op.add_key({where}, {render_item(item)})", f"op.drop_key({where}, {quoted(name)})")


def _shape(connection: Connection, schema: str, table: str) -> Shape:
    name = f'"{schema}"."{table}"'

    def read(query: str) -> Any:
        return connection.execute(text(query.replace(":=", "\\:=")), {"table": name})

    bodies = {row.name: row.body for row in read(_TRIGGERS)}
    skipped = str(bodies.get("record_change", "")).split("\\000")
    untracked = frozenset(skipped[2].strip("{}").split(",")) if len(skipped) > 2 else frozenset()
    return Shape(
        columns={row.name: row for row in read(_COLUMNS)},
        checks={row.name: row.body for row in read(_CHECKS)},
        keys={row.name: row.body for row in read(_KEYS)},
        indexes={row.name: row.body.replace(f"{schema}.", "", 1) for row in read(_INDEXES)},
        untracked=untracked,
    )


def _check(shape: Shape, name: str) -> str:
    return quoted(shape.checks[name]) if name in shape.checks else "None"


def _there(body: str, rt: RecordType) -> str:
    """An index definition with its schema, which comparing left out; one that an operator made beforehand is kept."""
    body = body.replace("INDEX ", "INDEX IF NOT EXISTS ", 1)
    return body.replace(f" ON {rt.name} ", f" ON {rt.plugin}.{rt.name} ", 1)


def _change(rt: RecordType, column: Any) -> str:
    name = f'"{column.name}"'
    rule = "SET" if column.required else "DROP"
    statement = (
        f'ALTER TABLE "{rt.plugin}"."{rt.name}" ALTER COLUMN {name} TYPE {column.type} USING {name}::{column.type}, '
        f"ALTER COLUMN {name} {rule} NOT NULL"
    )
    return f"op.execute({quoted(escaped(statement))})"


def _put_back(rt: RecordType, column: Any) -> str:
    """Add a column as it was; what it held is gone."""
    generated = f" GENERATED ALWAYS AS ({column.generated}) STORED" if column.generated else ""
    statement = f'ALTER TABLE "{rt.plugin}"."{rt.name}" ADD COLUMN "{column.name}" {column.type}{generated}'
    return f"op.execute({quoted(escaped(statement))})"


def escaped(statement: str) -> str:
    """A statement for `op.execute`, where a colon before a word would be a parameter."""
    return statement.replace(":", "\\:")
