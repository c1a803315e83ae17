"""Pipelines: the stages that deals go through, as data of each organisation."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from ossature.api import (
    Detail,
    Mapped,
    Part,
    Record,
    RecordChange,
    boolean,
    choice,
    integer,
    part_of,
    position,
    text,
    translator,
)

_, _l, ngettext = translator("crm")


class Pipeline(Record):
    """A way of selling, from the first talk to won or lost."""

    __key__ = "crm.pipeline"
    __label__ = _l("Pipeline")
    __plural__ = _l("Pipelines")
    __new_label__ = _l("New pipeline")
    __icon__ = "filter"

    name: Mapped[str] = text(_l("Name"), max_length=80, sort=True, search=True)

    @classmethod
    def check(cls, change: RecordChange) -> Iterable[Detail]:
        from ossature_crm import pipelines

        return pipelines.refuse(change)


class Stage(Part):
    """A step of a pipeline; deals stand in it. What it requires must be filled in to enter it."""

    __key__ = "crm.stage"
    __label__ = _l("Stage")
    __plural__ = _l("Stages")

    pipeline_id: Mapped[UUID] = part_of("crm.pipeline", "stages")
    position: Mapped[int] = position()
    name: Mapped[str] = text(_l("Name"), max_length=60)
    kind: Mapped[str] = choice(_l("Kind"), {"open": _l("Open"), "won": _l("Won"), "lost": _l("Lost")}, default="open")
    probability: Mapped[int] = integer(_l("Probability"), unit="%", minimum=0, maximum=100, default=0)
    rotting_days: Mapped[int | None] = integer(_l("Stale after (days)"), minimum=1, maximum=3650)
    requires_company: Mapped[bool] = boolean(_l("Requires a company"))
    requires_contact: Mapped[bool] = boolean(_l("Requires a contact"))
    requires_value: Mapped[bool] = boolean(_l("Requires a value"))
    requires_close: Mapped[bool] = boolean(_l("Requires an expected close"))
