"""Background work among the metrics: how much there is, how far behind it is, and who works on it."""

from __future__ import annotations

import logging
import time

import psycopg
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ossature.context import Context
from ossature.db.work import transaction
from ossature.kernel import Kernel
from ossature.processes_seen import KINDS, seen

log = logging.getLogger(__name__)

_EVERY = 5.0  # seconds between looks at the database
_JOB_STATES = ("waiting", "planned", "running", "failed", "dead", "parked")
_DELIVERY_STATES = ("waiting", "retry", "dead")

# Job by job state of each tenant, since the indexes begin with the tenant; what is over is not counted.
_JOBS = text("""
SELECT s.state, sum(c.number) AS number, sum(c.later) AS later,
  coalesce(extract(epoch FROM clock_timestamp() - min(c.oldest)), 0) AS lag
FROM ossature.tenant t CROSS JOIN unnest(ARRAY['queued', 'running', 'failed', 'dead', 'parked']) s (state)
CROSS JOIN LATERAL (
  SELECT count(*) AS number, count(*) FILTER (WHERE j.due_at > now()) AS later,
    min(j.due_at) FILTER (WHERE s.state IN ('queued', 'failed') AND j.due_at <= now()) AS oldest
  FROM ossature.job j WHERE j.tenant_id = t.id AND j.state = s.state) c
GROUP BY s.state
""")
_DELIVERIES = text("""
SELECT state, count(*) AS number,
  coalesce(extract(epoch FROM clock_timestamp() - min(event_at) FILTER (WHERE state = 'waiting')), 0) AS lag
FROM ossature.delivery GROUP BY state
""")


class BackgroundGauges:
    """The gauges, worked out when somebody asks; two statements over all tenants and one look into Redis."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(name, meaning, labels, multiprocess_mode="livemostrecent", registry=registry)

        self._jobs = gauge("ossature_jobs", "Jobs that are not over, and dead ones", "state")
        self._deliveries = gauge("ossature_deliveries", "Events owed to handlers", "state")
        self._delivery_lag = gauge("ossature_delivery_lag_seconds", "Age of the event that waits the longest")
        self._job_lag = gauge("ossature_job_lag_seconds", "Time since the longest waiting job was due")
        self._processes = gauge("ossature_processes", "Background processes that run", "kind")
        self._looked = float("-inf")

    def refresh(self, kernel: Kernel) -> None:
        """Work them out unless that was done within five seconds; without the database they stay as they were."""
        if time.monotonic() - self._looked < _EVERY:
            return
        self._looked = time.monotonic()
        processes = [one.kind for one in seen(kernel)]
        for kind in KINDS:
            self._processes.labels(kind).set(processes.count(kind))
        try:
            with transaction(Context(means="system"), role="system", database=kernel.db) as work:
                jobs = {row.state: row for row in work.execute(_JOBS)}
                deliveries = {row.state: row for row in work.execute(_DELIVERIES)}
        except (SQLAlchemyError, psycopg.Error) as error:
            log.warning("the metrics of background work could not be read: %s", type(error).__name__)
            return
        counts = {state: int(row.number) for state, row in jobs.items()}
        counts["planned"] = int(jobs["queued"].later) if "queued" in jobs else 0
        counts["waiting"] = counts.pop("queued", 0) - counts["planned"]
        for state in _JOB_STATES:
            self._jobs.labels(state).set(counts.get(state, 0))
        for state in _DELIVERY_STATES:
            self._deliveries.labels(state).set(deliveries[state].number if state in deliveries else 0)
        self._job_lag.set(max((float(row.lag) for row in jobs.values()), default=0.0))
        self._delivery_lag.set(max((float(row.lag) for row in deliveries.values()), default=0.0))
