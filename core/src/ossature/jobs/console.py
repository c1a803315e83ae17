"""Jobs as people look after them: lists, counts, one job with its lines, and trying again many at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import text

from ossature.context import current
from ossature.db.kernel import actor as actor_table
from ossature.db.kernel import job as job_table
from ossature.db.kernel import job_line
from ossature.db.work import session
from ossature.errors import Conflict, Invalid, NotFound
from ossature.events.wake import wake_after_commit
from ossature.i18n.texts import translator
from ossature.jobs.queue import LIVE, enqueue, locked, write
from ossature.jobs.run import read_arguments
from ossature.kernel import kernel
from ossature.plugins.manifest import is_on
from ossature.records.cursor import Cursor
from ossature.redaction import redact, redact_text

_, _l, _n = translator("ossature")

STATES: Final = ("running", "waiting", "planned", "failed", "dead", "parked", "succeeded", "cancelled")
"""What a job is in, as people are told: a queued one waits, or is planned when it is due later."""
COUNTED_TO: Final = 1000
PAGE_SIZE: Final = 50
_MOST_LINES = 500
_RECENT = timedelta(days=7)
_SOON = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class JobView:
    """A job. `known` is false when its code is gone, `label` then its key. `asked_by` is nobody's name for what the
    system asked for. Arguments, result, note and error are without secrets and personal data."""

    id: UUID
    name: str
    label: str
    known: bool
    state: str
    attempts: int
    most_attempts: int
    asked_by: str | None
    schedule: str | None
    done: int
    total: int | None
    note: str | None
    error: str | None
    cancel: bool
    worker: str | None
    priority: str
    time_limit: int
    created_at: datetime
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    now: datetime
    args: Mapping[str, Any] | None = None
    result: Any = None

    @property
    def share(self) -> int | None:
        """How much is done, in percent; None when it is not known how much there is."""
        return min(100, self.done * 100 // self.total) if self.total else None

    @property
    def seconds(self) -> float | None:
        """How long it runs, or ran when it was over."""
        if self.started_at is None or self.state in ("waiting", "planned", "failed", "parked"):
            return None
        until = self.now if self.state == "running" else self.finished_at
        return max(0.0, (until - self.started_at).total_seconds()) if until else None

    @property
    def moving(self) -> bool:
        """Whether it is about to change by itself, so that a page asks again."""
        soon = abs(self.due_at - self.now) < _SOON
        return self.state == "running" or (self.state in ("waiting", "planned", "failed") and soon)


@dataclass(frozen=True, slots=True)
class JobPage:
    rows: tuple[JobView, ...]
    previous: str | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True)
class JobLine:
    at: datetime
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job and how many of it there are."""

    name: str
    label: str
    count: int


_ROW = (
    *(column for column in job_table.c if column.key not in ("args", "result", "tenant_id", "unique_key", "beat_at")),
    sa.case((actor_table.c.kind != "job", actor_table.c.label)).label("asked_by"),
    sa.func.clock_timestamp(type_=sa.DateTime(timezone=True)).label("now"),
)
_FROM = job_table.outerjoin(
    actor_table, sa.and_(actor_table.c.tenant_id == job_table.c.tenant_id, actor_table.c.id == job_table.c.actor_id)
)


def find_jobs(state: str | None = None, name: str | None = None, cursor: str = "", limit: int = PAGE_SIZE) -> JobPage:
    """A page of the bound tenant's jobs, newest first. Raises `BadRequest` for a cursor of another list."""
    of = f"jobs:{state or ''}:{name or ''}"
    place = Cursor.read(cursor, kernel().cursor_key, of) if cursor else None
    back = place is not None and place.backwards
    order = sa.tuple_(job_table.c.created_at, job_table.c.id)
    query = sa.select(*_ROW).select_from(_FROM).where(job_table.c.tenant_id == current().tenant_id)
    if state is not None:
        query = query.where(*_in_state(state))
    if name is not None:
        query = query.where(job_table.c.name == name)
    if place is not None:
        edge = sa.tuple_(sa.literal(datetime.fromisoformat(place.value)), sa.literal(UUID(place.id)))
        query = query.where(order > edge if back else order < edge)
    directed = (
        (job_table.c.created_at, job_table.c.id) if back else (job_table.c.created_at.desc(), job_table.c.id.desc())
    )
    found = session().execute(query.order_by(*directed).limit(limit + 1)).mappings().all()
    more, found = len(found) > limit, found[:limit]
    rows = tuple(_view(row) for row in (reversed(found) if back else found))

    def edge_of(row: JobView, backwards: bool) -> str:
        return Cursor(of, row.created_at.isoformat(), str(row.id), backwards).write(kernel().cursor_key)

    if not rows:
        return JobPage(())
    has_previous = more if back else place is not None
    has_next = place is not None if back else more
    return JobPage(
        rows, edge_of(rows[0], True) if has_previous else None, edge_of(rows[-1], False) if has_next else None
    )


