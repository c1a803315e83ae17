"""What an actor may write of a record, and to whom a record may be given."""

from __future__ import annotations

from uuid import UUID

from ossature.context import Reach, current
from ossature.errors import Detail, Forbidden, Invalid
from ossature.i18n.texts import translator
from ossature.rbac.predicate import demand, reaches_owner, visible_fields
from ossature.records.fields import Field, Kind
from ossature.records.living import demand_live
from ossature.records.query import ACTOR, Row, get_row
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

OWNER = Field(Kind.REFERENCE, _l("Owner"), name="owner_id", target=ACTOR)


def writable_fields(rt: RecordType) -> dict[str, Field]:
    """What the bound actor may write: its visible fields and, for owned records, the owner."""
    found = dict(rt.writable)
    if rt.guarded:
        seen = visible_fields(rt)
        found = {name: item for name, item in found.items() if name in seen}
    return {**found, "owner_id": OWNER} if rt.owned else found


def editable(rt: RecordType, id: UUID) -> Row:
    """A record that the bound actor may edit, for what hangs on it. Raises `Forbidden`, `NotFound`; `Conflict` where it
    is deleted."""
    demand(rt, "edit")
    row = get_row(rt, id)
    if not reaches_owner(rt, "edit", row.get("owner_id")):
        permission = rt.permission("edit")
        raise Forbidden(_("Your permission %(permission)s does not reach this record.", permission=permission),
                        permission=permission)  # fmt: skip
    demand_live(rt, row)
    return row


def owner_for_new(rt: RecordType, owner: UUID | None) -> UUID | None:
    """The owner asked for, else who creates: a personal key does so for its member; a service or a job owns only what
    it could not reach otherwise."""
    if owner is not None:
        check_new_owner(rt, owner, "create")
        return owner
    actor, access = current().actor, current().access
    if actor is None:
        return None
    if actor.kind in ("member", "platform"):
        return actor.id
    everything = access.reach(rt.permission("create")) is Reach.ALL
    return next(iter(access.selves - {actor.id}), None if everything else actor.id)


def check_new_owner(rt: RecordType, owner: UUID | None, action: str = "edit") -> None:
    if not reaches_owner(rt, action, owner):
        raise Invalid(
            _("The input has faults."),
            [Detail("owner_id", "out_of_reach", _("You may not give records to this person."))],
        )
