"""The order in which plugins load: what one requires or comes after goes first, ties by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from ossature.plugins.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Order:
    """`keys` in loading order; `cycles` are rings like (`a`, `b`, `a`), whose members are not in `keys`."""

    keys: tuple[str, ...]
    cycles: tuple[tuple[str, ...], ...] = ()


def order_plugins(manifests: Iterable[Manifest]) -> Order:
    """Order by `requires` and `after`; names of plugins that are not given play no part."""
    left = {manifest.key: manifest for manifest in manifests}
    cycles: list[tuple[str, ...]] = []
    while True:
        graph = {
            key: sorted({other for other in (*manifest.requires, *manifest.after) if other in left})
            for key, manifest in left.items()
        }
        try:
            return Order(_sorted(graph), tuple(cycles))
        except CycleError as error:
            # graphlib names each node before the one that needs it; turned round, it reads "a requires b requires a"
            ring = tuple(reversed(error.args[1]))
            cycles.append(_from_least(ring))
            for key in ring:
                left.pop(key, None)


def _sorted(graph: dict[str, list[str]]) -> tuple[str, ...]:
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    keys: list[str] = []
    ready = sorted(sorter.get_ready())
    while ready:
        key = ready.pop(0)
        keys.append(key)
        sorter.done(key)
        ready = sorted([*ready, *sorter.get_ready()])
    return tuple(keys)


def _from_least(ring: tuple[str, ...]) -> tuple[str, ...]:
    """The same ring begun at its least name, so that messages do not vary."""
    body = ring[:-1]
    start = body.index(min(body))
    return (*body[start:], *body[:start], body[start])
