"""The tables of imports: one row an import, one for each row of its file, and mappings that are kept under a name."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from ossature.db.tenancy import ACTOR, TENANT, Base

import_run = sa.Table(
    "import_run",
    Base.metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("record", sa.Text),
    sa.Column("filename", sa.Text),
    sa.Column("size", sa.BigInteger),
    sa.Column("key", sa.Text),
    sa.Column("look", JSONB),
    sa.Column("mapping", JSONB),
    sa.Column("state", sa.Text),
    sa.Column("actor_id", sa.Uuid, server_default=sa.text(ACTOR)),
    sa.Column("created_at", sa.DateTime(timezone=True), sa.FetchedValue()),
    sa.Column("change_set_id", sa.Uuid),
    sa.Column("begun_at", sa.DateTime(timezone=True)),
    sa.Column("job_id", sa.Uuid),
    sa.Column("total", sa.Integer),
    sa.Column("counts", JSONB),
    schema="ossature",
)

import_row = sa.Table(
    "import_row",
    Base.metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("import_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("cells", JSONB),
    sa.Column("flaws", JSONB),
    sa.Column("written", sa.Boolean),
    sa.Column("outcome", sa.Text),
    sa.Column("head", sa.Integer),
    sa.Column("record_id", sa.Uuid),
    sa.Column("key_hash", sa.BigInteger),
    sa.Column("faults", JSONB),
    schema="ossature",
)

import_preset = sa.Table(
    "import_preset",
    Base.metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("record", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("headers", JSONB),
    sa.Column("mapping", JSONB),
    sa.Column("actor_id", sa.Uuid, server_default=sa.text(ACTOR)),
    sa.Column("created_at", sa.DateTime(timezone=True), sa.FetchedValue()),
    schema="ossature",
)
