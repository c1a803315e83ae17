"""The jobs behind imports: some hundred rows a transaction, each with its outcome in the same transaction.

A worker that is killed has therefore neither lost nor doubled anything: the next one goes on with the rows that are left.
All transactions write under the import's one change set. An import that is to be all or nothing is one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from time import sleep
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy import update

from ossature.context import Context, current
from ossature.db.work import session, transaction
from ossature.i18n.texts import translator
from ossature.imports.applying import Result, apply, try_lock
from ossature.imports.planning import Planner
from ossature.imports.runs import RUNS, Import, hold, one, read, recount, rows_of
from ossature.imports.staged import Group, read_groups, waiting
from ossature.imports.table import import_row, import_run
from ossature.jobs.run import JobRun
from ossature.jobs.types import job
from ossature.kernel import kernel
from ossature.memory import collected_later
from ossature.plugins.manifest import is_on

_, _l, _n = translator("ossature")

Scope = Callable[[], AbstractContextManager[Any]]
"""The transaction of a chunk."""

_LOOK_AGAIN = 0.5
"""Seconds between two looks whether another import is done."""
_OUTCOMES = sa.text(
    "UPDATE ossature.import_row r SET outcome = u.outcome, head = u.head, record_id = u.record_id, key_hash = u.key_hash, "
    "faults = CAST(u.faults AS jsonb), written = :written, "
    "cells = CASE WHEN :written AND u.outcome <> 'refused' THEN NULL ELSE r.cells END "
    "FROM unnest(CAST(:numbers AS integer[]), CAST(:outcomes AS text[]), CAST(:heads AS integer[]), "
    "CAST(:records AS uuid[]), CAST(:keys AS bigint[]), CAST(:faults AS text[])) "
    "AS u (number, outcome, head, record_id, key_hash, faults) "
    "WHERE r.tenant_id = :tenant AND r.import_id = :import AND r.number = u.number"
)


class ImportArgs(BaseModel):
    """Which import."""

    import_id: UUID


class _Refused(Exception):
    """A row of an import that is to be all or nothing is refused."""

    def __init__(self, results: Sequence[Result]) -> None:
        super().__init__()
        self.results = results


@job("ossature.import_check", _l("Check of an import"), args=ImportArgs, attempts=5, time_limit=7200)
def check_job(run: JobRun, args: ImportArgs) -> dict[str, int]:
    """Find out what becomes of each row that has no outcome."""
    imp = _begin(args)
    _Work(run, imp, dry=True).go(lambda: transaction(current()))
    return _end(imp, "checked")


@job("ossature.import", _l("Import"), args=ImportArgs, attempts=5, time_limit=7200)
def import_job(run: JobRun, args: ImportArgs) -> dict[str, int]:
    """Write each row that is not written."""
    imp = _begin(args)
    context = under(imp)
    if imp.mapping.policy == "good":
        _Work(run, imp, dry=False).go(lambda: transaction(context))
        return _end(imp, "done")
    try:
        with transaction(context):
            _Work(run, imp, dry=False).go(nullcontext)
    except _Refused as refused:
        with transaction(current()) as work:
            work.execute(
                update(import_row)
                .where(rows_of(imp.id))
                .values(outcome=None, faults=None, record_id=None, key_hash=None)
            )
            record(imp, refused.results, written=False)
        _Work(run, imp, dry=True).go(lambda: transaction(current()))
        return _end(imp, "refused")
    return _end(imp, "done")


def check_row(imp: Import, number: int) -> None:
    """Find out at once what becomes of a row that has no outcome; where rows belong together, of the refused ones about
    it and of those of the records beside it that are not written as well, since it may belong to another record now."""
    planner = Planner(imp, dry=True)
    if planner.drafter.gathers:
        session().execute(_ABOUT, {"tenant": current().tenant_id, "import": imp.id, "number": number})
    which = waiting(imp.id, dry=True)
    if not planner.drafter.gathers:
        which = sa.and_(which, import_row.c.number == number)
    groups = _groups(planner, which, 0)
    record(imp, apply(planner, [planner.drafter.draft(group) for group in groups]), written=False)


_ABOUT = sa.text(
    "UPDATE ossature.import_row SET written = false, outcome = NULL, faults = NULL, record_id = NULL, key_hash = NULL "
    "WHERE tenant_id = :tenant AND import_id = :import AND (outcome = 'refused' AND head IN ("
    "SELECT r.head FROM ossature.import_row r WHERE r.tenant_id = :tenant AND r.import_id = :import "
    "AND (r.outcome = 'refused' OR r.number = :number) AND r.number BETWEEN :number - 100 AND :number + 100 "
    "AND NOT EXISTS ("
    "SELECT FROM ossature.import_row between_ WHERE between_.tenant_id = :tenant AND between_.import_id = :import "
    "AND between_.number BETWEEN least(r.number, :number) AND greatest(r.number, :number) "
    "AND between_.outcome <> 'refused')) "
    "OR NOT written AND head IN (SELECT r.head FROM ossature.import_row r "
    "WHERE r.tenant_id = :tenant AND r.import_id = :import AND r.number IN ("
    "(SELECT max(number) FROM ossature.import_row WHERE tenant_id = :tenant AND import_id = :import AND number < :number), "
    "(SELECT min(number) FROM ossature.import_row WHERE tenant_id = :tenant AND import_id = :import AND number > :number))))"
)


def under(imp: Import) -> Context:
    """The context that the rows are written in: one change set, of the time the import was asked for."""
    assert imp.begun_at is not None
    reason = _("Import of %(file)s", file=imp.filename)
    return current().with_(means="import", reason=reason, change_set=(imp.change_set_id, imp.begun_at))


def _begin(args: ImportArgs) -> Import:
    imp = read(session().execute(RUNS.where(one(args.import_id))).mappings().one())
    rt = kernel().records.get(imp.record)
    if rt is None or not is_on(rt.plugin, current().access.plugins):
        raise RuntimeError(f"the records {imp.record} are not there now")
    return imp


def _end(imp: Import, state: str) -> dict[str, int]:
    """Told in the job's own transaction: as it ends, so does the import."""
    counts = recount(imp.id)
    session().execute(update(import_run).where(one(imp.id)).values(state=state, counts=counts))
    return counts


