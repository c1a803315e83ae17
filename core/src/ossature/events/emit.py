"""Emitting events of one's own. They are rows of the business transaction: both happen or neither."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from pydantic import BaseModel

from ossature.db.kernel import event as event_table
from ossature.db.work import session
from ossature.events.types import EventType
from ossature.events.wake import wake_after_commit
from ossature.ids import new_id
from ossature.kernel import kernel


def emit(type: EventType, data: BaseModel, *, record: str | None = None, record_id: UUID | None = None) -> UUID:
    """Write an event with the current unit of work; returns its id.

    `record` and `record_id` name what it is about: events about one record are handed over in the order in which they
    were written. `data` is an instance of the type's model.
    """
    if type.key not in kernel().background.event_types:
        raise LookupError(f"event {type.key} is not registered; return it from register_events")
    if not isinstance(data, type.data):
        raise TypeError(f"event {type.key} takes {type.data.__name__}, not {data.__class__.__name__}")
    content: dict[str, Any] = orjson.loads(data.model_dump_json())
    event_id = new_id()
    session().execute(
        sa.insert(event_table).values(
            id=event_id, type=type.key, version=type.version, record=record, record_id=record_id, data=content
        )
    )
    wake_after_commit()
    return event_id
