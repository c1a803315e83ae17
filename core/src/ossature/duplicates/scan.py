"""The search of all records of one kind for pairs that look like one: by day on demand, by night in each organisation.

What is the same is found by the database, in groups. What is spelled alike stands close together when records are read
in the order of their names, and of their names read backwards: each is compared with its neighbours there, so that
memory does not grow with the number of records.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from ossature.context import current
from ossature.db.work import session, transaction
from ossature.duplicates.matching import MOST_SHARING, Match, Traits, match, traits
from ossature.duplicates.rules import Same, fields_of
from ossature.duplicates.tables import duplicate
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.jobs.run import JobRun
from ossature.jobs.types import job
from ossature.kernel import kernel
from ossature.plugins.manifest import is_on
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

MOST_EACH = 10
"""A record stands in so many pairs of a scan at most, those not counted that were said not to be the same."""
NEIGHBOURS = 12
"""With so many that follow it a record is compared."""
MOST_BESIDE = 200
_READ, _WRITTEN = 2000, 1000

Values = dict[str, Any]


class ScanArgs(BaseModel):
    """Which kind of records; none for all that declare rules."""

    record: str | None = None


@job(
    "ossature.duplicates", _l("Search for duplicates"), args=ScanArgs, priority="low", attempts=2, time_limit=3600,
    unique=lambda args: args.record or "", as_system=True,
)  # fmt: skip
def scan_job(run: JobRun, args: ScanArgs) -> dict[str, int]:
    """Search the records of one kind, or of every kind that declares rules."""
    found: dict[str, int] = {}
    for rt in kernel().records:
        if rt.duplicates and args.record in (None, rt.key) and is_on(rt.plugin, current().access.plugins):
            found[rt.key] = scan(rt, run)
    return found


def scan(rt: RecordType, run: JobRun | None = None) -> int:
    """Write down the pairs that there are now: how many. Those that are gone are forgotten, dismissed ones stay so.

    One search at a time: another of the same records, that of the night beside one on demand, begins once the present
    unit of work has ended, so that neither forgets what the other has found.
    """
    session().execute(select(func.pg_advisory_xact_lock(_lock(rt))))
    writer = _Pairs(rt)
    passes = list(_passes(rt))
    total, common = _count(rt) * len(passes), _common(rt)
    done = 0
    for number, pairs in enumerate(passes, 1):
        with transaction(current()):  # one that only reads, so that what is found is written as it goes
            for read, a, b in pairs:
                if a is None or b is None:
                    if run is not None:
                        run.progress(min(done + read, total), total)
                elif (found := match(rt.duplicates, a, b, common)) is not None:
                    writer.add(a.id, b.id, found)
        done = number * (total // len(passes))
    return writer.end()


def _lock(rt: RecordType) -> sa.ColumnElement[int]:
    return func.hashtextextended(f"ossature.duplicates {rt.key} {current().tenant_id}", 0)


@dataclass
class _Pairs:
    """Pairs on their way into the table."""

    rt: RecordType

    def __post_init__(self) -> None:
        self.scan, self.waiting = new_id(), list[Values]()
        self.known: set[tuple[UUID, UUID]] = set()
        self.each: dict[UUID, int] = {}
        d = duplicate.c
        apart = (d.tenant_id == current().tenant_id, d.record == self.rt.key, d.state == "dismissed")
        self.apart = {(a, b) for a, b in session().execute(select(d.a_id, d.b_id).where(*apart))}

    def add(self, one: UUID, other: UUID, match: Match) -> None:
        a, b = sorted((one, other))
        if (a, b) in self.known:
            return
        if (a, b) not in self.apart:
            if max(self.each.get(a, 0), self.each.get(b, 0)) >= MOST_EACH:
                return
            for id in (a, b):
                self.each[id] = self.each.get(id, 0) + 1
        self.known.add((a, b))
        self.waiting.append(
            {
                "id": new_id(), "record": self.rt.key, "a_id": a, "b_id": b, "score": match.score, "scan": self.scan,
                "reasons": [reason.as_json() for reason in match.reasons], "state": "open",
            }
        )  # fmt: skip
        if len(self.waiting) >= _WRITTEN:
            self._write()

    def _write(self) -> None:
        if not self.waiting:
            return
        with transaction(current()) as work:
            given = insert(duplicate).values(self.waiting)
            new = {name: given.excluded[name] for name in ("score", "reasons", "scan")}
            work.execute(given.on_conflict_do_update(index_elements=["tenant_id", "record", "a_id", "b_id"], set_=new))
        self.waiting.clear()

    def end(self) -> int:
        self._write()
        d = duplicate.c
        with transaction(current()) as work:
            work.execute(
                sa.delete(duplicate).where(
                    d.tenant_id == current().tenant_id, d.record == self.rt.key, d.state == "open",
                    d.scan.is_distinct_from(self.scan),
                )
            )  # fmt: skip
        return len(self.known)


Compared = tuple[int, Traits | None, Traits | None]
"""How many records were read so far, and two that are to be compared."""


def _passes(rt: RecordType) -> Iterator[Iterator[Compared]]:
    for rule in rt.duplicates:
        if isinstance(rule, Same):
            yield _sharing(rt, rule)
            continue
        item = rt.fields[rule.field]
        for column in dict.fromkeys((item.sort_column, item.shown_column)):
            yield _neighbours(rt, rt.c[column])
        yield _neighbours(rt, func.reverse(rt.c[item.sort_column]))
        for name in rule.beside:
            yield _beside(rt, name)


def _live(rt: RecordType) -> list[sa.ColumnElement[bool]]:
    return [rt.c.tenant_id == current().tenant_id, rt.c.deleted_at.is_(None)]


def _count(rt: RecordType) -> int:
    return session().execute(select(func.count()).select_from(rt.table).where(*_live(rt))).scalar_one()


def _read(rt: RecordType) -> list[sa.ColumnElement[Any]]:
    return [rt.c.id, *(rt.c[name] for name in fields_of(rt.duplicates))]


def _stream(statement: sa.Select[Any]) -> Iterator[Values]:
    """Rows as they come, some thousand at a time."""
    rows = session().execute(statement, execution_options={"yield_per": _READ})
    names = list(rows.keys())
    for row in rows:
        yield dict(zip(names, row, strict=True))


def _values(rt: RecordType, rule: Same) -> sa.Subquery:
    """Every value of the rule's fields without case and accents, with the record that has it."""
    return sa.union_all(
        *(
            select(func.ossature.fold(rt.c[name]).label("value"), rt.c.id).where(*_live(rt), rt.c[name].isnot(None))
            for name in rule.fields
        )
    ).subquery()


