"""The kernel's own tables as the rest of the code names them; made by migration 0001, read with SQLAlchemy Core."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from ossature.db.tenancy import Base

metadata = Base.metadata

tenant = sa.Table(
    "tenant",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("slug", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("locale", sa.Text),
    sa.Column("time_zone", sa.Text),
    sa.Column("status", sa.Text),
    sa.Column("settings", JSONB),
    sa.Column("created_at", sa.DateTime(timezone=True)),
    schema="ossature",
)

actor = sa.Table(
    "actor",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text),
    sa.Column("label", sa.Text),
    sa.Column("active", sa.Boolean),
    schema="ossature",
)

change_set = sa.Table(
    "change_set",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("actor_id", sa.Uuid),
    sa.Column("means", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("request", sa.Text),
    schema="ossature",
)

change = sa.Table(
    "change",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("change_set_id", sa.Uuid),
    sa.Column("record", sa.Text),
    sa.Column("record_id", sa.Uuid),
    sa.Column("root_id", sa.Uuid),
    sa.Column("what", sa.Text),
    sa.Column("version", sa.Integer),
    sa.Column("payload", JSONB),
    sa.Column("salt", sa.LargeBinary),
    sa.Column("digest", sa.LargeBinary),
    schema="ossature",
)
