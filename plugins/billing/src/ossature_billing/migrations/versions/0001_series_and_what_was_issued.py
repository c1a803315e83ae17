"""Series and what was issued."""

import sqlalchemy as sa
from alembic import op

from ossature.api import fk

revision = "0001"
down_revision = None

ACTOR = "nullif(current_setting('ossature.actor', true), '')::uuid"


def upgrade() -> None:
    op.create_record_table(
        "billing",
        "number_series",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("legal_entity_id", sa.Uuid),
        sa.Column("template", sa.Text, server_default=sa.text("'F{year}-{number:05}'"), nullable=False),
        sa.Column("restarts", sa.Text, server_default=sa.text("'yearly'"), nullable=False),
        sa.Column("first", sa.Integer, server_default=sa.text("1"), nullable=False),
        sa.Column("last_number", sa.Text),
        sa.Column("last_issued_on", sa.Date),
        sa.CheckConstraint("first >= 1 AND first <= 999999999", name="first"),
        sa.CheckConstraint("length(last_number) BETWEEN 1 AND 35", name="last_number"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 80", name="name"),
        sa.CheckConstraint("length(template) BETWEEN 1 AND 60", name="template"),
        sa.CheckConstraint("restarts IN ('yearly', 'monthly', 'never')", name="restarts"),
        fk("legal_entity_id", "ossature.legal_entity", "RESTRICT"),
        sa.Index("number_series_legal_entity_id_idx", "tenant_id", "legal_entity_id"),
        sa.Index(
            "number_series_name_idx",
            "tenant_id",
            "name_fold",
            "id",
            "restarts",
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        sa.Index(
            "number_series_name_live_key",
            "tenant_id",
            "name_fold",
            unique=True,
            postgresql_where=sa.text("deleted_at IS NULL AND name IS NOT NULL"),
        ),
        sa.Index(
            "number_series_owner_id_created_at_idx",
            "tenant_id",
            "owner_id",
            "created_at",
            "id",
            "restarts",
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        sa.Index(
            "number_series_owner_id_name_idx",
            "tenant_id",
            "owner_id",
            "name_fold",
            "id",
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        sa.Index(
            "number_series_restarts_idx",
            "tenant_id",
            "restarts",
            "created_at",
            "id",
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        folded={"name": "name"},
        search=["name"],
        untracked=["last_number", "last_issued_on"],
    )
    op.create_tenant_table(
        "billing",
        "issued",
        sa.Column("series_id", sa.Uuid, nullable=False),
        sa.Column("legal_entity_id", sa.Uuid, nullable=False),
        sa.Column("link", sa.Integer, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("issued_on", sa.Date, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("issued_by_id", sa.Uuid, server_default=sa.text(ACTOR)),
        sa.CheckConstraint("link >= 1 AND position >= 1", name="places"),
        sa.CheckConstraint("number ~ '^[A-Za-z0-9+_/-]{1,35}$'", name="number"),
        sa.CheckConstraint("previous ~ '^[0-9a-f]{64}$' AND hash ~ '^[0-9a-f]{64}$'", name="hashes"),
        fk("series_id", "billing.number_series"),
        fk("legal_entity_id", "ossature.legal_entity"),
        fk("issued_by_id", "ossature.actor"),
        sa.Index("issued_issued_by_id_idx", "tenant_id", "issued_by_id"),
        sa.Index("issued_series_id_link_key", "tenant_id", "series_id", "link", unique=True),
        sa.Index("issued_series_id_position_key", "tenant_id", "series_id", "period", "position", unique=True),
        sa.Index("issued_number_key", "tenant_id", "legal_entity_id", "number", unique=True),
        grants="SELECT, INSERT",
        untracked=["document"],
    )


def downgrade() -> None:
    op.execute("DROP TABLE billing.issued")
    op.drop_record_table("billing", "number_series")