def _common(rt: RecordType) -> frozenset[str]:
    """The values that so many share that they say nothing."""
    found: set[str] = set()
    for rule in rt.duplicates:
        if isinstance(rule, Same):
            each = _values(rt, rule)
            many = func.count(sa.distinct(each.c.id)) > MOST_SHARING
            found |= set(session().execute(select(each.c.value).group_by(each.c.value).having(many)).scalars())
    return frozenset(found)


def _sharing(rt: RecordType, rule: Same) -> Iterator[Compared]:
    """Those that have one value in common."""
    each = _values(rt, rule)
    ids = func.array_agg(sa.distinct(each.c.id))
    number = func.count(sa.distinct(each.c.id))
    groups = select(ids.label("ids")).group_by(each.c.value).having(number.between(2, MOST_SHARING))
    read = 0
    for some in _batches(_stream(groups), _READ // MOST_SHARING):
        wanted = {id for group in some for id in group["ids"]}
        rows = session().execute(select(*_read(rt)).where(*_live(rt), rt.c.id.in_(wanted))).mappings()
        known = {row["id"]: traits(rt.duplicates, row) for row in rows}  # type: ignore[arg-type]  # a mapping is all it takes
        read += len(wanted)
        yield read, None, None
        for group in some:
            for one, other in combinations([known[id] for id in group["ids"] if id in known], 2):
                yield read, one, other


def _neighbours(rt: RecordType, order: sa.ColumnElement[Any]) -> Iterator[Compared]:
    """Those that stand close together in an order."""
    before: deque[Traits] = deque(maxlen=NEIGHBOURS)
    statement = select(*_read(rt)).where(*_live(rt)).order_by(order, rt.c.id)
    for read, row in enumerate(_stream(statement)):
        yield read, None, None
        one = traits(rt.duplicates, row)
        for other in before:
            yield read, other, one
        before.append(one)


def _beside(rt: RecordType, name: str) -> Iterator[Compared]:
    """Those that have the same thing beside their name: the people of one company, all with all."""
    statement = select(*_read(rt)).where(*_live(rt), rt.c[name].isnot(None)).order_by(rt.c[name], rt.c.id)
    group, beside = list[Traits](), None
    for read, row in enumerate(_stream(statement)):
        yield read, None, None
        if beside != row[name]:
            group, beside = [], row[name]
        if len(group) < MOST_BESIDE:
            one = traits(rt.duplicates, row)
            for other in group:
                yield read, other, one
            group.append(one)


def _batches(rows: Iterable[Values], size: int) -> Iterator[list[Values]]:
    batch: list[Values] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
