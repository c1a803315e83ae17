"""What an organisation may choose about pebbles."""

from __future__ import annotations

from ossature.api import NumberSetting, Setting, translator

_, _l, ngettext = translator("_dummy")

ROCKS_ALLOWED = Setting("_dummy.rocks_allowed", _l("Rocks count as pebbles"), help=_l("Without it, there is a limit."))
HEAVIEST = NumberSetting(
    "_dummy.heaviest", _l("Heaviest pebble"), default=10_000, minimum=1, maximum=1_000_000, unit="g",
    help=_l("More is a rock."),
)  # fmt: skip
