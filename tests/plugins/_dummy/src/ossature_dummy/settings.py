"""What an organisation may choose about pebbles."""

from __future__ import annotations

from ossature.api import Setting, translator

_, _l, ngettext = translator("_dummy")

ROCKS_ALLOWED = Setting(
    "_dummy.rocks_allowed", _l("Rocks count as pebbles"), help=_l("Without it, 10 kg is the limit.")
)
