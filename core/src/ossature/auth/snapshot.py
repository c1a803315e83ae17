"""What a request needs to know about its caller, as one small document: read from Redis, or from one function call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from ossature.context import Access, Actor, Reach, TenantInfo
from ossature.rbac.presets import OWNER, OWNER_RANK
from ossature.rbac.rights import rights

_WIDTHS = (Reach.OWN, Reach.TEAM, Reach.ALL)


@dataclass(frozen=True, slots=True)
class UserInfo:
    """The person behind a request, with what they chose under Me."""

    id: UUID
    email: str
    name: str
    locale: str | None = None
    time_zone: str | None = None
    theme: str = "auto"
    density: str = "comfortable"
    shortcuts: bool = True
    platform_admin: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation somebody may work in."""

    id: UUID
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A caller: by session (`session_id`) or by API key (`digest` of the key that proves it)."""

    user: UserInfo | None
    tenant: TenantInfo | None
    actor: Actor | None
    access: Access
    rank: int
    expires: float | None
    session_id: UUID | None = None
    kind: str = "page"
    places: tuple[Place, ...] = ()
    digest: bytes = b""
    api_version: str | None = None


@lru_cache(maxsize=1024)
def read_snapshot(body: bytes) -> Snapshot:
    """Decode a document of `load_session` or `load_api_key`; equal documents are decoded once."""
    return _build(orjson.loads(body))


def forget_decoded() -> None:
    """Drop decoded snapshots: the set of permissions has changed (another application in this process)."""
    read_snapshot.cache_clear()


def _build(it: Mapping[str, Any]) -> Snapshot:
    user = _user(it["user"]) if it.get("user") else None
    tenant = TenantInfo(**{**it["tenant"], "id": UUID(it["tenant"]["id"])}) if it.get("tenant") else None
    shared: dict[str, Any] = {"user": user, "tenant": tenant, "expires": it.get("expires")}
    if "digest" in it:
        return _of_key(it, user, shared)
    actor, access, rank = None, Access(), 0
    if it.get("actor"):
        platform = bool(it.get("platform"))
        actor = Actor(UUID(it["actor"]), "platform" if platform else "member", it["label"], user.id if user else None)
        plugins = frozenset(it.get("plugins") or ())
        if platform:
            access, rank = Access(rights().everything, frozenset({actor.id}), plugins, ("platform",)), OWNER_RANK
        else:
            access, rank = _access(it["access"], actor.id, plugins)
    return Snapshot(
        **shared,
        actor=actor,
        access=access,
        rank=rank,
        session_id=UUID(it["session"]),
        kind=it.get("kind", "page"),
        places=tuple(Place(UUID(p["id"]), p["slug"], p["name"]) for p in it.get("tenants") or ()),
    )


def _user(it: Mapping[str, Any]) -> UserInfo:
    return UserInfo(**{**it, "id": UUID(it["id"])})


def member_access(it: Mapping[str, Any], actor: UUID, plugins: frozenset[str]) -> Access:
    """What a member may do, from the document of `actor_access`."""
    return _access(it, actor, plugins)[0]


def _access(it: Mapping[str, Any], actor: UUID, plugins: frozenset[str]) -> tuple[Access, int]:
    roles = tuple(it["roles"])
    grants = (
        rights().everything
        if OWNER in roles
        else {name: _WIDTHS[width] for name, width in it["grants"].items() if name in rights().permissions}
    )
    owners = frozenset({actor, *map(UUID, it["owners"])})
    return Access(grants, owners, plugins, roles), int(it["rank"])


def _of_key(it: Mapping[str, Any], user: UserInfo | None, shared: dict[str, Any]) -> Snapshot:
    """A personal key reaches no further than its scopes and no further than its member does today."""
    key = UUID(it["actor"])
    scopes = {name: Reach(reach) for name, reach in it["scopes"].items() if name in rights().permissions}
    plugins = frozenset(it.get("plugins") or ())
    if it.get("member"):
        of_member, rank = _access(it["access"], UUID(it["member"]), plugins)
        grants = {
            name: min(scope, of_member.grants[name], key=lambda reach: reach.width)
            for name, scope in scopes.items()
            if name in of_member.grants
        }
        selves = frozenset({UUID(it["member"]), key})
        access = Access(grants, of_member.owners | {key}, plugins, of_member.roles, selves)
    else:
        access, rank = Access(scopes, frozenset({key}), plugins), 0
    return Snapshot(
        **shared,
        actor=Actor(key, "api_key", it["label"], user.id if user else None),
        access=access,
        rank=rank,
        kind="api_key",
        digest=bytes.fromhex(it["digest"]),
        api_version=it.get("api_version"),
    )
