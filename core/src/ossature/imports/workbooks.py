"""Workbooks (XLSX): their sheets, and the rows of one, read as they come and never held.

A reader that gives a sheet as a whole takes gigabytes for one with a cell in its last corner, and does not tell an
error in a cell from an empty one.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

from ossature.imports.archives import Archive, Attributes, Ends, Starts, damaged, opened, too_much
from ossature.imports.cells import FileRow
from ossature.imports.number_formats import Shape, shape_of
from ossature.imports.sheets import LONGEST_CELL, SheetReader, unescaped
from ossature.records.clean import whole_number

_KEPT_IN_MEMORY = 16_000_000
_MOST_STRINGS = 10_000_000
_MOST_STYLES = 65_536
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships id"
_RELATED_STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships id"


def sheet_names(path: Path) -> list[str]:
    """The sheets with rows that are seen, in their order; all of them where none is."""
    with opened(path) as archive:
        found = _Book(archive).sheets
        return [name for name, (_part, seen) in found.items() if seen] or list(found)


def sheet_rows(path: Path, name: str) -> Iterator[FileRow]:
    """The rows of a sheet that hold anything. Raises `Invalid`, `TooLarge`."""
    with opened(path) as archive:
        book = _Book(archive)
        if name not in book.sheets:
            raise damaged()
        part = book.sheets[name][0]
        with _Strings(archive, book.strings) as strings:
            sheet = SheetReader(strings.__getitem__, _shapes(archive, book.styles), book.from_1904)
            for _piece in archive.pieces(part, sheet.starts, sheet.ends, sheet.text):
                yield from sheet.take()


class _Book:
    """What `workbook.xml` and its relations say: sheet -> (part, seen), and where texts and styles are."""

    def __init__(self, archive: Archive) -> None:
        self.from_1904 = False
        self.strings = self.styles = ""
        self.sheets: dict[str, tuple[str, bool]] = {}
        self._targets: dict[str, str] = {}
        self._archive = archive
        self._home = "xl"
        main = self._main()
        self._home = str(PurePosixPath(main).parent)
        related = f"{self._home}/_rels/{PurePosixPath(main).name}.rels"
        archive.scan(related, {"Relationship": self._relation})
        archive.scan(main, {"workbookPr": self._properties, "sheet": self._sheet})
        if not self.sheets:
            raise damaged()

    def _main(self) -> str:
        found = ["xl/workbook.xml"]

        def relation(given: Attributes) -> None:
            if given.get("Type", "").endswith("/officeDocument"):
                found.append(given.get("Target", "").lstrip("/"))

        if "_rels/.rels" in self._archive:
            self._archive.scan("_rels/.rels", {"Relationship": relation})
        return found[-1]

    def _relation(self, given: Attributes) -> None:
        target, kind = given.get("Target", ""), given.get("Type", "").rpartition("/")[2]
        part = target[1:] if target.startswith("/") else f"{self._home}/{target.removeprefix('./')}"
        if kind == "worksheet":
            self._targets[given.get("Id", "")] = part
        elif kind == "sharedStrings" and part in self._archive:
            self.strings = part
        elif kind == "styles" and part in self._archive:
            self.styles = part

    def _properties(self, given: Attributes) -> None:
        self.from_1904 = given.get("date1904") in ("1", "true")

    def _sheet(self, given: Attributes) -> None:
        part = self._targets.get(given.get(_RELATED) or given.get(_RELATED_STRICT) or "")
        if part and part in self._archive:
            self.sheets[given.get("name", "")] = part, given.get("state", "visible") == "visible"


class _Strings:
    """The texts that cells share, in a file of their own once they are many."""

    def __init__(self, archive: Archive, part: str) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_KEPT_IN_MEMORY)  # noqa: SIM115 - closed by __exit__
        self._ends = array("Q", [0])
        self._text: list[str] = []
        self._size = 0
        self._sounds = 0
        self._wanted = False
        self._read = lru_cache(maxsize=4096)(self._from_file)
        self._archive, self._part = archive, part

    def __enter__(self) -> _Strings:
        starts: Starts = {"si": self._begin, "t": self._text_begins, "rPh": self._sound}
        ends: Ends = {"si": self._end, "t": self._text_ends, "rPh": self._sound_ends}
        try:
            if self._part:
                self._archive.scan(self._part, starts, ends, self._add)
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self._file.close()

    def __getitem__(self, number: int) -> str:
        return self._read(number)

    def _from_file(self, number: int) -> str:
        if not 0 <= number < len(self._ends) - 1:
            raise damaged()
        self._file.seek(self._ends[number])
        return self._file.read(self._ends[number + 1] - self._ends[number]).decode()

    def _begin(self, _given: Attributes) -> None:
        self._text.clear()
        self._size = 0

    def _text_begins(self, _given: Attributes) -> None:
        self._wanted = not self._sounds

    def _add(self, text: str) -> None:
        if self._wanted:
            self._size += len(text)
            if self._size > LONGEST_CELL:
                raise damaged()
            self._text.append(text)

    def _text_ends(self) -> None:
        self._wanted = False

    def _sound(self, _given: Attributes) -> None:
        self._sounds += 1

    def _sound_ends(self) -> None:
        self._sounds -= 1

    def _end(self) -> None:
        written = unescaped("".join(self._text)).encode("utf-8", "replace")
        self._file.write(written)
        self._ends.append(self._ends[-1] + len(written))
        if len(self._ends) > _MOST_STRINGS:
            raise too_much()


def _shapes(archive: Archive, part: str) -> list[Shape]:
    """What the numbers of each style of cells are."""
    formats: dict[int, str] = {}
    found: list[Shape] = []
    within = False

    def code(given: Attributes) -> None:
        formats[_whole(given.get("numFmtId"))] = given.get("formatCode", "")

    def style(given: Attributes) -> None:
        if within:
            number = _whole(given.get("numFmtId"))
            found.append(shape_of(number, formats.get(number)))
            if len(found) > _MOST_STYLES:
                raise too_much()

    def begin(_given: Attributes) -> None:
        nonlocal within
        within = True

    def end() -> None:
        nonlocal within
        within = False

    if part:
        archive.scan(part, {"numFmt": code, "xf": style, "cellXfs": begin}, {"cellXfs": end})
    return found


def _whole(text: str | None) -> int:
    return whole_number(text or "") or 0
