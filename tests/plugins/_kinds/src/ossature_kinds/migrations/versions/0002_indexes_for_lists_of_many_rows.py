"""Indexes for lists of many rows."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX IF NOT EXISTS shelf_owner_id_created_at_idx ON _kinds.shelf USING btree (tenant_id, owner_id, created_at, id) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS shelf_owner_id_name_idx ON _kinds.shelf USING btree (tenant_id, owner_id, name_fold, id) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS sample_owner_id_created_at_idx ON _kinds.sample USING btree (tenant_id, owner_id, created_at, id, state) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS sample_owner_id_name_idx ON _kinds.sample USING btree (tenant_id, owner_id, name_fold, id) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS sample_state_idx ON _kinds.sample USING btree (tenant_id, state, created_at, id) WHERE (deleted_at IS NULL)"
    )


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS _kinds.sample_state_idx")
    op.execute("DROP INDEX IF EXISTS _kinds.sample_owner_id_name_idx")
    op.execute("DROP INDEX IF EXISTS _kinds.sample_owner_id_created_at_idx")
    op.execute("DROP INDEX IF EXISTS _kinds.shelf_owner_id_name_idx")
    op.execute("DROP INDEX IF EXISTS _kinds.shelf_owner_id_created_at_idx")
