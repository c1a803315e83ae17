"""For all tests of the repository."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

gc.disable()  # reading the tests makes much that stays and no garbage: looking for it takes a third of the time


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests come first: begun at the end, one would be waited for alone. Slow ones come last: some leave rows
    behind by the ten thousand, which would change the plans others look at."""
    items.sort(key=lambda item: (item.get_closest_marker("slow") is not None, item.get_closest_marker("long") is None))
