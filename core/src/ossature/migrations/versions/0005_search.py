"""Search in tiers, and what people pinned."""

from __future__ import annotations

import re
from importlib import import_module

import sqlalchemy as sa
from alembic import op

from ossature.db.operations import roles
from ossature.db.tenancy import tenant_key as fk

revision = "0005"
down_revision = "0004"

SEARCH = r"""
-- Expressions of plpgsql keep their plans, which functions of SQL do not: they are called a dozen times a search.
CREATE FUNCTION ossature.phrase(value text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN coalesce(
    string_to_array(nullif(btrim(regexp_replace(value, '[^[:alnum:]]+', ' ', 'g')), ''), ' '), '{}');
END $$;

-- These words one after the other, as a query of full text; not `whole`, of the last its beginning. They are letters and
-- digits, with nothing in them to escape.
CREATE FUNCTION ossature.lexemes(words text[], whole boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN '''' || array_to_string(words, ''' <-> ''') || '''' || CASE WHEN whole THEN '' ELSE ':*' END;
END $$;

-- That a row has them; of several, the beginning of the last is looked at in the rows, since the index would gather
-- everything that begins so.
CREATE FUNCTION ossature.saying(words text[], whole boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF whole OR cardinality(words) = 1 THEN
    RETURN format('search_vector @@ %L::tsquery', ossature.lexemes(words, whole));
  END IF;
  RETURN format('(search_vector @@ %L::tsquery AND (search_vector @@ %L::tsquery) IS TRUE)',
                ossature.lexemes(trim_array(words, 1), true), ossature.lexemes(words, false));
END $$;

CREATE FUNCTION ossature.holding(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN '%' || replace(replace(replace(value, '\', '\\'), '%', '\%'), '_', '\_') || '%';
END $$;

-- Plans are made anew with the values in them: a kept plan would not know how common a term is. Without sequential and
-- ordered scans a stop after a few rows cannot tempt the planner away from the indexes of words and letters.
CREATE FUNCTION ossature.search(
  record_key text, terms jsonb, spellings text[], codes text[], cap integer, gone boolean,
  OUT exact uuid[], OUT words uuid[], OUT within uuid[], OUT reach text, OUT query text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_indexscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  tenant uuid := nullif(current_setting('ossature.tenant', true), '')::uuid;
  letters boolean := ossature.trigram_schema() IS NOT NULL;
  target record; term jsonb; start text; part text; pieces text[]; likes text[]; plain boolean; long boolean;
  said text[]; saying text[]; asked text[] := '{}'; any_long boolean; starts text := ''; holds text := ''; source text; most integer := least(cap, 20000); found integer;
  share float8; expected float8; too_many integer := 1; pages_starting integer := 0; pages_holding integer := 0;
  most_rows boolean := false; gone_is text := CASE WHEN gone THEN 'NOT NULL' ELSE 'NULL' END;
BEGIN
  SELECT t.schema_name, t.table_name INTO target FROM ossature.record_type t WHERE t.key = record_key AND t.searchable;
  IF tenant IS NULL OR target IS NULL THEN reach := 'all'; RETURN; END IF;
  any_long := EXISTS (SELECT FROM jsonb_array_elements(terms) t, jsonb_array_elements_text(t -> 'starts') s
                       WHERE length(s) >= 3);
  FOR term IN SELECT * FROM jsonb_array_elements(terms) LOOP
    pieces := '{}'; likes := '{}'; saying := '{}'; plain := true; long := false;
    FOR start IN SELECT * FROM jsonb_array_elements_text(term -> 'starts') LOOP
      said := ossature.phrase(start);
      CONTINUE WHEN cardinality(said) = 0;
      pieces := pieces || ossature.saying(said, false);
      saying := saying || ossature.lexemes(said, false);
      plain := plain AND start ~ '^[[:alnum:]]+$' AND length(start) >= 3;
      long := long OR length(start) >= 3;
    END LOOP;
    FOR start IN SELECT * FROM jsonb_array_elements_text(term -> 'parts') LOOP
      CONTINUE WHEN NOT letters OR length(start) < 3;
      part := format('search_text LIKE %L', ossature.holding(start));
      -- A long pattern reads the lists of all its letters: of an address the middle is enough, the rest is looked at.
      IF length(start) > 12 AND position('@' IN start) > 0 THEN
        part := format('(search_text LIKE %L AND (%s) IS TRUE)',
                       ossature.holding(substr(start, greatest(position('@' IN start) - 5, 1), 9)), part);
      END IF;
      likes := likes || part;
    END LOOP;
    FOR start IN SELECT * FROM jsonb_array_elements_text(term -> 'words') LOOP
      said := ossature.phrase(start);
      IF cardinality(said) > 0 THEN
        pieces := pieces || ossature.saying(said, true);
        saying := saying || ossature.lexemes(said, true);
        plain := false;
      END IF;
    END LOOP;
    IF cardinality(pieces) = 0 THEN reach := 'all'; RETURN; END IF;
    part := format('(%s)', array_to_string(pieces, ' OR '));
    -- Beside a longer term the beginnings of one or two letters are looked at in the rows, not gathered from the index.
    IF any_long AND NOT long THEN part := format('%s IS TRUE', part); END IF;
    starts := starts || ' AND ' || part;
    asked := asked || format('(%s)', array_to_string(saying, ' | '));
    IF cardinality(likes) = 0 OR NOT plain THEN likes := likes || part; END IF;
    holds := holds || ' AND (' || array_to_string(likes, ' OR ') || ')';
  END LOOP;
  IF starts = '' THEN reach := 'all'; RETURN; END IF;
  -- What many rows hold is not gathered to the end: a sample of pages, the same one each time, tells that they are
  -- more than the cap, with six standard deviations to spare.
  SELECT 2000 / c.reltuples INTO share FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = target.schema_name AND c.relname = target.table_name AND c.reltuples > 100000;
  IF share IS NOT NULL THEN
    expected := share * most;
    too_many := ceil(expected + 6 * sqrt(expected) + 5);
    EXECUTE format(
      'SELECT count(DISTINCT page) FILTER (WHERE here AND starts), count(DISTINCT page) FILTER (WHERE here AND holds), '
      'coalesce(avg(here::integer), 0) > 0.2 FROM ('
      'SELECT split_part(ctid::text, '','', 1) AS page, tenant_id = %L AND deleted_at IS %s AS here, '
      'true%s AS starts, true%s AS holds FROM %I.%I TABLESAMPLE SYSTEM (%s) REPEATABLE (7)) sample',
      tenant, gone_is, starts, holds, target.schema_name, target.table_name, 100 * share)
      INTO pages_starting, pages_holding, most_rows;
  END IF;
  -- Of whom most rows are, the index need not be asked: its list of all of them takes longer than what is looked for.
  source := format('WHERE (tenant_id = %L)%s AND deleted_at IS %s',
                   tenant, CASE WHEN most_rows THEN ' IS TRUE' ELSE '' END, gone_is);

  IF letters AND pages_holding < too_many THEN
    EXECUTE format('SELECT array_agg(id) FILTER (WHERE starts), array_agg(id) FILTER (WHERE NOT starts), count(*) FROM ('
                   'SELECT id, true%s AS starts FROM %I.%I %s%s LIMIT %s) hits',
                   starts, target.schema_name, target.table_name, source, holds, most + 1)
      INTO words, within, found;
    IF found <= most THEN reach := 'all'; END IF;
  END IF;
  IF reach IS NULL THEN
    words := NULL; within := NULL; reach := CASE WHEN letters THEN 'words' ELSE 'all' END;
    IF pages_starting < too_many THEN
      EXECUTE format('SELECT array_agg(id), count(*) FROM (SELECT id FROM %I.%I %s%s LIMIT %s) hits',
                     target.schema_name, target.table_name, source, starts, most + 1) INTO words, found;
    END IF;
    IF pages_starting >= too_many OR found > most THEN
      words := NULL; query := array_to_string(asked, ' & ');
    END IF;
  END IF;

  IF cardinality(spellings) > 0 AND cardinality(codes) > 0 THEN
    SELECT string_agg(ossature.saying(ossature.phrase(s), true), ' OR ') INTO part
      FROM unnest(spellings) s WHERE cardinality(ossature.phrase(s)) > 0;
    EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM %I.%I %s AND (%s) AND (%s) LIMIT %s) hits',
                   target.schema_name, target.table_name, source, part,
                   (SELECT string_agg(format('ossature.fold(%I) = ANY (%L)', c, spellings), ' OR ') FROM unnest(codes) c),
                   most)
      INTO exact;
  END IF;
END $$;

-- What is spelled alike, for a text that nothing contains: rows that have, for each word, one with more than half of its letters in
-- threes; of 2,000 of these the nearest.
CREATE FUNCTION ossature.similar(record_key text, terms jsonb, gone boolean, most integer) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
  tenant uuid := nullif(current_setting('ossature.tenant', true), '')::uuid;
  trigrams text := ossature.trigram_schema();
  target record; start text; said text[]; holds text := ''; score text := ''; found uuid[];
BEGIN
  SELECT t.schema_name, t.table_name INTO target FROM ossature.record_type t WHERE t.key = record_key AND t.searchable;
  IF tenant IS NULL OR target IS NULL OR trigrams IS NULL THEN RETURN '{}'; END IF;
  FOR start IN SELECT t -> 'starts' ->> 0 FROM jsonb_array_elements(terms) t LOOP
    IF start ~ '^[[:alpha:]]{4,}$' THEN
      holds := holds || format(' AND %L OPERATOR(%I.<%%) search_text', start, trigrams);
      score := score || format(' + %I.word_similarity(%L, search_text)', trigrams, start);
    ELSE
      said := ossature.phrase(start);
      IF cardinality(said) > 0 THEN holds := holds || ' AND ' || ossature.saying(said, false); END IF;
    END IF;
  END LOOP;
  IF score = '' THEN RETURN '{}'; END IF;
  PERFORM set_config('pg_trgm.word_similarity_threshold', '0.54', true);
  EXECUTE format(
    'SELECT array_agg(id ORDER BY score DESC, id) FROM (SELECT id, 0%s AS score FROM (SELECT id, search_text FROM %I.%I '
    'WHERE tenant_id = %L AND deleted_at IS %s%s LIMIT 2000) near ORDER BY score DESC LIMIT %s) nearest',
    score, target.schema_name, target.table_name, tenant, CASE WHEN gone THEN 'NOT NULL' ELSE 'NULL' END, holds,
    least(most, 1000)) INTO found;
  RETURN coalesce(found, '{}');
END $$;
"""


