"""A file that is to be imported: what it is, how it is written, its columns, and its rows one after another.

Nothing here asks what the cells are for; no more than a row is held, whatever the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ossature.context import current
from ossature.errors import Detail, Invalid, TooLarge
from ossature.i18n.texts import translator
from ossature.imports import delimited, sniffing, workbooks
from ossature.imports.cells import Cell, CellFault, FileRow, all_storable, is_empty
from ossature.imports.encodings import ENCODINGS, detect
from ossature.imports.headers import find_header, names_of, width_of
from ossature.imports.notation import (
    DELIMITERS,
    DecimalMark,
    FileFormat,
    Notation,
    Note,
    Said,
    dates_of,
    decimal_of,
)
from ossature.kernel import kernel
from ossature.records.exporting import FORMULA

_, _l, _n = translator("ossature")

MOST_COLUMNS = 500
SAMPLES = 20
_READ_FOR_NOTATION = 2000
_GUARDED = re.compile(f"'+[{re.escape(''.join(sorted(FORMULA)))}]")


@dataclass(frozen=True, slots=True)
class Look:
    """What a file looks like. `headers` are the columns' names, each once; `samples` are its first rows; `notes` say what
    was found out about it and what stays in doubt."""

    format: FileFormat
    sheets: tuple[str, ...]
    notation: Notation
    headers: tuple[str, ...]
    samples: tuple[FileRow, ...]
    notes: tuple[Note, ...]


def most_bytes() -> int:
    """The largest file that is taken."""
    return kernel().config.import_max_bytes


def too_large() -> TooLarge:
    most = kernel().config.import_max_mb
    return TooLarge(
        _("The file is larger than %(n)s MB.", n=most),
        [Detail("file", "too_large", _("Divide it into several files, or ask whoever runs this installation."))],
    )


def look(path: Path, filename: str, said: Said | None = None) -> Look:
    """What a file looks like; what `said` gives is not found out. Its name is only told in refusals.

    Raises `TooLarge`, and `Invalid` for what is no table, cannot be opened or has too many columns.
    """
    said = said or Said()
    if path.stat().st_size > most_bytes():
        raise too_large()
    return (
        _look_at_text(path, filename, said)
        if sniffing.format_of(path, filename) == "csv"
        else _look_at_workbook(path, said)
    )


def rows(path: Path, notation: Notation) -> Iterator[FileRow]:
    """The rows below the header: blank ones are passed over, short ones filled up, of long ones what is headed kept.

    Raises `TooLarge` after `OSSATURE_IMPORT_MAX_ROWS` of them, `Invalid` where reading fails.
    """
    most = kernel().config.import_max_rows
    count = 0
    for row in _raw(path, notation):
        if row.number <= notation.header or (all(map(is_empty, row.cells)) and not row.faults):
            continue
        count += 1
        if count > most:
            raise TooLarge(
                _("The file has more than %(n)s rows.", n=most),
                [Detail("file", "too_many_rows", _("Divide it into several files."))],
            )
        yield _fitted(row, notation.width)


def _fitted(row: FileRow, width: int) -> FileRow:
    cells, faults = row.cells, row.faults
    if len(cells) < width:
        return row._replace(cells=cells + [None] * (width - len(cells)))
    beyond = [cell for cell in cells[width:] if not is_empty(cell)]
    faults = tuple(fault for fault in faults if fault.index is None or fault.index < width)
    if beyond:
        message = _("This row has more cells than there are columns; is a quotation mark missing?")
        faults = (*faults, CellFault(None, "too_many_cells", message, str(beyond[0])[:200]))
    return row._replace(cells=cells[:width], faults=faults)


def _raw(path: Path, notation: Notation) -> Iterator[FileRow]:
    if notation.format == "xlsx":
        return workbooks.sheet_rows(path, notation.sheet)
    return _text_rows(path, notation.encoding, notation.delimiter)


def _text_rows(path: Path, encoding: str, delimiter: str) -> Iterator[FileRow]:
    for number, texts, whole in delimited.records(path, encoding, delimiter):
        faults: tuple[CellFault, ...] = ()
        if not whole:
            faults = (
                CellFault(None, "open_quote", _("A quotation mark is not closed from here to the end of the file.")),
            )
        yield FileRow(number, [_cell(text) for text in all_storable(texts)], faults)


def _cell(text: str) -> Cell:
    """Without the apostrophe that keeps spreadsheets from taking a text for a formula."""
    if not text:
        return None
    return text[1:] if text[0] == "'" and _GUARDED.match(text) else text


def _look_at_text(path: Path, filename: str, said: Said) -> Look:
    notes: list[Note] = []
    encoding = said.encoding
    if encoding is None:
        encoding, certain = detect(path)
        notes.append(
            Note("encoding", "detected", _("Written in %(encoding)s.", encoding=ENCODINGS[encoding]), not certain)
        )
    elif encoding not in ENCODINGS:
        raise Invalid(
            _("The encoding %(name)s is not known.", name=encoding[:40]),
            [Detail("encoding", "unknown_choice", _("Use one of: %(values)s.", values=", ".join(ENCODINGS)))],
        )
    sniffing.refuse_no_text(path, encoding, filename)
    delimiter = said.delimiter
    if delimiter is None:
        delimiter = delimited.detect_delimiter(path, encoding)
    first = list(islice(_text_rows(path, encoding, delimiter), _READ_FOR_NOTATION))
    fallback: DecimalMark = "," if delimiter == ";" or (delimiter != "," and current().locale.startswith("fr")) else "."
    found = Notation(format="csv", encoding=encoding, delimiter=delimiter)
    if said.delimiter is None and any(len(row.cells) > 1 for row in first):
        named = str(DELIMITERS.get(delimiter, delimiter))
        notes.append(Note("delimiter", "detected", _("Cells are divided by: %(sign)s.", sign=named)))
    return _finish(found, (), first, said, fallback, notes)


def _look_at_workbook(path: Path, said: Said) -> Look:
    sheets = workbooks.sheet_names(path)
    if said.sheet is not None and said.sheet not in sheets:
        raise Invalid(
            _("There is no sheet %(name)s.", name=said.sheet[:80]),
            [Detail("sheet", "unknown_choice", _("Use one of: %(values)s.", values=", ".join(sheets)))],
        )
    sheet, first = said.sheet, list[FileRow]()
    for name in [sheet] if sheet is not None else sheets:
        sheet = name
        first = list(islice(workbooks.sheet_rows(path, name), _READ_FOR_NOTATION))
        if first:
            break
    fallback: DecimalMark = "," if current().locale.startswith("fr") else "."
    notes = []
    if len(sheets) > 1 and said.sheet is None:
        notes.append(Note("sheet", "one_of_several", _("The sheet %(name)s is read.", name=sheet), True))
    return _finish(Notation(format="xlsx", sheet=sheet or ""), tuple(sheets), first, said, fallback, notes)


def _finish(
    found: Notation, sheets: tuple[str, ...], first: list[FileRow], said: Said, fallback: DecimalMark, notes: list[Note]
) -> Look:
    """Header, width, decimal mark and order of dates, from the first rows."""
    if all(is_empty(cell) for row in first for cell in row.cells):
        raise Invalid(
            _("The file is empty."), [Detail("file", "empty", _("Choose a file with a header and rows below it."))]
        )
    number, certain = (
        (said.header, True) if said.header is not None else find_header([(row.number, row.cells) for row in first])
    )
    header: Sequence[Cell] = next((row.cells for row in first if row.number == number), ())
    below = [row for row in first if row.number > number and not all(map(is_empty, row.cells))]
    width = (
        width_of(header, [row.cells for row in below])
        if number
        else max(index + 1 for row in below for index, cell in enumerate(row.cells) if not is_empty(cell))
    )
    if width > MOST_COLUMNS:
        raise Invalid(
            _("The file has %(n)s columns; at most %(most)s are read.", n=width, most=MOST_COLUMNS),
            [Detail("file", "too_many_columns", _("Take out the columns that are not needed."))],
        )
    if not width:
        raise Invalid(
            _("Row %(n)s is empty, so that no column has a name.", n=number),
            [Detail("header", "empty", _("Choose the row with the names of the columns."))],
        )
    if not certain:
        message = _("The first row looks like values; without a row of names, say that there is no header.")
        notes.append(Note("header", "looks_like_values", message, True))
    elif number > 1 and said.header is None:
        notes.append(Note("header", "below_the_top", _("The names of the columns are in row %(n)s.", n=number)))
    if not below:
        notes.append(Note("file", "no_rows", _("There are no rows below the header.")))
    columns = [[row.cells[index] for row in below if index < len(row.cells)] for index in range(width)]
    decimal, dates = said.decimal, said.dates
    if decimal is None:
        decimal, more = decimal_of(columns, fallback)
        notes += more
    if dates is None:
        dates, more = dates_of(columns)
        notes += more
    names = names_of(header, width)
    if len({name.casefold() for name in map(str, header) if name}) < sum(1 for cell in header if not is_empty(cell)):
        notes.append(Note("header", "doubled", _("Some columns have the same name; a number tells them apart.")))
    notation = found.model_copy(update={"header": number, "width": width, "decimal": decimal, "dates": dates})
    return Look(
        notation.format,
        sheets,
        notation,
        tuple(names),
        tuple(_fitted(row, width) for row in below[:SAMPLES]),
        tuple(notes),
    )
