"""Deals, their lines and contacts, and the pipelines that they go through."""

import sqlalchemy as sa
from alembic import op

from ossature.api import fk

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_record_table(
        "crm",
        "pipeline",
        sa.Column("name", sa.Text, nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 80", name="name"),
        sa.Index("pipeline_name_idx", "tenant_id", "name_fold", "id", postgresql_where=sa.text("deleted_at IS NULL")),
        sa.Index(
            "pipeline_owner_id_created_at_idx",
            "tenant_id",
            "owner_id",
            "created_at",
            "id",
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        sa.Index(
            "pipeline_owner_id_name_idx",
            "tenant_id",
            "owner_id",
            "name_fold",
            "id",
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        folded={"name": "name"},
        search=["name"],
    )
    op.create_record_table(
        "crm",
        "stage",
        sa.Column("pipeline_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, server_default=sa.text("'open'"), nullable=False),
        sa.Column("probability", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("rotting_days", sa.Integer),
        sa.Column("requires_company", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("requires_contact", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("requires_value", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("requires_close", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("kind IN ('open', 'won', 'lost')", name="kind"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 60", name="name"),
        sa.CheckConstraint("probability >= 0 AND probability <= 100", name="probability"),
        sa.CheckConstraint("rotting_days >= 1 AND rotting_days <= 3650", name="rotting_days"),
        fk("pipeline_id", "crm.pipeline", "CASCADE"),
        sa.Index("stage_pipeline_id_idx", "tenant_id", "pipeline_id", "position"),
        part=True,
        root="pipeline_id",
    )
    op.create_record_table(
        "crm",
        "deal",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value_minor", sa.BigInteger),
        sa.Column("value_currency", sa.Text),
        sa.Column("pipeline_id", sa.Uuid),
        sa.Column("stage_id", sa.Uuid),
        sa.Column("status", sa.Text, server_default=sa.text("'open'"), nullable=False),
        sa.Column("probability", sa.Integer),
        sa.Column(
            "weighted_value_minor",
            sa.BigInteger,
            sa.Computed("round(value_minor * probability::numeric / 100)::bigint", persisted=True),
        ),
        sa.Column(
            "weighted_value_currency",
            sa.Text,
            sa.Computed(
                "CASE WHEN (round(value_minor * probability::numeric / 100)::bigint) IS NOT NULL THEN value_currency END",
                persisted=True,
            ),
        ),
        sa.Column("expected_close", sa.Date),
        sa.Column("closed_on", sa.Date),
        sa.Column("company_id", sa.Uuid),
        sa.Column("contact_id", sa.Uuid),
        sa.Column("source", sa.Text),
        sa.Column("won_reason", sa.Text),
        sa.Column("lost_reason", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("stage_changed_at", sa.DateTime(timezone=True)),
        sa.Column("stale_from", sa.Date),
        sa.Column(
            "expected_close_sort", sa.Date, sa.Computed("coalesce(expected_close, '9999-12-31'::date)", persisted=True)
        ),
        sa.Column("closed_on_sort", sa.Date, sa.Computed("coalesce(closed_on, '9999-12-31'::date)", persisted=True)),
        sa.Column("stale_from_sort", sa.Date, sa.Computed("coalesce(stale_from, '9999-12-31'::date)", persisted=True)),
        sa.CheckConstraint("length(description) BETWEEN 1 AND 20000", name="description"),
        sa.CheckConstraint("length(lost_reason) BETWEEN 1 AND 200", name="lost_reason"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name="name"),
        sa.CheckConstraint("probability >= 0 AND probability <= 100", name="probability"),
        sa.CheckConstraint(
            "source IN ('website', 'referral', 'cold_call', 'event', 'partner', 'advertisement', 'other')",
            name="source",
        ),
        sa.CheckConstraint("status IN ('open', 'won', 'lost')", name="status"),
        fk("company_id", "crm.company", "SET NULL"),
        fk("contact_id", "crm.contact", "SET NULL"),
        fk("pipeline_id", "crm.pipeline", "RESTRICT"),
        fk("stage_id", "crm.stage", "RESTRICT"),
        sa.CheckConstraint(
            "(value_minor IS NULL) = (value_currency IS NULL) AND value_currency ~ '^[A-Z]{3}$' AND value_minor >= 0",
            name="value",
        ),
        sa.CheckConstraint(
            "(weighted_value_minor IS NULL) = (weighted_value_currency IS NULL) AND weighted_value_currency ~ '^[A-Z]{3}$'",
            name="weighted_value",
        ),
        sa.CheckConstraint("length(won_reason) BETWEEN 1 AND 200", name="won_reason"),
        sa.Index(
            "deal_closed_on_idx", "tenant_id", "closed_on_sort", "id", postgresql_where=sa.text("deleted_at IS NULL")
        ),
        sa.Index("deal_company_id_idx", "tenant_id", "company_id"),
        sa.Index("deal_contact_id_idx", "tenant_id", "contact_id"),
        sa.Index(
            "deal_expected_close_idx",
            "tenant_id",
            "expected_close_sort",
            "id",
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        sa.Index("deal_name_idx", "tenant_id", "name_fold", "id", postgresql_where=sa.text("deleted_at IS NULL")),
        sa.Index(
            "deal_owner_id_created_at_idx",
            "tenant_id",
            "owner_id",
            "created_at",
            "id",
            "status",
            "source",
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        sa.Index(
            "deal_owner_id_name_idx",
            "tenant_id",
            "owner_id",
            "name_fold",
            "id",
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        sa.Index("deal_pipeline_id_idx", "tenant_id", "pipeline_id"),
        sa.Index(
            "deal_source_idx", "tenant_id", "source", "created_at", "id", postgresql_where=sa.text("deleted_at IS NULL")
        ),
        sa.Index("deal_stage_id_idx", "tenant_id", "stage_id"),
        sa.Index(
            "deal_stale_from_idx", "tenant_id", "stale_from_sort", "id", postgresql_where=sa.text("deleted_at IS NULL")
        ),
        sa.Index(
            "deal_status_idx", "tenant_id", "status", "created_at", "id", postgresql_where=sa.text("deleted_at IS NULL")
        ),
        folded={"name": "name"},
        search=["name", "description"],
        untracked=["stale_from"],
    )
    op.create_record_table(
        "crm",
        "deal_line",
        sa.Column("deal_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("quantity", sa.Numeric(12, 3), server_default=sa.text("1"), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger, nullable=False),
        sa.Column("unit_price_currency", sa.Text, nullable=False),
        sa.Column("discount", sa.Numeric(5, 2), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "total_minor",
            sa.BigInteger,
            sa.Computed("round(quantity * unit_price_minor * (100 - discount) / 100)::bigint", persisted=True),
        ),
        sa.Column(
            "total_currency",
            sa.Text,
            sa.Computed(
                "CASE WHEN (round(quantity * unit_price_minor * (100 - discount) / 100)::bigint) IS NOT NULL THEN unit_price_currency END",
                persisted=True,
            ),
        ),
        sa.CheckConstraint("length(description) BETWEEN 1 AND 500", name="description"),
        sa.CheckConstraint("discount >= 0 AND discount <= 100", name="discount"),
        sa.CheckConstraint("quantity >= 0 AND quantity <= 1000000", name="quantity"),
        fk("deal_id", "crm.deal", "CASCADE"),
        sa.CheckConstraint(
            "(total_minor IS NULL) = (total_currency IS NULL) AND total_currency ~ '^[A-Z]{3}$'", name="total"
        ),
        sa.CheckConstraint(
            "(unit_price_minor IS NULL) = (unit_price_currency IS NULL) AND unit_price_currency ~ '^[A-Z]{3}$' AND unit_price_minor >= 0",
            name="unit_price",
        ),
        sa.Index("deal_line_deal_id_idx", "tenant_id", "deal_id", "position"),
        part=True,
        root="deal_id",
    )
    op.create_record_table(
        "crm",
        "deal_contact",
        sa.Column("deal_id", sa.Uuid, nullable=False),
        sa.Column("contact_id", sa.Uuid, nullable=False),
        sa.Column("role", sa.Text),
        sa.CheckConstraint("length(role) BETWEEN 1 AND 80", name="role"),
        fk("contact_id", "crm.contact", "CASCADE"),
        fk("deal_id", "crm.deal", "CASCADE"),
        sa.Index("deal_contact_contact_id_idx", "tenant_id", "contact_id"),
        sa.Index("deal_contact_deal_id_idx", "tenant_id", "deal_id"),
        part=True,
        root="deal_id",
    )


def downgrade() -> None:
    op.drop_record_table("crm", "deal_contact")
    op.drop_record_table("crm", "deal_line")
    op.drop_record_table("crm", "deal")
    op.drop_record_table("crm", "stage")
    op.drop_record_table("crm", "pipeline")
