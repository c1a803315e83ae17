"""Numbers and amounts that the database works out; lines in an order of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

CURRENCY = "CASE WHEN (round(cost_minor * 0.85)::bigint) IS NOT NULL THEN cost_currency END"


def upgrade() -> None:
    for column in (
        sa.Column("width", sa.Integer),
        sa.Column("depth", sa.Integer),
        sa.Column("cost_minor", sa.BigInteger),
        sa.Column("cost_currency", sa.Text),
    ):
        op.add_column("shelf", column, schema="_kinds")
    for name in ("width", "depth"):
        op.alter_check("_kinds", "shelf", name, f"{name} >= 0 AND {name} <= 1000")
    money = "({0}_minor IS NULL) = ({0}_currency IS NULL) AND {0}_currency ~ '^[A-Z]{{3}}$'"
    op.alter_check("_kinds", "shelf", "cost", money.format("cost") + " AND cost_minor >= 0")
    for name, type_, sql in (
        ("area", sa.Integer, "width * depth"),
        ("area_sort", sa.BigInteger, "coalesce(width * depth, 9223372036854775807)"),
        ("share", sa.Numeric(18, 2), "100.0 * depth / nullif(width, 0)"),
        ("reduced_minor", sa.BigInteger, "round(cost_minor * 0.85)::bigint"),
        ("reduced_currency", sa.Text, CURRENCY),
    ):
        op.add_column("shelf", sa.Column(name, type_, sa.Computed(sql, persisted=True)), schema="_kinds")
    op.alter_check("_kinds", "shelf", "reduced", money.format("reduced"))
    op.create_index(
        "shelf_area_idx", "shelf", ["tenant_id", "area_sort", "id"], schema="_kinds",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )  # fmt: skip
    op.set_untracked("_kinds", "shelf", [])
    op.add_column(
        "sample_line", sa.Column("position", sa.Integer, server_default=sa.text("0"), nullable=False), schema="_kinds"
    )
    op.drop_index("sample_line_sample_id_idx", "sample_line", schema="_kinds")
    op.create_index("sample_line_sample_id_idx", "sample_line", ["tenant_id", "sample_id", "position"], schema="_kinds")


def downgrade() -> None:
    op.drop_column("sample_line", "position", schema="_kinds")
    op.create_index("sample_line_sample_id_idx", "sample_line", ["tenant_id", "sample_id"], schema="_kinds")
    for name in ("reduced_currency", "reduced_minor", "share", "area_sort", "area"):
        op.drop_column("shelf", name, schema="_kinds")
    for name in ("cost_currency", "cost_minor", "depth", "width"):
        op.drop_column("shelf", name, schema="_kinds")
    op.set_untracked("_kinds", "shelf", [])
