"""Writing what was planned: a chunk of records with those that are created on the way, each with its outcome.

What is created for a row that is refused after all does not stay: the chunk is written again without that row.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from ossature.context import current
from ossature.db.work import session
from ossature.errors import Refusal
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.imports.draft import At, Draft, Named
from ossature.imports.drafting import Drafter
from ossature.imports.mapping import BY_EXTERNAL, ID
from ossature.imports.planning import Planned, Planner
from ossature.kernel import kernel
from ossature.records.bin import in_bin
from ossature.records.external_ids import external_ids_of, set_external
from ossature.records.many import Change, NewRow, Outcome, create_many, update_many_each
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

TOLD = {"created": "create", "changed": "update", "unchanged": "unchanged", "refused": "refused"}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one record of the file, or would: `outcome` as for rows, None where it waits for another."""

    draft: Draft
    outcome: str | None
    record_id: UUID | None


def try_lock(planner: Planner) -> bool:
    """Whether this import may write its kinds of records now, until its transaction ends: one at a time does, so that
    another finds what the former has committed. What is only checked asks for nothing."""
    held = [session().execute(select(func.pg_try_advisory_xact_lock(_lock(key)))) for key in sorted(planner.creates)]
    return all(one.scalar_one() for one in held)


def _lock(key: str) -> ColumnElement[int]:
    return func.hashtextextended(f"ossature.import {key} {current().tenant_id}", 0)


def apply(planner: Planner, drafts: Sequence[Draft]) -> list[Result]:
    """Write a chunk in the present transaction; a dry planner's is written as well, and undone."""
    with session().begin_nested() as undo:
        results = _rounds(planner, drafts)
        if planner.dry:
            undo.rollback()
    return [results[draft.number] for draft in drafts]


Mark = int | UUID
"""What tells that rows are of one record."""


class _Later:
    """Rows that are to be tried after others of the same record, and how many of each record are tried together."""

    def __init__(self, drafter: Drafter, most: int) -> None:
        self._drafter, self._most = drafter, most
        self._put_off: dict[Mark, list[Planned]] = {}
        self._waiting: dict[Mark, deque[Draft]] = {}
        self._together: dict[Mark, int] = {}

    def put_off(self, mark: Mark, rows: Iterable[Planned], together: int) -> None:
        """Have rows come again, of this record so many at a time from now on."""
        self._put_off.setdefault(mark, []).extend(rows)
        self._together[mark] = together

    def has_put_off(self, mark: Mark) -> bool:
        """Whether rows of a record were put off since some were taken."""
        return mark in self._put_off

    def take(self) -> list[Draft]:
        """The next rows, in their order; twice as many as before of a record of which none was put off."""
        for mark, ones in self._put_off.items():
            again = [self._drafter.draft(one.draft.group) for one in sorted(ones, key=lambda one: one.draft.number)]
            self._waiting.setdefault(mark, deque()).extendleft(reversed(again))
        taken: list[Draft] = []
        for mark, queue in self._waiting.items():
            together = self._together.get(mark, self._most)
            taken += [queue.popleft() for _row in range(min(len(queue), together))]
            if mark not in self._put_off:
                self._together[mark] = min(2 * together, self._most)
        self._waiting = {mark: queue for mark, queue in self._waiting.items() if queue}
        self._put_off = {}
        return sorted(taken, key=lambda draft: draft.number)


