"""Seals over the history, and how its content may be taken away: what is erased leaves its digest.

A seal covers changes whose transactions have ended, in the order of transaction and number, each exactly once; a later
commit of an earlier number falls into a later seal. It names them, since numbers say nothing about who committed when.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ossature.db.operations import fk, roles
from ossature.db.tenancy import ACTOR

revision = "0010"
down_revision = "0009"

FUNCTIONS = r"""
CREATE FUNCTION ossature.change_leaf(c ossature.change, s ossature.change_set) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT sha256(c.digest || convert_to(jsonb_build_array(
    c.seq, (extract(epoch FROM c.at) * 1000000)::bigint, c.change_set_id, c.record, c.record_id, c.root_id, c.what,
    c.version, s.actor_id, s.means, s.reason, s.request)::text, 'UTF8'))
$$;

CREATE FUNCTION ossature.seal_link(before bytea, number bigint, changes integer, content bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT sha256(coalesce(before, ''::bytea) || convert_to(number || ' ' || changes || ' ', 'UTF8') || content)
$$;

CREATE FUNCTION ossature.seal_changes(most integer DEFAULT 20000) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  tenant uuid := nullif(current_setting('ossature.tenant', true), '')::uuid;
  here bigint := (SELECT system_identifier FROM pg_control_system());
  ended bigint := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
  last ossature.seal; fresh record; after_xid bigint := -1; after_seq bigint := 0; elsewhere text := '';
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
    WITH next AS (
      SELECT c FROM ossature.change c
      WHERE c.tenant_id = $1 AND c.xid >= $2 AND (c.xid, c.seq) > ($2, $3) AND c.xid < $4 %s
      ORDER BY c.xid, c.seq LIMIT $5
    )
    SELECT count(*)::integer AS changes, array_agg((c).seq ORDER BY (c).xid, (c).seq) AS seqs,
           min((c).at) AS first_at, max((c).at) AS last_at, max((c).xid) AS xid,
           sha256(string_agg(ossature.change_leaf(c, s), ''::bytea ORDER BY (c).xid, (c).seq)) AS content
    FROM next LEFT JOIN ossature.change_set s
      ON s.tenant_id = $1 AND s.at = (c).at AND s.id = (c).change_set_id
  $query$, elsewhere) INTO fresh USING tenant, after_xid, after_seq, ended, most;
  IF fresh.changes > 0 THEN
    INSERT INTO ossature.seal (tenant_id, number, changes, seqs, first_at, last_at, content, chain, cluster,
                               through_xid, through_seq)
    VALUES (tenant, coalesce(last.number, 0) + 1, fresh.changes, fresh.seqs, fresh.first_at, fresh.last_at,
            fresh.content,
            ossature.seal_link(last.chain, coalesce(last.number, 0) + 1, fresh.changes, fresh.content), here, fresh.xid,
            fresh.seqs[fresh.changes]);
  END IF;
  RETURN fresh.changes;
END $$;

CREATE FUNCTION ossature.change_is_whole(c ossature.change) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN c.salt IS NOT NULL THEN c.digest = sha256(c.salt || convert_to(c.payload::text, 'UTF8'))
              ELSE c.payload = '{}'::jsonb AND EXISTS (
                SELECT FROM ossature.erasure e WHERE e.tenant_id = c.tenant_id AND e.id = c.erasure_id) END
$$;

