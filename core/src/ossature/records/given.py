"""What a writer gives of a record, fields and entries of collections, as it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ossature.records.clean import Cleaner, clean
from ossature.records.owning import writable_fields
from ossature.records.part_writes import clean_parts, split_parts
from ossature.records.query import Row
from ossature.records.statements import invalid
from ossature.records.types import RecordType


class Reader:
    """Reads what is given of any number of records of one kind; `read` is how values are looked at."""

    def __init__(self, rt: RecordType, read: Cleaner = clean) -> None:
        self._rt, self._read = rt, read
        self._fields = writable_fields(rt)

    def __call__(self, values: Mapping[str, Any], *, partial: bool) -> tuple[dict[str, Any], dict[str, list[Row]]]:
        """Clean values and entries; `partial` leaves absent fields alone. Raises `Invalid` with every fault."""
        own, parts = split_parts(self._rt, values)
        cleaned, faults = self._read(self._fields, own, partial=partial)
        cleaned_parts, part_faults = clean_parts(self._rt, parts, self._read)
        if faults or part_faults:
            raise invalid([*faults, *part_faults])
        return cleaned, cleaned_parts
