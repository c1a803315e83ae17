"""Jobs by the clock: that each time is run once, and what organisations choose."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from ossature.errors import Conflict, Invalid, NotFound
from ossature.jobs import planning, queue, schedules
from ossature.jobs.clock import next_time
from ossature.jobs.scheduler import Scheduler
from ossature.jobs.types import Job, NoArgs, Schedule, job
from ossature.kernel import Kernel
from ossature.rbac.acting import forget_tenants
from ossature.testing.people import Tenant


def utc(said: str) -> datetime:
    return datetime.fromisoformat(said).replace(tzinfo=UTC)


@job("ossature.test_work", "Work of a test", as_system=True)
def work(_run: Any, _args: NoArgs) -> None: ...


@job("_kinds.test_work", "Work of a test's plugin")
def plugin_work(_run: Any, _args: NoArgs) -> None: ...


def daily(key: str = "ossature.test_daily", **changed: Any) -> Schedule:
    fields: dict[str, Any] = {"label": "Daily", "job": work, "cron": "30 3 * * *", **changed}
    return Schedule(key, **fields)


Declare = Callable[..., Kernel]


@pytest.fixture
def declare(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Declare]:
    """`declare(schedule, ...)`: exactly these schedules, and the jobs they ask for."""
    kernel: Kernel = app.extensions["ossature"]
    forget_tenants()

    def declared(*found: Schedule, jobs: tuple[Job[Any], ...] = (work, plugin_work)) -> Kernel:
        background = replace(
            kernel.background,
            schedules={one.key: one for one in found},
            jobs={**kernel.background.jobs, **{one.key: one for one in jobs}},
        )
        monkeypatch.setattr(kernel, "background", background)
        return kernel

    yield declared
    forget_tenants()


def rows(tenant: Tenant, query: str, **values: Any) -> list[Any]:
    with tenant.work() as opened:
        return list(opened.execute(text(query), {"tenant": tenant.id, **values}).all())


def next_at(tenant: Tenant, key: str = "ossature.test_daily") -> datetime | None:
    found = rows(tenant, "SELECT next_at FROM ossature.schedule WHERE tenant_id = :tenant AND key = :key", key=key)
    return found[0][0] if found else None


def occurrences(tenant: Tenant) -> list[tuple[datetime, UUID | None]]:
    return [
        (row.at, row.job_id)
        for row in rows(tenant, "SELECT at, job_id FROM ossature.occurrence WHERE tenant_id = :tenant ORDER BY at")
    ]


def jobs(tenant: Tenant) -> list[Any]:
    return rows(tenant, "SELECT * FROM ossature.job WHERE tenant_id = :tenant ORDER BY created_at, id")


@pytest.mark.database
@pytest.mark.req("S2-124")
def test_a_schedule_runs_at_its_time_in_the_organisations_zone(
    declare: Declare, make_tenant: Callable[..., Tenant]
) -> None:
    kernel = declare(daily())
    paris, montreal = make_tenant(time_zone="Europe/Paris"), make_tenant(time_zone="America/Toronto")
    scheduler = Scheduler(kernel)
    scheduler.once(utc("2027-03-01 00:00"))
    assert next_at(paris) == utc("2027-03-01 02:30")
    assert next_at(montreal) == utc("2027-03-01 08:30")
    assert scheduler.once(utc("2027-03-01 02:29:50")) <= 10
    assert jobs(paris) == []
    scheduler.once(utc("2027-03-01 02:30:01"))
    (asked,) = jobs(paris)
    assert (asked.name, asked.schedule, asked.state, asked.as_system) == (
        "ossature.test_work", "ossature.test_daily", "queued", True,
    )  # fmt: skip
    assert rows(paris, "SELECT kind FROM ossature.actor WHERE tenant_id = :tenant AND id = :id", id=asked.actor_id) == [
        ("job",)
    ]
    assert occurrences(paris) == [(utc("2027-03-01 02:30"), asked.id)]
    assert next_at(paris) == utc("2027-03-02 02:30")
    assert jobs(montreal) == []
    scheduler.once(utc("2027-03-01 02:30:05"))
    assert len(jobs(paris)) == 1


@pytest.mark.database
@pytest.mark.parametrize(("missed", "run"), [("once", [-1]), ("skip", []), ("all", [0, 1, 2])])
def test_what_was_missed_is_noted_and_run_by_the_policy(
    declare: Declare, tenant: Tenant, missed: str, run: list[int]
) -> None:
    scheduler = Scheduler(declare(daily(missed=missed, cron="0 * * * *")))
    scheduler.once(utc("2027-03-01 07:30"))
    scheduler.once(utc("2027-03-01 10:30"))
    found = occurrences(tenant)
    assert [at for at, _job in found] == [utc("2027-03-01 08:00"), utc("2027-03-01 09:00"), utc("2027-03-01 10:00")]
    assert [job_id for _at, job_id in found if job_id] == [found[number][1] for number in run]
    assert len(jobs(tenant)) == len(run)
    assert next_at(tenant) == utc("2027-03-01 11:00")


@pytest.mark.database
@pytest.mark.req("S2-124")
def test_schedulers_side_by_side_run_each_occurrence_once(declare: Declare, tenant: Tenant) -> None:
    kernel = declare(daily(cron="0 * * * *"), daily("ossature.test_other", cron="0 * * * *", missed="all"))
    rounds, several = 25, 4
    now = utc("2027-03-01 00:30")
    Scheduler(kernel).once(now)
    gate = threading.Barrier(several)
    failed: list[BaseException] = []

    def go() -> None:
        try:
            for number in range(1, rounds + 1):
                gate.wait(timeout=60)
                for one in planning.due(kernel, now + timedelta(hours=number)):
                    if one.tenant_id == tenant.id:
                        planning.run_due(kernel, one, now + timedelta(hours=number))
        except BaseException as error:
            failed.append(error)
            gate.abort()

    threads = [threading.Thread(target=go) for _number in range(several)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(jobs(tenant)) == len({job_id for _at, job_id in occurrences(tenant)}) == 2 * rounds


@pytest.mark.database
def test_an_occurrence_that_was_written_is_not_run_again(declare: Declare, tenant: Tenant) -> None:
    kernel = declare(daily())
    scheduler = Scheduler(kernel)
    scheduler.once(utc("2027-03-01 00:00"))
    scheduler.once(utc("2027-03-01 03:00"))
    with tenant.work() as opened:  # as if its clock had been ahead, or a backup had brought the row back
        opened.execute(
            text("UPDATE ossature.schedule SET next_at = :at WHERE tenant_id = :tenant"),
            {"at": utc("2027-03-01 02:30"), "tenant": tenant.id},
        )
    scheduler.once(utc("2027-03-01 03:00:10"))
    assert len(jobs(tenant)) == 1
    assert next_at(tenant) == utc("2027-03-02 02:30")


@pytest.mark.database
def test_a_failure_inside_leaves_nothing_half_done_and_holds_up_no_other(
    declare: Declare, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = Scheduler(declare(daily(), daily("ossature.test_other")))
    scheduler.once(utc("2027-03-01 00:00"))
    real, calls = queue.enqueue, []

    def failing(job: Job[Any], args: Any, **options: Any) -> UUID:
        calls.append(options["schedule"])
        found = real(job, args, **options)
        if options["schedule"] == "ossature.test_daily":
            raise RuntimeError("the power went")
        return found

    monkeypatch.setattr(planning, "enqueue", failing)
    scheduler.once(utc("2027-03-01 02:31"))
    assert "ossature.test_daily" in calls
    assert [row.schedule for row in jobs(tenant)] == ["ossature.test_other"]
    assert len(occurrences(tenant)) == 1
    assert next_at(tenant) == utc("2027-03-01 02:30")
    monkeypatch.setattr(planning, "enqueue", real)
    scheduler.once(utc("2027-03-01 02:32"))
    assert len(jobs(tenant)) == len(occurrences(tenant)) == 2


@pytest.mark.database
def test_another_time_zone_or_another_declared_cron_is_planned_anew(declare: Declare, tenant: Tenant) -> None:
    scheduler = Scheduler(declare(daily()))
    scheduler.once(utc("2027-03-01 00:00"))
    assert next_at(tenant) == utc("2027-03-01 02:30")
    with tenant.work() as opened:
        opened.execute(text("UPDATE ossature.tenant SET time_zone = 'Asia/Tokyo' WHERE id = :id"), {"id": tenant.id})
    forget_tenants()
    scheduler.once(utc("2027-03-01 00:01"))
    assert next_at(tenant) == utc("2027-03-01 18:30")
    declare(daily(cron="0 12 * * *"))
    scheduler.once(utc("2027-03-01 00:02"))
    assert next_at(tenant) == utc("2027-03-01 03:00")


@pytest.mark.database
def test_the_schedule_of_a_plugin_that_is_off_does_not_run_and_goes_on_from_when_it_is_on(
    declare: Declare, make_tenant: Callable[..., Tenant]
) -> None:
    key = "_kinds.test_daily"
    scheduler = Scheduler(declare(daily(key, job=plugin_work)))
    tenant, without = make_tenant(), make_tenant(plugins=frozenset())
    scheduler.once(utc("2027-03-01 00:00"))
    assert next_at(tenant, key) == utc("2027-03-01 02:30")
    assert rows(without, "SELECT * FROM ossature.schedule WHERE tenant_id = :tenant") == []

    def switch(statement: str) -> None:
        with tenant.work() as opened:
            opened.execute(text(statement), {"tenant": tenant.id})
        forget_tenants()

    switch("DELETE FROM ossature.tenant_plugin WHERE tenant_id = :tenant AND key = '_kinds'")
    scheduler.once(utc("2027-03-05 12:00"))
    assert jobs(tenant) == []
    switch(
        "INSERT INTO ossature.tenant_plugin (tenant_id, id, key) VALUES (:tenant, gen_random_uuid(), '_kinds')"
    )  # fmt: skip
    scheduler.once(utc("2027-03-06 12:00"))
    assert jobs(tenant) == []
    assert next_at(tenant, key) == utc("2027-03-07 02:30")


@pytest.mark.database
def test_what_is_declared_no_longer_is_left_and_not_run(declare: Declare, tenant: Tenant) -> None:
    scheduler = Scheduler(declare(daily()))
    scheduler.once(utc("2027-03-01 00:00"))
    declare()
    scheduler.once(utc("2027-03-01 12:00"))
    assert jobs(tenant) == []
    assert next_at(tenant) == utc("2027-03-01 02:30")


@pytest.mark.database
def test_a_new_schedules_row_is_in_the_history_of_its_own_organisation(
    declare: Declare, make_tenant: Callable[..., Tenant]
) -> None:
    scheduler = Scheduler(declare(daily()))
    tenants = [make_tenant(), make_tenant()]
    scheduler.once(utc("2027-03-01 00:00"))
    scheduler.once(utc("2027-03-03 00:00"))
    for tenant in tenants:
        found = rows(
            tenant,
            "SELECT c.what, s.means FROM ossature.change c LEFT JOIN ossature.change_set s ON s.tenant_id = c.tenant_id "
            "AND s.id = c.change_set_id WHERE c.tenant_id = :tenant AND c.record = 'ossature.schedule'",
        )
        assert found == [("create", "system")]


# -- what an organisation chooses --------------------------------------------------------------------------------------


@pytest.mark.database
def test_a_paused_schedule_rests_and_goes_on_from_when_it_is_resumed(declare: Declare, tenant: Tenant) -> None:
    scheduler = Scheduler(declare(daily()))
    with tenant.work():
        schedules.pause("ossature.test_daily")  # before any scheduler came
    scheduler.once()
    assert (next_at(tenant), jobs(tenant)) == (None, [])
    with tenant.work():
        assert [row.active for row in schedules.listing()] == [False]
        schedules.resume("ossature.test_daily")
    planned = next_at(tenant)
    assert planned is not None
    assert timedelta() < planned - datetime.now(UTC) < timedelta(hours=25)
    scheduler.once()
    assert jobs(tenant) == []
    assert next_at(tenant) == planned


@pytest.mark.database
@pytest.mark.req("S2-124")
def test_an_organisation_chooses_another_cron_and_goes_back(declare: Declare, tenant: Tenant) -> None:
    scheduler = Scheduler(declare(daily()))
    with tenant.work():
        schedules.set_cron("ossature.test_daily", " 15  9 * * MON ")
        (row,) = schedules.listing()
    assert (row.cron, row.declared_cron) == ("15 9 * * MON", "30 3 * * *")
    planned = next_at(tenant)
    assert planned is not None
    assert planned == next_time("15 9 * * MON", tenant.info.time_zone, datetime.now(UTC))
    scheduler.once(planned)
    assert occurrences(tenant) == [(planned, jobs(tenant)[0].id)]
    assert next_at(tenant) == next_time("15 9 * * MON", tenant.info.time_zone, planned)
    with tenant.work():
        schedules.set_cron("ossature.test_daily", None)
        (row,) = schedules.listing()
    assert row.cron == "30 3 * * *"
    assert (row.last_at, row.last_state) == (planned, "queued")


@pytest.mark.database
@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("* * *", "five fields"),
        ("0 0 3 * * *", "five fields"),
        ("", "five fields"),
        ("61 * * * *", "first field"),
        ("0 25 * * *", "second field"),
        ("0 0 31 2 *", "third field"),
        ("0 0 1 13 *", "fourth field"),
        ("0 0 * * LUN", "fifth field"),
        ("0 0 */31 * MON#5", "never comes"),
    ],
)
def test_a_cron_that_cannot_be_used_is_refused_in_words(declare: Declare, tenant: Tenant, cron: str, said: str) -> None:
    declare(daily())
    with pytest.raises(Invalid, match=said) as refused, tenant.work():
        schedules.set_cron("ossature.test_daily", cron)
    assert [(detail.field, detail.code) for detail in refused.value.details] == [("cron", "invalid")]


@pytest.mark.database
def test_a_fixed_schedule_can_only_be_run(declare: Declare, tenant: Tenant) -> None:
    declare(daily(fixed=True))
    for change in (schedules.pause, schedules.resume, lambda key: schedules.set_cron(key, "0 1 * * *")):
        with pytest.raises(Conflict, match="fixed"), tenant.work():
            change("ossature.test_daily")
    with tenant.work():
        schedules.run_now("ossature.test_daily")
    assert len(jobs(tenant)) == 1


@pytest.mark.database
@pytest.mark.req("A-077")
def test_run_now_asks_at_once_as_the_system_and_names_who_asked(declare: Declare, tenant: Tenant) -> None:
    declare(daily("_kinds.test_daily", job=plugin_work))
    person = tenant.member("owner")
    with person.work():
        job_id = schedules.run_now("_kinds.test_daily")
    (asked,) = jobs(tenant)
    assert (asked.id, asked.actor_id, asked.as_system) == (job_id, person.member_id, True)
    assert asked.schedule == "_kinds.test_daily"
    assert occurrences(tenant) == []


@pytest.mark.database
def test_schedules_of_plugins_that_are_off_or_gone_are_not_there(
    declare: Declare, make_tenant: Callable[..., Tenant]
) -> None:
    declare(daily("_kinds.test_daily", job=plugin_work))
    tenant = make_tenant(plugins=frozenset())
    with tenant.work():
        assert schedules.listing() == []
    for key in ("_kinds.test_daily", "ossature.nonsense"):
        with pytest.raises(NotFound), tenant.work():
            schedules.run_now(key)
