"""What the templates of duplicates and merging read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ossature.web.models import Action, Cell


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A record that looks like what is typed; `why` in words, `facts` to tell it by."""

    title: str
    url: str
    why: tuple[str, ...]
    facts: tuple[Cell, ...]
    merge_url: str | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """One record of a pair or of a merge."""

    id: UUID
    title: str
    url: str
    created_at: datetime
    updated_at: datetime
    version: int
    stays: bool = False


@dataclass(frozen=True, slots=True)
class PairFact:
    """A field of both records of a pair; `matches` where a rule holds for it."""

    label: str
    a: Cell
    b: Cell
    same: bool
    matches: bool


@dataclass(frozen=True, slots=True)
class PairCard:
    """Two records side by side, how likely they are one, and what can be done."""

    id: UUID
    a: Side
    b: Side
    likely: str
    tone: str
    why: tuple[str, ...]
    facts: tuple[PairFact, ...]
    merge_url: str | None
    decide: Action | None
    dismissed_by: str = ""
    dismissed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ScanView:
    """The last search: how far a running one is, when the last one ended; `early` says why it did before its time. `url`
    is the page as it is shown, to be asked again."""

    running: bool
    url: str
    done: int = 0
    total: int = 0
    finished_at: datetime | None = None
    early: str = ""


@dataclass(frozen=True, slots=True)
class PairsPage:
    """The list to look through; `scan_url` searches anew."""

    title: str
    url: str
    records: str
    state: str
    pairs: tuple[PairCard, ...]
    open_count: str
    more_url: str | None
    scan: ScanView | None
    scan_url: str | None


@dataclass(frozen=True, slots=True)
class MergeCell:
    """The value that one record has in a field, and whether it is the one that is taken."""

    id: UUID
    cell: Cell
    taken: bool


@dataclass(frozen=True, slots=True)
class MergeRow:
    name: str
    label: str
    cells: tuple[MergeCell, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class MergePage:
    """Records beside each other, the one that stays marked; `rows` are fields to choose, `same` those where all agree.

    `moves` are sentences on what moves; `joined` what is kept of all: tags, entries. `hindrance` is why the reader may
    not merge these.
    """

    title: str
    url: str
    cancel_url: str
    records: tuple[Side, ...]
    into: Side
    going: str
    rows: tuple[MergeRow, ...]
    same: tuple[MergeRow, ...]
    moves: tuple[str, ...]
    submit_label: str
    hindrance: str = ""
    errors: tuple[str, ...] = ()
