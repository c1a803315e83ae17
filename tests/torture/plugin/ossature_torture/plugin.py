"""What _torture brings to the kernel."""

from __future__ import annotations

from typing import Any

from ossature.api import APIBlueprint, EventType, Handler, Job, Record, Schedule, hookimpl
from ossature_torture import stones, views, work


@hookimpl
def register_records() -> list[type[Record]]:
    return [stones.Stone]


@hookimpl
def register_blueprints() -> list[APIBlueprint]:
    return [views.blueprint]


@hookimpl
def register_events() -> list[EventType]:
    return [stones.THROWN]


@hookimpl
def register_handlers() -> list[Handler]:
    return [work.single, work.batch, work.outside, work.stubborn]


@hookimpl
def register_jobs() -> list[Job[Any]]:
    return [work.count, work.tick]


@hookimpl
def register_schedules() -> list[Schedule]:
    return [work.EVERY_MINUTE]
