"""What the record templates read: plain frozen objects, filled from descriptors, with texts already in words.

Every `url` is a ready address; every label and message is already translated. Values stay typed (date, Decimal, Money) and
are written by the templates in the reader's locale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

Tone = Literal["neutral", "accent", "info", "success", "warning", "danger"]
CellKind = Literal[
    "text",
    "longtext",
    "reference",
    "integer",
    "number",
    "money",
    "percent",
    "date",
    "datetime",
    "choice",
    "email",
    "phone",
    "url",
    "boolean",
    "person",
    "tags",
]
FieldKind = Literal[
    "text",
    "longtext",
    "integer",
    "decimal",
    "percent",
    "money",
    "date",
    "datetime",
    "boolean",
    "choice",
    "choices",
    "email",
    "phone",
    "url",
    "password",
    "reference",
    "hidden",
    "tags",
]
NUMERIC: frozenset[str] = frozenset({"integer", "number", "money", "percent"})


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do: a link (`get`), a form posting `fields` (`post`), or a dialog opened by its id."""

    label: str
    url: str = ""
    method: Literal["get", "post"] = "get"
    icon: str | None = None
    tone: Tone = "neutral"
    shortcut: str | None = None
    confirm: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    dialog: str | None = None


@dataclass(frozen=True, slots=True)
class Badge:
    """A state in a word; the tone adds a colour and a mark, never the meaning alone."""

    label: str
    tone: Tone = "neutral"


class Cell(NamedTuple):
    """One value to show; a tuple, since a list makes hundreds. `label` replaces the value in words (a choice, a
    reference's title); `tone` is a choice's."""

    kind: CellKind
    value: Any = None
    label: str | None = None
    url: str | None = None
    tone: Tone = "neutral"
    unit: str | None = None
    currency: str | None = None
    struck: bool = False
    """The record referred to has been deleted."""
    tones: tuple[str, ...] = ()
    """Of tags, in their order; none where all are neutral."""

    @property
    def empty(self) -> bool:
        return self.label is None and (self.value is None or self.value == "" or self.value == [])

    @property
    def numeric(self) -> bool:
        return self.kind in NUMERIC


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    cell: Cell
    help: str | None = None
    edit_url: str | None = None
    """Where the field is edited; gives the fact the look of something one may click."""
    name: str = ""
    """The field, where it can be changed in place."""


