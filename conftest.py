"""For all tests of the repository."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests come last: some leave rows behind by the ten thousand, which would change the plans others look at."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
