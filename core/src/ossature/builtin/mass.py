"""The job that changes many records at once."""

from __future__ import annotations

from typing import Any

from ossature.hooks.specs import hookimpl
from ossature.jobs.types import Job
from ossature.records.mass_work import mass_job


@hookimpl
def register_jobs() -> list[Job[Any]]:
    return [mass_job]