CREATE FUNCTION ossature.seal_faults() RETURNS TABLE (seal bigint, seq bigint, fault text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  tenant uuid := nullif(current_setting('ossature.tenant', true), '')::uuid;
  z ossature.seal; last ossature.seal; found_here record; before bytea; expected bigint := 0; altered bigint; sealed bigint := 0; held bigint;
BEGIN
  FOR z IN SELECT * FROM ossature.seal s WHERE s.tenant_id = tenant ORDER BY s.number LOOP
    expected := expected + 1;
    IF z.number <> expected THEN
      seal := z.number; seq := NULL; fault := 'gap'; RETURN NEXT;
      expected := z.number;
    END IF;
    SELECT count(*) AS changes, array_agg(q.seq) FILTER (WHERE NOT ossature.change_is_whole(c)) AS altered,
           sha256(string_agg(ossature.change_leaf(c, s), ''::bytea ORDER BY q.place)) AS content
      INTO found_here
      FROM unnest(z.seqs) WITH ORDINALITY q(seq, place)
      JOIN ossature.change c ON c.tenant_id = tenant AND c.seq = q.seq AND c.at BETWEEN z.first_at AND z.last_at
      LEFT JOIN ossature.change_set s ON s.tenant_id = tenant AND s.at = c.at AND s.id = c.change_set_id;
    FOREACH altered IN ARRAY coalesce(found_here.altered, ARRAY[]::bigint[]) LOOP
      seal := z.number; seq := altered; fault := 'altered'; RETURN NEXT;
    END LOOP;
    IF found_here.changes <> z.changes THEN
      seal := z.number; seq := NULL; fault := 'missing'; RETURN NEXT;
    ELSIF found_here.content <> z.content THEN
      seal := z.number; seq := NULL; fault := 'other'; RETURN NEXT;
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

CREATE FUNCTION ossature.forget_changes(erasure uuid, ids uuid[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  tenant uuid := nullif(current_setting('ossature.tenant', true), '')::uuid; forgotten integer;
BEGIN
  PERFORM FROM ossature.erasure e WHERE e.tenant_id = tenant AND e.id = erasure AND e.kind = 'person';
  IF NOT FOUND THEN RAISE EXCEPTION 'there is no such erasure'; END IF;
  UPDATE ossature.change c SET payload = '{}', salt = NULL, erasure_id = erasure
    WHERE c.tenant_id = tenant AND c.root_id = ANY (ids) AND c.salt IS NOT NULL;
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  UPDATE ossature.event e SET data = NULL WHERE e.tenant_id = tenant AND e.record_id = ANY (ids) AND e.data IS NOT NULL
    AND NOT EXISTS (SELECT FROM ossature.delivery d WHERE d.tenant_id = tenant AND d.seq = e.seq);
  RETURN forgotten;
END $$;

CREATE FUNCTION ossature.forget_old_changes(erasure uuid, records text[], but boolean) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  tenant uuid := nullif(current_setting('ossature.tenant', true), '')::uuid; ends timestamptz; forgotten integer;
BEGIN
  SELECT e.before INTO ends FROM ossature.erasure e WHERE e.tenant_id = tenant AND e.id = erasure AND e.kind = 'retention';
  IF NOT FOUND THEN RAISE EXCEPTION 'there is no such erasure'; END IF;
  UPDATE ossature.change c SET payload = '{}', salt = NULL, erasure_id = erasure
    WHERE c.tenant_id = tenant AND c.at < ends AND (c.record = ANY (records)) <> but AND c.salt IS NOT NULL;
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  RETURN forgotten;
END $$;
"""
SIGNATURES = (
    "change_leaf(ossature.change, ossature.change_set)", "seal_link(bytea, bigint, integer, bytea)",
    "change_is_whole(ossature.change)", "seal_changes(integer)", "seal_faults()", "forget_changes(uuid, uuid[])",
    "forget_old_changes(uuid, text[], boolean)",
)  # fmt: skip
FOR_SYSTEM = SIGNATURES[3:]


def upgrade() -> None:
    _app, system = roles(op)
    op.execute("ALTER TABLE ossature.change ALTER COLUMN salt DROP NOT NULL, ADD COLUMN erasure_id uuid")
    op.create_tenant_table(
        "ossature",
        "erasure",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("record", sa.Text),
        sa.Column("record_id", sa.Uuid, comment="of whom nothing else is left"),
        sa.Column("before", sa.DateTime(timezone=True), comment="what is older was taken away"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("actor_id", sa.Uuid, server_default=sa.text(ACTOR)),
        sa.CheckConstraint("kind IN ('person', 'retention')", name="kind"),
        sa.CheckConstraint("(kind = 'person') = (record_id IS NOT NULL)", name="record_id"),
        sa.CheckConstraint("(kind = 'retention') = (before IS NOT NULL)", name="before"),
        fk("actor_id", "ossature.actor"),
        sa.Index("erasure_record_id_idx", "tenant_id", "record_id"),
        sa.Index("erasure_actor_id_idx", "tenant_id", "actor_id"),
        grants="SELECT, INSERT",
    )
    op.create_tenant_table(
        "ossature",
        "seal",
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.Column("seqs", sa.ARRAY(sa.BigInteger), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("chain", sa.LargeBinary, nullable=False),
        sa.Column("cluster", sa.BigInteger, nullable=False),
        sa.Column("through_xid", sa.BigInteger, nullable=False),
        sa.Column("through_seq", sa.BigInteger, nullable=False),
        sa.CheckConstraint("changes = cardinality(seqs) AND changes > 0", name="changes"),
        sa.PrimaryKeyConstraint("tenant_id", "number"),
        history=False,
        id=False,
        grants="SELECT",
    )
    op.execute(FUNCTIONS.replace(":", r"\:"))
    for signature in SIGNATURES:
        op.execute(f"REVOKE ALL ON FUNCTION ossature.{signature} FROM PUBLIC")
    for signature in FOR_SYSTEM:
        op.execute(f"GRANT EXECUTE ON FUNCTION ossature.{signature} TO {system}")


def downgrade() -> None:
    for signature in reversed(SIGNATURES):
        op.execute(f"DROP FUNCTION ossature.{signature}")
    op.execute("DROP TABLE ossature.seal, ossature.erasure")
    op.execute("DELETE FROM ossature.change WHERE salt IS NULL")
    op.execute("ALTER TABLE ossature.change ALTER COLUMN salt SET NOT NULL, DROP COLUMN erasure_id")
