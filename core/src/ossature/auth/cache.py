"""Sessions and keys in Redis, so that a request costs one round trip and no database.

`session:{id}` and `key:{prefix}` hold a snapshot for as long as the session or key lives; `epoch:{tenant}` and
`epoch:{user}` hold a random mark, changed after every commit that touches rights, membership, plugins, keys or
sessions. A snapshot is used while both marks are those it was made under and for at most a minute: then it is read
again from the database. So a process that dies between its commit and the change of the mark can extend a right by a
minute, never longer. Without Redis every request reads the database.
"""

from __future__ import annotations

import secrets
import time
from typing import Any
from uuid import UUID

import orjson
import redis
from sqlalchemy import text

from ossature.auth.snapshot import Snapshot, read_snapshot
from ossature.context import Context
from ossature.db import Database, transaction
from ossature.logs import get_logger

FRESH_SECONDS = 60
_PAUSE_SECONDS = 5.0
_KNOWN_KEYS = 4096
_LAYOUT = b"1"  # of the stored document; another one is read again from the database

log = get_logger(__name__)


class SessionCache:
    """Answers who a session or key is; one instance per process."""

    def __init__(self, database: Database, client: redis.Redis, session_seconds: int) -> None:
        self._database = database
        self._redis = client
        self._longest = session_seconds
        self._away_until = 0.0
        self._tenant_of_key: dict[str, UUID] = {}

    def session(self, session_id: UUID, tenant_id: UUID | None, user_id: UUID) -> Snapshot | None:
        """The session, or None when it is unknown, ended or revoked. Tenant and user are those the client's signed
        token names; they only choose which marks are read."""
        found = self._load(f"session:{session_id}", tenant_id, user_id, "load_session", session_id)
        if found and found.tenant and found.tenant.id != tenant_id:
            # The client named another tenant than the session works in: read the marks that count.
            return self._load(f"session:{session_id}", found.tenant.id, user_id, "load_session", session_id)
        return found

    def api_key(self, prefix: str) -> Snapshot | None:
        """The key with that prefix, or None; whether the secret fits is for the caller to compare."""
        name, tenant_id = f"key:{prefix}", self._tenant_of_key.get(prefix)
        found = self._load(name, tenant_id, None, "load_api_key", prefix)
        if found and found.tenant and tenant_id is None:
            if len(self._tenant_of_key) >= _KNOWN_KEYS:
                self._tenant_of_key.clear()
            self._tenant_of_key[prefix] = found.tenant.id
            # Its tenant was not known here, so that the first look read no mark: look again under the one that counts.
            found = self._load(name, found.tenant.id, None, "load_api_key", prefix)
        return found

    def tenant_changed(self, tenant_id: UUID) -> None:
        """Rights, membership, plugins or keys of a tenant have changed: every snapshot of it is made anew."""
        self._mark(tenant_id)

    def user_changed(self, user_id: UUID, *session_ids: UUID) -> None:
        """The account or its sessions have changed; `session_ids` are those that ended."""
        self._mark(user_id, *(f"session:{session_id}" for session_id in session_ids))

    # -- the document and its marks -------------------------------------------------------------------------------

    def _load(
        self, name: str, tenant_id: UUID | None, user_id: UUID | None, function: str, argument: Any
    ) -> Snapshot | None:
        stored, *marks = self._read(name, f"epoch:{tenant_id}", f"epoch:{user_id}")
        now = time.time()
        if stored is not None:
            head, _, body = stored.partition(b"\n")
            layout, made, *under = head.split(b" ")
            if [layout, *under] == [_LAYOUT, *(mark or b"-" for mark in marks)] and now - float(made) < FRESH_SECONDS:
                found = read_snapshot(body)
                return found if found.expires is None or found.expires > now else None
        fresh = self._ask(function, argument)
        if fresh is None:
            return None
        found = read_snapshot(fresh)
        life = int(min(self._longest, (found.expires or now + self._longest) - now))
        if life > 0:
            head = b" ".join([_LAYOUT, str(now).encode(), *(mark or b"-" for mark in marks)])
            self._write(name, head + b"\n" + fresh, life)
        return found

    def _ask(self, function: str, argument: Any) -> bytes | None:
        with transaction(Context(means="sign_in"), database=self._database) as work:
            found = work.execute(text(f"SELECT ossature.{function}(:it)"), {"it": argument}).scalar()
        return orjson.dumps(found) if found is not None else None

    def _read(self, *names: str) -> list[bytes | None]:
        if time.monotonic() < self._away_until:
            return [None] * len(names)
        try:
            found: list[bytes | None] = self._redis.mget(names)  # type: ignore[assignment]
        except redis.RedisError as error:
            self._away(error)
            return [None] * len(names)
        return found

    def _write(self, name: str, value: bytes, seconds: int) -> None:
        if time.monotonic() < self._away_until:
            return
        try:
            self._redis.set(name, value, ex=seconds)
        except redis.RedisError as error:
            self._away(error)

    def _mark(self, of: UUID, *gone: str) -> None:
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.set(f"epoch:{of}", secrets.token_hex(8), ex=self._longest + FRESH_SECONDS)
                if gone:
                    pipeline.delete(*gone)
                pipeline.execute()
        except redis.RedisError as error:
            self._away(error)

    def _away(self, error: redis.RedisError) -> None:
        self._away_until = time.monotonic() + _PAUSE_SECONDS
        log.warning("sessions are read from the database: Redis does not answer", error=str(error))
