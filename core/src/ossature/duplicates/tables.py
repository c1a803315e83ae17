"""The tables of duplicates: pairs that were found, and what was merged into what."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ossature.db.tenancy import ACTOR, TENANT, Base

duplicate = sa.Table(
    "duplicate",
    Base.metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("record", sa.Text),
    sa.Column("a_id", sa.Uuid),
    sa.Column("b_id", sa.Uuid),
    sa.Column("score", sa.SmallInteger),
    sa.Column("reasons", JSONB),
    sa.Column("state", sa.Text),
    sa.Column("found_at", sa.DateTime(timezone=True), sa.FetchedValue()),
    sa.Column("scan", sa.Uuid),
    sa.Column("dismissed_at", sa.DateTime(timezone=True)),
    sa.Column("dismissed_by_id", sa.Uuid),
    sa.Column("merged_id", sa.Uuid),
    schema="ossature",
)
"""Two records that look like one, the smaller id first; `merged_id` is the merge that set them apart, where one did."""

merged = sa.Table(
    "merged",
    Base.metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("record", sa.Text),
    sa.Column("from_id", sa.Uuid),
    sa.Column("to_id", sa.Uuid),
    sa.Column("at", sa.DateTime(timezone=True), sa.FetchedValue()),
    sa.Column("change_set_id", sa.Uuid),
    sa.Column("by_id", sa.Uuid, server_default=sa.text(ACTOR)),
    sa.Column("pins", ARRAY(sa.Uuid)),
    sa.Column("secrets", ARRAY(sa.Text)),
    schema="ossature",
)
"""What was merged into what. It holds as long as `from_id` is deleted since `at`: brought back, it is itself again.
`pins` are those that moved along, `secrets` the columns that were filled from it: the history has neither."""
