"""Where the schema of each plugin stands. Read without Alembic: serving processes ask this and never migrate."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from ossature.config import Config

KERNEL = "ossature"
_NAMES = re.compile(r"""^(revision|down_revision)\b[^=\n]*= *["']([^"'\n]+)["']""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MigrationState:
    """Where one plugin's schema stands: `current` and `head` are revision names, None before the first."""

    key: str
    current: str | None
    head: str | None

    @property
    def behind(self) -> bool:
        return self.current != self.head


@dataclass(frozen=True, slots=True)
class Source:
    """Where the migrations of a plugin lie."""

    key: str
    package: str

    @property
    def versions(self) -> Path:
        spec = find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise LookupError(f"package {self.package} of plugin {self.key} is not importable")
        return Path(spec.submodule_search_locations[0]) / "migrations" / "versions"

    def head(self) -> str | None:
        """The newest revision: the one that no other follows."""
        names: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
        for file in self.versions.glob("*.py"):
            for kind, name in _NAMES.findall(file.read_text("utf-8")):
                names[kind].add(name)
        return max(names["revision"] - names["down_revision"], default=None)


def sources(config: Config) -> list[Source]:
    """Kernel first, then the installed plugins in dependency order, whether active or not."""
    from ossature.plugins.loading import installed_packages

    return [Source(KERNEL, "ossature"), *(Source(key, package) for key, package in installed_packages(config))]


def status(config: Config) -> list[MigrationState]:
    """Where each installed plugin stands; reads with the app role. Raises `psycopg.Error`."""
    found = []
    url = config.app_database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(url, connect_timeout=10, application_name="ossature", autocommit=True) as connection:
        for source in sources(config):
            table = sql.Identifier(source.key, "migration")
            readable = connection.execute(
                "SELECT coalesce(has_table_privilege(to_regclass(%s), 'SELECT'), false)", [table.as_string()]
            ).fetchone()
            row = None
            if readable and readable[0]:
                row = connection.execute(sql.SQL("SELECT version_num FROM {}").format(table)).fetchone()
            found.append(MigrationState(source.key, row[0] if row else None, source.head()))
    return found


def behind(states: Sequence[MigrationState]) -> list[str]:
    """The keys of plugins whose schema is not at its newest revision."""
    return [state.key for state in states if state.behind]
