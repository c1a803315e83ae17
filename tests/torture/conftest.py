"""The kill tests: what they stand on is beside them in `torture`, the plugin that they write with in `plugin`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

if TYPE_CHECKING:
    from torture.deployment import Deployment
    from torture.writer import Writer


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    """Servers and processes of this module's own."""
    from torture.deployment import running

    with running() as found:
        yield found


@pytest.fixture(scope="module")
def writer(deployment: Deployment) -> Iterator[Writer]:
    from torture.writer import Writer

    writing = Writer(deployment)
    writing.start()
    yield writing
    writing.over.set()
    writing.join(30)
