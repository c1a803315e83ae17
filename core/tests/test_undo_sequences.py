"""Any sequence of edits, undone backwards, gives the first state; two who undo at once meet in order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from ossature.db import change_set_id
from ossature.db.work import session
from ossature.errors import Conflict, Refusal
from ossature.history.undo import CannotUndo, undo
from ossature.kernel import kernel
from ossature.records import service
from ossature.records.query import get_row, part_rows
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Quartz", "Jade", "Œil de tigre"]),
        "pieces": st.none() | st.integers(0, 5),
        "ratio": st.sampled_from([None, "0.5", "-1.125"]),
        "price": st.sampled_from([None, {"amount": "1.50", "currency": "EUR"}, {"amount": "3", "currency": "JPY"}]),
        "fragile": st.booleans(),
        "taken_on": st.sampled_from([None, "2026-01-01", "2026-12-31"]),
        "seen_at": st.sampled_from([None, "2026-01-01T10:00:00Z"]),
        "state": st.sampled_from(["raw", "cut", "gone"]),
        "tags": st.lists(st.sampled_from(["red", "green", "Blau"]), unique=True, max_size=3),
        "remark": st.sampled_from([None, "seen", "unseen"]),
        "lines": st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 9)), max_size=3),
    },
)
STEPS = st.lists(st.one_of(CHANGES, st.just("delete"), st.just("restore"), st.just("undo")), min_size=1, max_size=6)


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner")


def state(id: UUID) -> dict[str, Any]:
    """What a record says, without what every write changes."""
    rt = kernel().records["_kinds.sample"]
    row = get_row(rt, id)
    left_out = {"version", "updated_at", "updated_by_id", "deleted_at"}
    lines = [(one["id"], one["finding"], one["share"]) for one in part_rows(rt, [id])["lines"].get(id, [])]
    return {name: value for name, value in row.items() if name not in left_out} | {
        "lines": sorted(lines), "deleted": row["deleted_at"] is not None,
    }  # fmt: skip


def take(id: UUID, step: Any, done: list[UUID]) -> bool:
    """One step in a transaction of its own; whether it wrote anything."""
    rt = kernel().records["_kinds.sample"]
    before = get_row(rt, id)["version"]
    try:
        if step == "undo":
            if not done:
                return False
            undo(done[-1])
        elif isinstance(step, str):
            getattr(service, step)(rt, id)
        else:
            lines = {"lines": [{"finding": a, "share": b} for a, b in step["lines"]]} if "lines" in step else {}
            service.update(rt, id, {**step, **lines})
    except Refusal:
        return False
    return bool(get_row(rt, id)["version"] != before)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(first=CHANGES, steps=STEPS)
def test_any_sequence_undone_backwards_gives_the_first_state(owner: Person, first: Any, steps: list[Any]) -> None:
    rt = kernel().records["_kinds.sample"]
    with owner.work():
        lines = [{"finding": a, "share": b} for a, b in first.get("lines", [])]
        id = service.create(rt, {"name": "First", **first, "lines": lines}).row["id"]
    done: list[UUID] = []
    states = []
    for step in steps:
        with owner.work():
            now = state(id)
            wrote = take(id, step, done)
            number = change_set_id()
            if not wrote:
                session().rollback()
        if wrote:
            states.append(now)
            done.append(number)
    for number, former in zip(reversed(done), reversed(states), strict=True):
        with owner.work():
            undo(number)
            assert state(id) == former


PLAIN = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Quartz", "Jade"]),
        "pieces": st.integers(0, 2),
        "notes": st.sampled_from([None, "a", "b"]),
        "fragile": st.booleans(),
        "state": st.sampled_from(["raw", "cut"]),
    },
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(base=PLAIN, mine=PLAIN, theirs=PLAIN)
def test_what_two_people_changed_apart_holds_and_only_the_same_field_conflicts(
    owner: Person, base: Any, mine: Any, theirs: Any
) -> None:
    rt = kernel().records["_kinds.sample"]
    with owner.work():
        first = service.create(rt, {"name": "First", **base}).row
    with owner.work():
        service.update(rt, first["id"], theirs)
    wanted = {**first, **theirs, **{name: value for name, value in mine.items() if value != first[name]}}
    both_changed = {
        name for name in mine.keys() & theirs.keys()
        if first[name] not in (mine[name], theirs[name]) and mine[name] != theirs[name]
    }  # fmt: skip
    if both_changed:
        with pytest.raises(Conflict) as refused, owner.work():
            service.update(rt, first["id"], mine, version=first["version"])
        assert {one.field for one in refused.value.details} == both_changed
        return
    with owner.work():
        row = service.update(rt, first["id"], mine, version=first["version"]).row
    assert {name: row[name] for name in (*mine, *theirs)} == {name: wanted[name] for name in (*mine, *theirs)}


def made(owner: Person, **fields: Any) -> UUID:
    with owner.work():
        return UUID(str(service.create(kernel().records["_kinds.sample"], {"name": "Quartz", **fields}).row["id"]))


def edited(owner: Person, id: UUID, **fields: Any) -> UUID:
    with owner.work():
        service.update(kernel().records["_kinds.sample"], id, fields)
        return change_set_id()


def both(first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
    """What two threads return or are refused."""
    answers: list[Any] = [None, None]

    def run(number: int, act: Callable[[], Any]) -> None:
        try:
            answers[number] = act()
        except Refusal as refusal:
            answers[number] = refusal

    threads = [threading.Thread(target=run, args=(n, act)) for n, act in enumerate((first, second))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return answers


def undone(owner: Person, number: UUID) -> Any:
    with owner.work():
        return undo(number)


def test_of_two_who_undo_the_same_one_does_and_the_other_is_told(owner: Person) -> None:
    id = made(owner, pieces=1)
    edit = edited(owner, id, pieces=2)
    answers = both(lambda: undone(owner, edit), lambda: undone(owner, edit))
    assert sorted(isinstance(one, CannotUndo) for one in answers) == [False, True]
    with owner.work() as work:
        assert get_row(kernel().records["_kinds.sample"], id)["pieces"] == 1
        query = text("SELECT count(*) FROM ossature.undo WHERE undone_id = :id")
        assert work.execute(query, {"id": edit}).scalar_one() == 1


def test_an_edit_that_comes_while_one_undoes_is_not_lost(owner: Person) -> None:
    rt = kernel().records["_kinds.sample"]
    id = made(owner, pieces=1)
    edit = edited(owner, id, pieces=2)
    waiting = threading.Event()
    answers: list[Any] = []

    def undo_meanwhile() -> None:
        waiting.set()
        try:
            answers.append(undone(owner, edit))
        except Refusal as refusal:
            answers.append(refusal)

    with owner.work() as work:
        service.update(rt, id, {"pieces": 7})
        thread = threading.Thread(target=undo_meanwhile)
        thread.start()
        waiting.wait(5)
        work.execute(select(text("pg_sleep(0.3)")))
    thread.join(timeout=30)
    assert isinstance(answers[0], CannotUndo)
    with owner.work():
        assert get_row(rt, id)["pieces"] == 7
