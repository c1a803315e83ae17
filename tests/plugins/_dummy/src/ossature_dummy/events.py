"""Facts about pebbles that others may want to know."""

from __future__ import annotations

from pydantic import BaseModel

from ossature.api import EventType, translator

_, _l, ngettext = translator("_dummy")


class Polish(BaseModel):
    """How much a pebble lost in polishing, in grams."""

    lost: int


POLISHED = EventType("_dummy.pebble.polished", _l("Pebble polished"), Polish)
