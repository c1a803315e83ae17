"""Pairs of records that look like one, and what was merged into what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ossature.db.operations import fk
from ossature.db.tenancy import ACTOR

revision = "0023"
down_revision = "0022"

NOW = sa.text("now()")


def upgrade() -> None:
    op.create_tenant_table(
        "ossature",
        "duplicate",
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("a_id", sa.Uuid, nullable=False),
        sa.Column("b_id", sa.Uuid, nullable=False),
        sa.Column("score", sa.SmallInteger, nullable=False),
        sa.Column("reasons", JSONB, nullable=False, comment="which rules, of which fields"),
        sa.Column("state", sa.Text, nullable=False, server_default="open"),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Column("scan", sa.Uuid, comment="the one that found it last"),
        sa.Column("dismissed_at", sa.DateTime(timezone=True)),
        sa.Column("dismissed_by_id", sa.Uuid),
        fk("dismissed_by_id", "ossature.actor"),
        sa.CheckConstraint("a_id < b_id", name="order"),
        sa.CheckConstraint("score BETWEEN 0 AND 100", name="score"),
        sa.CheckConstraint("state IN ('open', 'dismissed')", name="state"),
        sa.UniqueConstraint("tenant_id", "record", "a_id", "b_id"),
        sa.Index("duplicate_state_idx", "tenant_id", "record", "state", sa.text("score DESC"), "id"),
        sa.Index("duplicate_b_id_idx", "tenant_id", "record", "b_id"),
        sa.Index("duplicate_dismissed_by_id_idx", "tenant_id", "dismissed_by_id"),
        history=False,
    )
    op.create_tenant_table(
        "ossature",
        "merged",
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("from_id", sa.Uuid, nullable=False),
        sa.Column("to_id", sa.Uuid, nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), nullable=False, server_default=NOW, comment="deleted_at of from_id"
        ),
        sa.Column("change_set_id", sa.Uuid, nullable=False),
        sa.Column("by_id", sa.Uuid, server_default=sa.text(ACTOR)),
        sa.Column("pins", ARRAY(sa.Uuid), nullable=False, server_default=sa.text("'{}'::uuid[]")),
        sa.Column("secrets", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'::text[]")),
        fk("by_id", "ossature.actor"),
        sa.CheckConstraint("from_id <> to_id", name="to_id"),
        sa.Index("merged_from_id_idx", "tenant_id", "record", "from_id"),
        sa.Index("merged_to_id_idx", "tenant_id", "record", "to_id"),
        sa.Index("merged_change_set_id_idx", "tenant_id", "change_set_id"),
        sa.Index("merged_by_id_idx", "tenant_id", "by_id"),
        history=False,
    )


def downgrade() -> None:
    op.execute("DROP TABLE ossature.merged")
    op.execute("DROP TABLE ossature.duplicate")
