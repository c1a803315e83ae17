"""Things that plugins name by a key and whose stored content is read long after it was written: events, jobs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

KEY = re.compile(r"^_?[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")
"""A plugin's key, a dot, and a name: `crm.find_duplicates`."""

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
Upgrades = Mapping[int, Upgrade]
"""Each former version, and the function that lifts its content to the next one."""


def check_upgrades(what: str, version: int, upgrades: Upgrades) -> None:
    """Raises `ValueError` naming the former versions that nothing lifts."""
    missing = [str(number) for number in range(1, version) if number not in upgrades]
    if missing:
        raise ValueError(f"{what} has no upgrade from version {', '.join(missing)}")


def lift(content: dict[str, Any], version: int, present: int, upgrades: Upgrades) -> tuple[int, dict[str, Any]]:
    """Content of a former version in the present form, and the version that it has then."""
    while version in upgrades and version < present:
        content = upgrades[version](content)
        version += 1
    return version, content
