"""`GET /api/<plugin>/<records>/<id>/history`: the timeline of a record, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from flask import Response, request
from pydantic import BaseModel, Field

from ossature.db.types import Money
from ossature.errors import BadRequest, Detail
from ossature.history.timeline import Entry, timeline
from ossature.i18n.texts import translator
from ossature.records.clean import MOST_BIG, whole_number
from ossature.records.fields import Field as RecordField
from ossature.records.fields import Kind
from ossature.records.query import get_row
from ossature.records.types import RecordType
from ossature.web.api import known_arguments, limit_argument, success
from ossature.web.versions import translation

_, _l, _n = translator("ossature")


class HistoryActor(BaseModel):
    id: UUID
    label: str
    kind: str


class HistoryField(BaseModel):
    field: str = Field(description="Of a part: `lines.share`")
    before: Any
    after: Any


class HistoryEntry(BaseModel):
    change_set_id: UUID
    at: datetime
    actor: HistoryActor | None
    means: str
    reason: str | None
    action: Literal["create", "update", "delete", "restore", "purge"]
    changes: list[HistoryField] = Field(description="Of the fields that you may see; none of a creation")
    undone: bool


class HistoryMeta(BaseModel):
    next: str | None = Field(description="Cursor to go on with")
    limit: int


class HistoryAnswer(BaseModel):
    success: bool = True
    data: list[HistoryEntry]
    meta: HistoryMeta


class HistoryQuery(BaseModel):
    limit: int | None = Field(None, ge=1, le=100, description="Change sets a page, 20 unless given")
    cursor: str | None = Field(None, description="`meta.next` of the page before")


def history_answer(rt: RecordType, id: UUID) -> Response:
    """A page of a record's change sets, the newest first."""
    known_arguments(("limit", "cursor"))
    get_row(rt, id)
    limit, mark = limit_argument(20, 100), read_mark(request.args.get("cursor", ""))
    page = timeline(rt, id, before=mark or None, limit=limit)
    data = [
        {
            "change_set_id": entry.id, "at": entry.at, "means": entry.means, "reason": entry.reason, "action": entry.what,
            "actor": actor_out(entry.actor_id, entry.actor, entry.actor_kind), "changes": field_changes(rt, entry),
            "undone": page.undoings[entry.id].undone,
        }
        for entry in page.entries
    ]  # fmt: skip
    return success(data, meta={"next": page.more and str(page.more), "limit": limit})


def field_changes(rt: RecordType, entry: Entry) -> list[dict[str, Any]]:
    """What an entry says of fields, named as the API names them; of a secret only that it changed."""
    collections = {part.key: name for name, part in rt.parts.items()}
    found = []
    for item in entry.changes:
        (name,) = translation(item.record.key).older_names([item.field.name]) or [item.field.name]
        path = f"{collections[item.record.key]}.{name}" if item.record.key in collections else name
        before, after = (
            (None, None) if item.field.secret else (_out(item.field, item.before), _out(item.field, item.after))
        )
        found.append({"field": path, "before": before, "after": after})
    return found


def _out(item: RecordField, value: Any) -> Any:
    if item.kind is Kind.MONEY and value is not None:
        minor, currency = value
        return None if minor is None or currency is None else Money(minor, currency)
    return str(value) if item.kind is Kind.DECIMAL and value is not None else value


def actor_out(id: UUID | None, label: str, kind: str) -> dict[str, Any] | None:
    return None if id is None else {"id": id, "label": label, "kind": kind}


def read_mark(text: str) -> int:
    """The number of a change that a page goes on from, 0 for the beginning."""
    mark = whole_number(text or "0", MOST_BIG)
    if mark is None:
        raise BadRequest(
            _("The cursor is not valid; start again without it."),
            [Detail("cursor", "invalid", _("Give meta.next of the same list."))], code="bad_cursor",
        )  # fmt: skip
    return mark
