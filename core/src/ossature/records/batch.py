"""Many writes of one record in one request: all or nothing, or each on its own, told one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from uuid import UUID

from ossature.db.work import session
from ossature.errors import Detail, Forbidden, Refusal
from ossature.i18n.texts import translator
from ossature.records import service
from ossature.records.service import Written
from ossature.records.types import RecordType
from ossature.records.upsert import upsert

_, _l, _n = translator("ossature")

MOST_OPERATIONS = 1000
Op = Literal["create", "update", "delete", "restore", "upsert"]
OPS: tuple[Op, ...] = get_args(Op)


@dataclass(frozen=True, slots=True)
class Operation:
    """One write. `by` names the unique field that an upsert goes by, whose value is among `values`; `version` is the one
    that was read: changes merge with later ones, a deletion is refused at another."""

    op: Op
    id: UUID | None = None
    values: dict[str, Any] = field(default_factory=dict)
    version: int | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one operation: the status that it would have alone, and what was written or why it was not."""

    status: int
    id: UUID | None = None
    version: int | None = None
    written: Written | None = None
    refusal: Refusal | None = None


class Undone(Exception):
    """Leads out of a savepoint, which is rolled back."""


def write_batch(rt: RecordType, operations: Sequence[Operation], *, atomic: bool) -> list[Outcome]:
    """Do all operations in their order, in one change set.

    `atomic` writes nothing unless all succeed; else those that succeed hold. The outcomes tell of every fault.
    """
    # First without looking back, which is twice as fast as a savepoint for each.
    found: list[Outcome] = []
    try:
        with session().begin_nested():
            for operation in operations:
                found.append(_do(rt, operation))
            return found
    except Refusal as refusal:
        if len(operations) == 1:
            return [Outcome(refusal.status, operations[0].id, refusal=refusal)]
    try:
        with session().begin_nested():
            found = [_tried(rt, operation) for operation in operations]
            if atomic and any(one.refusal is not None for one in found):
                raise Undone
    except Undone:
        pass
    return found


def _tried(rt: RecordType, operation: Operation) -> Outcome:
    try:
        with session().begin_nested():
            return _do(rt, operation)
    except Refusal as refusal:
        return Outcome(refusal.status, operation.id, refusal=refusal)


def _do(rt: RecordType, it: Operation) -> Outcome:
    written: Written
    match it.op:
        case "create":
            written = service.create(rt, it.values, it.id)
            return _wrote(written, 201)
        case "update":
            return _wrote(service.update(rt, _id(it), it.values, version=it.version))
        case "upsert":
            written, created = upsert(rt, it.by, it.values.get(it.by), it.values, id=it.id, version=it.version)
            return _wrote(written, 201 if created else 200)
        case "delete":
            row = service.delete(rt, _id(it), if_match=it.version)
        case "restore":
            row = service.restore(rt, _id(it))
    return Outcome(200, row["id"], row["version"])


def _wrote(written: Written, status: int = 200) -> Outcome:
    return Outcome(status, written.row["id"], written.row["version"], written)


def _id(it: Operation) -> UUID:
    assert it.id is not None
    return it.id


def faults_of(outcomes: Sequence[Outcome]) -> tuple[list[Detail], bool]:
    """Every fault under the place of its operation, `operations.3.email`, and whether one of them was a permission."""
    found = []
    for number, outcome in enumerate(outcomes):
        if (refusal := outcome.refusal) is None:
            continue
        code = refusal.extra.get("code", refusal.code)
        details = refusal.details or (Detail("", code, str(refusal.message)),)
        for detail in details:
            where = f"operations.{number}.{detail.field}".rstrip(".")
            found.append(Detail(where, detail.code, detail.message, detail.extra))
    return found, any(isinstance(outcome.refusal, Forbidden) for outcome in outcomes)
