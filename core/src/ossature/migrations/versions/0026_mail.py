"""Outgoing mail: what is sent to whom, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ossature.db.operations import fk
from ossature.db.tenancy import ACTOR

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.create_tenant_table(
        "ossature",
        "mail",
        sa.Column("recipients", ARRAY(sa.Text), nullable=False),
        sa.Column("sender", sa.Text, nullable=False, comment="the name in front of the address"),
        sa.Column("reply_to", sa.Text),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("text", sa.Text, comment="none once it is forgotten"),
        sa.Column("html", sa.Text),
        sa.Column("files", ARRAY(sa.Uuid), nullable=False, comment="attachments, in order"),
        sa.Column("record", sa.Text, comment="what it is about"),
        sa.Column("record_id", sa.Uuid),
        sa.Column("state", sa.Text, nullable=False, server_default="queued"),
        sa.Column("reason", sa.Text, comment="why it was not sent, or not yet"),
        sa.Column("answers", JSONB, nullable=False, server_default="{}", comment="of the server, by recipient"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("actor_id", sa.Uuid, server_default=sa.text(ACTOR)),
        fk("actor_id", "ossature.actor"),
        sa.CheckConstraint("state IN ('queued', 'sent', 'failed', 'kept')", name="state"),
        sa.CheckConstraint("(state = 'queued') = (ended_at IS NULL)", name="ended_at"),
        sa.CheckConstraint("cardinality(recipients) > 0", name="recipients"),
        sa.CheckConstraint("subject !~ '[\\r\\n]' AND sender !~ '[\\r\\n]'", name="subject"),
        sa.CheckConstraint("(record IS NULL) = (record_id IS NULL)", name="record"),
        sa.Index("mail_state_idx", "tenant_id", "state", "id"),
        sa.Index("mail_record_id_idx", "tenant_id", "record_id", "id"),
        sa.Index("mail_actor_id_idx", "tenant_id", "actor_id"),
        history=False,
    )


def downgrade() -> None:
    op.execute("DROP TABLE ossature.mail")
