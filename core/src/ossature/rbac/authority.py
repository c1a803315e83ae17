"""No escalation: nobody gives what they lack, nobody touches a member of higher rank, no organisation loses its last
owner. Asked by every service that changes members, roles or keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    context = current()
    if unrestricted(context):
        return
    for permission, reach in grants.items():
        held = context.access.reach(permission)
        if held is None or held.width < reach.width:
            label = rights().permissions[permission].label if permission in rights().permissions else permission
            raise Forbidden(_("You cannot give a right that you do not hold: %(right)s.", right=str(label)))


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
