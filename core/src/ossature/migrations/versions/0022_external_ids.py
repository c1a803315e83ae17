"""What records are called elsewhere, one row a source and value, in their timeline by the trigger of the history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

LIVE = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    op.create_tenant_table(
        "ossature",
        "external_id",
        sa.Column("record", sa.Text(collation="C"), nullable=False),
        sa.Column("record_id", sa.Uuid, nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False, comment="the system that calls the record so"),
        sa.Column("value", sa.Text(collation="C"), nullable=False),
        sa.Column("fold", sa.Text(collation="C"), sa.Computed("ossature.fold(value)", persisted=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("char_length(source) BETWEEN 1 AND 60", name="source"),
        sa.CheckConstraint("char_length(value) BETWEEN 1 AND 200", name="value"),
        sa.Index("external_id_value_key", "tenant_id", "record", "source", "value", unique=True, postgresql_where=LIVE),
        sa.Index("external_id_record_id_idx", "tenant_id", "record_id"),
        sa.Index("external_id_fold_idx", "tenant_id", "fold", postgresql_where=LIVE),
        root="record_id",
    )


def downgrade() -> None:
    op.execute("DROP TABLE ossature.external_id")
