"""Pebbles."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_record_table(
        "_dummy",
        "pebble",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("weight", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("colour", sa.Text, server_default=sa.text("'grey'"), nullable=False),
        sa.Column("found_on", sa.Date),
        sa.Column("story", sa.Text),
        sa.Column("weight_sort", sa.BigInteger, sa.Computed("coalesce(weight, 9223372036854775807)", persisted=True)),
        sa.CheckConstraint("colour IN ('grey', 'white', 'red')", name="colour"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 80", name="name"),
        sa.CheckConstraint("length(story) BETWEEN 1 AND 20000", name="story"),
        sa.CheckConstraint("weight >= 0", name="weight"),
        sa.Index("pebble_name_idx", "tenant_id", "name_fold", "id", postgresql_where=sa.text("deleted_at IS NULL")),
        sa.Index("pebble_weight_idx", "tenant_id", "weight_sort", "id", postgresql_where=sa.text("deleted_at IS NULL")),
        folded={"name": "name"},
        search=["name"],
    )


def downgrade() -> None:
    op.drop_record_table("_dummy", "pebble")
