"""Handing events to handlers: a lane is one handler in one tenant, worked on by one process at a time.

A handler runs in the same transaction that takes its deliveries off the list. A crash at any point therefore leaves
either both or neither, and what a handler writes to the database happens once. Effects elsewhere may be repeated:
`Event.first_time` tells.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from ossature.context import Context, current
from ossature.db.kernel import delivery, receipt
from ossature.db.work import session, transaction
from ossature.events.types import Event, Handler
from ossature.kernel import Kernel
from ossature.plugins.manifest import is_on
from ossature.rbac.acting import as_job, tenant_now, write_actor
from ossature.redaction import redact_text
from ossature.versioned import lift

log = logging.getLogger(__name__)

TAKEN_AT_ONCE = 100
_LONGEST_ERROR = 2000

# What there is to do, and when more falls due, in one statement: this is what an idle dispatcher asks.
_LOOK = text(
    """
WITH RECURSIVE lane AS (
  (SELECT tenant_id, handler FROM ossature.delivery WHERE state = 'waiting' ORDER BY tenant_id, handler LIMIT 1)
  UNION ALL
  SELECT n.tenant_id, n.handler FROM lane l CROSS JOIN LATERAL (
    SELECT d.tenant_id, d.handler FROM ossature.delivery d
    WHERE d.state = 'waiting' AND (d.tenant_id, d.handler) > (l.tenant_id, l.handler)
    ORDER BY d.tenant_id, d.handler LIMIT 1) n)
SELECT tenant_id, handler, 'waiting' AS state, NULL::timestamptz AS due_at FROM lane
UNION ALL
SELECT DISTINCT tenant_id, handler, 'retry', NULL::timestamptz FROM ossature.delivery
  WHERE state = 'retry' AND due_at <= now()
UNION ALL
SELECT NULL, NULL, 'later', min(due_at) FROM ossature.delivery WHERE state = 'retry' AND due_at > now()
UNION ALL
SELECT NULL, NULL, 'job', min(due_at) FROM ossature.job WHERE state IN ('queued', 'failed') AND pushed_at IS NULL
UNION ALL
SELECT NULL, NULL, 'now', now()
""".replace("::", "\\:\\:")
)

# The deliveries first, by their index, then what they are about by key: no statistics can make this a scan.
_TAKE = """
WITH taken AS MATERIALIZED (
  SELECT d.tenant_id, d.seq, d.event_at, d.attempts FROM ossature.delivery d
  WHERE d.tenant_id = :tenant AND d.handler = :handler AND {condition} AND NOT EXISTS (
    SELECT FROM ossature.delivery b WHERE b.tenant_id = d.tenant_id AND b.handler = d.handler
      AND b.record_id = d.record_id AND b.state = 'retry' AND b.seq < d.seq)
  ORDER BY d.seq LIMIT :most FOR UPDATE OF d SKIP LOCKED)
SELECT d.seq, d.attempts, e.id, e.type, e.version, e.at, e.record, e.record_id, e.actor_id, e.data,
       c.what, c.version AS record_version, c.payload
FROM taken d
JOIN ossature.event e ON e.tenant_id = d.tenant_id AND e.seq = d.seq AND e.at = d.event_at
LEFT JOIN ossature.change c ON e.data IS NULL AND c.tenant_id = d.tenant_id AND c.seq = d.seq AND c.at = d.event_at
ORDER BY d.seq
"""
_TAKE_WAITING = text(_TAKE.format(condition="d.state = 'waiting'"))
_TAKE_RETRY = text(_TAKE.format(condition="d.state = 'retry' AND d.due_at <= now()"))


@dataclass(frozen=True, slots=True)
class Lane:
    """What one handler is owed in one tenant; `state` is waiting, or retry when earlier failures are due again."""

    tenant_id: UUID
    handler: str
    state: str


@dataclass(frozen=True, slots=True)
class Look:
    """What waits to be delivered now, when the next failed delivery is due, and when the next job is; all by the
    database's clock."""

    lanes: tuple[Lane, ...]
    now: datetime
    next_retry: datetime | None
    next_job: datetime | None


