"""What an export takes out beside fields, for a file that is to be imported again: the entries of collections, and
external ids as `external_id:<source>`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

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


def read_beside(rt: RecordType, ids: Sequence[UUID], names: Iterable[str]) -> dict[str, list[list[Any]]]:
    """It of some records, by its name, a list for each of `ids`; read in one statement a collection and one for external
    ids: of entries their id and what is written of them, of a source its values."""
    names = list(names)
    collections = [name for name in names if name in rt.parts]
    rows: list[Row] = [{"id": id} for id in ids]
    attach(rt, rows, {name: {} for name in collections})
    found: dict[str, list[list[Any]]] = {}
    for name in collections:
        part = rt.parts[name]
        kept = ["id", *(one for one, item in writable_fields(part).items() if not (item.orders or item.secret))]
        found[name] = [[{one: entry[one] for one in kept} for entry in row[name]] for row in rows]
    sources = [name.removeprefix(CALLED) for name in names if name.startswith(CALLED)]
    called = external_ids_of(rt, ids) if sources else {}
    for source in sources:
        found[CALLED + source] = [[one.value for one in called.get(id, ()) if one.source == source] for id in ids]
    return found


def beside_cell(name: str, value: list[Any], *, bounded: bool) -> str | None:
    """It as one cell: entries as JSON, external ids a line each. Raises `Invalid` for more than a workbook's cell takes."""
    if not value:
        return None
    said = "\n".join(value) if name.startswith(CALLED) else dumps(value).decode()
    if bounded and len(said) > LONGEST_CELL:
        raise Invalid(_("A cell of a workbook does not take all of %(name)s; export it as CSV.", name=name))
    return said
