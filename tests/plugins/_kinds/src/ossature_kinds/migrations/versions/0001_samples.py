"""Samples."""

import sqlalchemy as sa
from alembic import op

from ossature.api import fk

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_record_table(
        "_kinds",
        "shelf",
        sa.Column("name", sa.Text, nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 80", name="name"),
        sa.Index("shelf_name_idx", "tenant_id", "name_fold", "id", postgresql_where=sa.text("deleted_at IS NULL")),
        folded={"name": "name"},
        search=["name"],
    )
    op.create_record_table(
        "_kinds",
        "sample",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("code", sa.Text),
        sa.Column("notes", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("website", sa.Text),
        sa.Column("token", sa.Text),
        sa.Column("pieces", sa.Integer),
        sa.Column("ratio", sa.Numeric(18, 3)),
        sa.Column("price_minor", sa.BigInteger),
        sa.Column("price_currency", sa.Text),
        sa.Column("fragile", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("taken_on", sa.Date),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        sa.Column("state", sa.Text, server_default=sa.text("'raw'"), nullable=False),
        sa.Column("remark", sa.Text),
        sa.Column("shelf_id", sa.Uuid),
        sa.Column("basis_id", sa.Uuid),
        sa.Column("twin_id", sa.Uuid),
        sa.Column("pieces_sort", sa.BigInteger, sa.Computed("coalesce(pieces, 9223372036854775807)", persisted=True)),
        sa.Column("ratio_sort", sa.Numeric, sa.Computed("coalesce(ratio, 'Infinity'::numeric)", persisted=True)),
        sa.Column("taken_on_sort", sa.Date, sa.Computed("coalesce(taken_on, '9999-12-31'::date)", persisted=True)),
        sa.CheckConstraint("length(code) BETWEEN 1 AND 20", name="code"),
        sa.CheckConstraint("length(email) BETWEEN 1 AND 254", name="email"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 80", name="name"),
        sa.CheckConstraint("length(notes) BETWEEN 1 AND 20000", name="notes"),
        sa.CheckConstraint("length(phone) BETWEEN 1 AND 32", name="phone"),
        sa.CheckConstraint("pieces >= 0 AND pieces <= 1000000", name="pieces"),
        sa.CheckConstraint(
            "(price_minor IS NULL) = (price_currency IS NULL) AND price_currency ~ '^[A-Z]{3}$' AND price_minor >= 0",
            name="price",
        ),
        sa.CheckConstraint("ratio >= -1000 AND ratio <= 1000", name="ratio"),
        sa.CheckConstraint("length(remark) BETWEEN 1 AND 200", name="remark"),
        sa.CheckConstraint("state IN ('raw', 'cut', 'gone')", name="state"),
        fk("basis_id", "_kinds.sample", "RESTRICT"),
        fk("shelf_id", "_kinds.shelf", "CASCADE"),
        fk("twin_id", "_kinds.sample", "SET NULL"),
        sa.CheckConstraint("length(website) BETWEEN 1 AND 500", name="website"),
        sa.Index("sample_basis_id_idx", "tenant_id", "basis_id"),
        sa.Index(
            "sample_code_live_key",
            "tenant_id",
            "code_fold",
            unique=True,
            postgresql_where=sa.text("deleted_at IS NULL AND code IS NOT NULL"),
        ),
        sa.Index("sample_name_idx", "tenant_id", "name_fold", "id", postgresql_where=sa.text("deleted_at IS NULL")),
        sa.Index("sample_pieces_idx", "tenant_id", "pieces_sort", "id", postgresql_where=sa.text("deleted_at IS NULL")),
        sa.Index("sample_ratio_idx", "tenant_id", "ratio_sort", "id", postgresql_where=sa.text("deleted_at IS NULL")),
        sa.Index("sample_shelf_id_idx", "tenant_id", "shelf_id"),
        sa.Index(
            "sample_taken_on_idx", "tenant_id", "taken_on_sort", "id", postgresql_where=sa.text("deleted_at IS NULL")
        ),
        sa.Index("sample_twin_id_idx", "tenant_id", "twin_id"),
        folded={"name": "name", "code": "code"},
        search=["name", "notes"],
        untracked=["token"],
    )
    op.create_record_table(
        "_kinds",
        "sample_line",
        sa.Column("sample_id", sa.Uuid, nullable=False),
        sa.Column("finding", sa.Text, nullable=False),
        sa.Column("share", sa.Integer),
        sa.CheckConstraint("length(finding) BETWEEN 1 AND 100", name="finding"),
        sa.CheckConstraint("share >= 0 AND share <= 100", name="share"),
        fk("sample_id", "_kinds.sample", "CASCADE"),
        sa.Index("sample_line_sample_id_idx", "tenant_id", "sample_id"),
        part=True,
        root="sample_id",
    )


def downgrade() -> None:
    op.drop_record_table("_kinds", "sample_line")
    op.drop_record_table("_kinds", "sample")
    op.drop_record_table("_kinds", "shelf")
