"""Events and jobs: how many a second, how late, in how much memory, and what idle processes ask of the database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import orjson
from data import Filled, find
from deployments import Deployment
from report import Figure

from ossature.config import BACKGROUND
from ossature.context import Context, TenantInfo
from ossature.db import transaction
from ossature.ids import new_id
from ossature.kernel import Kernel
from ossature.rbac.tenants import create_tenant, operator_context
from ossature.records.bulk import insert_rows
from ossature.records.lookup import record_type

TENANT = "events"
SECONDS = 20
WAITING = 100_000
IDLE_SECONDS = 30


@dataclass
class EventsBench:
    """Each figure with a dispatcher of its own; `say` tells how it goes."""

    filled: Filled
    home: Path
    say: Callable[[str], None]

    def figures(self) -> list[Figure]:
        return [
            self._rate("batch", 1000, 100, "1,000 events/s to two handlers of batches"),
            self._rate("single", 250, 10, "250 events/s to two handlers of one event"),
            self._drain(),
            self._idle(),
        ]

    @property
    def deployment(self) -> Deployment:
        return self.filled.deployment

    def _rate(self, kind: str, rate: int, together: int, name: str) -> Figure:
        """Write at a rate for a while, in transactions of `together` records; how late each event was handled."""
        with handling(self.deployment, kind, self.home / kind) as read:
            begun = time.monotonic()
            for turn in range(rate * SECONDS // together):
                self._write(together)
                time.sleep(max(0.0, begun + (turn + 1) * together / rate - time.monotonic()))
            took = time.monotonic() - begun
            self._wait_until_handled()
        report = read()
        late = quantiles(report["lags"], n=100)
        reached = rate * SECONDS / took
        met = len(report["lags"]) >= 2 * rate * SECONDS and late[94] < 1 and reached >= 0.98 * rate
        self.say(f"  {name}: {reached:.0f}/s written, handled within {late[94]:.2f} s (95 %)")
        return Figure(
            name, f"{late[94] * 1000:.0f} ms late (95 %)", "below 1 s", met,
            note=f"{reached:,.0f} written a second; half within {late[49] * 1000:.0f} ms, 95 % within {late[94] * 1000:.0f} ms",
        )  # fmt: skip

    def _drain(self) -> Figure:
        """Events that waited are handled: how fast against the same SQL, and in how much memory."""
        with handling(self.deployment, "batch", self.home / "subscribe"):
            pass  # the subscriptions stay while nobody handles them
        for _turn in range(WAITING // 10_000):
            self._write(10_000)
        floor = self._drained_by_sql(20_000)
        begun = time.monotonic()
        with handling(self.deployment, "batch", self.home / "drain") as read:
            begun = time.monotonic()
            self._wait_until_handled()
            took = time.monotonic() - begun
        most = read()["megabytes"]
        rate = (2 * WAITING - 20_000) / took
        self.say(f"  {WAITING:,} waiting: {rate:.0f} deliveries/s, {most:.0f} MB; by SQL alone {floor:.0f}/s")
        return Figure(
            f"{WAITING:,} waiting events drained", f"{most:.0f} MB", "below 250 MB", most < 250,
            note=f"{rate:,.0f} deliveries a second; the same statements by psycopg on one connection: {floor:,.0f}",
        )  # fmt: skip

    def _idle(self) -> Figure:
        """All background processes at rest: statements a second in PostgreSQL's own log."""
        log = self.deployment.home / "log" / "postgres.log"
        with closing(self.deployment.administrator()) as connection:
            connection.execute("ALTER SYSTEM SET log_statement = 'all'")
            connection.execute("SELECT pg_reload_conf()")
        processes = [run(self.deployment, [sys.executable, "-m", "ossature", kind]) for kind in BACKGROUND]
        try:
            time.sleep(15)
            before = log.stat().st_size
            time.sleep(IDLE_SECONDS)
            with log.open("rb") as file:
                file.seek(before)
                lines = [line for line in file if b" LOG:  statement: " in line or b" LOG:  execute " in line]
        finally:
            for process in processes:
                stop(process)
            with closing(self.deployment.administrator()) as connection:
                connection.execute("ALTER SYSTEM RESET log_statement")
                connection.execute("SELECT pg_reload_conf()")
        rate = len(lines) / IDLE_SECONDS
        self.say(f"  idle: {rate:.2f} statements/s")
        return Figure("Idle worker, dispatcher and scheduler", f"{rate:.2f} statements/s", "below 2 in all", rate < 2)

    # -- how ------------------------------------------------------------------------------------------------------------

    def _tenant(self) -> TenantInfo:
        found = find(TENANT)
        if found is None:
            with transaction(Context(means="command")):
                found = create_tenant(TENANT, "Events", locale="en", plugins=["crm"])
        return found

    def _write(self, number: int) -> None:
        rows = ({"id": new_id(), "last_name": f"Mesure {n}", "status": "lead"} for n in range(number))
        with self.filled.app.app_context(), transaction(operator_context(self._tenant())):
            # As a plugin that handlers listen to: this process declares none itself.
            kernel: Kernel = self.filled.app.extensions["ossature"]
            kernel.background.__dict__["heard"] = frozenset({"crm.contact"})
            insert_rows(record_type("crm.contact"), rows)

    def _wait_until_handled(self) -> None:
        with closing(self.deployment.administrator()) as connection:
            while connection.execute("SELECT 1 FROM ossature.delivery LIMIT 1").fetchone():
                time.sleep(0.05)

    def _drained_by_sql(self, number: int) -> float:
        """Deliveries a second by the statements themselves: take a hundred, note them, take them off the list."""
        tenant = self._tenant()
        with closing(self.deployment.app_role()) as connection, connection.cursor() as cursor:
            begun = time.monotonic()
            for _turn in range(number // 100):
                cursor.execute(f"BEGIN; SET LOCAL ossature.tenant = '{tenant.id}'", prepare=False)
                cursor.execute(TAKE, ("ossature.bench_first",))
                rows = cursor.fetchall()
                cursor.execute(
                    "INSERT INTO ossature.receipt (tenant_id, handler, event_id) "
                    "SELECT %s, 'floor', unnest(%s::uuid[])",
                    (tenant.id, [row[1] for row in rows]),
                )
                cursor.execute(
                    "DELETE FROM ossature.delivery WHERE handler = 'ossature.bench_first' AND seq = ANY(%s)",
                    ([row[0] for row in rows],),
                )
                cursor.execute("COMMIT")
            return number / (time.monotonic() - begun)


TAKE = """
WITH taken AS MATERIALIZED (
  SELECT tenant_id, seq, event_at FROM ossature.delivery WHERE handler = %s AND state = 'waiting'
  ORDER BY seq LIMIT 100 FOR UPDATE SKIP LOCKED)
SELECT d.seq, e.id, e.type, e.at, c.payload FROM taken d
JOIN ossature.event e ON e.tenant_id = d.tenant_id AND e.seq = d.seq AND e.at = d.event_at
LEFT JOIN ossature.change c ON c.tenant_id = d.tenant_id AND c.seq = d.seq AND c.at = d.event_at
ORDER BY d.seq
"""


@contextmanager
def handling(deployment: Deployment, kind: str, report: Path) -> Iterator[Callable[[], dict[str, Any]]]:
    """A dispatcher with handlers, ready; its report can be read once it has ended."""
    report.parent.mkdir(parents=True, exist_ok=True)
    ready = report.with_suffix(".ready")
    ready.unlink(missing_ok=True)
    process = run(deployment, [sys.executable, str(Path(__file__).with_name("handling.py")), kind, str(report)])
    try:
        while not ready.exists():
            if process.poll() is not None:
                raise RuntimeError("the dispatcher ended while starting")
            time.sleep(0.05)
        yield lambda: dict(orjson.loads(report.read_bytes()))
    finally:
        stop(process)


def run(deployment: Deployment, command: list[str]) -> subprocess.Popen[bytes]:
    environment = {f"OSSATURE_{name.upper()}": str(value) for name, value in deployment.settings.items() if value}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OSSATURE_")}
    with (deployment.home / "background.log").open("ab") as log:
        return subprocess.Popen(command, env=kept | environment, stdout=log, stderr=log)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(60)
