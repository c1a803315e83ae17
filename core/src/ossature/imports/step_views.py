"""What every step of an import shows: which file, how it was read, the trail of steps; and the list of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flask import url_for

from ossature.i18n.texts import translator
from ossature.imports.encodings import ENCODINGS
from ossature.imports.notation import DATE_ORDERS, DELIMITERS
from ossature.imports.reading import most_bytes
from ossature.imports.results import rows
from ossature.imports.runs import Import
from ossature.records.types import RecordType
from ossature.records.views import page_endpoint
from ossature.web.formats import as_number
from ossature.web.import_models import FileForm, ImportHead, ImportLine, ImportStart, Pick
from ossature.web.models import Choice, Step, Tone

_, _l, _n = translator("ossature")

STEPS = ("file", "columns", "check", "done")
SHOWN_COLUMNS, SHOWN_ROWS = 40, 10
LAST_HEADER = 10


def step_of(imp: Import) -> str:
    """Which step an import is at."""
    if imp.state == "draft":
        return "columns"
    if imp.state in ("checking", "checked", "refused") or imp.begun_at is None:
        return "check"
    return "done"


def head_of(imp: Import, step: str) -> ImportHead:
    rt = imp.rt
    urls = {
        name: url_for(page_endpoint(rt, f"import_{name}"), id=imp.id) for name in ("show", "file", "columns", "check")
    }
    return ImportHead(
        id=imp.id, title=title_of(rt), filename=imp.filename, words=row_words(imp.total), plural=str(rt.plural).lower(),
        steps=trail(step, urls if step_of(imp) != "done" and not imp.busy else {}), file_url=urls["file"],
        columns_url=urls["columns"], check_url=urls["check"], show_url=urls["show"],
        start_url=url_for(page_endpoint(rt, "imports")), list_url=url_for(page_endpoint(rt, "list")),
        reading=tuple(_reading(imp)), doubts=tuple(note.message for note in imp.notes if note.doubt and note.about != "encoding"),
    )  # fmt: skip


def title_of(rt: RecordType) -> str:
    return _("Import %(records)s", records=str(rt.plural).lower())


def row_words(count: int) -> str:
    return _n("%(n)s row", "%(n)s rows", count, n=as_number(count))


def trail(step: str, urls: dict[str, str]) -> tuple[Step, ...]:
    """The steps; those behind lead back, as long as nothing is written."""
    words = {"file": _("File"), "columns": _("Columns"), "check": _("Check"), "done": _("Done")}
    at = STEPS.index(step)
    return tuple(
        Step(words[name], "done" if number < at else "current" if number == at else "next",
             urls.get(name, "") if number < at else "")
        for number, name in enumerate(STEPS)
    )  # fmt: skip


def start_page(rt: RecordType, imports: Iterable[Import], error: str = "") -> ImportStart:
    return ImportStart(
        title=title_of(rt), url=url_for(page_endpoint(rt, "imports")), list_url=url_for(page_endpoint(rt, "list")),
        most=most_bytes(), steps=trail("file", {}), earlier=tuple(map(_line, imports)), error=error,
    )  # fmt: skip


def _line(imp: Import) -> ImportLine:
    states: dict[str, tuple[str, Tone]] = {
        "draft": (_("not begun"), "neutral"), "checking": (_("is being checked"), "info"),
        "checked": (_("checked"), "neutral"), "running": (_("under way"), "info"), "done": (_("done"), "success"),
        "stopped": (_("stopped"), "danger"), "cancelled": (_("stopped"), "warning"),
        "refused": (_("nothing imported"), "warning"),
    }  # fmt: skip
    state, tone = states[imp.state]
    if step_of(imp) == "done":
        words = [
            _n("%(n)s created", "%(n)s created", imp.created, n=as_number(imp.created)) if imp.created else "",
            _n("%(n)s changed", "%(n)s changed", imp.updated, n=as_number(imp.updated)) if imp.updated else "",
            _n("%(n)s left out", "%(n)s left out", imp.refused, n=as_number(imp.refused)) if imp.refused else "",
        ]
    else:
        words = [row_words(imp.total)]
    return ImportLine(
        imp.filename, url_for(page_endpoint(imp.rt, "import_show"), id=imp.id), imp.created_at, state, tone,
        ", ".join(word for word in words if word) or _("nothing changed"),
    )  # fmt: skip


def _reading(imp: Import) -> Iterable[str]:
    """How the file was read, in words."""
    notation = imp.notation
    if notation.format == "xlsx":
        yield _("Excel workbook")
        if len(imp.sheets) > 1:
            yield _("sheet %(name)s", name=notation.sheet)
    else:
        yield "CSV"
        yield str(ENCODINGS.get(notation.encoding, notation.encoding))
        yield str(DELIMITERS.get(notation.delimiter, notation.delimiter))
    yield _("names of the columns in row %(n)s", n=notation.header) if notation.header else _("no names of columns")
    yield _("numbers like %(sample)s", sample=_decimals()[notation.decimal])
    yield _("dates: %(order)s", order=str(DATE_ORDERS[notation.dates]).lower())


def _decimals() -> dict[str, str]:
    return {",": "1 234,50", ".": "1,234.50"}


def decimal_choices() -> tuple[Choice, ...]:
    return tuple(Choice(mark, sample) for mark, sample in _decimals().items())


def date_choices() -> tuple[Choice, ...]:
    samples = {"dmy": "31/12/2026", "mdy": "12/31/2026", "ymd": "2026-12-31"}
    return tuple(Choice(order, f"{label} ({samples[order]})") for order, label in DATE_ORDERS.items())


def file_form(imp: Import, error: str = "") -> FileForm:
    """What may be said of how the file is written, and how its first rows are understood."""
    notation = imp.notation
    picks: list[Pick] = []
    if notation.format == "csv":
        picks.append(Pick("encoding", _("Letters"), notation.encoding, _choices(ENCODINGS),
                          _("Choose another one where accents look wrong.")))  # fmt: skip
        picks.append(Pick("delimiter", _("Cells are divided by"), notation.delimiter, _choices(DELIMITERS)))
    elif len(imp.sheets) > 1:
        picks.append(Pick("sheet", _("Sheet"), notation.sheet, tuple(Choice(name, name) for name in imp.sheets)))
    places = [Choice(str(n), _("In row %(n)s", n=n)) for n in range(1, max(LAST_HEADER, notation.header) + 1)]
    picks.append(Pick("header", _("Names of the columns"), str(notation.header),
                      (*places, Choice("0", _("There are none")))))  # fmt: skip
    picks.append(Pick("decimal", _("Numbers are written like"), notation.decimal, decimal_choices()))
    picks.append(Pick("dates", _("Dates are written like"), notation.dates, date_choices()))
    first = rows(imp, limit=SHOWN_ROWS)
    return FileForm(
        head_of(imp, "file"), tuple(picks), imp.headers[:SHOWN_COLUMNS],
        tuple((row.number, row.cells[:SHOWN_COLUMNS]) for row in first), error,
    )  # fmt: skip


def _choices(known: Mapping[str, object]) -> tuple[Choice, ...]:
    return tuple(Choice(value, str(label)) for value, label in known.items())
