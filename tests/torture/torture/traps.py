"""Traps in a process of the product: named functions are wrapped, and a call at an armed point kills.

A point is armed by a file of its name that says whom to kill; whoever renames the file first is the one that springs.
"""

from __future__ import annotations

import functools
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from torture.points import COMMIT, HANDS, POINTS, Point

_marks = threading.local()


def install(process: str, folder: Path) -> None:
    """Wrap every function that a point of this kind of process names."""
    kinds = (process, f"{process}'s fork")
    places: dict[str, list[Point]] = defaultdict(list)
    for point in (*POINTS, *HANDS):
        if point.process in kinds and point.at:
            places[point.at].append(point)
            if point.since:
                places[point.since] += []
    for place, points in places.items():
        _wrap(place, points, folder, _watched_commit if place == COMMIT else _watched)
    _wrap("ossature.db.work:WorkSession.rollback", [], folder, _forgetting)


def _wrap(place: str, points: list[Point], folder: Path, how: Callable[..., Any]) -> None:
    module, _colon, path = place.partition(":")
    *outer, name = path.split(".")
    owner = functools.reduce(getattr, outer, import_module(module))
    original = getattr(owner, name)
    before = [point for point in points if point.when == "before"]
    after = [point for point in points if point.when == "after"]
    setattr(owner, name, functools.wraps(original)(how(original, place, before, after, folder)))


def _watched(
    original: Callable[..., Any], place: str, before: list[Point], after: list[Point], folder: Path
) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        for point in before:
            _step_on(point, folder)
        result = original(*args, **options)
        _marked().add(place)
        for point in after:
            if result or not point.given:
                _step_on(point, folder)
        return result

    return call


def _watched_commit(
    original: Callable[..., Any], _place: str, before: list[Point], after: list[Point], folder: Path
) -> Callable[..., Any]:
    def commit(*args: Any, **options: Any) -> Any:
        marks = set(_marked())
        for point in before:
            if point.since in marks:
                _step_on(point, folder)
        result = original(*args, **options)
        _marked().clear()
        for point in after:
            if point.since in marks:
                _step_on(point, folder)
        return result

    return commit


def _forgetting(original: Callable[..., Any], *_others: object) -> Callable[..., Any]:
    def rollback(*args: Any, **options: Any) -> Any:
        _marked().clear()
        return original(*args, **options)

    return rollback


def _marked() -> set[str]:
    """What was called in this thread since its last transaction ended."""
    if not hasattr(_marks, "found"):
        _marks.found = set()
    found: set[str] = _marks.found
    return found


def _step_on(point: Point, folder: Path) -> None:
    armed = folder / "armed" / point.key
    if not armed.exists():
        return
    mine = folder / "sprung" / f"{point.key}.{os.getpid()}"
    try:
        armed.rename(mine)
    except FileNotFoundError:
        return
    what, pid = mine.read_text().split()
    mine.write_text(str(os.getpid()))
    mine.rename(folder / "sprung" / point.key)
    strike(what, int(pid) or os.getpid())


def strike(what: str, pid: int) -> None:
    """Kill, stop or pause a process; empty Redis."""
    if what == "flush":
        import redis

        redis.Redis.from_url(os.environ["TORTURE_REDIS"]).flushall()
        return
    os.kill(pid, getattr(signal, what))
    if what == "SIGQUIT":  # PostgreSQL takes a moment to end its processes
        time.sleep(0.3)
