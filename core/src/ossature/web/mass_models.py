"""What the templates of acts on many records read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from ossature.web.models import ConflictPanel, FormField


@dataclass(frozen=True, slots=True)
class MassField:
    """A field to set: its input, and whether it may be and is to be emptied instead."""

    input: FormField
    clearable: bool
    cleared: bool


@dataclass(frozen=True, slots=True)
class MassDialog:
    """What is to be done to a selection; `words` say how many of what: "1,284 contacts". `left` are fields to add."""

    act: Literal["edit", "delete"]
    url: str
    count: int
    words: str
    fields: tuple[MassField, ...]
    left: tuple[tuple[str, str], ...]
    rows: str
    all: bool
    overwrite: bool
    tags_how: str = "add"
    error: str = ""
    too_many: bool = False


@dataclass(frozen=True, slots=True)
class MassRow:
    """One record of an act; no `url` where it may not be seen. `choose_url`: where mine or theirs is chosen."""

    id: UUID
    title: str
    url: str | None
    outcome: str | None
    reason: str | None
    deleted: bool = False
    choose_url: str | None = None


@dataclass(frozen=True, slots=True)
class MassChoice:
    """What somebody else wrote of a row meanwhile, beside what the act would have written."""

    action: str
    back_url: str
    version: int
    conflict: ConflictPanel
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MassPage:
    """An act with its counts by outcome and, on its own page, some of its rows."""

    title: str
    url: str
    act: Literal["edit", "delete"]
    state: str
    over: bool
    total: int
    done: int
    counts: tuple[tuple[str, int], ...]
    created_at: datetime
    fields: str = ""
    rows: tuple[MassRow, ...] = ()
    outcome: str | None = None
    more_url: str | None = None
    cancel_url: str | None = None
    error: str = ""
    undo_url: str | None = None
    """Where it is shown what undoing it as a whole would do."""

    @property
    def share(self) -> int:
        return self.done * 100 // self.total if self.total else 0
