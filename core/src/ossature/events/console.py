"""Events as people look after them: what each handler is owed, what failed, handing over again and giving up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from ossature.context import current
from ossature.db.kernel import delivery, event
from ossature.db.work import session
from ossature.events import delivery as lanes
from ossature.events.wake import wake_after_commit
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.plugins.manifest import is_on
from ossature.records.cursor import Cursor
from ossature.records.query import labels
from ossature.redaction import redact_text

_, _l, _n = translator("ossature")

PAGE_SIZE: Final = 50
_VERBS: Final = {
    "created": _l("creation"),
    "updated": _l("change"),
    "deleted": _l("deletion"),
    "restored": _l("restoration"),
    "purged": _l("final deletion"),
}


@dataclass(frozen=True, slots=True)
class HandlerView:
    """A handler and how many events it is owed. `parked` says why nothing is handed over: `gone` when its code is not
    here, `off` when its plugin is switched off."""

    key: str
    label: str
    events: tuple[str, ...]
    parked: str | None
    waiting: int = 0
    retrying: int = 0
    dead: int = 0
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventView:
    """An event that a handler failed on: `retry` (again at `due_at`) or `dead`. `title` is that of the record it is
    about, where the reader may see it."""

    handler: str
    handler_label: str
    seq: int
    id: UUID | None
    type: str
    label: str
    record: str | None
    record_id: UUID | None
    title: str | None
    state: str
    attempts: int
    due_at: datetime | None
    error: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class EventPage:
    rows: tuple[EventView, ...]
    previous: str | None = None
    next: str | None = None


def handlers() -> list[HandlerView]:
    """Those of enabled plugins, and whoever else is owed something in the bound tenant; by label."""
    state = delivery.c.state

    def number(of: str) -> sa.Label[int]:
        return sa.func.count().filter(state == of).label(of)

    rows = session().execute(
        sa.select(
            delivery.c.handler, number("waiting"), number("retry"), number("dead"),
            sa.func.min(delivery.c.event_at).filter(state == "waiting").label("oldest"),
        )
        .where(delivery.c.tenant_id == current().tenant_id)
        .group_by(delivery.c.handler)
    )  # fmt: skip
    owed = {row.handler: row for row in rows}
    declared = kernel().background.handlers
    found = []
    for key in owed.keys() | {key for key in declared if _parked(key) is None}:
        handler, row = declared.get(key), owed.get(key)
        found.append(
            HandlerView(
                key,
                label_of(key),
                handler.events if handler else (),
                _parked(key),
                *((row.waiting, row.retry, row.dead, row.oldest) if row else ()),
            )
        )
    return sorted(found, key=lambda handler: handler.label.casefold())


def find_events(
    state: str | None = None, handler: str | None = None, cursor: str = "", limit: int = PAGE_SIZE
) -> EventPage:
    """Events that failed, newest first: `dead`, `retry` or both. Raises `BadRequest` for a cursor of another list."""
    of = f"events:{state or ''}:{handler or ''}"
    place = Cursor.read(cursor, kernel().cursor_key, of) if cursor else None
    back = place is not None and place.backwards
    order = sa.tuple_(delivery.c.seq, delivery.c.handler)
    query = (
        sa.select(
            delivery.c.handler, delivery.c.seq, delivery.c.event_at, delivery.c.state, delivery.c.attempts,
            delivery.c.due_at, delivery.c.error, event.c.id, event.c.type, event.c.record, event.c.record_id,
        )
        .select_from(
            delivery.outerjoin(
                event,
                sa.and_(
                    event.c.tenant_id == delivery.c.tenant_id, event.c.seq == delivery.c.seq,
                    event.c.at == delivery.c.event_at,
                ),
            )
        )
        .where(
            delivery.c.tenant_id == current().tenant_id, delivery.c.state.in_([state] if state else ["dead", "retry"])
        )
    )  # fmt: skip
    if handler is not None:
        query = query.where(delivery.c.handler == handler)
    if place is not None:
        edge = sa.tuple_(sa.literal(int(place.value), sa.BigInteger), sa.literal(place.id))
        query = query.where(order > edge if back else order < edge)
    columns = (delivery.c.seq, delivery.c.handler)
    found = session().execute(
        query.order_by(*(columns if back else [column.desc() for column in columns])).limit(limit + 1)
    )
    rows = found.mappings().all()
    more, rows = len(rows) > limit, rows[:limit]
    views = _views(list(reversed(rows)) if back else rows)

    def edge_of(row: EventView, backwards: bool) -> str:
        return Cursor(of, row.seq, row.handler, backwards).write(kernel().cursor_key)

    if not views:
        return EventPage(())
    return EventPage(
        views,
        edge_of(views[0], True) if (more if back else place is not None) else None,
        edge_of(views[-1], False) if (place is not None if back else more) else None,
    )


def replay(handler: str, seqs: Sequence[int] | None = None) -> int:
    """Hand dead events over again, all of the handler's when none are named; how many were dead."""
    if seqs is None:
        changed = session().execute(
            sa.update(delivery)
            .where(*_of(handler), delivery.c.state == "dead")
            .values(state="waiting", attempts=0, error=None)
            .returning(delivery.c.seq)
        )
        number = len(changed.all())
    else:
        number = lanes.replay(handler, seqs)
    if number:
        wake_after_commit()
    return number


