"""What records still hold of a person who was merged into them for a while: found, taken back, and forgotten.

While two records are one, whatever is written there is of both. So of that while, to the merge's being undone or the
person's being restored, the other record's history keeps nothing; what came along and stands there still is taken out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, select, text

from ossature.context import current
from ossature.db.kernel import change, external_id, note
from ossature.db.work import session
from ossature.duplicates.tables import merged
from ossature.files.table import FILE
from ossature.files.table import table as file
from ossature.history.net import from_history
from ossature.records.external_ids import EXTERNAL_ID
from ossature.records.fields import Field
from ossature.records.notes import NOTE
from ossature.records.types import RecordType


@dataclass(frozen=True, slots=True)
class Trace:
    """`of` was merged into `at`, in a change set, along with `others`; `first` to `last` are the numbers of the changes of
    the while that they were one. `own`: `of` is the person's own record, not one that it had been merged into."""

    of: UUID
    at: UUID
    change_set_id: UUID
    others: tuple[UUID, ...]
    first: int
    last: int
    own: bool
    hung: list[UUID]
    """What hung on the person and hangs on the other record."""


def traces(rt: RecordType, ids: Sequence[UUID]) -> list[Trace]:
    """Where records were merged into that they are no longer part of, and on from there as long as they were."""
    found, seen = list[Trace](), set[UUID]()
    left: list[tuple[UUID, int | None]] = [(id, None) for id in ids]
    while left:
        of, until = left.pop()
        for row in _merges(rt, of):
            if row.id in seen or row.to_id in ids or row.first is None or (until is not None and row.first > until):
                continue
            seen.add(row.id)
            last = min((number for number in (until, row.last) if number is not None), default=row.first)
            others = tuple(id for id in row.others if id not in ids)
            found.append(Trace(of, row.to_id, row.change_set_id, others, row.first, last, of in ids, []))
            left.append((row.to_id, last))
    return found


def _merges(rt: RecordType, id: UUID) -> Sequence[Any]:
    """What a record was ever merged into: from its first change to that of its last coming back."""
    c, again, beside = change.c, change.alias().c, merged.alias()
    tenant_id = current().tenant_id
    first = select(func.min(c.seq)).where(
        c.tenant_id == tenant_id, c.change_set_id == merged.c.change_set_id, c.root_id == merged.c.to_id
    )
    restored = select(again.change_set_id).where(
        again.tenant_id == tenant_id, again.root_id == merged.c.from_id, again.record == rt.key,
        again.record_id == merged.c.from_id, again.what == "restore", again.at >= merged.c.at,
    )  # fmt: skip
    last = select(func.max(c.seq)).where(
        c.tenant_id == tenant_id, c.root_id.in_([merged.c.from_id, merged.c.to_id]), c.change_set_id.in_(restored)
    )
    others = select(func.array_agg(beside.c.from_id, type_=sa.ARRAY(sa.Uuid))).where(
        beside.c.tenant_id == tenant_id, beside.c.change_set_id == merged.c.change_set_id, beside.c.from_id != id
    )
    statement = select(
        merged.c.id, merged.c.to_id, merged.c.change_set_id, first.scalar_subquery().label("first"),
        last.scalar_subquery().label("last"), func.coalesce(others.scalar_subquery(), sa.text("'{}'")).label("others"),
    ).where(merged.c.tenant_id == tenant_id, merged.c.record == rt.key, merged.c.from_id == id)  # fmt: skip
    return session().execute(statement).all()


def take_back(rt: RecordType, ids: Sequence[UUID], trace: Trace, personal: Iterable[Field]) -> int:
    """Take what came to a record from the person, whose records these are, out of it, where it stands there still; how
    many external ids it lost.

    Fields become what they were before, and what moved there moves back, to be erased with the person.
    """
    rows = session().execute(
        select(change.c.record, change.c.record_id, change.c.what, change.c.payload)
        .where(
            change.c.tenant_id == current().tenant_id, change.c.change_set_id == trace.change_set_id,
            change.c.root_id == trace.at,
        )
        .order_by(change.c.seq)
    ).all()  # fmt: skip
    if trace.own:
        _put_back(rt, trace, [row.payload for row in rows if row.record == rt.key], personal)
        hangs = [(NOTE, note, note.c.record_id), (FILE, file, file.c.record_id)]
        hangs += [(part.key, part.table, part.c[str(part.parent_column)]) for part in rt.parts.values()]
        for key, table, owner in hangs:
            pair = [str(trace.of), str(trace.at)]
            moved = [row.record_id for row in rows if row.record == key and row.payload.get(owner.name) == pair]
            if moved:
                here = (table.c.tenant_id == current().tenant_id, table.c.id.in_(moved), owner == trace.at)
                session().execute(sa.update(table).where(*here).values({owner.name: trace.of}))
                trace.hung.extend(moved)
    return _without_external(
        ids, trace, [row.record_id for row in rows if row.record == EXTERNAL_ID and row.what == "create"]
    )


def _put_back(rt: RecordType, trace: Trace, payloads: Iterable[Mapping[str, Any]], personal: Iterable[Field]) -> None:
    """Give the personal fields that have what the merge gave them what they had before, unless it is another's who was
    merged along."""
    got: dict[str, tuple[Any, Any]] = {}
    for payload in payloads:
        for name, pair in payload.items():
            if isinstance(pair, list):
                got[name] = (got.get(name, pair)[0], pair[1])
    whole = select(rt.c.id, func.to_jsonb(sa.literal_column(rt.table.name)).label("row"))
    here = rt.c.tenant_id == current().tenant_id
    ids = [trace.at, *trace.others]
    stored = {row.id: row.row for row in session().execute(whole.where(here, rt.c.id.in_(ids)))}
    now = stored.pop(trace.at, {})
    values: dict[str, Any] = {}
    for item in personal:
        after = {name: got[name][1] for name in item.columns if name in got}
        stands = bool(after) and all(now.get(name) == value for name, value in after.items())
        if stands and not any(all(row.get(name) == value for name, value in after.items()) for row in stored.values()):
            values |= {name: from_history(rt.c[name], got[name][0]) for name in after}
    if values:
        session().execute(sa.update(rt.table).where(here, rt.c.id == trace.at).values(**values))


def _without_external(ids: Sequence[UUID], trace: Trace, made: Sequence[UUID]) -> int:
    """Delete the external ids that a merge made of the person's."""
    if not made:
        return 0
    e, own = external_id.c, external_id.alias().c
    theirs = select(own.source, own.value).where(own.tenant_id == e.tenant_id, own.record_id.in_(ids))
    gone = (
        sa.delete(external_id)
        .where(e.tenant_id == current().tenant_id, e.id.in_(made), e.record_id == trace.at)
        .where(sa.tuple_(e.source, e.value).in_(theirs))
        .returning(e.id)
    )
    lost = list(session().execute(gone).scalars())
    trace.hung.extend(lost)
    return len(lost)


def forget_trace(act: UUID, trace: Trace) -> int:
    """Take the while out of the history, under an act that is written down; how many changes lost their content."""
    forget = text("SELECT ossature.forget_traces(:act, :root, :first, :last, CAST(:hung AS uuid[]))")
    values = {
        "act": act,
        "root": trace.at,
        "first": trace.first,
        "last": trace.last,
        "hung": list(map(str, trace.hung)),
    }
    found: int = session().execute(forget, values).scalar_one()
    return found
