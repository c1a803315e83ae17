"""Indexes for lists of many rows."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column(
        "company",
        sa.Column(
            "industry_fold",
            sa.Text(collation="C"),
            sa.Computed("coalesce(ossature.fold(industry), '')", persisted=True),
        ),
        schema="crm",
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS company_industry_idx ON crm.company USING btree (tenant_id, industry_fold, id) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS company_owner_id_created_at_idx ON crm.company USING btree (tenant_id, owner_id, created_at, id, status, size) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS company_owner_id_name_idx ON crm.company USING btree (tenant_id, owner_id, name_fold, id) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS company_size_idx ON crm.company USING btree (tenant_id, size, created_at, id) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS company_status_idx ON crm.company USING btree (tenant_id, status, created_at, id) WHERE (deleted_at IS NULL)"
    )
    op.set_untracked("crm", "company", [])
    op.add_column(
        "contact",
        sa.Column(
            "phone_fold", sa.Text(collation="C"), sa.Computed("coalesce(ossature.fold(phone), '')", persisted=True)
        ),
        schema="crm",
    )
    op.add_column(
        "contact",
        sa.Column(
            "name_shown",
            sa.Text(collation="C"),
            sa.Computed(
                "coalesce(ossature.fold(trim(coalesce(first_name, '') || ' ' || last_name)), '')", persisted=True
            ),
        ),
        schema="crm",
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS contact_name_shown_idx ON crm.contact USING btree (tenant_id, name_shown, id) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS contact_owner_id_created_at_idx ON crm.contact USING btree (tenant_id, owner_id, created_at, id, status, source) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS contact_owner_id_name_idx ON crm.contact USING btree (tenant_id, owner_id, name_fold, id) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS contact_phone_idx ON crm.contact USING btree (tenant_id, phone_fold, id) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS contact_source_idx ON crm.contact USING btree (tenant_id, source, created_at, id) WHERE (deleted_at IS NULL)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS contact_status_idx ON crm.contact USING btree (tenant_id, status, created_at, id) WHERE (deleted_at IS NULL)"
    )
    op.set_untracked("crm", "contact", [])


def downgrade() -> None:
    op.set_untracked("crm", "contact", [])
    op.execute("DROP INDEX IF EXISTS crm.contact_status_idx")
    op.execute("DROP INDEX IF EXISTS crm.contact_source_idx")
    op.execute("DROP INDEX IF EXISTS crm.contact_phone_idx")
    op.execute("DROP INDEX IF EXISTS crm.contact_owner_id_name_idx")
    op.execute("DROP INDEX IF EXISTS crm.contact_owner_id_created_at_idx")
    op.execute("DROP INDEX IF EXISTS crm.contact_name_shown_idx")
    op.drop_column("contact", "name_shown", schema="crm")
    op.drop_column("contact", "phone_fold", schema="crm")
    op.set_untracked("crm", "company", [])
    op.execute("DROP INDEX IF EXISTS crm.company_status_idx")
    op.execute("DROP INDEX IF EXISTS crm.company_size_idx")
    op.execute("DROP INDEX IF EXISTS crm.company_owner_id_name_idx")
    op.execute("DROP INDEX IF EXISTS crm.company_owner_id_created_at_idx")
    op.execute("DROP INDEX IF EXISTS crm.company_industry_idx")
    op.drop_column("company", "industry_fold", schema="crm")