def _rounds(planner: Planner, drafts: Sequence[Draft]) -> dict[int, Result]:
    """Rows of one record together where that can be, else one after another; those of different ones together.

    Where rows of one record are refused together, ever fewer of them are tried, until the one that is at fault is found.
    """
    found: dict[int, Result] = {}
    later = _Later(planner.drafter, len(drafts))
    left = list(drafts)
    while left:
        results, split = _write(planner, _one_of_each(planner, planner.plan(left), later))
        found |= {result.draft.number: result for result in results}
        for one in split:
            later.put_off(_mark(one), [one, *one.more], max(1, (len(one.more) + 1) // 2))
        left = later.take()
    return found


def _mark(one: Planned) -> Mark:
    return one.draft.key_hash if one.draft.key_hash is not None else one.id


def _one_of_each(planner: Planner, planned: Sequence[Planned], later: _Later) -> list[Planned]:
    """Those that can be written together; those of records that are among these already are laid over them, or put off
    where they cannot be: from then on, rows of that record are read one at a time."""
    first: dict[Mark, Planned] = {}
    now = list[Planned]()
    for one in planned:
        if one.action in ("create", "update"):
            known: list[Mark] = [one.id, *([one.draft.key_hash] if one.draft.key_hash is not None else [])]
            before = next((first[mark] for mark in known if mark in first), None)
            if before is not None and planner.mapping.mode == "both" and not one.draft.lists:
                mark = _mark(before)
                if before.takes(one) and not later.has_put_off(mark):
                    _lay_over(planner, before, one)
                else:
                    later.put_off(mark, [one], 1)
                continue
            if before is not None:
                planner.refuse_repeated(one.draft, before.draft.number)
                one.action = "refuse"
            first |= dict.fromkeys(known, one) if before is None else {}
        now.append(one)
    return now


def _lay_over(planner: Planner, first: Planned, one: Planned) -> None:
    one.id = first.id
    if one.action == "create":
        one.values = planner.changes(one.draft)
    first.more.append(one)


def _write(planner: Planner, planned: Sequence[Planned]) -> tuple[list[Result], list[Planned]]:
    """The results, and those that were refused together with others of the same record, so that it is not known which."""
    told: dict[int, Outcome] = {}
    split = list[Planned]()
    left = [one for one in planned if one.action in ("create", "update")]
    while left:
        with session().begin_nested() as undo:
            told, spoiled = _attempt(planner, left)
            together = [
                one for one in left if one.more and (one.draft.faults or told[one.draft.number].what == "refused")
            ]
            if spoiled or together:
                undo.rollback()
        if not (spoiled or together):
            break
        split += together
        apart = {one.draft.number for one in together}
        left = [one for one in left if not one.draft.faults and one.draft.number not in apart]
        told = {}
    apart = {one.draft.number for one in split}
    alone = [one for one in planned if one.draft.number not in apart]
    return [_result(row, told.get(row.draft.number)) for one in alone for row in (one, *one.more)], split


def _result(one: Planned, told: Outcome | None) -> Result:
    if one.action == "wait":
        return Result(one.draft, None, None)
    if told is None or told.what == "refused" or one.draft.faults:
        return Result(one.draft, "refused", None)
    outcome = "update" if one.again else TOLD[told.what]
    return Result(one.draft, outcome, told.id)


def _attempt(planner: Planner, planned: Sequence[Planned]) -> tuple[dict[int, Outcome], bool]:
    """Write records with what they need; whether it has to be done again without those that are refused."""
    rt = planner.rt
    rows = [row for one in planned for row in (one, *one.more)]
    made = _create_needed(planner, rows)
    some = [one for one in planned if not one.draft.faults]
    laid = {one.draft.number: _laid(one) for one in some}
    new = [one for one in some if one.action == "create"]
    known = [one for one in some if one.action == "update"]
    told: dict[int, Outcome] = {}
    for ones, write in (
        (new, lambda: create_many(rt, [NewRow(laid[one.draft.number], one.id) for one in new], cleaned=True)),
        (known, lambda: update_many_each(rt, {one.id: Change(laid[one.draft.number]) for one in known}, cleaned=True)),
    ):
        for one, outcome in zip(ones, _outcomes(ones, write), strict=True):
            told |= _told(one, outcome)
            if outcome.refusal is not None and not one.more and not _is_taken(outcome.refusal):
                _note(rt, one.draft, outcome.refusal)
    refusals = [(one, told[one.draft.number].refusal) for one in new if not one.more]
    _note_taken(rt, [one for one, refusal in refusals if refusal is not None and _is_taken(refusal)])
    written = [one for one in some if told[one.draft.number].what != "refused" and not one.draft.faults]
    left = [row for one in written for row in (one, *one.more) if not row.draft.faults]
    gains = _gains(rt, [one for one in left if told[one.draft.number].what == "unchanged" and one.draft.external])
    told |= {number: replace(told[number], what="changed") for number in gains}
    spoiled = _give_external(rt, left)
    return told, spoiled or _orphans(rows, made)


def _laid(one: Planned) -> dict[str, Any]:
    """The values of a record as its rows leave it, one after another."""
    values = dict(one.values)
    for row in one.more:
        if not row.draft.faults:
            values |= row.values
    return values


def _told(one: Planned, outcome: Outcome) -> dict[int, Outcome]:
    """What is told of the rows of one record: a further one changes it where it says something else than those before."""
    told, values = {one.draft.number: outcome}, dict(one.values)
    for row in one.more:
        says = any(name not in values or values[name] != value for name, value in row.values.items())
        values |= row.values
        what = outcome.what if outcome.what in ("refused", "unchanged") else "changed" if says else "unchanged"
        told[row.draft.number] = replace(outcome, what=what)
    return told


def _outcomes(ones: Sequence[Planned], write: Callable[[], list[Outcome]]) -> list[Outcome]:
    """What is refused for all alike, such as a right that was withdrawn, is told of each."""
    if not ones:
        return []
    try:
        return write()
    except Refusal as refusal:
        return [Outcome(one.id, "refused", refusal) for one in ones]


def _note(rt: RecordType, draft: Draft, refusal: Refusal) -> None:
    if refusal.details:
        draft.refuse_details(rt, refusal.details)
    else:
        draft.refuse(str(refusal.extra.get("code", refusal.code)), refusal.message)


def _is_taken(refusal: Refusal) -> bool:
    return refusal.extra.get("code") == "id_taken"


def _note_taken(rt: RecordType, planned: Sequence[Planned]) -> None:
    """Records whose ids others have: it is told where these are for who may restore them, and nothing of any others."""
    binned = in_bin(rt, [one.id for one in planned]) if planned else set()
    for one in planned:
        message = (
            _("The record with this id is in the recycle bin; restore it.")
            if one.id in binned
            else _("A record with this id exists already.")
        )
        one.draft.refuse("id_taken", message, one.draft.places.get(ID))


# -- what is created on the way ------------------------------------------------------------------------------------------

Needed = tuple[str, str]
"""Which kind of record, and its folded name."""


def _create_needed(planner: Planner, planned: Sequence[Planned]) -> dict[Needed, UUID]:
    """Make the records that references name and that are not there, each once."""
    wanted: dict[Needed, tuple[str, Named, Draft]] = {}
    users: dict[Needed, list[tuple[str, Planned]]] = {}
    for one in planned:
        for name, named in one.draft.named.items():
            if named.creates is None or (planner.fields[name].target == planner.rt.key and planner.in_file(named)):
                continue
            users.setdefault(named.creates, []).append((name, one))
            known = wanted.get(named.creates)
            if known is None or (not known[2].related.get(name) and one.draft.related.get(name)):
                wanted[named.creates] = (name, named, one.draft)
    made: dict[Needed, UUID] = {}
    for key in sorted({kind for kind, _name in wanted}):
        rt = kernel().records[key]
        some = {needed: one for needed, one in wanted.items() if needed[0] == key}
        items = [NewRow(_values(planner, rt, *one), new_id()) for one in some.values()]
        try:
            outcomes = create_many(rt, items)
        except Refusal as refusal:
            outcomes = [Outcome(item.id, "refused", refusal) for item in items]
        for needed, outcome in zip(some, outcomes, strict=True):
            for name, one in users[needed]:
                if outcome.refusal is not None:
                    _note_needed(rt, one.draft, name, outcome.refusal)
                else:
                    one.values[name] = outcome.id
            if outcome.refusal is None:
                made[needed] = outcome.id
        external = {
            (named.column.by.removeprefix(BY_EXTERNAL), named.text): made[needed]
            for needed, (_name, named, _draft) in some.items()
            if needed in made and named.column.by.startswith(BY_EXTERNAL)
        }
        taken = {external[pair] for pair in set_external(rt, external)} if external else set()
        for needed in some:
            if made.get(needed) in taken:
                for name, one in users[needed]:
                    named = one.draft.named[name]
                    _refuse_external(one.draft, named.text, named.at)
    return made


def _values(planner: Planner, rt: RecordType, name: str, named: Named, draft: Draft) -> Mapping[str, Any]:
    fallback, by = planner.drafter.fallback_related.get(name, {}), named.column.by
    related = {**fallback, **draft.related.get(name, {})}
    if by.startswith(BY_EXTERNAL) or by == ID:
        return related
    own = by if by and by in rt.fields and rt.fields[by].writable else rt.title_field
    if not rt.fields[own].writable:
        return related
    return {**fallback, own: named.text, **draft.related.get(name, {})}


def _note_needed(rt: RecordType, draft: Draft, name: str, refusal: Refusal) -> None:
    named = draft.named[name]
    for detail in refusal.details:
        at = draft.places.get(f"{name}.{detail.field}") or named.at
        item = rt.fields.get(detail.field)
        draft.refuse(detail.code, f"{rt.label}, {item.label}: {detail.message}" if item else detail.message, at)
    if not refusal.details:
        draft.refuse(refusal.code, f"{rt.label}: {refusal.message}", named.at)


def _orphans(planned: Sequence[Planned], made: Mapping[Needed, UUID]) -> bool:
    """Whether something was created that only refused rows name."""
    if not made:
        return False
    needed = {
        named.creates for one in planned if not one.draft.faults for named in one.draft.named.values() if named.creates
    }
    return bool(made.keys() - needed)


def _gains(rt: RecordType, planned: Sequence[Planned]) -> list[int]:
    """The rows whose records have not all of the external ids yet that they say."""
    if not planned:
        return []
    known = external_ids_of(rt, {one.id for one in planned})
    held = {id: {(it.source, it.value) for it in ids} for id, ids in known.items()}
    return [one.draft.number for one in planned if not held.get(one.id, set()).issuperset(one.draft.external)]


def _give_external(rt: RecordType, planned: Sequence[Planned]) -> bool:
    """Give the records their external ids; rows with one that belongs to another record are refused."""
    wanted: dict[tuple[str, str], UUID] = {}
    of: dict[tuple[str, str], list[Draft]] = {}
    refused = False
    for one in planned:
        for key in one.draft.external:
            of.setdefault(key, []).append(one.draft)
            if wanted.setdefault(key, one.id) != one.id:
                _refuse_external(one.draft, key[1], one.draft.places.get("external_id"))
                refused = True
    for key in set_external(rt, wanted) if wanted else ():
        for draft in of[key]:
            _refuse_external(draft, key[1], draft.places.get("external_id"))
            refused = True
    return refused


def _refuse_external(draft: Draft, value: str, at: At | None) -> None:
    draft.refuse("taken", _("The external id %(value)s belongs to another record.", value=value[:80]), at)
