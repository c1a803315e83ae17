"""Imports: begun with a file, told what its columns mean, checked, corrected and written. Pages and API come through here.

The work itself is done by the jobs in `imports.job`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from collections.abc import Mapping as Map
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import delete, func, insert, select, update

from ossature.context import current
from ossature.db.work import session
from ossature.errors import Conflict, Detail, Invalid
from ossature.files.names import clean_name
from ossature.files.storage import Missing, storage
from ossature.history.change_sets import undoings
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.imports import reading
from ossature.imports.cells import storable
from ossature.imports.guessing import guess
from ossature.imports.mapping import LONGEST_CELL, LONGEST_WORDS, MOST_VALUES, Column, Mapping, check_mapping
from ossature.imports.notation import Said
from ossature.imports.presets import Preset, fitting, presets, remove_preset, save_preset
from ossature.imports.results import (
    Fault,
    FaultGroup,
    RowShown,
    Summary,
    refused_for,
    row_of,
    rows,
    samples,
    summary,
)
from ossature.imports.rights import demand_either, demand_mode, may_import, permitted
from ossature.imports.runs import (
    Import,
    NoteShown,
    State,
    find,
    held,
    one,
    own,
    recount,
    rows_of,
)
from ossature.imports.staging import stage
from ossature.imports.table import import_row, import_run
from ossature.jobs.queue import cancel as cancel_job
from ossature.records.rules import folded
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

__all__ = [
    "Fault", "FaultGroup", "Import", "NoteShown", "Preset", "RowShown", "State", "Summary", "cancel", "check", "correct", "demand_either",
    "find", "map_value", "may_import", "or_nothing", "own", "permitted", "presets", "remove_preset", "row_of", "rows", "run", "samples",
    "save_preset", "set_mapping", "set_notation", "start", "summary",
]  # fmt: skip

_CHUNK = 1024 * 1024


def start(rt: RecordType, filename: str, stream: BinaryIO, said: Said | None = None) -> Import:
    """Begin an import: the file is looked at and its rows are put down. The mapping is that of a preset for the same
    columns, else a guess.

    Raises `Forbidden`, `TooLarge`, and `Invalid` for what is no table.
    """
    demand_either(rt)
    id, key, name = new_id(), new_id().hex, clean_name(filename, "import")
    with _on_disk(stream) as path:
        look = reading.look(path, name, said)
        headers = list(look.headers)
        fits = fitting(rt, headers)
        mapping = permitted(rt, fits.mapping_of(headers) if fits else _guessed(rt, look))
        session().execute(
            insert(import_run).values(
                id=id, record=rt.key, filename=name, size=path.stat().st_size, key=key, look=_as_json(look),
                mapping=mapping.model_dump(mode="json"), state="draft", change_set_id=new_id(), total=0, counts={},
            )
        )  # fmt: skip
        _stage(id, path, look)
        with path.open("rb") as source:
            storage().write(_tenant(), key, source)
    return find(rt, id)


@contextmanager
def or_nothing(imp: Import) -> Iterator[None]:
    """What is said of an import in the request that begins it: the file is not kept where that is refused."""
    try:
        yield
    except BaseException:
        storage().delete(_tenant(), imp.key)
        raise


def set_notation(imp: Import, said: Said) -> Import:
    """Read the file again, as somebody says that it is written; corrections of its cells are lost, the mapping stays
    where the columns are the same. Raises as `start`, and `Conflict` once something was written or the file is not kept."""
    imp = _untouched(imp)
    with _kept(imp) as kept, _on_disk(kept) as path:
        look = reading.look(path, imp.filename, said)
        headers = list(look.headers)
        mapping = imp.mapping
        if tuple(headers) != imp.headers:
            mapping = permitted(imp.rt, _guessed(imp.rt, look))
        session().execute(delete(import_row).where(rows_of(imp.id)))
        _change(imp.id, look=_as_json(look), mapping=mapping.model_dump(mode="json"), state="draft", counts={})
        _stage(imp.id, path, look)
    return find(imp.rt, imp.id)


def set_mapping(imp: Import, mapping: Mapping) -> Import:
    """Say what the columns mean. Raises `Invalid` naming what cannot be, `Conflict` once something was written."""
    imp = _untouched(imp)
    check_mapping(imp.rt, mapping, len(imp.headers))
    session().execute(
        update(import_row)
        .where(rows_of(imp.id), import_row.c.outcome.isnot(None))
        .values(outcome=None, faults=None, record_id=None, key_hash=None)
    )
    _change(imp.id, mapping=mapping.model_dump(mode="json"), state="draft", counts={})
    return find(imp.rt, imp.id)


def check(imp: Import) -> Import:
    """Find out in the background what would become of each row that has no outcome yet; nothing is written."""
    from ossature.imports.job import ImportArgs, check_job

    imp = _ready(imp)
    _change(imp.id, state="checking", job_id=check_job.enqueue(ImportArgs(import_id=imp.id)))
    return find(imp.rt, imp.id)


def run(imp: Import) -> Import:
    """Write in the background what is not written yet; under a new change set once the former was undone."""
    from ossature.imports.job import ImportArgs, import_job

    imp = _ready(imp)
    if imp.total and imp.written == imp.total:
        raise Conflict(_("This import is done."), code="over")
    job_id = import_job.enqueue(ImportArgs(import_id=imp.id))
    _change(imp.id, state="running", job_id=job_id, begun_at=func.coalesce(import_run.c.begun_at, func.now()))
    if undoings([imp.change_set_id])[imp.change_set_id].by_id is not None:
        _change(imp.id, change_set_id=new_id(), begun_at=func.now())
    return find(imp.rt, imp.id)


def cancel(imp: Import) -> Import:
    """Stop what is under way: what is written stays, unless it was to be all or nothing."""
    if imp.busy and imp.job_id is not None:
        with suppress(Conflict):  # it has ended meanwhile
            cancel_job(imp.job_id)
    return find(imp.rt, imp.id)


def correct(imp: Import, number: int, cells: Map[int, str]) -> RowShown:
    """Put other texts into cells of a row, by column, and find out what becomes of it now. Raises `NotFound`, and
    `Conflict` for a row that is written."""
    from ossature.imports.job import check_row

    imp = held(imp)
    row = row_of(imp, number)
    if row.written and row.outcome != "refused":
        raise Conflict(_("This row is written already; change the record itself."), code="over")
    for index, text in cells.items():
        if not 0 <= index < len(imp.headers):
            raise Invalid(
                _("The input has faults."), [Detail(f"cells.{index}", "invalid", _("The file has no such column."))]
            )
        if len(text) > LONGEST_CELL:
            raise Invalid(
                _("The input has faults."),
                [Detail(f"cells.{index}", "too_long", _("Use at most %(count)s characters.", count=LONGEST_CELL))],
            )
    session().execute(_CORRECTION, {"tenant": _tenant(), "import": imp.id, "number": number, "cells": _texts(cells)})
    check_row(imp, number)
    _change(imp.id, counts=recount(imp.id))
    return row_of(imp, number)


_CORRECTION = sa.text(
    "UPDATE ossature.import_row SET written = false, outcome = NULL, faults = NULL, record_id = NULL, key_hash = NULL, "
    "cells = (SELECT jsonb_agg(coalesce(CAST(:cells AS jsonb) -> (at - 1)::text, cell) ORDER BY at) "
    "FROM jsonb_array_elements(cells) WITH ORDINALITY AS c (cell, at)), "
    "flaws = (SELECT nullif(jsonb_agg(flaw), '[]') FROM jsonb_array_elements(flaws) flaw "
    "WHERE flaw -> 0 <> 'null' AND NOT CAST(:cells AS jsonb) ? (flaw ->> 0)) "
    "WHERE tenant_id = :tenant AND import_id = :import AND number = :number"
)


def map_value(imp: Import, index: int, value: str, to: str) -> Import:
    """Say what a text of a column stands for, in all rows, blind to its case and accents; those that were refused for it
    wait to be checked again.

    Raises `Invalid` where the column goes nowhere, and for more or longer texts than a mapping holds.
    """
    for name, words in (("value", value), ("to", to)):
        if len(words) > LONGEST_WORDS:
            message = _("Use at most %(count)s characters.", count=LONGEST_WORDS)
            raise Invalid(_("The input has faults."), [Detail(name, "too_long", message)])
    imp = held(imp)
    value, to = storable(value), storable(to)
    found = [column for column in imp.mapping.columns if column.index == index and column.to]
    if not found:
        raise Invalid(_("The input has faults."), [Detail("column", "invalid", _("This column goes nowhere."))])
    changed = {id(column): _with_value(column, value.strip(), to) for column in found}
    columns = [changed.get(id(column), column) for column in imp.mapping.columns]
    mapping = imp.mapping.model_copy(update={"columns": columns})
    check_mapping(imp.rt, mapping, len(imp.headers))
    c = import_row.c
    heads = select(c.head).where(rows_of(imp.id), c.outcome == "refused", refused_for(index, value))
    # As a value rather than a join, the heads are looked for once: of rows just written no plan knows how many they are.
    refused_too = c.head.in_(heads).is_(True)
    session().execute(
        update(import_row)
        .where(rows_of(imp.id), c.outcome == "refused", refused_too)
        .values(written=False, outcome=None, faults=None, record_id=None, key_hash=None)
    )
    _change(imp.id, mapping=mapping.model_dump(mode="json"), counts=recount(imp.id))
    return find(imp.rt, imp.id)


def _with_value(column: Column, value: str, to: str) -> Column:
    others = {text: meant for text, meant in column.values.items() if folded(text.strip()) != folded(value)}
    if len(others) >= MOST_VALUES:
        message = _("The texts of a column can stand for others up to %(count)s times; correct the file itself.",
                    count=MOST_VALUES)  # fmt: skip
        raise Invalid(_("The input has faults."), [Detail("column", "too_many", message)])
    return column.model_copy(update={"values": {**others, value: to}})


# -- steps ---------------------------------------------------------------------------------------------------------------


def _untouched(imp: Import) -> Import:
    imp = held(imp)
    if imp.begun_at is not None and imp.written:
        raise Conflict(_("Rows of this import are written already; begin another one."), code="begun")
    return imp


def _ready(imp: Import) -> Import:
    imp = held(imp)
    check_mapping(imp.rt, imp.mapping, len(imp.headers))
    if not any(column.to for column in imp.mapping.columns):
        raise Invalid(
            _("The columns cannot be read like this."),
            [Detail("columns", "required", _("Choose what at least one column goes to."))],
        )
    demand_mode(imp.rt, imp.mapping.mode)
    return imp


def _stage(id: UUID, path: Path, look: reading.Look) -> None:
    total = stage(id, reading.rows(path, look.notation))
    if not total:
        raise Invalid(
            _("The file has no rows."), [Detail("file", "empty", _("Choose one with rows below its header."))]
        )
    _change(id, total=total)


def _change(id: UUID, **values: Any) -> None:
    session().execute(update(import_run).where(one(id)).values(**values))


def _guessed(rt: RecordType, look: reading.Look) -> Mapping:
    return Mapping(columns=guess(rt, list(look.headers), [row.cells for row in look.samples]))


def _as_json(look: reading.Look) -> dict[str, Any]:
    return {
        "notation": look.notation.model_dump(mode="json"),
        "headers": list(look.headers),
        "sheets": list(look.sheets),
        "notes": [
            {"about": note.about, "code": note.code, "message": str(note.message), "doubt": note.doubt}
            for note in look.notes
        ],
    }


def _texts(cells: Map[int, str]) -> str:
    import orjson

    return orjson.dumps({str(index): storable(text) for index, text in cells.items()}).decode()


def _kept(imp: Import) -> BinaryIO:
    """The file as it was sent. Raises `Conflict` once it is not kept any more, since somebody in it was erased."""
    try:
        return storage().open(_tenant(), imp.key)
    except Missing:
        raise Conflict(_("The file is no longer kept; choose it again to begin another import."), code="gone") from None


@contextmanager
def _on_disk(stream: BinaryIO) -> Iterator[Path]:
    """What comes in, in a file of its own as long as it is read. Raises `TooLarge`."""
    with tempfile.TemporaryDirectory(prefix="ossature-import-") as folder:
        path = Path(folder) / "file"
        with path.open("wb") as target:
            while piece := stream.read(_CHUNK):
                target.write(piece)
                if target.tell() > reading.most_bytes():
                    raise reading.too_large()
        yield path


def _tenant() -> UUID:
    found = current().tenant_id
    assert found is not None
    return found
