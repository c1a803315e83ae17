"""Jobs: asked for with the business data, run once, tried again, never as somebody who may no longer act."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel
from sqlalchemy import text

from ossature.context import Context, current
from ossature.db.work import session, transaction
from ossature.errors import Conflict
from ossature.events.types import Event, Handler
from ossature.jobs import queue
from ossature.jobs.run import JobRun, run_job
from ossature.jobs.types import Job, NoArgs, job
from ossature.kernel import Kernel
from ossature.rbac.acting import forget_tenants
from ossature.rbac.members import assign_roles, set_active
from ossature.rbac.roles import role_by_key
from ossature.records import service
from ossature.testing.background import run_pending
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

Declare = Callable[..., None]
Run = Callable[[JobRun, Any], Any]


def as_nobody() -> Context:
    return Context(means="system")


def ask(person: Person, wanted: Job[Any], args: BaseModel | None = None, **options: Any) -> UUID:
    with person.work():
        return wanted.enqueue(args, **options)


def row(tenant: Tenant, id: UUID) -> Any:
    with tenant.work() as work:
        return work.execute(text("SELECT * FROM ossature.job WHERE id = :id"), {"id": id}).one()


def lines(tenant: Tenant, id: UUID) -> list[tuple[str, str]]:
    with tenant.work() as work:
        found = work.execute(
            text("SELECT level, text FROM ossature.job_line WHERE job_id = :id ORDER BY id"), {"id": id}
        )
        return [(one.level, one.text) for one in found]


def change(tenant: Tenant, id: UUID, assignment: str) -> None:
    with tenant.work() as work:
        work.execute(text(f"UPDATE ossature.job SET {assignment} WHERE id = :id"), {"id": id})


def make_due(tenant: Tenant, id: UUID) -> None:
    """As if the pause after a failure were over."""
    change(tenant, id, "due_at = now()")


def teams(tenant: Tenant) -> list[str]:
    with tenant.work() as work:
        return list(work.scalars(text("SELECT name FROM ossature.team ORDER BY name")))


def add_team(name: str) -> None:
    session().execute(text("INSERT INTO ossature.team (id, name) VALUES (:id, :name)"), {"id": uuid4(), "name": name})


# -- asking -----------------------------------------------------------------------------------------------------------


def test_a_job_is_done_once_what_asked_for_it_is_committed_or_never(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant
) -> None:
    wanted = make(lambda run, args: add_team(args.name))
    with owner.work() as work:
        wanted.enqueue(wanted.args(name="Never"))
        work.rollback()
    id = ask(owner, wanted, wanted.args(name="Once"))
    assert row(tenant, id).state == "queued"
    assert run_pending(tenant) == 1
    assert teams(tenant) == ["Once"]
    assert row(tenant, id).state == "succeeded"
    assert run_pending(tenant) == 0


def test_asking_checks_what_it_is_given(make: Callable[..., Job[Any]], owner: Person) -> None:
    unknown = job("ossature.unknown", "Unknown")(lambda run, args: None)
    with owner.work():
        with pytest.raises(LookupError, match="register_jobs"):
            unknown.enqueue()
        with pytest.raises(TypeError, match="takes Shelves, not NoArgs"):
            make().enqueue(NoArgs())


def test_asking_needs_an_organisation(make: Callable[..., Job[Any]]) -> None:
    with transaction(as_nobody()), pytest.raises(RuntimeError, match="no tenant is bound"):
        make().enqueue()


def test_of_the_same_work_only_one_waits_or_runs(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant, make_tenant: Callable[..., Tenant]
) -> None:
    wanted = make(lambda run, args: add_team(args.name), unique=lambda args: args.name)
    first = ask(owner, wanted, wanted.args(name="A"))
    assert ask(owner, wanted, wanted.args(name="A", number=2)) == first
    assert ask(owner, wanted, wanted.args(name="B")) != first
    assert ask(make_tenant().member(), wanted, wanted.args(name="A")) != first, "organisations have nothing in common"
    run_pending(tenant)
    assert ask(owner, wanted, wanted.args(name="A")) != first, "the first is over"


def test_a_job_that_failed_keeps_its_place_until_it_is_over(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant
) -> None:
    wanted = make(lambda run, args: 1 / 0, unique=lambda args: "one", attempts=2)
    id = ask(owner, wanted)
    run_pending(tenant)
    assert ask(owner, wanted) == id
    make_due(tenant, id)
    run_pending(tenant)
    assert row(tenant, id).state == "dead"
    other = ask(owner, wanted)
    assert other != id
    with owner.work(), pytest.raises(Conflict, match="already waiting or running"):
        queue.retry(id)


def test_two_who_ask_at_once_get_the_same_job(make: Callable[..., Job[Any]], owner: Person) -> None:
    wanted, start = make(unique=lambda args: "one"), threading.Barrier(4)
    context = owner.context

    def asking() -> UUID:
        start.wait()
        with transaction(context):
            return wanted.enqueue()

    with ThreadPoolExecutor(4) as pool:
        assert len({future.result() for future in [pool.submit(asking) for _number in range(4)]}) == 1


def test_asking_many_times_on_one_connection_is_the_same_each_time(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant
) -> None:
    """The database prepares a statement that is repeated, and plans it without its values from then on."""
    once, always = make(unique=lambda args: "one"), make(key="ossature.always")
    with owner.work():
        assert len({once.enqueue() for _number in range(20)}) == 1
        assert len({always.enqueue() for _number in range(20)}) == 20


# -- running ----------------------------------------------------------------------------------------------------------


def test_a_job_that_is_named_many_times_runs_once(
    make: Callable[..., Job[Any]], kernel: Kernel, owner: Person, tenant: Tenant
) -> None:
    id = ask(owner, make(lambda run, args: add_team("One")))
    forget_tenants()
    start = threading.Barrier(4)

    def running() -> str:
        start.wait()
        return run_job(kernel, tenant.id, id, "test")

    with ThreadPoolExecutor(4) as pool:
        states = [future.result() for future in [pool.submit(running) for _number in range(4)]]
    assert sorted(states) == ["", "", "", "succeeded"]
    assert teams(tenant) == ["One"]


def test_a_job_that_fails_is_tried_again_after_growing_pauses_and_is_dead_after_the_last(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant
) -> None:
    attempts: list[int] = []

    def run(run: JobRun, args: Any) -> None:
        attempts.append(run.attempt)
        add_team("Undone")
        raise RuntimeError("no shelf for anna@example.com")

    wanted = make(run, attempts=3)
    assert [wanted.pause_after(number) for number in range(1, 7)] == [5, 20, 80, 320, 1280, 3600]
    id = ask(owner, wanted)
    pauses = []
    for _attempt in range(2):
        run_pending(tenant)
        found = row(tenant, id)
        assert (found.state, found.pushed_at, found.finished_at) == ("failed", None, None)
        pauses.append(round((found.due_at - datetime.now(UTC)).total_seconds()))
        make_due(tenant, id)
    assert pauses == [5, 20]
    run_pending(tenant)
    found = row(tenant, id)
    assert (found.state, found.attempts, attempts) == ("dead", 3, [1, 2, 3])
    assert found.error == "RuntimeError: no shelf for [redacted]"
    assert found.finished_at is not None
    assert teams(tenant) == []
    assert [level for level, _text in lines(tenant, id)] == ["error"] * 3
    assert "Traceback" in lines(tenant, id)[0][1]
    assert "anna@example.com" not in lines(tenant, id)[0][1]


def test_what_a_job_returns_is_kept_and_what_it_logs_survives_its_failure(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant
) -> None:
    def run(run: JobRun, args: Any) -> dict[str, Any]:
        run.log(f"Attempt {run.attempt}, password=hunter2")
        run.log("Careful", "warning")
        if run.attempt == 1:
            raise RuntimeError
        return {"moved": args.number, "on": datetime(2026, 3, 1, tzinfo=UTC)}

    wanted = make(run)
    id = ask(owner, wanted, wanted.args(number=4))
    run_pending(tenant)
    make_due(tenant, id)
    run_pending(tenant)
    assert row(tenant, id).result == {"moved": 4, "on": "2026-03-01T00:00:00+00:00"}
    assert row(tenant, id).error is None
    assert [text for level, text in lines(tenant, id) if level != "error"] == [
        "Attempt 1, password=[redacted]", "Careful", "Attempt 2, password=[redacted]", "Careful",
    ]  # fmt: skip


def test_progress_is_seen_while_it_runs(make: Callable[..., Job[Any]], owner: Person, tenant: Tenant) -> None:
    seen: list[tuple[int, int | None, str | None]] = []

    def run(run: JobRun, args: Any) -> None:
        for number in run.track(["a", "b", "c"]):
            found = row(tenant, run.id)
            seen.append((found.done, found.total, number))
        run.progress(3, 3, "All moved")

    id = ask(owner, make(run))
    run_pending(tenant)
    assert seen[0] == (0, 3, "a")
    found = row(tenant, id)
    assert (found.done, found.total, found.note) == (3, 3, "All moved")


def test_long_work_may_commit_as_it_goes(make: Callable[..., Job[Any]], owner: Person, tenant: Tenant) -> None:
    def run(run: JobRun, args: Any) -> None:
        for number in range(len(teams(tenant)), 4):
            with transaction():
                add_team(f"Team {number}")
            if number == 1 and run.attempt == 1:
                raise RuntimeError

    id = ask(owner, make(run))
    run_pending(tenant)
    assert teams(tenant) == ["Team 0", "Team 1"]
    make_due(tenant, id)
    run_pending(tenant)
    assert teams(tenant) == ["Team 0", "Team 1", "Team 2", "Team 3"]


def test_a_job_of_the_system_may_commit_as_it_goes_from_its_first_run(
    make: Callable[..., Job[Any]], kernel: Kernel, owner: Person, tenant: Tenant
) -> None:
    def run(run: JobRun, args: Any) -> str:
        with transaction():
            service.create(kernel.records["_kinds.shelf"], {"name": "Kept"})
        return str(session().scalar(text("SHOW idle_in_transaction_session_timeout")))

    id = ask(owner, make(run, as_system=True, time_limit=540))
    run_pending(tenant)
    found = row(tenant, id)
    assert (found.state, found.result) == ("succeeded", "10min"), found.error
    assert [one["name"] for one in owner.api.get("/api/_kinds/shelves").json["data"]] == ["Kept"]


def test_arguments_of_a_former_version_come_in_the_present_form(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant
) -> None:
    class Newer(BaseModel):
        names: list[str]

    wanted = make()
    id = ask(owner, wanted, wanted.args(name="A"))
    upgrades = {1: lambda args: {"name": args["name"]}, 2: lambda args: {"names": [args["name"]]}}
    make(lambda run, args: args.names, args=Newer, version=3, upgrades=upgrades)
    run_pending(tenant)
    assert row(tenant, id).result == ["A"]


def test_arguments_that_cannot_be_read_are_not_tried_again(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant
) -> None:
    class Other(BaseModel):
        needed: int

    id = ask(owner, make())
    make(args=Other)
    run_pending(tenant)
    found = row(tenant, id)
    assert (found.state, found.attempts) == ("dead", 1)
    assert found.error.startswith("its arguments (version 1) cannot be read")


# -- in whose name ----------------------------------------------------------------------------------------------------


def test_a_job_runs_as_who_asked_with_what_they_may_do_when_it_runs(
    make: Callable[..., Job[Any]], kernel: Kernel, owner: Person, tenant: Tenant
) -> None:
    seen = []

    def run(run: JobRun, args: Any) -> None:
        seen.append(current())
        service.create(kernel.records["_kinds.shelf"], {"name": "Mine"})

    manager = tenant.member("manager", locale="fr")
    wanted = make(run, attempts=1)
    allowed = ask(manager, wanted)
    run_pending(tenant)
    (context,) = seen
    assert (context.actor.id, context.actor.kind, context.means) == (manager.member_id, "member", "job")
    assert (context.request_id, context.reason, context.user_id) == (str(allowed), "Tried", manager.user_id)
    assert row(tenant, allowed).state == "succeeded"

    refused = ask(manager, wanted)
    with owner.work():
        assign_roles(manager.member_id, [role_by_key("viewer").id])
    run_pending(tenant)
    assert row(tenant, refused).state == "dead"
    assert row(tenant, refused).error.startswith("Forbidden")


def test_a_job_of_somebody_who_left_is_dead_and_says_why(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant
) -> None:
    manager = tenant.member("manager")
    id = ask(manager, make(lambda run, args: add_team("No")))
    with owner.work():
        set_active(manager.member_id, False)
    run_pending(tenant)
    found = row(tenant, id)
    assert (found.state, found.attempts) == ("dead", 1)
    assert found.error == "Whoever asked for this may no longer act here."
    assert teams(tenant) == []


def test_what_the_system_asks_for_or_is_declared_so_runs_as_the_system(
    make: Callable[..., Job[Any]], declare: Declare, owner: Person, tenant: Tenant
) -> None:
    seen = []
    wanted = make(lambda run, args: seen.append(current().actor))
    declared = make(lambda run, args: seen.append(current().actor), "ossature.always", as_system=True)
    with tenant.work():
        wanted.enqueue()
    ask(owner, declared)
    run_pending(tenant)
    assert [one.kind for one in seen] == ["job", "job"]

    def take(event: Event) -> None:
        wanted.enqueue()

    declare(Handler("ossature.listen", "Listen", ("_kinds.shelf.created",), take))
    owner.api.post("/api/_kinds/shelves", json={"name": "Top"})
    run_pending(tenant)
    assert len(seen) == 3
    assert seen[2].kind == "job"
