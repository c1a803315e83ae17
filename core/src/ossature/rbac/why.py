"""Why somebody may or may not: which rule, role and value decided, in words.

The verdict is that of `rbac.predicate`, which every read and write asks; what stands beside it is how it came about.
Everybody may ask about themselves, about others those who may see the members. Of a record nothing is said that who asks
does not see: about one that is absent, foreign or out of reach the answer is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from ossature.context import Actor, Context, Reach, current
from ossature.db import session, transaction
from ossature.db.kernel import actor as actor_table
from ossature.errors import Forbidden, NotFound
from ossature.i18n import translator
from ossature.kernel import kernel
from ossature.plugins.manifest import is_on
from ossature.rbac.acting import as_actor
from ossature.rbac.models import ApiKey, MemberRole, Role, RoleGrant, TeamMember
from ossature.rbac.permissions import MEMBERS_VIEW, ROLES_MANAGE
from ossature.rbac.predicate import reaches, reaches_owner
from ossature.rbac.presets import OWNER
from ossature.rbac.rights import rights

if TYPE_CHECKING:
    from ossature.records.types import RecordType

_, _l, ngettext = translator("ossature")


@dataclass(frozen=True, slots=True)
class RoleSays:
    """What one role, or the scope of a key, grants of a permission; `reaches` when that alone would do."""

    name: str
    reach: Reach | None
    reaches: bool


@dataclass(frozen=True, slots=True)
class FieldSays:
    """A field that takes a permission of its own, and the roles that grant it."""

    name: str
    label: str
    permission: str
    allowed: bool
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """What of the record decides: who owns it, and which of the actor's teams that person is in."""

    id: UUID
    title: str
    deleted: bool
    owner_id: UUID | None
    owner: str
    teams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """An answer. `rule` decided: `everything` (owners, platform, jobs), `all`, `team`, `own`, `any_row` (the record has
    no owners), `granted` (no row was asked about), `ungranted`, `out_of_reach`, `unseen` (no such record for who asks).

    `role` granted what was decisive, `value` is the owner or the team that put the row in or out of reach.
    """

    record: str
    action: str
    permission: str
    permission_label: str
    actor_id: UUID
    actor: str
    oneself: bool
    allowed: bool
    rule: str
    role: str
    value: str
    reach: Reach | None
    roles: tuple[RoleSays, ...]
    row: Row | None
    fields: tuple[FieldSays, ...]
    reasons: tuple[str, ...]


def why(rt: RecordType, action: str, id: UUID | None = None, actor_id: UUID | None = None) -> Why:
    """Why an actor, or who asks, may or may not take an action on a record, or on records of its kind.

    Raises `Forbidden` for asking about others without the right to see members, `NotFound` for an actor that is not
    there, and, about others, for a record that who asks does not see.
    """
    acting, context = _asked_about(actor_id)
    oneself = _is_oneself(acting.id)
    row = _row(rt, id, context) if id else None
    unseen = id is not None and row is None
    if unseen and not oneself:
        raise NotFound(_("There is no such record, or you may not see it."), record=rt.key)
    permission = rt.permission(action)
    held = _held(acting, permission, context)
    owner_id = row.owner_id if row else None

    def covers(reach: Reach | None) -> bool:
        if reach is None or unseen:
            return False
        alone = context.with_(access=replace(context.access, grants={permission: reach}))
        return row is None or reaches_owner(rt, action, owner_id, alone)

    on = is_on(rt.plugin, context.access.plugins)
    reach = context.access.reach(permission) if on else None
    roles = tuple(RoleSays(name, given, covers(given)) for name, given in held)
    allowed = covers(reach)
    rule, value = _rule(rt, acting, context, reach, row, allowed, unseen=unseen)
    granting = [one for one in roles if one.reach and (one.reaches or not allowed)]
    widest = [one for one in granting if one.reach is reach] if rule not in ("own", "team") else []
    role = next((one.name for one in (*widest, *granting)), "")
    found = Why(
        rt.key, action, permission, permission_words(permission), acting.id, acting.label, oneself, allowed, rule, role,
        value, reach, roles, row, _fields(rt, acting, context), (),
    )  # fmt: skip
    return replace(found, reasons=tuple(_reasons(rt, found, on)))


def refusal_reasons(permission: str, record_id: UUID | None = None) -> tuple[str, ...]:
    """Why who acts was refused for want of a permission, in sentences; for refusals that name one.

    Opens a transaction of its own, since the one that was refused is undone.
    """
    context = current()
    if context.actor is None or context.tenant is None or permission not in rights().permissions:
        return ()
    with transaction(context):
        key, _dot, action = permission.rpartition(".")
        rt = kernel().records.get(key)
        if rt is not None:
            return why(rt, action, record_id).reasons
        held = _held(context.actor, permission, context)
        return (_takes(permission_words(permission)), _granted_by([(n, r) for n, r in held if r], _names(held), True))


