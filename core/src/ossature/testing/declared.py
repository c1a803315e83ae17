"""The tables that record declarations ask for, made in an empty schema, to compare with what migrations made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy.schema import sort_tables

from ossature.config import Config
from ossature.context import Context, use_context
from ossature.db import Database
from ossature.db.operations import CreateRecordTable, base_columns, create_schema
from ossature.records.fields import Field
from ossature.records.record import Part, RecordBase
from ossature.records.types import RecordType, describe

_BASE = frozenset({"tenant_id", "id", "search_text", "search_vector", *(column.name for column in base_columns())})


def declared_tables(classes: Iterable[type[RecordBase]]) -> list[str]:
    return [describe(cls).table.name for cls in classes]


def declare(config: Config, schema: str, classes: Sequence[type[RecordBase]]) -> None:
    """Make the tables of these classes in a database without that schema."""
    types = {rt.table: rt for rt in map(describe, classes)}
    database = Database(config)
    try:
        with use_context(Context(means="command")), database.owner.begin() as connection:
            context = MigrationContext.configure(connection, opts={"role_prefix": config.db_role_prefix})
            operations = Operations(context)
            create_schema(operations, schema)
            for table in sort_tables(types):
                rt = types[table]
                CreateRecordTable.create_record_table(operations, schema, table.name, *_items(rt), **_options(rt))
    finally:
        database.dispose()


def _options(rt: RecordType) -> dict[str, Any]:
    options: dict[str, Any] = {
        "record": rt.key,
        "folded": {item.name: _folded(item) for item in rt.fields.values() if f"{item.name}_fold" in rt.table.c},
        "search": [item.name for item in rt.fields.values() if item.search],
        "untracked": [name for item in rt.fields.values() if not item.tracked for name in item.columns],
        "part": issubclass(rt.cls, Part),
    }
    if rt.parent_column:
        options["root"] = rt.parent_column
    return options


def _folded(field: Field) -> str:
    return field.sort_sql or field.derived or field.name


def _items(rt: RecordType) -> Iterator[Any]:
    """The columns, keys, checks and indexes of a table that its fields ask for; the base ones come by themselves."""
    table = rt.table
    for column in table.columns:
        if column.name not in _BASE and not column.name.endswith("_fold"):
            yield _column(column)
    for constraint in table.constraints:
        if isinstance(constraint, sa.CheckConstraint):
            yield sa.CheckConstraint(constraint.sqltext, name=constraint.name)
        elif isinstance(constraint, sa.ForeignKeyConstraint) and not _BASE.issuperset(constraint.column_keys):
            targets = [key.target_fullname for key in constraint.elements]
            yield sa.ForeignKeyConstraint(list(constraint.column_keys), targets, ondelete=constraint.ondelete)
        elif isinstance(constraint, sa.UniqueConstraint):
            yield sa.UniqueConstraint(*constraint.columns.keys(), name=constraint.name)
    for index in table.indexes:
        if index.name not in (f"{table.name}_owner_id_idx", f"{table.name}_created_at_idx"):
            yield sa.Index(
                index.name, *index.columns.keys(), unique=index.unique, **{
                    f"postgresql_{name}": value for name, value in index.dialect_options["postgresql"].items() if value
                }
            )  # fmt: skip


def _column(column: sa.Column[Any]) -> sa.Column[Any]:
    """The same column without its keys, which are constraints of the table."""
    more: list[Any] = [sa.Computed(column.computed.sqltext, column.computed.persisted)] if column.computed else []
    default: Any = column.server_default.arg if isinstance(column.server_default, sa.DefaultClause) else None
    return sa.Column(column.name, column.type, *more, nullable=column.nullable, server_default=default)
