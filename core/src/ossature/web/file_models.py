"""What the templates of files read: rows and the box that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file as a line; `url` downloads it, `preview` says how it can be shown, at `url` + `/preview`."""

    id: UUID
    name: str
    url: str
    type: str
    """In a word: PDF, PNG."""
    size: int
    version: int
    by: str | None
    at: datetime
    icon: str
    preview: Literal["image", "pdf"] | None = None
    small_url: str | None = None


@dataclass(frozen=True, slots=True)
class FilesBox:
    """The files of a record. `most` is how many bytes one may have, `count` how many there are, 99 at most of them told."""

    url: str
    rows: tuple[FileRow, ...]
    removed: tuple[FileRow, ...] = ()
    more_url: str | None = None
    may_edit: bool = False
    most: int = 0
    count: int = 0
