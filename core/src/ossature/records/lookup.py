"""Record types by key, from wherever the code runs."""

from __future__ import annotations

from ossature.kernel import kernel
from ossature.records.types import RecordType


def record_type(key: str) -> RecordType:
    """The description of a registered record: `record_type("crm.contact")`. Raises `KeyError` when there is none."""
    return kernel().records[key]
