"""Writing a record by a value that no two have: changed where it is there, created where it is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ossature.db.work import session
from ossature.errors import Detail, Invalid, NotFound, PreconditionFailed
from ossature.i18n.texts import translator
from ossature.records.clean import Wrong, clean_value, plain
from ossature.records.external_ids import clean_key, find_by_external, set_external, taken
from ossature.records.fields import Field
from ossature.records.filters import Question
from ossature.records.query import ListQuery, list_rows
from ossature.records.service import Written, create, update, writable_fields
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")


def keys_of(rt: RecordType) -> dict[str, Field]:
    """The fields that a record can be found by, since no two live ones share a value, and that the writer may set."""
    return {name: item for name, item in writable_fields(rt).items() if item.unique}


def upsert(
    rt: RecordType, by: str, value: Any, values: Mapping[str, Any], *, id: UUID | None = None,
    version: int | None = None, if_match: int | None = None,
) -> tuple[Written, bool]:  # fmt: skip
    """Change the live record whose field `by` has a value, or create it; True where it was created.

    What is not given stays, or gets its default in a new one, which takes `id`. Two who create the same at once end
    with one record. Raises `NotFound` for a field that no record can be found by, and as `create` and `update` do.
    """
    item = keys_of(rt).get(by)
    if item is None:
        names = ", ".join(keys_of(rt)) or "-"
        raise NotFound(
            _("%(records)s are not found by %(field)s.", records=rt.plural, field=plain(by)),
            [Detail("by", "unknown_key", _("Use one of: %(names)s.", names=names))],
        )
    try:
        wanted = clean_value(item, value)
        given = clean_value(item, values.get(by, value))
    except Wrong as wrong:
        raise Invalid(_("The input has faults."), [Detail(by, wrong.code, str(wrong))]) from None
    if wanted is None:
        raise Invalid(_("The input has faults."), [Detail(by, "required", _("Fill this in."))])
    values = {**values, by: given}
    if (known := _find(rt, by, wanted)) is None:
        if if_match is not None:
            raise PreconditionFailed(_("There is no such record yet, so that it has no version."))
        try:
            with session().begin_nested():
                return create(rt, values, id), True
        except Invalid as refused:
            met = any(detail.field == by and detail.code == "taken" for detail in refused.details)
            if not met or (known := _find(rt, by, wanted)) is None:
                raise
    return update(rt, known, values, version=version, if_match=if_match), False


def upsert_by_external(
    rt: RecordType, source: str, value: str, values: Mapping[str, Any], *, id: UUID | None = None,
    version: int | None = None, if_match: int | None = None,
) -> tuple[Written, bool]:  # fmt: skip
    """As `upsert`, by what the record is called elsewhere; one that is created gets that external id.

    Raises `Invalid` also where a record out of the writer's reach is called so.
    """
    source, value = clean_key(source, value)
    if (known := find_by_external(rt, source, [value]).get(value)) is None:
        if if_match is not None:
            raise PreconditionFailed(_("There is no such record yet, so that it has no version."))
        try:
            with session().begin_nested():
                written = create(rt, values, id)
                if set_external(rt, {(source, value): written.row["id"]}):
                    raise _Met
                return written, True
        except _Met:
            if (known := find_by_external(rt, source, [value]).get(value)) is None:
                raise taken() from None
    return update(rt, known, values, version=version, if_match=if_match), False


class _Met(Exception):
    """Somebody else gave the external id to a record meanwhile."""


def _find(rt: RecordType, by: str, value: Any) -> UUID | None:
    rows = list_rows(rt, ListQuery(filter=Question(by, "is", value), fields=(by,), limit=1)).rows
    found: UUID | None = rows[0]["id"] if rows else None
    return found
