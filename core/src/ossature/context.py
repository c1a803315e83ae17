"""Who acts, where and by what means: the one thing every part of the kernel reads.

A context is bound for the length of a request, a job or a command. Nothing else carries the tenant or the actor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Reach(StrEnum):
    """How far a granted permission reaches: rows one owns, rows one's teams own, all rows of the tenant."""

    OWN = "own"
    TEAM = "team"
    ALL = "all"

    @property
    def width(self) -> int:
        return ("own", "team", "all").index(self.value)


@dataclass(frozen=True, slots=True)
class Access:
    """What an actor may do in one tenant, merged over its roles.

    `grants` maps a permission (`crm.contact.edit`) to its widest reach. `selves` are the actors whose rows reach OWN
    covers: the actor and, for a personal API key, its member. `owners` are those of reach TEAM: the former and
    everybody in their teams. `plugins` are the keys enabled for the tenant.
    """

    grants: Mapping[str, Reach] = field(default_factory=dict)
    owners: frozenset[UUID] = frozenset()
    plugins: frozenset[str] = frozenset()
    roles: tuple[str, ...] = ()
    selves: frozenset[UUID] = frozenset()

    def reach(self, permission: str) -> Reach | None:
        return self.grants.get(permission)

    def allows(self, permission: str) -> bool:
        return permission in self.grants


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a row of `ossature.actor`. `kind` is member, api_key, job, rule, ai, link, portal or platform."""

    id: UUID
    kind: str
    label: str
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class TenantInfo:
    """The tenant as screens and rules need it; times are shown in `time_zone`, texts in `locale` by default."""

    id: UUID
    slug: str
    name: str
    locale: str = "fr"
    time_zone: str = "Europe/Paris"


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of a piece of work.

    `means` says how it came: page, api, link, command, job, import, mass, system. `tenant` is None before one is known (signing
    in) and on the platform's own pages. `change_set` and the time it began at are given where one act is written in
    several transactions, so that the history knows it as one.
    """

    tenant: TenantInfo | None = None
    actor: Actor | None = None
    access: Access = field(default_factory=Access)
    means: str = "system"
    reason: str | None = None
    request_id: str = ""
    locale: str = "en"
    time_zone: str = "Europe/Paris"
    session_id: UUID | None = None
    user_id: UUID | None = None
    platform_admin: bool = False
    change_set: tuple[UUID, datetime] | None = None

    @property
    def tenant_id(self) -> UUID | None:
        return self.tenant.id if self.tenant else None

    def with_(self, **changes: object) -> Context:
        return replace(self, **changes)  # type: ignore[arg-type]


class NoContext(RuntimeError):
    """Work was begun without saying for whom; always a programming error."""


_current: ContextVar[Context | None] = ContextVar("ossature_context", default=None)


def current() -> Context:
    """The bound context; raises `NoContext` when there is none."""
    context = _current.get()
    if context is None:
        raise NoContext("no context is bound; wrap the work in `with use_context(...)`")
    return context


def current_or_none() -> Context | None:
    return _current.get()


def bind(context: Context | None) -> None:
    """Bind for the rest of this request or command; prefer `use_context`."""
    _current.set(context)


@contextmanager
def use_context(context: Context) -> Iterator[Context]:
    """Bind a context for a block and put the former one back."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
