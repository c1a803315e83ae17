"""Accounts: people, before and beside any organisation. The functions here are the only way to a `user_account`.

All but those that say otherwise work in the open unit of work.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import text

from ossature.auth.passwords import check_new_password, hash_password
from ossature.auth.state import access_state
from ossature.auth.tokens import digest
from ossature.context import Context, TenantInfo, current_or_none
from ossature.db import after_commit, session, transaction
from ossature.errors import Detail, Invalid, NotFound
from ossature.i18n import translator
from ossature.ids import new_id

_, _l, ngettext = translator("ossature")

LINK_HOURS = 72


@dataclass(frozen=True, slots=True)
class NewUser:
    """`created` is False when the address had an account already, which is then left as it is."""

    id: UUID
    created: bool


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a link to join an organisation is about."""

    user_id: UUID
    email: str
    slug: str
    tenant: str


@dataclass(frozen=True, slots=True)
class PasswordLink:
    """Whose first password a link sets."""

    user_id: UUID
    email: str
    name: str
    locale: str | None


def normalise_email(email: str) -> str:
    """The address as it is stored and compared: lower case, domain in its Unicode form. Raises `Invalid`."""
    try:
        return validate_email(email.strip(), check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        raise Invalid(
            _("This is not an e-mail address."),
            [Detail("email", "invalid", _("Write an e-mail address such as anna@example.org."))],
        ) from None


def create_user(email: str, name: str, *, locale: str | None = None, time_zone: str | None = None) -> NewUser:
    """Make an account without a password, or find the one that has the address."""
    name = name.strip()
    if not name:
        raise Invalid(_("A name is missing."), [Detail("name", "required", _("Give a name."))])
    row = session().execute(
        text("SELECT id, created FROM ossature.create_user(:id, :email, :name, :locale, :zone)"),
        {"id": new_id(), "email": normalise_email(email), "name": name[:200], "locale": locale, "zone": time_zone},
    )
    found = row.one()
    return NewUser(found.id, found.created)


def set_password(user_id: UUID, email: str, password: str) -> str:
    """Set a password and end the account's sessions; returns its hash. Raises `Invalid` when it breaks the rules.

    Opens its own transaction after hashing, so that none is held open meanwhile.
    """
    demand_good_password(password, email)
    hashed = hash_password(password)
    with transaction(_nowhere()) as work:
        email_of = work.execute(text("SELECT ossature.set_password(:user, :hash)"), {"user": user_id, "hash": hashed})
        if email_of.scalar() is None:
            raise NotFound(_("There is no such account."))
        work.execute(text("SELECT ossature.revoke_sessions(:user, NULL, 'password changed')"), {"user": user_id})
        after_commit(lambda: access_state().cache.user_changed(user_id))
    return hashed


def demand_good_password(password: str, email: str) -> None:
    """Raises `Invalid` for a new password that breaks the rules."""
    if details := check_new_password(password, email):
        raise Invalid(details[0].message, details)


def make_password_link(user_id: UUID) -> str | None:
    """A one-time secret that sets the first password, for 72 hours; None when the account has a password already or
    belongs to another organisation too (its owner would otherwise be able to take it over)."""
    secret = secrets.token_urlsafe(32)
    made = session().execute(
        text("SELECT ossature.make_password_link(:user, :digest, :hours)"),
        {"user": user_id, "digest": digest(secret), "hours": LINK_HOURS},
    )
    return secret if made.scalar() else None


def find_password_link(secret: str) -> PasswordLink | None:
    with transaction(_nowhere()) as work:
        row = work.execute(text("SELECT * FROM ossature.password_link(:digest)"), {"digest": digest(secret)}).first()
    return PasswordLink(row.user_id, row.email, row.name, row.locale) if row else None


def use_password_link(secret: str, password: str) -> PasswordLink:
    """Set the first password. Raises `NotFound` for a link that was used, replaced or has run out, `Invalid` for a
    password that breaks the rules (the link then stays good)."""
    link = find_password_link(secret)
    if link is None:
        raise NotFound(_("This link has been used or is too old. Ask for a new one."))
    demand_good_password(password, link.email)
    hashed = hash_password(password)
    with transaction(_nowhere()) as work:
        used = work.execute(
            text("SELECT ossature.use_password_link(:digest, :hash)"), {"digest": digest(secret), "hash": hashed}
        )
        if used.scalar() is None:
            raise NotFound(_("This link has been used or is too old. Ask for a new one."))
    return link


def make_invitation(member_id: UUID) -> str | None:
    """A one-time secret with which somebody who has an account joins the bound organisation, for 72 hours; None for a
    member who has joined."""
    secret = secrets.token_urlsafe(32)
    made = session().execute(
        text("SELECT ossature.make_invitation(:member, :digest, :hours)"),
        {"member": member_id, "digest": digest(secret), "hours": LINK_HOURS},
    )
    return secret if made.scalar() else None


def find_invitation(secret: str) -> Invitation | None:
    with transaction(_nowhere()) as work:
        row = work.execute(text("SELECT * FROM ossature.invitation(:digest)"), {"digest": digest(secret)}).first()
    return Invitation(row.user_id, row.email, row.slug, row.tenant) if row else None


def accept_invitation(secret: str, user_id: UUID, session_id: UUID) -> UUID:
    """Join an organisation as the person whose session this is; returns its id. Raises `NotFound` for a link that was
    used, replaced, has run out or is another person's."""
    with transaction(_nowhere()) as work:
        joined: UUID | None = work.execute(
            text("SELECT ossature.accept_invitation(:digest, :session)"),
            {"digest": digest(secret), "session": session_id},
        ).scalar()
        if joined is None:
            raise NotFound(_("This link has been used or is too old. Ask for a new one."))
        cache = access_state().cache
        after_commit(lambda: cache.tenant_changed(joined))
        after_commit(lambda: cache.user_changed(user_id))
    return joined


def save_profile(
    user_id: UUID, name: str, locale: str | None, time_zone: str | None, theme: str, density: str, shortcuts: bool
) -> None:
    """What a person chooses under Me; the name follows into every organisation. Opens its own transactions."""
    values = {
        "user": user_id, "name": name, "locale": locale, "zone": time_zone, "theme": theme, "density": density,
        "shortcuts": shortcuts,
    }  # fmt: skip
    with transaction(_nowhere()) as work:
        work.execute(
            text("SELECT ossature.save_profile(:user, :name, :locale, :zone, :theme, :density, :shortcuts)"), values
        )
        places = work.execute(text("SELECT * FROM ossature.memberships(:user)"), {"user": user_id}).all()
        after_commit(lambda: access_state().cache.user_changed(user_id))
    for place in places:
        tenant = TenantInfo(place.id, place.slug, place.name, place.locale, place.time_zone)
        with transaction(Context(tenant=tenant, means="page")) as work:
            work.execute(
                text(
                    "UPDATE ossature.actor SET label = :name"
                    " WHERE tenant_id = :tenant AND id = :id AND label IS DISTINCT FROM :name"
                ),
                {"name": name, "tenant": place.id, "id": place.member_id},
            )


def set_platform_admin(user_id: UUID, admin: bool) -> None:
    """Put an account above all organisations, or take that back; the system role alone may."""
    session().execute(
        text("SELECT ossature.system_set_platform_admin(:user, :admin)"), {"user": user_id, "admin": admin}
    )
    after_commit(lambda: access_state().cache.user_changed(user_id))


def end_session(user_id: UUID, session_id: UUID, why: str) -> bool:
    """End one session of an account, in the open unit of work; False when there was none to end."""
    ended = session().execute(
        text("SELECT ossature.revoke_session(:id, :user, :why)"), {"id": session_id, "user": user_id, "why": why}
    )
    after_commit(lambda: access_state().cache.user_changed(user_id, session_id))
    return bool(ended.scalar())


def _nowhere() -> Context:
    """Outside any organisation, whatever context is bound."""
    bound = current_or_none()
    return (bound or Context()).with_(tenant=None, actor=None)
