"""What is kept for a while of what was asked and done, answers of the API for a day and results of changes of many
records for some months: what it holds of a person, taken away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select, update

from ossature.context import current
from ossature.db.kernel import job, kept_answer, mass, mass_row
from ossature.db.work import session
from ossature.imports.forgetting import Marks
from ossature.jobs.queue import LIVE
from ossature.records.rules import folded

NOTHING_MORE = '{"success":true,"data":null,"meta":{}}'
"""What an answer says whose content is gone: that the request was done."""


def forget_kept(ids: Sequence[UUID], known: Marks) -> None:
    """Take some people out of it, known by id, e-mail address, telephone number and whole name."""
    spelled = [str(id) for id in ids]

    def about(said: str) -> bool:
        plain = folded(said)
        return (
            any(id in said for id in spelled)
            or known.in_text(said)
            or any(all(name in plain for name in names) for names in known.names)
        )

    _forget_answers(about)
    _forget_reasons(ids, about)
    _forget_values(about)


def _forget_answers(about: Callable[[str], bool]) -> None:
    """They are encrypted, so each is read."""
    c = kept_answer.c
    mine = c.tenant_id == current().tenant_id
    found = session().execute(select(c.actor_id, c.key, c.body).where(mine), execution_options={"yield_per": 100})
    for actor_id, key in [(row.actor_id, row.key) for row in found if about(row.body)]:
        one = (mine, c.actor_id == actor_id, c.key == key)
        session().execute(update(kept_answer).where(*one).values(body=NOTHING_MORE))


def _forget_reasons(ids: Sequence[UUID], about: Callable[[str], bool]) -> None:
    """Why a row was refused may repeat what stands there."""
    c = mass_row.c
    mine = c.tenant_id == current().tenant_id
    said = session().execute(select(c.reason).where(mine, c.reason.isnot(None)).distinct()).scalars()
    telling = [reason for reason in said if about(reason)]
    session().execute(
        update(mass_row).where(mine, sa.or_(c.record_id.in_(ids), c.reason.in_(telling))).values(reason=None)
    )


def _forget_values(about: Callable[[str], bool]) -> None:
    """What all rows of an act were given; of one that has still rows to write, it is what they get."""
    c = mass.c
    mine = c.tenant_id == current().tenant_id
    writes = (
        select(job.c.id).where(job.c.tenant_id == c.tenant_id, job.c.id == c.job_id, job.c.state.in_(LIVE)).exists()
    )
    for id, changes in session().execute(select(c.id, c.changes).where(mine, c.changes.isnot(None), ~writes)).all():
        kept = {name: None if isinstance(value, str) and about(value) else value for name, value in changes.items()}
        if kept != changes:
            session().execute(update(mass).where(mine, c.id == id).values(changes=kept))
