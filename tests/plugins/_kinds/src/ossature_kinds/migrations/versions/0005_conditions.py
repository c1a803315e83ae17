"""What conditions are about."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    no = sa.text("false")
    for column in (
        sa.Column("lost", sa.Boolean, server_default=no, nullable=False),
        sa.Column("loss", sa.Text),
        sa.Column("sealed", sa.Boolean, server_default=no, nullable=False),
    ):
        op.add_column("sample", column, schema="_kinds")
    op.create_check_constraint("sample_loss_check", "sample", "length(loss) BETWEEN 1 AND 100", schema="_kinds")
    op.add_column("sample_line", sa.Column("doubt", sa.Text), schema="_kinds")
    op.create_check_constraint(
        "sample_line_doubt_check", "sample_line", "length(doubt) BETWEEN 1 AND 100", schema="_kinds"
    )


def downgrade() -> None:
    op.drop_column("sample_line", "doubt", schema="_kinds")
    for column in ("sealed", "loss", "lost"):
        op.drop_column("sample", column, schema="_kinds")
