"""What was said not to be the same holds for the record that stays, once one of the two is merged into it."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from ossature.context import current
from ossature.db.work import session
from ossature.duplicates.tables import duplicate, merged


def carry_over(merges: Collection[UUID]) -> None:
    """Set apart from the record that stays what was set apart from those that some merges made part of it."""
    d, m = duplicate.c, merged.c
    other = sa.case((d.a_id == m.from_id, d.b_id), else_=d.a_id)
    one_of_them = select(m.from_id).where(m.tenant_id == current().tenant_id, m.id.in_(merges))
    a, b = func.least(m.to_id, other), func.greatest(m.to_id, other)
    apart = (
        select(
            d.tenant_id, func.gen_random_uuid(), d.record, a, b, d.score, d.reasons, d.state, d.dismissed_at,
            d.dismissed_by_id, m.id,
        )
        .join_from(
            merged, duplicate,
            sa.and_(
                d.tenant_id == m.tenant_id, d.record == m.record, sa.or_(d.a_id == m.from_id, d.b_id == m.from_id)
            ),
        )
        .where(
            m.tenant_id == current().tenant_id, m.id.in_(merges), d.state == "dismissed", other != m.to_id,
            other.not_in(one_of_them),
        )
        .ext(distinct_on(a, b))
        .order_by(a, b, d.dismissed_at)
    )  # fmt: skip
    columns = (
        "tenant_id", "id", "record", "a_id", "b_id", "score", "reasons", "state", "dismissed_at", "dismissed_by_id", "merged_id",
    )  # fmt: skip
    given = insert(duplicate).from_select(columns, apart)
    new = {name: given.excluded[name] for name in ("state", "dismissed_at", "dismissed_by_id", "merged_id")}
    session().execute(
        given.on_conflict_do_update(
            index_elements=["tenant_id", "record", "a_id", "b_id"], set_=new, where=d.state == "open"
        )
    )


def take_back(merges: Collection[UUID]) -> None:
    """Undo `carry_over`: what a search had found is to be looked at again."""
    d = duplicate.c
    those = (d.tenant_id == current().tenant_id, d.merged_id.in_(merges))
    session().execute(sa.delete(duplicate).where(*those, d.scan.is_(None)))
    again = {"state": "open", "dismissed_at": None, "dismissed_by_id": None, "merged_id": None}
    session().execute(sa.update(duplicate).where(*those).values(again))
