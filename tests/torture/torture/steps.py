"""A trap that is stepped on line by line, in processes that are killed after each of its lines.

Run by itself with the folder of the traps: a fork copies the tables of all the memory that its parent holds.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from torture import traps
from torture.points import Point

POINT = Point("dispatcher", "anywhere", "a:function")


def step_through(folder: Path) -> int:
    """How many lines it took; `AssertionError` when a process left the trap neither armed nor sprung."""
    traps.prepare(folder)
    lines, ended = 0, -signal.SIGKILL
    while ended == -signal.SIGKILL:
        lines += 1
        traps.arm(folder, POINT, "SIGCONT 0")
        ended = _step_on_and_die(lines, folder)
        assert traps.armed(folder, POINT) or traps.sprung(folder, POINT), f"killed at line {lines}"
    assert traps.sprung(folder, POINT)
    return lines


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


if __name__ == "__main__":
    print(step_through(Path(sys.argv[1])))
