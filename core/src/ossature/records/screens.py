"""How a record looks: columns of its list, sections of its form and facts, related lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ossature.records.fields import Label
from ossature.records.record import RecordBase


@dataclass(frozen=True, slots=True)
class Section:
    """Some fields and collections under a heading; the first section may go without one.

    `columns` says how many short fields of the form stand side by side, 1 to 4; long ones take the whole line, and on a
    phone all do. Sections with the same `tab` lie together behind a tab of that name, below those without. A
    `collapsed` section is closed until it is asked for or holds a fault.
    """

    fields: Sequence[str]
    title: Label = ""
    columns: int = 2
    tab: Label = ""
    help: Label = ""
    collapsed: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.columns <= 4:
            raise ValueError(f"section {self.title!s}: a form has one to four columns, not {self.columns}")
        if self.collapsed and not self.title:
            raise ValueError("a collapsed section needs a title, by which it is opened")


@dataclass(frozen=True, slots=True)
class Related:
    """A list of records that point here, shown as a tab: `Related("crm.contact", "company_id")`. `also` are collections
    of theirs whose entries may point here instead."""

    record: str
    field: str
    label: Label = ""
    also: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """A collection as a grid of lines: `Grid("lines", totals=["quantity", "total"])`.

    `columns` are the part's fields in their order unless given, computed ones among them; `totals` are added up below.
    """

    collection: str
    columns: Sequence[str] = ()
    totals: Sequence[str] = ()


@dataclass(frozen=True)
class Screens:
    """The screens of one record class.

    `list` names the columns, the title first; `facts` the fields beside the title on the record's page; `sections`
    group the form (all fields in one when empty); `state` is a choice shown as badge, `tones` colours its values (neutral,
    accent, info, success, warning, danger); `board` is the choice or reference that boards have columns of unless
    somebody chooses another, `calendar` the date of calendars; `sums` are the numbers and amounts that their columns and
    days add up, `stale` is a date from which cards are marked; `person` shows initials; `navigation` puts the list into a
    group of the side bar. `grids` are collections whose entries are lines of a grid, `short` the fields of the form that
    creates a record from the picker of another one's.
    """

    record: type[RecordBase]
    list: Sequence[str] = ()
    facts: Sequence[str] = ()
    sections: Sequence[Section] = ()
    grids: Sequence[Grid] = ()
    short: Sequence[str] = ()
    related: Sequence[Related] = ()
    state: str | None = None
    tones: Mapping[str, str] = field(default_factory=dict)
    board: str | None = None
    calendar: str | None = None
    sums: Sequence[str] = ()
    stale: str | None = None
    person: bool = False
    navigation: str | None = None
    weight: int = 100

    @property
    def key(self) -> str:
        return self.record.__key__
