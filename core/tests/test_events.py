"""Events: written with the business data, handed over once and in order, whatever fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ossature.context import Context, current
from ossature.db.work import after_commit, session, transaction
from ossature.events import delivery
from ossature.events.delivery import Lane, deliver, replay
from ossature.events.emit import emit
from ossature.events.subscriptions import check_handlers, tell_database
from ossature.events.types import Event, EventType, Handler, handles
from ossature.kernel import Kernel
from ossature.plugins.loading import load_plugins
from ossature.rbac.acting import forget_tenants
from ossature.rbac.tenants import set_status
from ossature.records import service
from ossature.records.bulk import insert_rows
from ossature.testing.background import run_pending
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

API = "/api/_kinds/shelves"
VERBS = tuple(f"_kinds.shelf.{verb}" for verb in ("created", "updated", "deleted", "restored", "purged"))
Declare = Callable[..., None]


class Moved(BaseModel):
    floor: int


MOVED = EventType("ossature.moved", "Moved", Moved)


@pytest.fixture
def kernel(app: Flask) -> Kernel:
    found: Kernel = app.extensions["ossature"]
    return found


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner")


class Heard:
    """A handler that notes what it gets, and fails for the names it is told."""

    def __init__(self, *events: str, key: str = "ossature.listen", batch: int = 1, attempts: int = 8) -> None:
        self.events: list[Event] = []
        self.calls: list[int] = []
        self.failing: set[str] = set()
        self.handler = handles(*events, key=key, label="Listen", batch=batch, attempts=attempts)(self.take)

    def take(self, given: Event | list[Event]) -> None:
        events = given if isinstance(given, list) else [given]
        self.calls.append(len(events))
        for event in events:
            if self.failing & {name_of(event), str(event.record_id)}:
                raise RuntimeError(f"{name_of(event)} is not wanted, anna@example.com")
        self.events += events

    @property
    def names(self) -> list[str]:
        return [name_of(event) for event in self.events]

    @property
    def types(self) -> list[str]:
        return [event.type.rpartition(".")[2] for event in self.events]


def name_of(event: Event) -> str:
    changed = event.data.get("changes", {}).get("name") or {}
    return str(changed.get("after") or changed.get("before") or event.data.get("floor"))


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


def as_operator(tenant: Tenant) -> AbstractContextManager[Any]:
    return transaction(tenant.context, role="system")


def make_hopeless(tenant: Tenant, heard: Heard) -> None:
    for _attempt in range(heard.handler.attempts):
        run_pending(tenant)
        make_due(tenant)


# -- what is written --------------------------------------------------------------------------------------------------


def test_each_thing_that_happens_to_a_record_is_an_event_with_what_changed(
    declare: Declare, owner: Person, tenant: Tenant
) -> None:
    heard = Heard(*VERBS)
    declare(heard.handler)
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
    declare: Declare, kernel: Kernel, owner: Person, tenant: Tenant
) -> None:
    heard = Heard(*VERBS)
    declare(heard.handler)
    with tenant.work() as work:
        work.execute(text("INSERT INTO _kinds.shelf (id, name) VALUES (gen_random_uuid(), 'By hand')"))
    with owner.work():
        rows = ({"id": uuid4(), "name": f"Row {number}"} for number in range(3))
        insert_rows(kernel.records["_kinds.shelf"], rows)
    run_pending(tenant)
    assert heard.names == ["By hand", "Row 0", "Row 1", "Row 2"]


def test_parts_of_a_record_have_events_of_their_own(declare: Declare, owner: Person, tenant: Tenant) -> None:
    heard = Heard("_kinds.sample_line.created")
    declare(heard.handler)
    owner.api.post("/api/_kinds/samples", json={"name": "Quartz", "lines": [{"finding": "salt"}]})
    run_pending(tenant)
    (event,) = heard.events
    assert event.record == "_kinds.sample_line"
    assert event.data["changes"]["finding"]["after"] == "salt"


def test_what_is_secret_is_not_in_an_event(declare: Declare, owner: Person, tenant: Tenant) -> None:
    heard = Heard("_kinds.sample.created")
    declare(heard.handler)
    owner.api.post("/api/_kinds/samples", json={"name": "Quartz", "token": "open sesame"})
    run_pending(tenant)
    assert "token" not in heard.events[0].data["changes"]


def test_only_what_somebody_handles_is_written(declare: Declare, owner: Person, tenant: Tenant) -> None:
    declare(Heard("_kinds.shelf.deleted").handler)
    id = add(owner)
    rename(owner, id, "Bottom")
    assert written(tenant) == []
    owner.api.delete(f"{API}/{id}")
    assert written(tenant) == ["_kinds.shelf.deleted"]


def test_what_is_emitted_goes_with_the_unit_of_work(declare: Declare, owner: Person, tenant: Tenant) -> None:
    heard, record_id = Heard("ossature.moved"), uuid4()
    declare(MOVED, heard.handler)
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


def test_an_event_is_a_cloud_event_to_others(declare: Declare, owner: Person, tenant: Tenant) -> None:
    heard = Heard("_kinds.shelf.created")
    declare(heard.handler)
    id = add(owner)
    run_pending(tenant)
    (event,) = heard.events
    outside = event.as_cloud_event()
    assert outside.keys() == {
        "specversion", "id", "source", "type", "time", "datacontenttype", "subject", "dataversion", "data",
    }  # fmt: skip
    assert (outside["specversion"], outside["id"], outside["type"]) == ("1.0", str(event.id), "_kinds.shelf.created")
    assert (outside["source"], outside["subject"]) == (f"/tenants/{tenant.id}", f"_kinds.shelf/{id}")


def test_data_of_a_former_version_comes_in_the_present_form(declare: Declare, owner: Person, tenant: Tenant) -> None:
    class Newer(BaseModel):
        storey: int
        why: str

    heard = Heard("ossature.moved")
    declare(MOVED, heard.handler)
    with owner.work():
        emit(MOVED, Moved(floor=4))
    steps = {1: lambda data: {"storey": data["floor"]}, 2: lambda data: {**data, "why": "unknown"}}
    declare(EventType("ossature.moved", "Moved", Newer, version=3, upgrades=steps))
    run_pending(tenant)
    (event,) = heard.events
    assert (event.version, event.data) == (3, {"storey": 4, "why": "unknown"})


# -- order and failure ------------------------------------------------------------------------------------------------


def test_a_record_that_fails_holds_up_its_own_later_events_and_no_others(
    declare: Declare, owner: Person, tenant: Tenant
) -> None:
    heard = Heard(*VERBS)
    declare(heard.handler)
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
    declare: Declare, owner: Person, tenant: Tenant
) -> None:
    heard = Heard(*VERBS, attempts=3)
    declare(heard.handler)
    id = add(owner, "bad")
    rename(owner, id, "later")
    heard.failing = {"bad"}
    make_hopeless(tenant, heard)
    run_pending(tenant)
    assert owed(tenant) == [("dead", 3)]
    assert heard.names == ["later"]
    with tenant.work() as work:
        error = work.scalar(text("SELECT error FROM ossature.delivery"))
    assert error == "RuntimeError: bad is not wanted, [redacted]"


def test_the_pauses_between_attempts_grow(declare: Declare, owner: Person, tenant: Tenant) -> None:
    heard = Heard(*VERBS)
    assert [heard.handler.pause_after(number) for number in range(1, 9)] == [2, 6, 18, 54, 162, 486, 1458, 3600]
    declare(heard.handler)
    add(owner, "bad")
    heard.failing = {"bad"}
    pauses = []
    for _attempt in range(3):
        run_pending(tenant)
        with tenant.work() as work:
            pauses.append(work.scalar(text("SELECT extract(epoch FROM due_at - now()) FROM ossature.delivery")))
        make_due(tenant)
    assert [round(float(pause)) for pause in pauses] == [2, 6, 18]


def test_dead_events_are_handed_over_again_when_asked(declare: Declare, owner: Person, tenant: Tenant) -> None:
    heard = Heard(*VERBS, attempts=1)
    declare(heard.handler)
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
        name = name_of(event)
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


def test_a_batch_handler_gets_lists_in_order_up_to_its_size(declare: Declare, owner: Person, tenant: Tenant) -> None:
    heard = Heard(*VERBS, batch=3)
    declare(heard.handler)
    for number in range(7):
        add(owner, f"Shelf {number}")
    run_pending(tenant)
    assert heard.calls == [3, 3, 1]
    assert heard.names == [f"Shelf {number}" for number in range(7)]


def test_a_batch_that_fails_is_tried_one_by_one(declare: Declare, owner: Person, tenant: Tenant) -> None:
    heard = Heard(*VERBS, batch=10)
    declare(heard.handler)
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
    declare: Declare, kernel: Kernel, owner: Person, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard(*VERBS)
    declare(heard.handler)
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


# -- who gets what ----------------------------------------------------------------------------------------------------


@pytest.fixture
def switch(tenant: Tenant) -> Callable[[bool], None]:
    """`switch(False)`: the plugin `_dummy` is off for the tenant."""

    def turn(on: bool) -> None:
        with tenant.work() as work:
            if on:
                statement = "INSERT INTO ossature.tenant_plugin (id, key) VALUES (gen_random_uuid(), '_dummy')"
            else:
                statement = "DELETE FROM ossature.tenant_plugin WHERE key = '_dummy'"
            work.execute(text(statement))

    return turn


def test_a_plugin_that_is_off_gets_nothing_of_what_happens_meanwhile(
    declare: Declare, owner: Person, tenant: Tenant, switch: Callable[[bool], None]
) -> None:
    heard = Heard(*VERBS, key="_dummy.listen")
    declare(heard.handler)
    switch(False)
    add(owner)
    assert owed(tenant, "_dummy.listen") == []
    switch(True)
    run_pending(tenant)
    assert heard.names == []


def test_what_a_plugin_was_owed_when_it_was_switched_off_waits_for_it(
    declare: Declare, owner: Person, tenant: Tenant, switch: Callable[[bool], None]
) -> None:
    heard = Heard(*VERBS, key="_dummy.listen")
    declare(heard.handler)
    add(owner)
    switch(False)
    run_pending(tenant)
    assert heard.names == []
    assert owed(tenant, "_dummy.listen") == [("waiting", 0)]
    switch(True)
    run_pending(tenant)
    assert heard.names == ["Top"]


def test_what_the_handler_of_a_plugin_that_is_gone_was_owed_waits(
    declare: Declare, kernel: Kernel, owner: Person, tenant: Tenant
) -> None:
    heard = Heard(*VERBS, key="gone.listen")
    declare(heard.handler)
    with tenant.work() as work:
        work.execute(text("INSERT INTO ossature.tenant_plugin (id, key) VALUES (gen_random_uuid(), 'gone')"))
    add(owner)
    assert deliver(kernel, Lane(tenant.id, "gone.vanished", "waiting")) == 0
    run_pending(tenant)  # an enabled plugin that does not run: nobody is there to take it
    assert owed(tenant, "gone.listen") in ([], [("waiting", 0)])


def test_a_suspended_organisation_is_left_alone_until_it_is_resumed(
    declare: Declare, app: Flask, owner: Person, tenant: Tenant
) -> None:
    heard = Heard(*VERBS)
    declare(heard.handler)
    add(owner)
    with as_operator(tenant):
        set_status(tenant.id, "suspended")
    run_pending(tenant)
    assert heard.names == []
    with as_operator(tenant):
        set_status(tenant.id, "active")
    run_pending(tenant)
    assert heard.names == ["Top"]


def test_a_handler_reaches_no_other_organisation(
    declare: Declare, owner: Person, tenant: Tenant, make_tenant: Callable[..., Tenant]
) -> None:
    other = make_tenant()
    theirs = add(other.member("owner"), "Theirs")
    found: list[Any] = []

    def take(event: Event) -> None:
        changed = session().execute(text("UPDATE _kinds.shelf SET name = 'Mine' WHERE id = :id"), {"id": theirs})
        found.append(changed.rowcount)  # type: ignore[attr-defined]
        found.append(session().scalar(text("SELECT count(*) FROM _kinds.shelf WHERE id = :id"), {"id": theirs}))
        with pytest.raises(DBAPIError, match="row-level security"), session().begin_nested():
            session().execute(
                text("INSERT INTO _kinds.shelf (tenant_id, id, name) VALUES (:tenant, gen_random_uuid(), 'Mine')"),
                {"tenant": other.id},
            )

    declare(Handler("ossature.listen", "Listen", ("_kinds.shelf.created",), take))
    add(owner)
    run_pending(tenant)
    assert found == [0, 0]
    assert owed(tenant) == []


def test_each_organisation_has_its_own_events(
    declare: Declare, owner: Person, tenant: Tenant, make_tenant: Callable[..., Tenant]
) -> None:
    heard, other = Heard(*VERBS), make_tenant()
    declare(heard.handler)
    add(owner, "Mine")
    add(other.member("owner"), "Theirs")
    run_pending(tenant)
    assert heard.names == ["Mine"]
    run_pending(other)
    assert heard.names == ["Mine", "Theirs"]


# -- declarations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: EventType("moved", "Moved", Moved), "not spelled like"),
        (lambda: EventType("a.moved", "Moved", Moved, version=3, upgrades={1: dict}), "no upgrade from version 2"),
        (lambda: Handler("listen", "L", ("a.b",), print), "not spelled like"),
        (lambda: Handler("a.listen", "L", (), print), "names no event"),
        (lambda: Handler("a.listen", "L", ("a.b",), print, batch=1001), "batch is 1 to 1000"),
        (lambda: Handler("a.listen", "L", ("a.b",), print, attempts=0), "attempts at least 1"),
    ],
)
def test_a_declaration_that_cannot_be_right_is_refused(make: Callable[[], object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        make()


LISTENER = """
from ossature.api import handles, hookimpl

