"""The traps themselves: where they lie, and that one which is no longer armed has sprung."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from torture import traps
from torture.points import HANDS, POINTS, Point

pytestmark = pytest.mark.processes

POINT = Point("dispatcher", "anywhere", "a:function")
PLACES = {
    place
    for point in (*POINTS, *HANDS)
    for place in (point.at, point.since)
    if place.startswith(("ossature.", "rq."))  # the plugin's own are not installed here
}


def test_a_process_that_is_killed_at_any_line_leaves_a_trap_armed_or_sprung(tmp_path: Path) -> None:
    traps.prepare(tmp_path)
    lines, ended = 0, -signal.SIGKILL
    while ended == -signal.SIGKILL:
        lines += 1
        traps.arm(tmp_path, POINT, "SIGCONT 0")
        ended = _step_on_and_die(lines, tmp_path)
        assert traps.armed(tmp_path, POINT) or traps.sprung(tmp_path, POINT), f"killed at line {lines}"
    assert traps.sprung(tmp_path, POINT)
    assert lines > 5


@pytest.mark.parametrize("place", sorted(PLACES))
def test_the_places_of_traps_are_functions(place: str) -> None:
    assert callable(traps.function_at(place)[2])


def _step_on_and_die(after: int, folder: Path) -> int:
    """How a process ended that was killed after so many lines of stepping on the trap; 0 when it got through."""
    child = os.fork()
    if child == 0:
        left = after

        def count(_frame: FrameType, what: str, _about: Any) -> Any:
            nonlocal left
            left -= what == "line"
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            return count

        sys.settrace(count)
        traps._step_on(POINT, folder)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
