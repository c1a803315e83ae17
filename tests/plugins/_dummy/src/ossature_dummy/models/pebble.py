"""The one record of the plugin."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from ossature.api import Mapped, Record, choice, day, integer, long_text, text, translator

_, _l, ngettext = translator("_dummy")


class Pebble(Record):
    """A pebble of the collection."""

    __key__ = "_dummy.pebble"
    __label__: ClassVar = _l("Pebble")
    __plural__: ClassVar = _l("Pebbles")
    __icon__ = "circle"

    name: Mapped[str] = text(_l("Name"), max_length=80, search=True, sort=True)
    weight: Mapped[int] = integer(_l("Weight"), unit="g", minimum=0, default=0, sort=True)
    colour: Mapped[str] = choice(
        _l("Colour"), {"grey": _l("Grey"), "white": _l("White"), "red": _l("Red")}, default="grey"
    )
    found_on: Mapped[date | None] = day(_l("Found on"))
    story: Mapped[str | None] = long_text(_l("Story"))
