"""A right on a single field."""

from __future__ import annotations

from ossature.api import Permission

SEE_REMARK = Permission("_kinds.sample.see_remark", "See remarks", group="Samples")