@dataclass(frozen=True, slots=True)
class FactSection:
    """Facts under a title; `lines` are written instead, one under the other, where the thing reads so (an address)."""

    title: str
    facts: tuple[Fact, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PartList:
    """Owned parts such as addresses: each one a small card of facts under its own title."""

    title: str
    items: tuple[FactSection, ...]
    empty_text: str = ""


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of a record: facts and parts that are here already, or a `url` fetched when it is first opened.

    `page_url` is where the same is a page of its own, for those without scripts; the `url` unless given.
    """

    key: str
    label: str
    sections: tuple[FactSection, ...] = ()
    parts: tuple[PartList, ...] = ()
    url: str | None = None
    count: int | None = None
    icon: str | None = None
    page_url: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One field that changed; values are already in words, None for empty. `hidden` says only that it changed.

    `sentence` tells who did what, where that is no change of a field: a file added.
    """

    label: str
    before: str | None = None
    after: str | None = None
    hidden: bool = False
    sentence: str | None = None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One change set in words: who, what (`verb`: created, changed, moved, deleted, restored, merged, noted), when, by what means.

    `url` shows the whole change set, `person_url` what else that person did, `version_url` the record as it was then.
    `note` tells what became of it: undone. `undo` offers to put it back. `names` are those that were merged; `of` is the
    name of the record that it happened to, where that became part of this one later.
    """

    actor: str
    verb: Literal["created", "changed", "moved", "deleted", "restored", "merged", "noted", "renoted", "unnoted"]
    at: datetime
    changes: tuple[Change, ...] = ()
    means: str | None = None
    reason: str | None = None
    kind: str = "member"
    url: str | None = None
    person_url: str | None = None
    version_url: str | None = None
    note: str | None = None
    undo: Action | None = None
    names: str = ""
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    entries: tuple[TimelineEntry, ...] = ()
    more_url: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    label: str
    state: Literal["done", "current", "next"] = "next"
    url: str = ""


@dataclass(frozen=True, slots=True)
class DetailPage:
    """A record: `record/detail.html`. Give `timeline`, or `timeline_url` to have it fetched on its own; `notes` beside it is optional."""

    title: str
    kind: str
    """What it is, in a word: "Contact"."""
    url: str
    icon: str | None = None
    subtitle: str | None = None
    state: Badge | None = None
    steps: tuple[Step, ...] = ()
    facts: tuple[Fact, ...] = ()
    tabs: tuple[Tab, ...] = ()
    timeline: Timeline | None = None
    timeline_url: str | None = None
    edit: Action | None = None
    actions: tuple[Action, ...] = ()
    deleted_at: datetime | None = None
    restore: Action | None = None
    previous_url: str | None = None
    next_url: str | None = None
    person: bool = False
    """Shown with initials rather than an icon."""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    tone: Tone = "neutral"


@dataclass(frozen=True, slots=True)
class FormField:
    """One input. `value` is what to show again: the text as typed after a refusal, else the stored value.

    `money` posts `name` and `name`-currency; `reference` posts the id, searching `options_url?q=...` which answers
    `{"data": [{"value", "label", "hint"}], "meta": {"more": bool}}`.
    """

    name: str
    label: str
    kind: FieldKind = "text"
    value: Any = None
    required: bool = False
    help: str | None = None
    errors: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    unit: str | None = None
    currency: str | None = None
    currencies: tuple[str, ...] = ()
    max_length: int | None = None
    minimum: Any = None
    maximum: Any = None
    step: str | None = None
    options_url: str | None = None
    selected_label: str | None = None
    tells: str | None = None
    """What conditions ask of the record that is chosen, as JSON; options that are searched for say it as `tells`."""
    tones: str = ""
    """Of the coloured tags in it, by name, as JSON."""
    create_url: str | None = None
    autocomplete: str | None = None
    placeholder: str | None = None
    read_only: bool = False
    short: bool = False
    """Short fields stand side by side; others take the whole line."""
    off: bool = False
    """Not shown while conditions say so; scripts show it when what is typed changes that."""
    conditional: bool = False
    """Conditions may require it, so that "(optional)" comes and goes."""
    scope: str = "f-"
    """What the id begins with, where two forms of a page have fields of the same name."""

    @property
    def id(self) -> str:
        return self.scope + self.name.replace(".", "-")

    @property
    def column(self) -> str:
        """The field's own name in a row of a part."""
        return self.name.rpartition("-")[2]


@dataclass(frozen=True, slots=True)
class PartRow:
    """One row of a repeatable part; `id_field` carries the stored part's id."""

    fields: tuple[FormField, ...]
    errors: tuple[str, ...] = ()
    computed: Mapping[str, str] = field(default_factory=dict)
    """What is worked out, in words, by field."""


@dataclass(frozen=True, slots=True)
class GridColumn:
    name: str
    label: str
    kind: str
    unit: str | None = None
    computed: bool = False

    @property
    def numeric(self) -> bool:
        return self.computed or self.kind in ("integer", "decimal", "money", "percent")


@dataclass(frozen=True, slots=True)
class GridView:
    """How a part is shown as a grid; `totals` in words, by column."""

    columns: tuple[GridColumn, ...]
    totals: Mapping[str, str] = field(default_factory=dict)
    ordered: bool = False

    @property
    def works_out(self) -> bool:
        """Whether anything in it follows from what is typed."""
        return bool(self.totals) or any(column.computed for column in self.columns)


@dataclass(frozen=True, slots=True)
class PartRows:
    """Repeatable rows (addresses, phones). Field names hold the row's number (`addresses-0-city`); in `blank` the number
    is written `__index__`. Without scripts the add button submits the form with `_add` = `name`, and remove with
    `_remove` = `name-index`."""

    name: str
    label: str
    rows: tuple[PartRow, ...]
    blank: PartRow
    add_label: str
    row_label: str
    help: str | None = None
    maximum: int | None = None
    compact: bool = False
    """One line per row (channels) instead of a block per row (addresses)."""
    off: bool = False
    read_only: bool = False
    errors: tuple[str, ...] = ()
    conditions: str = ""
    """Conditions of each row, as JSON."""
    grid: GridView | None = None

    @property
    def faulty(self) -> int:
        """How many faults lie in it."""
        inside = (len(row.errors) + sum(len(item.errors) for item in row.fields) for row in self.rows)
        return len(self.errors) + sum(inside)


@dataclass(frozen=True, slots=True)
class FormSection:
    fields: tuple[FormField, ...] = ()
    title: str | None = None
    help: str | None = None
    parts: tuple[PartRows, ...] = ()
    columns: int = 2
    tab: str = ""
    collapsed: bool = False

    @property
    def faulty(self) -> int:
        """How many faults lie in it."""
        return sum(len(item.errors) for item in self.fields) + sum(part.faulty for part in self.parts)


@dataclass(frozen=True, slots=True)
class FormTab:
    """Sections of a form that lie behind a tab."""

    key: str
    label: str
    sections: tuple[FormSection, ...]

    @property
    def faulty(self) -> int:
        return sum(section.faulty for section in self.sections)


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """The same field changed by both: values in words, plus the raw texts the choice posts."""

    name: str
    label: str
    mine: str
    theirs: str
    before: str
    mine_raw: str = ""
    theirs_raw: str = ""


@dataclass(frozen=True, slots=True)
class ConflictPanel:
    """Shown over the form after a stale save; choosing fills the field, saving again carries the new version."""

    actor: str
    at: datetime
    fields: tuple[FieldConflict, ...]


@dataclass(frozen=True, slots=True)
class FormError:
    """One line of the summary; `target` is the id of the field it leads to, empty for the record as a whole."""

    message: str
    target: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class FormDraft:
    """What the browser keeps of a form that is not saved, under `key`, for `owner` alone; `kept_at` when the server has
    some of it from elsewhere. `typed`: the page already shows what was typed and not saved."""

    key: str
    owner: str
    record: str
    id: str = ""
    kept_at: datetime | None = None
    typed: bool = False


@dataclass(frozen=True, slots=True)
class FormPage:
    """A form: `record/form.html`. Posts to `action`; `version` guards against stale writes."""

    title: str
    action: str
    sections: tuple[FormSection, ...]
    submit_label: str
    cancel_url: str
    version: int | None = None
    errors: tuple[FormError, ...] = ()
    conflict: ConflictPanel | None = None
    hidden: Mapping[str, str] = field(default_factory=dict)
    conditions: str = ""
    """What fields are shown, required or locked by, as JSON."""
    draft: FormDraft | None = None
    note: str = ""
    """A quiet line above the form: what was typed is here, and not saved."""
    similar_url: str = ""
    """Where it is asked what looks like that which is typed, and, as `similar_when`, upon what."""
    similar_when: str = ""

    @property
    def above(self) -> tuple[FormSection, ...]:
        """The sections that lie behind no tab."""
        return tuple(section for section in self.sections if not section.tab)

    @property
    def tabs(self) -> tuple[FormTab, ...]:
        labels = dict.fromkeys(section.tab for section in self.sections if section.tab)
        return tuple(
            FormTab(str(number), label, tuple(section for section in self.sections if section.tab == label))
            for number, label in enumerate(labels)
        )

    @property
    def open_tab(self) -> str:
        """The first tab with a fault, else the first."""
        return next((tab.key for tab in self.tabs if tab.faulty), "0")


@dataclass(frozen=True, slots=True)
class WidgetBox:
    """A box of the home page; its content is an htmx request of its own."""

    key: str
    title: str
    url: str
    size: Literal["small", "medium", "large"] = "medium"
    icon: str | None = None


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What happened, to what, and what to do; filled by `ossature.web.rendering.error_page`."""

    status: int
    title: str
    text: str
    advice: str
    request_id: str = ""
    actions: tuple[Action, ...] = ()
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SettingsEntry:
    """A line of the settings' side navigation."""

    key: str
    label: str
    url: str
    icon: str | None = None
    group: str = ""
    active: bool = False
    dead: int = 0
    """A number beside it: what failed for good."""
