"""Taking away what the history and the tables hold of a person, or what is too old to be kept.

What is left of a change is its digest, and of the act a row of `erasure`, which stands in the history itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, insert, select, text

from ossature.context import current
from ossature.db.kernel import change, erasure
from ossature.db.work import session
from ossature.duplicates.redirects import all_that_became, leads_to
from ossature.errors import Conflict, Invalid, NotFound
from ossature.files.service import forget_files
from ossature.history.kept import forget_kept
from ossature.history.traces import forget_trace, take_back, traces
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.imports.forgetting import forget_imported, marks
from ossature.kernel import kernel
from ossature.mail.forgetting import forget_mails
from ossature.records.drafts import forget_everybodys
from ossature.records.external_ids import forget_external
from ossature.records.fields import Field
from ossature.records.notes import forget_notes
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure took away: fields of the record, rows of its parts, its notes, files and external
    ids, changes of the history, rows of imported files, mails.

    `records` are the person's own: the one that was named, and those that were merged into it. `touched` are others, which
    one of these was merged into for a while: what came from it, and what the history says of that while, is gone there.
    """

    id: UUID
    records: tuple[UUID, ...]
    touched: tuple[UUID, ...]
    fields: int
    parts: int
    notes: int
    files: int
    external_ids: int
    changes: int
    import_rows: int
    mails: int


@dataclass(slots=True)
class _Count:
    fields: int = 0
    parts: int = 0
    notes: int = 0
    files: int = 0
    external_ids: int = 0
    changes: int = 0
    import_rows: int = 0
    mails: int = 0


def erase_person(rt: RecordType, id: UUID, reason: str) -> Erased:
    """Take what is personal out of a record, its parts, what hangs on it, search, history, imports, outgoing mail, and out of answers and
    results that are kept for a while, for good; the system role's work.

    The record stays, in the bin and without a name, so that what refers to it still does. Those that were merged into it
    are of the same person, and go the same way; of one that was purged it is what the history still says. Raises
    `NotFound`, `Invalid` for a record that holds nothing personal, and `Conflict` for one that was merged into another,
    which has to be named instead.
    """
    personal = {name: item for name, item in rt.fields.items() if item.personal and not (item.derived or item.parent)}
    if not personal:
        raise Invalid(_("%(records)s hold nothing that is marked as personal.", records=rt.plural))
    if (into := leads_to(rt, id)) is not None:
        raise Conflict(
            _(
                "%(id)s was merged into %(into)s, which has its data now. Erase %(into)s; what was merged into it is erased "
                "along. If they are two people, undo the merge first.",
                id=id,
                into=into,
            ),
            code="merged",
            id=str(into),
        )
    ids = [id, *all_that_became(rt, id)]
    found = traces(rt, ids)
    known = marks(rt, ids)
    count = _Count(import_rows=forget_imported(ids, known), mails=forget_mails(rt, ids, known))
    forget_kept(ids, known)
    for trace in found:
        count.external_ids += take_back(rt, ids, trace, personal.values())
    acts = [_erase(rt, one, reason, personal, count, must_be=one == id) for one in ids]
    count.changes += sum(forget_trace(acts[0], trace) for trace in found)
    counted = {one.name: getattr(count, one.name) for one in fields(count)}
    return Erased(acts[0], tuple(ids), tuple(dict.fromkeys(trace.at for trace in found)), **counted)


def _erase(
    rt: RecordType, id: UUID, reason: str, personal: Mapping[str, Field], count: _Count, *, must_be: bool
) -> UUID:
    """Erase one record; the act that is written down. Raises `NotFound` where it must be and neither table nor history
    have it."""
    tenant_id = current().tenant_id
    values = {column: value for item in personal.values() for column, value in _blank(rt, item).items()}
    here = sa.and_(rt.c.tenant_id == tenant_id, rt.c.id == id)
    deleted = func.coalesce(rt.c.deleted_at, func.now())
    found = session().execute(
        sa.update(rt.table).where(here).values(**values, custom={}, tags=[], deleted_at=deleted).returning(rt.c.id)
    )
    if found.first() is not None:
        count.fields += len(personal)
    elif must_be and not _was_there(rt, id):
        raise NotFound(_("There is no such record."), record=rt.key)
    forget_everybodys(rt, id)
    for part in rt.parts.values():
        if any(item.personal for item in part.fields.values()):
            owner = part.c[str(part.parent_column)]
            gone = sa.delete(part.table).where(part.c.tenant_id == tenant_id, owner == id)
            count.parts += session().execute(gone).rowcount  # type: ignore[attr-defined]
    count.notes += forget_notes(rt.key, [id])
    count.files += forget_files(rt.key, [id])
    count.external_ids += forget_external(rt.key, [id])
    act = _write_down("person", reason, record=rt.key, record_id=id)
    forget = text("SELECT ossature.forget_changes(:act, CAST(:ids AS uuid[]))")
    count.changes += session().execute(forget, {"act": act, "ids": [str(id)]}).scalar_one()
    return act


def _was_there(rt: RecordType, id: UUID) -> bool:
    """Whether the history knows a record that was purged."""
    c = change.c
    known = select(c.seq).where(c.tenant_id == current().tenant_id, c.root_id == id, c.record == rt.key).limit(1)
    return session().execute(known).first() is not None


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
