"""Undo: what a change set changed is put back, as a change set of its own that may be undone in turn.

A field is put back where it stands as the change set left it; other fields may have changed since. Nobody undoes what
they may not do: permissions, the record's rules and plugins' checks are asked as for any other write, in sets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from uuid import UUID

import sqlalchemy as sa

from ossature.context import current
from ossature.db.kernel import change
from ossature.db.kernel import undo as undo_table
from ossature.db.work import by_means, change_set_id, session
from ossature.errors import Conflict, Detail
from ossature.history.change_sets import ChangeSet, Touched, find_change_set, of_change_set, record_type_of, touched
from ossature.history.moved import MergeUndone
from ossature.history.net import changes_of
from ossature.history.putting_back import Batch, Kept, Put
from ossature.history.under_way import demand_ended
from ossature.i18n.texts import translator

_, _l, _n = translator("ossature")

AT_ONCE = 200
"""So many records are undone while one waits; more take a job."""
SHOWN = 100
"""Of so many records it is told what became of each."""
_CHUNK = 500

Progress = Callable[[int, int], None]


@dataclass
class Undone:
    """How it went: `count` records of `total` were put back, `kept_count` could not be. The first of each are told of."""

    head: ChangeSet
    total: int
    id: UUID | None = None
    count: int = 0
    kept_count: int = 0
    put: list[Put] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)

    def add(self, put: Sequence[Put], kept: Sequence[Kept]) -> None:
        self.count += len(put)
        self.kept_count += len(kept)
        self.put += put[: max(0, SHOWN - len(self.put))]
        self.kept += kept[: max(0, SHOWN - len(self.kept))]


class CannotUndo(Conflict):
    """Something cannot be put back, so nothing was; `undone` tells what could be and what could not."""

    def __init__(self, undone: Undone) -> None:
        if not undone.kept_count:
            said = _("There is nothing left to undo: everything stands as it was before.")
        elif undone.count:
            said = _("This can no longer be undone as a whole; the rest could be undone without what is in the way.")
        else:
            said = _("This can no longer be undone.")
        super().__init__(said, [one.as_detail() for one in undone.kept], code="cannot_undo")
        self.undone = undone


def undo(id: UUID, *, rest: bool = False, progress: Progress | None = None) -> Undone:
    """Put back what a change set changed. All of it or, with `rest`, whatever can be.

    Raises `NotFound`, `CannotUndo` when something stands in the way or there is nothing left to undo, and `Conflict`
    while it is still being written.
    """
    head = find_change_set(id)
    demand_ended(id)
    records = touched(head)
    by_means("undo")
    with session().begin_nested():
        undone = _put_back(head, records, progress)
        if not undone.count or (undone.kept_count and not rest):
            raise CannotUndo(undone)
    undone.id = change_set_id()
    session().execute(sa.insert(undo_table).values(id=undone.id, undone_id=id, complete=not undone.kept_count))
    return undone


def preview(id: UUID) -> Undone:
    """What undoing would put back and what not, of the first records: it is done and taken back at once."""
    head = find_change_set(id)
    records = touched(head)
    savepoint = session().begin_nested()
    undone = _put_back(head, records[:SHOWN])
    savepoint.rollback()
    undone.total = len(records)
    return undone


def size_of(head: ChangeSet) -> int:
    """How many records a change set touched."""
    c = change.c
    counted = sa.select(sa.func.count(sa.distinct(c.root_id))).where(
        c.tenant_id == current().tenant_id, of_change_set(head)
    )
    return session().execute(counted).scalar_one()


def _put_back(head: ChangeSet, records: Sequence[Touched], progress: Progress | None = None) -> Undone:
    undone = Undone(head, len(records))
    binned = frozenset(one.id for one in records if one.binned)
    merge = MergeUndone(head)
    for key, chunk in _chunks(records, merge.only_moved):
        if chunk[0].id in merge.only_moved:
            moved = merge.put_back(chunk)
            undone.add(moved.put, moved.kept)
            undone.count += moved.count - len(moved.put)
            continue
        rt = record_type_of(key)
        if rt is None:
            reason = _("What it changed is not a record that one works with here, so it cannot be put back.")
            undone.add([], [Kept(key, one.id, None, Detail("", "not_a_record", reason)) for one in chunk])
            continue
        ids = [one.id for one in chunk]
        nets = changes_of(of_change_set(head), change.c.root_id.in_(ids))
        batch = Batch(rt, nets, binned, frozenset(merge.ids))
        undone.add(*batch.put_back(ids))
        if progress is not None:
            progress(undone.count + undone.kept_count, undone.total)
    merge.done()
    return undone


def _chunks(records: Sequence[Touched], moved: frozenset[UUID]) -> Iterator[tuple[str, list[Touched]]]:
    """Records of one kind that follow each other: what came last goes first, so that nothing is left hanging."""
    for (key, _moved), run in groupby(records, key=lambda one: (one.key, one.id in moved)):
        same = list(run)
        for start in range(0, len(same), _CHUNK):
            yield key, same[start : start + _CHUNK]
