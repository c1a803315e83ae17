"""Indexes for lists of many rows."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_index("invitation_user_id_idx", "invitation", ["user_id"], schema="ossature")
    op.create_index("view_default_actor_id_idx", "view_default", ["tenant_id", "actor_id"], schema="ossature")
    op.execute(
        "CREATE INDEX IF NOT EXISTS legal_entity_currency_idx ON ossature.legal_entity USING btree (tenant_id, currency, created_at, id) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS legal_entity_owner_id_created_at_idx ON ossature.legal_entity USING btree (tenant_id, owner_id, created_at, id, currency, tax_regime) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS legal_entity_owner_id_name_idx ON ossature.legal_entity USING btree (tenant_id, owner_id, name_fold, id) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS legal_entity_tax_regime_idx ON ossature.legal_entity USING btree (tenant_id, tax_regime, created_at, id) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS team_owner_id_created_at_idx ON ossature.team USING btree (tenant_id, owner_id, created_at, id) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS team_owner_id_name_idx ON ossature.team USING btree (tenant_id, owner_id, name_fold, id) WHERE (deleted_at IS NULL)"
    )


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS ossature.team_owner_id_name_idx")
    op.execute("DROP INDEX IF EXISTS ossature.team_owner_id_created_at_idx")
    op.execute("DROP INDEX IF EXISTS ossature.legal_entity_tax_regime_idx")
    op.execute("DROP INDEX IF EXISTS ossature.legal_entity_owner_id_name_idx")
    op.execute("DROP INDEX IF EXISTS ossature.legal_entity_owner_id_created_at_idx")
    op.execute("DROP INDEX IF EXISTS ossature.legal_entity_currency_idx")
    op.drop_index("view_default_actor_id_idx", "view_default", schema="ossature")
    op.drop_index("invitation_user_id_idx", "invitation", schema="ossature")
