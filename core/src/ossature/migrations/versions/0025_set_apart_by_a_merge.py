"""Pairs that were set apart stay so when one of the two is merged: which merge carried that over, to take it back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column(
        "duplicate",
        sa.Column("merged_id", sa.Uuid, comment="the merge by which it was set apart"),
        schema="ossature",
    )
    op.create_index(
        "duplicate_merged_id_idx", "duplicate", ["tenant_id", "merged_id"], schema="ossature",
        postgresql_where=sa.text("merged_id IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_column("duplicate", "merged_id", schema="ossature")
