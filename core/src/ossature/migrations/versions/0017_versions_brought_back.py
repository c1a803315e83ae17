"""Versions of a file may share their bytes: an earlier one that is brought back is a new row."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"

COLUMNS = ["tenant_id", "key"]


def upgrade() -> None:
    op.drop_index("file_key_key", table_name="file", schema="ossature")
    op.create_index("file_key_idx", "file", COLUMNS, schema="ossature")


def downgrade() -> None:
    op.drop_index("file_key_idx", table_name="file", schema="ossature")
    op.create_index("file_key_key", "file", COLUMNS, schema="ossature", unique=True)
