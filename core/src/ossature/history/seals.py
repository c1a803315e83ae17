"""Seals: a chain over the history, away from the write path, that shows any later alteration.

Each seal covers changes that no seal covered before, by content and by who, when and how, and holds the hash of the
seal before it. What an erasure took away keeps its digest, so that the chain still verifies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import text

from ossature.db.work import session, transaction

Kind = Literal["altered", "missing", "other", "chain", "gap", "unsealed"]
AT_ONCE = 20_000
"""Changes that one seal covers at most."""
TURNS = 7 * 24

WORDS: dict[Kind, str] = {
    "altered": "change {seq} was altered after it was written",
    "missing": "changes under seal {seal} are gone",
    "other": "who, when or what of a change under seal {seal} was altered",
    "chain": "seal {seal} does not follow from the one before it",
    "gap": "the seals before seal {seal} are gone",
    "unsealed": "changes were added among those that seal {seal} and the ones before it cover",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was sealed: the number of the seal, of the change where it is known."""

    kind: Kind
    seal: int | None
    seq: int | None

    def __str__(self) -> str:
        return WORDS[self.kind].format(seal=self.seal, seq=self.seq)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest seal: whoever notes number and chain elsewhere can tell later that nothing before it was replaced."""

    number: int
    chain: str


def seal_changes() -> int:
    """Seal what is not sealed yet of the bound tenant, in transactions of their own; returns how many changes."""
    sealed, count = 0, AT_ONCE
    while count == AT_ONCE:
        with transaction(role="system") as work:
            count = work.execute(text("SELECT ossature.seal_changes(:most)"), {"most": AT_ONCE}).scalar_one()
        sealed += count
    return sealed


def faults(since: datetime | None = None) -> Iterator[Fault]:
    """What of the bound tenant's history is not as it was written and sealed; the system role's work.

    Every seal is held against the one before it, and what is not sealed yet is read; of what is under seals all is read,
    or what was written `since`.
    """
    asked = {"since": since or "-infinity"}
    return _faults("SELECT fault, seal, seq FROM ossature.seal_faults(CAST(:since AS timestamptz))", asked)


def faults_in_turn(now: datetime) -> Iterator[Fault]:
    """As `faults`, reading what is under every 168th seal: another one each hour, so that a week reads all of them."""
    turn = {"turn": int(now.timestamp()) // 3600 % TURNS, "turns": TURNS}
    return _faults("SELECT fault, seal, seq FROM ossature.seal_faults('infinity', :turn, :turns)", turn)


def _faults(query: str, asked: Mapping[str, object]) -> Iterator[Fault]:
    for row in session().execute(text(query), asked):
        yield Fault(row.fault, row.seal, row.seq)


def head() -> Head | None:
    """The newest seal of the bound tenant."""
    query = text("SELECT number, encode(chain, 'hex') AS chain FROM ossature.seal ORDER BY number DESC LIMIT 1")
    row = session().execute(query).first()
    return Head(row.number, row.chain) if row else None
