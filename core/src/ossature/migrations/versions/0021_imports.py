"""Imports: the rows of a file as they wait, what became of each, and mappings that are kept under a name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from ossature.db.operations import fk
from ossature.db.tenancy import ACTOR

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_tenant_table(
        "ossature",
        "import_run",
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False, comment="bytes"),
        sa.Column("key", sa.Text, nullable=False, comment="names the bytes where they are kept, for a day"),
        sa.Column("look", JSONB, nullable=False, comment="notation, headers, sheets and notes"),
        sa.Column("mapping", JSONB, nullable=False),
        sa.Column(
            "state", sa.Text, nullable=False, comment="as it was last asked for or ended; the job tells the rest"
        ),
        sa.Column("actor_id", sa.Uuid, nullable=False, server_default=sa.text(ACTOR)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("change_set_id", sa.Uuid, nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), comment="when it was first asked to write"),
        sa.Column("job_id", sa.Uuid, comment="the last one"),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column(
            "counts", JSONB, nullable=False, server_default="{}", comment="rows by outcome, and how many are written"
        ),
        fk("actor_id", "ossature.actor"),
        sa.CheckConstraint("state IN ('draft', 'checking', 'checked', 'running', 'done', 'refused')", name="state"),
        sa.Index("import_run_actor_id_idx", "tenant_id", "actor_id", "record", "created_at"),
        history=False,
    )
    op.create_tenant_table(
        "ossature",
        "import_row",
        sa.Column("import_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, comment="as a spreadsheet shows it"),
        sa.Column("cells", JSONB, comment="none once it is written: the record has them"),
        sa.Column("flaws", JSONB, comment="what was wrong with its cells as they were read"),
        sa.Column(
            "written", sa.Boolean, nullable=False, server_default=sa.false(), comment="by the import, not only checked"
        ),
        sa.Column("outcome", sa.Text, comment="none while it waits; along: a further row of the record before it"),
        sa.Column("head", sa.Integer, comment="the number of the first row of its record, once it had an outcome"),
        sa.Column("record_id", sa.Uuid),
        sa.Column("key_hash", sa.BigInteger, comment="of what the record is known by"),
        sa.Column("faults", JSONB),
        sa.PrimaryKeyConstraint("tenant_id", "import_id", "number"),
        fk("import_id", "ossature.import_run", "CASCADE"),
        sa.CheckConstraint("outcome IN ('create', 'update', 'unchanged', 'refused', 'along')", name="outcome"),
        sa.CheckConstraint("outcome IS NULL OR (outcome = 'refused') = (faults IS NOT NULL)", name="faults"),
        sa.CheckConstraint("NOT written OR outcome IS NOT NULL", name="written"),
        sa.Index("import_row_key_hash_idx", "tenant_id", "import_id", "key_hash"),
        history=False,
        id=False,
    )
    op.create_tenant_table(
        "ossature",
        "import_preset",
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("headers", JSONB, nullable=False, comment="of the file that it was made for"),
        sa.Column("mapping", JSONB, nullable=False),
        sa.Column("actor_id", sa.Uuid, nullable=False, server_default=sa.text(ACTOR)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        fk("actor_id", "ossature.actor"),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 80", name="name"),
        sa.Index("import_preset_actor_id_idx", "tenant_id", "actor_id"),
        history=False,
    )
    op.execute(
        "CREATE UNIQUE INDEX import_preset_name_key ON ossature.import_preset (tenant_id, record, ossature.fold(name))"
    )


def downgrade() -> None:
    op.execute("DROP TABLE ossature.import_preset, ossature.import_row, ossature.import_run")
