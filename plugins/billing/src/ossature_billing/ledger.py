"""The table of what was issued: written once, by nobody changed. The app role may read it and add to it, no more."""

from __future__ import annotations

import sqlalchemy as sa

issued = sa.table(
    "issued",
    sa.column("tenant_id", sa.Uuid),
    sa.column("id", sa.Uuid),
    sa.column("series_id", sa.Uuid),
    sa.column("legal_entity_id", sa.Uuid),
    sa.column("link", sa.Integer),
    sa.column("period", sa.Text),
    sa.column("position", sa.Integer),
    sa.column("number", sa.Text),
    sa.column("issued_on", sa.Date),
    sa.column("document", sa.LargeBinary),
    sa.column("previous", sa.Text),
    sa.column("hash", sa.Text),
    sa.column("issued_at", sa.DateTime(timezone=True)),
    sa.column("issued_by_id", sa.Uuid),
    schema="billing",
)
"""`id` is that of the document, `link` its place in the chain of its series, `position` its place in the period that
its number counts in (`2026`, `2026-11`, or nothing), `document` the bytes that `freezing.freeze` made."""


def next_position(first: int, before: tuple[str, int] | None, period: str) -> int:
    """The place within its period of the document after one of that period and position: a series begins with `first`,
    every later period with 1."""
    if before is None:
        return first
    of, position = before
    return position + 1 if of == period else 1
