"""The indexes of sorted lists hold the choices that they are filtered by."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("DROP INDEX IF EXISTS _kinds.sample_name_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS sample_name_idx ON _kinds.sample USING btree (tenant_id, name_fold, id, state) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS _kinds.sample_pieces_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS sample_pieces_idx ON _kinds.sample USING btree (tenant_id, pieces_sort, id, state) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS _kinds.sample_ratio_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS sample_ratio_idx ON _kinds.sample USING btree (tenant_id, ratio_sort, id, state) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS _kinds.sample_taken_on_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS sample_taken_on_idx ON _kinds.sample USING btree (tenant_id, taken_on_sort, id, state) WHERE (deleted_at IS NULL)"
    )


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS _kinds.sample_taken_on_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS sample_taken_on_idx ON _kinds.sample USING btree (tenant_id, taken_on_sort, id) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS _kinds.sample_ratio_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS sample_ratio_idx ON _kinds.sample USING btree (tenant_id, ratio_sort, id) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS _kinds.sample_pieces_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS sample_pieces_idx ON _kinds.sample USING btree (tenant_id, pieces_sort, id) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS _kinds.sample_name_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS sample_name_idx ON _kinds.sample USING btree (tenant_id, name_fold, id) WHERE (deleted_at IS NULL)"
    )
