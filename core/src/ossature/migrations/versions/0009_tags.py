"""Tags on every record, the tags that there are, and what lists are filtered by them with.

A kernel column comes to the tables of all plugins at once, also of those that are not active now.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ossature.db.operations import keep_tags

revision = "0009"
down_revision = "0008"

KEEP_TAGS = r"""
CREATE FUNCTION ossature.keep_tags() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP <> 'DELETE' AND cardinality(NEW.tags) > 50 THEN
    RAISE EXCEPTION 'a record has at most 50 tags' USING ERRCODE = 'check_violation', CONSTRAINT = 'tags_check';
  END IF;
  IF TG_OP <> 'INSERT' THEN
    DELETE FROM ossature.tagging t
      WHERE t.tenant_id = OLD.tenant_id AND t.record_id = OLD.id AND t.record = TG_ARGV[0];
  END IF;
  IF TG_OP <> 'DELETE' AND NEW.tags <> '{}' THEN
    INSERT INTO ossature.tag (tenant_id, id, record, name)
      SELECT NEW.tenant_id, gen_random_uuid(), TG_ARGV[0], given.name FROM unnest(NEW.tags) given (name)
      WHERE NOT EXISTS (SELECT FROM ossature.tag known WHERE known.tenant_id = NEW.tenant_id
                        AND known.record = TG_ARGV[0] AND known.fold = ossature.fold(given.name))
      ORDER BY ossature.fold(given.name)
      ON CONFLICT DO NOTHING;
    INSERT INTO ossature.tagging (tenant_id, record_id, record, fold)
      SELECT NEW.tenant_id, NEW.id, TG_ARGV[0], ossature.fold(given.name) FROM unnest(NEW.tags) given (name);
  END IF;
  RETURN NULL;
END $$;
"""
RECORDS = """
SELECT t.key, t.schema_name, t.table_name FROM ossature.record_type t
JOIN pg_attribute a ON a.attrelid = to_regclass(format('%I.%I', t.schema_name, t.table_name)) AND a.attname = 'owner_id'
ORDER BY t.key
"""


def upgrade() -> None:
    op.create_tenant_table(
        "ossature",
        "tag",
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("fold", sa.Text(collation="C"), sa.Computed("ossature.fold(name)", persisted=True)),
        sa.Column("tone", sa.Text, nullable=False, server_default="neutral"),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 60 AND name !~ ','", name="name"),
        sa.CheckConstraint("tone IN ('neutral', 'accent', 'info', 'success', 'warning', 'danger')", name="tone"),
        sa.UniqueConstraint("tenant_id", "record", "fold"),
        history=False,
    )
    op.create_tenant_table(
        "ossature",
        "tagging",
        sa.Column("record_id", sa.Uuid, nullable=False),
        sa.Column("record", sa.Text(collation="C"), nullable=False),
        sa.Column("fold", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "record_id", "record", "fold"),
        sa.Index("tagging_fold_idx", "tenant_id", "record", "fold", "record_id"),
        id=False,
        history=False,
        grants="SELECT",
    )
    op.execute(KEEP_TAGS.replace(":", r"\:"))
    op.execute("REVOKE ALL ON FUNCTION ossature.keep_tags() FROM PUBLIC")
    for key, schema, table in op.get_bind().execute(sa.text(RECORDS)).all():
        op.execute(
            f'ALTER TABLE "{schema}"."{table}" ADD COLUMN IF NOT EXISTS tags text[] NOT NULL DEFAULT \'{{}}\'\\:\\:text[]'
        )
        keep_tags(op, schema, table, key)


def downgrade() -> None:
    for _key, schema, table in op.get_bind().execute(sa.text(RECORDS)).all():
        for event in ("insert", "update", "delete"):
            op.execute(f'DROP TRIGGER keep_tags_{event} ON "{schema}"."{table}"')
        op.execute(f'ALTER TABLE "{schema}"."{table}" DROP COLUMN tags')
    op.execute("DROP FUNCTION ossature.keep_tags()")
    op.execute("DROP TABLE ossature.tagging, ossature.tag")
