"""Erasing a person reaches what stands in the history of records that they were merged into for a while."""

from __future__ import annotations

from alembic import op

from ossature.db.operations import roles

revision = "0024"
down_revision = "0023"

SIGNATURE = "forget_traces(uuid, uuid, bigint, bigint, uuid[])"
FUNCTION = """
CREATE FUNCTION ossature.forget_traces(erasure uuid, root uuid, first bigint, last bigint, hung uuid[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  tenant uuid := nullif(current_setting('ossature.tenant', true), '')::uuid; forgotten integer;
BEGIN
  PERFORM FROM ossature.erasure e WHERE e.tenant_id = tenant AND e.id = erasure AND e.kind = 'person';
  IF NOT FOUND THEN RAISE EXCEPTION 'there is no such erasure'; END IF;
  UPDATE ossature.change c SET payload = '{}', salt = NULL, erasure_id = erasure
    WHERE c.tenant_id = tenant AND c.root_id = root AND c.salt IS NOT NULL
      AND (c.seq BETWEEN first AND last OR c.record_id = ANY (hung) OR c.at = now());
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  UPDATE ossature.event e SET data = NULL WHERE e.tenant_id = tenant AND e.record_id = root AND e.data IS NOT NULL
    AND e.seq BETWEEN first AND last
    AND NOT EXISTS (SELECT FROM ossature.delivery d WHERE d.tenant_id = tenant AND d.seq = e.seq);
  RETURN forgotten;
END $$;
"""


def upgrade() -> None:
    _app, system = roles(op)
    op.execute(FUNCTION.replace(":", r"\:"))
    op.execute(f"REVOKE ALL ON FUNCTION ossature.{SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION ossature.{SIGNATURE} TO {system}")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION ossature.{SIGNATURE}")
