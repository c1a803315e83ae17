"""The history is sealed every hour, and what it need not keep any longer is taken away every night."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ossature.db import transaction
from ossature.history import seals
from ossature.history.erasure import forget_old_history
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.jobs.run import JobRun
from ossature.jobs.types import Job, NoArgs, Schedule, job
from ossature.logs import get_logger
from ossature.settings import AnySetting, NumberSetting

_, _l, ngettext = translator("ossature")

log = get_logger(__name__)

MOST_TOLD = 20
MONTHS_KEPT = NumberSetting(
    "ossature.history_months",
    _l("Keep the history for"),
    default=0,
    minimum=0,
    maximum=1_200,
    unit=_l("months"),
    help=_l("Afterwards what changed is erased; that something changed stays. 0 keeps everything."),
)


@job("ossature.seal", _l("Seal the history"), priority="low", time_limit=3600, unique=lambda _args: "", as_system=True)
def seal(run: JobRun, _args: NoArgs) -> dict[str, Any]:
    """Seal what was changed since the last seal, and verify a part of what is sealed; tells the head of the chain, to be
    noted elsewhere."""
    count = seals.seal_changes()
    with transaction(role="system"):
        head, faults = seals.head(), list(seals.faults_in_turn(datetime.now(UTC)))
    if head is None:
        return {"changes": 0}
    if count:
        run.log(_("Seal %(number)s: %(chain)s", number=head.number, chain=head.chain))
    if faults:
        log.error("the history is not as it was sealed", faults=[str(fault) for fault in faults[:MOST_TOLD]])
        run.log(_("The history is not as it was sealed; run: ossature check --all"))
    return {"changes": count, "seal": head.number, "chain": head.chain, "faults": len(faults)}


@job(
    "ossature.forget_history", _l("Erase old history"), priority="low", time_limit=3600, unique=lambda _args: "",
    as_system=True,
)  # fmt: skip
def forget_history(_run: JobRun, _args: NoArgs) -> dict[str, int]:
    """Erase the content of changes that the organisation, or their record, does not keep any longer."""
    with transaction(role="system"):
        return {"changes": forget_old_history(MONTHS_KEPT.read(), datetime.now(UTC))}


@hookimpl
def register_jobs() -> list[Job[Any]]:
    return [seal, forget_history]


@hookimpl
def register_schedules() -> list[Schedule]:
    return [
        Schedule("ossature.seal", _l("Seal the history"), seal, "7 * * * *", fixed=True),
        Schedule("ossature.forget_history", _l("Erase old history"), forget_history, "50 3 * * *"),
    ]


@hookimpl
def register_settings() -> list[AnySetting]:
    return [MONTHS_KEPT]
