"""The record that is written, what is thrown, and the row that each effect leaves."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel

from ossature.api import EventType, Mapped, Record, integer, session, text

effect = sa.table(
    "effect",
    *(sa.column(name) for name in ("source", "cause", "record_id", "number", "happened_seq")),
    schema="_torture",
)


class Stone(Record):
    """Something to write: each write gives it a higher number."""

    __key__ = "_torture.stone"
    __label__ = "Stone"
    __plural__ = "Stones"

    name: Mapped[str] = text("Name", max_length=80)
    number: Mapped[int] = integer("Number", minimum=0, default=0)


class Thrown(BaseModel):
    number: int


THROWN = EventType("_torture.thrown", "Stone thrown", Thrown)


def note(source: str, cause: UUID, record_id: UUID | None, number: int, seq: int = 0) -> None:
    """Leave an effect. Nothing forbids a second one: the tests count."""
    session().execute(
        sa.insert(effect).values(source=source, cause=cause, record_id=record_id, number=number, happened_seq=seq)
    )
