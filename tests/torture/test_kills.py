"""kill -9 at each step of a write, an event, a job and a schedule: nothing lost, nothing doubled, order kept."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest
from torture.points import DISPATCHER, POINTS, POSTGRES, REDIS, SCHEDULER, SERVE, WORKER, Point
from torture.rounds import kill_at

if TYPE_CHECKING:
    from torture.deployment import Deployment
    from torture.writer import Writer

pytestmark = [pytest.mark.processes, pytest.mark.slow]

TIMES = 3


def rounds() -> list[tuple[Point, ...]]:
    """Every point once, four in a round: of each kind of process one."""
    kinds = [list(one) for one in (SERVE + SCHEDULER, DISPATCHER, WORKER, REDIS + POSTGRES)]
    for kind in kinds:
        random.shuffle(kind)
    assert {len(kind) for kind in kinds} == {len(POINTS) // 4}
    return list(zip(*kinds, strict=True))


def test_whatever_is_killed_nothing_is_lost_or_doubled_and_order_is_kept(
    deployment: Deployment, writer: Writer
) -> None:
    faults, begun = [], time.monotonic()
    for points in [one for _ in range(TIMES) for one in rounds()]:
        found = kill_at(deployment, writer, *points)
        assert found.answered
        assert found.effects
        print(
            f"{time.monotonic() - begun:6.1f} s", " + ".join(point.name for point in points), found.faults, flush=True
        )
        faults += [f"{' + '.join(point.name for point in points)}: {fault}" for fault in found.faults]
    assert faults == []
