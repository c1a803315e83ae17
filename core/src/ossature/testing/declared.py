"""The tables that record declarations ask for, made in a schema of their own, to compare with what migrations made."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from ossature.config import Config
from ossature.context import Context, use_context
from ossature.db import Database
from ossature.db.migrate import ensure_schema, migration_options
from ossature.db.operations import AddKey, CreateRecordTable, create_record_table
from ossature.records.types import RecordType
from ossature.revisions.declaration import declared_table


def declare(config: Config, schema: str, types: Sequence[RecordType]) -> None:
    """Make the tables of one plugin's records in a database that lacks its schema."""
    database = Database(config)
    try:
        with use_context(Context(means="command")), database.owner.begin() as connection:
            ensure_schema(connection, config, schema)
            context = MigrationContext.configure(connection, opts=migration_options(config, schema, connection))
            operations = Operations(context)
            tables = [declared_table(rt) for rt in types]
            for table in tables:
                create_record_table(operations, _without_keys(table))
            for table in tables:
                for key in _keys(table):
                    AddKey.add_key(operations, schema, table.name, key)
    finally:
        database.dispose()


def _keys(table: CreateRecordTable) -> list[sa.ForeignKeyConstraint]:
    return [item for item in table.items if isinstance(item, sa.ForeignKeyConstraint)]


def _without_keys(table: CreateRecordTable) -> CreateRecordTable:
    """Records may point to each other in circles, so the keys come once all tables are there."""
    items = (item for item in table.items if not isinstance(item, sa.ForeignKeyConstraint))
    return CreateRecordTable(table.schema, table.name, *items, **table.options)
