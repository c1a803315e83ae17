"""Jobs: cancelled, tried again, given up, parked, handed to Redis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel
from sqlalchemy import text

from ossature.db.work import session, transaction
from ossature.errors import Conflict, NotFound
from ossature.jobs import queue
from ossature.jobs.pushing import PRIORITIES, Pushing
from ossature.jobs.run import JobRun, run_job
from ossature.jobs.types import Job, Schedule, job
from ossature.kernel import Kernel
from ossature.rbac.acting import forget_tenants
from ossature.rbac.tenants import set_status
from ossature.testing.background import run_pending
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

Declare = Callable[..., None]
Run = Callable[[JobRun, Any], Any]


def ask(person: Person, wanted: Job[Any], args: BaseModel | None = None, **options: Any) -> UUID:
    with person.work():
        return wanted.enqueue(args, **options)


def row(tenant: Tenant, id: UUID) -> Any:
    with tenant.work() as work:
        return work.execute(text("SELECT * FROM ossature.job WHERE id = :id"), {"id": id}).one()


def change(tenant: Tenant, id: UUID, assignment: str) -> None:
    with tenant.work() as work:
        work.execute(text(f"UPDATE ossature.job SET {assignment} WHERE id = :id"), {"id": id})


def teams(tenant: Tenant) -> list[str]:
    with tenant.work() as work:
        return list(work.scalars(text("SELECT name FROM ossature.team ORDER BY name")))


def add_team(name: str) -> None:
    session().execute(text("INSERT INTO ossature.team (id, name) VALUES (:id, :name)"), {"id": uuid4(), "name": name})


def switch(tenant: Tenant, on: bool) -> None:
    """The plugin `_dummy` for one tenant."""
    with tenant.work() as work:
        if on:
            work.execute(text("INSERT INTO ossature.tenant_plugin (id, key) VALUES (gen_random_uuid(), '_dummy')"))
        else:
            work.execute(text("DELETE FROM ossature.tenant_plugin WHERE key = '_dummy'"))
    forget_tenants()


# -- cancelling and trying again --------------------------------------------------------------------------------------


def test_a_job_that_waits_is_cancelled_at_once(make: Callable[..., Job[Any]], owner: Person, tenant: Tenant) -> None:
    id = ask(owner, make(lambda run, args: add_team("No")))
    with owner.work():
        assert queue.cancel(id) == "cancelled"
    assert run_pending(tenant) == 0
    assert row(tenant, id).state == "cancelled"
    with owner.work(), pytest.raises(Conflict):
        queue.cancel(id)
    with owner.work():
        queue.retry(id)
    run_pending(tenant)
    assert teams(tenant) == ["No"]


def test_a_job_that_runs_stops_at_its_next_step_and_leaves_nothing(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant
) -> None:
    def run(run: JobRun, args: Any) -> None:
        add_team("Undone")
        with owner.work():
            assert queue.cancel(run.id) == "running"
        try:
            run.progress(1, 1)
        except Exception:
            add_team("Swallowed")

    id = ask(owner, make(run))
    run_pending(tenant)
    assert row(tenant, id).state == "cancelled"
    assert teams(tenant) == []


def test_a_dead_job_is_tried_from_its_first_attempt(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant
) -> None:
    attempts: list[int] = []

    def run(run: JobRun, args: Any) -> None:
        attempts.append(run.attempt)
        if len(attempts) == 1:
            raise RuntimeError

    id = ask(owner, make(run, attempts=1))
    run_pending(tenant)
    with owner.work():
        queue.retry(id)
    run_pending(tenant)
    assert attempts == [1, 1]
    assert row(tenant, id).state == "succeeded"
    with owner.work(), pytest.raises(Conflict, match="Only a job that failed"):
        queue.retry(id)


def test_jobs_of_other_organisations_are_out_of_reach(
    make: Callable[..., Job[Any]], owner: Person, make_tenant: Callable[..., Tenant]
) -> None:
    id = ask(owner, make())
    with make_tenant().member().work():
        for act in (queue.cancel, queue.retry, queue.locked):
            with pytest.raises(NotFound):
                act(id)


# -- claims -----------------------------------------------------------------------------------------------------------


def test_a_run_that_was_given_up_writes_nothing(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant, pushing: Pushing
) -> None:
    def run(run: JobRun, args: Any) -> None:
        add_team(f"Attempt {run.attempt}")
        if run.attempt == 1:  # silent for too long
            change(tenant, run.id, "beat_at = now() - interval '1 hour'")
            pushing.tend()
            assert row(tenant, run.id).state == "failed"

    id = ask(owner, make(run))
    run_pending(tenant)
    assert (row(tenant, id).state, teams(tenant)) == ("failed", [])
    run_pending(tenant)
    assert row(tenant, id).state == "succeeded", "by the second attempt"
    assert teams(tenant) == ["Attempt 2"]


def test_a_given_up_run_does_not_end_a_job_that_was_tried_from_its_first_attempt_again(
    make: Callable[..., Job[Any]], kernel: Kernel, owner: Person, tenant: Tenant
) -> None:
    inner: list[str] = []

    def run(run: JobRun, args: Any) -> None:
        add_team(f"Run {len(inner)}")
        if not inner:
            inner.append("")
            change(tenant, run.id, "state = 'failed', due_at = now()")
            with owner.work():
                queue.retry(run.id)
            inner[0] = run_job(kernel, tenant.id, run.id, "other")

    id = ask(owner, make(run))
    run_pending(tenant)
    assert inner == ["succeeded"]
    assert teams(tenant) == ["Run 1"]
    assert row(tenant, id).worker == "other"


def test_a_job_whose_worker_fell_silent_at_its_last_attempt_is_dead(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant, pushing: Pushing
) -> None:
    id = ask(owner, make(attempts=1))
    change(tenant, id, "state = 'running', attempts = 1, beat_at = now() - interval '31 seconds'")
    pushing.tend()
    found = row(tenant, id)
    assert (found.state, found.error) == ("dead", "The worker ended while this was running.")


def test_a_job_for_later_waits_until_it_is_due(make: Callable[..., Job[Any]], owner: Person, tenant: Tenant) -> None:
    id = ask(owner, make(), due_at=datetime.now(UTC) + timedelta(hours=1))
    assert run_pending(tenant) == 0
    assert row(tenant, id).state == "queued"
    change(tenant, id, "due_at = now()")
    assert run_pending(tenant) == 1


# -- off and on again -------------------------------------------------------------------------------------------------


def test_a_job_whose_plugin_is_off_is_parked_with_a_reason_and_goes_on_when_it_is_back(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant, pushing: Pushing
) -> None:
    wanted = make(lambda run, args: add_team("Back"), "_dummy.tried", attempts=1)
    id = ask(owner, wanted)
    switch(tenant, False)
    run_pending(tenant)
    found = row(tenant, id)
    assert (found.state, found.error, found.attempts) == ("parked", "Its plugin is switched off.", 0)
    pushing.tend()
    assert row(tenant, id).state == "parked"
    switch(tenant, True)
    pushing.tend()
    assert row(tenant, id).state == "queued"
    run_pending(tenant)
    assert teams(tenant) == ["Back"]


def test_a_job_whose_code_is_gone_is_parked_before_it_reaches_redis(
    make: Callable[..., Job[Any]], kernel: Kernel, owner: Person, tenant: Tenant, pushing: Pushing
) -> None:
    id = ask(owner, make())
    present = kernel.background
    kernel.background = replace(present, jobs={})
    assert pushing.push() == 1
    assert row(tenant, id).error == "This kind of job is not installed here."
    kernel.background = present
    pushing.tend()
    assert pushing.push() == 1
    assert pushing.queues["normal"].job_ids == [f"{id}-0"]


def test_a_suspended_organisations_jobs_wait(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant, pushing: Pushing
) -> None:
    id = ask(owner, make())
    with transaction(tenant.context, role="system"):
        set_status(tenant.id, "suspended")
    assert pushing.push() == 0
    assert run_pending(tenant) == 0
    with transaction(tenant.context, role="system"):
        set_status(tenant.id, "active")
    assert pushing.push() == 1
    assert run_pending(tenant) == 1
    assert row(tenant, id).state == "succeeded"


# -- to Redis ---------------------------------------------------------------------------------------------------------


def test_jobs_are_handed_to_redis_by_priority_once(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant, pushing: Pushing
) -> None:
    ids = {name: ask(owner, make(key=f"ossature.{name}", priority=name)) for name in PRIORITIES}
    later = ask(owner, make(key="ossature.low", priority="low"), due_at=datetime.now(UTC) + timedelta(hours=1))
    assert pushing.push() == 3
    assert pushing.push() == 0
    assert {name: pushing.queues[name].job_ids for name in PRIORITIES} == {
        name: [f"{id}-0"] for name, id in ids.items()
    }
    assert row(tenant, later).pushed_at is None


def test_a_redis_that_was_emptied_is_filled_again_from_the_database(
    make: Callable[..., Job[Any]], owner: Person, pushing: Pushing
) -> None:
    id = ask(owner, make())
    pushing.push()
    pushing.connection.flushdb()
    pushing.tend()
    assert pushing.push() == 1
    assert pushing.queues["normal"].job_ids == [f"{id}-0"]


def test_one_job_that_redis_lost_is_handed_over_again_after_a_minute(
    make: Callable[..., Job[Any]], owner: Person, tenant: Tenant, pushing: Pushing
) -> None:
    kept, lost = ask(owner, make()), ask(owner, make())
    pushing.push()
    pushing.queues["normal"].remove(f"{lost}-0")
    for id in (kept, lost):
        change(tenant, id, "pushed_at = now() - interval '61 seconds'")
    pushing.tend()
    assert row(tenant, kept).pushed_at is not None
    assert row(tenant, lost).pushed_at is None


# -- declarations -----------------------------------------------------------------------------------------------------


def declared(key: str = "a.tried", **options: Any) -> Job[Any]:
    return job(key, "Tried", **options)(lambda run, args: None)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: declared("tried"), "not spelled like"),
        (lambda: declared(attempts=0), "at least one attempt"),
        (lambda: declared(time_limit=86_401), "1 to 86,400 seconds"),
        (lambda: declared(version=2), "no upgrade from version 1"),
        (lambda: Schedule("nightly", "N", declared(), "0 3 * * *"), "not spelled like"),
        (lambda: Schedule("a.nightly", "N", declared(), "0 25 * * *"), "schedule 'a.nightly'"),
        (lambda: Schedule("a.nightly", "N", declared(), "0 0 3 * * *"), "write five fields"),
    ],
)
def test_a_declaration_that_cannot_be_right_is_refused(make: Callable[[], object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        make()
