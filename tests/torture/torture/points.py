"""The steps of a write, an event, a job and a schedule at which something is killed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Victim = Literal["itself", "Redis", "Redis emptied", "PostgreSQL"]

COMMIT = "ossature.db.work:WorkSession.commit"
ANY_MOMENT = ""


@dataclass(frozen=True)
class Point:
    """A call in one kind of process, and what is killed there.

    `at` is `module:name` of a function of the product; `since` narrows a commit to that of the transaction in which
    that function was called. `given` asks for a result. Without `at` the process is killed from outside while it works.
    """

    process: str
    step: str
    at: str = ANY_MOMENT
    when: Literal["before", "after"] = "before"
    since: str = ""
    victim: Victim = "itself"
    given: bool = False
    along: str = ""
    """A point that has to come first, in the same round."""

    @property
    def name(self) -> str:
        return (
            f"{self.process}: {self.step}" if self.victim == "itself" else f"{self.victim}: {self.process}, {self.step}"
        )

    @property
    def key(self) -> str:
        return re.sub(r"\W+", "-", self.name.lower())


_SERVICE, _WAKE = "ossature.records.service", "ossature.events.wake:wake"
_ENQUEUE, _DELIVERY = "ossature.jobs.queue:enqueue", "ossature.events.delivery"
_MANY, _TEND = "rq.queue:Queue.enqueue_many", "ossature.jobs.pushing:Pushing._push_again_what_redis_lost"
_RQ, _RUN = "rq.worker.base:BaseWorker", "ossature.jobs.run"
_END = f"{_RUN}:_Running._end"
_NOTE = "ossature_torture.stones:note"
_ASK = "ossature.jobs.planning:_ask"

SERVE = (
    Point("serve", "before a row is inserted", f"{_SERVICE}:insert_row"),
    Point("serve", "a row inserted, not committed", COMMIT, since=f"{_SERVICE}:insert_row"),
    Point("serve", "an insert committed, not answered", COMMIT, "after", since=f"{_SERVICE}:insert_row"),
    Point("serve", "a row changed, not committed", COMMIT, since=f"{_SERVICE}:update_row"),
    Point("serve", "a change committed, not answered", COMMIT, "after", since=f"{_SERVICE}:update_row"),
    Point("serve", "a job and an event written, not committed", COMMIT, since=_ENQUEUE),
    Point("serve", "a job and an event committed, not answered", COMMIT, "after", since=_ENQUEUE),
    Point("serve", "before the dispatcher is woken", _WAKE),
    Point("serve", "the dispatcher woken, not answered", _WAKE, "after"),
    Point("serve", "at any moment"),
)
DISPATCHER = (
    Point("dispatcher", "before events are taken", f"{_DELIVERY}:_take"),
    Point("dispatcher", "events taken", f"{_DELIVERY}:_take", "after", given=True),
    Point("dispatcher", "within a handler", _NOTE, "after"),
    Point("dispatcher", "a job asked for by a handler", _ENQUEUE, "after"),
    Point("dispatcher", "handlers done, deliveries not struck off", f"{_DELIVERY}:_done"),
    Point("dispatcher", "deliveries struck off, not committed", COMMIT, since=f"{_DELIVERY}:_done"),
    Point("dispatcher", "deliveries committed", COMMIT, "after", since=f"{_DELIVERY}:_done"),
    Point("dispatcher", "before a failed event is put off", f"{_DELIVERY}:_put_off"),
    Point("dispatcher", "a failed event put off, not committed", COMMIT, since=f"{_DELIVERY}:_put_off"),
    Point("dispatcher", "a failed event put off", COMMIT, "after", since=f"{_DELIVERY}:_put_off"),
    Point("dispatcher", "before jobs go to Redis", _MANY),
    Point("dispatcher", "jobs in Redis, not marked", _MANY, "after"),
    Point("dispatcher", "jobs in Redis and marked, not committed", COMMIT, since=_MANY),
    Point("dispatcher", "jobs in Redis and marked", COMMIT, "after", since=_MANY),
    Point("dispatcher", "Redis found empty, not committed", COMMIT, since=_TEND, victim="itself", along="flush"),
    Point("dispatcher", "at any moment"),
)
WORKER = (
    Point("worker", "a job taken from Redis", f"{_RQ}.dequeue_job_and_maintain_ttl", "after", given=True),
    Point("worker", "before the fork", "rq.worker.worker_classes:Worker.fork_work_horse"),
    Point("worker", "while its fork runs", "rq.worker.worker_classes:Worker.monitor_work_horse"),
    Point("worker", "a fork found killed", f"{_RQ}.handle_work_horse_killed", along="worker-s-fork-within-the-job"),
    Point("worker", "a killed fork's job planned again", f"{_RQ}.handle_work_horse_killed", "after",
          along="worker-s-fork-within-the-job"),
    Point("worker", "at any moment"),
    Point("worker's fork", "before the claim", "ossature.jobs.worker:run_job"),
    Point("worker's fork", "claimed, not committed", COMMIT, since=f"{_RUN}:tenant_now"),
    Point("worker's fork", "claimed", f"{_RUN}:_Running.go"),
    Point("worker's fork", "within the job", _NOTE, "after"),
    Point("worker's fork", "after a sign of life", f"{_RUN}:JobRun._beat", "after"),
    Point("worker's fork", "before the job is marked done", _END),
    Point("worker's fork", "marked done, not committed", COMMIT, since=_END),
    Point("worker's fork", "done and committed", COMMIT, "after", since=_END),
    Point("worker's fork", "before a failure is written", f"{_RUN}:_Running._after"),
    Point("worker's fork", "before Redis is told", "ossature.jobs.worker:run_job", "after"),
)  # fmt: skip
SCHEDULER = (
    Point("scheduler", "a schedule found due", "ossature.jobs.scheduler:run_due"),
    Point("scheduler", "before occurrences are written", _ASK),
    Point("scheduler", "a job asked for, not noted", "ossature.jobs.planning:enqueue", "after"),
    Point("scheduler", "occurrences and jobs written, not committed", COMMIT, since=_ASK),
    Point("scheduler", "occurrences and jobs committed", COMMIT, "after", since=_ASK),
    Point("scheduler", "at any moment"),
)
REDIS = (
    Point("serve", "before the dispatcher is woken", _WAKE, victim="Redis"),
    Point("dispatcher", "before jobs go to Redis", _MANY, victim="Redis"),
    Point("dispatcher", "jobs in Redis, not marked", _MANY, "after", victim="Redis"),
    Point("worker", "a job taken from Redis", f"{_RQ}.dequeue_job_and_maintain_ttl", "after", given=True,
          victim="Redis"),
    Point("worker's fork", "within the job", _NOTE, "after", victim="Redis"),
    Point("worker's fork", "done and committed", COMMIT, "after", since=_END, victim="Redis"),
    Point("dispatcher", "jobs in Redis, not marked", _MANY, "after", victim="Redis emptied"),
    Point("dispatcher", "jobs in Redis and marked", COMMIT, "after", since=_MANY, victim="Redis emptied"),
    Point("worker's fork", "within the job", _NOTE, "after", victim="Redis emptied"),
)  # fmt: skip
POSTGRES = (
    Point("serve", "a row inserted, not committed", COMMIT, since=f"{_SERVICE}:insert_row", victim="PostgreSQL"),
    Point("serve", "an insert committed, not answered", COMMIT, "after", since=f"{_SERVICE}:insert_row",
          victim="PostgreSQL"),
    Point("dispatcher", "deliveries struck off, not committed", COMMIT, since=f"{_DELIVERY}:_done",
          victim="PostgreSQL"),
    Point("dispatcher", "jobs in Redis, not marked", _MANY, "after", victim="PostgreSQL"),
    Point("worker's fork", "within the job", _NOTE, "after", victim="PostgreSQL"),
    Point("worker's fork", "marked done, not committed", COMMIT, since=_END, victim="PostgreSQL"),
    Point("scheduler", "occurrences and jobs written, not committed", COMMIT, since=_ASK, victim="PostgreSQL"),
)  # fmt: skip

POINTS = (*SERVE, *DISPATCHER, *WORKER, *SCHEDULER, *REDIS, *POSTGRES)

PAUSE = Point("worker's fork", "paused within the job", _NOTE, "after")
PAUSE_AT_END = Point("worker's fork", "paused with the job's row locked", COMMIT, since=_END)
PAUSE_UNCLAIMED = Point("worker's fork", "paused before the claim", "ossature.jobs.worker:run_job")
HANDS = (PAUSE, PAUSE_AT_END, PAUSE_UNCLAIMED)
"""Places where the tests of recovery stop a process without killing it."""
