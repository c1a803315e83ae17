"""Events and jobs: the outbox and who is still owed what of it, named jobs, schedules and their occurrences.

Fan-out is the database's: a row of `event` becomes one `delivery` for each subscribed handler in the transaction that
wrote it, whoever wrote it. Changes of records are events of themselves; their content is the row of `change` with the
same `seq`, so that nothing personal is kept twice.
"""

from __future__ import annotations

import re
from importlib import import_module

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from ossature.db.operations import fk, roles
from ossature.db.tenancy import ACTOR, TENANT

revision = "0003"
down_revision = "0002"

NOW = sa.text("now()")

FUNCTIONS = r"""
CREATE OR REPLACE FUNCTION ossature.record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  record_key text := TG_ARGV[0];
  root_column text := TG_ARGV[1];
  skipped text[] := TG_ARGV[2]::text[];
  full_row jsonb; before jsonb; after jsonb; payload jsonb; what text; salt bytea; number bigint; happened text;
  change_set uuid := nullif(current_setting('ossature.change_set', true), '')::uuid;
BEGIN
  IF TG_OP = 'INSERT' THEN
    full_row := to_jsonb(NEW);
    what := 'create';
    payload := jsonb_strip_nulls(full_row - skipped);
  ELSIF TG_OP = 'DELETE' THEN
    full_row := to_jsonb(OLD);
    what := 'purge';
    payload := jsonb_strip_nulls(full_row - skipped);
  ELSE
    full_row := to_jsonb(NEW);
    before := to_jsonb(OLD) - skipped;
    after := full_row - skipped;
    what := 'update';
    IF before = after THEN
      IF full_row -> 'version' IS NOT DISTINCT FROM to_jsonb(OLD) -> 'version' THEN RETURN NULL; END IF;
      payload := '{}';
    ELSE
      SELECT jsonb_object_agg(a.key, jsonb_build_array(before -> a.key, a.value)) INTO payload
        FROM jsonb_each(after) a WHERE a.value IS DISTINCT FROM before -> a.key;
      IF payload ? 'deleted_at' THEN
        what := CASE WHEN after -> 'deleted_at' = 'null'::jsonb THEN 'restore' ELSE 'delete' END;
      END IF;
    END IF;
  END IF;
  IF change_set IS NULL THEN
    change_set := gen_random_uuid();
    PERFORM set_config('ossature.change_set', change_set::text, true);
  END IF;
  IF current_setting('ossature.change_set_written', true) IS DISTINCT FROM change_set::text THEN
    INSERT INTO ossature.change_set (tenant_id, at, id, actor_id, means, reason, request)
    VALUES ((full_row ->> 'tenant_id')::uuid, now(), change_set,
            nullif(current_setting('ossature.actor', true), '')::uuid,
            coalesce(nullif(current_setting('ossature.means', true), ''), 'sql'),
            nullif(current_setting('ossature.reason', true), ''), nullif(current_setting('ossature.request', true), ''))
    ON CONFLICT DO NOTHING;
    PERFORM set_config('ossature.change_set_written', change_set::text, true);
  END IF;
  salt := uuid_send(gen_random_uuid());
  INSERT INTO ossature.change
    (tenant_id, at, change_set_id, record, record_id, root_id, what, version, payload, salt, digest)
  VALUES ((full_row ->> 'tenant_id')::uuid, now(), change_set, record_key, (full_row ->> 'id')::uuid,
          (full_row ->> root_column)::uuid, what, (full_row ->> 'version')::integer, payload, salt,
          sha256(salt || convert_to(payload::text, 'UTF8')))
  RETURNING seq INTO number;
  happened := record_key || CASE what WHEN 'create' THEN '.created' WHEN 'update' THEN '.updated'
                            WHEN 'delete' THEN '.deleted' WHEN 'restore' THEN '.restored' ELSE '.purged' END;
  IF EXISTS (SELECT FROM ossature.subscription s WHERE s.event = happened) THEN
    INSERT INTO ossature.event (tenant_id, at, seq, id, type, version, record, record_id, actor_id, change_set_id)
    VALUES ((full_row ->> 'tenant_id')::uuid, now(), number, gen_random_uuid(), happened, 1, record_key,
            (full_row ->> 'id')::uuid, nullif(current_setting('ossature.actor', true), '')::uuid, change_set);
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION ossature.fan_out() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO ossature.delivery (tenant_id, handler, seq, event_at, record_id)
  SELECT NEW.tenant_id, s.handler, NEW.seq, NEW.at, NEW.record_id FROM ossature.subscription s
    WHERE s.event = NEW.type AND (s.plugin = 'ossature' OR EXISTS (
      SELECT FROM ossature.tenant_plugin p WHERE p.tenant_id = NEW.tenant_id AND p.key = s.plugin));
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION ossature.ensure_partitions(months integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  parent text; month timestamp; begins timestamptz; ends timestamptz; name text; made integer := 0; taken boolean;
BEGIN
  FOREACH parent IN ARRAY ARRAY['change', 'change_set', 'event'] LOOP
    FOR i IN 0..least(months, 24) LOOP
      month := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i);
      begins := month AT TIME ZONE 'UTC';  -- of every session alike, or two months would overlap
      ends := (month + interval '1 month') AT TIME ZONE 'UTC';
      name := parent || '_' || to_char(month, 'YYYY_MM');
      EXECUTE format('SELECT EXISTS (SELECT FROM ossature.%I WHERE at >= %L AND at < %L)',
                     parent || '_rest', begins, ends) INTO taken;
      IF to_regclass(format('ossature.%I', name)) IS NULL AND NOT taken THEN
        EXECUTE format('CREATE TABLE ossature.%I PARTITION OF ossature.%I FOR VALUES FROM (%L) TO (%L)',
                       name, parent, begins, ends);
        EXECUTE format('ALTER TABLE ossature.%I ENABLE ROW LEVEL SECURITY', name);
        made := made + 1;
      END IF;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;

CREATE FUNCTION ossature.forget_events(days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  month text; ends timestamptz; dropped integer := 0; owed boolean;
BEGIN
  FOR month IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'ossature.event'::regclass AND c.relname ~ '^event_\d{4}_\d\d$' ORDER BY 1
  LOOP
    ends := (make_timestamp(left(right(month, 7), 4)::integer, right(month, 2)::integer, 1, 0, 0, 0)
             + interval '1 month') AT TIME ZONE 'UTC';
    IF ends < now() - make_interval(days => greatest(days, 1)) THEN
      SELECT EXISTS (SELECT FROM ossature.delivery d
        WHERE d.event_at >= ends - interval '32 days' AND d.event_at < ends) INTO owed;
      IF NOT owed THEN
        EXECUTE format('DROP TABLE ossature.%I', month);
        dropped := dropped + 1;
      END IF;
    END IF;
  END LOOP;
  RETURN dropped;
END $$;
"""


