"""The table of outgoing mail: one row a message, whatever became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ossature.db.tenancy import ACTOR, TENANT, Base

STATES: Final = ("queued", "sent", "failed", "kept")
"""`queued` waits for its first or next attempt; `failed` is over and somebody should look; `kept` was not sent, since no
mail server is set up."""

table = sa.Table(
    "mail",
    Base.metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("recipients", ARRAY(sa.Text)),
    sa.Column("sender", sa.Text),
    sa.Column("reply_to", sa.Text),
    sa.Column("subject", sa.Text),
    sa.Column("text", sa.Text),
    sa.Column("html", sa.Text),
    sa.Column("files", ARRAY(sa.Uuid)),
    sa.Column("record", sa.Text),
    sa.Column("record_id", sa.Uuid),
    sa.Column("state", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("answers", JSONB),
    sa.Column("attempts", sa.Integer),
    sa.Column("created_at", sa.DateTime(timezone=True), sa.FetchedValue()),
    sa.Column("asked_at", sa.DateTime(timezone=True), sa.FetchedValue()),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
    sa.Column("actor_id", sa.Uuid, server_default=sa.text(ACTOR)),
    schema="ossature",
)


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that was asked to be sent.

    `state` is queued, sent, failed, or kept where no mail server is set up; `reason` says in words, the server's own where
    there are such, why it was not sent, or not yet. `answers` has what the server said of each recipient, beginning with its
    code: a message that was taken for some is sent to the others alone. `text` is None once it is forgotten, and in lists. `files` are
    ids of the attachments. `asked_at` is when it was asked to be sent, again perhaps, `ended_at` when it came to its end.
    """

    id: UUID
    recipients: tuple[str, ...]
    sender: str
    reply_to: str | None
    subject: str
    text: str | None
    html: str | None
    files: tuple[UUID, ...]
    record: str | None
    record_id: UUID | None
    state: str
    reason: str | None
    answers: Mapping[str, str]
    attempts: int
    created_at: datetime
    asked_at: datetime
    ended_at: datetime | None
    actor_id: UUID | None

    @property
    def delivered(self) -> tuple[str, ...]:
        """Recipients for whom the server has taken it."""
        return tuple(one for one in self.recipients if self.answers.get(one, "").startswith("2"))

    @property
    def undelivered(self) -> tuple[str, ...]:
        """Recipients for whom it is still to be sent: none who has it, none who was refused."""
        return tuple(one for one in self.recipients if not self.answers.get(one, "").startswith(("2", "5")))


COLUMNS: tuple[sa.Column[Any], ...] = tuple(table.c[one.name] for one in fields(Mail))

WITHOUT_TEXTS: tuple[sa.ColumnElement[Any], ...] = tuple(
    sa.null().label(column.name) if column.name in ("text", "html") else column for column in COLUMNS
)
"""For lists: texts may be long."""


def as_mail(row: Mapping[Any, Any]) -> Mail:
    values = {one.name: row[one.name] for one in fields(Mail)}
    return Mail(**{**values, "recipients": tuple(row["recipients"]), "files": tuple(row["files"])})