def permission_words(permission: str) -> str:
    """A right as the settings name it: "Contacts: Edit"."""
    known = rights().permissions.get(permission)
    if known is None:
        return permission
    return f"{known.group}: {known.label}" if str(known.group) else str(known.label)


def may_ask_about_others() -> bool:
    """Whether who acts may ask why others may: whoever sees members or manages roles."""
    access = current().access
    return access.allows(MEMBERS_VIEW) or access.allows(ROLES_MANAGE)


# -- who is asked about, and what they hold ----------------------------------------------------------------------------


def _is_oneself(actor_id: UUID) -> bool:
    context = current()
    return actor_id in context.access.selves or (context.actor is not None and actor_id == context.actor.id)


def _asked_about(actor_id: UUID | None) -> tuple[Actor, Context]:
    context = current()
    if context.actor is None or context.tenant is None:
        raise Forbidden(_("Choose an organisation first: this account works in none at the moment."))
    if actor_id is None or actor_id == context.actor.id:
        return context.actor, context
    if not may_ask_about_others():
        raise Forbidden(_("You may ask about yourself only."), permission=MEMBERS_VIEW)
    found = as_actor(context.tenant, context.access.plugins, actor_id)
    if found is None or found.actor is None:
        raise NotFound(_("There is no such member, or they are not active."))
    return found.actor, found


def _held(acting: Actor, permission: str, context: Context) -> list[tuple[str, Reach | None]]:
    """By name what each role grants of a permission, the highest role first; of keys their scope as well."""
    if acting.kind == "api_key":
        key = session().scalar(select(ApiKey).where(ApiKey.id == acting.id))
        scope = key.scopes.get(permission) if key else None
        said = [(_("The scope of the key %(key)s", key=acting.label), Reach(scope) if scope else None)]
        if key is None or key.member_id is None:
            return said
        return [*said, *_roles_of(key.member_id, permission)]
    if acting.kind != "member":
        return [(acting.label, context.access.reach(permission))]
    return _roles_of(acting.id, permission)


def _roles_of(member_id: UUID, permission: str) -> list[tuple[str, Reach | None]]:
    granted = (RoleGrant.role_id == Role.id) & (RoleGrant.permission == permission)
    rows = session().execute(
        select(Role.name, Role.key, RoleGrant.reach)
        .join(MemberRole, MemberRole.role_id == Role.id)
        .outerjoin(RoleGrant, granted & (RoleGrant.tenant_id == Role.tenant_id))
        .where(MemberRole.member_id == member_id)
        .order_by(Role.rank.desc(), Role.name)
    )
    known = permission in rights().permissions
    return [
        (name, Reach.ALL if key == OWNER and known else Reach(reach) if reach and known else None)
        for name, key, reach in rows
    ]


def _fields(rt: RecordType, acting: Actor, context: Context) -> tuple[FieldSays, ...]:
    found = []
    for item in rt.fields.values():
        # What one may not see oneself is not named to one, unless one hands out the right to see it.
        if item.view and (current().access.allows(item.view) or current().access.allows(ROLES_MANAGE)):
            roles = tuple(name for name, reach in _held(acting, item.view, context) if reach)
            allowed = context.access.allows(item.view)
            found.append(FieldSays(item.name, str(item.label), item.view, allowed, roles))
    return tuple(found)


def _row(rt: RecordType, id: UUID, about: Context) -> Row | None:
    """The record, if who asks sees it."""
    owner = rt.c.owner_id if rt.owned else None
    picked = [rt.c.id, rt.c[rt.title_field].label("title"), rt.c.deleted_at]
    statement = select(*picked, *([owner] if owner is not None else []))
    here = (rt.c.tenant_id == current().tenant_id, rt.c.id == id, reaches(rt))
    found = session().execute(statement.where(*here)).mappings().first()
    if found is None or not is_on(rt.plugin, current().access.plugins):
        return None
    owner_id = found.get("owner_id")
    label = ""
    if owner_id is not None:
        of_owner = actor_table.c.tenant_id == current().tenant_id, actor_table.c.id == owner_id
        label = session().execute(select(actor_table.c.label).where(*of_owner)).scalar() or ""
    teams = _teams_of_both(about, owner_id) if owner_id else ()
    return Row(id, found["title"] or _("Unnamed"), found["deleted_at"] is not None, owner_id, label, teams)


