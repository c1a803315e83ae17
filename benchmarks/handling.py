"""A dispatcher with two handlers, as a process of its own: `python handling.py batch|single REPORT`.

Each handler notes every event in the database. At the end (SIGTERM) the report holds the seconds from the writing of
each event to its handling, and the most memory the process had.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import orjson
from sqlalchemy import text

from ossature.app import create_app
from ossature.config import Config
from ossature.db import session
from ossature.events.dispatcher import Dispatcher
from ossature.events.subscriptions import tell_database
from ossature.events.types import Event, Handler
from ossature.kernel import Background, Kernel

EVENT = "crm.contact.created"
NOTE = text(
    "INSERT INTO ossature.receipt (tenant_id, handler, event_id) SELECT :tenant, :handler, unnest(CAST(:ids AS uuid[]))"
)


def main(kind: str, report: Path) -> None:
    kernel: Kernel = create_app(Config.load()).extensions["ossature"]
    lags: list[float] = []

    def note(events: Sequence[Event]) -> None:
        first = events[0]
        session().execute(
            NOTE, {"tenant": first.tenant_id, "handler": first.handler, "ids": [event.id for event in events]}
        )
        now = time.time()
        lags.extend(now - event.at.timestamp() for event in events)

    def note_one(event: Event) -> None:
        note([event])

    handlers = [
        Handler(f"ossature.bench_{name}", name, (EVENT,), note if kind == "batch" else note_one, 100 if kind == "batch" else 1)
        for name in ("first", "second")
    ]  # fmt: skip
    kernel.background = Background({}, {handler.key: handler for handler in handlers}, {}, {})
    tell_database(kernel)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    report.with_suffix(".ready").touch()
    Dispatcher(kernel).run(stop)
    report.write_bytes(orjson.dumps({"lags": lags, "megabytes": most_memory()}))


def most_memory() -> float:
    """The most megabytes this process has had. Not `ru_maxrss`, which counts those of who started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
