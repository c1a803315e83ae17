"""Every night, in each organisation: what jobs, schedules and event handlers leave behind is deleted once it is old."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from ossature.context import current
from ossature.db import transaction
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.jobs.run import JobRun
from ossature.jobs.types import Job, NoArgs, Schedule, job
from ossature.mail.forgetting import YEARS, forget_bodies

_, _l, ngettext = translator("ossature")

AT_ONCE = 1000

_OLD = (
    ("receipt", "handler, event_id", "at < now() - interval '90 days'"),
    ("kept_answer", "actor_id, key", "at < now() - interval '1 day'"),
    ("occurrence", "schedule, at", "at < now() - interval '90 days'"),
    ("mass", "id", "created_at < now() - interval '90 days'"),
    ("job", "id", "state IN ('succeeded', 'cancelled') AND finished_at < now() - interval '30 days'"),
    ("job", "id", "state = 'dead' AND finished_at < now() - interval '90 days'"),
    ("import_run", "id", "created_at < now() - interval '30 days'"),
    ("draft", "id", "at < now() - interval '30 days'"),
    ("mail", "id", f"created_at < now() - interval '{YEARS} years'"),
)
"""Table, what tells its rows apart, and which are old."""
_OF_ONE_PERSON = frozenset({"draft"})
"""Tables whose rows the application sees for whoever wrote them alone."""


@job("ossature.tidy", _l("Tidy up"), priority="low", time_limit=3600, unique=lambda _args: "", as_system=True)
def tidy(run: JobRun, _args: NoArgs) -> dict[str, int]:
    """Delete finished jobs, imports and drafts after 30 days; dead jobs, occurrences, receipts and results of mass changes after
    90; kept answers after one; the text of mails after 90, the rest of them after 5 years."""
    deleted: dict[str, int] = {}
    for table, key, old in _OLD:
        statement = text(
            f"DELETE FROM ossature.{table} WHERE tenant_id = :tenant AND ({key}) IN (SELECT {key} "  # noqa: S608
            f"FROM ossature.{table} WHERE tenant_id = :tenant AND {old} LIMIT :most) RETURNING 1"
        )
        count = AT_ONCE
        while count == AT_ONCE:
            with transaction(role="system" if table in _OF_ONE_PERSON else "app") as work:
                count = len(work.execute(statement, {"tenant": current().tenant_id, "most": AT_ONCE}).all())
            deleted[table] = deleted.get(table, 0) + count
            run.progress(sum(deleted.values()))
    count = AT_ONCE
    while count == AT_ONCE:
        with transaction():
            count = forget_bodies(AT_ONCE)
        deleted["mail_text"] = deleted.get("mail_text", 0) + count
    if any(deleted.values()):
        run.log(
            _("Deleted: %(jobs)s jobs, %(occurrences)s times of schedules, %(receipts)s receipts of events.",
              jobs=deleted["job"], occurrences=deleted["occurrence"], receipts=deleted["receipt"])
        )  # fmt: skip
    return deleted


@hookimpl
def register_jobs() -> list[Job[Any]]:
    return [tidy]


@hookimpl
def register_schedules() -> list[Schedule]:
    return [Schedule("ossature.tidy", _l("Tidy up"), tidy, "30 3 * * *")]
