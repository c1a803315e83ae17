"""Lines of a grid: a number of pieces, a price, and what they come to."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TOTAL = "round(count * each_minor)::bigint"


def upgrade() -> None:
    for column in (
        sa.Column("count", sa.Numeric(18, 3)),
        sa.Column("each_minor", sa.BigInteger),
        sa.Column("each_currency", sa.Text),
    ):
        op.add_column("sample_line", column, schema="_kinds")
    money = "({0}_minor IS NULL) = ({0}_currency IS NULL) AND {0}_currency ~ '^[A-Z]{{3}}$'"
    op.alter_check("_kinds", "sample_line", "each", money.format("each"))
    for name, type_, sql in (
        ("total_minor", sa.BigInteger, TOTAL),
        ("total_currency", sa.Text, f"CASE WHEN ({TOTAL}) IS NOT NULL THEN each_currency END"),
    ):
        column = sa.Column(name, type_, sa.Computed(sql, persisted=True))
        op.add_column("sample_line", column, schema="_kinds")
    op.alter_check("_kinds", "sample_line", "total", money.format("total"))
    op.set_untracked("_kinds", "sample_line", [], root="sample_id")


def downgrade() -> None:
    for name in ("total_currency", "total_minor", "each_currency", "each_minor", "count"):
        op.drop_column("sample_line", name, schema="_kinds")
    op.set_untracked("_kinds", "sample_line", [], root="sample_id")
