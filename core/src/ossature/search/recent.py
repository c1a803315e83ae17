"""The records that a person opened last, in Redis: a convenience, which no page waits or fails for."""

from __future__ import annotations

import time
from uuid import UUID

import redis

from ossature.context import current
from ossature.kernel import kernel
from ossature.logs import get_logger

MOST = 12
KEPT_SECONDS = 90 * 24 * 3600
_PAUSE_SECONDS = 5.0

log = get_logger(__name__)
_away_until = 0.0


def remember(record: str, id: UUID) -> None:
    """Note that the reader has just seen a record."""
    name = _name()
    if name is None or _is_away():
        return
    entry = f"{record}|{id}"
    try:
        with kernel().redis.pipeline(transaction=False) as pipe:
            pipe.lrem(name, 0, entry)
            pipe.lpush(name, entry)
            pipe.ltrim(name, 0, MOST - 1)
            pipe.expire(name, KEPT_SECONDS)
            pipe.execute()
    except redis.RedisError as error:
        _pause(error)


def recent() -> list[tuple[str, UUID]]:
    """Record and id of what the reader saw last, the latest first; whether they still may is for the caller to ask."""
    name = _name()
    if name is None or _is_away():
        return []
    try:
        entries: list[bytes] = kernel().redis.lrange(name, 0, MOST - 1)  # type: ignore[assignment]
    except redis.RedisError as error:
        _pause(error)
        return []
    pairs = (entry.decode().partition("|") for entry in entries)
    return [(record, UUID(id)) for record, _bar, id in pairs]


def _name() -> str | None:
    context = current()
    if context.tenant_id is None or context.actor is None:
        return None
    return f"recent:{context.tenant_id}:{context.actor.id}"


def _is_away() -> bool:
    return time.monotonic() < _away_until


def _pause(error: redis.RedisError) -> None:
    """Leave Redis alone for some seconds, so that not every page waits for it."""
    global _away_until
    _away_until = time.monotonic() + _PAUSE_SECONDS
    log.warning("redis is away", error=str(error))
