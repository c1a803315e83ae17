"""Answers that are kept for a day, so that a request that is sent again under its key is not done again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from ossature.db.operations import fk

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_tenant_table(
        "ossature",
        "kept_answer",
        sa.Column("actor_id", sa.Uuid, nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("asked", sa.LargeBinary, nullable=False, comment="digest of the route and the body"),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("body", sa.Text, nullable=False, comment="encrypted"),
        fk("actor_id", "ossature.actor", "CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "actor_id", "key"),
        id=False,
        history=False,
    )


def downgrade() -> None:
    op.execute("DROP TABLE ossature.kept_answer")
