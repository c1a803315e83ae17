"""Alembic's entry; connection and options come from `ossature.db.migrate`."""

from alembic import context

context.configure(**context.config.attributes["options"])
with context.begin_transaction():
    context.run_migrations()