class _Work:
    """Goes through the rows that are left, until each has its outcome."""

    def __init__(self, run: JobRun, imp: Import, *, dry: bool) -> None:
        self.run, self.imp, self.dry = run, imp, dry
        self.counts = recount(imp.id)
        self.planner = Planner(imp, dry=dry)

    def go(self, scope: Scope) -> None:
        """In as many passes as records of the file refer to one another, each to the next."""
        before = -1
        while left := self._pass(scope):
            if left == before:
                self._refuse_left(scope)
                return
            before = left

    def _pass(self, scope: Scope) -> int:
        """Once through what is left; how many rows wait for others still."""
        after, left = 0, 0
        while True:
            self._tell()
            with collected_later(), scope():
                groups = self._next(after)
                if not groups:
                    return left
                results = apply(self.planner, [self.planner.drafter.draft(group) for group in groups])
                self._record(results)
            after = groups[-1][-1].number
            left += sum(len(result.draft.group) for result in results if result.outcome is None)

    def _next(self, after: int) -> list[Group]:
        """The next rows, which no other run of this import reads before they have their outcomes."""
        hold(self.imp.id)
        if not self.dry:
            self._wait()
        return _groups(self.planner, waiting(self.imp.id, dry=self.dry), after)

    def _wait(self) -> None:
        """Until no other import writes such records; meanwhile this one tells so and can be cancelled."""
        while not try_lock(self.planner):
            self.run.progress(
                self.counts["written"], self.imp.total, _("Waits until another import of such records ends.")
            )
            sleep(_LOOK_AGAIN)

    def _refuse_left(self, scope: Scope) -> None:
        """Rows that refer to one another in a circle, or to a row that is refused."""
        after = 0
        while True:
            with scope():
                groups = self._next(after)
                if not groups:
                    return
                drafts = [self.planner.drafter.draft(group) for group in groups]
                for draft in drafts:
                    named = next((one for one in draft.named.values() if self.planner.in_file(one)), None)
                    message = _("The record of this file that it refers to is not written either.")
                    draft.refuse("not_found", message, named.at if named else None)
                self._record([Result(draft, "refused", None) for draft in drafts])
            after = groups[-1][-1].number

    def _record(self, results: Sequence[Result]) -> None:
        if self.imp.mapping.policy == "all" and not self.dry and any(one.outcome == "refused" for one in results):
            raise _Refused([one for one in results if one.outcome == "refused"])
        for result in results:
            if result.outcome is not None:
                for place, row in enumerate(result.draft.group):
                    outcome = outcome_of(result, place)
                    self.counts[outcome] = self.counts.get(outcome, 0) + 1
                    if row.before:
                        self.counts[row.before] -= 1
                self.counts["written"] += 0 if self.dry else len(result.draft.group)
        record(self.imp, results, written=not self.dry)
        session().execute(update(import_run).where(one(self.imp.id)).values(counts=self.counts))

    def _tell(self) -> None:
        done = (
            self.counts["written"] if not self.dry else sum(n for name, n in self.counts.items() if name != "written")
        )
        self.run.progress(done, self.imp.total)


def record(imp: Import, results: Sequence[Result], *, written: bool) -> None:
    """Put down what became of rows, in the transaction that did it."""
    told = list(_told(results))
    if told:
        numbers, outcomes, heads, records, keys, faults = zip(*told, strict=True)
        session().execute(
            _OUTCOMES,
            {
                "tenant": current().tenant_id, "import": imp.id, "written": written, "numbers": list(numbers),
                "outcomes": list(outcomes), "heads": list(heads), "records": list(records), "keys": list(keys),
                "faults": list(faults),
            },
        )  # fmt: skip


def _told(results: Sequence[Result]) -> Iterator[tuple[int, str, int, UUID | None, int | None, str | None]]:
    for result in results:
        if result.outcome is None:
            continue
        for place, row in enumerate(result.draft.group):
            faults = None
            if result.outcome == "refused":
                faults = orjson.dumps(result.draft.faults.get(row.number, [])).decode()
            key = result.draft.key_hash if place == 0 else None
            yield row.number, outcome_of(result, place), result.draft.number, result.record_id, key, faults


def outcome_of(result: Result, place: int) -> str:
    """What is told of the rows of a record: the first has the outcome, further ones come along."""
    assert result.outcome is not None
    return result.outcome if place == 0 or result.outcome == "refused" else "along"


def _groups(planner: Planner, which: sa.ColumnElement[bool], after: int) -> list[Group]:
    return read_groups(which, after, planner.drafter.belongs if planner.drafter.gathers else None)
