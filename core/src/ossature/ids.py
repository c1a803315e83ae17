"""Identifiers: UUIDv7 made here, so that they sort by time and clients may send their own."""

from __future__ import annotations

import os
import time
from uuid import UUID

_VERSION_AND_VARIANT = 7 << 76 | 2 << 62
_last = 0
_random: list[int] = []
"""Numbers of 80 bits, drawn many at a time: each call of the system costs more than an id."""
os.register_at_fork(after_in_child=_random.clear)


def new_id() -> UUID:
    """A new UUID version 7 (RFC 9562); in one process each sorts after those before it."""
    global _last
    _last = moment = max(time.time_ns() // 1_000_000, _last + 1)
    try:
        random = _random.pop()
    except IndexError:
        drawn = os.urandom(640)
        random, *more = (int.from_bytes(drawn[at : at + 10]) for at in range(0, 640, 10))
        _random.extend(more)
    return UUID(int=moment << 80 | _VERSION_AND_VARIANT | (random >> 62 & 0xFFF) << 64 | random & (1 << 62) - 1)


def as_id(value: object) -> UUID | None:
    """The id that a value or its spelling is; None for what is none."""
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        return None
