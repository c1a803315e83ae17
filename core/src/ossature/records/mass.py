"""Acts on many records at once: which rows are meant, what was asked for, and what became of each.

The rows are fixed when the act is asked for; the work is a job, see `mass_work`. Whoever asked reads the results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import and_, func, select

from ossature.context import current
from ossature.db.kernel import job as job_table
from ossature.db.kernel import mass as mass_table
from ossature.db.kernel import mass_row
from ossature.db.work import session
from ossature.errors import Detail, Invalid, NotFound
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.rbac.predicate import demand
from ossature.records.clean import clean
from ossature.records.fields import Field, Kind
from ossature.records.linking import check_references, references_in
from ossature.records.merging import jsonable
from ossature.records.owning import check_new_owner, writable_fields
from ossature.records.query import ListQuery, count_up_to, rows_of
from ossature.records.questions import Question
from ossature.records.record import TAGS
from ossature.records.saved import selves
from ossature.records.statements import invalid
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

MOST = 100_000
"""How many rows one act may be about."""
MOST_NAMED = 10_000
"""How many rows may be named one by one."""
MOST_READ = 500

Kind_ = Literal["edit", "delete"]
State = Literal["waiting", "running", "done", "stopped", "cancelled"]


@dataclass(frozen=True)
class Selection:
    """The rows of an act: those named, each with the version that was seen if known, or all that a list has."""

    named: Mapping[UUID, int | None] | None = None
    query: ListQuery | None = None

    def count(self, rt: RecordType) -> int:
        """How many there are, counted up to one more than `MOST`."""
        if self.named is not None:
            return len(self.named)
        assert self.query is not None
        return count_up_to(rt, self.query, MOST + 1)


@dataclass(frozen=True, slots=True)
class Act:
    """An act and how far it is. `changes` are values by field; `total` less `done` rows wait, or were not reached when
    it was cancelled or stopped by an error."""

    id: UUID
    record: str
    act: Kind_
    changes: Mapping[str, Any]
    overwrite: bool
    created_at: datetime
    change_set_id: UUID
    job_id: UUID
    total: int
    done: int
    changed: int
    refused: int
    job_state: str | None
    error: str | None

    @property
    def unchanged(self) -> int:
        return self.done - self.changed - self.refused

    @property
    def state(self) -> State:
        if self.done == self.total:
            return "done"
        if self.job_state == "running":
            return "running"
        if self.job_state in ("queued", "failed", "parked"):
            return "waiting"
        return "cancelled" if self.job_state == "cancelled" else "stopped"

    @property
    def over(self) -> bool:
        return self.state in ("done", "stopped", "cancelled")


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row; `outcome` is None while it waits. `field` is the first at fault."""

    number: int
    record_id: UUID
    version: int | None
    outcome: str | None
    code: str | None
    field: str | None
    reason: str | None


def mass_fields(rt: RecordType) -> dict[str, Field]:
    """What can be set for many rows at once: no secrets, and nothing that no two rows may share."""
    return {
        name: item for name, item in writable_fields(rt).items() if item.kind is not Kind.SECRET and not item.unique
    }


def start_edit(rt: RecordType, changes: Mapping[str, Any], selection: Selection, *, overwrite: bool = False) -> UUID:
    """Set fields of all rows of a selection in the background; returns the act's id.

    A row whose field somebody changed since the selection was read is refused, unless `overwrite`. Raises `Forbidden`,
    and `Invalid` for values that fit no row, an empty selection and one of more than `MOST`.
    """
    demand(rt, "edit")
    if not changes:
        raise Invalid(_("Choose what is to be changed."), [Detail("set", "required", _("Name at least one field."))])
    plain = {name: value for name, value in changes.items() if not (name == TAGS and isinstance(value, Mapping))}
    cleaned, faults = clean(mass_fields(rt), plain, partial=True)
    tags = {} if TAGS in plain or TAGS not in changes else _added_and_removed(rt, changes[TAGS], faults)
    if faults:
        raise invalid(faults)
    if "owner_id" in cleaned:
        check_new_owner(rt, cleaned["owner_id"])
    check_references(references_in(rt, cleaned))
    stored = {name: jsonable(value) for name, value in cleaned.items()}
    return _start(rt, "edit", {**stored, **({TAGS: tags} if tags else {})}, selection, overwrite)


def _added_and_removed(rt: RecordType, asked: Mapping[str, Any], faults: list[Detail]) -> dict[str, list[str]]:
    """Tags to add to what each row has, and to take away."""
    found: dict[str, list[str]] = {}
    for how, names in asked.items():
        if how not in ("add", "remove"):
            faults.append(Detail(f"{TAGS}.{how}"[:80], "unknown_field", _("Give add, remove or both.")))
            continue
        cleaned, wrong = clean({TAGS: rt.fields[TAGS]}, {TAGS: names}, partial=True)
        faults += wrong
        found[how] = list(cleaned.get(TAGS) or [])
    if not any(found.values()) and not faults:
        faults.append(Detail(TAGS, "required", _("Name at least one tag.")))
    return found


def start_delete(rt: RecordType, selection: Selection) -> UUID:
    """Put all rows of a selection into the bin in the background. Raises as `start_edit`."""
    demand(rt, "delete")
    return _start(rt, "delete", {}, selection, True)


def start_renaming(rt: RecordType, old: str, new: str | None, change_set: UUID) -> UUID | None:
    """Put one tag in another's place wherever the caller sees it, or None in it, as part of a change set; returns the
    act's id, None where nothing carries it. Raises as `start_edit`."""
    demand(rt, "edit")
    query = ListQuery(filter=Question(TAGS, "is", old))
    if not count_up_to(rt, query, 1):
        return None
    return _start(rt, "edit", {TAGS: {"rename": [old, new]}}, Selection(query=query), True, change_set, most=None)


