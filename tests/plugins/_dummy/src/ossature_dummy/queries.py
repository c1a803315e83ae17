"""Reads that are more than a filter."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from ossature.api import session
from ossature_dummy.models.pebble import Pebble


@dataclass(frozen=True, slots=True)
class Heaviest:
    """A pebble's name and its weight in grams."""

    name: str
    weight: int


def heaviest(number: int = 3, above: int = -1) -> tuple[Heaviest, ...]:
    """The heaviest pebbles, of those above so many grams, heaviest first."""
    rows = session().execute(
        select(Pebble.name, Pebble.weight)
        .where(Pebble.deleted_at.is_(None), Pebble.weight > above)
        .order_by(Pebble.weight.desc(), Pebble.id)
        .limit(number)
    )
    return tuple(Heaviest(name, weight) for name, weight in rows)
