"""Which of some records, kept by their ids, the reader may still see."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from ossature.records.query import Label, labels
from ossature.records.saved import listed
from ossature.records.types import RecordType


def within_reach(found: Iterable[tuple[str, UUID]]) -> list[tuple[RecordType, Label]]:
    """Those of some records (key, id) that the reader may see and that are not deleted, in their order; a statement a
    kind of record."""
    found = list(found)
    types = {key: rt for key in dict.fromkeys(key for key, _id in found) if (rt := listed(key)) is not None}
    titles = {key: labels(key, [id for of, id in found if of == key]) for key in types}
    there = [(types[key], titles[key][id]) for key, id in found if key in types]
    return [(rt, label) for rt, label in there if not (label.hidden or label.deleted)]
