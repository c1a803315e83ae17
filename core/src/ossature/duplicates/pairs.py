"""The pairs that were found: those to look at, and those that somebody said are not the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, select

from ossature.context import Reach, current
from ossature.db.kernel import actor
from ossature.db.kernel import job as job_table
from ossature.db.work import session
from ossature.duplicates.matching import SHOWN_FROM, Reason
from ossature.duplicates.scan import ScanArgs, scan_job
from ossature.duplicates.tables import duplicate
from ossature.errors import Conflict, Forbidden, NotFound
from ossature.i18n.texts import translator
from ossature.rbac.predicate import demand, reaches
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

State = Literal["open", "dismissed"]
PAGE = 20


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records that look like one: how much (0 to 100) and why; and who said that they are not, if anybody did."""

    id: UUID
    a_id: UUID
    b_id: UUID
    score: int
    reasons: tuple[Reason, ...]
    state: State
    found_at: datetime
    dismissed_at: datetime | None = None
    dismissed_by: str = ""

    @property
    def ids(self) -> tuple[UUID, UUID]:
        return self.a_id, self.b_id


@dataclass(frozen=True, slots=True)
class Scan:
    """The last search: its job, and how far it is."""

    job_id: UUID
    state: str
    done: int | None
    total: int | None
    finished_at: datetime | None

    @property
    def running(self) -> bool:
        return self.state in ("queued", "running", "failed")  # one that failed is tried again

    @property
    def ended_early(self) -> bool:
        """Whether it gave up or was stopped: what it would have found is not known."""
        return self.state in ("dead", "cancelled", "parked")


def pairs(rt: RecordType, state: State = "open", after: UUID | None = None, limit: int = PAGE) -> list[Pair]:
    """Pairs of which the reader may see both records, those most alike first; `after` goes on from a pair."""
    demand(rt, "view")
    d = duplicate.c
    statement = _both(rt).where(d.state == state).order_by(d.score.desc(), d.id).limit(limit)
    if after is not None:
        place = session().execute(
            select(d.score).where(d.tenant_id == current().tenant_id, d.record == rt.key, d.id == after)
        ).scalar()  # fmt: skip
        if place is None:
            raise NotFound(_("There is no such pair, or you may not see it."))
        statement = statement.where(sa.or_(d.score < place, sa.and_(d.score == place, d.id > after)))
    return [_pair(row) for row in session().execute(statement)]


def count_pairs(rt: RecordType, most: int, state: State = "open") -> int:
    """How many there are, counted up to a bound."""
    some = _both(rt).where(duplicate.c.state == state).limit(most).subquery()
    return session().execute(select(func.count()).select_from(some)).scalar_one()


def find_pair(rt: RecordType, id: UUID) -> Pair:
    """One pair. Raises `NotFound` alike for what is absent, foreign or out of reach."""
    demand(rt, "view")
    found = session().execute(_both(rt).where(duplicate.c.id == id)).first()
    if found is None:
        raise NotFound(_("There is no such pair, or you may not see it."))
    return _pair(found)


def dismiss(rt: RecordType, id: UUID) -> Pair:
    """Say that two records are not the same: they are not shown together again until somebody takes that back.

    Raises `NotFound`, and `Forbidden` for who may change neither of the two.
    """
    return _set(rt, id, {"state": "dismissed", "dismissed_at": func.now(), "dismissed_by_id": _me(), "merged_id": None})


def reopen(rt: RecordType, id: UUID) -> Pair:
    """Have a pair looked at again. Raises as `dismiss`."""
    return _set(rt, id, {"state": "open", "dismissed_at": None, "dismissed_by_id": None, "merged_id": None})


def _set(rt: RecordType, id: UUID, values: dict[str, Any]) -> Pair:
    demand(rt, "edit")
    found = find_pair(rt, id)
    reached = (rt.c.tenant_id == current().tenant_id, rt.c.id.in_(found.ids), reaches(rt, "edit"))
    if session().execute(select(rt.c.id).where(*reached).limit(1)).first() is None:
        permission = rt.permission("edit")
        raise Forbidden(
            _("Your permission %(permission)s reaches neither of the two records.", permission=permission),
            permission=permission,
        )
    where = (duplicate.c.tenant_id == current().tenant_id, duplicate.c.id == id)
    session().execute(sa.update(duplicate).where(*where).values(values))
    return find_pair(rt, id)


def start_scan(rt: RecordType) -> UUID:
    """Ask for a search; returns the job's id, that of one which waits or runs already. Raises `Forbidden`, `Conflict`."""
    demand(rt, "edit")
    if not rt.duplicates:
        raise Conflict(_("No rules say what duplicates of %(records)s are.", records=str(rt.plural).lower()))
    return scan_job.enqueue(ScanArgs(record=rt.key))


def last_scan(rt: RecordType) -> Scan | None:
    """The last search of these records, by whomever; how far it is only for who sees all records, since it tells how many
    there are."""
    c = job_table.c
    all_seen = current().access.reach(rt.permission("view")) is Reach.ALL
    row = session().execute(
        select(c.id, c.state, c.done, c.total, c.finished_at)
        .where(
            c.tenant_id == current().tenant_id, c.name == scan_job.key,
            c.args["record"].astext.is_(None) | (c.args["record"].astext == rt.key),
        )
        .order_by(c.created_at.desc())
        .limit(1)
    ).first()  # fmt: skip
    if row is None:
        return None
    return Scan(row.id, row.state, row.done if all_seen else None, row.total if all_seen else None, row.finished_at)


def _both(rt: RecordType) -> sa.Select[Any]:
    d = duplicate.c
    sides = []
    for id in (d.a_id, d.b_id):
        table = rt.table.alias()
        seen = (table.c.tenant_id == d.tenant_id, table.c.id == id, table.c.deleted_at.is_(None))
        sides.append(select(table.c.id).where(*seen, reaches(rt, table=table)).exists())
    return (
        select(d.id, d.a_id, d.b_id, d.score, d.reasons, d.state, d.found_at, d.dismissed_at, actor.c.label)
        .outerjoin_from(duplicate, actor, sa.and_(actor.c.tenant_id == d.tenant_id, actor.c.id == d.dismissed_by_id))
        .where(d.tenant_id == current().tenant_id, d.record == rt.key, d.score >= SHOWN_FROM, *sides)
    )


def _pair(row: Sequence[Any]) -> Pair:
    id, a_id, b_id, score, reasons, state, found_at, dismissed_at, by = row
    told = tuple(Reason(reason["field"], reason["ratio"]) for reason in reasons)
    return Pair(id, a_id, b_id, score, told, state, found_at, dismissed_at, by or "")


def _me() -> UUID | None:
    who = current().actor
    return who.id if who else None
