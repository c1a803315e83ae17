"""The tables that record declarations ask for, made in a schema of their own, to compare with what migrations made."""

from __future__ import annotations

from collections.abc import Sequence

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.schema import sort_tables

from ossature.config import Config
from ossature.context import Context, use_context
from ossature.db import Database
from ossature.db.migrate import migration_options
from ossature.db.operations import create_record_table, create_schema
from ossature.db.revision import declared_table
from ossature.records.types import RecordType


def declare(config: Config, schema: str, types: Sequence[RecordType]) -> None:
    """Make the tables of one plugin's records in a database that lacks its schema."""
    by_table = {rt.table: rt for rt in types}
    database = Database(config)
    try:
        with use_context(Context(means="command")), database.owner.begin() as connection:
            context = MigrationContext.configure(connection, opts=migration_options(config, schema, connection))
            operations = Operations(context)
            create_schema(operations, schema)
            for table in sort_tables(by_table):
                create_record_table(operations, declared_table(by_table[table]))
    finally:
        database.dispose()
