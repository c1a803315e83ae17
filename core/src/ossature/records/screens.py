"""How a record looks: columns of its list, sections of its form and facts, related lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ossature.records.fields import Label
from ossature.records.record import RecordBase


@dataclass(frozen=True, slots=True)
class Section:
    """Some fields under a heading; the first section may go without one."""

    fields: Sequence[str]
    title: Label = ""


@dataclass(frozen=True, slots=True)
class Related:
    """A list of records that point here, shown as a tab: `Related("crm.contact", "company_id")`."""

    record: str
    field: str
    label: Label = ""


@dataclass(frozen=True)
class Screens:
    """The screens of one record class.

    `list` names the columns, the title first; `facts` the fields beside the title on the record's page; `sections`
    group the form (all fields in one when empty); `state` is a choice shown as badge, `tones` colours its values (neutral,
    accent, info, success, warning, danger); `board` is the choice or reference that boards have columns of unless
    somebody chooses another, `calendar` the date of calendars; `person` shows initials; `navigation` puts the list into a
    group of the side bar.
    """

    record: type[RecordBase]
    list: Sequence[str] = ()
    facts: Sequence[str] = ()
    sections: Sequence[Section] = ()
    related: Sequence[Related] = ()
    state: str | None = None
    tones: Mapping[str, str] = field(default_factory=dict)
    board: str | None = None
    calendar: str | None = None
    person: bool = False
    navigation: str | None = None
    weight: int = 100

    @property
    def key(self) -> str:
        return self.record.__key__
