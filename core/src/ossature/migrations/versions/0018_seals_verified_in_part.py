"""Seals are made and verified by one reading of what they cover, and verified in part: since when, or in turns."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from alembic import op

from ossature.db.operations import roles

revision = "0018"
down_revision = "0017"

CONTENT = "sealed_content(uuid, bigint[], timestamptz, timestamptz)"
FAULTS = "seal_faults(timestamptz, integer, integer)"
FUNCTIONS = r"""
CREATE FUNCTION ossature.sealed_content(tenant uuid, seqs bigint[], first_at timestamptz, last_at timestamptz,
  OUT changes integer, OUT altered bigint[], OUT content bytea)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT count(*)::integer, array_agg(q.seq ORDER BY q.place) FILTER (WHERE NOT ossature.change_is_whole(c)),
         sha256(string_agg(ossature.change_leaf(c, s), ''::bytea ORDER BY q.place))
  FROM unnest(seqs) WITH ORDINALITY q(seq, place)
  JOIN ossature.change c ON c.tenant_id = tenant AND c.seq = q.seq AND c.at BETWEEN first_at AND last_at
  LEFT JOIN ossature.change_set s ON s.tenant_id = tenant AND s.at = c.at AND s.id = c.change_set_id
$$;

CREATE OR REPLACE FUNCTION ossature.seal_changes(most integer DEFAULT 20000) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  tenant uuid := nullif(current_setting('ossature.tenant', true), '')::uuid;
  here bigint := (SELECT system_identifier FROM pg_control_system());
  ended bigint := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
  last ossature.seal; fresh record; hashed bytea; after_xid bigint := -1; after_seq bigint := 0; elsewhere text := '';
BEGIN
  IF tenant IS NULL THEN RAISE EXCEPTION 'no tenant is bound'; END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('ossature.seal ' || tenant, 0));
  SELECT * INTO last FROM ossature.seal z WHERE z.tenant_id = tenant ORDER BY z.number DESC LIMIT 1;
  IF last.cluster = here THEN
    after_xid := last.through_xid;
    after_seq := last.through_seq;
  END IF;
  -- A history that came from another cluster has no transactions here: what of it was sealed only the seals can say.
  IF EXISTS (SELECT FROM ossature.change c WHERE c.tenant_id = tenant AND c.xid = 0) THEN
    elsewhere := 'AND NOT EXISTS (SELECT FROM ossature.seal z, unnest(z.seqs) q WHERE z.tenant_id = $1 AND q = c.seq)';
  END IF;
  EXECUTE format($query$
    SELECT count(*)::integer AS changes, array_agg(n.seq ORDER BY n.xid, n.seq) AS seqs, min(n.at) AS first_at,
           max(n.at) AS last_at, max(n.xid) AS xid
    FROM (
      SELECT c.seq, c.at, c.xid FROM ossature.change c
      WHERE c.tenant_id = $1 AND c.xid >= $2 AND (c.xid, c.seq) > ($2, $3) AND c.xid < $4 %s
      ORDER BY c.xid, c.seq LIMIT $5
    ) n
  $query$, elsewhere) INTO fresh USING tenant, after_xid, after_seq, ended, most;
  IF fresh.changes > 0 THEN
    hashed := (SELECT s.content FROM ossature.sealed_content(tenant, fresh.seqs, fresh.first_at, fresh.last_at) s);
    INSERT INTO ossature.seal (tenant_id, number, changes, seqs, first_at, last_at, content, chain, cluster,
                               through_xid, through_seq)
    VALUES (tenant, coalesce(last.number, 0) + 1, fresh.changes, fresh.seqs, fresh.first_at, fresh.last_at, hashed,
            ossature.seal_link(last.chain, coalesce(last.number, 0) + 1, fresh.changes, hashed), here, fresh.xid,
            fresh.seqs[fresh.changes]);
  END IF;
  RETURN fresh.changes;
END $$;

CREATE FUNCTION ossature.seal_faults(since timestamptz DEFAULT '-infinity', turn integer DEFAULT NULL, turns integer DEFAULT 1)
RETURNS TABLE (seal bigint, seq bigint, fault text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  tenant uuid := nullif(current_setting('ossature.tenant', true), '')::uuid;
  z ossature.seal; last ossature.seal; covered record; before bytea; expected bigint := 0; altered bigint; sealed bigint := 0; held bigint;
BEGIN
  FOR z IN SELECT * FROM ossature.seal s WHERE s.tenant_id = tenant ORDER BY s.number LOOP
    expected := expected + 1;
    IF z.number <> expected THEN
      seal := z.number; seq := NULL; fault := 'gap'; RETURN NEXT;
      expected := z.number;
    END IF;
    IF z.last_at >= since OR z.number % turns = turn THEN
      SELECT * INTO covered FROM ossature.sealed_content(tenant, z.seqs, z.first_at, z.last_at);
      FOREACH altered IN ARRAY coalesce(covered.altered, ARRAY[]::bigint[]) LOOP
        seal := z.number; seq := altered; fault := 'altered'; RETURN NEXT;
      END LOOP;
      IF covered.changes <> z.changes THEN
        seal := z.number; seq := NULL; fault := 'missing'; RETURN NEXT;
      ELSIF covered.content <> z.content THEN
        seal := z.number; seq := NULL; fault := 'other'; RETURN NEXT;
      END IF;
    END IF;
    IF z.chain <> ossature.seal_link(before, z.number, z.changes, z.content) THEN
      seal := z.number; seq := NULL; fault := 'chain'; RETURN NEXT;
    END IF;
    before := z.chain;
    sealed := sealed + z.changes;
    last := z;
  END LOOP;
  FOR altered IN SELECT c.seq FROM ossature.change c WHERE c.tenant_id = tenant
    AND c.xid >= coalesce(last.through_xid, 0) AND (c.xid, c.seq) > (coalesce(last.through_xid, -1), coalesce(last.through_seq, 0))
    AND NOT ossature.change_is_whole(c)
  LOOP
    seal := NULL; seq := altered; fault := 'altered'; RETURN NEXT;
  END LOOP;
  SELECT count(*) INTO held FROM ossature.change c WHERE c.tenant_id = tenant
    AND c.xid <= last.through_xid AND (c.xid < last.through_xid OR c.seq <= last.through_seq);
  IF last.cluster = (SELECT system_identifier FROM pg_control_system()) AND held > sealed THEN
    seal := last.number; seq := NULL; fault := 'unsealed'; RETURN NEXT;
  END IF;
END $$;
"""


def upgrade() -> None:
    _app, system = roles(op)
    op.execute("DROP FUNCTION ossature.seal_faults()")
    op.execute(FUNCTIONS.replace(":", r"\:"))
    for signature in (CONTENT, FAULTS):
        op.execute(f"REVOKE ALL ON FUNCTION ossature.{signature} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION ossature.{FAULTS} TO {system}")


def downgrade() -> None:
    _app, system = roles(op)
    former: Any = import_module("ossature.migrations.versions.0010_seals")
    op.execute(f"DROP FUNCTION ossature.{FAULTS}")
    for name in ("seal_changes", "seal_faults"):
        begins = former.FUNCTIONS.index(f"CREATE FUNCTION ossature.{name}(")
        text = former.FUNCTIONS[begins : former.FUNCTIONS.index("END $$;", begins) + len("END $$;")]
        op.execute(text.replace("CREATE", "CREATE OR REPLACE", 1).replace(":", r"\:"))
    op.execute(f"DROP FUNCTION ossature.{CONTENT}")
    op.execute("REVOKE ALL ON FUNCTION ossature.seal_faults() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION ossature.seal_faults() TO {system}")
