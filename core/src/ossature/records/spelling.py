"""How tags are spelled and coloured: as the organisation's catalogue has them, whoever writes them how."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import g
from sqlalchemy import or_, select

from ossature.context import current
from ossature.db.kernel import tag, tagging
from ossature.db.work import session
from ossature.records.record import TAGS
from ossature.records.rules import folded


class Spelling:
    """Clean values with their tags spelled as in the catalogue; words are looked up once, however many rows have them."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, values: dict[str, Any]) -> dict[str, Any]:
        return {**values, TAGS: self.of(values[TAGS])} if values.get(TAGS) else values

    def learn(self, names: Iterable[str]) -> None:
        """Look words up that are not known yet, in one statement; one that nobody has yet is spelled as it is first."""
        unknown: dict[str, str] = {}
        for name in names:
            if (fold := folded(name)) not in self._known:
                unknown.setdefault(fold, name)
        if unknown:
            self._known |= unknown | _catalogued(unknown)

    def of(self, names: Sequence[str]) -> list[str]:
        self.learn(names)
        return [self._known[folded(name)] for name in names]


def _catalogued(folds: Iterable[str]) -> dict[str, str]:
    """The spelling of what is entered or carried; what neither is may be spelled anew."""
    carried = select(tagging.c.fold).where(tagging.c.tenant_id == tag.c.tenant_id, tagging.c.fold == tag.c.fold)
    statement = select(tag.c.fold, tag.c.name).where(
        tag.c.tenant_id == current().tenant_id, tag.c.fold.in_(sorted(folds)), or_(tag.c.listed, carried.exists())
    )
    return {row.fold: row.name for row in session().execute(statement)}


def tones_of(names: Iterable[str]) -> tuple[str, ...]:
    """The tone of each; the coloured tags are read once a request."""
    if "tag_tones" not in g:
        coloured = select(tag.c.fold, tag.c.tone).where(tag.c.tenant_id == current().tenant_id, tag.c.tone != "neutral")
        g.tag_tones = {row.fold: row.tone for row in session().execute(coloured)}
    tones: dict[str, str] = g.tag_tones
    return tuple(tones.get(folded(name), "neutral") for name in names) if tones else ()
