"""Identifiers: UUIDv7 made here, so that they sort by time and clients may send their own."""

from __future__ import annotations

from uuid import UUID

from uuid6 import uuid7


def new_id() -> UUID:
    """A new UUID version 7 (RFC 9562)."""
    return UUID(int=uuid7().int)


def as_id(value: object) -> UUID | None:
    """The id that a value or its spelling is; None for what is none."""
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        return None