def upgrade() -> None:
    app, system = roles(op)
    op.execute("DROP FUNCTION ossature.search(text, text, integer)")
    op.execute(SEARCH.replace(":", r"\:"))
    op.execute(
        "REVOKE ALL ON FUNCTION ossature.phrase(text), ossature.lexemes(text[], boolean), ossature.saying(text[], boolean), "
        "ossature.holding(text) FROM PUBLIC"
    )
    for signature in (
        "search(text, jsonb, text[], text[], integer, boolean)",
        "similar(text, jsonb, boolean, integer)",
    ):
        op.execute(f"REVOKE ALL ON FUNCTION ossature.{signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION ossature.{signature} TO {app}, {system}")
    op.create_tenant_table(
        "ossature",
        "pin",
        sa.Column("actor_id", sa.Uuid, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("record_id", sa.Uuid, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        fk("actor_id", "ossature.actor", "CASCADE"),
        sa.UniqueConstraint("tenant_id", "actor_id", "record_id"),
        history=False,
    )


def downgrade() -> None:
    app, system = roles(op)
    op.execute("DROP TABLE ossature.pin")
    op.execute("DROP FUNCTION ossature.search(text, jsonb, text[], text[], integer, boolean)")
    op.execute("DROP FUNCTION ossature.similar(text, jsonb, boolean, integer)")
    op.execute("DROP FUNCTION ossature.saying(text[], boolean), ossature.lexemes(text[], boolean)")
    op.execute("DROP FUNCTION ossature.phrase(text), ossature.holding(text)")
    functions: str = import_module("ossature.migrations.versions.0001_foundation").FUNCTIONS
    former = re.search(r"CREATE FUNCTION ossature\.search\(.*?END \$\$;", functions, re.DOTALL)
    assert former is not None
    op.execute(former[0].replace(":", r"\:"))
    op.execute("REVOKE ALL ON FUNCTION ossature.search(text, text, integer) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION ossature.search(text, text, integer) TO {app}, {system}")
