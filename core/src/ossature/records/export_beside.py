"""What an export takes out beside fields, for a file that is to be imported again: the entries of collections, and
external ids as `external_id:<source>`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ossature.errors import Invalid
from ossature.i18n.texts import translator
from ossature.records.clean import Wrong
from ossature.records.external_ids import clean_source, external_ids_of, sources_of
from ossature.records.including import attach
from ossature.records.owning import writable_fields
from ossature.records.query import Row
from ossature.records.types import RecordType
from ossature.web.api import dumps

_, _l, _n = translator("ossature")

CALLED = "external_id:"
LONGEST_CELL = 32_767
"""Characters that a workbook's cell takes."""


def beside_fields(rt: RecordType) -> list[str]:
    """All of it that records of a kind have."""
    return [*rt.parts, *(CALLED + source for source in sources_of(rt))]


def is_beside(rt: RecordType, name: str) -> bool:
    """Whether a column is a collection or a source of external ids."""
    if name in rt.parts:
        return True
    try:
        return name.startswith(CALLED) and clean_source(name.removeprefix(CALLED)) == name.removeprefix(CALLED)
    except Wrong:
        return False


def read_beside(rt: RecordType, rows: Sequence[Row], names: Iterable[str]) -> None:
    """Put it into rows, in one statement a collection and one for external ids: of entries their id and what is
    written of them, of a source a list of values."""
    names = list(names)
    collections = [name for name in names if name in rt.parts]
    attach(rt, rows, {name: {} for name in collections})
    for name in collections:
        part = rt.parts[name]
        kept = ["id", *(one for one, item in writable_fields(part).items() if not (item.orders or item.secret))]
        for row in rows:
            row[name] = [{one: entry[one] for one in kept} for entry in row[name]]
    sources = [name.removeprefix(CALLED) for name in names if name.startswith(CALLED)]
    found = external_ids_of(rt, (row["id"] for row in rows)) if sources else {}
    for row in rows:
        for source in sources:
            row[CALLED + source] = [one.value for one in found.get(row["id"], ()) if one.source == source]


def beside_cell(name: str, value: list[Any], *, bounded: bool) -> str | None:
    """It as one cell: entries as JSON, external ids a line each. Raises `Invalid` for more than a workbook's cell takes."""
    if not value:
        return None
    said = "\n".join(value) if name.startswith(CALLED) else dumps(value).decode()
    if bounded and len(said) > LONGEST_CELL:
        raise Invalid(_("A cell of a workbook does not take all of %(name)s; export it as CSV.", name=name))
    return said