def _moment(name: str, **options: object) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)  # type: ignore[arg-type]


def upgrade() -> None:
    app, system = roles(op)
    _changes_in_order()
    _event_tables(app, system)
    op.execute(FUNCTIONS.replace(":", r"\:"))
    op.execute("CREATE TRIGGER fan_out AFTER INSERT ON ossature.event FOR EACH ROW EXECUTE FUNCTION ossature.fan_out()")
    for function in ("fan_out()", "forget_events(integer)"):
        op.execute(f"REVOKE ALL ON FUNCTION ossature.{function} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION ossature.forget_events(integer) TO {system}")
    op.execute("SELECT ossature.ensure_partitions()")
    _job_tables()
    for table in ("event", "delivery", "job", "job_line", "schedule", "occurrence"):
        op.execute(f"CREATE POLICY every ON ossature.{table} TO {system} USING (true) WITH CHECK (true)")
    op.execute(f"CREATE POLICY every ON ossature.tenant_plugin FOR SELECT TO {system} USING (true)")


def _changes_in_order() -> None:
    """What the change feed reads by: who wrote a row, and rows in the order of their numbers."""
    op.execute(
        "ALTER TABLE ossature.change ADD COLUMN xid bigint NOT NULL DEFAULT (pg_current_xact_id()\\:\\:text\\:\\:bigint)"
    )
    op.execute(
        "ALTER TABLE ossature.change DROP CONSTRAINT change_pkey, "
        "ADD CONSTRAINT change_pkey PRIMARY KEY (tenant_id, seq, at)"
    )
    op.create_index("change_xid_idx", "change", ["tenant_id", "xid"], schema="ossature")


