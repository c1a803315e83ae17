"""Prometheus metrics, in a registry of our own.

With several serving processes each counts in files under PROMETHEUS_MULTIPROC_DIR, which `ossature serve` sets before
they start, and whichever process is asked adds them up.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

from ossature.health.background import BackgroundGauges
from ossature.kernel import Kernel

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_POOL_EVERY = 1.0  # seconds between looks at the pools
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_registry = CollectorRegistry()
_requests = Counter("ossature_requests", "Requests answered", ["endpoint", "method", "status"], registry=_registry)
_durations = Histogram(
    "ossature_request_duration_seconds", "Time to answer a request", ["endpoint"], buckets=_BUCKETS, registry=_registry
)
_connections = Gauge(
    "ossature_database_connections",
    "Connections of the pools",
    ["engine", "state"],
    multiprocess_mode="livesum",
    registry=_registry,
)
_background = BackgroundGauges(_registry)
_engines: dict[str, Engine] = {}
_looked = 0.0


def observe_request(endpoint: str | None, method: str, status: int, seconds: float) -> None:
    """Count one answered request. `endpoint` is Flask's, None when no route matched: both are bounded in number."""
    name = endpoint or "unmatched"
    _requests.labels(name, method if method in METHODS else "other", str(status)).inc()
    _durations.labels(name).observe(seconds)
    if time.monotonic() - _looked > _POOL_EVERY:
        _look_at_pools()


def watch_pool(name: str, engine: Engine) -> None:
    """Show an engine's connections among the metrics."""
    _engines[name] = engine


def render(kernel: Kernel) -> bytes:
    """All metrics in Prometheus' text format."""
    _look_at_pools()
    _background.refresh(kernel)
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not folder:
        return generate_latest(_registry)
    _forget_the_dead(Path(folder))
    together = CollectorRegistry()
    MultiProcessCollector(together, path=folder)  # type: ignore[no-untyped-call]
    return generate_latest(together)


def _look_at_pools() -> None:
    global _looked
    _looked = time.monotonic()
    for name, engine in _engines.items():
        pool = engine.pool
        if isinstance(pool, QueuePool):
            _connections.labels(name, "in_use").set(pool.checkedout())
            _connections.labels(name, "idle").set(pool.checkedin())


def _forget_the_dead(folder: Path) -> None:
    """Drop what processes that have ended said about their present state; their counts stay."""
    for file in folder.glob("gauge_live*_*.db"):
        found = re.search(r"_(\d+)\.db$", file.name)
        if found and not psutil.pid_exists(int(found.group(1))):
            with suppress(FileNotFoundError):
                file.unlink()