def look() -> Look:
    """Over all tenants; in a transaction of the system role."""
    rows = session().execute(_LOOK).all()
    moments = {row.state: row.due_at for row in rows if row.handler is None}
    lanes = tuple(Lane(row.tenant_id, row.handler, row.state) for row in rows if row.handler is not None)
    return Look(lanes, moments["now"], moments["later"], moments["job"])


def deliver(kernel: Kernel, lane: Lane) -> int:
    """Hand over the next events of a lane; how many left the list. 0 when there is nothing that can be done now.

    Everything is tried together first. When that fails nothing of it holds, and the events are tried one by one, so
    that only those that fail wait for their next try.
    """
    handler = kernel.background.handlers.get(lane.handler)
    if handler is None:
        return 0
    tenant, plugins = tenant_now(lane.tenant_id)
    if tenant is None or not is_on(handler.plugin, plugins):
        return 0
    context = as_job(tenant, plugins, handler.key, str(handler.label))
    try:
        return _together(kernel, context, handler, lane)
    except _Failed as failed:
        return _one_by_one(kernel, context, handler, lane, failed)


class _Failed(Exception):
    """Events failed together; `alone` is the number of the event when there was only one, which has had its try."""

    def __init__(self, events: Sequence[Event], error: Exception) -> None:
        self.alone = events[0].seq if len(events) == 1 else None
        self.error = error


def _together(kernel: Kernel, context: Context, handler: Handler, lane: Lane) -> int:
    with transaction(context, database=kernel.db):
        events = _take(kernel, handler, lane)
        if not events:
            return 0
        write_actor(_actor(context))
        try:
            for some in _batches(handler, events):
                handler.run(some)
            session().flush()
        except Exception as error:
            raise _Failed(events, error) from error
        _done(handler, events)
        return len(events)


def _one_by_one(kernel: Kernel, context: Context, handler: Handler, lane: Lane, before: _Failed) -> int:
    held: set[UUID] = set()
    handled: list[Event] = []
    failed = 0
    with transaction(context, database=kernel.db):
        events = _take(kernel, handler, lane)
        if events:
            write_actor(_actor(context))
        for event in events:
            if event.record_id in held:
                continue
            try:
                if event.seq == before.alone:
                    raise before.error
                with _alone():
                    handler.run([event] if handler.batch > 1 else event)
            except Exception as error:
                failed += 1
                if event.record_id is not None:
                    held.add(event.record_id)
                _put_off(handler, event, error)
            else:
                handled.append(event)
        _done(handler, handled)
    return len(handled) + failed


@contextmanager
def _alone() -> Iterator[None]:
    """A part of the unit of work that may fail by itself: neither its writes nor its callbacks remain then."""
    work = session()
    before = {name: copy(value) for name, value in work.info.items()}
    try:
        with work.begin_nested():
            yield
            work.flush()
    except Exception:
        work.info.clear()
        work.info.update(before)
        raise


def _take(kernel: Kernel, handler: Handler, lane: Lane) -> list[Event]:
    """Lock and read the next events; none when another process is at this lane."""
    work = session()
    lock = f"{lane.tenant_id}:{lane.handler}"
    if not work.scalar(text("SELECT pg_try_advisory_xact_lock(hashtextextended(:lane, 0))"), {"lane": lock}):
        return []
    statement = _TAKE_RETRY if lane.state == "retry" else _TAKE_WAITING
    rows = work.execute(
        statement, {"tenant": lane.tenant_id, "handler": lane.handler, "most": max(handler.batch, TAKEN_AT_ONCE)}
    )
    return [to_event(kernel, lane.tenant_id, row, handler.key, row["attempts"] + 1) for row in rows.mappings()]


