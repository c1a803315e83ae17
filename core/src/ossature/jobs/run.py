"""One run of a job: claimed in the database, so that it runs once however often Redis names it, and marked done in the
transaction that holds its own writes.

While it runs it says every few seconds that it lives; a run that falls silent is taken for dead and planned again. A
run that was declared dead too early finds its claim gone when it ends, and nothing of its last transaction holds.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import FrameType
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from pydantic import BaseModel, ValidationError

from ossature.context import Context
from ossature.db.kernel import job as job_table
from ossature.db.work import session, transaction
from ossature.events.delivery import describe
from ossature.i18n.texts import translator
from ossature.jobs import queue
from ossature.jobs.types import Job
from ossature.kernel import Kernel
from ossature.plugins.manifest import is_on
from ossature.rbac.acting import as_actor, as_job, tenant_now, write_actor
from ossature.redaction import redact_text
from ossature.versioned import lift

_, _l, _n = translator("ossature")
log = logging.getLogger(__name__)

BEAT_EVERY = 5.0
"""Seconds between two signs of life."""
SILENT_AFTER = 30.0
"""Seconds without a sign of life after which a run counts as dead."""
_PROGRESS_EVERY = 0.5
_NOW = sa.text("clock_timestamp()")
_MARGIN = 60  # seconds after its time limit that a run may take to end
# A run that commits as it goes in other transactions leaves its own idle for as long as its time limit allows.
_MAY_IDLE = "SET LOCAL idle_in_transaction_session_timeout = '{}s'"


class JobCancelled(BaseException):
    """Somebody cancelled the job that runs; raised at its next step. Not an `Exception`, so that no job swallows it."""


class _Lost(BaseException):
    """The run was declared dead or given to another worker: nothing it writes may stay."""


class _TooLong(BaseException):
    """The run reached its time limit; it counts as a failed attempt."""


@dataclass
class JobRun:
    """What a job's function gets besides its arguments: who it is, and ways to tell how far it has come."""

    id: UUID
    tenant_id: UUID
    key: str
    attempt: int
    _since: datetime = field(repr=False)
    _bound: Context = field(repr=False)
    _kernel: Kernel = field(repr=False)
    _cancelled: bool = field(default=False, repr=False)
    _late: bool = field(default=False, repr=False)
    _lost: bool = field(default=False, repr=False)
    _told: float = field(default=0.0, repr=False)

    def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """Say how far it is: `done` of `total` things, and a short text. Shown as it comes; written twice a second.

        Raises `JobCancelled` when somebody has cancelled the job.
        """
        now = time.monotonic()
        if now - self._told >= _PROGRESS_EVERY or (total is not None and done >= total):
            self._told = now
            self._beat(done=done, total=total, note=note[:500] if note else None)
        self.check()

    def track(self, items: Iterator[Any] | list[Any], total: int | None = None) -> Iterator[Any]:
        """Go through items and say so: `for row in run.track(rows):`."""
        if total is None and isinstance(items, list):
            total = len(items)
        for number, item in enumerate(items):
            self.progress(number, total)
            yield item
        if total is not None:
            self.progress(total, total)

    def log(self, text: str, level: str = "info") -> None:
        """Add a line to the job's page (level info, warning or error); kept whatever becomes of the run."""
        with transaction(self._bound, database=self._kernel.db):
            queue.add_line(self.id, redact_text(text), level)

    def check(self) -> None:
        """Stop here when the job was cancelled or its time is up; long steps without progress call it now and then."""
        if self._lost:
            raise _Lost
        if self._cancelled:
            raise JobCancelled
        if self._late:
            raise _TooLong

    @property
    def _mine(self) -> tuple[sa.ColumnElement[bool], ...]:
        """True of the job's row while this run holds it."""
        return job_table.c.state == "running", job_table.c.started_at == self._since

    def _beat(self, **values: Any) -> None:
        with transaction(self._bound, database=self._kernel.db) as work:
            cancel = work.scalar(
                sa.update(job_table)
                .where(job_table.c.tenant_id == self.tenant_id, job_table.c.id == self.id, *self._mine)
                .values(beat_at=_NOW, **values)
                .returning(job_table.c.cancel)
            )
        self._lost = cancel is None
        self._cancelled = bool(cancel)


def run_job(kernel: Kernel, tenant_id: UUID, job_id: UUID, worker: str = "") -> str:
    """Run a job that is due; returns the state it is in afterwards, `""` when there was nothing to run."""
    tenant, plugins = tenant_now(tenant_id)
    if tenant is None:
        return ""
    bound = Context(tenant, means="job", locale=tenant.locale, time_zone=tenant.time_zone)
    with transaction(bound, database=kernel.db) as work:
        row = (
            work.execute(
                sa.update(job_table)
                .where(
                    job_table.c.tenant_id == tenant_id, job_table.c.id == job_id,
                    job_table.c.state.in_(("queued", "failed")), job_table.c.due_at <= _NOW,
                )
                .values(
                    state="running", attempts=job_table.c.attempts + 1, started_at=_NOW, beat_at=_NOW, worker=worker,
                    done=0, total=None, note=None, cancel=False,
                )
                .returning(*job_table.c)
            )
            .mappings()
            .one_or_none()
        )  # fmt: skip
        if row is None:
            return ""
        job = kernel.background.jobs.get(row["name"])
        if job is None or not is_on(job.plugin, plugins):
            park(job_id, job)
            queue.write(job_id, attempts=row["attempts"] - 1)
            return "parked"
        if row["as_system"]:  # committed before the run begins, so that what it commits as it goes may name its actor
            acting = as_job(tenant, plugins, job.key, str(job.label)).actor
            assert acting is not None
            write_actor(acting)
    run = JobRun(job_id, tenant_id, job.key, row["attempts"], row["started_at"], bound, kernel)
    return _Running(kernel, run, job, row).go(bound)


