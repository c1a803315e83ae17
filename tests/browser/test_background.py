"""Background work in a browser: progress that moves by itself, and setting right what failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, expect

from ossature.events.types import handles
from ossature.jobs.types import Schedule, job
from ossature.testing.background_rows import (
    add_delivery,
    add_job,
    add_line,
    change_job,
    declare,
    owed,
    state_of,
)
from ossature.testing.browser import Held
from ossature.testing.people import Tenant

pytestmark = [pytest.mark.browser, pytest.mark.database]

Screen = Callable[..., Page]
HERE = "/settings/background"


@job("crm.import_contacts", "Import contacts")
def import_contacts(run: Any, args: Any) -> None: ...


@handles("crm.contact.created", key="crm.greet", label="Greet newcomers")
def greet(event: Any) -> None: ...


NIGHTLY = Schedule("crm.nightly", "Import, every night", import_contacts, "30 3 * * *")


@pytest.fixture(autouse=True)
def declared(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(app, monkeypatch, jobs=[import_contacts], handlers=[greet], schedules=[NIGHTLY])


def stays(page: Page) -> Callable[[], bool]:
    """Whether the page is still the one that was loaded."""
    page.evaluate("window.theSame = true")
    return lambda: bool(page.evaluate("window.theSame === true"))


@pytest.mark.req("A-077", "S4-092")
def test_progress_moves_in_the_list_and_the_asking_ends_with_the_job(tenant: Tenant, screen: Screen) -> None:
    id = add_job(tenant, "crm.import_contacts", "running", started_at=-5, done=420, total=1000)
    page = screen(tenant.member("owner"), HERE)
    same = stays(page)
    bar = page.get_by_role("progressbar", name="Progress of Import contacts")
    expect(bar).to_have_attribute("value", "42")
    cancel = page.get_by_role("button", name="Cancel “Import contacts”")
    cancel.focus()
    change_job(tenant, id, done=730)
    expect(bar).to_have_attribute("value", "73")
    expect(bar).to_have_attribute("aria-valuetext", "730 of 1,000")
    expect(cancel).to_be_focused()
    change_job(tenant, id, state="succeeded", done=1000)
    expect(page.get_by_role("button", name="Run “Import contacts” again")).to_be_visible()
    expect(page.locator("[data-live]")).to_have_count(0)
    assert same()


@pytest.mark.req("A-077")
def test_a_jobs_page_follows_it_and_shows_what_it_says(tenant: Tenant, screen: Screen) -> None:
    id = add_job(tenant, "crm.import_contacts", "running", started_at=-5, done=1, total=4, note="first file")
    page = screen(tenant.member("owner"), f"{HERE}/jobs/{id}", width=390, height=844)
    same = stays(page)
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "25")
    add_line(tenant, id, "400 contacts read")
    change_job(tenant, id, done=3, note="third file")
    expect(page.get_by_text("400 contacts read")).to_be_visible()
    expect(page.get_by_text("third file")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "75")
    assert same()
    page.get_by_role("button", name="Cancel this job").click()
    expect(page.get_by_text("It is asked to stop and does so at its next step.")).to_be_visible()
    change_job(tenant, id, state="cancelled")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("It starts as soon as a worker is free.")).to_be_visible()
    assert state_of(tenant, id) == "queued"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_is_pressed_stays_until_it_is_let_go_though_the_page_asked_for_itself(
    tenant: Tenant, screen: Screen
) -> None:
    id = add_job(tenant, "crm.import_contacts", "running", started_at=-5, done=1, total=4)
    page = screen(tenant.member("owner"), f"{HERE}/jobs/{id}")
    held = Held(page, f"**{HERE}/jobs/{id}*")
    held.came()
    change_job(tenant, id, done=3)
    page.get_by_role("button", name="Cancel this job").hover()
    page.mouse.down()
    with page.expect_event("requestfinished"):
        held.let_go()
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "25")
    page.mouse.up()
    expect(page.get_by_text("It is asked to stop and does so at its next step.")).to_be_visible()


def test_a_menu_that_is_open_stays_open_while_the_page_asks_for_itself(tenant: Tenant, screen: Screen) -> None:
    add_job(tenant, "crm.import_contacts", "running", started_at=-5, done=420, total=1000)
    add_job(tenant, "crm.export_contacts", "succeeded", started_at=-9, finished_at=-8)
    page = screen(tenant.member("owner"), HERE)
    page.get_by_role("button", name="Show one kind of job").click()
    choice = page.get_by_role("menuitem", name="Import contacts")
    for _asked in range(2):
        with page.expect_event("requestfinished", lambda request: HERE in request.url):
            expect(choice).to_be_visible()
    choice.click()
    expect(page.get_by_text("Kind is Import contacts")).to_be_visible()


@pytest.mark.req("A-077")
def test_dead_jobs_are_retried_from_the_home_page_on(tenant: Tenant, screen: Screen) -> None:
    ids = [
        add_job(tenant, "crm.import_contacts", "dead", error="ValueError: line 18", finished_at=-60) for _n in range(2)
    ]
    page = screen(tenant.member("owner"), "/")
    page.get_by_role("link", name="2 dead jobs").click()
    expect(page.get_by_text("Import contacts: 2 dead jobs")).to_be_visible()
    page.get_by_role("button", name="Retry “Import contacts”").first.click()
    expect(page.get_by_text("Import contacts: 1 dead job")).to_be_visible()
    page.get_by_role("button", name="Retry all dead jobs “Import contacts”").click()
    expect(page.get_by_text("1 job is retried.")).to_be_visible()
    assert {state_of(tenant, id) for id in ids} == {"queued"}


@pytest.mark.req("A-077")
def test_dead_events_are_replayed_and_given_up_after_a_question(tenant: Tenant, screen: Screen) -> None:
    first, second = (add_delivery(tenant, "crm.greet", "dead", error="SMTPError: no such box") for _n in range(2))
    page = screen(tenant.member("owner"), f"{HERE}/events")
    page.get_by_text("SMTPError").first.click()
    page.get_by_role("button", name="Replay", exact=True).first.click()
    expect(page.get_by_text("1 event is handed over again.")).to_be_visible()
    assert owed(tenant, "crm.greet") == {first: "dead", second: "waiting"}
    page.get_by_role("button", name="Discard", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("what the handler would have done is not done")
    dialog.get_by_role("button", name="Discard").click()
    expect(page.get_by_text("1 event is discarded.")).to_be_visible()
    assert owed(tenant, "crm.greet") == {second: "waiting"}


@pytest.mark.req("A-077")
def test_a_schedule_is_moved_and_run_at_once(tenant: Tenant, screen: Screen) -> None:
    page = screen(tenant.member("owner"), f"{HERE}/schedules")
    row = page.get_by_role("row", name="Import, every night")
    row.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Change the time").click()
    field = page.get_by_role("dialog").get_by_label("Time, as cron")
    field.fill("30 99 * * *")
    field.press("Control+Enter")
    expect(page.get_by_role("dialog")).to_contain_text("takes 0 to 23")
    expect(field).to_have_attribute("aria-invalid", "true")
    assert not [
        violation["id"]
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    field.fill("15 6 * * *")
    field.press("Control+Enter")
    expect(row).to_contain_text("15 6 * * *")
    row.get_by_role("button", name="Run “Import, every night” now").click()
    expect(page.get_by_role("heading", name="Import contacts")).to_be_visible()
    expect(page.get_by_role("link", name="Run at once from its schedule")).to_be_visible()
