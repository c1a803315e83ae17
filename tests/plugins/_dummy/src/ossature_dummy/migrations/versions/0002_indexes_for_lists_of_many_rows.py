"""Indexes for lists of many rows."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX IF NOT EXISTS pebble_colour_idx ON _dummy.pebble USING btree (tenant_id, colour, created_at, id) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS pebble_owner_id_created_at_idx ON _dummy.pebble USING btree (tenant_id, owner_id, created_at, id, colour) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS pebble_owner_id_name_idx ON _dummy.pebble USING btree (tenant_id, owner_id, name_fold, id) WHERE (deleted_at IS NULL)"
    )


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS _dummy.pebble_owner_id_name_idx")
    op.execute("DROP INDEX IF EXISTS _dummy.pebble_owner_id_created_at_idx")
    op.execute("DROP INDEX IF EXISTS _dummy.pebble_colour_idx")
