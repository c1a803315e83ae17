"""The zip file that a workbook is, opened with bounds: what it says it holds and what it holds, and its XML in pieces."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from xml.parsers import expat

from ossature.errors import Detail, Invalid, TooLarge
from ossature.i18n.texts import translator

_, _l, _n = translator("ossature")

MOST_UNPACKED = 1_000_000_000
"""Bytes of one part. A part of more is refused, as is one that is packed tighter than tables are."""
_MOST_PARTS = 10_000
_LONGEST_LIST = 2_000_000
_SUSPECT = 50_000_000
_TIGHTEST = 150
_CHUNK = 1 << 16
_LONGEST_TAG = 4_000_000
Attributes = Mapping[str, str]
Starts = Mapping[str, Callable[[Attributes], None]]
Ends = Mapping[str, Callable[[], None]]


class Archive:
    """The parts of a workbook by their names, whatever the case of their letters."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._parts = {info.filename.lower().lstrip("/"): info for info in archive.infolist()}

    def __contains__(self, name: str) -> bool:
        return name.lower().lstrip("/") in self._parts

    @contextmanager
    def part(self, name: str) -> Iterator[IO[bytes]]:
        """Raises `TooLarge` for a zip bomb, by what it claims: nothing beyond that is ever unpacked."""
        info = self._parts[name.lower().lstrip("/")]
        bomb = info.file_size > _SUSPECT and info.file_size > _TIGHTEST * max(info.compress_size, 1)
        if bomb or info.file_size > MOST_UNPACKED:
            raise too_much()
        with self._archive.open(info) as file:
            yield file

    def scan(
        self, name: str, starts: Starts, ends: Ends | None = None, text: Callable[[str], None] | None = None
    ) -> None:
        """Read a part as XML from its beginning to its end."""
        for _piece in self.pieces(name, starts, ends or {}, text):
            pass

    def pieces(self, name: str, starts: Starts, ends: Ends, text: Callable[[str], None] | None) -> Iterator[None]:
        """As `scan`, with a stop after each piece of the file. Elements are heard by their names without namespaces."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        begin, end = _Heard(starts), _Heard(ends)
        parser.StartElementHandler = lambda element, given: begin[element](given)
        parser.EndElementHandler = lambda element: end[element]()
        parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = _no_doctype
        fed = 0
        with self.part(name) as file:
            while chunk := file.read(_CHUNK):
                parser.Parse(chunk, False)
                fed += len(chunk)
                yield
                if fed - parser.CurrentByteIndex > _LONGEST_TAG:
                    raise damaged()
            parser.Parse(b"", True)
            yield


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Raises `Invalid` where the workbook is damaged, also while it is read."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield Archive(archive)
    except (zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, OSError, KeyError, NotImplementedError):
        raise damaged() from None
    except RuntimeError as error:  # what zipfile says of a part with a password
        raise damaged() from error


def refuse_crowded(path: Path) -> None:
    """Raises `TooLarge` for a zip file of more parts than workbooks have, before the list of them is read."""
    with path.open("rb") as file:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    if end and (end[zipfile._ECD_ENTRIES_TOTAL] > _MOST_PARTS or end[zipfile._ECD_SIZE] > _LONGEST_LIST):  # type: ignore[attr-defined]
        raise too_much()


def too_much() -> TooLarge:
    return TooLarge(
        _("The workbook unpacks to far more than a table holds."),
        [Detail("file", "too_large", _("Save the sheet as CSV and send that."))],
    )


def damaged() -> Invalid:
    return Invalid(
        _("The workbook is damaged."),
        [Detail("file", "damaged", _("Open it in your spreadsheet, save it anew and send that."))],
    )


def _no_doctype(*_anything: object) -> None:
    raise damaged()


class _Heard(dict[str, Callable[..., None]]):
    """What is called for an element, by its name with its namespace."""

    def __init__(self, by_name: Mapping[str, Callable[..., None]]) -> None:
        super().__init__()
        self._by_name = by_name

    def __missing__(self, name: str) -> Callable[..., None]:
        found = self[name] = self._by_name.get(name.rpartition(" ")[2], _ignore)
        return found


def _ignore(*_anything: object) -> None:
    """Nothing is wanted of this element."""
