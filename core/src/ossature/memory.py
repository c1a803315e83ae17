"""When Python looks for circles of objects that nobody holds any more."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collected_later() -> Iterator[None]:
    """No collection within the block, for work that makes objects by the thousand and holds them until it ends, as
    the start of a process does: each collection would go through all of them in vain. Not for more of them than memory
    has room for.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