def _event_tables(app: str, system: str) -> None:
    op.create_platform_table(
        "ossature",
        "subscription",
        sa.Column("event", sa.Text, primary_key=True),
        sa.Column("handler", sa.Text, primary_key=True),
        sa.Column("plugin", sa.Text, nullable=False),
    )
    op.execute(f"GRANT SELECT, INSERT, DELETE ON ossature.subscription TO {system}")
    op.create_table(
        "event",
        sa.Column("tenant_id", sa.Uuid, nullable=False, server_default=sa.text(TENANT)),
        _moment("at", nullable=False, server_default=NOW),
        sa.Column("seq", sa.BigInteger, nullable=False, server_default=sa.text("nextval('ossature.change_seq')")),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("record", sa.Text),
        sa.Column("record_id", sa.Uuid, comment="events of one record are handed over in order"),
        sa.Column("actor_id", sa.Uuid, server_default=sa.text(ACTOR)),
        sa.Column(
            "change_set_id",
            sa.Uuid,
            server_default=sa.text("nullif(current_setting('ossature.change_set', true), '')::uuid"),
        ),
        sa.Column("data", JSONB, comment="of a record's own event: none, it is in change"),
        sa.PrimaryKeyConstraint("tenant_id", "seq", "at"),
        sa.ForeignKeyConstraint(["tenant_id"], ["ossature.tenant.id"], name="event_tenant_id_fkey"),
        schema="ossature",
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index("event_type_idx", "event", ["tenant_id", "type", "seq"], schema="ossature")
    op.execute("CREATE TABLE ossature.event_rest PARTITION OF ossature.event DEFAULT")
    op.execute("ALTER TABLE ossature.event_rest ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE ossature.event ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON ossature.event TO {app}, {system} "
        f"USING (tenant_id = {TENANT}) WITH CHECK (tenant_id = {TENANT})"
    )
    op.execute(f"GRANT SELECT, INSERT ON ossature.event TO {app}")
    op.execute(f"GRANT SELECT ON ossature.event TO {system}")
    op.execute(f"GRANT USAGE ON SEQUENCE ossature.change_seq TO {app}, {system}")

    op.create_tenant_table(
        "ossature",
        "delivery",
        sa.Column("handler", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        _moment("event_at", nullable=False),
        sa.Column("record_id", sa.Uuid),
        sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        _moment("due_at"),
        sa.Column("error", sa.Text),
        sa.CheckConstraint("state IN ('waiting', 'retry', 'dead')", name="state"),
        sa.CheckConstraint("(state = 'retry') = (due_at IS NOT NULL)", name="due_at"),
        sa.PrimaryKeyConstraint("tenant_id", "handler", "seq"),
        sa.Index("delivery_waiting_idx", "tenant_id", "handler", "seq", postgresql_where=sa.text("state = 'waiting'")),
        sa.Index(
            "delivery_retry_idx",
            "tenant_id",
            "handler",
            "record_id",
            "due_at",
            postgresql_where=sa.text("state = 'retry'"),
        ),
        sa.Index("delivery_dead_idx", "tenant_id", "handler", "seq", postgresql_where=sa.text("state = 'dead'")),
        history=False,
        id=False,
    )
    op.create_tenant_table(
        "ossature",
        "receipt",
        sa.Column("handler", sa.Text, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        _moment("at", nullable=False, server_default=NOW),
        sa.PrimaryKeyConstraint("tenant_id", "handler", "event_id"),
        sa.Index("receipt_at_idx", "tenant_id", "at"),
        history=False,
        id=False,
        grants="SELECT, INSERT, DELETE",
    )


def _job_tables() -> None:
    op.create_tenant_table(
        "ossature",
        "job",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False, comment="of the arguments"),
        sa.Column("args", JSONB, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="queued"),
        sa.Column("priority", sa.Text, nullable=False, server_default="normal"),
        sa.Column("unique_key", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("most_attempts", sa.Integer, nullable=False),
        sa.Column("time_limit", sa.Integer, nullable=False, comment="seconds"),
        sa.Column("as_system", sa.Boolean, nullable=False),
        sa.Column("locale", sa.Text, comment="of who asked"),
        sa.Column("actor_id", sa.Uuid, server_default=sa.text(ACTOR), comment="who asked for it"),
        sa.Column("schedule", sa.Text),
        sa.Column("done", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("total", sa.BigInteger),
        sa.Column("note", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("result", JSONB),
        sa.Column("worker", sa.Text),
        sa.Column("cancel", sa.Boolean, nullable=False, server_default=sa.text("false")),
        _moment("created_at", nullable=False, server_default=NOW),
        _moment("due_at", nullable=False, server_default=NOW),
        _moment("pushed_at", comment="when it was handed to Redis; none means it is to be handed over"),
        _moment("started_at"),
        _moment("beat_at"),
        _moment("finished_at"),
        fk("actor_id", "ossature.actor"),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'failed', 'dead', 'succeeded', 'cancelled', 'parked')", name="state"
        ),
        sa.CheckConstraint("priority IN ('high', 'normal', 'low')", name="priority"),
        sa.CheckConstraint("jsonb_typeof(args) = 'object'", name="args"),
        sa.CheckConstraint("time_limit > 0 AND most_attempts > 0", name="limits"),
        sa.Index(
            "job_unique_key",
            "tenant_id",
            "name",
            "unique_key",
            unique=True,
            postgresql_where=sa.text("state IN ('queued', 'running', 'failed', 'parked')"),
        ),
        sa.Index(
            "job_due_at_idx",
            "due_at",
            postgresql_where=sa.text("state IN ('queued', 'failed') AND pushed_at IS NULL"),
        ),
        sa.Index(
            "job_pushed_at_idx",
            "pushed_at",
            postgresql_where=sa.text("state IN ('queued', 'failed') AND pushed_at IS NOT NULL"),
        ),
        sa.Index("job_parked_idx", "tenant_id", "name", postgresql_where=sa.text("state = 'parked'")),
        sa.Index("job_beat_at_idx", "beat_at", postgresql_where=sa.text("state = 'running'")),
        sa.Index("job_state_idx", "tenant_id", "state", "created_at", "id"),
        sa.Index("job_created_at_idx", "tenant_id", "created_at", "id"),
        history=False,
    )
    op.create_tenant_table(
        "ossature",
        "job_line",
        sa.Column("job_id", sa.Uuid, nullable=False),
        _moment("at", nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("level", sa.Text, nullable=False, server_default="info"),
        sa.Column("text", sa.Text, nullable=False),
        fk("job_id", "ossature.job", "CASCADE"),
        sa.CheckConstraint("level IN ('info', 'warning', 'error')", name="level"),
        sa.Index("job_line_job_id_idx", "tenant_id", "job_id", "id"),
        history=False,
    )
    op.create_tenant_table(
        "ossature",
        "schedule",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("cron", sa.Text, comment="the organisation's own; none means as declared"),
        sa.Column("active", sa.Boolean, nullable=False, server_default=sa.text("true")),
        _moment("next_at", comment="none means that it is to be worked out"),
        sa.Column("planned_by", sa.Text, comment="cron and time zone that next_at was worked out from"),
        sa.UniqueConstraint("tenant_id", "key"),
        sa.Index("schedule_next_at_idx", "next_at", postgresql_where=sa.text("active")),
        untracked=("next_at", "planned_by"),
    )
    op.create_tenant_table(
        "ossature",
        "occurrence",
        sa.Column("schedule", sa.Text, nullable=False),
        _moment("at", nullable=False),
        sa.Column("job_id", sa.Uuid, comment="none when it was missed and left out"),
        fk("job_id", "ossature.job", "SET NULL"),
        sa.PrimaryKeyConstraint("tenant_id", "schedule", "at"),
        sa.Index("occurrence_job_id_idx", "tenant_id", "job_id"),
        history=False,
        id=False,
    )


def downgrade() -> None:
    app, system = roles(op)
    op.execute(
        "DROP TABLE ossature.occurrence, ossature.schedule, ossature.job_line, ossature.job, ossature.receipt, "
        "ossature.delivery, ossature.event, ossature.subscription"
    )
    op.execute("DROP FUNCTION ossature.fan_out(), ossature.forget_events(integer)")
    for name in ("record_change", "ensure_partitions"):
        former = re.search(rf"CREATE FUNCTION ossature\.{name}\(.*?AS \$\$.*?\$\$;", _foundation(), re.DOTALL)
        assert former is not None
        op.execute(former[0].replace("CREATE", "CREATE OR REPLACE", 1).replace(":", r"\:"))
    op.execute(
        "ALTER TABLE ossature.change DROP CONSTRAINT change_pkey, "
        "ADD CONSTRAINT change_pkey PRIMARY KEY (tenant_id, at, seq), DROP COLUMN xid"
    )
    op.execute(f"REVOKE USAGE ON SEQUENCE ossature.change_seq FROM {app}, {system}")
    op.execute("DROP POLICY every ON ossature.tenant_plugin")


def _foundation() -> str:
    functions: str = import_module("ossature.migrations.versions.0001_foundation").FUNCTIONS
    return functions
