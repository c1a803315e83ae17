"""When a deal was opened, and how many days it took to close."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("deal", sa.Column("opened_on", sa.Date), schema="crm")
    # What a deal was entered with is no change of anybody's: neither its history nor its version tells of it.
    op.execute("ALTER TABLE crm.deal DISABLE TRIGGER USER")
    op.execute("UPDATE crm.deal SET opened_on = least((created_at AT TIME ZONE 'UTC')::date, closed_on)")
    op.execute("ALTER TABLE crm.deal ENABLE TRIGGER USER")
    op.add_column(
        "deal",
        sa.Column("days_to_close", sa.Integer, sa.Computed("closed_on - opened_on", persisted=True)),
        schema="crm",
    )
    op.add_column(
        "deal",
        sa.Column("opened_on_sort", sa.Date, sa.Computed("coalesce(opened_on, '9999-12-31'::date)", persisted=True)),
        schema="crm",
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS deal_opened_on_idx ON crm.deal USING btree (tenant_id, opened_on_sort, id, status, source) WHERE (deleted_at IS NULL)"
    )
    op.set_untracked("crm", "deal", ["stale_from"])


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS crm.deal_opened_on_idx")
    op.drop_column("deal", "opened_on_sort", schema="crm")
    op.drop_column("deal", "days_to_close", schema="crm")
    op.drop_column("deal", "opened_on", schema="crm")
    op.set_untracked("crm", "deal", ["stale_from"])
