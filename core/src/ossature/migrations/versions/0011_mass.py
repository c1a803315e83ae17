"""Acts on many records at once: what was asked for, and what became of each row; one change set for each act."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from ossature.db.operations import fk
from ossature.db.tenancy import ACTOR

revision = "0011"
down_revision = "0010"

NOW = "now()"
BEGUN = "coalesce(nullif(current_setting('ossature.change_set_at', true), '')::timestamptz, now())"


def upgrade() -> None:
    op.create_tenant_table(
        "ossature",
        "mass",
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("changes", JSONB, nullable=False, comment="values by field, as the API writes them"),
        sa.Column("overwrite", sa.Boolean, nullable=False, comment="also what others changed meanwhile"),
        sa.Column("actor_id", sa.Uuid, nullable=False, server_default=sa.text(ACTOR)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text(NOW)),
        sa.Column("change_set_id", sa.Uuid, nullable=False),
        sa.Column("job_id", sa.Uuid, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column(
            "done", sa.Integer, nullable=False, server_default="0", comment="rows up to this number have an outcome"
        ),
        sa.Column("changed", sa.Integer, nullable=False, server_default="0"),
        sa.Column("refused", sa.Integer, nullable=False, server_default="0"),
        fk("actor_id", "ossature.actor"),
        sa.CheckConstraint("act IN ('edit', 'delete')", name="act"),
        sa.CheckConstraint("jsonb_typeof(changes) = 'object'", name="changes"),
        sa.CheckConstraint("changed + refused <= done AND done <= total", name="done"),
        sa.Index("mass_actor_id_idx", "tenant_id", "actor_id", "record", "created_at"),
        history=False,
    )
    op.create_tenant_table(
        "ossature",
        "mass_row",
        sa.Column("mass_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("record_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, comment="the one that was seen; none writes over whatever came since"),
        sa.Column("outcome", sa.Text, comment="none while it waits"),
        sa.Column("code", sa.Text),
        sa.Column("field", sa.Text),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("tenant_id", "mass_id", "number"),
        sa.UniqueConstraint("tenant_id", "mass_id", "record_id"),
        fk("mass_id", "ossature.mass", "CASCADE"),
        sa.CheckConstraint("outcome IN ('changed', 'unchanged', 'refused')", name="outcome"),
        sa.CheckConstraint("(outcome = 'refused') = (code IS NOT NULL) OR outcome IS NULL", name="code"),
        history=False,
        id=False,
    )
    _time_of_changes(NOW, BEGUN)


def downgrade() -> None:
    _time_of_changes(BEGUN, NOW)
    op.execute("DROP TABLE ossature.mass_row, ossature.mass")


def _time_of_changes(was: str, becomes: str) -> None:
    """An act that is written in several transactions stands in the history at the time it began."""
    connection = op.get_bind()
    function = connection.exec_driver_sql(
        "SELECT pg_get_functiondef('ossature.record_change()'::regprocedure)"
    ).scalar_one()
    connection.exec_driver_sql(function.replace(was, becomes))
