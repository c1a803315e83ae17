"""What access keeps for the life of a process: the session cache, the token maker, and the settings they follow."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis

from ossature.auth.cache import SessionCache
from ossature.auth.tokens import AccessTokens
from ossature.config import Config
from ossature.db import Database


@dataclass(frozen=True, slots=True)
class AccessState:
    config: Config
    database: Database
    cache: SessionCache
    tokens: AccessTokens


_state: AccessState | None = None


def open_access(config: Config, database: Database, client: Redis) -> AccessState:
    """Make the process's access state; the newest one is what services use."""
    global _state
    cache = SessionCache(database, client, config.session_days * 86400)
    _state = AccessState(config, database, cache, AccessTokens(config.access_token_secret, config.access_token_minutes))
    return _state


def access_state() -> AccessState:
    if _state is None:
        raise RuntimeError("access is not open; create the application first")
    return _state
