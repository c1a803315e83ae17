"""The board of deals: each column by an index, in the order of its cards."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX IF NOT EXISTS deal_stage_id_board_idx ON crm.deal USING btree (tenant_id, stage_id, name_fold, id) WHERE (deleted_at IS NULL)"
    )


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS crm.deal_stage_id_board_idx")
