"""The console of background work, by its pages: what is going on, what failed, and setting it right again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from pydantic import BaseModel

from ossature.db.kernel import job as job_table
from ossature.events.types import handles
from ossature.jobs.types import Schedule, job
from ossature.processes_seen import announcing, seen
from ossature.testing.background_rows import add_delivery, add_job, add_line, declare, owed, state_of
from ossature.testing.people import Tenant

pytestmark = pytest.mark.database

HERE = "/settings/background"


class File(BaseModel):
    file: str = "contacts.csv"
    password: str = ""


@job("crm.import_contacts", "Import contacts", args=File, unique=lambda args: args.file or None)
def import_contacts(run: Any, args: File) -> None: ...


@job("crm.find_duplicates", "Find duplicates")
def find_duplicates(run: Any, args: Any) -> None: ...


@handles("crm.contact.created", key="crm.greet", label="Greet newcomers")
def greet(event: Any) -> None: ...


NIGHTLY = Schedule("crm.nightly", "Duplicates, every night", find_duplicates, "30 3 * * *")
FIXED = Schedule("crm.fixed", "What cannot wait", find_duplicates, "0 4 * * *", fixed=True)


@pytest.fixture(autouse=True)
def declared(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(app, monkeypatch, jobs=[import_contacts, find_duplicates], handlers=[greet], schedules=[NIGHTLY, FIXED])


def rows(text: str) -> list[str]:
    """The rows of the list of jobs."""
    return text.split("<tr data-href")[1:]


@pytest.mark.req("A-077")
def test_every_state_has_its_list_its_count_and_what_comes_next(tenant: Tenant) -> None:
    page = tenant.member("owner").page
    add_job(tenant, "crm.import_contacts", "running", started_at=-5, done=420, total=1000, note="line 420")
    add_job(tenant, "crm.find_duplicates", "queued", due_at=-1)
    add_job(tenant, "crm.find_duplicates", "queued", due_at=86_400)
    add_job(tenant, "crm.find_duplicates", "failed", due_at=1800, error="TimeoutError: slow")
    add_job(tenant, "crm.find_duplicates", "dead", attempts=3, error="ValueError: line 18", finished_at=-60)
    add_job(tenant, "shop.sync", "parked", error="This kind of job is not installed here.")
    add_job(tenant, "crm.find_duplicates", "succeeded", started_at=-200, finished_at=0)
    add_job(tenant, "crm.find_duplicates", "cancelled", finished_at=-60)
    words = {
        "running": ["Import contacts", 'value="42"', "420 of 1,000", "line 420"], "waiting": ["Waiting"],
        "planned": ["For "], "failed": ["Next try", "in 29 minutes", "TimeoutError: slow"],
        "dead": ["After 3 attempts", "ValueError: line 18"], "parked": ["shop.sync", "not installed here"],
        "succeeded": ["Finished", "3\u00a0min\u00a020\u00a0s"], "cancelled": ["Cancelled"],
    }  # fmt: skip
    for state, expected in words.items():
        text = page.get(f"{HERE}?state={state}").text
        assert len(rows(text)) == 1, state
        assert [word for word in expected if word not in rows(text)[0]] == [], state
        assert f'id="pill-{state}" href="{HERE}?state={state}" aria-current="true"' in text
    whole = page.get(HERE).text
    assert len(rows(whole)) == 8
    assert whole.count('<span class="os-count">1</span>') == 8
    assert page.get(f"{HERE}?state=weird").status_code == 422


def test_the_list_is_newest_first_and_pages_both_ways(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [str(add_job(tenant, "crm.find_duplicates", "succeeded", created_at=-number)) for number in range(7)]
    page = tenant.member("owner").page
    monkeypatch.setattr("ossature.jobs.console.find_jobs.__defaults__", (None, None, "", 3))

    def shown(text: str) -> list[str]:
        return [row.partition("/jobs/")[2][:36] for row in rows(text)]

    def link(text: str, rel: str) -> str:
        return text.partition(f'rel="{rel}"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")

    first = page.get(HERE).text
    second = page.get(link(first, "next")).text
    third = page.get(link(second, "next")).text
    assert shown(first) + shown(second) + shown(third) == ids
    assert 'rel="next"' not in third
    assert 'rel="prev"' not in first
    assert shown(page.get(link(third, "prev")).text) == ids[3:6]
    assert shown(page.get(link(second, "prev")).text) == ids[:3]
    assert page.get(f"{HERE}?cursor=forged").status_code == 400


def test_counting_stops_at_a_thousand(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ossature.jobs.console.COUNTED_TO", 2)
    for _number in range(4):
        add_job(tenant, "crm.find_duplicates", "succeeded")
    assert "more than 2" in tenant.member("owner").page.get(HERE).text


@pytest.mark.req("A-077")
def test_a_job_tells_its_course_without_secrets(tenant: Tenant) -> None:
    owner = tenant.member("owner", name="Anna Martin")
    id = add_job(
        tenant, "crm.import_contacts", "dead", args={"file": "contacts.csv", "password": "hunter2"}, attempts=3,
        actor_id=owner.member_id, error="ValueError: line 18", started_at=-60, finished_at=-48, result={"rows": 18},
        schedule="crm.nightly",
    )  # fmt: skip
    add_line(tenant, id, "18 lines read")
    add_line(tenant, id, "sent to zoe@example.com", "warning")
    text = owner.page.get(f"{HERE}/jobs/{id}").text
    for word in (
        "Import contacts", "It failed for good", "ValueError: line 18", "Anna Martin", "3 of 3", "12\u00a0s",
        "18 lines read", "contacts.csv", "&#34;rows&#34;: 18", "#schedule-crm.nightly", f'href="{HERE}"',
    ):  # fmt: skip
        assert word in text, word
    for secret in ("hunter2", "zoe@example.com"):
        assert secret not in text


@pytest.mark.req("A-077")
def test_jobs_are_cancelled_retried_set_aside_and_done_once_more(tenant: Tenant) -> None:
    page = tenant.member("owner").page

    def press(id: object, what: str) -> Any:
        return page.post(f"{HERE}/jobs/{id}/{what}")

    waiting, running = add_job(tenant, "crm.find_duplicates"), add_job(tenant, "crm.find_duplicates", "running")
    assert press(waiting, "cancel").status_code == 303
    assert state_of(tenant, waiting) == "cancelled"
    press(running, "cancel")
    assert state_of(tenant, running) == "running"
    assert "Stops at its next step" in page.get(HERE).text
    dead, done = add_job(tenant, "crm.find_duplicates", "dead"), add_job(tenant, "crm.find_duplicates", "succeeded")
    press(dead, "retry")
    assert state_of(tenant, dead) == "queued"
    assert press(done, "retry").status_code == 409
    fresh = press(done, "again").headers["Location"].rpartition("/")[2]
    assert fresh != str(done)
    assert state_of(tenant, fresh) == "queued"
    assert press(add_job(tenant, "shop.sync", "succeeded"), "again").status_code == 409
    aside = add_job(tenant, "crm.find_duplicates", "dead")
    press(aside, "set-aside")
    assert state_of(tenant, aside) == "cancelled"
    assert press(aside, "set-aside").status_code == 409


def test_all_dead_jobs_of_a_kind_are_retried_at_once_each_piece_of_work_once(tenant: Tenant) -> None:
    page = tenant.member("owner").page
    same = [add_job(tenant, "crm.import_contacts", "dead", unique_key="a.csv", created_at=-n) for n in (90, 20)]
    taken = add_job(tenant, "crm.import_contacts", "dead", unique_key="b.csv")
    add_job(tenant, "crm.import_contacts", "running", unique_key="b.csv")
    alone, other = add_job(tenant, "crm.import_contacts", "dead"), add_job(tenant, "crm.find_duplicates", "dead")
    assert "Import contacts: 4 dead jobs" in page.get(f"{HERE}?state=dead").text
    answer = page.post(f"{HERE}/jobs/retry-dead", data={"name": "crm.import_contacts"}, follow_redirects=True)
    assert "2 jobs are retried." in answer.text
    assert [state_of(tenant, id) for id in (*same, taken, alone, other)] == ["dead", "queued", "dead", "queued", "dead"]


def test_the_list_asks_again_only_while_something_moves(tenant: Tenant) -> None:
    page = tenant.member("owner").page
    id = add_job(tenant, "crm.import_contacts", "running", started_at=-5, done=1, total=4)
    fragment = page.get(HERE, headers={"HX-Request": "true"}).text
    assert 'hx-trigger="every 2s"' in fragment
    assert "<html" not in fragment
    of_job = page.get(f"{HERE}/jobs/{id}", headers={"HX-Request": "true"}).text
    assert 'hx-trigger="every 2s"' in of_job
    assert 'aria-label="Progress of Import contacts"' in of_job
    with tenant.work() as work:
        work.execute(job_table.update().where(job_table.c.id == id).values(state="succeeded"))
    assert "every 2s" not in page.get(HERE).text
    assert "every 2s" not in page.get(f"{HERE}/jobs/{id}").text


@pytest.mark.req("A-077")
def test_events_that_failed_are_replayed_or_given_up(tenant: Tenant) -> None:
    owner = tenant.member("owner")
    page = owner.page
    contact = owner.api.post("/api/crm/contacts", json={"last_name": "Durand"}).json["data"]["id"]
    about = {"record": "crm.contact", "record_id": contact}
    dead = [add_delivery(tenant, "crm.greet", "dead", error="SMTPError: no such box", **about) for _n in range(3)]
    retry, waiting = add_delivery(tenant, "crm.greet", "retry"), add_delivery(tenant, "crm.greet")
    text = page.get(f"{HERE}/events").text
    for word in ("Greet newcomers", "Contact: creation", f'href="/crm/contacts/{contact}"', "Durand", "After 8 attempts",
                 "SMTPError: no such box", "in 59 minutes"):  # fmt: skip
        assert word in text, word

    def press(what: str, **data: Any) -> Any:
        return page.post(f"{HERE}/events/{what}", data={"handler": "crm.greet", **data})

    assert press("replay", seq=dead[0]).status_code == 303
    assert owed(tenant, "crm.greet")[dead[0]] == "waiting"
    press("discard", seq=dead[1])
    assert dead[1] not in owed(tenant, "crm.greet")
    assert press("discard", seq=waiting).status_code == 404
    assert press("replay", seq=waiting).status_code == 404
    press("replay", seq=retry)
    press("replay")
    assert owed(tenant, "crm.greet") == {
        dead[0]: "waiting", dead[2]: "waiting", retry: "retry", waiting: "waiting",
    }  # fmt: skip
    add_delivery(tenant, "crm.greet", "dead")
    press("discard")
    assert "dead" not in owed(tenant, "crm.greet").values()
    assert press("replay", handler="").status_code == 422


def test_handlers_that_are_gone_or_switched_off_are_called_parked(
    app: Flask, make_tenant: Callable[..., Tenant]
) -> None:
    tenant = make_tenant(plugins=frozenset())
    add_delivery(tenant, "shop.push")
    add_delivery(tenant, "crm.greet")
    text = tenant.member("owner").page.get(f"{HERE}/events").text
    assert "Parked: its code is not here." in text
    assert "Parked: its plugin is switched off." in text


@pytest.mark.req("A-077")
def test_schedules_show_their_next_times_and_are_run_paused_and_moved(tenant: Tenant) -> None:
    page = tenant.member("owner").page
    where = f"{HERE}/schedules"
    text = page.get(where).text
    for word in ("Duplicates, every night", "30 3 * * *", "03:30", "Never yet"):
        assert word in text, word
    assert text.partition("schedule-crm.nightly")[2].partition("</tr>")[0].count("<time") == 3
    started = page.post(f"{where}/crm.nightly/run").headers["Location"].rpartition("/")[2]
    assert state_of(tenant, started) == "queued"
    page.post(f"{where}/crm.nightly/pause")
    assert "Paused" in page.get(where).text
    page.post(f"{where}/crm.nightly/resume")
    assert "Paused" not in page.get(where).text
    wrong = page.post(f"{where}/crm.nightly/time", data={"cron": "30 99 * * *"})
    assert wrong.status_code == 422
    beside = wrong.text.partition('value="30 99 * * *"')[2].partition("</form>")[0]
    assert "takes 0 to 23" in beside
    page.post(f"{where}/crm.nightly/time", data={"cron": "15 6 * * *"})
    assert "changed by you" in page.get(where).text
    page.post(f"{where}/crm.nightly/time", data={"cron": ""})
    assert "changed by you" not in page.get(where).text
    assert page.post(f"{where}/crm.fixed/pause").status_code == 409
    assert page.post(f"{where}/crm.unknown/run").status_code == 404


@pytest.mark.req("A-077")
def test_failures_are_told_where_they_are_not_looked_for(tenant: Tenant) -> None:
    owner = tenant.member("owner")
    box = f"{HERE}/widget"
    assert "nothing has failed" in owner.page.get(box).text
    assert "os-nav-alarm" not in owner.page.get("/").text
    add_job(tenant, "crm.find_duplicates", "dead", finished_at=-60)
    add_delivery(tenant, "crm.greet", "dead")
    add_job(tenant, "crm.find_duplicates", "failed", due_at=600)
    told = owner.page.get(box).text
    for word in ("1 dead job", "1 dead event", "1 job to be tried again", "Find duplicates"):
        assert word in told, word
    assert "2 failed for good" in owner.page.get("/crm/contacts").text
    viewer = tenant.member("viewer").page
    assert viewer.get(box).status_code == 403
    assert "failed for good" not in viewer.get("/").text
    assert "Background work" not in viewer.get("/").text


def test_missing_processes_are_named_with_their_command(app: Flask, tenant: Tenant) -> None:
    page = tenant.member("owner").page
    kernel = app.extensions["ossature"]
    assert "ossature worker" in page.get(HERE).text
    with announcing(kernel, "worker"):
        deadline = time.monotonic() + 20
        while not seen(kernel) and time.monotonic() < deadline:
            time.sleep(0.02)
        text = page.get(HERE).text
    assert "1 worker" in text
    assert "ossature worker" not in text
    assert "ossature scheduler" in text
    assert seen(kernel) == []


def test_who_may_look_cannot_change_and_others_see_nothing(tenant: Tenant, make_tenant: Callable[..., Tenant]) -> None:
    id = add_job(tenant, "crm.find_duplicates", "dead")
    auditor = tenant.member("auditor").page
    assert auditor.get(f"{HERE}/jobs/{id}").status_code == 200
    assert "Retry" not in auditor.get(f"{HERE}/jobs/{id}").text
    assert auditor.post(f"{HERE}/jobs/{id}/retry").status_code == 403
    for role in ("viewer", "manager", "sales_rep"):
        assert tenant.member(role).page.get(HERE).status_code == 403
    stranger = make_tenant().member("owner").page
    assert stranger.get(f"{HERE}/jobs/{id}").status_code == 404
    for what in ("retry", "cancel", "again", "set-aside"):
        assert stranger.post(f"{HERE}/jobs/{id}/{what}").status_code == 404
    assert state_of(tenant, id) == "dead"


def test_the_pages_cost_a_handful_of_statements_however_long_they_are(tenant: Tenant, statements: Any) -> None:
    page = tenant.member("owner").page
    for _number in range(30):
        add_job(tenant, "crm.find_duplicates", "dead")
        add_delivery(tenant, "crm.greet", "dead")
    for path in (HERE, f"{HERE}/events"):
        page.get(path)
        with statements.counting() as counted:
            assert page.get(path).status_code == 200
        assert len(counted) <= 12, counted
