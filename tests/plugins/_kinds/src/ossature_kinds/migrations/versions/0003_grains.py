"""A whole number of more than 32 bits."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("sample", sa.Column("grains", sa.BigInteger), schema="_kinds")
    op.create_check_constraint("sample_grains_check", "sample", "grains >= 0", schema="_kinds")


def downgrade() -> None:
    op.drop_column("sample", "grains", schema="_kinds")
