"""`/api/jobs`, `/api/schedules`, `/api/events`: background work by the API, and its metrics."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from ossature.events.types import handles
from ossature.health import metrics
from ossature.jobs.types import Schedule, job
from ossature.testing.background_rows import add_delivery, add_job, add_line, declare, owed, state_of
from ossature.testing.people import HostClient, Tenant

pytestmark = pytest.mark.database


@job("crm.find_duplicates", "Find duplicates")
def find_duplicates(run: Any, args: Any) -> None: ...


@handles("crm.contact.created", key="crm.greet", label="Greet newcomers")
def greet(event: Any) -> None: ...


NIGHTLY = Schedule("crm.nightly", "Duplicates, every night", find_duplicates, "30 3 * * *")


@pytest.fixture(autouse=True)
def declared(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(app, monkeypatch, jobs=[find_duplicates], handlers=[greet], schedules=[NIGHTLY])


@pytest.mark.req("A-077", "S4-092")
def test_jobs_are_listed_by_state_and_kind_and_page_by_cursor(tenant: Tenant) -> None:
    api = tenant.member("owner").api
    ids = [str(add_job(tenant, "crm.find_duplicates", "succeeded", created_at=-number)) for number in range(3)]
    dead = add_job(tenant, "shop.sync", "dead")
    first = api.get("/api/jobs?state=succeeded&limit=2").json
    assert [one["id"] for one in first["data"]] == ids[:2]
    assert first["data"][0]["label"] == "Find duplicates"
    rest = api.get(f"/api/jobs?state=succeeded&limit=2&cursor={first['meta']['next']}").json
    assert [one["id"] for one in rest["data"]] == ids[2:]
    assert rest["meta"]["next"] is None
    assert [one["id"] for one in api.get("/api/jobs?name=shop.sync").json["data"]] == [str(dead)]
    assert api.get(f"/api/jobs?state=dead&cursor={first['meta']['next']}").status_code == 400
    assert api.get("/api/jobs?state=odd").status_code == 422
    assert api.get("/api/jobs?status=dead").status_code == 400


@pytest.mark.req("A-077", "S2-124")
def test_a_job_tells_how_far_it_is_and_is_cancelled_and_retried(tenant: Tenant) -> None:
    api = tenant.member("owner").api
    id = add_job(
        tenant, "crm.find_duplicates", "running", done=42, total=100, note="half", args={"token": "t0p"}, started_at=-5
    )
    add_line(tenant, id, "100 rows found")
    shown = api.get(f"/api/jobs/{id}").json["data"]
    assert (shown["state"], shown["done"], shown["total"], shown["note"]) == ("running", 42, 100, "half")
    assert [line["text"] for line in shown["lines"]] == ["100 rows found"]
    assert shown["args"] == {"token": "[redacted]"}
    assert api.post(f"/api/jobs/{id}/cancel", json={}).json["data"]["cancelling"] is True
    dead = add_job(tenant, "crm.find_duplicates", "dead", attempts=3)
    again = api.post(f"/api/jobs/{dead}/retry", json={}).json["data"]
    assert (again["state"], again["attempts"]) == ("waiting", 0)
    assert api.post(f"/api/jobs/{dead}/retry", json={}).json["error"]["code"] == "not_failed"
    assert api.post(f"/api/jobs/{dead}/cancel", json={}).json["data"]["state"] == "cancelled"
    assert api.post(f"/api/jobs/{dead}/cancel", json={}).status_code == 409


@pytest.mark.req("A-077", "S2-124")
def test_schedules_are_run_paused_and_moved(tenant: Tenant) -> None:
    api = tenant.member("owner").api

    def nightly() -> Any:
        return next(one for one in api.get("/api/schedules").json["data"] if one["key"] == "crm.nightly")

    assert (nightly()["cron"], nightly()["active"], nightly()["label"]) == (
        "30 3 * * *", True, "Duplicates, every night",
    )  # fmt: skip
    started = api.post("/api/schedules/crm.nightly/run", json={}).json["data"]
    assert (started["schedule"], started["state"]) == ("crm.nightly", "waiting")
    assert api.patch("/api/schedules/crm.nightly", json={"active": False}).json["data"]["active"] is False
    moved = api.patch("/api/schedules/crm.nightly", json={"cron": "0 6 * * 1", "active": True}).json["data"]
    assert (moved["cron"], moved["active"], moved["declared_cron"]) == ("0 6 * * 1", True, "30 3 * * *")
    assert moved["next_at"] is not None
    assert api.patch("/api/schedules/crm.nightly", json={"cron": None}).json["data"]["cron"] == "30 3 * * *"
    wrong = api.patch("/api/schedules/crm.nightly", json={"cron": "99 * * * *"})
    assert (wrong.status_code, wrong.json["error"]["details"][0]["field"]) == (422, "cron")
    assert api.patch("/api/schedules/crm.nightly", json={"paused": True}).status_code == 422
    assert api.patch("/api/schedules/crm.nothing", json={}).status_code == 404


@pytest.mark.req("A-077")
def test_dead_events_are_listed_and_replayed(tenant: Tenant) -> None:
    api = tenant.member("owner").api
    dead = [add_delivery(tenant, "crm.greet", "dead", error="SMTPError: to zoe@example.com") for _number in range(3)]
    add_delivery(tenant, "crm.greet")
    handler = next(one for one in api.get("/api/events/handlers").json["data"] if one["key"] == "crm.greet")
    assert (handler["dead"], handler["waiting"], handler["retrying"], handler["parked"]) == (3, 1, 0, None)
    assert handler["oldest_at"] is not None
    listed = api.get("/api/events/dead?handler=crm.greet&limit=2").json
    assert [one["seq"] for one in listed["data"]] == [dead[2], dead[1]]
    assert "zoe@example.com" not in str(listed)
    assert listed["meta"]["next"]

    def replay(**body: Any) -> Any:
        return api.post("/api/events/replay", json=body)

    assert replay(handler="crm.greet", ids=[dead[0], 1]).json["data"] == {"replayed": 1}
    assert owed(tenant, "crm.greet")[dead[0]] == "waiting"
    assert replay(handler="crm.greet", all=True).json["data"] == {"replayed": 2}
    for body in ({"handler": "crm.greet"}, {"handler": "crm.greet", "ids": [1], "all": True}, {"ids": ["x"]}, {}):
        assert replay(**body).status_code == 422, body


def test_nothing_of_another_tenant_is_reached(tenant: Tenant, make_tenant: Callable[..., Tenant]) -> None:
    id, seq = add_job(tenant, "crm.find_duplicates", "dead"), add_delivery(tenant, "crm.greet", "dead")
    api = make_tenant().member("owner").api
    assert api.get("/api/jobs").json["data"] == []
    assert api.get("/api/events/dead").json["data"] == []
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/retry")):
        body: dict[str, Any] = {"json": {}} if method == "POST" else {}
        assert api.open(f"/api/jobs/{id}{path}", method=method, **body).status_code == 404
        assert api.open(f"/api/jobs/{uuid4()}{path}", method=method, **body).status_code == 404
    assert api.post("/api/events/replay", json={"handler": "crm.greet", "ids": [seq]}).json["data"]["replayed"] == 0
    assert state_of(tenant, id) == "dead"
    assert owed(tenant, "crm.greet") == {seq: "dead"}


def test_what_no_column_can_hold_is_refused_and_nothing_fails(tenant: Tenant) -> None:
    owner = tenant.member("owner")
    for path in ("/api/jobs?name=%00x", "/api/events/dead?handler=%00"):
        assert owner.api.get(path).status_code == 200
    for body in ({"handler": "a\0b", "all": True}, {"handler": "crm.greet", "ids": [2**63]}):
        assert owner.api.post("/api/events/replay", json=body).status_code == 422
    assert owner.api.patch("/api/schedules/crm.nightly", json={"cron": "\0 3 * * *"}).status_code == 422
    for path in ("?name=%00", "/events?handler=%00"):
        assert owner.page.get(f"/settings/background{path}").status_code == 200
    for data in ({"handler": "\0"}, {"handler": "crm.greet", "seq": "9" * 19}):
        assert owner.page.post("/settings/background/events/replay", data=data).status_code == 422


def test_metrics_say_how_much_there_is_and_how_far_behind(
    client: HostClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> dict[str, float]:
        monkeypatch.setattr(metrics._background, "_looked", float("-inf"))
        lines = [line.rpartition(" ") for line in client.get("/metrics").text.splitlines() if line[0] != "#"]
        return {name: float(value) for name, _space, value in lines}

    before = read()
    for state, due in (("queued", -90), ("queued", 900), ("dead", 0), ("running", 0)):
        add_job(tenant, "crm.find_duplicates", state, due_at=due)
    add_delivery(tenant, "crm.greet")
    add_delivery(tenant, "crm.greet", "retry")
    after = read()
    grown = {name for name in after if after[name] == before.get(name, 0) + 1}
    assert {
        'ossature_jobs{state="waiting"}', 'ossature_jobs{state="planned"}', 'ossature_jobs{state="dead"}',
        'ossature_jobs{state="running"}', 'ossature_deliveries{state="waiting"}', 'ossature_deliveries{state="retry"}',
    } <= grown  # fmt: skip
    assert after["ossature_job_lag_seconds"] >= 90
    assert after["ossature_delivery_lag_seconds"] > 0
    assert 'ossature_processes{kind="worker"}' in after
    assert not [name for name in after if name.startswith(("ossature_job", "ossature_deliver")) and "tenant" in name]


def test_metrics_are_answered_without_the_database(client: HostClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    def away(*_given: object, **_named: object) -> Any:
        raise OperationalError("SELECT", {}, Exception("away"))

    monkeypatch.setattr(metrics._background, "_looked", float("-inf"))
    monkeypatch.setattr("ossature.health.background.transaction", away)
    assert client.get("/metrics").status_code == 200


def test_check_warns_of_processes_that_nobody_runs(ossature: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = ossature("check")
    assert done.returncode == 0
    for kind in ("worker", "dispatcher", "scheduler"):
        assert f"warning: no {kind} is seen running; start it: ossature {kind}" in done.stderr