def _batches(handler: Handler, events: Sequence[Event]) -> list[Any]:
    if handler.batch == 1:
        return list(events)
    return [list(events[start : start + handler.batch]) for start in range(0, len(events), handler.batch)]


def _done(handler: Handler, events: Sequence[Event]) -> None:
    if not events:
        return
    session().execute(
        text("DELETE FROM ossature.delivery WHERE tenant_id = :tenant AND handler = :handler AND seq = ANY(:seqs)"),
        {"tenant": events[0].tenant_id, "handler": handler.key, "seqs": [event.seq for event in events]},
    )


def _put_off(handler: Handler, event: Event, error: Exception) -> None:
    """Plan the next try, or put the event aside when it was the last."""
    dead = event.attempt >= handler.attempts
    (log.error if dead else log.warning)(
        "event %s: handler %s failed at attempt %d%s", event.id, handler.key, event.attempt,
        "; it is put aside as dead" if dead else "", exc_info=error,
    )  # fmt: skip
    session().execute(
        sa.update(delivery)
        .where(
            delivery.c.tenant_id == event.tenant_id, delivery.c.handler == handler.key, delivery.c.seq == event.seq
        )
        .values(
            state="dead" if dead else "retry",
            attempts=event.attempt,
            due_at=None if dead else sa.text("clock_timestamp() + make_interval(secs => :pause)").bindparams(
                pause=handler.pause_after(event.attempt)
            ),
            error=describe(error),
        )
    )  # fmt: skip


def describe(error: BaseException) -> str:
    """An error as it is kept and shown: its kind and first lines, nothing secret or personal."""
    return redact_text(f"{type(error).__name__}: {error}")[:_LONGEST_ERROR]


def to_event(kernel: Kernel, tenant_id: UUID, row: Mapping[Any, Any], handler: str = "", attempt: int = 1) -> Event:
    """A row of `event`, joined with its row of `change` when it has no data of its own."""
    version, data = row["version"], row["data"]
    if data is None:
        data = {"version": row["record_version"], "changes": _changes(row["what"], row["payload"])}
    elif (declared := kernel.background.event_types.get(row["type"])) is not None:
        version, data = lift(data, version, declared.version, declared.upgrades)
    return Event(
        id=row["id"], type=row["type"], version=version, at=row["at"], seq=row["seq"], tenant_id=tenant_id,
        record=row["record"], record_id=row["record_id"], data=data, actor_id=row["actor_id"], handler=handler,
        attempt=attempt,
    )  # fmt: skip


def _changes(what: str | None, payload: Mapping[str, Any] | None) -> dict[str, Any]:
    payload = payload or {}
    if what in ("create", "purge"):
        side, other = ("after", "before") if what == "create" else ("before", "after")
        return {name: {side: value, other: None} for name, value in payload.items()}
    return {name: {"before": before, "after": after} for name, (before, after) in payload.items()}


def first_time(event: Event) -> bool:
    """Note that a handler handles an event; False when it was noted before."""
    noted = session().execute(
        insert(receipt)
        .values(tenant_id=event.tenant_id, handler=event.handler, event_id=event.id)
        .on_conflict_do_nothing()
        .returning(receipt.c.event_id)
    )
    return noted.scalar() is not None


def _actor(context: Context) -> Any:
    assert context.actor is not None
    return context.actor


def replay(handler: Handler | str, seqs: Sequence[int]) -> int:
    """Hand dead events over again, in the bound tenant; how many were dead."""
    key = handler if isinstance(handler, str) else handler.key
    changed = session().execute(
        sa.update(delivery)
        .where(
            delivery.c.tenant_id == current().tenant_id,
            delivery.c.handler == key,
            delivery.c.state == "dead",
            delivery.c.seq.in_(seqs),
        )
        .values(state="waiting", attempts=0, error=None)
        .returning(delivery.c.seq)
    )
    return len(changed.all())
