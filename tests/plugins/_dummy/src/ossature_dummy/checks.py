"""What may be written, and what the plugin needs."""

from __future__ import annotations

from ossature.api import Detail, RecordChange, translator
from ossature_dummy.settings import ROCKS_ALLOWED

_, _l, ngettext = translator("_dummy")

HEAVIEST = 10_000
"""Grams; more is a rock."""


def refuse_rocks(change: RecordChange) -> list[Detail]:
    if change.record != "_dummy.pebble" or ROCKS_ALLOWED.read():
        return []
    if (change.after.get("weight") or 0) > HEAVIEST:
        return [
            Detail("weight", "too_heavy", _("This is a rock. A pebble weighs %(limit)d g at most.", limit=HEAVIEST))
        ]
    return []


def water() -> str | None:
    """The sea has never been found missing."""
    return None
