"""The table of files: one row per version; the latest of a chain is the file that lists show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ossature.db.tenancy import ACTOR, TENANT, Base

FILE = "ossature.file"
"""How the history names a file; its root is the record that it hangs on."""

table = sa.Table(
    "file",
    Base.metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("record", sa.Text),
    sa.Column("record_id", sa.Uuid),
    sa.Column("name", sa.Text),
    sa.Column("media_type", sa.Text),
    sa.Column("size", sa.BigInteger),
    sa.Column("sha256", sa.Text),
    sa.Column("chain_id", sa.Uuid),
    sa.Column("number", sa.Integer),
    sa.Column("latest", sa.Boolean),
    sa.Column("key", sa.Text),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("thumbnail", sa.Boolean),
    sa.Column("created_at", sa.DateTime(timezone=True), sa.FetchedValue()),
    sa.Column("created_by_id", sa.Uuid, server_default=sa.text(ACTOR)),
    sa.Column("deleted_at", sa.DateTime(timezone=True)),
    schema="ossature",
)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One version of a file on a record.

    `media_type` is what the bytes are, whatever the name says; `size` is in bytes, `sha256` in hexadecimal. `number`
    counts the versions of a file from 1; `chain_id` is the id of the first. `width` and `height` are those of a picture
    that browsers show. `deleted_at` is when the file was removed from its record.
    """

    id: UUID
    record: str
    record_id: UUID
    name: str
    media_type: str
    size: int
    sha256: str
    chain_id: UUID
    number: int
    latest: bool
    key: str
    width: int | None
    height: int | None
    thumbnail: bool
    created_at: datetime
    created_by_id: UUID | None
    deleted_at: datetime | None
    created_by: str | None = None


COLUMNS: tuple[sa.Column[Any], ...] = tuple(column for column in table.c if column.name != "tenant_id")
