"""The order of a collection: each entry has a number, with gaps, so that few are written when one is moved."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any
from uuid import UUID

from ossature.records.types import RecordType

GAP = 10


def keep_order(
    part: RecordType, entries: Sequence[MutableMapping[str, Any]], known: Mapping[UUID, Mapping[str, Any]] | None = None
) -> None:
    """Number the entries in the order in which they are given; `known` are those that are stored, by id."""
    if part.position is None:
        return
    name, stored = part.position.name, known or {}
    numbers = [row[name] if (row := stored.get(entry.get("id"))) else None for entry in entries]  # type: ignore[arg-type]
    for entry, number in zip(entries, rising(numbers), strict=True):
        entry[name] = number


def rising(numbers: Sequence[int | None]) -> list[int]:
    """Numbers that rise, as many of those given kept as can be; None stands for an entry that has none yet."""
    keep = _longest_rise(numbers)
    made: list[int] = []
    low = 0
    for at in [*keep, len(numbers)]:
        between = at - len(made)
        high = numbers[at] if at < len(numbers) else None
        step = GAP if high is None else (high - low) // (between + 1)
        if between and step < 1:
            return [GAP * (place + 1) for place in range(len(numbers))]
        made += [low + step * (place + 1) for place in range(between)]
        if high is not None:
            made.append(high)
            low = high
    return made


def _longest_rise(numbers: Sequence[int | None]) -> list[int]:
    """Where the longest rising selection of the numbers stands; positive ones only, which leave room before them."""
    ends: list[int] = []
    places: list[int] = []
    before: dict[int, int | None] = {}
    for place, number in enumerate(numbers):
        if number is None or number < 1:
            continue
        at = bisect_left(ends, number)
        before[place] = places[at - 1] if at else None
        ends[at : at + 1] = [number]
        places[at : at + 1] = [place]
    found: list[int] = []
    last: int | None = places[-1] if places else None
    while last is not None:
        found.append(last)
        last = before[last]
    return found[::-1]
