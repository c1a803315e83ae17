"""Outgoing mail as administrators look after it: pages of the list, counts, one mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from ossature.context import current
from ossature.db.kernel import actor
from ossature.db.work import session
from ossature.errors import Invalid, NotFound
from ossature.i18n.texts import translator
from ossature.mail.table import COLUMNS, STATES, WITHOUT_TEXTS, Mail, as_mail, table

_, _l, _n = translator("ossature")

COUNTED_TO: Final = 1000
PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class MailPage:
    """Mails without their texts, the newest first; `previous` and `next` are ids to go on from, None where there is nothing more."""

    rows: tuple[Mail, ...]
    previous: UUID | None = None
    next: UUID | None = None


def find_mails(
    state: str | None = None, *, before: UUID | None = None, after: UUID | None = None, limit: int = PAGE_SIZE
) -> MailPage:
    """A page of the organisation's mails: older than `before`, or newer than `after`. Ids tell when a mail was made."""
    statement = sa.select(*WITHOUT_TEXTS).where(table.c.tenant_id == current().tenant_id)
    if state is not None:
        statement = statement.where(table.c.state == checked_state(state))
    if after is not None:
        statement = statement.where(table.c.id > after).order_by(table.c.id)
    else:
        if before is not None:
            statement = statement.where(table.c.id < before)
        statement = statement.order_by(table.c.id.desc())
    found = [as_mail(row) for row in session().execute(statement.limit(limit + 1)).mappings()]
    more, found = len(found) > limit, found[:limit]
    if after is not None:
        found.reverse()
    if not found:
        return MailPage(())
    has_previous = more if after is not None else before is not None
    has_next = after is not None or more
    return MailPage(tuple(found), found[0].id if has_previous else None, found[-1].id if has_next else None)


def mail_counts() -> Mapping[str, int]:
    """How many mails are in each state; counting stops after `COUNTED_TO`, one more says that there are more."""
    one = [
        sa.select(sa.literal(state).label("state"), sa.func.count().label("number")).select_from(
            sa.select(table.c.id)
            .where(table.c.tenant_id == current().tenant_id, table.c.state == state)
            .limit(COUNTED_TO + 1)
            .subquery()
        )
        for state in STATES
    ]
    return {row.state: row.number for row in session().execute(sa.union_all(*one))}


def find_mail(id: UUID) -> tuple[Mail, str | None]:
    """A mail, and the name of whoever asked for it. Raises `NotFound`."""
    who = sa.and_(actor.c.tenant_id == table.c.tenant_id, actor.c.id == table.c.actor_id)
    statement = (
        sa.select(*COLUMNS, sa.case((actor.c.kind != "job", actor.c.label)).label("asked_by"))
        .select_from(table.outerjoin(actor, who))
        .where(table.c.tenant_id == current().tenant_id, table.c.id == id)
    )
    row = session().execute(statement).mappings().one_or_none()
    if row is None:
        raise NotFound(_("There is no such mail."))
    return as_mail(row), row["asked_by"]


def checked_state(state: str) -> str:
    """Raises `Invalid` for one that is none."""
    if state not in STATES:
        raise Invalid(_("There is no such state. Use one of: %(names)s.", names=", ".join(STATES)))
    return state
