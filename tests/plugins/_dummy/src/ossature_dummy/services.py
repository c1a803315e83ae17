"""Writes to pebbles that look beyond one field."""

from __future__ import annotations

from uuid import UUID

from ossature.api import emit, record_type, update
from ossature_dummy.events import POLISHED, Polish


def polish_pebble(id: UUID, weight: int) -> None:
    """Make a pebble white and a hundredth lighter, and let others know."""
    lost = weight // 100
    update(record_type("_dummy.pebble"), id, {"colour": "white", "weight": weight - lost})
    emit(POLISHED, Polish(lost=lost), record="_dummy.pebble", record_id=id)
