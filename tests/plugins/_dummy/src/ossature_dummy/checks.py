"""What may be written, and what the plugin needs."""

from __future__ import annotations

from ossature.api import Detail, RecordChange, translator
from ossature_dummy.settings import HEAVIEST, ROCKS_ALLOWED

_, _l, ngettext = translator("_dummy")


def refuse_rocks(change: RecordChange) -> list[Detail]:
    if change.record != "_dummy.pebble" or ROCKS_ALLOWED.read():
        return []
    limit = HEAVIEST.read()
    if (change.after.get("weight") or 0) > limit:
        return [Detail("weight", "too_heavy", _("This is a rock. A pebble weighs %(limit)d g at most.", limit=limit))]
    return []


def water() -> str | None:
    """The sea has never been found missing."""
    return None
