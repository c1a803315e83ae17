"""Traps in a process of the product: named functions are wrapped, and a call at an armed point kills.

A point is armed by a file of its name that says whom to kill; whoever renames the file first is the one that springs.
One rename does both, so that a trap is armed or sprung, and never neither, whatever else ends its process meanwhile.
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
_striking = threading.Lock()
"""Whoever has sprung a trap strikes before another thread of the process ends it."""


def prepare(folder: Path) -> None:
    for name in ("armed", "sprung"):
        (folder / name).mkdir(parents=True)


def arm(folder: Path, point: Point, what: str) -> None:
    for former in _sprung(folder, point):
        former.unlink()
    new = folder / f"{point.key}.new"
    new.write_text(what)
    new.rename(folder / "armed" / point.key)


def armed(folder: Path, point: Point) -> bool:
    return (folder / "armed" / point.key).exists()


def disarm(folder: Path) -> None:
    for one in (folder / "armed").iterdir():
        one.unlink(missing_ok=True)


def sprung(folder: Path, point: Point) -> int:
    """The process that got there; 0 while none has."""
    return next((int(path.suffix[1:]) for path in _sprung(folder, point)), 0)


def _sprung(folder: Path, point: Point) -> list[Path]:
    return list((folder / "sprung").glob(f"{point.key}.*"))


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
    owner, name, original = function_at(place)
    before = [point for point in points if point.when == "before"]
    after = [point for point in points if point.when == "after"]
    setattr(owner, name, functools.wraps(original)(how(original, place, before, after, folder)))


def function_at(place: str) -> tuple[Any, str, Callable[..., Any]]:
    """Whose attribute the function of a place is, its name there, and itself. Raises `AttributeError`."""
    module, _colon, path = place.partition(":")
    *outer, name = path.split(".")
    owner = functools.reduce(getattr, outer, import_module(module))
    return owner, name, getattr(owner, name)


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
    if not armed(folder, point):
        return
    trap = folder / "armed" / point.key
    with _striking:
        try:
            what, pid = trap.read_text().split()
            trap.rename(folder / "sprung" / f"{point.key}.{os.getpid()}")
        except FileNotFoundError:  # somebody else's
            return
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
