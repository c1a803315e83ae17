"""The records that a person pinned, to have them at hand."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ossature.context import current
from ossature.db.tenancy import TENANT, Base
from ossature.db.work import session
from ossature.errors import Detail, Forbidden, Invalid
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.search.reach import within_reach

_, _l, _n = translator("ossature")

MOST = 50

table = sa.Table(
    "pin",
    Base.metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("actor_id", sa.Uuid),
    sa.Column("record", sa.Text),
    sa.Column("record_id", sa.Uuid),
    sa.Column("at", sa.DateTime(timezone=True), sa.FetchedValue()),
    schema="ossature",
)


def pinned() -> list[tuple[str, UUID]]:
    """Record and id of what the reader pinned, in that order; whether they still may see it is for the caller to ask."""
    if current().actor is None:
        return []
    statement = sa.select(table.c.record, table.c.record_id).where(*_mine()).order_by(table.c.at, table.c.id)
    return [(row.record, row.record_id) for row in session().execute(statement)]


def is_pinned(id: UUID) -> bool:
    """Whether the reader pinned this record."""
    if current().actor is None:
        return False
    return session().execute(sa.select(sa.exists().where(*_mine(), table.c.record_id == id))).scalar_one()


def pin(record: str, id: UUID) -> None:
    """Pin a record that the reader may see; twice is once. Raises `Invalid` past `MOST` that they still see."""
    held = pinned()
    if len(held) >= MOST and (record, id) not in held and len(within_reach(held)) >= MOST:
        raise Invalid(
            _("At most %(count)s records can be pinned.", count=MOST),
            [Detail("", "too_many", _("Unpin one that you no longer need."))],
        )
    session().execute(
        insert(table)
        .values(id=new_id(), actor_id=_actor(), record=record, record_id=id)
        .on_conflict_do_nothing(index_elements=["tenant_id", "actor_id", "record_id"])
    )


def unpin(id: UUID) -> None:
    """Take a record away from what the reader pinned."""
    session().execute(sa.delete(table).where(*_mine(), table.c.record_id == id))


def _mine() -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.tenant_id == current().tenant_id, table.c.actor_id == _actor()


def _actor() -> UUID:
    actor = current().actor
    if actor is None:
        raise Forbidden(_("Only members pin records."))
    return actor.id
