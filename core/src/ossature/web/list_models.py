"""What the templates of lists read, besides the cells of `ossature.web.models`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ossature.web.face_models import Faces
from ossature.web.models import NUMERIC, Action, Cell, CellKind, Choice
from ossature.web.view_models import ViewsMenu


@dataclass(frozen=True, slots=True)
class ColumnFilter:
    """The small input below a header: a text, one of some choices, or a link to the filter that asks for more."""

    kind: Literal["text", "choices", "more"]
    value: str = ""
    choices: tuple[Choice, ...] = ()
    hint: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list; `sort_url` makes its header a link, `sorted` says how it is sorted now, `place` which of
    several sorts it is; `add_url` sorts by it after the others."""

    name: str
    label: str
    kind: CellKind = "text"
    unit: str | None = None
    sort_url: str | None = None
    sorted: Literal["ascending", "descending"] | None = None
    wide: bool = False
    add_url: str | None = None
    place: int = 0
    capped: bool = False
    """Sorts lists up to a stated length only."""
    width: int = 0
    filter: ColumnFilter | None = None
    editable: bool = False
    """Its cells can be changed where they stand."""

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
    version: int = 0
    fixed: bool = False
    """Its reader may not change it, though others of the list."""


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
    edit_url: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A button of the toolbar: its form or menu is fetched into a box beside it, or opened as a page without scripts."""

    key: str
    label: str
    url: str
    value: str = ""
    """What is chosen now, in words."""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are; `more` when counting stopped there ("more than 1,000")."""

    value: int
    more: bool = False
    exact_url: str = ""
    """Where the rest is counted, on request."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a list cannot be shown as it was asked for, and where it can."""

    message: str
    advice: str
    url: str


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
    tools: tuple[Tool, ...] = ()
    filter_url: str = ""
    """The form of a further filter."""
    row_url: str = ""
    """Where the inputs below the headers are sent."""
    look: str = ""
    """The columns with their widths, as the address spells them."""
    groups_url: str | None = None
    """Where the headings of a grouped list come from."""
    row_filter: bool = False
    """The inputs below the headers are shown."""
    refusal: Refused | None = None
    lifts: tuple[FilterChip, ...] = ()
    """Of an empty list: the filters without any one of which there would be rows."""
    all_url: str = ""
    """Where links and e-mail addresses of all that match are read."""
    edits: bool = False
    deletes: bool = False
    mass_url: str = ""
    merge_url: str = ""
    """Where what is selected is changed or deleted."""
    export_url: str = ""
    """Where what is selected is taken out into a file."""
    assigns: bool = False
    tags: bool = False
    faces: Faces | None = None
    note: str = ""
    """What the reader should know of what is shown, over the rows: a search that could not be answered in full."""

    @property
    def filtered(self) -> bool:
        return bool(self.search or self.chips)

    @property
    def sized(self) -> bool:
        return any(column.width for column in self.columns)


@dataclass(frozen=True, slots=True)
class GroupHeading:
    """The heading of a group: `url` is the list of its rows alone, `open_url` what is put below it here."""

    id: str
    label: Cell
    count: int
    url: str
    open_url: str
    sums: tuple[tuple[Cell, ...], ...] = ()
    """One for each column after the first; an amount for each currency."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The headings of one level; `inside` is the group that they belong to."""

    headings: tuple[GroupHeading, ...]
    depth: int
    inside: str
    columns: int
    more: bool = False
    note: str = ""
    """What one has to know to read them."""


@dataclass(frozen=True, slots=True)
class GroupRows:
    """Rows of one group, a window at a time."""

    rows: tuple[Row, ...]
    inside: str
    columns: int
    more_url: str | None = None
    first: bool = True