def find_job(job_id: UUID) -> JobView:
    """One job with its arguments and result. Raises `NotFound`."""
    row = (
        session()
        .execute(
            sa.select(*_ROW, job_table.c.args, job_table.c.result)
            .select_from(_FROM)
            .where(job_table.c.tenant_id == current().tenant_id, job_table.c.id == job_id)
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise NotFound(_("There is no such job."))
    return _view(row)


def lines_of(job_id: UUID) -> list[JobLine]:
    """What a job said about its course, in order; the last 500 lines."""
    rows = session().execute(
        sa.select(job_line.c.at, job_line.c.level, job_line.c.text)
        .where(job_line.c.tenant_id == current().tenant_id, job_line.c.job_id == job_id)
        .order_by(job_line.c.id.desc())
        .limit(_MOST_LINES)
    )
    return [JobLine(row.at, row.level, redact_text(row.text)) for row in reversed(rows.all())]


def job_counts() -> dict[str, int]:
    """How many jobs are in each of `STATES`; counting stops after `COUNTED_TO`, one more says that there are more."""
    one = [
        sa.select(sa.literal(state).label("state"), sa.func.count().label("number")).select_from(
            sa.select(job_table.c.id)
            .where(job_table.c.tenant_id == current().tenant_id, *_in_state(state))
            .limit(COUNTED_TO + 1)
            .subquery()
        )
        for state in STATES
    ]
    return {row.state: row.number for row in session().execute(sa.union_all(*one))}


def job_kinds() -> list[Kind]:
    """The kinds of job that run here, by name, and how many dead ones there are of each and of kinds that are gone."""
    dead = session().execute(
        sa.select(job_table.c.name, sa.func.count().label("number"))
        .where(job_table.c.tenant_id == current().tenant_id, job_table.c.state == "dead")
        .group_by(job_table.c.name)
    )
    counts = {row.name: row.number for row in dead}
    jobs = kernel().background.jobs
    mine = {key for key, job in jobs.items() if is_on(job.plugin, current().access.plugins)} | counts.keys()
    kinds = [Kind(key, label_of(key), counts.get(key, 0)) for key in mine]
    return sorted(kinds, key=lambda kind: kind.label.casefold())


def retry_dead(name: str) -> int:
    """Try all dead jobs of a kind again; of those that are the same work only the newest. How many there were."""
    changed = session().execute(_RETRY_DEAD, {"tenant": current().tenant_id, "name": name, "live": list(LIVE)})
    count = len(changed.all())
    if count:
        wake_after_commit()
    return count


_RETRY_DEAD = text("""
UPDATE ossature.job SET state = 'queued', attempts = 0, due_at = clock_timestamp(), pushed_at = NULL, error = NULL,
  cancel = false, finished_at = NULL, done = 0, total = NULL, note = NULL, result = NULL
WHERE tenant_id = :tenant AND state = 'dead' AND id IN (
  SELECT DISTINCT ON (coalesce(d.unique_key, d.id::text)) d.id FROM ossature.job d
  WHERE d.tenant_id = :tenant AND d.state = 'dead' AND d.name = :name AND (d.unique_key IS NULL OR NOT EXISTS (
    SELECT FROM ossature.job o WHERE o.tenant_id = d.tenant_id AND o.name = d.name
      AND o.unique_key = d.unique_key AND o.state = ANY(:live)))
  ORDER BY coalesce(d.unique_key, d.id::text), d.created_at DESC)
RETURNING id
""")


def again(job_id: UUID) -> UUID:
    """Ask for the same work once more, as a job of its own and in the name of who acts; returns its id.

    Raises `Conflict` when its code is not there or cannot read the arguments of then.
    """
    row = locked(job_id)
    job = kernel().background.jobs.get(row["name"])
    if job is None or not is_on(job.plugin, current().access.plugins):
        raise Conflict(_("Its code is not here any more, or its plugin is switched off."), code="parked")
    try:
        args = read_arguments(job, row["version"], row["args"])
    except Exception as error:
        raise Conflict(_("Its arguments can no longer be read."), code="unreadable") from error
    return enqueue(job, args)


def set_aside(job_id: UUID) -> None:
    """Count a dead job among the cancelled ones, so that nobody is warned of it any more. Raises `Conflict`."""
    if locked(job_id)["state"] != "dead":
        raise Conflict(_("Only a dead job can be set aside."), code="not_dead")
    write(job_id, state="cancelled")


@dataclass(frozen=True, slots=True)
class Troubles:
    """What did not go well: jobs and events that are dead or wait for another try, and the newest dead jobs."""

    dead_jobs: int
    failed_jobs: int
    dead_events: int
    newest: tuple[JobView, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.dead_jobs or self.failed_jobs or self.dead_events)


def dead_counts() -> tuple[int, int]:
    """How many jobs and how many events are dead, 100 at most of each; one statement by indexes."""
    row = session().execute(_DEAD, {"tenant": current().tenant_id}).one()
    return row.jobs, row.events


_DEAD = text("""
SELECT
  (SELECT count(*) FROM (
    SELECT 1 FROM ossature.job WHERE tenant_id = :tenant AND state = 'dead' LIMIT 100) j) AS jobs,
  (SELECT count(*) FROM (
    SELECT 1 FROM ossature.delivery WHERE tenant_id = :tenant AND state = 'dead' LIMIT 100) d) AS events
""")


def troubles() -> Troubles:
    """What somebody who looks after the background should know now; jobs that died within a week are named."""
    row = session().execute(_TROUBLES, {"tenant": current().tenant_id}).one()
    newest: Iterable[JobView] = ()
    if row.dead_jobs:
        since = datetime.now(UTC) - _RECENT
        newest = (job for job in find_jobs("dead", limit=3).rows if job.finished_at and job.finished_at > since)
    return Troubles(row.dead_jobs, row.failed_jobs, row.dead_events, tuple(newest))


_TROUBLES = text("""
SELECT (SELECT count(*) FROM ossature.job WHERE tenant_id = :tenant AND state = 'dead') AS dead_jobs,
  (SELECT count(*) FROM ossature.job WHERE tenant_id = :tenant AND state = 'failed') AS failed_jobs,
  (SELECT count(*) FROM ossature.delivery WHERE tenant_id = :tenant AND state = 'dead') AS dead_events
""")


def label_of(name: str) -> str:
    """A job's label in the reader's language; its key when its code is gone."""
    job = kernel().background.jobs.get(name)
    return str(job.label) if job is not None else name


def checked_state(state: str | None) -> str | None:
    """A state to filter by. Raises `Invalid` when there is no such state."""
    if state and state not in STATES:
        raise Invalid(_("There is no such state. Use one of: %(names)s.", names=", ".join(STATES)))
    return state or None


def _in_state(state: str) -> tuple[sa.ColumnElement[bool], ...]:
    if state == "waiting":
        return job_table.c.state == "queued", job_table.c.due_at <= sa.func.clock_timestamp()
    if state == "planned":
        return job_table.c.state == "queued", job_table.c.due_at > sa.func.clock_timestamp()
    return (job_table.c.state == state,)


def _view(row: Mapping[Any, Any]) -> JobView:
    values = {name: row[name] for name in row if name in JobView.__slots__}
    state = row["state"]
    if state == "queued":
        state = "planned" if row["due_at"] > row["now"] else "waiting"
    for name in ("note", "error"):
        values[name] = redact_text(values[name]) if values[name] else None
    for name in ("args", "result"):
        values[name] = redact(row[name]) if name in row else None
    values |= {
        "state": state, "label": label_of(row["name"]), "known": row["name"] in kernel().background.jobs,
    }  # fmt: skip
    return JobView(**values)
