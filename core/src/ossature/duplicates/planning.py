"""What a merge comes to before it is done: the record that stays, and whose value each field takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from ossature.context import current
from ossature.db.work import session
from ossature.errors import Conflict, Detail, Invalid
from ossature.i18n.texts import translator
from ossature.rbac.predicate import demand, reaches_owner
from ossature.records.clean import plain
from ossature.records.fields import Field, Kind
from ossature.records.owning import writable_fields
from ossature.records.query import Row
from ossature.records.record import TAGS
from ossature.records.rules import folded
from ossature.records.service import lock_rows, not_found
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

MOST = 10
"""So many records are merged at once, the one that stays included."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A field: its value in each record, by id, and the record whose value the one that stays will have."""

    field: Field
    values: Mapping[UUID, Any]
    taken: UUID

    @property
    def value(self) -> Any:
        return self.values[self.taken]

    @property
    def differs(self) -> bool:
        """Whether there is anything to choose."""
        first = next(iter(self.values.values()))
        return any(value != first for value in self.values.values())


@dataclass(frozen=True, slots=True)
class Plan:
    """The records of a merge, the one that stays first, with what becomes of each field."""

    into: UUID
    rows: Mapping[UUID, Row]
    choices: tuple[Choice, ...]

    @property
    def others(self) -> list[UUID]:
        return [id for id in self.rows if id != self.into]


def mergeable(rt: RecordType) -> bool:
    """Whether such records can be merged at all: what is written in a ledger stays."""
    return not rt.ledger


def read_together(rt: RecordType, ids: Collection[UUID]) -> dict[UUID, Row]:
    """The records that are to become one, locked. Raises `Invalid` for too few or too many, `Forbidden`, `NotFound`,
    and `Conflict` for what is in the recycle bin."""
    if not mergeable(rt):
        raise Conflict(_("What is written in %(records)s stays; correct it by a new entry.", records=rt.plural))
    for action in ("view", "edit", "delete"):
        demand(rt, action)
    ids = dict.fromkeys(ids)
    if not 2 <= len(ids) <= MOST:
        raise Invalid(
            _("The input has faults."),
            [Detail("ids", "wrong_number", _("Choose 2 to %(n)d records to merge.", n=MOST))],
        )
    found = lock_rows(rt, ids, "view")
    rows: dict[UUID, Row] = {}
    for id in ids:
        row = found.get(id)
        if not isinstance(row, dict):
            raise not_found(rt)
        if row["deleted_at"] is not None:
            name = row.get(rt.title_field) or _("Unnamed")
            raise Conflict(
                _("%(name)s is in the recycle bin, or was merged already. Choose again.", name=name),
                [Detail("ids", "deleted", _("Choose records that are not deleted."), {"id": str(id)})], code="deleted",
            )  # fmt: skip
        rows[id] = row
    return rows


def plan(
    rt: RecordType, rows: Mapping[UUID, Row], into: UUID | None = None, take: Mapping[str, UUID] | None = None
) -> Plan:
    """What merging comes to; `into` is the record that stays, `take` names for some fields whose value it has.

    Unless told: the fullest record stays, and of each field the fuller value is taken, then that of the record that was
    changed last. Raises `Invalid` for a choice that there is not.
    """
    if into is None:
        into = _fullest(rt, rows)
    take = take or {}
    rows = {into: rows[into], **rows}
    fields = {
        name: item for name, item in writable_fields(rt).items() if item.kind is not Kind.SECRET and name != TAGS
    }  # fmt: skip
    faults = [
        Detail(f"take.{plain(name)}", "unknown_field", _("There is no such field to choose."))
        for name in take.keys() - fields
    ]
    faults += [
        Detail(f"take.{name}", "not_found", _("Name one of the records that are merged."))
        for name, id in take.items() if name in fields and id not in rows
    ]  # fmt: skip
    if faults:
        raise Invalid(_("The input has faults."), faults)
    choices = []
    for name, item in fields.items():
        values = {id: row.get(name) for id, row in rows.items()}
        if item.target == rt.key:
            values = {id: None if leads_back(rt, item, value, rows.keys()) else value for id, value in values.items()}
        choices.append(Choice(item, values, take[name] if name in take else _best(item, values, rows, into)))
    return Plan(into, rows, tuple(choices))


def hinders(rt: RecordType, rows: Mapping[UUID, Row], into: UUID) -> str:
    """Why the reader may not merge these records into that one; empty where they may."""
    for id, row in rows.items():
        action = "edit" if id == into else "delete"
        if not reaches_owner(rt, action, row.get("owner_id")):
            words = {"name": row.get(rt.title_field) or _("Unnamed"), "permission": rt.permission(action)}
            if action == "edit":
                return _("%(name)s would stay, but your permission %(permission)s does not reach it.", **words)
            return _("%(name)s would go, but your permission %(permission)s does not reach it.", **words)
    return ""


def _fullest(rt: RecordType, rows: Mapping[UUID, Row]) -> UUID:
    """The record to keep: that with most said, the oldest of such, since most know it by its id."""

    def fullness(id: UUID) -> tuple[bool, int, Any]:
        row = rows[id]
        reached = reaches_owner(rt, "edit", row.get("owner_id"))
        said = sum(1 for item in rt.fields.values() if not _says_nothing(item, row.get(item.name)))
        return reached, said, -row["created_at"].timestamp()

    return max(rows, key=fullness)


def _best(item: Field, values: Mapping[UUID, Any], rows: Mapping[UUID, Row], into: UUID) -> UUID:
    said = {id: value for id, value in values.items() if value not in (None, "")}
    if item.name == "owner_id" and into in said:
        return into
    said = {id: value for id, value in said.items() if not _says_nothing(item, value)} or said
    if item.textual:
        said = {id: value for id, value in said.items() if not _within_another(value, said.values())}
    if not said or all(value == values[into] for value in said.values()):
        return into
    return max(said, key=lambda id: (rows[id]["updated_at"], id == into))


def _says_nothing(item: Field, value: Any) -> bool:
    return value in (None, "", []) or (item.default is not None and value == item.default)


def _within_another(value: str, others: Collection[str]) -> bool:
    """Whether another value says all that one says, and more: "J. Martin" and "J. Martin, Lyon", "J." and "Jean"."""
    mine, *theirs = (folded(one).strip(" .") for one in (value, *others))
    return any(len(other) > len(mine) and mine in other for other in theirs)


def leads_back(rt: RecordType, item: Field, value: UUID | None, ids: Collection[UUID]) -> bool:
    """Whether a reference between records of one kind would end at the merged record itself, however many steps on."""
    if value is None or value in ids:
        return value is not None
    above = (
        select(rt.c.id, rt.c[item.name].label("next"))
        .where(rt.c.tenant_id == current().tenant_id, rt.c.id == value)
        .cte("above", recursive=True)
    )
    above = above.union(
        select(rt.c.id, rt.c[item.name]).where(rt.c.tenant_id == current().tenant_id, rt.c.id == above.c.next)
    )
    return session().execute(select(above.c.id).where(above.c.next.in_(list(ids))).limit(1)).first() is not None
