"""Members and what they are: who belongs to an organisation, with which roles, in which teams."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, select, text, update

from ossature.auth.state import access_state
from ossature.context import current
from ossature.db import after_commit, session
from ossature.db.kernel import actor
from ossature.errors import Conflict, Detail, Invalid, NotFound
from ossature.i18n import translator
from ossature.ids import new_id
from ossature.rbac import authority
from ossature.rbac.models import Member, MemberRole, Role, TeamMember

_, _l, ngettext = translator("ossature")


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member as the list shows it."""

    id: UUID
    user_id: UUID
    name: str
    email: str
    active: bool
    joined: bool
    has_password: bool
    created_at: datetime
    last_sign_in_at: datetime | None
    roles: tuple[Role, ...]

    @property
    def rank(self) -> int:
        return max((role.rank for role in self.roles), default=0)


def list_members() -> list[MemberView]:
    """Everybody of the bound organisation, by name; three statements whatever their number."""
    work = session()
    roles = {role.id: role for role in work.scalars(select(Role))}
    held: dict[UUID, list[Role]] = {}
    for member_id, role_id in work.execute(select(MemberRole.member_id, MemberRole.role_id)):
        held.setdefault(member_id, []).append(roles[role_id])
    rows = work.execute(text("SELECT * FROM ossature.tenant_members()"))
    return [
        MemberView(**row._mapping, roles=tuple(sorted(held.get(row.id, ()), key=lambda role: -role.rank)))
        for row in rows
    ]


def find_member(member_id: UUID) -> MemberView:
    for member in list_members():
        if member.id == member_id:
            return member
    raise NotFound(_("There is no such member."))


def add_member(user_id: UUID, name: str, role_ids: Sequence[UUID], *, joined: bool = True) -> UUID:
    """Make an account a member; one that was deactivated comes back as the same actor. Returns the member's id.

    With `joined` false the person is let in once they accept an invitation: whoever holds an account that others made
    may not be the person that is meant.
    """
    work = session()
    roles = _roles(role_ids)
    authority.may_give_roles(roles)
    known = work.scalar(select(Member).where(Member.user_id == user_id))
    if known is not None and known.active:
        raise Conflict(
            _("This person is a member already."), [Detail("email", "taken", _("This person is a member already."))]
        )
    if known is not None:
        authority.may_touch_member(known.id)
        member_id = known.id
        known.active = known.joined
        work.execute(update(actor).where(*_is(member_id)).values(active=known.joined, label=name))
    else:
        member_id = new_id()
        tenant_id = current().tenant_id
        work.execute(insert(actor).values(tenant_id=tenant_id, id=member_id, kind="member", label=name, active=joined))
        work.add(Member(id=member_id, user_id=user_id, active=joined, joined=joined))
    work.flush()
    _write_roles(member_id, roles)
    members_changed(user_id)
    return member_id


def assign_roles(member_id: UUID, role_ids: Sequence[UUID]) -> None:
    """Give a member exactly these roles."""
    member = _member(member_id)
    authority.may_touch_member(member_id)
    wanted = _roles(role_ids)
    held = set(session().scalars(select(MemberRole.role_id).where(MemberRole.member_id == member_id)))
    authority.may_give_roles(role for role in wanted if role.id not in held)
    was_owner = authority.is_owner(member_id)
    _write_roles(member_id, wanted)
    if was_owner:
        authority.keep_an_owner()
    members_changed(member.user_id)


def set_active(member_id: UUID, active: bool) -> None:
    """Close or open an organisation to a member; what they wrote keeps their name, their personal keys stop."""
    member = _member(member_id)
    authority.may_touch_member(member_id)
    if active and not member.joined:
        raise Conflict(_("This person has not accepted the invitation yet. Make a new link and hand it to them."))
    if active:
        held = select(MemberRole.role_id).where(MemberRole.member_id == member_id)
        authority.may_bring_back(session().scalars(select(Role).where(Role.id.in_(held))))
    acting = current().actor
    if acting and acting.id == member_id and not active:
        raise Conflict(_("You cannot deactivate yourself. Ask another administrator."))
    member.active = active
    session().execute(update(actor).where(*_is(member_id)).values(active=active))
    if not active and authority.is_owner(member_id):
        authority.keep_an_owner()
    members_changed(member.user_id)


def set_team_members(team_id: UUID, member_ids: Iterable[UUID]) -> None:
    """Put exactly these members into a team. Raises `Forbidden` when somebody would reach more than who acts."""
    work = session()
    wanted = set(member_ids)
    known = set(work.scalars(select(Member.id).where(Member.id.in_(wanted)))) if wanted else set()
    if wanted - known:
        raise Invalid(_("There is no such member."), [Detail("members", "unknown", _("There is no such member."))])
    held = set(work.scalars(select(TeamMember.member_id).where(TeamMember.team_id == team_id)))
    if wanted - held:
        authority.may_team_up(wanted)
    if gone := held - wanted:
        work.execute(delete(TeamMember).where(TeamMember.team_id == team_id, TeamMember.member_id.in_(gone)))
    work.add_all(TeamMember(team_id=team_id, member_id=member_id) for member_id in wanted - held)
    work.flush()
    members_changed()


def team_members() -> dict[UUID, set[UUID]]:
    """Who is in which team: team -> members."""
    found: dict[UUID, set[UUID]] = {}
    for team_id, member_id in session().execute(select(TeamMember.team_id, TeamMember.member_id)):
        found.setdefault(team_id, set()).add(member_id)
    return found


def members_changed(user_id: UUID | None = None) -> None:
    """Have every snapshot of the bound organisation made anew once this unit of work has committed."""
    tenant_id = current().tenant_id
    cache = access_state().cache
    if tenant_id is not None:
        after_commit(lambda: cache.tenant_changed(tenant_id))
    if user_id is not None:
        after_commit(lambda: cache.user_changed(user_id))


def _member(member_id: UUID) -> Member:
    found = session().scalar(select(Member).where(Member.id == member_id).with_for_update())
    if found is None:
        raise NotFound(_("There is no such member."))
    return found


def _is(actor_id: UUID) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return actor.c.tenant_id == current().tenant_id, actor.c.id == actor_id


def _roles(role_ids: Sequence[UUID]) -> list[Role]:
    roles = list(session().scalars(select(Role).where(Role.id.in_(role_ids)))) if role_ids else []
    if not roles or len(roles) != len(set(role_ids)):
        message = _("Choose at least one role.")
        raise Invalid(message, [Detail("roles", "required", message)])
    return roles


def _write_roles(member_id: UUID, roles: Iterable[Role]) -> None:
    work = session()
    wanted = {role.id for role in roles}
    held = set(work.scalars(select(MemberRole.role_id).where(MemberRole.member_id == member_id)))
    if gone := held - wanted:
        work.execute(delete(MemberRole).where(MemberRole.member_id == member_id, MemberRole.role_id.in_(gone)))
    work.add_all(MemberRole(member_id=member_id, role_id=role_id) for role_id in wanted - held)
    work.flush()
