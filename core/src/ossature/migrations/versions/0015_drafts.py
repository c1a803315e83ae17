"""Drafts: what somebody was writing, for them alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from ossature.db.operations import fk, roles
from ossature.db.tenancy import ACTOR

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    app, _system = roles(op)
    op.create_tenant_table(
        "ossature",
        "draft",
        sa.Column("actor_id", sa.Uuid, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("record_id", sa.Uuid, comment="none means a record that is not made yet"),
        sa.Column("version", sa.Integer, comment="the one that was being changed"),
        sa.Column("typed", JSONB, nullable=False, comment="what the form would send"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        fk("actor_id", "ossature.actor", "CASCADE"),
        sa.CheckConstraint("jsonb_typeof(typed) = 'object'", name="typed"),
        history=False,
    )
    op.execute(
        "CREATE UNIQUE INDEX draft_key ON ossature.draft (tenant_id, actor_id, record, record_id) NULLS NOT DISTINCT"
    )
    op.execute("CREATE INDEX draft_at_idx ON ossature.draft (tenant_id, at)")
    op.execute(
        f"CREATE POLICY own ON ossature.draft AS RESTRICTIVE TO {app} USING (actor_id = {ACTOR}) WITH CHECK (actor_id = {ACTOR})"
    )


def downgrade() -> None:
    op.execute("DROP TABLE ossature.draft")
