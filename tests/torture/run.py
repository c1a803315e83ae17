"""`make torture N=1000`: so many kills, spread over all points, and a table of what they came to."""

from __future__ import annotations

import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from torture.counting import Count
from torture.deployment import running
from torture.points import POINTS, Point
from torture.rounds import in_fours, kill_at
from torture.writer import Writer

TABLE = Path(__file__).parents[2] / "benchmarks" / "TORTURE.md"


def main(kills: int) -> int:
    counts: dict[Point, Count] = {}
    done: dict[Point, int] = {}
    whole = Count()
    begun = time.monotonic()
    with running() as deployment:
        writer = Writer(deployment)
        writer.start()
        rounds: list[tuple[Point, ...]] = []
        while sum(done.values()) < kills:
            rounds = rounds or in_fours()
            points, at = rounds.pop(), time.monotonic()
            found = kill_at(deployment, writer, *points)
            whole += found
            for point in points:
                counts[point] = counts.get(point, Count()) + found
                done[point] = done.get(point, 0) + 1
            names = " + ".join(point.name for point in points)
            print(f"{sum(done.values())}/{kills} {time.monotonic() - at:5.1f} s  {names}", flush=True)
            for fault in found.faults:
                print(f"    {fault}", flush=True)
        restarts = deployment.restarts
    TABLE.write_text(table(counts, done, whole, time.monotonic() - begun, restarts))
    return 1 if whole.faults else 0


def table(counts: dict[Point, Count], done: dict[Point, int], whole: Count, seconds: float, restarts: int) -> str:
    head = (
        "# Torture\n\n"
        f"Written by `make torture N={sum(done.values())}` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} processors, "
        f"Python {platform.python_version()}, {seconds / 60:.0f} minutes, {restarts} processes started again.\n\n"
        "At each point a process kills itself with SIGKILL, or kills Redis, empties it, or stops PostgreSQL at once\n"
        "(`-m immediate`), while a client writes; a round kills at four points. What died is started again at once. When\n"
        "nothing is left to do, the writes that the client saw answered are counted against rows, and rows against effects\n"
        "of three handlers, jobs and a schedule. One write in eight asks for a job and emits an event, and leaves no row.\n"
        "The pauses between attempts and between signs of life are shortened (`tests/torture/torture/launch.py`);\n"
        "nothing else is.\n"
        "The last three columns should be 0. A line counts the rounds in which its point was one of the four.\n\n"
        "| killed at | kills | writes answered 2xx | rows | effects | lost | doubled | out of order |\n"
        "|---|--:|--:|--:|--:|--:|--:|--:|\n"
    )
    lines = [_line(point.name, done[point], one) for point, one in counts.items()]
    total = _line("**all**", sum(done.values()), whole)
    return head + "\n".join([*lines, total]) + "\n"


def _line(name: str, kills: int, one: Count) -> str:
    numbers = (kills, one.answered, one.rows, one.effects, one.lost, one.doubled, one.disordered)
    return f"| {name} | {' | '.join(f'{number:,}' for number in numbers)} |"


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else len(POINTS)))