def _teams_of_both(about: Context, owner_id: UUID) -> tuple[str, ...]:
    team = kernel().records["ossature.team"]
    selves = about.access.selves or ({about.actor.id} if about.actor else set())
    mine = select(TeamMember.team_id).where(TeamMember.member_id.in_(selves))
    statement = (
        select(team.c.name)
        .join(TeamMember, (TeamMember.team_id == team.c.id) & (TeamMember.tenant_id == team.c.tenant_id))
        .where(team.c.tenant_id == current().tenant_id, team.c.deleted_at.is_(None))
        .where(TeamMember.member_id == owner_id, TeamMember.team_id.in_(mine))
        .order_by(team.c.name)
    )
    return tuple(session().scalars(statement))


# -- what decided ------------------------------------------------------------------------------------------------------


def _rule(
    rt: RecordType,
    acting: Actor,
    context: Context,
    reach: Reach | None,
    row: Row | None,
    allowed: bool,
    *,
    unseen: bool,
) -> tuple[str, str]:
    if reach is None:
        return "ungranted", ""
    if unseen:
        return "unseen", ""
    if acting.kind not in ("member", "api_key") or (OWNER in context.access.roles and acting.kind == "member"):
        return "everything", ""
    if not rt.owned:
        return "any_row", ""
    if reach is Reach.ALL:
        return "all", ""
    if row is None:
        return "granted", ""
    if not allowed:
        return "out_of_reach", row.owner
    selves = context.access.selves or {acting.id}
    return ("own", row.owner) if row.owner_id in selves else ("team", ", ".join(row.teams))


def _reasons(rt: RecordType, found: Why, on: bool) -> list[str]:
    said = [_takes(found.permission_label)]
    if not on:
        return [*said, _("The plugin of these records is switched off in this organisation.")]
    if found.rule == "everything":
        return [*said, _("%(who)s may do everything here.", who=found.role or found.actor)]
    granting = [(one.name, one.reach) for one in found.roles if one.reach]
    if found.reach is None and granting:
        # A personal key has its own scope and its member's roles; one of the two lacks it.
        granting = []
    said.append(_granted_by(granting, [one.name for one in found.roles], rt.owned))
    if found.rule == "unseen":
        said.append(_("There is no such record within that reach. Whether there is one beyond it is not told."))
    if found.row is not None and found.rule in ("own", "team", "out_of_reach"):
        said.append(_owner_words(found, found.row))
    if found.row is not None and found.row.deleted and found.action != "view":
        said.append(_("It lies in the recycle bin, and is restored before anything else is done with it."))
    return said


def _takes(label: str) -> str:
    return _("This takes the right “%(right)s”.", right=label)


def _granted_by(granting: Sequence[tuple[str, Reach | None]], names: Sequence[str], owned: bool) -> str:
    if not names:
        return _("Nobody has given a role.")
    if not granting:
        roles = ", ".join(names)
        return ngettext("%(roles)s does not grant it.", "None of these grants it: %(roles)s.", len(names), roles=roles)
    if not owned:
        return _("%(roles)s grants it.", roles=", ".join(name for name, _reach in granting))
    return " ".join(str(GRANTS[reach]) % {"role": name} for name, reach in granting if reach)


GRANTS: dict[Reach, Any] = {
    Reach.OWN: _l("%(role)s grants it for one’s own records."),
    Reach.TEAM: _l("%(role)s grants it for records of one’s teams."),
    Reach.ALL: _l("%(role)s grants it for all records."),
}


def _owner_words(found: Why, row: Row) -> str:
    if row.owner_id is None:
        return _("Nobody owns this record, so it is within no narrower reach than all records.")
    if found.rule == "own":
        return _("The record belongs to %(owner)s.", owner=row.owner)
    if found.rule == "team":
        if row.teams:
            return _("The record belongs to %(owner)s, who is in the same team: %(teams)s.", owner=row.owner,
                     teams=", ".join(row.teams))  # fmt: skip
        return _("The record belongs to %(owner)s.", owner=row.owner)
    if found.reach is Reach.TEAM:
        return _("The record belongs to %(owner)s, who is in no team with %(who)s.", owner=row.owner, who=found.actor)
    return _("The record belongs to %(owner)s, not to %(who)s.", owner=row.owner, who=found.actor)


def _names(held: Sequence[tuple[str, Reach | None]]) -> list[str]:
    return [name for name, _reach in held]


__all__ = ["FieldSays", "RoleSays", "Row", "Why", "may_ask_about_others", "permission_words", "refusal_reasons", "why"]
