"""Which tenant an address is for: `acme.example.com` is acme's, `example.com` and `www.example.com` are everybody's."""

from __future__ import annotations

import ipaddress
import time
from urllib.parse import urlsplit

from sqlalchemy import text

from ossature.context import Context, TenantInfo
from ossature.db import Database, transaction
from ossature.errors import NotFound
from ossature.i18n import translator

_, _l, ngettext = translator("ossature")

_KEEP_SECONDS = 30.0
_KEEP = 512


class Hosts:
    """Resolves hosts against the base address; what is found is kept for half a minute."""

    def __init__(self, base_url: str, database: Database) -> None:
        parts = urlsplit(base_url)
        self.base = (parts.hostname or "localhost").lower()
        self.scheme = parts.scheme
        self.port = parts.port
        self._database = database
        self._found: dict[str, tuple[float, TenantInfo | None]] = {}

    def slug(self, host: str) -> str | None:
        """The tenant's name in a host (`acme.localhost:8000` -> `acme`), None on the main domain. Raises `NotFound`
        for a host that is not served."""
        name = _bare(host)
        if name in (self.base, f"www.{self.base}") or _is_address(name) or name == "localhost":
            return None
        slug, _dot, rest = name.partition(".")
        if rest == self.base and slug:
            return slug
        raise NotFound(_("Nothing is served at this address."))

    def tenant(self, host: str) -> TenantInfo | None:
        """The tenant of a host, None on the main domain. Raises `NotFound` for one that does not exist or is
        suspended."""
        slug = self.slug(host)
        if slug is None:
            return None
        found = self.find(slug)
        if found is None:
            raise NotFound(_("There is no organisation at this address."))
        return found

    def find(self, slug: str) -> TenantInfo | None:
        """An active tenant by its name in addresses."""
        now = time.monotonic()
        kept = self._found.get(slug)
        if kept and kept[0] > now:
            return kept[1]
        with transaction(Context(means="sign_in"), database=self._database) as work:
            row = work.execute(text("SELECT * FROM ossature.find_tenant(:slug)"), {"slug": slug}).first()
        found = TenantInfo(row.id, row.slug, row.name, row.locale, row.time_zone) if row else None
        if row and row.status != "active":
            found = None
        if len(self._found) >= _KEEP:
            self._found.clear()
        self._found[slug] = (now + _KEEP_SECONDS, found)
        return found

    def url_of(self, slug: str | None) -> str:
        """The address of a tenant, or the main one."""
        name = f"{slug}.{self.base}" if slug else self.base
        return f"{self.scheme}://{name}" + (f":{self.port}" if self.port else "")


def _bare(host: str) -> str:
    """A Host header without its port, lower case."""
    name = host.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
