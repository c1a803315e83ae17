"""Events: who gets them, and what may be declared."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ossature.context import Context
from ossature.db.work import session, transaction
from ossature.events.subscriptions import check_handlers, tell_database
from ossature.events.types import Event, EventType, Handler
from ossature.kernel import Kernel
from ossature.plugins.loading import load_plugins
from ossature.rbac.tenants import set_status
from ossature.testing.background import run_pending
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

API = "/api/_kinds/shelves"
VERBS = tuple(f"_kinds.shelf.{verb}" for verb in ("created", "updated", "deleted", "restored", "purged"))
Declare = Callable[..., None]
Listen = Callable[..., Any]


class Moved(BaseModel):
    floor: int


def add(owner: Person, name: str = "Top") -> str:
    answer = owner.api.post(API, json={"name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


def owed(tenant: Tenant, handler: str = "ossature.listen") -> list[tuple[str, int]]:
    """State and attempts of what a handler is still owed, in order."""
    with tenant.work() as work:
        rows = work.execute(
            text("SELECT state, attempts FROM ossature.delivery WHERE handler = :handler ORDER BY seq"),
            {"handler": handler},
        )
        return [(row.state, row.attempts) for row in rows]


def as_operator(tenant: Tenant) -> AbstractContextManager[Any]:
    return transaction(tenant.context, role="system")


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
    listen: Listen, owner: Person, tenant: Tenant, switch: Callable[[bool], None]
) -> None:
    heard = listen(*VERBS, key="_dummy.listen")
    switch(False)
    add(owner)
    assert owed(tenant, "_dummy.listen") == []
    switch(True)
    run_pending(tenant)
    assert heard.names == []


def test_what_a_plugin_was_owed_when_it_was_switched_off_waits_for_it(
    listen: Listen, owner: Person, tenant: Tenant, switch: Callable[[bool], None]
) -> None:
    heard = listen(*VERBS, key="_dummy.listen")
    add(owner)
    switch(False)
    run_pending(tenant)
    assert heard.names == []
    assert owed(tenant, "_dummy.listen") == [("waiting", 0)]
    switch(True)
    run_pending(tenant)
    assert heard.names == ["Top"]


def test_what_a_handler_was_owed_whose_code_is_gone_waits_for_it(
    listen: Listen, kernel: Kernel, owner: Person, tenant: Tenant
) -> None:
    heard = listen(*VERBS)
    present = kernel.background
    kernel.background = replace(present, handlers={})  # as in a process that was started without it
    add(owner)
    run_pending(tenant)
    assert owed(tenant) == [("waiting", 0)]
    kernel.background = present
    run_pending(tenant)
    assert heard.names == ["Top"]


def test_a_suspended_organisation_is_left_alone_until_it_is_resumed(
    listen: Listen, app: Flask, owner: Person, tenant: Tenant
) -> None:
    heard = listen(*VERBS)
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
    listen: Listen, owner: Person, tenant: Tenant, make_tenant: Callable[..., Tenant]
) -> None:
    heard, other = listen(*VERBS), make_tenant()
    add(owner, "Mine")
    add(other.member("owner"), "Theirs")
    run_pending(tenant)
    assert heard.names == ["Mine"]
    run_pending(other)
    assert heard.names == ["Mine", "Theirs"]


@pytest.mark.req("S4-096")
def test_a_contact_that_is_created_over_http_reaches_a_handler(listen: Listen, owner: Person, tenant: Tenant) -> None:
    heard = listen("crm.contact.created")
    answer = owner.api.post("/api/contacts", json={"first_name": "Anna", "last_name": "Petit"})
    run_pending(tenant)
    (event,) = heard.events
    assert (event.type, str(event.record_id)) == ("crm.contact.created", answer.json["data"]["id"])
    assert event.data["changes"]["last_name"] == {"before": None, "after": "Petit"}
    assert event.actor_id == owner.member_id


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


def test_a_subscription_ends_with_its_declaration_and_outlasts_an_absent_plugin(listen: Listen, kernel: Kernel) -> None:
    def known() -> set[str]:
        with transaction(Context(means="system"), role="system", database=kernel.db) as work:
            return set(work.scalars(text("SELECT handler FROM ossature.subscription")))

    listen(*VERBS)
    listen(*VERBS, key="absent.listen")
    assert {"ossature.listen", "absent.listen"} <= known()
    kernel.background = replace(kernel.background, handlers={})
    tell_database(kernel)
    assert known() == {"absent.listen"}
