"""The order in which rows that are written together may be: those that could meet are not in one statement."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ossature.records.rules import folded

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Meeting:
    """What a row brings that another one could meet, and what it looks for of those before it."""

    brings: Collection[Hashable]
    needs: Collection[Hashable] = ()


def waves(rows: Mapping[K, Meeting]) -> Iterator[list[K]]:
    """The rows in waves to be written one after the other; in each, none meets another. As good as one by one for rules
    that look for others with the same value."""
    last: dict[Hashable, int] = {}
    found: list[list[K]] = []
    for key, meeting in rows.items():
        wave = max((last[one] + 1 for one in (*meeting.brings, *meeting.needs) if one in last), default=0)
        last.update(dict.fromkeys(meeting.brings, wave))
        if wave == len(found):
            found.append([])
        found[wave].append(key)
    return iter(found)


def told(name: str, value: Any) -> list[Hashable]:
    """The value of a telling field, as others meet it."""
    if value is None:
        return []
    return [(name, folded(value) if isinstance(value, str) else value)]
