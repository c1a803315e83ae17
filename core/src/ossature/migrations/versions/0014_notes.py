"""Notes on any record, in its timeline by the trigger of the history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ossature.db.operations import fk

revision = "0014"
down_revision = "0013"

NOW = sa.text("now()")


def upgrade() -> None:
    op.create_tenant_table(
        "ossature",
        "note",
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("record_id", sa.Uuid, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("author_id", sa.Uuid),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        fk("author_id", "ossature.actor"),
        sa.CheckConstraint("char_length(text) BETWEEN 1 AND 10000", name="text"),
        sa.Index(
            "note_record_id_idx",
            "tenant_id",
            "record_id",
            "pinned",
            "id",
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        sa.Index("note_author_id_idx", "tenant_id", "author_id"),
        root="record_id",
    )


def downgrade() -> None:
    op.execute("DROP TABLE ossature.note")