@dataclass
class _Running:
    """A claimed run, from its arguments to its end."""

    kernel: Kernel
    run: JobRun
    job: Job[Any]
    row: Mapping[Any, Any]

    def go(self, bound: Context) -> str:
        try:
            context = self._context(bound)
            args = read_arguments(self.job, self.row["version"], self.row["args"])
            with (
                _signs_of_life(self.run, self.row["time_limit"]) as over,
                transaction(context, database=self.kernel.db),
            ):
                session().execute(sa.text(_MAY_IDLE.format(self.row["time_limit"] + _MARGIN)))
                result = self.job.run(self.run, args)
                session().flush()
                self.run.check()
                over.set()  # from here on nothing interrupts: the commit decides
                self._end(state="succeeded", result=orjson.loads(orjson.dumps(result, default=str)), error=None)
        except _Lost:
            log.warning(
                "job %s (%s) was given up while it ran; what it was writing is undone", self.run.id, self.job.key
            )
            return ""
        except JobCancelled:
            return self._after(bound, state="cancelled")
        except _TooLong as error:
            said = _("It took longer than its limit of %(seconds)d s.", seconds=self.row["time_limit"])
            return self._failed(bound, error, said)
        except _Hopeless as hopeless:
            return self._failed(bound, hopeless.__cause__ or hopeless, str(hopeless), last=True)
        except Exception as error:
            return self._failed(bound, error, describe(error))
        return "succeeded"

    def _context(self, bound: Context) -> Context:
        assert bound.tenant is not None
        _tenant, plugins = tenant_now(bound.tenant.id)
        reason = str(self.job.label)
        if self.row["as_system"]:
            context: Context | None = as_job(bound.tenant, plugins, self.job.key, reason)
        else:
            context = as_actor(bound.tenant, plugins, self.row["actor_id"])
        if context is None:
            raise _Hopeless(_("Whoever asked for this may no longer act here."))
        return context.with_(reason=reason, locale=self.row["locale"] or context.locale, request_id=str(self.run.id))

    def _failed(self, bound: Context, error: BaseException, said: str, last: bool = False) -> str:
        last = last or self.run.attempt >= self.row["most_attempts"]
        log.log(
            logging.ERROR if last else logging.WARNING,
            "job %s (%s) failed at attempt %d of %d",
            self.run.id, self.job.key, self.run.attempt, self.row["most_attempts"], exc_info=error,
        )  # fmt: skip
        trace = "".join(traceback.format_exception(error))[-1900:]
        if last:
            return self._after(bound, trace, state="dead", error=said)
        pause = sa.text("clock_timestamp() + make_interval(secs => :pause)")
        due = pause.bindparams(pause=self.job.pause_after(self.run.attempt))
        return self._after(bound, trace, state="failed", error=said, due_at=due, pushed_at=None)

    def _after(self, bound: Context, trace: str | None = None, **values: Any) -> str:
        """Write how it ended, in a transaction of its own: that of the run is undone."""
        try:
            with transaction(bound, database=self.kernel.db):
                if trace:
                    queue.add_line(self.run.id, redact_text(trace), "error")
                self._end(**values)
        except _Lost:
            return ""
        return str(values["state"])

    def _end(self, **values: Any) -> None:
        over = values["state"] in ("succeeded", "dead", "cancelled")
        if not queue.write(self.run.id, *self.run._mine, finished_at=_NOW if over else None, **values):
            raise _Lost


class _Hopeless(Exception):
    """Trying again would not help."""


def read_arguments(job: Job[Any], version: int, args: dict[str, Any]) -> BaseModel:
    """Stored arguments, lifted to the present version and checked."""
    try:
        version, args = lift(args, version, job.version, job.upgrades)
        found: BaseModel = job.args.model_validate(args)
    except (ValidationError, LookupError, TypeError, ValueError) as error:
        raise _Hopeless(f"its arguments (version {version}) cannot be read: {describe(error)}") from error
    return found


def park(job_id: UUID, job: Job[Any] | None) -> None:
    """Put a job aside until its code or plugin is back, in the bound tenant."""
    why = _("This kind of job is not installed here.") if job is None else _("Its plugin is switched off.")
    queue.write(job_id, state="parked", error=why, pushed_at=None)


@contextmanager
def _signs_of_life(run: JobRun, time_limit: int) -> Iterator[threading.Event]:
    """Beat in the background, and interrupt the run when it is cancelled, lost or late, unless the event is set."""
    over, until = threading.Event(), time.monotonic() + time_limit
    in_main = threading.current_thread() is threading.main_thread()
    interrupt: Callable[[], None] = (lambda: os.kill(os.getpid(), signal.SIGUSR1)) if in_main else (lambda: None)

    def beat() -> None:
        while not over.wait(BEAT_EVERY if run._late else min(BEAT_EVERY, max(until - time.monotonic(), 0.0))):
            run._late = time.monotonic() >= until
            try:
                run._beat()
            except Exception:
                log.debug("a sign of life could not be given", exc_info=True)
            if (run._lost or run._cancelled or run._late) and not over.is_set():
                interrupt()

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        if not over.is_set():
            run.check()

    former = signal.signal(signal.SIGUSR1, interrupted) if in_main else None
    thread = threading.Thread(target=beat, name="signs of life", daemon=True)
    thread.start()
    try:
        yield over
    finally:
        over.set()
        thread.join(timeout=1)
        if in_main:
            signal.signal(signal.SIGUSR1, former)
