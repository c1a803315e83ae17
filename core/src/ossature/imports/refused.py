"""The rows of an import that were refused, as a file to correct and import again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from flask import Response

from ossature.files.sending import disposition
from ossature.i18n.texts import translator
from ossature.imports.headers import REASON
from ossature.imports.results import MOST_READ, Fault, rows
from ossature.imports.runs import Import
from ossature.records.exporting import guarded
from ossature.records.sending import sent_later

_, _l, _n = translator("ossature")


def refused_file(imp: Import) -> Response:
    """The refused rows as CSV with a last column that says why, sent while they are read. Cells are divided as in the
    file; those of a workbook so that their decimal mark is none of the signs between them."""
    ending = _("to correct")
    name = f"{imp.filename.rpartition('.')[0] or imp.filename}-{ending}.csv"
    response = Response(sent_later(lambda: _lines(imp)), mimetype="text/csv")
    response.headers["Content-Disposition"] = disposition("attachment", name)
    return response


def _lines(imp: Import) -> Iterator[bytes]:
    notation = imp.notation
    sign = notation.delimiter if notation.format == "csv" else ";" if notation.decimal == "," else ","
    yield "\ufeff".encode() + _line([*imp.headers, str(REASON)], sign)
    after = 0
    while some := rows(imp, "refused", after, MOST_READ):
        yield b"".join(_line([*row.cells, "; ".join(map(_told, row.faults))], sign) for row in some)
        after = some[-1].number


def _told(fault: Fault) -> str:
    colon = _(": ")
    words = f"{fault.header}{colon}{fault.message}" if fault.header else fault.message
    return f"{words} ({fault.proposal} ?)" if fault.proposal else words


def _line(cells: list[str], sign: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=sign, lineterminator="\r\n").writerow(map(guarded, cells))
    return out.getvalue().encode()
