"""Files on records: their rows; the bytes are in a folder or on S3."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ossature.db.operations import fk
from ossature.db.tenancy import ACTOR

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_tenant_table(
        "ossature",
        "file",
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("record_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False, comment="what the bytes are, whatever the name says"),
        sa.Column("size", sa.BigInteger, nullable=False, comment="bytes"),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("chain_id", sa.Uuid, nullable=False, comment="the first version of this file"),
        sa.Column("number", sa.Integer, nullable=False, comment="of the version, from 1"),
        sa.Column("latest", sa.Boolean, nullable=False),
        sa.Column("key", sa.Text, nullable=False, comment="names the bytes where they are kept"),
        sa.Column("width", sa.Integer, comment="pixels, of a picture that browsers show"),
        sa.Column("height", sa.Integer),
        sa.Column("thumbnail", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("created_by_id", sa.Uuid, server_default=sa.text(ACTOR)),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        fk("created_by_id", "ossature.actor"),
        fk("chain_id", "ossature.file", "CASCADE"),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 200", name="name"),
        sa.CheckConstraint("size > 0", name="size"),
        sa.CheckConstraint("number > 0", name="number"),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        sa.CheckConstraint("latest OR deleted_at IS NULL", name="deleted_at"),
        sa.CheckConstraint("(width IS NULL) = (height IS NULL)", name="height"),
        sa.Index("file_record_id_idx", "tenant_id", "record_id", "id"),
        sa.Index("file_key_key", "tenant_id", "key", unique=True),
        sa.Index("file_size_idx", "tenant_id", "size"),
        sa.Index("file_created_by_id_idx", "tenant_id", "created_by_id"),
        sa.UniqueConstraint("tenant_id", "chain_id", "number"),
        root="record_id",
        untracked=("key", "latest", "width", "height", "thumbnail"),
    )
    op.execute(
        "CREATE UNIQUE INDEX file_name_key ON ossature.file (tenant_id, record_id, record, ossature.fold(name)) "
        "WHERE latest AND deleted_at IS NULL"
    )
    op.execute("CREATE UNIQUE INDEX file_latest_key ON ossature.file (tenant_id, chain_id) WHERE latest")


def downgrade() -> None:
    op.execute("DROP TABLE ossature.file")
