"""Words about background work: states, durations, and what a job is doing in one sentence."""

from __future__ import annotations

from typing import Final

from ossature.i18n import Text, translator
from ossature.jobs.console import JobView
from ossature.web.formats import NO_BREAK, as_datetime, as_number, relative
from ossature.web.models import Badge, Tone

_, _l, ngettext = translator("ossature")

STATES: Final[dict[str, tuple[Text, Tone]]] = {
    "running": (_l("Running"), "accent"),
    "waiting": (_l("Waiting"), "info"),
    "planned": (_l("Planned"), "neutral"),
    "failed": (_l("Failed"), "warning"),
    "dead": (_l("Dead"), "danger"),
    "parked": (_l("Parked"), "warning"),
    "succeeded": (_l("Finished"), "success"),
    "cancelled": (_l("Cancelled"), "neutral"),
}

PROCESSES: Final[dict[str, Text]] = {
    "worker": _l("Nothing runs jobs: they wait until a worker is started."),
    "dispatcher": _l("Nothing hands out events and jobs: both wait until a dispatcher is started."),
    "scheduler": _l("Nothing starts what is due by the clock until a scheduler is started."),
}
"""What it means that no process of a kind runs."""


def state_badge(state: str) -> Badge:
    label, tone = STATES[state]
    return Badge(str(label), tone)


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `1 h 05 min`; the signs are the same in every language."""
    if seconds < 1:
        return as_number(max(round(seconds, 1), 0.1), "s")
    whole = int(seconds)
    if whole < 60:
        return f"{whole}{NO_BREAK}s"
    if whole < 3600:
        return _two(whole // 60, "min", whole % 60, "s")
    return _two(whole // 3600, "h", whole % 3600 // 60, "min")


def _two(large: int, of: str, small: int, than: str) -> str:
    """Two units, the second left out when there is none of it."""
    rest = f"{NO_BREAK}{small:02}{NO_BREAK}{than}" if small else ""
    return f"{large}{NO_BREAK}{of}{rest}"


def brief(job: JobView) -> str:
    """What a list adds to a job's state, in a few words."""
    match job.state:
        case "running" if job.cancel:
            return _("Stops at its next step")
        case "running":
            return job.note or ""
        case "planned":
            return _("For %(when)s", when=as_datetime(job.due_at))
        case "failed":
            return _("Next try %(when)s", when=relative(job.due_at, job.now))
        case "dead":
            return ngettext("After %(num)d attempt", "After %(num)d attempts", job.attempts)
        case "parked":
            return job.error or ""
    return ""


def sentence(job: JobView) -> str:
    """What a job is doing, or how it ended, and what comes next."""
    match job.state:
        case "running" if job.cancel:
            return _("It is asked to stop and does so at its next step.")
        case "running" if job.attempts > 1:
            return _("Attempt %(number)s of %(most)s is running.", number=job.attempts, most=job.most_attempts)
        case "running":
            return ""
        case "waiting":
            return _("It starts as soon as a worker is free.")
        case "planned":
            return _("It is planned for %(when)s.", when=as_datetime(job.due_at))
        case "failed":
            return _(
                "Attempt %(number)s of %(most)s failed. It is tried again %(when)s.",
                number=job.attempts, most=job.most_attempts, when=relative(job.due_at, job.now),
            )  # fmt: skip
        case "dead":
            return _("It failed for good and is not tried again by itself.")
        case "parked":
            return _("It is kept aside and goes on by itself when this has changed.")
        case "cancelled":
            return _("It was cancelled. What it had already written stays.")
    return _("It is done.")


def asked_by(job: JobView) -> str:
    """Who asked for a job."""
    return job.asked_by or (_("Schedule") if job.schedule else _("The system"))
