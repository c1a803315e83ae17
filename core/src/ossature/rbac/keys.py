"""API keys: personal ones, which never reach further than their member, and those of services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import insert, select, update

from ossature.auth.tokens import new_api_key
from ossature.context import Reach, current
from ossature.db import session
from ossature.db.kernel import actor
from ossature.errors import Detail, Forbidden, Invalid, NotFound
from ossature.i18n import translator
from ossature.ids import new_id
from ossature.rbac import authority
from ossature.rbac.members import members_changed
from ossature.rbac.models import ApiKey, Member
from ossature.rbac.permissions import API_KEYS_MANAGE
from ossature.rbac.rights import rights
from ossature.web.versions import contract

_, _l, ngettext = translator("ossature")

LONGEST_DAYS = 730


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key; `shown` is its only appearance."""

    id: UUID
    shown: str


def issue_key(
    name: str,
    scopes: Mapping[str, Reach],
    *,
    member_id: UUID | None = None,
    days: int | None = 365,
    api_version: str | None = None,
) -> IssuedKey:
    """Make a key scoped to `scopes` (permission -> reach), of a member or, without one, of a service.

    Nobody gives a key what they lack themselves. `days` until it expires, None for never (the command line only).
    `api_version` is the contract's version it is pinned to, the present one unless given.
    """
    name = " ".join(name.split())[:80]
    faults = []
    if not name:
        faults.append(Detail("name", "required", _("Say what the key is for.")))
    if not scopes:
        faults.append(Detail("scopes", "required", _("Choose what the key may do.")))
    if unknown := sorted(scopes.keys() - rights().permissions.keys()):
        faults.append(Detail("scopes", "unknown", _("There is no permission %(name)s.", name=unknown[0])))
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        faults.append(Detail("days", "range", _("Choose between 1 and %(count)s days.", count=LONGEST_DAYS)))
    if faults:
        raise Invalid(faults[0].message, faults)
    authority.may_give(scopes)
    work, context = session(), current()
    if member_id is not None and work.get(Member, (context.tenant_id, member_id)) is None:
        raise NotFound(_("There is no such member."))
    fresh, key_id = new_api_key(), new_id()
    work.execute(insert(actor).values(tenant_id=context.tenant_id, id=key_id, kind="api_key", label=name, active=True))
    work.add(
        ApiKey(
            id=key_id,
            name=name,
            prefix=fresh.prefix,
            digest=fresh.digest,
            member_id=member_id,
            scopes={permission: Reach(reach).value for permission, reach in sorted(scopes.items())},
            api_version=contract().check(api_version) if api_version else contract().present,
            created_by_id=context.actor.id if context.actor else None,
            expires_at=datetime.now(UTC) + timedelta(days=days) if days is not None else None,
        )
    )
    work.flush()
    return IssuedKey(key_id, fresh.shown)


def list_keys(everyones: bool) -> list[ApiKey]:
    """Keys, newest first: all of the organisation, or only those of who acts."""
    query = select(ApiKey).order_by(ApiKey.created_at.desc(), ApiKey.id)
    if not everyones:
        acting = current().actor
        query = query.where(ApiKey.member_id == (acting.id if acting else None))
    return list(session().scalars(query))


def find_key(key_id: UUID) -> ApiKey:
    """A key that who acts may revoke. Raises `NotFound`."""
    return _manageable(key_id)


def pin_key(key_id: UUID, version: str) -> ApiKey:
    """Have a key answered in another version of the API from now on. For whom, as `revoke_key`."""
    key = _manageable(key_id)
    key.api_version = contract().check(version)
    session().flush()
    members_changed()
    return key


def revoke_key(key_id: UUID) -> None:
    """Stop a key at once. One's own always; others' with the right to manage keys."""
    key, context = _manageable(key_id), current()
    if key.revoked_at is None:
        key.revoked_at = datetime.now(UTC)
        session().execute(
            update(actor).where(actor.c.tenant_id == context.tenant_id, actor.c.id == key_id).values(active=False)
        )
        session().flush()
        members_changed()


def _manageable(key_id: UUID) -> ApiKey:
    key = session().scalar(select(ApiKey).where(ApiKey.id == key_id).with_for_update())
    context = current()
    own = key is not None and context.actor is not None and key.member_id == context.actor.id
    if key is None or not (own or authority.unrestricted(context) or context.access.allows(API_KEYS_MANAGE)):
        raise NotFound(_("There is no such key."))
    if not own and key.member_id is not None:
        authority.may_touch_member(key.member_id)
    return key


def may_hold_keys() -> UUID:
    """The member who acts. Raises `Forbidden` for keys and platform administrators: they have no personal keys."""
    acting = current().actor
    if acting is None or acting.kind != "member":
        raise Forbidden(_("Only members have personal keys."))
    return acting.id
