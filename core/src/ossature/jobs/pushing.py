"""From the list in the database to the queues in Redis. Redis carries ids; losing it loses nothing.

What is handed over twice runs once, since a run claims its job in the database.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import Any
from uuid import UUID

import redis
import sqlalchemy as sa
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import text

from ossature.context import Context
from ossature.db.work import after_commit, session, transaction
from ossature.jobs.run import SILENT_AFTER, park
from ossature.jobs.types import Job
from ossature.kernel import Kernel
from ossature.plugins.manifest import is_on
from ossature.rbac.acting import tenant_now

log = logging.getLogger(__name__)

PRIORITIES = ("high", "normal", "low")
RUN = "ossature.jobs.worker.run"
_MARK = "ossature:jobs:known"
_AT_ONCE = 500
_FORGOTTEN_AFTER = 60  # seconds in a queue after which it is asked whether Redis still has it
_MARGIN = 10  # seconds that the worker's own limit lies above a job's

_DUE = text("""
SELECT j.tenant_id, j.id, j.name, j.priority, j.time_limit, j.attempts FROM ossature.job j
JOIN ossature.tenant t ON t.id = j.tenant_id AND t.status = 'active'
WHERE j.state IN ('queued', 'failed') AND j.pushed_at IS NULL AND j.due_at <= now()
ORDER BY j.due_at LIMIT :most FOR UPDATE OF j SKIP LOCKED
""")
_PUSHED = text(
    "UPDATE ossature.job SET pushed_at = now() WHERE (tenant_id, id) IN (SELECT * FROM unnest(:tenants, :ids))"
)
_LOST = text("UPDATE ossature.job SET pushed_at = NULL WHERE state IN ('queued', 'failed') AND pushed_at IS NOT NULL")
_WAIT_LONG = text(
    "SELECT EXISTS (SELECT FROM ossature.job WHERE state IN ('queued', 'failed') "
    "AND pushed_at < now() - make_interval(secs => :after))"
)
_FORGOTTEN = text("""
UPDATE ossature.job SET pushed_at = NULL
WHERE state IN ('queued', 'failed') AND pushed_at < now() - make_interval(secs => :after)
  AND concat(id, '-', attempts) NOT IN (SELECT unnest(CAST(:there AS text[])))
""")
# A run that is paused at its very end holds its row; it is passed over, or every dispatcher would wait for it.
_SILENT = text(f"""
UPDATE ossature.job SET
  state = CASE WHEN attempts >= most_attempts THEN 'dead' ELSE 'failed' END, pushed_at = NULL, due_at = now(),
  error = 'The worker ended while this was running.',
  finished_at = CASE WHEN attempts >= most_attempts THEN now() END
WHERE (tenant_id, id) IN (
  SELECT tenant_id, id FROM ossature.job
  WHERE state = 'running' AND beat_at < now() - interval '{SILENT_AFTER} seconds' FOR UPDATE SKIP LOCKED)
RETURNING id, name, state
""")  # noqa: S608 - a number of our own
_PARKED = text("SELECT DISTINCT tenant_id, name FROM ossature.job WHERE state = 'parked'")
_UNPARK = text("""
UPDATE ossature.job SET state = 'queued', error = NULL, pushed_at = NULL
WHERE state = 'parked' AND tenant_id = :tenant AND name = :name
""")


class Pushing:
    """Hands due jobs to Redis, and notices when Redis or a worker has lost some. One per dispatcher."""

    def __init__(self, kernel: Kernel, connection: redis.Redis) -> None:
        self.kernel = kernel
        self.connection = connection
        self.queues = {name: queue_of(connection, name) for name in PRIORITIES}

    def push(self) -> int:
        """Hand over what is due; how many. Raises `RedisError` when Redis does not answer: nothing is marked then."""
        with transaction(Context(means="system"), role="system", database=self.kernel.db) as work:
            rows = work.execute(_DUE, {"most": _AT_ONCE}).mappings().all()
            ready: list[Any] = []
            parked: list[Any] = []
            for row in rows:
                (ready if self._runnable(row["tenant_id"], row["name"]) else parked).append(row)
            by_queue = defaultdict(list)
            for row in ready:
                by_queue[row["priority"]].append(
                    Queue.prepare_data(
                        RUN,
                        (str(row["tenant_id"]), str(row["id"])),
                        timeout=row["time_limit"] + _MARGIN,
                        job_id=f"{row['id']}-{row['attempts']}",
                        result_ttl=0,
                        failure_ttl=0,
                        description=row["name"],
                    )
                )
            for name, jobs in by_queue.items():
                self.queues[name].enqueue_many(jobs)
            if ready:
                keys = {"tenants": [row["tenant_id"] for row in ready], "ids": [row["id"] for row in ready]}
                work.execute(_PUSHED.bindparams(*_uuid_lists()), keys)
        for row in parked:
            tenant, _plugins = tenant_now(row["tenant_id"])
            with transaction(Context(tenant, means="system"), database=self.kernel.db):
                park(row["id"], self.kernel.background.jobs.get(row["name"]))
        return len(rows)

    def tend(self) -> None:
        """Every few seconds: what fell silent, what Redis lost, what may run again."""
        with transaction(Context(means="system"), role="system", database=self.kernel.db) as work:
            for row in work.execute(_SILENT):
                level = logging.ERROR if row.state == "dead" else logging.WARNING
                log.log(level, "job %s (%s) fell silent and is %s", row.id, row.name, row.state)
            for tenant_id, name in work.execute(_PARKED).all():
                if self._runnable(tenant_id, name):
                    work.execute(_UNPARK, {"tenant": tenant_id, "name": name})
            self._push_again_what_redis_lost()

    def _runnable(self, tenant_id: UUID, name: str) -> bool:
        job: Job[Any] | None = self.kernel.background.jobs.get(name)
        tenant, plugins = tenant_now(tenant_id)
        return job is not None and tenant is not None and is_on(job.plugin, plugins)

    def _push_again_what_redis_lost(self) -> None:
        """All of it when Redis was started anew or emptied; else what waits for long and is in no queue."""
        server = str(self.connection.info("server")["run_id"])
        known = self.connection.get(_MARK)
        if known != server.encode():
            session().execute(_LOST)
            after_commit(lambda: self._know(server))  # not before: a crash between the two would hide the loss
            return
        if session().scalar(_WAIT_LONG, {"after": _FORGOTTEN_AFTER}):
            there = [name for queue in self.queues.values() for name in queue.job_ids]
            session().execute(_FORGOTTEN, {"after": _FORGOTTEN_AFTER, "there": there})

    def _know(self, server: str) -> None:
        self.connection.set(_MARK, server)


def queue_of(connection: redis.Redis, priority: str) -> Queue:
    return Queue(f"ossature-{priority}", connection=connection, serializer=JSONSerializer)


def _uuid_lists() -> tuple[Any, Any]:
    kind = sa.ARRAY(sa.Uuid)
    return sa.bindparam("tenants", type_=kind), sa.bindparam("ids", type_=kind)