def _start(
    rt: RecordType, act: Kind_, changes: Mapping[str, Any], selection: Selection, overwrite: bool,
    change_set: UUID | None = None, most: int | None = MOST,
) -> UUID:  # fmt: skip
    from ossature.records.mass_work import MassArgs, mass_job

    id = new_id()
    job_id = mass_job.enqueue(MassArgs(mass_id=id))
    session().execute(
        sa.insert(mass_table).values(
            id=id, record=rt.key, act=act, changes=changes, overwrite=overwrite, change_set_id=change_set or new_id(),
            job_id=job_id, total=0,
        )
    )  # fmt: skip
    total = _fix_rows(rt, id, selection, overwrite, most)
    if not total:
        raise Invalid(_("Nothing is selected."), [Detail("", "nothing_selected", _("Select at least one record."))])
    if most is not None and total > most:
        raise Invalid(
            _("At most %(n)d records can be changed at once.", n=most),
            [Detail("", "too_many", _("Narrow the list by filters, then try again."))],
        )
    session().execute(sa.update(mass_table).where(_one(id)).values(total=total))
    return id


def _fix_rows(rt: RecordType, id: UUID, selection: Selection, overwrite: bool, most: int | None) -> int:
    """Write down which rows are meant, with the version that was seen of each; how many, counted up to one too many."""
    tenant_id = current().tenant_id
    if selection.named is not None:
        rows = [
            {"tenant_id": tenant_id, "mass_id": id, "number": n, "record_id": one, "version": None if overwrite else v}
            for n, (one, v) in enumerate(selection.named.items(), 1)
        ]
        if 0 < len(rows) <= MOST:
            session().execute(sa.insert(mass_row), rows)
        return len(rows)
    assert selection.query is not None
    seen: Any = sa.null() if overwrite else rt.c.version
    bound = None if most is None else most + 1
    meant = select(rt.c.id, seen.label("version")).where(*rows_of(rt, selection.query)).limit(bound).subquery()
    number = func.row_number().over(order_by=meant.c.id)
    source = select(sa.literal(id), number, meant.c.id, sa.cast(meant.c.version, sa.Integer))
    insert = sa.insert(mass_row).from_select(
        ["mass_id", "number", "record_id", "version"], source, include_defaults=False
    )
    done = session().execute(insert, execution_options={"preserve_rowcount": True})
    return done.rowcount  # type: ignore[attr-defined, no-any-return]


def _one(id: UUID) -> sa.ColumnElement[bool]:
    return and_(mass_table.c.tenant_id == current().tenant_id, mass_table.c.id == id)


# -- results -----------------------------------------------------------------------------------------------------------

_COLUMNS = [name for name in Act.__dataclass_fields__ if name not in ("job_state", "error")]
_ACTS = select(
    *(mass_table.c[name] for name in _COLUMNS), job_table.c.state.label("job_state"), job_table.c.error
).select_from(
    mass_table.outerjoin(
        job_table, and_(job_table.c.tenant_id == mass_table.c.tenant_id, job_table.c.id == mass_table.c.job_id)
    )
)


def find_act(rt: RecordType, id: UUID) -> Act:
    """An act of whoever asks. Raises `NotFound` for any other."""
    demand(rt, "view")
    found = session().execute(
        _ACTS.where(_one(id), mass_table.c.record == rt.key, mass_table.c.actor_id.in_(selves()))
    ).first()  # fmt: skip
    if found is None:
        raise NotFound(_("There is no such change of many records, or it is somebody else’s."))
    return Act(**found._mapping)


def own_acts(rt: RecordType, limit: int = 50) -> list[Act]:
    """The last acts of whoever asks, newest first."""
    demand(rt, "view")
    rows = session().execute(
        _ACTS.where(
            mass_table.c.tenant_id == current().tenant_id, mass_table.c.record == rt.key,
            mass_table.c.actor_id.in_(selves()),
        )
        .order_by(mass_table.c.created_at.desc())
        .limit(limit)
    )  # fmt: skip
    return [Act(**row._mapping) for row in rows]


def acts_of(change_set: UUID) -> list[Act]:
    """The acts of whoever asks that write one change set, by kind of record."""
    c = mass_table.c
    here = (c.tenant_id == current().tenant_id, c.actor_id.in_(selves()), c.change_set_id == change_set)
    return [Act(**row._mapping) for row in session().execute(_ACTS.where(*here).order_by(c.record))]


def results(act: Act, outcome: str | None = None, after: int = 0, limit: int = 50) -> list[RowResult]:
    """Rows of an act in their order, from the number after `after`; `outcome` is changed, unchanged, refused or waiting."""
    c = mass_row.c
    statement = (
        select(c.number, c.record_id, c.version, c.outcome, c.code, c.field, c.reason)
        .where(c.tenant_id == current().tenant_id, c.mass_id == act.id, c.number > after)
        .order_by(c.number)
        .limit(min(limit, MOST_READ))
    )
    if outcome is not None:
        statement = statement.where(c.outcome.is_(None) if outcome == "waiting" else c.outcome == outcome)
    return [RowResult(*row) for row in session().execute(statement)]


def result_of(act: Act, record_id: UUID) -> RowResult:
    """What became of one record. Raises `NotFound`."""
    c = mass_row.c
    row = session().execute(
        select(c.number, c.record_id, c.version, c.outcome, c.code, c.field, c.reason).where(
            c.tenant_id == current().tenant_id, c.mass_id == act.id, c.record_id == record_id
        )
    ).first()  # fmt: skip
    if row is None:
        raise NotFound(_("This record was not part of it."))
    return RowResult(*row)
