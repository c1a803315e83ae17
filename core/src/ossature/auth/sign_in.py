"""Signing in and out: passwords, lockout, sessions and refresh tokens.

Each step that must outlive a refusal (a counted attempt, a revocation) commits before the refusal is raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from ossature.auth.accounts import demand_good_password, normalise_email, set_password
from ossature.auth.passwords import hash_password, needs_rehash, verify_password
from ossature.auth.state import access_state
from ossature.auth.tokens import new_refresh_token, refresh_digest
from ossature.context import Context, TenantInfo
from ossature.db import after_commit, session, transaction
from ossature.errors import Conflict, Detail, Invalid, TooManyRequests, Unauthenticated
from ossature.i18n import translator
from ossature.ids import new_id

_, _l, ngettext = translator("ossature")

# After this many failures in a row for one address each further one waits: 30 s, 1 min, 2 min ... 15 min.
FREE_FAILURES = 5
FIRST_DELAY_SECONDS = 30
LONGEST_DELAY_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Membership:
    """An organisation that a person may work in, and who they are there."""

    tenant: TenantInfo
    member_id: UUID


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session. `tenant` is None for somebody who has none or has still to choose among `memberships`."""

    user_id: UUID
    session_id: UUID
    tenant: TenantInfo | None
    memberships: tuple[Membership, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """An account whose password was given, and the stored hash that it fitted."""

    user_id: UUID
    password_hash: str


class SeveralTenants(Conflict):
    """The account belongs to several organisations and the request names none; `extra['tenants']` lists them."""

    code = "tenant_needed"


def prove_password(email: str, password: str) -> Proof:
    """The account of an e-mail and password. Raises `Unauthenticated` without telling which of the two is wrong, and
    `TooManyRequests` (with `retry_after`, seconds) while the address is locked. Counts as a failure until a session is
    opened."""
    try:
        email = normalise_email(email)
    except Invalid:
        verify_password(None, password)
        raise _refused() from None
    with transaction(_before_sign_in()) as work:
        account = work.execute(
            text("SELECT * FROM ossature.begin_sign_in(:email, :free, :first, :longest)"),
            {
                "email": email,
                "free": FREE_FAILURES,
                "first": FIRST_DELAY_SECONDS,
                "longest": LONGEST_DELAY_SECONDS,
            },
        ).one()
    if account.locked_for:
        raise TooManyRequests(
            _(
                "Too many attempts with this address. Try again in %(minutes)s min.",
                minutes=-(-account.locked_for // 60),
            ),
            retry_after=account.locked_for,
            headers={"Retry-After": str(account.locked_for)},
        )
    if not verify_password(account.password_hash, password):
        raise _refused()
    if not needs_rehash(account.password_hash):
        return Proof(account.user_id, account.password_hash)
    hashed = hash_password(password)
    with transaction(_before_sign_in()):
        _rehash(account.user_id, account.password_hash, hashed)
    return Proof(account.user_id, hashed)


def change_password(
    email: str, present: str, new: str, *, tenant: TenantInfo | None, address: str, agent: str
) -> SignedIn:
    """Change one's own password: all sessions end and a new one is opened for the pages.

    Raises `Invalid` when the new password breaks the rules or the present one is wrong, which counts as a failed
    sign-in, and `TooManyRequests` while the address is locked.
    """
    demand_good_password(new, email)
    try:
        user_id = prove_password(email, present).user_id
    except Unauthenticated:
        message = _("This is not your present password.")
        raise Invalid(message, [Detail("present", "wrong", message)]) from None
    hashed = set_password(user_id, email, new)
    return open_session(user_id, "page", memberships(user_id), tenant, address, agent, checked=hashed)


def sign_in(
    email: str,
    password: str,
    *,
    kind: str,
    host_tenant: TenantInfo | None = None,
    wanted: str | None = None,
    must_choose: bool = False,
    address: str = "",
    agent: str = "",
) -> SignedIn:
    """Open a session of `kind` page or api.

    The tenant is that of the host, or the one `wanted` (a slug), or the only one there is; being no member of it is
    refused like a wrong password. With `must_choose`, several and none named raise `SeveralTenants`.
    """
    proof = prove_password(email, password)
    places = memberships(proof.user_id)
    slug = host_tenant.slug if host_tenant else wanted
    if host_tenant and wanted and wanted != host_tenant.slug:
        raise _refused()
    chosen = next((place for place in places if place.tenant.slug == slug), None) if slug else None
    if slug and chosen is None:
        raise _refused()
    if chosen is None and len(places) == 1:
        chosen = places[0]
    if chosen is None and places and must_choose:
        raise SeveralTenants(
            _("You belong to several organisations. Name one as tenant."),
            [Detail("tenant", "required", _("Name one of the organisations."))],
            tenants=[{"slug": place.tenant.slug, "name": place.tenant.name} for place in places],
        )
    tenant = chosen.tenant if chosen else None
    return open_session(proof.user_id, kind, places, tenant, address, agent, checked=proof.password_hash)


def open_session(
    user_id: UUID,
    kind: str,
    places: Sequence[Membership],
    tenant: TenantInfo | None,
    address: str = "",
    agent: str = "",
    *,
    checked: str | None = None,
) -> SignedIn:
    """Open a session. `checked` is the hash that the password was found to fit: when the account has another one by
    now, this raises `Unauthenticated`."""
    session_id = new_id()
    with transaction(_before_sign_in()) as work:
        if checked is not None and not _still_has(user_id, checked):
            raise _refused()
        expires = work.execute(
            text("SELECT ossature.open_session(:id, :user, :kind, :tenant, :days, :address, :agent)"),
            {
                "id": session_id, "user": user_id, "kind": kind, "tenant": tenant.id if tenant else None,
                "days": access_state().config.session_days, "address": address, "agent": _printable(agent),
            },
        ).scalar()  # fmt: skip
    if expires is None:
        raise _refused()
    return SignedIn(user_id, session_id, tenant, tuple(places))


def memberships(user_id: UUID) -> tuple[Membership, ...]:
    with transaction(_before_sign_in()) as work:
        rows = work.execute(text("SELECT * FROM ossature.memberships(:user)"), {"user": user_id}).all()
    return tuple(Membership(TenantInfo(r.id, r.slug, r.name, r.locale, r.time_zone), r.member_id) for r in rows)


def choose_tenant(session_id: UUID, user_id: UUID, tenant_id: UUID | None) -> bool:
    """Work in another of one's organisations; False when the account is no member of it."""
    with transaction(_before_sign_in()) as work:
        done = work.execute(
            text("SELECT ossature.choose_tenant(:session, :tenant)"), {"session": session_id, "tenant": tenant_id}
        ).scalar()
        after_commit(lambda: access_state().cache.user_changed(user_id, session_id))
    return bool(done)


def sign_out(session_id: UUID, user_id: UUID, why: str = "signed out") -> None:
    with transaction(_before_sign_in()) as work:
        work.execute(
            text("SELECT ossature.revoke_session(:id, :user, :why)"), {"id": session_id, "user": user_id, "why": why}
        )
        after_commit(lambda: access_state().cache.user_changed(user_id, session_id))


def first_refresh_token(session_id: UUID) -> str:
    token = new_refresh_token()
    with transaction(_before_sign_in()) as work:
        work.execute(
            text("SELECT ossature.issue_refresh_token(:session, :digest)"),
            {"session": session_id, "digest": _refresh_digest(token)},
        )
    return token


def rotate_refresh_token(token: str) -> tuple[str, UUID, UUID]:
    """A new refresh token for a used one, with session and user. A token that comes a second time ends the session,
    for thief and owner alike. Raises `Unauthenticated` in every other case."""
    fresh = new_refresh_token()
    with transaction(_before_sign_in()) as work:
        row = work.execute(
            text("SELECT * FROM ossature.rotate_refresh_token(:old, :new)"),
            {"old": _refresh_digest(token), "new": _refresh_digest(fresh)},
        ).one()
        if row.outcome == "reused":
            after_commit(lambda: access_state().cache.user_changed(row.user_id, row.session_id))
    if row.outcome != "rotated":
        raise Unauthenticated(_("Your session has ended. Sign in again."))
    return fresh, row.session_id, row.user_id


def end_session_of(token: str) -> None:
    """Sign out by refresh token; an unknown one is nothing to end."""
    with transaction(_before_sign_in()) as work:
        row = work.execute(
            text("SELECT * FROM ossature.session_of_refresh_token(:digest)"), {"digest": _refresh_digest(token)}
        ).first()
    if row:
        sign_out(row.session_id, row.user_id)


def _still_has(user_id: UUID, password_hash: str) -> bool:
    """Whether the account has this hash, and keeps it until the open transaction ends: writing it again locks the row,
    so that a change of password, which ends the sessions there are, comes wholly before or wholly after."""
    _rehash(user_id, password_hash, password_hash)
    found = session().execute(text("SELECT ossature.password_of(:user)"), {"user": user_id})
    return bool(found.scalar() == password_hash)


def _rehash(user_id: UUID, old: str, new: str) -> None:
    session().execute(
        text("SELECT ossature.rehash_password(:user, :old, :new)"), {"user": user_id, "old": old, "new": new}
    )


def _refresh_digest(token: str) -> bytes:
    return refresh_digest(token, access_state().config.refresh_token_secret)


def _refused() -> Unauthenticated:
    return Unauthenticated(_("E-mail or password are not right."))


def _before_sign_in() -> Context:
    return Context(means="sign_in")


def _printable(text_: str) -> str:
    return "".join(character for character in text_ if character.isprintable())[:300]
