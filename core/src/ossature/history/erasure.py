"""Taking away what the history and the tables hold of a person, or what is too old to be kept.

What is left of a change is its digest, and of the act a row of `erasure`, which stands in the history itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, insert, select, text

from ossature.context import current
from ossature.db.kernel import erasure
from ossature.db.work import session
from ossature.duplicates.redirects import became_part_of
from ossature.errors import Invalid, NotFound
from ossature.files.service import forget_files
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.kernel import kernel
from ossature.records.drafts import forget_everybodys
from ossature.records.external_ids import forget_external
from ossature.records.fields import Field
from ossature.records.notes import forget_notes
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure took away: fields of the record, rows of its parts, its notes, files and external
    ids, changes of the history."""

    id: UUID
    fields: int
    parts: int
    notes: int
    files: int
    external_ids: int
    changes: int


_COUNTED = ("parts", "notes", "files", "external_ids", "changes")


def erase_person(rt: RecordType, id: UUID, reason: str) -> Erased:
    """Take what is personal out of a record, its parts, what hangs on it, search and history, for good; the system role's work.

    The record stays, in the bin and without a name, so that what refers to it still does. Those that were merged into it
    are of the same person, and go the same way. Raises `NotFound`, and `Invalid` for a record that holds nothing personal.
    """
    merged = session().execute(select(became_part_of(rt, id))).scalar() or []
    erased = _erase(rt, id, reason)
    for other in merged:
        also = _erase(rt, other, reason)
        sums = {name: getattr(erased, name) + getattr(also, name) for name in _COUNTED}
        erased = replace(erased, **sums)
    return erased


def _erase(rt: RecordType, id: UUID, reason: str) -> Erased:
    personal = {name: item for name, item in rt.fields.items() if item.personal and not (item.derived or item.parent)}
    if not personal:
        raise Invalid(_("%(records)s hold nothing that is marked as personal.", records=rt.plural))
    tenant_id = current().tenant_id
    values = {column: value for item in personal.values() for column, value in _blank(rt, item).items()}
    here = sa.and_(rt.c.tenant_id == tenant_id, rt.c.id == id)
    deleted = func.coalesce(rt.c.deleted_at, func.now())
    found = session().execute(
        sa.update(rt.table).where(here).values(**values, custom={}, tags=[], deleted_at=deleted).returning(rt.c.id)
    )
    if found.first() is None:
        raise NotFound(_("There is no such record."), record=rt.key)
    forget_everybodys(rt, id)
    parts = 0
    for part in rt.parts.values():
        if any(item.personal for item in part.fields.values()):
            owner = part.c[str(part.parent_column)]
            gone = sa.delete(part.table).where(part.c.tenant_id == tenant_id, owner == id)
            parts += session().execute(gone).rowcount  # type: ignore[attr-defined]
    notes, files = forget_notes(rt.key, [id]), forget_files(rt.key, [id])
    external_ids = forget_external(rt.key, [id])
    act = _write_down("person", reason, record=rt.key, record_id=id)
    forget = text("SELECT ossature.forget_changes(:act, CAST(:ids AS uuid[]))")
    changes = session().execute(forget, {"act": act, "ids": [str(id)]}).scalar_one()
    return Erased(act, len(personal), parts, notes, files, external_ids, changes)


def forget_old_history(months: int, now: datetime) -> int:
    """Take away the content of changes that are older than so many whole months (0: of none), and of those that are
    older than their record declares, never of ledgers; returns how many. What was done for a month is not done again.
    """
    ledgers = [name for rt in kernel().records if rt.ledger for name in _with_parts(rt)]
    count = _forget_before(_months_before(now, months), None, ledgers) if months else 0
    for rt in kernel().records:
        if rt.keep_history and not rt.ledger and not (months and months <= rt.keep_history):
            count += _forget_before(_months_before(now, rt.keep_history), rt.key, _with_parts(rt))
    return count


def _with_parts(rt: RecordType) -> list[str]:
    return [rt.key, *(part.key for part in rt.parts.values())]


def _forget_before(before: datetime, record: str | None, names: list[str]) -> int:
    """Of these, one record and its parts; or of everything but these."""
    done = select(erasure.c.id).where(
        erasure.c.tenant_id == current().tenant_id, erasure.c.kind == "retention", erasure.c.before == before,
        erasure.c.record.is_not_distinct_from(record),
    )  # fmt: skip
    if session().execute(done).first() is not None:
        return 0
    act = _write_down("retention", "kept long enough", before=before, record=record)
    forget = text("SELECT ossature.forget_old_changes(:act, :names, :but)")
    count: int = session().execute(forget, {"act": act, "names": names, "but": record is None}).scalar_one()
    return count


def _months_before(now: datetime, months: int) -> datetime:
    """The first moment of the month that many months before this one."""
    number = now.year * 12 + now.month - 1 - months
    return now.replace(year=number // 12, month=number % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0)


def _write_down(kind: Literal["person", "retention"], reason: str, **values: Any) -> UUID:
    act = new_id()
    session().execute(insert(erasure).values(id=act, kind=kind, reason=reason, **values))
    return act


def _blank(rt: RecordType, item: Field) -> dict[str, Any]:
    """What stands in the columns of a field once it is erased: nothing, or a word where something must."""
    if not rt.c[item.name].nullable:
        return {item.name: str(_("Erased"))[: item.max_length]}
    return dict.fromkeys(item.columns)
