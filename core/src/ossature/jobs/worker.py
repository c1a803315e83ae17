"""The worker: takes jobs from Redis and runs each in a process of its own, which a job cannot take down with it."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import redis
from rq import Worker
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ossature.context import Context
from ossature.db.work import transaction
from ossature.jobs.pushing import PRIORITIES, queue_of
from ossature.jobs.run import run_job
from ossature.kernel import Kernel, kernel
from ossature.processes_seen import announcing
from ossature.rbac.acting import forget_tenants

log = logging.getLogger(__name__)

_forked = False

UNCLAIMED_FOR = 30.0
"""Seconds after which a fork is killed that does not hold its job: it hangs before the claim, or after the end."""
_LOOK_EVERY = 5

_HELD = text(
    "SELECT TRUE FROM ossature.job WHERE tenant_id = :tenant AND id = :id AND state = 'running' AND worker = :worker"
)
# Killed before its claim, the job is free already and only has to be handed to Redis again.
_UNCLAIMED = text("""
UPDATE ossature.job SET pushed_at = NULL
WHERE tenant_id = :tenant AND id = :id AND state IN ('queued', 'failed') AND pushed_at IS NOT NULL
""")
_KILLED = text("""
UPDATE ossature.job SET
  state = CASE WHEN attempts >= most_attempts THEN 'dead' ELSE 'failed' END, pushed_at = NULL,
  due_at = now() + interval '1 second', error = 'The process that ran this was killed.',
  finished_at = CASE WHEN attempts >= most_attempts THEN now() END
WHERE tenant_id = :tenant AND id = :id AND state = 'running' AND worker = :worker RETURNING id
""")


def run(tenant_id: str, job_id: str) -> None:
    """What Redis names: runs in the process that was forked for one job."""
    run_job(kernel(), UUID(tenant_id), UUID(job_id), _name())


class ForkingWorker(Worker):
    """RQ's worker, with connections of its own in each fork and shorter pauses while Redis is away."""

    max_connection_wait_time = 5.0

    def main_work_horse(self, job: RqJob, queue: Any) -> None:
        global _forked
        _forked = True
        found = kernel()
        found.db.forget()
        found.redis.connection_pool.reset()
        forget_tenants()
        super().main_work_horse(job, queue)

    def maintain_heartbeats(self, job: RqJob) -> None:
        """Called every few seconds while a fork works. One that hangs without holding its job would hold up this worker
        for as long as the job may take."""
        super().maintain_heartbeats(job)
        if self.current_job_working_time > UNCLAIMED_FOR and not _holds(job):
            log.warning("the process for job %s hangs without having begun it; it is killed", job.args[1])
            self.kill_horse(signal.SIGKILL)

    def setup_work_horse_signals(self) -> None:
        """Whoever asks every process of a service to end, as systemd does, means the worker: it waits for this one."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def work(kernel: Kernel, priorities: Sequence[str] = PRIORITIES, burst: bool = False) -> None:
    """Run jobs until SIGTERM, which lets the present one end; with `burst` until there are none.

    Higher priorities go first. Several workers may run on any number of machines.
    """
    connection = redis.Redis.from_url(kernel.config.redis_url, socket_connect_timeout=5, retry_on_timeout=True)

    def killed(job: RqJob, *_how: object) -> None:
        tenant_id, job_id = job.args
        with transaction(Context(means="system"), role="system", database=kernel.db) as session:
            values = {"tenant": UUID(tenant_id), "id": UUID(job_id), "worker": _name()}
            if session.scalar(_KILLED, values) is None:
                session.execute(_UNCLAIMED, values)
        log.warning("the process of job %s was killed; it is tried again", job_id)

    worker = ForkingWorker(
        [queue_of(connection, name) for name in PRIORITIES if name in priorities],
        name=f"{_name()}-{os.urandom(3).hex()}",
        connection=connection,
        serializer=JSONSerializer,
        log_job_description=False,
        job_monitoring_interval=_LOOK_EVERY,
        work_horse_killed_handler=killed,
    )
    with announcing(kernel, "worker"):
        worker.work(burst=burst, logging_level="WARNING")


def _holds(job: RqJob) -> bool:
    """Whether this worker's fork has claimed the job and not ended it; so it is taken to be while nobody can say."""
    tenant_id, job_id = job.args
    try:
        with transaction(Context(means="system"), role="system", database=kernel().db) as session:
            values = {"tenant": UUID(tenant_id), "id": UUID(job_id), "worker": _name()}
            return bool(session.scalar(_HELD, values))
    except SQLAlchemyError:
        return True


def _name() -> str:
    """Host and process id of the worker, the same in its forks."""
    return f"{socket.gethostname()}-{os.getppid() if _forked else os.getpid()}"
