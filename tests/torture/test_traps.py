"""The traps themselves: where they lie, and that one which is no longer armed has sprung."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from torture import traps
from torture.points import HANDS, POINTS

pytestmark = pytest.mark.processes

PLACES = {
    place
    for point in (*POINTS, *HANDS)
    for place in (point.at, point.since)
    if place.startswith(("ossature.", "rq."))  # the plugin's own are not installed here
}


def test_a_process_that_is_killed_at_any_line_leaves_a_trap_armed_or_sprung(tmp_path: Path) -> None:
    steps = [sys.executable, "-m", "torture.steps", tmp_path]
    done = subprocess.run(steps, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5


@pytest.mark.parametrize("place", sorted(PLACES))
def test_the_places_of_traps_are_functions(place: str) -> None:
    assert callable(traps.function_at(place)[2])
