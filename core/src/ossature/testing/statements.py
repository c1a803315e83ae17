"""Counting statements as the server saw them: from PostgreSQL's own log, not from what a library says it sent."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_ENTRY = re.compile(r"^\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] (?P<user>\S+)@(?P<database>\S+) LOG:\s+(?P<text>.*)$")
_STATEMENT = re.compile(r"^(?:statement|execute [^:]+): (?P<sql>.*)$", re.DOTALL)
_ASIDE = re.compile(r"^\s*(BEGIN|COMMIT|ROLLBACK|SET LOCAL|SET TRANSACTION|DEALLOCATE)\b", re.IGNORECASE)


@dataclass
class Statements:
    """The statements of one block, in order; beginning, settings and end of transactions are left out."""

    texts: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.texts)

    def __str__(self) -> str:
        return "\n".join(f"{number}. {text}" for number, text in enumerate(self.texts, 1))


class StatementLog:
    """Reads what one database's log says while a block runs."""

    def __init__(self, log: Path, database: str) -> None:
        self.log = log
        self.database = database

    @contextmanager
    def counting(self, user: str | None = None) -> Iterator[Statements]:
        """Fills the `Statements` when the block ends; `user` narrows it to one database role."""
        found = Statements()
        start = self.log.stat().st_size
        yield found
        found.texts.extend(self._read(start, user))

    def _read(self, start: int, user: str | None) -> Iterator[str]:
        self._settle()
        with self.log.open("rb") as file:
            file.seek(start)
            lines = file.read().decode("utf-8", "replace").splitlines()
        for entry_user, text in _entries(lines, self.database):
            statement = _STATEMENT.match(text)
            if statement and (user is None or entry_user == user) and not _ASIDE.match(statement["sql"]):
                yield " ".join(statement["sql"].split())

    def _settle(self) -> None:
        """Wait until the log has stopped growing: the server writes an entry before it answers, but in its own time."""
        size = -1
        while (now := self.log.stat().st_size) != size:
            size = now
            time.sleep(0.02)


def _entries(lines: list[str], database: str) -> Iterator[tuple[str, str]]:
    """(role, text) of each entry of a database; lines that continue an entry begin with a tab."""
    current: tuple[str, list[str]] | None = None
    for line in lines:
        if line.startswith("\t"):
            if current:
                current[1].append(line)
            continue
        if current:
            yield current[0], "\n".join(current[1])
        entry = _ENTRY.match(line)
        current = (entry["user"], [entry["text"]]) if entry and entry["database"] == database else None
    if current:
        yield current[0], "\n".join(current[1])
