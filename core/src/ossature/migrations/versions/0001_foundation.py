"""The foundation: tenants, actors, plugins, history, search, and the functions that every table's triggers call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ossature.db.operations import roles
from ossature.db.tenancy import ACTOR, TENANT

revision = "0001"
down_revision = None

FUNCTIONS = r"""
CREATE FUNCTION ossature.fold(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT replace(replace(replace(replace(replace(replace(
    lower(regexp_replace(normalize(value, NFKD), '[\u0300-\u036f]', '', 'g')),
    'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss'), 'ø', 'o'), 'ł', 'l'), 'đ', 'd')
$$;

CREATE FUNCTION ossature.words(value text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT to_tsvector('pg_catalog.simple'::regconfig, regexp_replace(ossature.fold(value), '[^[:alnum:]]+', ' ', 'g'))
$$;

CREATE FUNCTION ossature.bump_version() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE skipped text[] := TG_ARGV[0]::text[];
BEGIN
  IF NEW.version <> OLD.version OR (to_jsonb(NEW) - skipped) IS DISTINCT FROM (to_jsonb(OLD) - skipped) THEN
    NEW.version := OLD.version + 1;
    NEW.updated_at := now();
    NEW.updated_by_id := nullif(current_setting('ossature.actor', true), '')::uuid;
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION ossature.record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  record_key text := TG_ARGV[0];
  root_column text := TG_ARGV[1];
  skipped text[] := TG_ARGV[2]::text[];
  full_row jsonb; before jsonb; after jsonb; payload jsonb; what text; salt bytea;
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
          sha256(salt || convert_to(payload::text, 'UTF8')));
  RETURN NULL;
END $$;

CREATE FUNCTION ossature.ensure_partitions(months integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  parent text; month timestamp; begins timestamptz; ends timestamptz; name text; made integer := 0; taken boolean;
BEGIN
  FOREACH parent IN ARRAY ARRAY['change', 'change_set'] LOOP
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

CREATE FUNCTION ossature.trigram_schema() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT n.nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'
$$;

CREATE FUNCTION ossature.index_search(schema_name text, table_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  trigram text := ossature.trigram_schema();
  tenant text := CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'btree_gin') THEN 'tenant_id, ' ELSE '' END;
BEGIN
  IF trigram IS NOT NULL THEN
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I.%I USING gin (%s search_text %I.gin_trgm_ops)',
                   table_name || '_search_text_idx', schema_name, table_name, tenant, trigram);
  END IF;
END $$;

CREATE FUNCTION ossature.search(record_key text, query text, cap integer DEFAULT 3000) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  tenant uuid := nullif(current_setting('ossature.tenant', true), '')::uuid;
  target record; terms text[]; term text; conditions text := ''; lexemes text := ''; substring_search boolean;
BEGIN
  SELECT t.schema_name, t.table_name INTO target FROM ossature.record_type t WHERE t.key = record_key AND t.searchable;
  IF tenant IS NULL OR target IS NULL THEN RETURN; END IF;
  terms := array_remove(regexp_split_to_array(ossature.fold(query), '\s+'), '');
  IF cardinality(terms) = 0 OR cardinality(terms) > 12 THEN RETURN; END IF;
  substring_search := ossature.trigram_schema() IS NOT NULL;
  FOREACH term IN ARRAY terms LOOP
    IF substring_search AND length(term) >= 3 THEN
      conditions := conditions || format(' AND search_text LIKE %L',
        '%' || replace(replace(replace(term, '\', '\\'), '%', '\%'), '_', '\_') || '%');
    ELSE
      SELECT string_agg(quote_literal(w) || ':*', ' & ') INTO lexemes
        FROM regexp_split_to_table(regexp_replace(term, '[^[:alnum:]]+', ' ', 'g'), '\s+') w WHERE w <> '';
      IF lexemes IS NULL THEN RETURN; END IF;
      conditions := conditions || format(' AND search_vector @@ to_tsquery(''pg_catalog.simple'', %L)', lexemes);
    END IF;
  END LOOP;
  RETURN QUERY EXECUTE format('SELECT id FROM %I.%I WHERE tenant_id = %L AND deleted_at IS NULL%s LIMIT %s',
                              target.schema_name, target.table_name, tenant, conditions, least(cap, 10000));
END $$;

CREATE FUNCTION ossature.find_tenant(wanted text)
RETURNS TABLE (id uuid, slug text, name text, locale text, time_zone text, status text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.id, t.slug, t.name, t.locale, t.time_zone, t.status FROM ossature.tenant t WHERE t.slug = wanted
$$;
"""


def upgrade() -> None:
    app, system = roles(op)
    op.execute(FUNCTIONS.partition("CREATE FUNCTION ossature.bump_version")[0].replace(":", r"\:"))
    op.create_table(
        "tenant",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("slug", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False, server_default="fr"),
        sa.Column("time_zone", sa.Text, nullable=False, server_default="Europe/Paris"),
        sa.Column("status", sa.Text, nullable=False, server_default="active"),
        sa.Column("settings", sa.dialects.postgresql.JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.CheckConstraint("slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'", name="slug"),
        sa.CheckConstraint("status IN ('active', 'suspended')", name="status"),
        sa.CheckConstraint("name <> ''", name="name"),
        schema="ossature",
    )
    op.execute("ALTER TABLE ossature.tenant ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON ossature.tenant TO {app} USING (id = {TENANT}) WITH CHECK (id = {TENANT})")
    op.execute(f"CREATE POLICY every ON ossature.tenant TO {system} USING (true)")
    op.execute(f"GRANT SELECT, UPDATE (name, locale, time_zone, settings) ON ossature.tenant TO {app}")
    op.execute(f"GRANT SELECT ON ossature.tenant TO {system}")

    op.create_table(
        "record_type",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("schema_name", sa.Text, nullable=False),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("searchable", sa.Boolean, nullable=False),
        schema="ossature",
    )
    op.create_table(
        "plugin",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.CheckConstraint("state IN ('active', 'inactive')", name="state"),
        schema="ossature",
    )
    op.execute(f"GRANT SELECT ON ossature.record_type, ossature.plugin TO {app}, {system}")

    key = ("tenant_id", "at")
    op.execute("CREATE SEQUENCE ossature.change_seq")
    op.create_table(
        "change_set",
        sa.Column("tenant_id", sa.Uuid, sa.ForeignKey("ossature.tenant.id"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("means", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("request", sa.Text),
        sa.PrimaryKeyConstraint(*key, "id"),
        schema="ossature",
        postgresql_partition_by="RANGE (at)",
    )
    op.create_table(
        "change",
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False, server_default=sa.text("nextval('ossature.change_seq')")),
        sa.Column("change_set_id", sa.Uuid, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("record_id", sa.Uuid, nullable=False),
        sa.Column("root_id", sa.Uuid, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("payload", sa.dialects.postgresql.JSONB, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint(*key, "seq"),
        sa.CheckConstraint("what IN ('create', 'update', 'delete', 'restore', 'purge')", name="what"),
        schema="ossature",
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index("change_root_id_idx", "change", ["tenant_id", "root_id", "seq"], schema="ossature")
    op.create_index("change_change_set_id_idx", "change", ["tenant_id", "change_set_id"], schema="ossature")
    for name in ("change", "change_set"):
        op.execute(f"CREATE TABLE ossature.{name}_rest PARTITION OF ossature.{name} DEFAULT")
        op.execute(f"ALTER TABLE ossature.{name}_rest ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE ossature.{name} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON ossature.{name} TO {app}, {system} "
            f"USING (tenant_id = {TENANT}) WITH CHECK (tenant_id = {TENANT})"
        )
        op.execute(f"GRANT SELECT ON ossature.{name} TO {app}, {system}")

    rest = "CREATE FUNCTION ossature.bump_version" + FUNCTIONS.partition("CREATE FUNCTION ossature.bump_version")[2]
    op.execute(rest.replace(":", r"\:"))
    op.execute("SELECT ossature.ensure_partitions()")

    op.create_tenant_table(
        "ossature",
        "actor",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False, server_default=sa.text("true")),
        sa.CheckConstraint(
            "kind IN ('member', 'api_key', 'job', 'rule', 'ai', 'link', 'portal', 'platform')", name="kind"
        ),
    )
    op.create_tenant_table(
        "ossature",
        "tenant_plugin",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("enabled_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("enabled_by_id", sa.Uuid, server_default=sa.text(ACTOR)),
        sa.UniqueConstraint("tenant_id", "key"),
    )
    for function in (
        "fold(text)",
        "words(text)",
        "trigram_schema()",
        "search(text, text, integer)",
        "find_tenant(text)",
    ):
        op.execute(f"REVOKE ALL ON FUNCTION ossature.{function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION ossature.{function} TO {app}, {system}")
    for function in ("bump_version()", "record_change()", "index_search(text, text)", "ensure_partitions(integer)"):
        op.execute(f"REVOKE ALL ON FUNCTION ossature.{function} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION ossature.ensure_partitions(integer) TO {system}")


def downgrade() -> None:
    op.execute("DROP TABLE ossature.tenant_plugin, ossature.actor, ossature.change, ossature.change_set")
    op.execute("DROP TABLE ossature.plugin, ossature.record_type, ossature.tenant")
    op.execute("DROP SEQUENCE ossature.change_seq")
    for function in (
        "search(text, text, integer)", "index_search(text, text)", "ensure_partitions(integer)", "record_change()",
        "bump_version()", "trigram_schema()", "find_tenant(text)", "words(text)", "fold(text)",
    ):  # fmt: skip
        op.execute(f"DROP FUNCTION ossature.{function}")
