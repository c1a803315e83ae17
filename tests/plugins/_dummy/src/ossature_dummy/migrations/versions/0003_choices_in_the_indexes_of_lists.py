"""The indexes of sorted lists hold the choices that they are filtered by."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("DROP INDEX IF EXISTS _dummy.pebble_name_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS pebble_name_idx ON _dummy.pebble USING btree (tenant_id, name_fold, id, colour) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS _dummy.pebble_weight_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS pebble_weight_idx ON _dummy.pebble USING btree (tenant_id, weight_sort, id, colour) WHERE (deleted_at IS NULL)"
    )


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS _dummy.pebble_weight_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS pebble_weight_idx ON _dummy.pebble USING btree (tenant_id, weight_sort, id) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS _dummy.pebble_name_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS pebble_name_idx ON _dummy.pebble USING btree (tenant_id, name_fold, id) WHERE (deleted_at IS NULL)"
    )
