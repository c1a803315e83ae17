"""What outgoing mail holds of people, taken away: when one is erased, and once it is old."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func

from ossature.context import current
from ossature.db.work import session
from ossature.imports.forgetting import Marks
from ossature.mail.table import table
from ossature.records.types import RecordType

BODY_DAYS: Final = 90
"""Days that the text of a mail is kept once it is over; to whom it went, its subject and its state stay longer."""
YEARS: Final = 5
"""Years that a mail is known at all: as long as one may be asked whether it was sent (Code de commerce, L110-4)."""


def forget_mails(rt: RecordType, ids: Sequence[UUID], known: Marks) -> int:
    """Delete mails that are about some people, go to them or name one of their addresses; how many there were. One that
    still waits is then not sent."""
    c = table.c
    about = sa.and_(c.record == rt.key, c.record_id.in_(ids))
    if (email := known.email) is not None:
        parts = (func.array_to_string(c.recipients, " "), c.reply_to, c.subject, c.text, c.html, c.reason)
        about = sa.or_(about, func.ossature.fold(func.concat_ws(" ", *parts)).op("~")(email))
    gone = session().execute(sa.delete(table).where(c.tenant_id == current().tenant_id, about).returning(c.id))
    return len(gone.all())


def forget_bodies(most: int) -> int:
    """Take the text out of mails that were over `BODY_DAYS` ago, of `most` at once; how many there were."""
    c = table.c
    mine = c.tenant_id == current().tenant_id
    old = (c.text.is_not(None), c.ended_at < func.now() - sa.text(f"interval '{BODY_DAYS} days'"))
    some = sa.select(c.id).where(mine, *old).limit(most)
    emptied = sa.update(table).where(mine, c.id.in_(some)).values(text=None, html=None)
    return len(session().execute(emptied.returning(c.id)).all())
