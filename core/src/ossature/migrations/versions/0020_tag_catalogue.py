"""One catalogue of tags for an organisation, in place of one for each kind of record; how a tag is spelled there holds.

Words that nothing carries any longer and nobody entered stay only until they are written anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

KNOWN = """
    INSERT INTO ossature.tag (tenant_id, id, record, name)
      SELECT NEW.tenant_id, gen_random_uuid(), TG_ARGV[0], given.name FROM unnest(NEW.tags) given (name)
      WHERE NOT EXISTS (SELECT FROM ossature.tag known WHERE known.tenant_id = NEW.tenant_id
                        AND known.record = TG_ARGV[0] AND known.fold = ossature.fold(given.name))
      ORDER BY ossature.fold(given.name)
      ON CONFLICT DO NOTHING;
"""
CATALOGUED = """
    INSERT INTO ossature.tag (tenant_id, id, name)
      SELECT NEW.tenant_id, gen_random_uuid(), given.name FROM unnest(NEW.tags) given (name)
      WHERE NOT EXISTS (
        SELECT FROM ossature.tag known WHERE known.tenant_id = NEW.tenant_id AND known.fold = ossature.fold(given.name)
        AND (known.listed OR known.name = given.name OR EXISTS (
          SELECT FROM ossature.tagging t WHERE t.tenant_id = NEW.tenant_id AND t.fold = known.fold)))
      ORDER BY ossature.fold(given.name)
      ON CONFLICT (tenant_id, fold) DO UPDATE SET name = EXCLUDED.name WHERE NOT tag.listed;
"""


def upgrade() -> None:
    op.add_column(
        "tag",
        sa.Column(
            "listed",
            sa.Boolean,
            nullable=False,
            server_default=sa.false(),
            comment="there also while nothing carries it",
        ),
        schema="ossature",
    )
    op.execute(
        "DELETE FROM ossature.tag t USING ossature.tag other "
        "WHERE other.tenant_id = t.tenant_id AND other.fold = t.fold AND other.id < t.id"
    )
    op.drop_constraint("tag_tenant_id_record_fold_key", "tag", schema="ossature")
    op.drop_column("tag", "record", schema="ossature")
    op.create_unique_constraint("tag_tenant_id_fold_key", "tag", ["tenant_id", "fold"], schema="ossature")
    op.drop_index("tagging_fold_idx", schema="ossature")
    op.create_index(
        "tagging_fold_idx", "tagging", ["tenant_id", "fold", "record", "record_id"], schema="ossature"
    )  # fmt: skip
    _keep_tags(KNOWN, CATALOGUED)


def downgrade() -> None:
    _keep_tags(CATALOGUED, KNOWN)
    op.drop_index("tagging_fold_idx", schema="ossature")
    op.create_index(
        "tagging_fold_idx", "tagging", ["tenant_id", "record", "fold", "record_id"], schema="ossature"
    )  # fmt: skip
    op.drop_constraint("tag_tenant_id_fold_key", "tag", schema="ossature")
    op.add_column("tag", sa.Column("record", sa.Text), schema="ossature")
    op.execute(
        "INSERT INTO ossature.tag (tenant_id, id, record, name, tone) SELECT DISTINCT t.tenant_id, gen_random_uuid(), "
        "carried.record, t.name, t.tone FROM ossature.tag t JOIN (SELECT DISTINCT tenant_id, record, fold "
        "FROM ossature.tagging) carried ON carried.tenant_id = t.tenant_id AND carried.fold = t.fold"
    )
    op.execute("DELETE FROM ossature.tag WHERE record IS NULL")
    op.alter_column("tag", "record", nullable=False, schema="ossature")
    op.create_unique_constraint(
        "tag_tenant_id_record_fold_key", "tag", ["tenant_id", "record", "fold"], schema="ossature"
    )
    op.drop_column("tag", "listed", schema="ossature")


def _keep_tags(was: str, becomes: str) -> None:
    connection = op.get_bind()
    function = connection.exec_driver_sql(
        "SELECT pg_get_functiondef('ossature.keep_tags()'::regprocedure)"
    ).scalar_one()  # fmt: skip
    assert was.strip() in function
    connection.exec_driver_sql(function.replace(was.strip(), becomes.strip()))
