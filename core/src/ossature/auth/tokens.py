"""Tokens: what a client carries and how little of it is stored.

An access token is a JWT (HS256) naming user, session, tenant and roles, valid for an hour. A refresh token is opaque
and kept as an HMAC under its own secret. An API key is `oss_<prefix>_<secret>`: the prefix finds it, the SHA-256 of
the whole proves it (the secret has 240 bits, so a slow hash would add nothing).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

ISSUER = "ossature"
AUDIENCE = "ossature-api"
_ALGORITHMS = ["HS256"]
_claims = jwt.JWTClaimsRegistry(
    now=lambda: int(time.time()),  # asked each time: a moment kept from the import would let tokens live for ever
    leeway=5,
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": AUDIENCE},
    exp={"essential": True},
    sub={"essential": True},
    sid={"essential": True},
)


@dataclass(frozen=True, slots=True)
class AccessClaims:
    user_id: UUID
    session_id: UUID
    tenant_id: UUID | None
    roles: tuple[str, ...]


class AccessTokens:
    """Makes and reads access tokens under one secret."""

    def __init__(self, secret: str, minutes: int) -> None:
        self._key = OctKey.import_key(secret.encode())
        self.seconds = minutes * 60
        # A signature that was right stays right; what changes with time is validated on each use.
        self._decoded = lru_cache(maxsize=1024)(self._decode)

    def issue(self, user_id: UUID, session_id: UUID, tenant_id: UUID | None, roles: Sequence[str]) -> str:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + self.seconds,
            "sub": str(user_id),
            "sid": str(session_id),
            "roles": list(roles),
        }
        if tenant_id is not None:
            claims["tid"] = str(tenant_id)
        return jwt.encode({"alg": "HS256"}, claims, self._key)

    def read(self, token: str) -> AccessClaims | None:
        """The claims, or None when the token is malformed, forged, expired or meant for somebody else."""
        try:
            claims = self._decoded(token)
            _claims.validate(claims)
            tenant = claims.get("tid")
            roles = claims.get("roles", ())
            return AccessClaims(
                UUID(str(claims["sub"])),
                UUID(str(claims["sid"])),
                UUID(str(tenant)) if tenant else None,
                tuple(str(role) for role in roles) if isinstance(roles, list) else (),
            )
        except (JoseError, ValueError, TypeError):  # TypeError: `crit` that is no list, say
            return None

    def _decode(self, token: str) -> dict[str, Any]:
        return jwt.decode(token, self._key, algorithms=_ALGORITHMS).claims


def new_refresh_token() -> str:
    return secrets.token_urlsafe(32)


def refresh_digest(token: str, secret: str) -> bytes:
    return hmac.new(secret.encode(), token.encode("utf-8", "replace"), hashlib.sha256).digest()


_KEY = re.compile(r"oss_([a-z0-9]{10})_([A-Za-z0-9_-]{40})")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A fresh API key: `shown` once, then only `prefix` and `digest` remain."""

    shown: str
    prefix: str
    digest: bytes


def new_api_key() -> NewKey:
    prefix = "".join(secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(10))
    shown = f"oss_{prefix}_{secrets.token_urlsafe(30)}"
    return NewKey(shown, prefix, digest(shown))


def api_key_prefix(key: str) -> str | None:
    """The part that finds a key, or None when this cannot be one."""
    match = _KEY.fullmatch(key)
    return match[1] if match else None


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def same(one: bytes, other: bytes) -> bool:
    return hmac.compare_digest(one, other)
