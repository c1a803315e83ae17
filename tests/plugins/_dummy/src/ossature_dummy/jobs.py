"""Work on pebbles that takes long."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel
from sqlalchemy import select

from ossature.api import JobRun, Schedule, job, session, transaction, translator
from ossature_dummy.models.pebble import Pebble
from ossature_dummy.services import polish_pebble

_, _l, ngettext = translator("_dummy")

AT_ONCE = 20
"""Pebbles that are polished in one transaction."""


class Polishing(BaseModel):
    """The colour of the pebbles to polish."""

    colour: Literal["grey", "red"] = "grey"


@job("_dummy.polish", _l("Polish pebbles"), args=Polishing, time_limit=600, unique=lambda args: args.colour)
def polish(run: JobRun, args: Polishing) -> dict[str, int]:
    """Commits as it goes; what was polished is white, so that a run which is cut short goes on where it stopped."""
    wanted = select(Pebble.id, Pebble.weight).where(Pebble.colour == args.colour, Pebble.deleted_at.is_(None))
    pebbles = session().execute(wanted.order_by(Pebble.id)).all()
    for start in range(0, len(pebbles), AT_ONCE):
        run.progress(start, len(pebbles))
        with transaction():
            for pebble in pebbles[start : start + AT_ONCE]:
                polish_pebble(pebble.id, pebble.weight)
    run.progress(len(pebbles), len(pebbles))
    run.log(f"{len(pebbles)} polished")
    return {"polished": len(pebbles)}


SPRING_CLEANING = Schedule("_dummy.spring_cleaning", _l("Spring cleaning"), polish, "0 6 1 4 *", args=Polishing())
