"""What a job keeps up to date on shelves, which is no change of theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("shelf", sa.Column("score", sa.Integer), schema="_kinds")
    op.set_untracked("_kinds", "shelf", ["score"])


def downgrade() -> None:
    op.set_untracked("_kinds", "shelf", [])
    op.drop_column("shelf", "score", schema="_kinds")
