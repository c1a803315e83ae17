"""Who may call the API from a browser on another origin: nobody, except configured origins and tenants' own pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, request

from ossature.auth.hosts import Hosts
from ossature.context import TenantInfo
from ossature.errors import NotFound

METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
HEADERS = (
    "Authorization, Content-Type, Accept, If-Match, If-None-Match, Idempotency-Key, Ossature-Version, X-CSRFToken, "
    "X-Request-ID"
)
EXPOSED = "ETag, Location, Ossature-Version, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-ID"
_PREFLIGHT_SECONDS = "600"


class Cors:
    """Adds the headers that let a browser pass an answer on, where the origin is allowed."""

    def __init__(self, origins: tuple[str, ...], hosts: Hosts) -> None:
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        self._hosts = hosts

    def preflight(self) -> Response | None:
        """The answer to a browser's question before the real request; None when this is not one."""
        if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
            return None
        response = Response(status=204)
        response.vary.add("Origin")
        return response

    def add_headers(self, response: Response) -> Response:
        if not request.path.startswith("/api/"):
            return response
        response.vary.add("Origin")
        origin = request.headers.get("Origin", "")
        if origin and self._allowed(origin):
            headers = response.headers
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Allow-Credentials"] = "true"
            headers["Access-Control-Expose-Headers"] = EXPOSED
            if request.method == "OPTIONS":
                headers["Access-Control-Allow-Methods"] = METHODS
                headers["Access-Control-Allow-Headers"] = HEADERS
                headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
        return response

    def _allowed(self, origin: str) -> bool:
        """A configured origin; or a tenant's own subdomain, to the main domain or to itself but not to another's."""
        origin = origin.lower()
        if origin in self._origins:
            return True
        try:
            parts = urlsplit(origin)
            port = parts.port
            if parts.scheme != self._hosts.scheme or port != self._hosts.port or not parts.hostname:
                return False
            asking = self._hosts.slug(parts.hostname)
            here = self._hosts.slug(request.host)
        except (NotFound, ValueError):
            return False
        if asking is None or here not in (None, asking):
            return False
        found: TenantInfo | None = self._hosts.find(asking)
        return found is not None
