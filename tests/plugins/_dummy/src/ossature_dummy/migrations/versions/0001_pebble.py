"""Pebbles."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_record_table(
        "_dummy",
        "pebble",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("weight", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("colour", sa.Text, nullable=False, server_default=sa.text("'grey'")),
        sa.Column("found_on", sa.Date),
        sa.Column("story", sa.Text),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 80", name="name"),
        sa.CheckConstraint("weight >= 0", name="weight"),
        sa.CheckConstraint("colour IN ('grey', 'white', 'red')", name="colour"),
        sa.CheckConstraint("length(story) BETWEEN 1 AND 20000", name="story"),
        sa.Index(
            "pebble_name_idx", "tenant_id", "name_fold", "id", postgresql_where=sa.text("deleted_at IS NULL")
        ),
        sa.Index("pebble_weight_idx", "tenant_id", "weight", "id", postgresql_where=sa.text("deleted_at IS NULL")),
        record="_dummy.pebble",
        folded=("name",),
        search=("name",),
    )


def downgrade() -> None:
    op.drop_record_table("_dummy", "pebble")
