"""What the templates of lists read, besides the cells of `ossature.web.models`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ossature.web.face_models import Faces
from ossature.web.models import NUMERIC, Action, Cell, CellKind
from ossature.web.view_models import ViewsMenu


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list; `sort_url` makes its header a link, `sorted` says how it is sorted now."""

    name: str
    label: str
    kind: CellKind = "text"
    unit: str | None = None
    sort_url: str | None = None
    sorted: Literal["ascending", "descending"] | None = None
    wide: bool = False

    @property
    def numeric(self) -> bool:
        return self.kind in NUMERIC


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a list; the first cell is its name and links to `url`."""

    id: str
    url: str
    cells: tuple[Cell, ...]
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Pager:
    """Keyset paging: there is a next and a previous, never a page number."""

    previous_url: str | None = None
    next_url: str | None = None


@dataclass(frozen=True, slots=True)
class FilterChip:
    """An active filter, read as a sentence ("Status is Lead"), and the address without it."""

    label: str
    lift_url: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are; `more` when counting stopped there ("more than 1,000")."""

    value: int
    more: bool = False


@dataclass(frozen=True, slots=True)
class ListPage:
    """A list of records: `record/list.html`, and `record/_rows.html` alone when only the rows are asked for."""

    title: str
    url: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    count: Count | None = None
    search: str | None = ""
    """What is searched for; None when the record cannot be searched."""
    search_label: str = ""
    keep: Mapping[str, str] = field(default_factory=dict)
    """Query arguments a search must keep (sort, filters)."""
    chips: tuple[FilterChip, ...] = ()
    clear_url: str | None = None
    pager: Pager = Pager()
    create: Action | None = None
    actions: tuple[Action, ...] = ()
    empty_title: str = ""
    empty_text: str = ""
    icon: str | None = None
    views: ViewsMenu | None = None
    faces: Faces | None = None
    note: str = ""
    """What the reader should know of what is shown, over the rows: a search that could not be answered in full."""

    @property
    def filtered(self) -> bool:
        return bool(self.search or self.chips)
