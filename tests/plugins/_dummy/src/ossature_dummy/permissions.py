"""Rights beyond those of the record."""

from __future__ import annotations

from ossature.api import Permission, translator

_, _l, ngettext = translator("_dummy")

POLISH = Permission("_dummy.pebble.polish", _l("Polish pebbles"), group=_l("Pebbles"))
