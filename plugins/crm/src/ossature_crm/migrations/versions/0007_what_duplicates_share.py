"""Indexes of what duplicates have in common, asked while somebody types."""

from alembic import op

revision = "0007"
down_revision = "0006"

SHARED = (("company", "siren"), ("company", "vat_number"), ("company", "email"), ("company", "phone"), ("contact", "mobile"))  # fmt: skip


def upgrade() -> None:
    for table, column in SHARED:
        op.execute(
            f"CREATE INDEX {table}_{column}_same_idx ON crm.{table} USING btree (tenant_id, {column}) "
            f"WHERE (deleted_at IS NULL AND {column} IS NOT NULL)"
        )


def downgrade() -> None:
    for table, column in SHARED:
        op.execute(f"DROP INDEX crm.{table}_{column}_same_idx")
