"""Events, jobs and schedules of `_dummy`, done at once by `run_pending`."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from ossature.kernel import Kernel
from ossature.testing.background import run_pending
from ossature.testing.people import Person, Tenant
from ossature_dummy import jobs

pytestmark = pytest.mark.database

API = "/api/_dummy/pebbles"


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner")


def add(person: Person, colour: str, weight: int = 500) -> None:
    assert person.api.post(API, json={"name": "Galet", "colour": colour, "weight": weight}).status_code == 201


def pebbles(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.api.get(API).json["data"]
    return found


def test_a_red_pebble_is_polished_and_told_about(owner: Person, tenant: Tenant) -> None:
    add(owner, "red", weight=500)
    run_pending(tenant)
    (pebble,) = pebbles(owner)
    assert (pebble["colour"], pebble["weight"], pebble["story"]) == ("white", 495, "Polished, 5 g lighter.")


def test_others_are_left_as_they_are(owner: Person, tenant: Tenant) -> None:
    add(owner, "grey")
    run_pending(tenant)
    assert [pebble["colour"] for pebble in pebbles(owner)] == ["grey"]


def test_a_job_that_was_cut_short_goes_on_where_it_stopped(
    owner: Person, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for weight in (100, 200, 300):
        add(owner, "grey", weight)
    monkeypatch.setattr(jobs, "AT_ONCE", 1)
    polish, polished = jobs.polish_pebble, []

    def fails_once(id: Any, weight: int) -> None:
        polished.append(weight)
        if polished == [100, 200]:
            raise RuntimeError
        polish(id, weight)

    monkeypatch.setattr(jobs, "polish_pebble", fails_once)
    with owner.work():
        jobs.polish.enqueue()
    run_pending(tenant)
    assert sorted(pebble["weight"] for pebble in pebbles(owner)) == [99, 200, 300]
    with tenant.work() as work:
        work.execute(text("UPDATE ossature.job SET due_at = now() WHERE state = 'failed'"))
    run_pending(tenant)
    assert polished == [100, 200, 200, 300]
    assert sorted(pebble["weight"] for pebble in pebbles(owner)) == [99, 198, 297]


def test_a_schedule_is_declared_with_its_job_and_arguments(app: Flask) -> None:
    kernel: Kernel = app.extensions["ossature"]
    schedule = kernel.background.schedules["_dummy.spring_cleaning"]
    assert (schedule.job.key, schedule.cron) == ("_dummy.polish", "0 6 1 4 *")
    assert isinstance(schedule.args, schedule.job.args)
