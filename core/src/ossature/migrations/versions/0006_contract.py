"""The version of the API's contract that a key is pinned to: keys made before there were several have the first."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("UPDATE ossature.api_key SET api_version = '2026-10-01' WHERE api_version IS NULL")
    op.execute("ALTER TABLE ossature.api_key ALTER COLUMN api_version SET NOT NULL")
    op.execute(
        "ALTER TABLE ossature.api_key ADD CONSTRAINT api_key_api_version_check "
        r"CHECK (api_version ~ '^\d{4}-\d\d-\d\d$')"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE ossature.api_key DROP CONSTRAINT api_key_api_version_check")
    op.execute("ALTER TABLE ossature.api_key ALTER COLUMN api_version DROP NOT NULL")
