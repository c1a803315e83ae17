"""What plugins declare about work in the background: jobs, and the schedules that ask for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar
from uuid import UUID

from cronsim import CronSim, CronSimError
from pydantic import BaseModel, ConfigDict

from ossature.hooks.types import Label
from ossature.versioned import KEY, Upgrades, check_upgrades

if TYPE_CHECKING:
    from ossature.jobs.run import JobRun

Priority = Literal["high", "normal", "low"]
Missed = Literal["once", "skip", "all"]


class NoArgs(BaseModel):
    """The arguments of a job that takes none."""

    model_config = ConfigDict(extra="forbid")


A = TypeVar("A", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Job(Generic[A]):
    """A named piece of work, made by the decorator `job`. See `job` for the meaning of each part."""

    key: str
    label: Label
    run: Callable[[JobRun, A], Any]
    args: type[A]
    version: int = 1
    upgrades: Upgrades = field(default_factory=dict)
    attempts: int = 3
    time_limit: int = 300
    priority: Priority = "normal"
    unique: Callable[[A], str] | None = None
    as_system: bool = False

    def __post_init__(self) -> None:
        if not KEY.match(self.key):
            raise ValueError(f"job {self.key!r} is not spelled like `crm.find_duplicates`")
        if self.attempts < 1 or not 1 <= self.time_limit <= 86_400:
            raise ValueError(f"job {self.key!r}: at least one attempt, and a time limit of 1 to 86,400 seconds")
        check_upgrades(f"job {self.key!r}", self.version, self.upgrades)

    @property
    def plugin(self) -> str:
        return self.key.partition(".")[0]

    def pause_after(self, attempts: int) -> int:
        """Seconds to wait after so many failed attempts: 5, 20, 80 ... an hour at most."""
        pause: int = min(5 * 4 ** (attempts - 1), 3600)
        return pause

    def enqueue(self, args: A | None = None, *, due_at: datetime | None = None) -> UUID:
        """Ask for the work within the current unit of work: it is done once that has committed, or never.

        Returns the job's id; with `unique`, that of the one which is already waiting or running. The job runs as who
        asks, with what they may do when it runs; asked by the system, a schedule or a handler, or declared
        `as_system`, it may do everything.
        """
        from ossature.jobs.queue import enqueue

        return enqueue(self, args if args is not None else self.args(), due_at=due_at)


def job(
    key: str,
    label: Label,
    *,
    args: type[Any] = NoArgs,
    version: int = 1,
    upgrades: Upgrades | None = None,
    attempts: int = 3,
    time_limit: int = 300,
    priority: Priority = "normal",
    unique: Callable[[Any], str] | None = None,
    as_system: bool = False,
) -> Callable[[Callable[[JobRun, Any], Any]], Job[Any]]:
    """Make a job of a function of `(run, args)`: `@job("crm.find_duplicates", _l("Find duplicates"), args=Where)`.

    `args` is a pydantic model of ids and plain values; a change that breaks waiting jobs raises `version` and says in
    `upgrades` how each former one becomes the next. The function runs in a transaction of its tenant that also marks
    the job done: what it writes there happens once. Long work commits as it goes, in `with transaction():` blocks, and
    says how far it is with `run.progress()`. It is tried `attempts` times, each within `time_limit` seconds. Of jobs
    with the same text of `unique(args)` only one waits or runs at a time. What it returns (JSON) is kept as result.
    """

    def declare(run: Callable[[JobRun, Any], Any]) -> Job[Any]:
        return Job(
            key, label, run, args, version, upgrades or {}, attempts, time_limit, priority, unique, as_system
        )  # fmt: skip

    return declare


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that each organisation runs by the clock: `Schedule("crm.nightly", _l("..."), find_duplicates, "0 3 * * *")`.

    `cron` has five fields, in the organisation's time zone: a time that the change to summer time leaves out comes
    just after the gap, one that the change to winter time repeats comes once. `missed` says what becomes of times that passed
    while no scheduler ran: `once` (one run for all of them), `skip` (none) or `all` (each, up to 100). Organisations
    may choose another cron or pause it, unless `fixed`.
    """

    key: str
    label: Label
    job: Job[Any]
    cron: str
    args: BaseModel | None = None
    missed: Missed = "once"
    fixed: bool = False

    def __post_init__(self) -> None:
        if not KEY.match(self.key):
            raise ValueError(f"schedule {self.key!r} is not spelled like `crm.nightly`")
        if problem := cron_fault(self.cron):
            raise ValueError(f"schedule {self.key!r}: {problem}")

    @property
    def plugin(self) -> str:
        return self.key.partition(".")[0]


def cron_fault(cron: str) -> str | None:
    """Why this is no cron expression of five fields; None when it is one."""
    try:
        CronSim(cron, datetime(2026, 1, 1))  # noqa: DTZ001 - only the spelling is looked at
    except CronSimError as error:
        return str(error)
    return None if len(cron.split()) == 5 else "write five fields: minute hour day month weekday"
