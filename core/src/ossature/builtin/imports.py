"""The jobs that import files."""

from __future__ import annotations

from typing import Any

from ossature.hooks.specs import hookimpl
from ossature.imports.job import check_job, import_job
from ossature.jobs.types import Job


@hookimpl
def register_jobs() -> list[Job[Any]]:
    return [check_job, import_job]
