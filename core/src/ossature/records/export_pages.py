"""The dialogue that asks how a list is taken out, and the file that answers it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue

from ossature.errors import Invalid
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.records.export_beside import beside_fields
from ossature.records.export_tables import csv_writer, json_writer
from ossature.records.export_workbook import xlsx_writer
from ossature.records.exporting import (
    DIALECTS,
    FORMATS,
    HEADERS,
    MIMETYPES,
    Export,
    Headers,
    exportable,
    stream,
    summed,
)
from ossature.records.list_address import ListAddress
from ossature.records.list_pages import list_crumbs, list_query
from ossature.records.list_views import list_columns
from ossature.records.mass import MOST_NAMED
from ossature.records.query import COUNT_UP_TO, Row
from ossature.records.saved import Look, read_look
from ossature.records.types import RecordType
from ossature.web import Crumb, render
from ossature.web.api import one_of
from ossature.web.export_models import ExportDialog
from ossature.web.formats import as_number
from ossature.web.models import Choice

_, _l, _n = translator("ossature")


WHOLE = "whole"
"""In place of headers: those of fields, over all that can be imported again."""


def export_dialog(rt: RecordType) -> ResponseReturnValue:
    """What to choose; posted with `_step=start`, the file. The rows are those that are named, else all of the list."""
    look = read_look(rt, request.args)
    export = _asked(rt, look)
    if request.form.get("_step") == "start":
        return file_response(export)
    title = _("Export %(what)s", what=str(rt.plural).lower())
    view = ExportDialog(
        url=request.full_path.rstrip("?"), words=_words(export), rows=request.form.get("_rows", ""),
        back_url=ListAddress(rt, look)(), **_choices(),
    )  # fmt: skip
    return render("record/export.html", title=title, breadcrumbs=[*list_crumbs(rt), Crumb(title)], export=view)


def file_response(export: Export, shown: Callable[[list[Row]], list[Row]] = list) -> Response:
    """An export as a file to be saved, sent while it is read; `shown` makes of JSON's rows what the client expects."""
    if export.format == "json":
        writer = json_writer(export, shown)
    else:
        writer = csv_writer(export) if export.format == "csv" else xlsx_writer(export)
    response = Response(stream(export, writer), mimetype=MIMETYPES[export.format])
    response.headers["Content-Disposition"] = f'attachment; filename="{export.filename}"'
    return response


def _asked(rt: RecordType, look: Look) -> Export:
    known = exportable(rt)
    names = [name for name in list_columns(rt, look.definition) if name in known] or ["id"]
    asked = one_of((*HEADERS, WHOLE), "headers", request.form.get("headers", "labels"))
    headers: Headers = "labels" if asked == "labels" else "names"
    if asked == WHOLE:
        names = [*known, *beside_fields(rt)]
    elif headers == "names" and "id" not in names:
        names.insert(0, "id")
    sums = summed(names, headers)
    return Export(
        rt, list_query(look, 1), tuple(names), one_of(FORMATS, "format", request.form.get("format", "xlsx")),
        headers, one_of(DIALECTS, "dialect", request.form.get("dialect", "excel")), _named(), sums,
    )  # fmt: skip


def _named() -> list[UUID] | None:
    """The rows that were selected one by one; None where all of the list are meant."""
    if request.method == "GET" or request.form.get("_all"):
        return None
    words = request.form.get("_rows", "").split()
    if len(words) > MOST_NAMED:
        raise Invalid(_("At most %(n)d records can be named one by one; select all that match.", n=MOST_NAMED))
    return [id for word in words if (id := as_id(word.partition(".")[0])) is not None]


def _words(export: Export) -> str:
    """How many there are, as far as it costs little."""
    found = export.count(COUNT_UP_TO + 1)
    n, what = as_number(min(found, COUNT_UP_TO)), export.rt.noun(found)
    return _("more than %(n)s %(records)s", n=n, records=what) if found > COUNT_UP_TO else f"{n} {what}"


def _choices() -> dict[str, tuple[Choice, ...]]:
    return {
        "formats": (Choice("xlsx", _("Excel workbook (XLSX)")), Choice("csv", "CSV"), Choice("json", "JSON")),
        "headers": (
            Choice("labels", _("As on the screen")),
            Choice("names", _("Field names and stored values")),
            Choice(WHOLE, _("Everything, to be imported again")),
        ),
        "dialects": (
            Choice("excel", _("As Excel opens it in my language")),
            Choice("plain", _("Commas between values, points in numbers")),
        ),
    }  # fmt: skip
