"""Files in the background: what an upload that was broken off left behind is tidied up every night."""

from __future__ import annotations

from typing import Any

from ossature.files.sweeping import delete_bytes, sweep_files
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.jobs.types import Job, Schedule

_, _l, ngettext = translator("ossature")


@hookimpl
def register_jobs() -> list[Job[Any]]:
    return [sweep_files, delete_bytes]


@hookimpl
def register_schedules() -> list[Schedule]:
    return [Schedule("ossature.sweep_files", _l("Tidy up files"), sweep_files, "45 3 * * *")]
