"""Events: written with the business data, handed over once and in order, whatever fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel
from sqlalchemy import text

from ossature.context import current
from ossature.db.work import after_commit, session
from ossature.events import delivery
from ossature.events.delivery import Lane, deliver, replay
from ossature.events.emit import emit
from ossature.events.types import Event, EventType, Handler
from ossature.kernel import Kernel
from ossature.rbac.acting import forget_tenants
from ossature.records import service
from ossature.records.bulk import insert_rows
from ossature.testing.background import run_pending
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

API = "/api/_kinds/shelves"
VERBS = tuple(f"_kinds.shelf.{verb}" for verb in ("created", "updated", "deleted", "restored", "purged"))
Declare = Callable[..., None]
Listen = Callable[..., Any]


class Moved(BaseModel):
    floor: int


MOVED = EventType("ossature.moved", "Moved", Moved)


def add(owner: Person, name: str = "Top") -> str:
    answer = owner.api.post(API, json={"name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


def rename(owner: Person, id: str, name: str) -> None:
    assert owner.api.patch(f"{API}/{id}", json={"name": name}).status_code == 200


def owed(tenant: Tenant, handler: str = "ossature.listen") -> list[tuple[str, int]]:
    """State and attempts of what a handler is still owed, in order."""
    with tenant.work() as work:
        rows = work.execute(
            text("SELECT state, attempts FROM ossature.delivery WHERE handler = :handler ORDER BY seq"),
            {"handler": handler},
        )
        return [(row.state, row.attempts) for row in rows]


def written(tenant: Tenant) -> list[str]:
    with tenant.work() as work:
        return list(work.scalars(text("SELECT type FROM ossature.event ORDER BY seq")))


def make_due(tenant: Tenant) -> None:
    """As if the pause after a failure were over."""
    with tenant.work() as work:
        work.execute(text("UPDATE ossature.delivery SET due_at = now() WHERE state = 'retry'"))


# -- what is written --------------------------------------------------------------------------------------------------


def test_each_thing_that_happens_to_a_record_is_an_event_with_what_changed(
    listen: Listen, owner: Person, tenant: Tenant
) -> None:
    heard = listen(*VERBS)
    id = add(owner, "Top")
    rename(owner, id, "Bottom")
    owner.api.delete(f"{API}/{id}")
    owner.page.post(f"/_kinds/shelves/{id}/restore")
    with tenant.work() as work:
        work.execute(text("DELETE FROM _kinds.shelf WHERE id = :id"), {"id": id})
    run_pending(tenant)
    assert heard.types == ["created", "updated", "deleted", "restored", "purged"]
    created, updated, *_others = heard.events
    assert created.data["changes"]["name"] == {"before": None, "after": "Top"}
    assert updated.data == {"version": 2, "changes": {"name": {"before": "Top", "after": "Bottom"}}}
    assert (created.record, created.record_id, created.actor_id) == ("_kinds.shelf", UUID(id), owner.member_id)
    assert heard.events[-1].actor_id is None
    assert (created.tenant_id, created.handler, created.attempt) == (tenant.id, "ossature.listen", 1)


def test_a_write_by_hand_and_a_write_of_many_rows_are_events_too(
    listen: Listen, kernel: Kernel, owner: Person, tenant: Tenant
) -> None:
    heard = listen(*VERBS)
    with tenant.work() as work:
        work.execute(text("INSERT INTO _kinds.shelf (id, name) VALUES (gen_random_uuid(), 'By hand')"))
    with owner.work():
        rows = ({"id": uuid4(), "name": f"Row {number}"} for number in range(3))
        insert_rows(kernel.records["_kinds.shelf"], rows)
    run_pending(tenant)
    assert heard.names == ["By hand", "Row 0", "Row 1", "Row 2"]


def test_parts_of_a_record_have_events_of_their_own(listen: Listen, owner: Person, tenant: Tenant) -> None:
    heard = listen("_kinds.sample_line.created")
    owner.api.post("/api/_kinds/samples", json={"name": "Quartz", "lines": [{"finding": "salt"}]})
    run_pending(tenant)
    (event,) = heard.events
    assert event.record == "_kinds.sample_line"
    assert event.data["changes"]["finding"]["after"] == "salt"


def test_what_is_secret_is_not_in_an_event(listen: Listen, owner: Person, tenant: Tenant) -> None:
    heard = listen("_kinds.sample.created")
    owner.api.post("/api/_kinds/samples", json={"name": "Quartz", "token": "open sesame"})
    run_pending(tenant)
    assert "token" not in heard.events[0].data["changes"]


def test_only_what_somebody_handles_is_written(listen: Listen, owner: Person, tenant: Tenant) -> None:
    listen("_kinds.shelf.deleted")
    id = add(owner)
    rename(owner, id, "Bottom")
    assert written(tenant) == []
    owner.api.delete(f"{API}/{id}")
    assert written(tenant) == ["_kinds.shelf.deleted"]


def test_what_is_emitted_goes_with_the_unit_of_work(
    declare: Declare, listen: Listen, owner: Person, tenant: Tenant
) -> None:
    declare(MOVED)
    heard, record_id = listen("ossature.moved"), uuid4()
    with owner.work() as work:
        emit(MOVED, Moved(floor=1))
        work.rollback()
    with owner.work():
        id = emit(MOVED, Moved(floor=2), record="_kinds.shelf", record_id=record_id)
    run_pending(tenant)
    (event,) = heard.events
    assert (event.id, event.type, event.version, event.data) == (id, "ossature.moved", 1, {"floor": 2})
    assert (event.record, event.record_id, event.actor_id) == ("_kinds.shelf", record_id, owner.member_id)


def test_emitting_checks_what_it_is_given(declare: Declare, owner: Person) -> None:
    class Other(BaseModel):
        floor: int

    with owner.work(), pytest.raises(LookupError, match="register_events"):
        emit(MOVED, Moved(floor=1))
    declare(MOVED)
    with owner.work(), pytest.raises(TypeError, match="takes Moved, not Other"):
        emit(MOVED, Other(floor=1))


def test_an_event_is_a_cloud_event_to_others(listen: Listen, owner: Person, tenant: Tenant) -> None:
    heard = listen("_kinds.shelf.created")
    id = add(owner)
    run_pending(tenant)
    (event,) = heard.events
    outside = event.as_cloud_event()
    assert outside.keys() == {
        "specversion", "id", "source", "type", "time", "datacontenttype", "subject", "dataversion", "data",
    }  # fmt: skip
    assert (outside["specversion"], outside["id"], outside["type"]) == ("1.0", str(event.id), "_kinds.shelf.created")
    assert (outside["source"], outside["subject"]) == (f"/tenants/{tenant.id}", f"_kinds.shelf/{id}")


def test_data_of_a_former_version_comes_in_the_present_form(
    declare: Declare, listen: Listen, owner: Person, tenant: Tenant
) -> None:
    class Newer(BaseModel):
        storey: int
        why: str

    declare(MOVED)
    heard = listen("ossature.moved")
    with owner.work():
        emit(MOVED, Moved(floor=4))
    steps = {1: lambda data: {"storey": data["floor"]}, 2: lambda data: {**data, "why": "unknown"}}
    declare(EventType("ossature.moved", "Moved", Newer, version=3, upgrades=steps))
    run_pending(tenant)
    (event,) = heard.events
    assert (event.version, event.data) == (3, {"storey": 4, "why": "unknown"})


# -- order and failure ------------------------------------------------------------------------------------------------


def test_a_record_that_fails_holds_up_its_own_later_events_and_no_others(
    listen: Listen, owner: Person, tenant: Tenant
) -> None:
    heard = listen(*VERBS)
    bad, good = add(owner, "bad"), add(owner, "good")
    rename(owner, bad, "bad later")
    rename(owner, good, "good later")
    heard.failing = {"bad"}
    run_pending(tenant)
    assert heard.names == ["good", "good later"]
    assert owed(tenant) == [("retry", 1), ("waiting", 0)]

    heard.failing = set()
    run_pending(tenant)
    assert heard.names == ["good", "good later"], "the pause is not over"
    make_due(tenant)
    run_pending(tenant)
    assert heard.names == ["good", "good later", "bad", "bad later"]
    assert heard.events[2].attempt == 2
    assert owed(tenant) == []


def test_after_the_last_attempt_an_event_is_dead_and_later_ones_go_on(
    listen: Listen, owner: Person, tenant: Tenant
) -> None:
    heard = listen(*VERBS, attempts=3)
    id = add(owner, "bad")
    rename(owner, id, "later")
    heard.failing = {"bad"}
    for _attempt in range(3):
        run_pending(tenant)
        make_due(tenant)
    run_pending(tenant)
    assert owed(tenant) == [("dead", 3)]
    assert heard.names == ["later"]
    with tenant.work() as work:
        error = work.scalar(text("SELECT error FROM ossature.delivery"))
    assert error == "RuntimeError: bad is not wanted, [redacted]"


def test_the_pauses_between_attempts_grow(listen: Listen, owner: Person, tenant: Tenant) -> None:
    heard = listen(*VERBS)
    assert [heard.handler.pause_after(number) for number in range(1, 9)] == [2, 6, 18, 54, 162, 486, 1458, 3600]
    add(owner, "bad")
    heard.failing = {"bad"}
    pauses = []
    for _attempt in range(3):
        run_pending(tenant)
        with tenant.work() as work:
            pauses.append(work.scalar(text("SELECT extract(epoch FROM due_at - now()) FROM ossature.delivery")))
        make_due(tenant)
    assert [round(float(pause)) for pause in pauses] == [2, 6, 18]


def test_dead_events_are_handed_over_again_when_asked(listen: Listen, owner: Person, tenant: Tenant) -> None:
    heard = listen(*VERBS, attempts=1)
    add(owner, "bad")
    heard.failing = {"bad"}
    run_pending(tenant)
    heard.failing = set()
    with owner.work() as work:
        seqs = list(work.scalars(text("SELECT seq FROM ossature.delivery WHERE state = 'dead'")))
        assert replay(heard.handler, seqs) == 1
        assert replay("ossature.listen", seqs) == 0, "it is not dead any more"
    run_pending(tenant)
    assert heard.names == ["bad"]
    assert owed(tenant) == []


def test_what_a_failing_handler_wrote_is_undone_with_its_callbacks(
    declare: Declare, owner: Person, tenant: Tenant
) -> None:
    called: list[str] = []

    def take(event: Event) -> None:
        name = event.data["changes"]["name"]["after"]
        session().execute(text("INSERT INTO ossature.team (id, name) VALUES (:id, :n)"), {"id": uuid4(), "n": name})
        after_commit(lambda: called.append(name))
        if name == "bad":
            raise RuntimeError

    declare(Handler("ossature.listen", "Listen", ("_kinds.shelf.created",), take))
    for name in ("first", "bad", "last"):
        add(owner, name)
    run_pending(tenant)
    with tenant.work() as work:
        assert set(work.scalars(text("SELECT name FROM ossature.team"))) == {"first", "last"}
    assert called == ["first", "last"]


def test_a_handler_acts_as_a_job_that_may_do_everything_and_the_history_names_it(
    declare: Declare, kernel: Kernel, owner: Person, tenant: Tenant
) -> None:
    seen = []

    def take(event: Event) -> None:
        seen.append(current())
        service.create(kernel.records["_kinds.sample"], {"name": "Made"})

    declare(Handler("ossature.listen", "Listen closely", ("_kinds.shelf.created",), take))
    add(owner)
    run_pending(tenant)
    (context,) = seen
    assert (context.tenant_id, context.means, context.actor.kind) == (tenant.id, "job", "job")
    with tenant.work() as work:
        label = work.scalar(text("SELECT a.label FROM _kinds.sample s JOIN ossature.actor a ON a.id = s.created_by_id"))
    assert label == "Listen closely"


# -- batches ----------------------------------------------------------------------------------------------------------


def test_a_batch_handler_gets_lists_in_order_up_to_its_size(listen: Listen, owner: Person, tenant: Tenant) -> None:
    heard = listen(*VERBS, batch=3)
    for number in range(7):
        add(owner, f"Shelf {number}")
    run_pending(tenant)
    assert heard.calls == [3, 3, 1]
    assert heard.names == [f"Shelf {number}" for number in range(7)]


def test_a_batch_that_fails_is_tried_one_by_one(listen: Listen, owner: Person, tenant: Tenant) -> None:
    heard = listen(*VERBS, batch=10)
    for name in ("first", "bad", "last"):
        add(owner, name)
    heard.failing = {"bad"}
    run_pending(tenant)
    assert heard.calls == [3, 1, 1, 1]
    assert heard.names == ["first", "last"]
    assert owed(tenant) == [("retry", 1)]


# -- once -------------------------------------------------------------------------------------------------------------


def test_first_time_tells_a_replay_from_the_first_and_is_undone_with_a_failure(
    declare: Declare, owner: Person, tenant: Tenant
) -> None:
    sent: list[bool] = []
    failing = [True]

    def take(event: Event) -> None:
        sent.append(event.first_time())
        if failing:
            failing.pop()
            raise RuntimeError

    declare(Handler("ossature.listen", "Listen", ("_kinds.shelf.created",), take, attempts=1))
    add(owner)
    run_pending(tenant)
    assert owed(tenant) == [("dead", 1)]
    with tenant.work() as work:
        replay("ossature.listen", list(work.scalars(text("SELECT seq FROM ossature.delivery"))))
    run_pending(tenant)
    assert sent == [True, True], "the first attempt came to nothing"
    with tenant.work() as work:  # as if the same event were handed over again by an operator
        work.execute(
            text(
                "INSERT INTO ossature.delivery (tenant_id, handler, seq, event_at, record_id) "
                "SELECT tenant_id, 'ossature.listen', seq, at, record_id FROM ossature.event"
            )
        )
    run_pending(tenant)
    assert sent == [True, True, False]


def test_two_processes_at_one_lane_hand_each_event_over_once_and_in_order(
    listen: Listen, kernel: Kernel, owner: Person, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = listen(*VERBS)
    monkeypatch.setattr(delivery, "TAKEN_AT_ONCE", 5)
    ids = [add(owner, f"Shelf {number}") for number in range(10)]
    for id in ids:
        rename(owner, id, "Bottom")
    forget_tenants()
    lane, start = Lane(tenant.id, "ossature.listen", "waiting"), threading.Barrier(4)

    def at_work() -> int:
        start.wait()
        done = 0
        while owed(tenant):
            done += deliver(kernel, lane)
        return done

    with ThreadPoolExecutor(4) as pool:
        counts = [future.result() for future in [pool.submit(at_work) for _number in range(4)]]
    assert sum(counts) == 20
    assert heard.types == ["created"] * 10 + ["updated"] * 10
    assert [event.seq for event in heard.events] == sorted(event.seq for event in heard.events)
