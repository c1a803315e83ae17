"""The order in which plugins load."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ossature.plugins.manifest import Manifest
from ossature.plugins.order import order_plugins


def manifest(key: str, requires: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> Manifest:
    return Manifest(key, key, "1", "1", requires=requires, after=after)


def test_what_is_required_or_named_in_after_comes_first_and_ties_go_by_name() -> None:
    order = order_plugins(
        [
            manifest("billing", requires=("crm",)),
            manifest("ai", after=("workflow",)),
            manifest("crm"),
            manifest("workflow"),
        ]
    )
    assert order.keys == ("crm", "billing", "workflow", "ai")


def test_a_plugin_named_in_after_that_is_absent_plays_no_part() -> None:
    assert order_plugins([manifest("crm", after=("inventory",))]).keys == ("crm",)


def test_a_cycle_is_named_and_the_rest_is_ordered() -> None:
    order = order_plugins(
        [
            manifest("c", requires=("a",)),
            manifest("a", requires=("b",)),
            manifest("b", requires=("c",)),
            manifest("free"),
        ]
    )
    assert order.cycles == (("a", "b", "c", "a"),)
    assert order.keys == ("free",)


def test_two_cycles_are_both_named() -> None:
    pairs = [("a", "b"), ("b", "a"), ("x", "y"), ("y", "x")]
    order = order_plugins([manifest(key, requires=(other,)) for key, other in pairs])
    assert set(order.cycles) == {("a", "b", "a"), ("x", "y", "x")}


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.sets(st.sampled_from("abcdefgh")), max_size=8))
def test_every_plugin_is_ordered_after_its_requirements_or_named_in_a_cycle(graph: dict[str, set[str]]) -> None:
    order = order_plugins([manifest(key, requires=tuple(sorted(needs - {key}))) for key, needs in graph.items()])
    in_cycle = {key for ring in order.cycles for key in ring}
    assert sorted([*order.keys, *in_cycle]) == sorted(graph)
    for key in order.keys:
        for need in graph[key] - {key}:
            if need in order.keys:
                assert order.keys.index(need) < order.keys.index(key)
