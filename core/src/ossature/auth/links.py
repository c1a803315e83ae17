"""Opening a public link: who a stranger is who holds its secret, before any tenant is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import g
from sqlalchemy import text

from ossature.auth.tokens import digest
from ossature.context import Access, Actor, Context, Reach, TenantInfo
from ossature.db import Database, transaction
from ossature.errors import NotFound
from ossature.i18n import choose_locale, choose_time_zone, translator

_, _l, ngettext = translator("ossature")


class LinkEnded(NotFound):
    """The link is unknown, expired, revoked, of another tenant or purpose, of a plugin that is off, or its record is
    gone: one answer to all, which tells nothing of the record."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "This link does not work: it has expired, was taken back, or its address is incomplete. Ask whoever "
                "sent it to you for a new one."
            )
        )


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """The link that the present request came by."""

    id: UUID
    record: str
    record_id: UUID


def open_link(
    database: Database, token: str, purpose: str, may: Sequence[str], stranger: Context, languages: str | None
) -> Context:
    """The surroundings of a request by a link: an actor of its own, which sees records of the purpose's kind and holds
    the permissions `may` besides. Counts the visit. Raises `LinkEnded`.

    `stranger` is what is known before: the tenant of the host, where it is one's own; `languages` are the browser's.
    """
    asked = {"digest": digest(token), "purpose": purpose, "tenant": stranger.tenant_id}
    statement = text("SELECT ossature.open_public_link(:digest, :purpose, :tenant)")
    with transaction(Context(means="link"), database=database) as work:
        found = work.execute(statement, asked).scalar()
    if found is None:
        raise LinkEnded
    tenant = TenantInfo(**{**found["tenant"], "id": UUID(found["tenant"]["id"])})
    actor = Actor(UUID(found["id"]), "link", found["label"])
    record = purpose.rpartition(".")[0]
    g.link = OpenedLink(actor.id, record, UUID(found["record_id"]))
    grants = dict.fromkeys((f"{record}.view", *may), Reach.ALL)
    return stranger.with_(
        tenant=tenant,
        actor=actor,
        access=Access(grants, plugins=frozenset(found["plugins"]), selves=frozenset({actor.id})),
        means="link",
        locale=choose_locale(found["locale"], None, languages),
        time_zone=choose_time_zone(None, tenant.time_zone),
    )
