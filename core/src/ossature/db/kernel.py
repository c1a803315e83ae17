"""The kernel's own tables as the rest of the code names them; made by its migrations, used with SQLAlchemy Core."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from ossature.db.tenancy import ACTOR, TENANT, Base
from ossature.db.types import EncryptedText

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
    sa.Column("erasure_id", sa.Uuid),
    schema="ossature",
)

erasure = sa.Table(
    "erasure",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text),
    sa.Column("record", sa.Text),
    sa.Column("record_id", sa.Uuid),
    sa.Column("before", sa.DateTime(timezone=True)),
    sa.Column("reason", sa.Text),
    sa.Column("at", sa.DateTime(timezone=True)),
    sa.Column("actor_id", sa.Uuid, server_default=sa.text(ACTOR)),
    schema="ossature",
)

undo = sa.Table(
    "undo",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("undone_id", sa.Uuid),
    sa.Column("complete", sa.Boolean),
    schema="ossature",
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("seq", sa.BigInteger, sa.FetchedValue(), primary_key=True, autoincrement=False),
    sa.Column("at", sa.DateTime(timezone=True), sa.FetchedValue(), primary_key=True),
    sa.Column("id", sa.Uuid),
    sa.Column("type", sa.Text),
    sa.Column("version", sa.Integer),
    sa.Column("record", sa.Text),
    sa.Column("record_id", sa.Uuid),
    sa.Column("actor_id", sa.Uuid),
    sa.Column("change_set_id", sa.Uuid),
    sa.Column("data", JSONB),
    schema="ossature",
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("handler", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("event_at", sa.DateTime(timezone=True)),
    sa.Column("record_id", sa.Uuid),
    sa.Column("state", sa.Text),
    sa.Column("attempts", sa.Integer),
    sa.Column("due_at", sa.DateTime(timezone=True)),
    sa.Column("error", sa.Text),
    schema="ossature",
)

receipt = sa.Table(
    "receipt",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("handler", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Uuid, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True)),
    schema="ossature",
)

subscription = sa.Table(
    "subscription",
    metadata,
    sa.Column("event", sa.Text, primary_key=True),
    sa.Column("handler", sa.Text, primary_key=True),
    sa.Column("plugin", sa.Text),
    schema="ossature",
)

job = sa.Table(
    "job",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("version", sa.Integer),
    sa.Column("args", JSONB),
    sa.Column("state", sa.Text),
    sa.Column("priority", sa.Text),
    sa.Column("unique_key", sa.Text),
    sa.Column("attempts", sa.Integer),
    sa.Column("most_attempts", sa.Integer),
    sa.Column("time_limit", sa.Integer),
    sa.Column("as_system", sa.Boolean),
    sa.Column("locale", sa.Text),
    sa.Column("actor_id", sa.Uuid, server_default=sa.text(ACTOR)),
    sa.Column("schedule", sa.Text),
    sa.Column("done", sa.BigInteger),
    sa.Column("total", sa.BigInteger),
    sa.Column("note", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("result", JSONB),
    sa.Column("worker", sa.Text),
    sa.Column("cancel", sa.Boolean),
    sa.Column("created_at", sa.DateTime(timezone=True)),
    sa.Column("due_at", sa.DateTime(timezone=True)),
    sa.Column("pushed_at", sa.DateTime(timezone=True)),
    sa.Column("started_at", sa.DateTime(timezone=True)),
    sa.Column("beat_at", sa.DateTime(timezone=True)),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
    schema="ossature",
)

job_line = sa.Table(
    "job_line",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("job_id", sa.Uuid),
    sa.Column("at", sa.DateTime(timezone=True)),
    sa.Column("level", sa.Text),
    sa.Column("text", sa.Text),
    schema="ossature",
)

schedule = sa.Table(
    "schedule",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("key", sa.Text),
    sa.Column("cron", sa.Text),
    sa.Column("active", sa.Boolean),
    sa.Column("next_at", sa.DateTime(timezone=True)),
    sa.Column("planned_by", sa.Text),
    schema="ossature",
)

occurrence = sa.Table(
    "occurrence",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("schedule", sa.Text, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), primary_key=True),
    sa.Column("job_id", sa.Uuid),
    schema="ossature",
)

mass = sa.Table(
    "mass",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("record", sa.Text),
    sa.Column("act", sa.Text),
    sa.Column("changes", JSONB),
    sa.Column("overwrite", sa.Boolean),
    sa.Column("actor_id", sa.Uuid, server_default=sa.text(ACTOR)),
    sa.Column("created_at", sa.DateTime(timezone=True), sa.FetchedValue()),
    sa.Column("change_set_id", sa.Uuid),
    sa.Column("job_id", sa.Uuid),
    sa.Column("total", sa.Integer),
    sa.Column("done", sa.Integer),
    sa.Column("changed", sa.Integer),
    sa.Column("refused", sa.Integer),
    schema="ossature",
)

mass_row = sa.Table(
    "mass_row",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("mass_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("record_id", sa.Uuid),
    sa.Column("version", sa.Integer),
    sa.Column("outcome", sa.Text),
    sa.Column("code", sa.Text),
    sa.Column("field", sa.Text),
    sa.Column("reason", sa.Text),
    schema="ossature",
)

saved_view = sa.Table(
    "saved_view",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("record", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("audience", sa.Text),
    sa.Column("team_id", sa.Uuid),
    sa.Column("owner_id", sa.Uuid),
    sa.Column("definition", JSONB),
    sa.Column("version", sa.Integer),
    sa.Column("created_at", sa.DateTime(timezone=True)),
    sa.Column("updated_at", sa.DateTime(timezone=True)),
    schema="ossature",
)

kept_answer = sa.Table(
    "kept_answer",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("actor_id", sa.Uuid, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True)),
    sa.Column("asked", sa.LargeBinary),
    sa.Column("status", sa.SmallInteger),
    sa.Column("headers", JSONB),
    sa.Column("body", EncryptedText),
    schema="ossature",
)

note = sa.Table(
    "note",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("record", sa.Text),
    sa.Column("record_id", sa.Uuid),
    sa.Column("text", sa.Text),
    sa.Column("pinned", sa.Boolean),
    sa.Column("author_id", sa.Uuid),
    sa.Column("created_at", sa.DateTime(timezone=True)),
    sa.Column("updated_at", sa.DateTime(timezone=True)),
    sa.Column("deleted_at", sa.DateTime(timezone=True)),
    schema="ossature",
)

external_id = sa.Table(
    "external_id",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("record", sa.Text(collation="C")),
    sa.Column("record_id", sa.Uuid),
    sa.Column("source", sa.Text(collation="C")),
    sa.Column("value", sa.Text(collation="C")),
    sa.Column("fold", sa.Text(collation="C"), sa.FetchedValue()),
    sa.Column("created_at", sa.DateTime(timezone=True), sa.FetchedValue()),
    sa.Column("deleted_at", sa.DateTime(timezone=True)),
    schema="ossature",
)

public_link = sa.Table(
    "public_link",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("digest", sa.LargeBinary),
    sa.Column("record", sa.Text),
    sa.Column("record_id", sa.Uuid),
    sa.Column("purpose", sa.Text),
    sa.Column("locale", sa.Text),
    sa.Column("created_at", sa.DateTime(timezone=True), sa.FetchedValue()),
    sa.Column("created_by_id", sa.Uuid, server_default=sa.text(ACTOR)),
    sa.Column("expires_at", sa.DateTime(timezone=True)),
    sa.Column("revoked_at", sa.DateTime(timezone=True)),
    sa.Column("last_seen_at", sa.DateTime(timezone=True)),
    sa.Column("seen", sa.BigInteger, sa.FetchedValue()),
    schema="ossature",
)

tag = sa.Table(
    "tag",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("fold", sa.Text(collation="C"), sa.FetchedValue()),
    sa.Column("tone", sa.Text),
    sa.Column("listed", sa.Boolean),
    schema="ossature",
)

tagging = sa.Table(
    "tagging",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True),
    sa.Column("record_id", sa.Uuid, primary_key=True),
    sa.Column("record", sa.Text(collation="C"), primary_key=True),
    sa.Column("fold", sa.Text(collation="C"), primary_key=True),
    schema="ossature",
)

view_default = sa.Table(
    "view_default",
    metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("record", sa.Text),
    sa.Column("actor_id", sa.Uuid),
    sa.Column("view_id", sa.Uuid),
    schema="ossature",
)
