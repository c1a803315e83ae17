"""No escalation: nobody gives what they lack, nobody touches a member of higher rank, no organisation loses its last
owner. Asked by every service that changes members, roles or keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from sqlalchemy import func, select, text

from ossature.context import Context, Reach, current
from ossature.db import session
from ossature.errors import Conflict, Forbidden
from ossature.i18n import translator
from ossature.rbac.models import Member, MemberRole, Role, RoleGrant
from ossature.rbac.presets import OWNER, OWNER_RANK
from ossature.rbac.rights import rights

_, _l, ngettext = translator("ossature")


def unrestricted(context: Context) -> bool:
    """Commands of the installation's operator and an opened platform session stand above the ranks."""
    return context.actor is None or context.actor.kind == "platform"


def own_rank() -> int:
    """The rank of who acts now; a service's key has none."""
    context = current()
    if unrestricted(context):
        return OWNER_RANK
    if not context.access.roles:
        return -1
    found = session().scalar(
        select(func.max(Role.rank)).where(Role.key.in_(context.access.roles), Role.tenant_id == context.tenant_id)
    )
    return found if found is not None else -1


def rank_of(member_id: UUID) -> int:
    found = session().scalar(
        select(func.max(Role.rank))
        .join(MemberRole, (MemberRole.tenant_id == Role.tenant_id) & (MemberRole.role_id == Role.id))
        .where(MemberRole.member_id == member_id)
    )
    return found or 0


def may_touch_member(member_id: UUID) -> None:
    if rank_of(member_id) > own_rank():
        raise Forbidden(_("This member has a higher role than yours."))


def may_touch_role(role: Role) -> None:
    if role.key == OWNER:
        raise Conflict(_("The role of owner may do everything and cannot be changed."))
    if role.rank > own_rank():
        raise Forbidden(_("This role is higher than yours."))


def may_give_roles(roles: Iterable[Role]) -> None:
    """Raises `Forbidden` for a role above one's own, or one that grants what one lacks."""
    context = current()
    if unrestricted(context):
        return
    rank = own_rank()
    for role in roles:
        if role.rank > rank:
            raise Forbidden(_("The role %(role)s is higher than yours.", role=role.name))
        may_give(rights().everything if role.key == OWNER else grants_of(role.id))


def may_give(grants: Mapping[str, Reach]) -> None:
    """Raises `Forbidden` unless who acts holds each of these rights at least as far."""
    if not unrestricted(current()) and (lacking := _lacking(grants)):
        raise Forbidden(_("You cannot give a right that you do not hold: %(right)s.", right=lacking))


def _lacking(grants: Mapping[str, Reach]) -> str | None:
    """The label of the first of these rights that who acts does not hold as far."""
    for permission, reach in grants.items():
        held = current().access.reach(permission)
        if held is None or held.width < reach.width:
            known = rights().permissions.get(permission)
            return str(known.label) if known else permission
    return None


def may_bring_back(roles: Iterable[Role]) -> None:
    """Raises `Forbidden` for the first role that who acts could not give."""
    for role in roles:
        try:
            may_give_roles([role])
        except Forbidden:
            raise Forbidden(
                _("This member would come back with the role %(role)s, which you cannot give.", role=role.name)
            ) from None


def may_team_up(member_ids: Collection[UUID]) -> None:
    """Raises `Forbidden` unless who acts reaches what these members come to reach by being in one team: each other's
    rows, by every right that one of them holds with reach team."""
    context = current()
    if unrestricted(context) or len(member_ids) < 2:
        return
    shared = session().scalars(
        select(RoleGrant.permission)
        .join(MemberRole, (MemberRole.tenant_id == RoleGrant.tenant_id) & (MemberRole.role_id == RoleGrant.role_id))
        .where(MemberRole.member_id.in_(member_ids), RoleGrant.reach == Reach.TEAM.value)
        .distinct()
    )
    needed = Reach.TEAM if context.access.owners.issuperset(member_ids) else Reach.ALL
    if lacking := _lacking({name: needed for name in shared if name in rights().permissions}):
        raise Forbidden(
            _("In one team these people would reach rows that you do not reach, by the right %(right)s.", right=lacking)
        )


def grants_of(role_id: UUID) -> dict[str, Reach]:
    rows = session().execute(select(RoleGrant.permission, RoleGrant.reach).where(RoleGrant.role_id == role_id))
    return {permission: Reach(reach) for permission, reach in rows if permission in rights().permissions}


def is_owner(member_id: UUID) -> bool:
    return rank_of(member_id) >= OWNER_RANK


def keep_an_owner() -> None:
    """Call after a change of owners and before the commit. Raises `Conflict` when no active owner is left.

    Locks the role, so that two owners who remove each other at the same moment do not both succeed.
    """
    work = session()
    work.flush()
    owner = work.execute(
        text("SELECT id FROM ossature.role WHERE tenant_id = :tenant AND key = :key FOR UPDATE"),
        {"tenant": current().tenant_id, "key": OWNER},
    ).scalar()
    left = work.scalar(
        select(func.count())
        .select_from(MemberRole)
        .join(Member, (Member.tenant_id == MemberRole.tenant_id) & (Member.id == MemberRole.member_id))
        .where(MemberRole.role_id == owner, Member.active)
    )
    if not left:
        raise Conflict(_("An organisation needs an owner. Make somebody else owner first."))
