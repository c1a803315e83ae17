"""A round: write, kill at one point, go on writing, let everything catch up, count."""

from __future__ import annotations

import os
import random
import signal
import time

from torture.counting import Count, count, newest, progress, settled
from torture.deployment import PROCESSES, Deployment, until
from torture.points import ANY_MOMENT, DISPATCHER, POINTS, POSTGRES, REDIS, SCHEDULER, SERVE, WORKER, Point
from torture.standstill import keep, patiently
from torture.writer import Writer

MORE = 8
"""Writes that have to be answered after the kill."""
CAUGHT_UP_WITHIN = 600.0
"""Seconds in which everything has to be done that was asked for, with two workers."""
_PUT_BACK = """
UPDATE ossature.schedule SET next_at = date_trunc('minute', now()) - interval '2 minutes'
WHERE key = '_torture.every_minute' AND next_at IS NOT NULL
"""


def kill_at(deployment: Deployment, writer: Writer, *points: Point) -> Count:
    """One round; what it came to. The client writes before, during and after."""
    since = newest(deployment)
    writer.forget()
    until(lambda: _put_schedule_back(deployment), "a planned schedule")
    for point in points:
        if point.at != ANY_MOMENT:
            deployment.arm(point)
        if point.along == "flush":
            _flush(deployment)
    late = []
    writer.writing.set()
    try:
        for point in points:
            if point.at == ANY_MOMENT:
                _kill_from_outside(deployment, writer, point)
            else:
                patiently(deployment, lambda point=point: _reached(deployment, point), f"reaching {point.name}")
        answered = len(writer.answered)
        patiently(deployment, lambda: len(writer.answered) >= answered + MORE, "writing after the kill")
    except TimeoutError as error:
        late.append(str(error))
    finally:
        deployment.disarm()
        writer.pause()
    try:
        until_settled(deployment)
    except TimeoutError as error:
        late.append(str(error))
    found = count(deployment, since, writer.answered)
    for what in late:
        found.fault("lost", what)
    for refusal in writer.refused:
        found.fault("lost", f"a write was refused: {refusal}")
    if found.faults:
        keep(deployment, found.faults[0])
    return found


def until_settled(deployment: Deployment) -> None:
    """Wait until nothing is left to do, ten minutes at most and for as long as something moves: a slow machine is no
    fault, standing still is."""
    deadline, seen = time.monotonic() + CAUGHT_UP_WITHIN, until(lambda: progress(deployment), "PostgreSQL")
    while True:
        try:
            patiently(deployment, lambda: settled(deployment), "catching up, and nothing moved")
            return
        except TimeoutError:
            before, seen = seen, until(lambda: progress(deployment), "PostgreSQL")
            if seen == before or time.monotonic() > deadline:
                raise


def in_fours() -> list[tuple[Point, ...]]:
    """Every point once, four in a round: of each kind of process one."""
    kinds = [list(one) for one in (SERVE + SCHEDULER, DISPATCHER, WORKER, REDIS + POSTGRES)]
    for kind in kinds:
        random.shuffle(kind)
    assert {len(kind) for kind in kinds} == {len(POINTS) // 4}
    return list(zip(*kinds, strict=True))


def _reached(deployment: Deployment, point: Point) -> bool:
    if deployment.sprung(point):
        return True
    for along in POINTS:  # again and again: another may have been killed than the one that leads to the point
        if along.key == point.along and not deployment.armed(along):
            deployment.arm(along)
    return False


def _kill_from_outside(deployment: Deployment, writer: Writer, point: Point) -> None:
    until(lambda: len(writer.answered) >= 4, "writing")
    time.sleep(random.random() * 0.2)
    name = random.choice([name for name, command in PROCESSES.items() if command == point.process])
    os.kill(deployment.pid(name), signal.SIGKILL)


def _flush(deployment: Deployment) -> None:
    import redis

    redis.Redis.from_url(deployment.redis.url).flushall()


def _put_schedule_back(deployment: Deployment) -> bool:
    """Three minutes of the schedule come at once, as after a pause."""
    with deployment.sql() as connection:
        return connection.execute(_PUT_BACK).rowcount == 1
