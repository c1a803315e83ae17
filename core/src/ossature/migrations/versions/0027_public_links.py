"""Links by which a stranger opens one record for one purpose: their secret's digest, their end, and that they were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ossature.db.operations import fk, roles
from ossature.db.tenancy import ACTOR

revision = "0027"
down_revision = "0026"

SIGNATURE = "open_public_link(bytea, text, uuid)"
# No tenant is known yet: the digest of 256 random bits is what finds the row, at the host of a tenant within it alone.
FUNCTION = """
CREATE FUNCTION ossature.open_public_link(p_digest bytea, p_purpose text, p_tenant uuid) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE l ossature.public_link; t ossature.tenant; a ossature.actor; plugins text[];
BEGIN
  SELECT * INTO l FROM ossature.public_link x WHERE x.digest = p_digest AND x.purpose = p_purpose
    AND x.revoked_at IS NULL AND x.expires_at > now() AND (p_tenant IS NULL OR x.tenant_id = p_tenant);
  SELECT * INTO t FROM ossature.tenant x WHERE x.id = l.tenant_id AND x.status = 'active';
  SELECT * INTO a FROM ossature.actor x WHERE x.tenant_id = l.tenant_id AND x.id = l.id AND x.active;
  IF t.id IS NULL OR a.id IS NULL THEN RETURN NULL; END IF;
  SELECT coalesce(array_agg(p.key), '{}') INTO plugins FROM ossature.tenant_plugin p WHERE p.tenant_id = t.id;
  IF NOT split_part(p_purpose, '.', 1) = ANY (plugins) THEN RETURN NULL; END IF;
  UPDATE ossature.public_link x SET last_seen_at = now(), seen = x.seen + 1
    WHERE x.tenant_id = l.tenant_id AND x.id = l.id;
  RETURN jsonb_build_object('id', l.id, 'label', a.label, 'record_id', l.record_id, 'locale', l.locale,
    'plugins', plugins, 'tenant', jsonb_build_object('id', t.id, 'slug', t.slug, 'name', t.name, 'locale', t.locale,
      'time_zone', t.time_zone));
END $$;
"""


def upgrade() -> None:
    op.create_tenant_table(
        "ossature",
        "public_link",
        sa.Column("digest", sa.LargeBinary, nullable=False, comment="SHA-256 of the secret in the address"),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("record_id", sa.Uuid, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False, comment="what its pages let a stranger do"),
        sa.Column("locale", sa.Text, comment="the language of its pages; none means the browser's"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("created_by_id", sa.Uuid, server_default=sa.text(ACTOR)),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("last_seen_at", sa.DateTime(timezone=True)),
        sa.Column("seen", sa.BigInteger, nullable=False, server_default=sa.text("0"), comment="requests answered"),
        fk("id", "ossature.actor"),
        sa.Index("public_link_digest_idx", "digest"),
        sa.Index("public_link_record_id_idx", "tenant_id", "record_id"),
        untracked=("digest", "last_seen_at", "seen"),
    )
    app, system = roles(op)
    op.execute(FUNCTION.replace(":", r"\:"))
    op.execute(f"REVOKE ALL ON FUNCTION ossature.{SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION ossature.{SIGNATURE} TO {app}, {system}")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION ossature.{SIGNATURE}")
    op.execute("DROP TABLE ossature.public_link")
