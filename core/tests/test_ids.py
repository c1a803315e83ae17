"""Identifiers that are made here."""

from __future__ import annotations

import multiprocessing

from ossature.ids import new_id


def drawn(count: int) -> list[str]:
    return [str(new_id()) for _turn in range(count)]


def test_ids_are_of_version_seven_and_each_sorts_after_those_before_it() -> None:
    ids = [new_id() for _turn in range(1000)]
    assert ids == sorted(set(ids))
    assert {(id.version, id.variant) for id in ids} == {(7, "specified in RFC 4122")}


def test_two_processes_of_one_parent_draw_different_ones() -> None:
    new_id()  # numbers are drawn ahead
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        first, second = pool.map(drawn, [50, 50], chunksize=1)
    ends = [{id[-17:] for id in some} for some in (first, second)]
    assert not ends[0] & ends[1]
