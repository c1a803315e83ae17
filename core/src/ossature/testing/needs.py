"""What a machine may lack: skipped by name, or a failure where everything is required."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def everything_required() -> bool:
    return os.environ.get("CI") == "true" or os.environ.get("OSSATURE_REQUIRE_ALL") == "1"


def need(reason: str) -> NoReturn:
    """End the test: skipped with the reason, failed where nothing may be skipped."""
    if everything_required():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
