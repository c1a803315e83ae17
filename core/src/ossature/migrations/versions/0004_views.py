"""Saved views of lists, and which of them a person begins with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from ossature.db.operations import fk

revision = "0004"
down_revision = "0003"

NOW = sa.text("now()")


def upgrade() -> None:
    op.create_tenant_table(
        "ossature",
        "saved_view",
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("audience", sa.Text, nullable=False, comment="who sees it besides its owner"),
        sa.Column("team_id", sa.Uuid),
        sa.Column("owner_id", sa.Uuid, nullable=False),
        sa.Column("definition", JSONB, nullable=False),
        sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        fk("team_id", "ossature.team", "CASCADE"),
        fk("owner_id", "ossature.actor"),
        sa.CheckConstraint("audience IN ('private', 'team', 'all')", name="audience"),
        sa.CheckConstraint("(audience = 'team') = (team_id IS NOT NULL)", name="team_id"),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 80", name="name"),
        sa.CheckConstraint("jsonb_typeof(definition) = 'object'", name="definition"),
        sa.Index("saved_view_owner_id_idx", "tenant_id", "owner_id"),
        sa.Index("saved_view_team_id_idx", "tenant_id", "team_id"),
    )
    for audience, whose in (("private", "owner_id, "), ("team", "team_id, "), ("all", "")):
        op.execute(
            f"CREATE UNIQUE INDEX saved_view_{audience}_key ON ossature.saved_view "
            f"(tenant_id, record, {whose}ossature.fold(name)) WHERE audience = '{audience}'"
        )
    op.create_tenant_table(
        "ossature",
        "view_default",
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Uuid, comment="none means everybody who has not chosen"),
        sa.Column("view_id", sa.Uuid, comment="none means the list as it is without a view"),
        fk("actor_id", "ossature.actor", "CASCADE"),
        fk("view_id", "ossature.saved_view", "CASCADE"),
        sa.CheckConstraint("actor_id IS NOT NULL OR view_id IS NOT NULL", name="actor_id"),
        sa.Index("view_default_view_id_idx", "tenant_id", "view_id"),
        history=False,
    )
    op.execute(
        "CREATE UNIQUE INDEX view_default_key ON ossature.view_default (tenant_id, record, actor_id) NULLS NOT DISTINCT"
    )


def downgrade() -> None:
    op.execute("DROP TABLE ossature.view_default, ossature.saved_view")
