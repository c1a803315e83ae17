"""Text files whose cells are set apart by a sign, read a record at a time."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ossature.errors import Detail, Invalid
from ossature.i18n.texts import translator
from ossature.imports.encodings import ENCODINGS
from ossature.imports.notation import DELIMITERS, can_divide

_, _l, _n = translator("ossature")

LONGEST_LINE = 1_000_000
"""Characters: a line that never ends must not be held as a whole. A cell takes what the csv module takes, 131,072."""
_SAMPLE_LINES = 200
_SAMPLE = 1 << 18
_STARTED = "sep="
_LEAST = 0.5


def records(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str], bool]]:
    """Record number, its cells, and whether it is whole: the last one is not where its quotation mark never closes.

    A record is a row of the spreadsheet that opens the file, blank ones included, however many lines its cells have.
    Raises `Invalid` where the file is not of that encoding, or a line or cell has no end.
    """
    number = 0
    with _lines(path, encoding) as lines:
        kept = _UntilEnd(lines)
        reader = csv.reader(kept, delimiter=delimiter)
        try:
            for number, cells in enumerate(reader, start=1):
                yield number, cells, not kept.ended
        except csv.Error:
            raise _endless(number + 1) from None


def detect_delimiter(path: Path, encoding: str) -> str:
    """The sign that cuts most lines into the same number of cells, the first of them included."""
    with _lines(path, encoding, announced=True) as lines:
        first = next(lines, "")
        if (announced := _announced(first)) is not None:
            return announced
        sample, size = [first], len(first)
        for line in lines:
            sample.append(line)
            size += len(line)
            if len(sample) >= _SAMPLE_LINES or size >= _SAMPLE:
                break
    best, most = ",", (_LEAST, 0)
    for sign in DELIMITERS:
        score = _score(sample, sign)
        if score > most:
            best, most = sign, score
    return best


def _score(sample: list[str], sign: str) -> tuple[float, int]:
    try:
        widths = [len(cells) for cells in csv.reader(sample, delimiter=sign) if any(cells)]
    except csv.Error:
        return 0.0, 0
    several = Counter(width for width in widths if width > 1)
    if not several:
        return 0.0, 0
    width, times = max(several.items(), key=lambda item: (item[1], item[0]))
    return times / len(widths) + (0.5 if widths[0] == width else 0.0), width


@contextmanager
def _lines(path: Path, encoding: str, announced: bool = False) -> Iterator[Iterator[str]]:
    """The lines of a file without its mark, and without a first line that only tells the delimiter (`sep=;`)."""
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding=encoding, newline="") as file:
        yield _each(file, encoding, announced)


def _each(file: io.TextIOWrapper, encoding: str, announced: bool) -> Iterator[str]:
    number = 0
    while line := _line(file, encoding):
        number += 1
        if len(line) == LONGEST_LINE and line[-1] not in "\r\n":
            raise _endless(number)
        if number == 1:
            line = line.removeprefix("\ufeff")
            if not announced and _announced(line) is not None:
                continue
        yield line


def _line(file: io.TextIOWrapper, encoding: str) -> str:
    try:
        return file.readline(LONGEST_LINE)
    except UnicodeError:
        raise Invalid(
            _("The file is not written in %(encoding)s.", encoding=ENCODINGS.get(encoding, encoding)),
            [Detail("encoding", "wrong_encoding", _("Choose another encoding."))],
        ) from None


def _announced(line: str) -> str | None:
    text = line.rstrip("\r\n")
    return text[4] if len(text) == 5 and text[:4].lower() == _STARTED and can_divide(text[4]) else None


class _UntilEnd(Iterator[str]):
    """Lines, and whether there are no more: a record that asks for another one then is not closed."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.ended = False

    def __next__(self) -> str:
        try:
            return next(self._lines)
        except StopIteration:
            self.ended = True
            raise


def _endless(number: int) -> Invalid:
    return Invalid(
        _("Row %(n)s has no end: a quotation mark may not be closed.", n=number),
        [Detail("file", "endless_row", _("Close it, or save the table anew as CSV from your spreadsheet."))],
    )
