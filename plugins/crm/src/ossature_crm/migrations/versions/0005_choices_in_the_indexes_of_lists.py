"""The indexes of sorted lists hold the choices that they are filtered by."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("DROP INDEX IF EXISTS crm.company_industry_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS company_industry_idx ON crm.company USING btree (tenant_id, industry_fold, id, status, size) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS crm.company_name_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS company_name_idx ON crm.company USING btree (tenant_id, name_fold, id, status, size) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS crm.contact_email_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS contact_email_idx ON crm.contact USING btree (tenant_id, email_fold, id, status, source) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS crm.contact_name_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS contact_name_idx ON crm.contact USING btree (tenant_id, name_fold, id, status, source) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS crm.contact_phone_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS contact_phone_idx ON crm.contact USING btree (tenant_id, phone_fold, id, status, source) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS crm.deal_closed_on_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS deal_closed_on_idx ON crm.deal USING btree (tenant_id, closed_on_sort, id, status, source) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS crm.deal_expected_close_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS deal_expected_close_idx ON crm.deal USING btree (tenant_id, expected_close_sort, id, status, source) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS crm.deal_name_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS deal_name_idx ON crm.deal USING btree (tenant_id, name_fold, id, status, source) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS crm.deal_stale_from_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS deal_stale_from_idx ON crm.deal USING btree (tenant_id, stale_from_sort, id, status, source) WHERE (deleted_at IS NULL)"
    )


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS crm.deal_stale_from_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS deal_stale_from_idx ON crm.deal USING btree (tenant_id, stale_from_sort, id) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS crm.deal_name_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS deal_name_idx ON crm.deal USING btree (tenant_id, name_fold, id) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS crm.deal_expected_close_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS deal_expected_close_idx ON crm.deal USING btree (tenant_id, expected_close_sort, id) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS crm.deal_closed_on_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS deal_closed_on_idx ON crm.deal USING btree (tenant_id, closed_on_sort, id) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS crm.contact_phone_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS contact_phone_idx ON crm.contact USING btree (tenant_id, phone_fold, id) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS crm.contact_name_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS contact_name_idx ON crm.contact USING btree (tenant_id, name_fold, id) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS crm.contact_email_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS contact_email_idx ON crm.contact USING btree (tenant_id, email_fold, id) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS crm.company_name_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS company_name_idx ON crm.company USING btree (tenant_id, name_fold, id) WHERE (deleted_at IS NULL)"
    )
    op.execute("DROP INDEX IF EXISTS crm.company_industry_idx")
    op.execute(
        "CREATE INDEX IF NOT EXISTS company_industry_idx ON crm.company USING btree (tenant_id, industry_fold, id) WHERE (deleted_at IS NULL)"
    )
