"""The search for duplicates: every night in each organisation, and whenever somebody asks for it."""

from __future__ import annotations

from typing import Any

from ossature.duplicates.scan import scan_job
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.jobs.types import Job, Schedule

_, _l, ngettext = translator("ossature")


@hookimpl
def register_jobs() -> list[Job[Any]]:
    return [scan_job]


@hookimpl
def register_schedules() -> list[Schedule]:
    return [Schedule("ossature.duplicates", _l("Search for duplicates"), scan_job, "15 2 * * *")]
