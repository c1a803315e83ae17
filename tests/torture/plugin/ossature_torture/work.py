"""Handlers and jobs, each leaving one effect for what it was given; some fail at first, one for ever."""

from __future__ import annotations

import os
import time
from uuid import UUID

from pydantic import BaseModel

from ossature.api import Event, JobRun, Schedule, handles, job
from ossature_torture import stones

WRITTEN = ("_torture.stone.created", "_torture.stone.updated")
HOPELESS = 1_000_000_000
"""From this number on the stubborn handler never succeeds."""


class Asked(BaseModel):
    """What a job is to do: a number, the event that asked for it, seconds that it takes."""

    number: int
    event: UUID | None = None
    seconds: float = 0.0


class Stumbled(Exception):
    """Fails on purpose."""


@job("_torture.count", "Count", args=Asked, attempts=20, time_limit=120)
def count(run: JobRun, args: Asked) -> int:
    stones.note("count", run.id, None, args.number)
    until = time.monotonic() + args.seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 0.02))
        run.check()
    if args.number % 5 == 0 and run.attempt == 1:
        raise Stumbled("the first attempt fails")
    return args.number


@job("_torture.tick", "Tick", attempts=20)
def tick(run: JobRun, _args: BaseModel) -> None:
    stones.note("tick", run.id, None, 0)


EVERY_MINUTE = Schedule("_torture.every_minute", "Every minute", tick, "* * * * *", missed="all")


@handles(*WRITTEN, "_torture.thrown", key="_torture.single", label="One at a time", attempts=20)
def single(event: Event) -> None:
    number = number_of(event)
    stones.note("single", event.id, event.record_id, number, event.seq)
    if number % 4 == 0:
        count.enqueue(Asked(number=number, event=event.id))
    if number % 7 == 0 and event.attempt == 1:
        raise Stumbled("the first attempt fails")


@handles(*WRITTEN, "_torture.thrown", key="_torture.batch", label="Many at a time", batch=50, attempts=20)
def batch(events: list[Event]) -> None:
    for event in events:
        stones.note("batch", event.id, event.record_id, number_of(event), event.seq)


@handles(*WRITTEN, key="_torture.outside", label="Beyond the database", batch=10, attempts=20)
def outside(events: list[Event]) -> None:
    with open(os.environ["OSSATURE_TEST_OUTSIDE"], "a") as file:
        for event in events:
            file.write(f"{event.id}\n")
            file.flush()


@handles(*WRITTEN, key="_torture.stubborn", label="Never for some", attempts=3)
def stubborn(event: Event) -> None:
    stones.note("stubborn", event.id, event.record_id, number_of(event), event.seq)
    if number_of(event) >= HOPELESS:
        raise Stumbled("it never works")


def number_of(event: Event) -> int:
    if event.type == "_torture.thrown":
        return int(event.data["number"])
    return int(event.data["changes"].get("number", {}).get("after") or 0)
