"""What undid what, and the ways in which the history is read: by actor, by means, by record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

INDEXES = (
    ("change_set_actor_id_idx", "change_set", ["tenant_id", "actor_id", "at", "id"]),
    ("change_set_means_idx", "change_set", ["tenant_id", "means", "at", "id"]),
    ("change_record_idx", "change", ["tenant_id", "record", "at", "change_set_id"]),
)


def upgrade() -> None:
    op.create_tenant_table(
        "ossature",
        "undo",
        sa.Column("undone_id", sa.Uuid, nullable=False, comment="a change set; `id` is the one that undid it"),
        sa.Column("complete", sa.Boolean, nullable=False, comment="not when something could not be put back"),
        sa.Index("undo_undone_id_idx", "tenant_id", "undone_id"),
        history=False,
        grants="SELECT, INSERT",
    )
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns, schema="ossature")
    _in_order_of_writing(True)


def downgrade() -> None:
    for name, _table, _columns in INDEXES:
        op.drop_index(name, schema="ossature")
    _in_order_of_writing(False)
    op.drop_table("undo", schema="ossature")


def _in_order_of_writing(yes: bool) -> None:
    """The changes of a change set are read page after page."""
    op.drop_index("change_change_set_id_idx", schema="ossature")
    columns = ["tenant_id", "change_set_id", *(["seq"] if yes else [])]
    op.create_index("change_change_set_id_idx", "change", columns, schema="ossature")