def try_now(handler: str, seq: int) -> bool:
    """Hand an event over again that waits for its next try; whether it did."""
    changed = session().execute(
        sa.update(delivery)
        .where(*_of(handler), delivery.c.seq == seq, delivery.c.state == "retry")
        .values(due_at=sa.func.now())
        .returning(delivery.c.seq)
    )
    if changed.scalar() is None:
        return False
    wake_after_commit()
    return True


def discard(handler: str, seqs: Sequence[int] | None = None) -> int:
    """Never hand these events to the handler again: all its dead ones, or the named ones, dead or failing."""
    conditions = [*_of(handler), delivery.c.state == "dead"]
    if seqs is not None:
        conditions = [*_of(handler), delivery.c.state != "waiting", delivery.c.seq.in_(seqs)]
    gone = session().execute(sa.delete(delivery).where(*conditions).returning(delivery.c.seq))
    number = len(gone.all())
    if number:
        wake_after_commit()  # what waited behind it, of the same record, may come now
    return number


def label_of(handler: str) -> str:
    """A handler's label in the reader's language; its key when its code is gone."""
    declared = kernel().background.handlers.get(handler)
    return str(declared.label) if declared is not None else handler


def event_label(type: str) -> str:
    """An event's name in the reader's language: as declared, or what happened to a record; else its key."""
    declared = kernel().background.event_types.get(type)
    if declared is not None:
        return str(declared.label)
    key, _dot, verb = type.rpartition(".")
    rt = kernel().records.get(key)
    if rt is None or verb not in _VERBS:
        return type
    return _("%(record)s: %(event)s", record=str(rt.label), event=str(_VERBS[verb]))


def _of(handler: str) -> list[sa.ColumnElement[bool]]:
    return [delivery.c.tenant_id == current().tenant_id, delivery.c.handler == handler]


def _parked(handler: str) -> str | None:
    declared = kernel().background.handlers.get(handler)
    if declared is None:
        return "gone"
    return None if is_on(declared.plugin, current().access.plugins) else "off"


def _views(rows: Sequence[Any]) -> tuple[EventView, ...]:
    about: dict[str, set[UUID]] = {}
    for row in rows:
        rt = kernel().records.get(row["record"]) if row["record"] and row["record_id"] else None
        if rt is not None and not rt.parent and current().access.allows(rt.permission("view")):
            about.setdefault(row["record"], set()).add(row["record_id"])
    titles = {
        id: label.title for key, ids in about.items() for id, label in labels(key, ids).items() if not label.hidden
    }
    return tuple(
        EventView(
            row["handler"], label_of(row["handler"]), row["seq"], row["id"], row["type"] or "",
            event_label(row["type"]) if row["type"] else _("An event that is no longer kept"), row["record"],
            row["record_id"], titles.get(row["record_id"]), row["state"], row["attempts"], row["due_at"],
            redact_text(row["error"]) if row["error"] else None, row["event_at"],
        )
        for row in rows
    )  # fmt: skip
