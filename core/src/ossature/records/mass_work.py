"""The job behind acts on many records: some hundred rows a transaction, each with its outcome in the same transaction.

A worker that is killed has therefore neither lost nor doubled anything: the next one goes on after the last row that has an
outcome. All transactions write under the act's one change set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy import and_, select

from ossature.context import Context, current
from ossature.db.kernel import mass as mass_table
from ossature.db.kernel import mass_row
from ossature.db.work import session, transaction
from ossature.errors import Conflict, Refusal
from ossature.i18n.texts import translator
from ossature.jobs.run import JobRun
from ossature.jobs.types import job
from ossature.kernel import kernel
from ossature.plugins.manifest import is_on
from ossature.records.many import Outcome, Values, delete_many, update_many
from ossature.records.merging import Stale
from ossature.records.query import Row
from ossature.records.record import TAGS
from ossature.records.rules import folded
from ossature.records.types import RecordType
from ossature.web.formats import as_number

_, _l, _n = translator("ossature")

AT_ONCE = 500

_OUTCOMES = sa.text(
    "UPDATE ossature.mass_row r SET outcome = u.outcome, code = u.code, field = u.field, reason = u.reason "
    "FROM unnest(CAST(:numbers AS integer[]), CAST(:outcomes AS text[]), CAST(:codes AS text[]), "
    "CAST(:fields AS text[]), CAST(:reasons AS text[])) AS u (number, outcome, code, field, reason) "
    "WHERE r.tenant_id = :tenant AND r.mass_id = :mass AND r.number = u.number"
)


class MassArgs(BaseModel):
    """Which act."""

    mass_id: UUID


@job("ossature.mass", _l("Change of many records"), args=MassArgs, attempts=5, time_limit=3600)
def mass_job(run: JobRun, args: MassArgs) -> dict[str, int]:
    """Go through the rows of an act until each has its outcome."""
    head = session().execute(select(mass_table).where(_one(args.mass_id))).mappings().one()
    rt = kernel().records.get(head["record"])
    if rt is None or not is_on(rt.plugin, current().access.plugins):
        raise RuntimeError(f"the records {head['record']} are not there now")
    run.progress(head["done"], head["total"])
    while (step := work_on(rt, args.mass_id, under(rt, head))) is not None:
        run.progress(step.done, head["total"])
    after = session().execute(select(mass_table).where(_one(args.mass_id))).mappings().one()
    return {name: after[name] for name in ("total", "changed", "refused")}


def under(rt: RecordType, head: Any) -> Context:
    """The context that the rows are written in: one change set, of the time the act was asked for."""
    count, records = as_number(head["total"]), str(rt.plural).lower()
    if head["act"] == "delete":
        reason = _("Deletion of %(n)s %(records)s at once", n=count, records=records)
    elif renamed := _renamed(head["changes"]):
        old, new = renamed
        reason = _("Tag %(old)s renamed to %(new)s", old=old, new=new) if new else _("Tag %(old)s removed", old=old)
    else:
        reason = _("Change of %(n)s %(records)s at once", n=count, records=records)
    return current().with_(means="mass", reason=reason, change_set=(head["change_set_id"], head["created_at"]))


@dataclass(frozen=True)
class Step:
    """How far an act is after some rows."""

    done: int


def work_on(rt: RecordType, id: UUID, context: Context) -> Step | None:
    """Write the next rows with their outcomes, in one transaction; None when there are none left."""
    with transaction(context) as work:
        head = work.execute(select(mass_table).where(_one(id)).with_for_update()).mappings().one()
        c = mass_row.c
        rows = work.execute(
            select(c.number, c.record_id, c.version)
            .where(c.tenant_id == current().tenant_id, c.mass_id == id, c.number > head["done"])
            .order_by(c.number)
            .limit(AT_ONCE)
        ).all()
        if not rows:
            return None
        outcomes = _write(rt, head, {row.record_id: row.version for row in rows})
        work.execute(_OUTCOMES, {"tenant": current().tenant_id, "mass": id, **_arrays(rt, rows, outcomes)})
        told = [one.what for one in outcomes]
        work.execute(
            sa.update(mass_table)
            .where(_one(id))
            .values(
                done=rows[-1].number, changed=mass_table.c.changed + told.count("changed"),
                refused=mass_table.c.refused + told.count("refused"),
            )
        )  # fmt: skip
        return Step(rows[-1].number)


def _write(rt: RecordType, head: Any, versions: dict[UUID, int | None]) -> list[Outcome]:
    """What is refused for all rows alike, a right that was withdrawn or a target that is gone, is told of each."""
    try:
        if head["act"] == "delete":
            return delete_many(rt, versions)
        return update_many(rt, versions, values_of(head["changes"]))
    except Refusal as refusal:
        return [Outcome(id, "refused", refusal) for id in versions]


def values_of(changes: Mapping[str, Any]) -> Values:
    """The values as they are for all rows; tags that are added and removed, by those that each row has."""
    tags = changes.get(TAGS)
    if not isinstance(tags, Mapping):
        return changes
    if renamed := _renamed(changes):
        return _renaming(*renamed)
    added, removed = tags.get("add", []), {folded(tag) for tag in tags.get("remove", [])}

    def of_row(row: Row) -> Mapping[str, Any]:
        known = {folded(tag) for tag in row[TAGS]}
        kept = [tag for tag in row[TAGS] if folded(tag) not in removed]
        return {**changes, TAGS: [*kept, *(tag for tag in added if folded(tag) not in known)]}

    return of_row


def _renamed(changes: Mapping[str, Any]) -> tuple[str, str | None] | None:
    """From which tag to which, where that is what an act does."""
    tags = changes.get(TAGS)
    found = tags.get("rename") if isinstance(tags, Mapping) else None
    return tuple(found) if found else None


def _renaming(old: str, new: str | None) -> Values:
    gone = folded(old)

    def of_row(row: Row) -> Mapping[str, Any]:
        names = [new if folded(name) == gone else name for name in row[TAGS]]
        return {TAGS: [name for name in names if name is not None]}

    return of_row


def _arrays(rt: RecordType, rows: Sequence[Any], outcomes: Sequence[Outcome]) -> dict[str, list[Any]]:
    told = [_told(rt, one.refusal) for one in outcomes]
    return {
        "numbers": [row.number for row in rows], "outcomes": [one.what for one in outcomes],
        "codes": [one[0] for one in told], "fields": [one[1] for one in told], "reasons": [one[2] for one in told],
    }  # fmt: skip


def _told(rt: RecordType, refusal: Refusal | None) -> tuple[str | None, str | None, str | None]:
    """Code, field and words of a refusal."""
    if refusal is None:
        return None, None, None
    words = (
        []
        if (refusal.details and not isinstance(refusal, Conflict)) or isinstance(refusal, Stale)
        else [refusal.message]
    )
    for detail in refusal.details:
        item = rt.fields.get(detail.field)
        words.append(f"{item.label}{_(': ')}{detail.message}" if item and words == [] else str(detail.message))
    first = refusal.details[0] if refusal.details else None
    code = first.code if first else str(refusal.extra.get("code", refusal.code))
    return code, (first.field or None) if first else None, " ".join(str(one) for one in words)[:1000]


def _one(id: UUID) -> sa.ColumnElement[bool]:
    return and_(mass_table.c.tenant_id == current().tenant_id, mass_table.c.id == id)