@handles("{event}", key="listener.listen", label="Listen")
def listen(event):
    pass

@hookimpl
def register_handlers():
    return [listen]
"""


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ("_kinds.shelf.creatd", "did you mean '_kinds.shelf.created'?"),
        ("ossature.team.made", "which nobody emits"),
        ("absent.thing.created", None),  # its plugin is not there: it may come yet
    ],
)
def test_a_handler_of_an_event_that_nobody_emits_makes_its_plugin_failed(
    install: Callable[..., Any], kernel: Kernel, event: str, problem: str | None
) -> None:
    install("listener", LISTENER.format(event=event))
    plugins = load_plugins(frozenset({"_kinds", "listener"}))
    check_handlers(Kernel(kernel.config, kernel.db, kernel.redis, plugins, kernel.records))
    status = plugins.statuses["listener"]
    if problem is None:
        assert not status.broken
    else:
        assert status.broken
        assert problem in f"{status.reason} {status.next_step}"


def test_a_subscription_ends_with_its_declaration_and_outlasts_an_absent_plugin(
    declare: Declare, kernel: Kernel
) -> None:
    def known() -> set[str]:
        with transaction(Context(means="system"), role="system", database=kernel.db) as work:
            return set(work.scalars(text("SELECT handler FROM ossature.subscription")))

    declare(Heard(*VERBS).handler, Heard(*VERBS, key="absent.listen").handler)
    assert {"ossature.listen", "absent.listen"} <= known()
    kernel.background = replace(kernel.background, handlers={})
    tell_database(kernel)
    assert known() == {"absent.listen"}
