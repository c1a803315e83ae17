"""Public links: an address by which a stranger opens one record for one purpose, until it ends or is taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from flask import Flask, g
from sqlalchemy import func, insert, select, update

from ossature.auth.hosts import Hosts
from ossature.auth.links import LinkEnded, OpenedLink
from ossature.auth.tokens import digest
from ossature.context import current
from ossature.db import session
from ossature.db.kernel import actor, public_link
from ossature.errors import NotFound
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.kernel import Kernel, kernel
from ossature.plugins.endpoints import plugin_of
from ossature.rbac.rights import rights
from ossature.rbac.rules import AccessRule, declare, rule_of
from ossature.records.query import Row, get_row

_, _l, _n = translator("ossature")

View = Callable[..., Any]
TOKEN = "/p/<token>"  # noqa: S105 - where the secret stands in an address, so that logs know to leave it out


def link(purpose: str, *, may: Sequence[str] = ()) -> Callable[[View], View]:
    """Say that a view answers whoever holds a link for a purpose, signed in or not: `@link("billing.quote.accept")`.

    The purpose is a record's key and a word. The address begins with the plugin's key and holds `/p/<token>`, with nothing
    behind it where the link leads. The view is given the record's row instead of the token, and acts as the link: it sees
    records of that kind and holds the permissions `may` besides, so others than its own are the view's to leave. Nothing
    but the secret in the address lets anybody in, no cookie does, so its forms carry no token.
    """

    def of_link(view: View) -> View:
        @wraps(view)
        def opened(token: str, **arguments: Any) -> Any:
            return view(_linked_row(), **arguments)

        return declare(opened, AccessRule("link", tenant=False, link=purpose, may=tuple(may)))

    return of_link


def _linked_row() -> Row:
    opened: OpenedLink = g.link
    try:
        row = get_row(kernel().records[opened.record], opened.record_id)
    except NotFound:
        raise LinkEnded from None
    if row["deleted_at"] is not None:
        raise LinkEnded
    return row


@dataclass(frozen=True, slots=True)
class NewLink:
    """A new link; `url` is the only appearance of its secret."""

    id: UUID
    url: str


@dataclass(frozen=True, slots=True)
class PublicLink:
    """A link of a record: until when it works, whether it was taken back, how often and when last it was used."""

    id: UUID
    purpose: str
    created_at: datetime
    created_by_id: UUID | None
    expires_at: datetime
    revoked_at: datetime | None
    last_seen_at: datetime | None
    seen: int

    @property
    def works(self) -> bool:
        return self.revoked_at is None and self.expires_at > datetime.now(UTC)


def create_link(purpose: str, record_id: UUID, *, days: int = 30, locale: str | None = None) -> NewLink:
    """Make a link to a record that who acts may see, for a purpose that a view is declared for, and so many days.

    Its pages speak `locale`, or the visitor's language. Who may make one is for the caller to ask. Raises `NotFound`, and
    `KeyError` for a purpose that no view is declared for.
    """
    running, record, tenant = kernel(), purpose.rpartition(".")[0], current().tenant
    address = running.extras["links"][purpose]
    assert tenant is not None
    row = get_row(running.records[record], record_id)
    if row["deleted_at"] is not None:
        raise NotFound(_("There is no such record, or you may not see it."), record=record)
    token, id = token_urlsafe(32), new_id()
    session().execute(
        insert(actor).values(tenant_id=tenant.id, id=id, kind="link", label=_("Public link"), active=True)
    )
    session().execute(
        insert(public_link).values(
            id=id, digest=digest(token), record=record, record_id=record_id, purpose=purpose, locale=locale,
            expires_at=datetime.now(UTC) + timedelta(days=days),
        )
    )  # fmt: skip
    host = Hosts(running.config.base_url, running.db).url_of(tenant.slug)
    return NewLink(id, host + address.replace("<token>", token))


def links_of(record: str, record_id: UUID) -> tuple[PublicLink, ...]:
    """The links of a record that who acts may see, newest first. Raises `NotFound`."""
    get_row(kernel().records[record], record_id)
    c = public_link.c
    columns = (
        c.id, c.purpose, c.created_at, c.created_by_id, c.expires_at, c.revoked_at, c.last_seen_at, c.seen,
    )  # fmt: skip
    query = (
        select(*columns)
        .where(c.tenant_id == current().tenant_id, c.record == record, c.record_id == record_id)
        .order_by(c.created_at.desc(), c.id.desc())
    )
    return tuple(PublicLink(**row) for row in session().execute(query).mappings())


def revoke_link(id: UUID) -> None:
    """Take a link back, for good, from the next request on; one that was taken back stays so. Raises `NotFound`."""
    c = public_link.c
    mine = (c.tenant_id == current().tenant_id, c.id == id)
    found = session().execute(select(c.record, c.record_id).where(*mine)).first()
    rt = kernel().records.get(found.record) if found else None
    if found is None or rt is None:
        raise NotFound(_("There is no such link."))
    get_row(rt, found.record_id)
    session().execute(update(public_link).where(*mine, c.revoked_at.is_(None)).values(revoked_at=func.now()))


class LinkFault(RuntimeError):
    """A route for links is wrongly declared; always a programming error, found when the application starts."""


def check_links(app: Flask, kernel: Kernel) -> None:
    """Find the address that each purpose begins at. Plugins whose routes for links are wrong become failed."""
    begin: dict[str, str] = {}
    purposes: dict[str, str] = {}
    for route in app.url_map.iter_rules():
        rule = rule_of(app.view_functions[route.endpoint], "GET")
        key = plugin_of(route.endpoint, kernel.plugins.statuses)
        if rule is None or rule.link is None or key is None or key not in kernel.plugins:
            continue
        with kernel.plugins.guard(key, f"adding the route {route.rule}"):
            purposes[rule.link] = key
            record = kernel.records.get(rule.link.rpartition(".")[0])
            if record is None or record.plugin != key or record.parent:
                raise LinkFault(f"purpose {rule.link!r} is not a record of the plugin and a word")
            if unknown := sorted(set(rule.may) - rights().permissions.keys()):
                raise LinkFault(f"there is no permission {unknown[0]!r}")
            if not route.rule.startswith(f"/{key}/") or f"{TOKEN}/" not in f"{route.rule}/":
                raise LinkFault(f"its address does not begin with `/{key}` and hold `{TOKEN}`")
            if route.rule.endswith(TOKEN) and route.arguments == {"token"} and "GET" in (route.methods or ()):
                if rule.link in begin:
                    raise LinkFault(f"purpose {rule.link!r} begins at two pages")
                begin[rule.link] = route.rule
    for purpose, key in purposes.items():
        if purpose not in begin and key in kernel.plugins:
            with kernel.plugins.guard(key, "adding routes"):
                raise LinkFault(f"no page is where links for {purpose!r} lead: an address ending in `{TOKEN}`")
    kernel.extras["links"] = begin
