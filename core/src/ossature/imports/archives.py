"""The zip file that a workbook is, opened with bounds: what it says it holds and what it holds, and its XML in pieces."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

from ossature.errors import Detail, Invalid, TooLarge
from ossature.i18n.texts import translator

_, _l, _n = translator("ossature")

MOST_UNPACKED = 1_000_000_000
"""Bytes of one part. A part of more is refused, as is one that is packed tighter than tables are."""
_SUSPECT = 50_000_000
_TIGHTEST = 150
_CHUNK = 1 << 16
_SILENT_CHUNKS = 64
Attributes = Mapping[str, str]


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
            raise TooLarge(
                _("The workbook unpacks to far more than a table holds."),
                [Detail("file", "too_large", _("Save the sheet as CSV and send that."))],
            )
        with self._archive.open(info) as file:
            yield file

    def scan(self, name: str, start: Callable[[str, Attributes], None], end: Callable[[str], None],
             text: Callable[[str], None]) -> None:  # fmt: skip
        """Read a part as XML from its beginning to its end."""
        for _piece in self.pieces(name, start, end, text):
            pass

    def pieces(self, name: str, start: Callable[[str, Attributes], None], end: Callable[[str], None],
               text: Callable[[str], None]) -> Iterator[None]:  # fmt: skip
        """As `scan`, with a stop after each piece of the file. Names of elements come without their namespaces."""
        local = _Local()
        heard = 0

        def started(element: str, attributes: Attributes) -> None:
            nonlocal heard
            heard += 1
            start(local[element], attributes)

        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = started
        parser.EndElementHandler = lambda element: end(local[element])
        parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = _no_doctype
        silent = before = 0
        with self.part(name) as file:
            while chunk := file.read(_CHUNK):
                parser.Parse(chunk, False)
                yield
                silent, before = (silent + 1 if heard == before else 0), heard
                if silent > _SILENT_CHUNKS:
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


def damaged() -> Invalid:
    return Invalid(
        _("The workbook is damaged."),
        [Detail("file", "damaged", _("Open it in your spreadsheet, save it anew and send that."))],
    )


def _no_doctype(*_anything: Any) -> None:
    raise damaged()


class _Local(dict[str, str]):
    """Names of elements without their namespaces."""

    def __missing__(self, name: str) -> str:
        found = self[name] = name.rpartition(" ")[2]
        return found
