"""Record types by key, from wherever the code runs."""

from __future__ import annotations

from ossature.kernel import kernel
from ossature.records.types import RecordType


def record_type(key: str) -> RecordType:
    """The description of a registered record: `record_type("crm.contact")`. Raises `KeyError` when there is none."""
    return kernel().records[key]


class OfRecord:
    """What serves one record type; asks for its description each time, since every application has its own."""

    def __init__(self, rt: RecordType) -> None:
        self.key = rt.key

    @property
    def rt(self) -> RecordType:
        return record_type(self.key)
