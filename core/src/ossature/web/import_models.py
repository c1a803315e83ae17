"""What the pages of an import read: the file, its columns, what the check found, what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ossature.web.models import Choice, Step, Tone


@dataclass(frozen=True, slots=True)
class ImportLine:
    """An import in the list of one's own; `words` say what came of it."""

    filename: str
    url: str
    at: datetime
    state: str
    tone: Tone
    words: str


@dataclass(frozen=True, slots=True)
class ImportStart:
    """Where a file is chosen; `most` is how many bytes it may have."""

    title: str
    url: str
    list_url: str
    most: int
    steps: tuple[Step, ...]
    earlier: tuple[ImportLine, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class ImportHead:
    """What every step has on top. `reading` tells how the file was read; `doubts` may be settled at `file_url`."""

    id: UUID
    title: str
    filename: str
    words: str
    """How many rows: "8,800 rows"."""
    steps: tuple[Step, ...]
    plural: str
    file_url: str
    columns_url: str
    check_url: str
    show_url: str
    start_url: str
    list_url: str
    reading: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pick:
    """A select, or a text where there are no choices."""

    name: str
    label: str
    value: str
    choices: tuple[Choice, ...] = ()
    help: str = ""
    error: str = ""
    hints: tuple[str, ...] = ()
    """What a text may be, offered while it is typed."""


@dataclass(frozen=True, slots=True)
class FileForm:
    """How a file is read, with its first rows as they are understood."""

    head: ImportHead
    picks: tuple[Pick, ...]
    headers: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class TargetGroup:
    label: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class ValueLine:
    """A value of a column, how many rows have it, and what stands for it."""

    value: str
    rows: int
    into: str


@dataclass(frozen=True, slots=True)
class ValueMap:
    """The values of a column; `choices` where what they become is one of some. `lines` are those that are mapped until
    all are asked for."""

    lines: tuple[ValueLine, ...]
    choices: tuple[Choice, ...]
    others: Pick
    loaded: bool = False
    more: bool = False


@dataclass(frozen=True, slots=True)
class ColumnForm:
    """A column of the file and where it goes; `again` marks one that the file's column is used for a second time."""

    position: int
    index: int
    header: str
    samples: tuple[str, ...]
    to: str
    error: str
    picks: tuple[Pick, ...]
    summary: str
    values: ValueMap | None
    again: bool = False
    open: bool = False


@dataclass(frozen=True, slots=True)
class DefaultLine:
    position: int
    to: str
    value: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class PresetLine:
    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class ColumnsForm:
    """Where the columns go, which records they are matched with, and what is the same for all."""

    head: ImportHead
    url: str
    groups: tuple[TargetGroup, ...]
    columns: tuple[ColumnForm, ...]
    defaults: tuple[DefaultLine, ...]
    fixed: tuple[TargetGroup, ...]
    """What defaults may be given for."""
    mode: str
    modes: tuple[Choice, ...]
    keys: tuple[Pick, ...]
    key_error: str
    policy: str
    policies: tuple[Choice, ...]
    used: str
    """How many columns go in, and how many are left out."""
    missing: tuple[str, ...]
    """What every record needs and no column has."""
    errors: tuple[str, ...]
    presets: tuple[PresetLine, ...]
    preset: str
    check_label: str


@dataclass(frozen=True, slots=True)
class FaultLine:
    """A fault that some rows have alike, and what may be done about it for all of them at once."""

    index: int | None
    header: str
    value: str
    code: str
    message: str
    rows: str
    number: int
    proposal: str | None
    choices: tuple[Choice, ...]
    may_map: bool
    creates: str
    """Names what would be created where what is named is missing; empty where nothing would."""
    url: str
    """The rows that have it."""


@dataclass(frozen=True, slots=True)
class CellLine:
    """A cell of a row; `message` where it is at fault."""

    index: int
    header: str
    text: str
    message: str = ""
    proposal: str | None = None


@dataclass(frozen=True, slots=True)
class RowLine:
    """A row of the file: what will or did become of it."""

    number: int
    outcome: str
    state: str
    tone: Tone
    cells: tuple[CellLine, ...]
    messages: tuple[str, ...]
    """Faults of the row as a whole."""
    url: str | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """A number that narrows the rows to itself."""

    label: str
    count: int
    url: str
    current: bool
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class CheckPage:
    """What the import would do, or has done."""

    head: ImportHead
    state: str
    moving: bool
    done: int
    total: int
    sentence: str
    filters: tuple[Filter, ...]
    faults: tuple[FaultLine, ...]
    headers: tuple[str, ...]
    rows: tuple[RowLine, ...]
    url: str
    more_url: str | None
    first_url: str | None
    stop_url: str
    refused: int
    refused_words: str
    refused_url: str
    policy: str
    run_label: str
    """What the button says that begins it; empty where it cannot begin."""
    without_label: str
    """What the button says that begins it without the rows that cannot go in; empty where there are none."""
    error: str = ""
    undo_url: str = ""
    undo_fields: tuple[tuple[str, str], ...] = ()
    undone: bool = False
    narrowed: str = ""
    """What the rows are narrowed to, in words."""
    fixable: bool = False
    """Cells may still be corrected."""
    kind: str = ""
    """What a row becomes, in a word: "Contact"."""

    @property
    def share(self) -> int:
        return self.done * 100 // self.total if self.total else 0
