"""Rate limits: a sliding window per user or key, per address before sign-in, in Redis or, without it, in memory.

Counted over all routes together, so Flask-Limiter's per-route decorators have nothing to add here; this is the library
beneath it, one round trip a request.
"""

from __future__ import annotations

import math
import time
from urllib.parse import urlsplit

import redis
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import RateLimiter, SlidingWindowCounterRateLimiter

from ossature.config import Config
from ossature.errors import TooManyRequests
from ossature.i18n import translator
from ossature.logs import get_logger

_, _l, ngettext = translator("ossature")

_PAUSE_SECONDS = 5.0

log = get_logger(__name__)


class LimitReached(TooManyRequests):
    """`headers` say when to come back."""

    def __init__(self, message: object, headers: dict[str, str]) -> None:
        super().__init__(message, retry_after=int(headers["Retry-After"]))
        self.headers = headers


class Limits:
    """Counts requests; one instance per process, one count per installation."""

    def __init__(self, config: Config) -> None:
        self._signed_in = parse(config.rate_limit)
        self._address = parse(config.sign_in_limit)
        storage = storage_from_string(storage_uri(config.redis_url), socket_timeout=0.5, socket_connect_timeout=0.5)
        self._shared = SlidingWindowCounterRateLimiter(storage)
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._away_until = 0.0

    def count(self, kind: str, who: object) -> None:
        """Count one request of a `user`, `key` or `address`. Raises `LimitReached` beyond the limit."""
        item = self._address if kind == "address" else self._signed_in
        names = ("ossature", kind, str(who))
        limiter = self._limiter()
        try:
            allowed = limiter.hit(item, *names)
        except (redis.RedisError, StorageError) as error:
            self._away_until = time.monotonic() + _PAUSE_SECONDS
            log.warning("rate limits are counted in memory: Redis does not answer", error=str(error))
            limiter = self._own
            allowed = limiter.hit(item, *names)
        if not allowed:
            raise self._reached(limiter, item, names)

    def _limiter(self) -> RateLimiter:
        return self._own if time.monotonic() < self._away_until else self._shared

    def _reached(self, limiter: RateLimiter, item: RateLimitItem, names: tuple[str, ...]) -> LimitReached:
        try:
            stats = limiter.get_window_stats(item, *names)
            reset, remaining = stats.reset_time, stats.remaining
        except (redis.RedisError, StorageError):
            reset, remaining = time.time() + item.get_expiry(), 0
        wait = max(1, math.ceil(reset - time.time()))
        headers = {
            "X-RateLimit-Limit": str(item.amount),
            "X-RateLimit-Remaining": str(max(0, remaining)),
            "X-RateLimit-Reset": str(math.ceil(reset)),
            "Retry-After": str(wait),
        }
        return LimitReached(_("Too many requests. Try again in %(seconds)s s.", seconds=wait), headers)


def storage_uri(redis_url: str) -> str:
    """The address as the rate limiter's storage spells it."""
    return "redis+" + redis_url if urlsplit(redis_url).scheme == "unix" else redis_url
