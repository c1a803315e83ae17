"""The indexes of sorted lists hold the choices that they are filtered by."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute("DROP INDEX IF EXISTS ossature.legal_entity_name_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS legal_entity_name_idx ON ossature.legal_entity USING btree (tenant_id, name_fold, id, currency, tax_regime) WHERE (deleted_at IS NULL)"
    )


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS ossature.legal_entity_name_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS legal_entity_name_idx ON ossature.legal_entity USING btree (tenant_id, name_fold, id) WHERE (deleted_at IS NULL)"
    )
