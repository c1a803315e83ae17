"""Stones and effects."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_record_table(
        "_torture",
        "stone",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 80", name="name"),
        sa.CheckConstraint("number >= 0", name="number"),
    )
    op.create_tenant_table(
        "_torture",
        "effect",
        sa.Column("place", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("cause", sa.Uuid, nullable=False, comment="the event or job that it is of"),
        sa.Column("record_id", sa.Uuid),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("happened_seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "place"),
        history=False,
        id=False,
    )


def downgrade() -> None:
    op.execute("DROP TABLE _torture.effect")
    op.drop_record_table("_torture", "stone")
