"""Roles of an organisation: preset ones to start from, own ones, and what each grants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import delete, func, select, text

from ossature.context import Reach, current
from ossature.db import session
from ossature.errors import Conflict, Detail, Invalid, NotFound
from ossature.i18n import translator
from ossature.ids import new_id
from ossature.rbac import authority
from ossature.rbac.members import members_changed
from ossature.rbac.models import MemberRole, Role, RoleGrant
from ossature.rbac.presets import OWNER_ROLE, PRESETS, PresetRole, preset_role
from ossature.rbac.rights import rights

_, _l, ngettext = translator("ossature")

KERNEL = "ossature"

_GRANTS = text("""
INSERT INTO ossature.role_grant (tenant_id, id, role_id, permission, reach)
SELECT CAST(:tenant AS uuid), g.*
FROM unnest(CAST(:ids AS uuid[]), CAST(:roles AS uuid[]), CAST(:permissions AS text[]), CAST(:reaches AS text[])) g
""")


def list_roles() -> list[Role]:
    """All roles, the highest first."""
    return list(session().scalars(select(Role).order_by(Role.rank.desc(), Role.name)))


def find_role(role_id: UUID) -> Role:
    found = session().scalar(select(Role).where(Role.id == role_id))
    if found is None:
        raise NotFound(_("There is no such role."))
    return found


def role_by_key(key: str) -> Role:
    found = session().scalar(select(Role).where(Role.key == key))
    if found is None:
        raise NotFound(_("There is no role %(key)s.", key=key))
    return found


def grants_by_role() -> dict[UUID, dict[str, Reach]]:
    """What every role grants, in one statement."""
    found: dict[UUID, dict[str, Reach]] = {}
    for role_id, permission, reach in session().execute(
        select(RoleGrant.role_id, RoleGrant.permission, RoleGrant.reach)
    ):
        found.setdefault(role_id, {})[permission] = Reach(reach)
    return found


def add_preset(key: str, plugins: Iterable[str]) -> list[Role]:
    """Add the roles of a preset that the organisation does not have yet, with their grants for these plugins."""
    preset = PRESETS.get(key)
    if preset is None:
        raise Invalid(
            _("There is no role set %(key)s.", key=key), [Detail("preset", "unknown", _("Choose a role set."))]
        )
    plugins = [KERNEL, *plugins]
    known = set(session().scalars(select(Role.key)))
    added, grants = [], {}
    for template in (OWNER_ROLE, *preset.roles):
        if template.key not in known:
            role = _role_of(template)
            grants[role.id] = {} if template is OWNER_ROLE else rights().preset_grants(template, plugins)
            authority.may_give(grants[role.id])
            added.append(role)
    session().add_all(added)
    session().flush()
    _add_grants(grants)
    members_changed()
    return added


def grant_presets(plugin: str) -> None:
    """Give the preset roles what a plugin states for them; for a plugin that has just been enabled.

    Roles that hold something of the plugin already are left alone: they were set by hand, or it was enabled before.
    """
    work = session()
    given = {}
    for role in work.scalars(select(Role).where(Role.preset)):
        template = preset_role(role.key)
        if template is None or template is OWNER_ROLE:
            continue
        held = work.scalar(
            select(func.count()).where(
                RoleGrant.role_id == role.id, func.starts_with(RoleGrant.permission, f"{plugin}.")
            )
        )
        if not held:
            given[role.id] = rights().preset_grants(template, [plugin])
    _add_grants(given)
    members_changed()


def create_role(name: str, description: str, like: UUID | None = None) -> Role:
    """A role of one's own, empty or with the grants of another; ranked just below one's own rank at most."""
    name = _name(name)
    source = find_role(like) if like else None
    grants = authority.grants_of(source.id) if source else {}
    if source and source.key == OWNER_ROLE.key:
        grants = dict(rights().everything)
    authority.may_give(grants)
    rank = min(source.rank if source else 10, authority.own_rank(), OWNER_ROLE.rank - 1)
    role = Role(id=new_id(), key=_free_key(name), name=name, description=description.strip()[:500], rank=max(rank, 0))
    session().add(role)
    session().flush()
    _add_grants({role.id: grants})
    members_changed()
    return role


def rename_role(role_id: UUID, name: str, description: str) -> None:
    role = find_role(role_id)
    authority.may_touch_role(role)
    role.name, role.description = _name(name), description.strip()[:500]
    session().flush()


def delete_role(role_id: UUID) -> None:
    """Raises `Conflict` while members have it."""
    role = find_role(role_id)
    authority.may_touch_role(role)
    holders = session().scalar(select(func.count()).where(MemberRole.role_id == role_id))
    if holders:
        raise Conflict(
            ngettext(
                "%(num)d member has this role. Give them another one first.",
                "%(num)d members have this role. Give them another one first.",
                holders,
            )
        )
    session().execute(delete(RoleGrant).where(RoleGrant.role_id == role_id))
    session().delete(role)
    session().flush()
    members_changed()


def grant(role_id: UUID, permission: str, reach: Reach | None) -> None:
    """Let a role do something, as far as `reach`; None takes it back."""
    set_grants(role_id, {**grants_by_role().get(role_id, {}), permission: reach})


def set_grants(role_id: UUID, wanted: Mapping[str, Reach | None]) -> None:
    """Give a role exactly these rights; those of plugins that are not there now stay as they are.

    What changes must lie within one's own rights: neither given nor taken beyond them.
    """
    role = find_role(role_id)
    authority.may_touch_role(role)
    unknown = sorted(wanted.keys() - rights().permissions.keys())
    held = grants_by_role().get(role_id, {})
    if bad := [name for name in unknown if name not in held]:
        raise Invalid(
            _("There is no permission %(name)s.", name=bad[0]), [Detail(bad[0], "unknown", _("Unknown permission."))]
        )
    changed = {
        name: reach for name, reach in wanted.items() if name in rights().permissions and held.get(name) != reach
    }
    changed |= {name: None for name in held if name in rights().permissions and name not in wanted}
    authority.may_give({name: _wider(held.get(name), reach) for name, reach in changed.items()})
    work = session()
    if changed:
        work.execute(delete(RoleGrant).where(RoleGrant.role_id == role_id, RoleGrant.permission.in_(changed.keys())))
    _add_grants({role_id: {name: reach for name, reach in changed.items() if reach is not None}})
    members_changed()


def _wider(one: Reach | None, other: Reach | None) -> Reach:
    return max((reach for reach in (one, other) if reach is not None), key=lambda reach: reach.width)


def _role_of(template: PresetRole) -> Role:
    context = current()
    locale = context.tenant.locale if context.tenant else None
    return Role(
        id=new_id(),
        key=template.key,
        name=template.name.in_locale(locale),
        description=template.description.in_locale(locale),
        rank=template.rank,
        preset=True,
    )


def _add_grants(given: Mapping[UUID, Mapping[str, Reach]]) -> None:
    """Give roles rights that they do not hold yet, in one statement."""
    rows = [
        (new_id(), role_id, name, reach.value)
        for role_id, grants in given.items()
        for name, reach in sorted(grants.items())
    ]
    if rows:
        ids, roles, permissions, reaches = map(list, zip(*rows, strict=True))
        values = {"ids": ids, "roles": roles, "permissions": permissions, "reaches": reaches}
        session().execute(_GRANTS, {"tenant": current().tenant_id, **values})


def _name(name: str) -> str:
    name = " ".join(name.split())[:80]
    if not name:
        raise Invalid(_("A name is missing."), [Detail("name", "required", _("Give a name."))])
    return name


def _free_key(name: str) -> str:
    base = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "role"
    known = set(session().scalars(select(Role.key)))
    reserved = {OWNER_ROLE.key, *(role.key for preset in PRESETS.values() for role in preset.roles)}
    number, key = 1, base
    while key in known or key in reserved:
        number += 1
        key = f"{base}_{number}"
    return key
