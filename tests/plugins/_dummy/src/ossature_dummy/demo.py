"""Sample pebbles."""

from __future__ import annotations

from random import Random

from sqlalchemy import delete
from sqlalchemy.orm import Session

from ossature.api import DemoSize
from ossature_dummy.models.pebble import Pebble

NUMBER = {DemoSize.SMALL: 5, DemoSize.MEDIUM: 50, DemoSize.LARGE: 500}
MARK = {"sample": True}


def load(size: DemoSize, session: Session, random: Random) -> None:
    for number in range(NUMBER[size]):
        colour = random.choice(["grey", "white", "red"])
        session.add(Pebble(name=f"Galet {number + 1}", weight=random.randint(20, 900), colour=colour, custom=MARK))


def remove(session: Session) -> None:
    session.execute(delete(Pebble).where(Pebble.custom.contains(MARK)))
