"""What the templates of boards and calendars read, besides what they share with lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from ossature.web.models import Badge, Cell, Tone


@dataclass(frozen=True, slots=True)
class FaceLink:
    """A face of the list, or a field that it can be by."""

    label: str
    url: str
    icon: str = ""
    active: bool = False


@dataclass(frozen=True, slots=True)
class Faces:
    """The faces that a list has; `by` are the fields that the present one can be by."""

    links: tuple[FaceLink, ...]
    by: tuple[FaceLink, ...] = ()

    @property
    def icon(self) -> str:
        return next((link.icon for link in self.links if link.active), "")

    @property
    def by_now(self) -> str:
        return next((link.label for link in self.by if link.active), "")


@dataclass(frozen=True, slots=True)
class Card:
    """A record on a board: at most four things."""

    url: str
    title: str
    facts: tuple[Cell, ...] = ()
    owner: str | None = None
    version: int = 0
    movable: bool = False
    mark: str | None = None
    """What is to be noticed of it: since when it is stale."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a board; `place` ties it to its sums, `more_url` brings its next cards, `all_url` is it as a list."""

    place: int
    title: str
    cards: tuple[Card, ...]
    all_url: str
    more_url: str | None = None
    tone: Tone | None = None
    struck: bool = False
    empty: bool = False
    """The column of records that have no value."""
    value: str = ""
    """What its records have in common, as a move says it."""


@dataclass(frozen=True, slots=True)
class BoardPage:
    """A board: `record/_board.html`. `groups_url` lists every group, where not all have a column."""

    by: str
    columns: tuple[Column, ...]
    sums_url: str
    groups_url: str | None = None
    summed: int = 0
    """Lines that columns keep for what they add up to."""
    moves: str | None = None
    """What the address of a move ends with; None where nobody moves cards."""
    switch: tuple[FaceLink, ...] = ()
    """Whose entries may be the columns: the pipelines of deals."""

    @property
    def switched(self) -> str:
        return next((link.label for link in self.switch if link.active), "")

    @property
    def empty(self) -> bool:
        return not any(column.cards for column in self.columns)


@dataclass(frozen=True, slots=True)
class Sum:
    """How many there are of a column or a day, and what their amounts come to, one a currency."""

    place: str
    count: int
    amounts: tuple[str, ...] = ()
    others: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Further sums, with what they are."""
    shown: int | None = None
    """How many of them are on the page, where that is what the rest is counted against."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What comes in the second request; `total` is of all places together, None where some are not on the page."""

    items: tuple[Sum, ...]
    total: Sum | None = None
    of: str = ""
    """What the amounts are: "Annual revenue"."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record on a day; `at` is its time where it has one."""

    url: str
    title: str
    at: datetime | None = None
    state: Badge | None = None


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day with its first entries; `url` lists all of them."""

    day: date
    weekday: str
    entries: tuple[Entry, ...]
    url: str
    more: bool = False
    outside: bool = False
    """Of the month before or after."""
    today: bool = False


@dataclass(frozen=True, slots=True)
class CalendarPage:
    """A calendar: `record/_calendar.html`."""

    title: str
    by: str
    span: str
    weeks: tuple[tuple[CalendarDay, ...], ...]
    weekdays: tuple[str, ...]
    spans: tuple[FaceLink, ...]
    previous_url: str
    next_url: str
    today_url: str
    sums_url: str

    @property
    def empty(self) -> bool:
        """Whether there is nothing on the days of the period itself."""
        return not any(day.entries for week in self.weeks for day in week if not day.outside)
