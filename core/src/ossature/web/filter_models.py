"""What the boxes of a list's toolbar read: filter, order, groups and columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ossature.web.models import Choice

Control = Literal["none", "text", "amount", "number", "date", "period", "checks", "select", "reference", "people"]


@dataclass(frozen=True, slots=True)
class FilterField:
    """A field to filter by, with the address of its question."""

    name: str
    label: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class FilterRow:
    """One question: field, operator, and the control that its value takes. A group that lies deeper is only `words`."""

    number: int
    field: str = ""
    op: str = ""
    operators: tuple[Choice, ...] = ()
    control: Control = "none"
    values: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    options_url: str = ""
    days: str = ""
    two: bool = False
    """Takes a lower and an upper value."""
    step: str = "any"
    hint: str = ""
    words: str = ""
    kept: str = ""

    def name(self, what: str) -> str:
        """Of one of its inputs."""
        return f"{what}{self.number}"


@dataclass(frozen=True, slots=True)
class FilterForm:
    """A filter being made or changed; `at` is its place among those of the list, empty for a new one."""

    url: str
    state: Mapping[str, str]
    fields: tuple[FilterField, ...]
    rows: tuple[FilterRow, ...] = ()
    join: str = "all"
    at: str = ""
    lift_url: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A column that the list is sorted or grouped by already, in order."""

    name: str
    label: str
    remove_url: str
    turn_url: str = ""
    down: bool = False
    earlier_url: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A column that it could be sorted or grouped by as well; `spans` are those of a date."""

    name: str
    label: str
    url: str
    spans: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Ordering:
    """The box of sorts or of groups."""

    chosen: tuple[Chosen, ...]
    offers: tuple[Offer, ...] = ()
    capped: tuple[Offer, ...] = ()
    cap: int = 0
    clear_url: str = ""
    full: bool = False


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    name: str
    label: str
    shown: bool
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class ColumnsForm:
    """The box of columns: those shown first, in their order."""

    url: str
    state: Mapping[str, str]
    columns: tuple[ColumnChoice, ...]
    reset_url: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
