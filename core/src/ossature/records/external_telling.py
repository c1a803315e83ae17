"""What the timeline of a record says of its external ids: given, taken away, brought back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from ossature.context import current
from ossature.db.kernel import external_id
from ossature.db.work import session
from ossature.i18n.texts import translator
from ossature.records.external_ids import EXTERNAL_ID
from ossature.records.fields import Field, Kind
from ossature.records.query import Label

_, _l, _n = translator("ossature")

SAID = Field(Kind.TEXT, _l("External id"), name="external_id")
# The history of a removal holds neither source nor value; they are looked up.
LOOKED_UP = Field(Kind.REFERENCE, _l("External id"), name="external_id", target=EXTERNAL_ID)


def external_change(row: Mapping[str, Any]) -> tuple[Field, str | None, str | None] | None:
    """What one row of the history says, as a field that changed, from what to what; None for what was erased from it."""
    payload, id = row["payload"], str(row["record_id"])
    if not payload:
        return None
    match row["what"]:
        case "create":
            return SAID, None, _words(payload)
        case "purge":
            return SAID, _words(payload), None
        case "delete":
            return LOOKED_UP, id, None
        case "restore":
            return LOOKED_UP, None, id
    return None


def external_labels(ids: Iterable[UUID]) -> dict[UUID, Label]:
    """External ids in words, also those that were taken away."""
    e = external_id.c
    rows = session().execute(
        select(e.id, e.source, e.value).where(e.tenant_id == current().tenant_id, e.id.in_(list(ids)))
    )
    return {row.id: Label(row.id, _words(row._asdict())) for row in rows}


def _words(row: Mapping[str, Any]) -> str:
    return f"{row.get('source') or ''}: {row.get('value') or ''}"
