"""Changing in place and many at once in a real browser, one gesture a test: by mouse, by keyboard, two at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from ossature.testing.background import run_pending
from ossature.testing.browser import Held
from ossature.testing.people import Person, Tenant

pytestmark = [pytest.mark.browser, pytest.mark.database]

Screen = Callable[..., Page]


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    person = tenant.member("owner", locale="en")
    for first, status in (("Anna", "lead"), ("Bruno", "customer"), ("Denis", "lead")):
        fields = {"first_name": first, "last_name": "Arnaud", "status": status, "job_title": "Buyer"}
        assert person.api.post("/api/contacts", json=fields).status_code == 201
    return person


def cell(page: Page, row: int, column: str) -> Locator:
    names = page.locator("[data-rows] thead th").evaluate_all("all => all.map((one) => one.dataset.name)")
    return page.locator("[data-rows] tbody tr").nth(row).locator("th, td").nth(names.index(column))


@pytest.mark.req("A-015")
def test_a_cell_is_changed_by_mouse_and_given_back(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    title = cell(page, 0, "job_title")
    title.click()
    editor = page.locator("[data-cell-editor]")
    expect(editor.get_by_label("Job title")).to_be_focused()
    page.keyboard.type("Head of buying")
    page.keyboard.press("Enter")
    expect(title).to_have_text("Head of buying")
    expect(editor).to_have_count(0)
    title.click()
    editor.get_by_label("Job title").fill("Nothing")
    page.keyboard.press("Escape")
    expect(title).to_have_text("Head of buying")
    cell(page, 0, "email").click()
    page.keyboard.type("nonsense")
    page.keyboard.press("Enter")
    expect(editor.locator(".os-error")).to_be_visible()
    expect(editor.get_by_label("E-mail")).to_have_value("nonsense")


def test_what_is_typed_while_a_change_is_refused_stays(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    cell(page, 0, "email").click()
    editor = page.locator("[data-cell-editor]")
    expect(editor.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type("nonsense")
    held = Held(page, "**/cell/email*")
    page.keyboard.press("Enter")
    held.came()
    page.keyboard.type("@example.org")
    held.let_go()
    expect(editor.locator(".os-error")).to_be_visible()
    expect(editor.get_by_label("E-mail")).to_have_value("nonsense@example.org")
    page.keyboard.press("Enter")
    expect(cell(page, 0, "email")).to_have_text("nonsense@example.org")


@pytest.mark.req("A-015", "A-043")
def test_cells_are_walked_and_changed_by_keyboard(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    page.keyboard.press("j")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(cell(page, 0, "job_title")).to_be_focused()
    page.keyboard.press("e")
    expect(page.get_by_label("Job title")).to_be_focused()
    page.keyboard.type("Director")
    page.keyboard.press("Tab")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type("anna@acme.example")
    page.keyboard.press("Enter")
    expect(cell(page, 0, "job_title")).to_have_text("Director")
    expect(cell(page, 0, "email")).to_have_text("anna@acme.example")
    expect(cell(page, 0, "email")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(cell(page, 1, "email")).to_be_focused()


@pytest.mark.req("A-015")
def test_a_fact_of_a_record_is_changed_and_its_timeline_follows(owner: Person, screen: Screen) -> None:
    one = owner.api.get("/api/contacts").json["data"][0]
    page = screen(owner, f"/crm/contacts/{one['id']}")
    page.locator("dd[data-fact=job_title]").first.click()
    page.locator("[data-cell-editor] input[name=job_title]").fill("Director")
    page.keyboard.press("Enter")
    expect(page.locator("dd[data-fact=job_title]").first).to_contain_text("Director")
    expect(page.get_by_role("complementary", name="Timeline")).to_contain_text("from Buyer to Director")


def test_a_value_that_is_refused_stays_in_view_when_another_cell_is_clicked(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    cell(page, 0, "email").click()
    page.get_by_label("E-mail").fill("nonsense")
    cell(page, 0, "job_title").click()
    expect(page.locator("[data-cell-editor] [aria-invalid=true]")).to_have_value("nonsense")
    page.get_by_label("E-mail").fill("anna@acme.example")
    cell(page, 0, "job_title").click()
    expect(page.get_by_label("Job title")).to_be_focused()
    expect(cell(page, 0, "email")).to_have_text("anna@acme.example")


@pytest.mark.req("A-031")
def test_two_at_one_cell_choose(owner: Person, screen: Screen) -> None:
    one = owner.api.get("/api/contacts?sort=name").json["data"][0]
    page = screen(owner, "/crm/contacts")
    cell(page, 0, "job_title").click()
    page.get_by_label("Job title").fill("Mine")
    owner.api.patch(f"/api/contacts/{one['id']}", json={"job_title": "Theirs"})
    page.keyboard.press("Enter")
    told = page.locator(".os-cell-conflict")
    expect(told).to_contain_text("Buyer")
    expect(told).to_contain_text("Theirs")
    told.get_by_role("button", name="Take theirs").click()
    expect(cell(page, 0, "job_title")).to_have_text("Theirs")
    assert owner.api.get(f"/api/contacts/{one['id']}").json["data"]["job_title"] == "Theirs"


def test_a_dialogue_answers_at_the_moment_it_comes(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    page.evaluate("""document.addEventListener("htmx:afterSwap", () => setTimeout(() => {
        const field = document.querySelector("[data-mass-add]");
        field.value = "source";
        field.dispatchEvent(new Event("change", { bubbles: true }));
    }), { once: true })""")
    page.get_by_role("checkbox", name="Select all rows of this page").check()
    page.get_by_role("region", name="What is selected").get_by_role("button", name="Edit…").click()
    expect(page.get_by_role("dialog", name="Change 3 contacts").locator("#f-source")).to_be_visible()


@pytest.mark.req("A-016")
def test_what_is_typed_into_a_dialogue_while_another_field_comes_stays(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    page.get_by_role("checkbox", name="Select all rows of this page").check()
    page.get_by_role("region", name="What is selected").get_by_role("button", name="Edit…").click()
    dialog = page.get_by_role("dialog", name="Change 3 contacts")
    dialog.get_by_label("What is to be changed").select_option("job_title")
    expect(dialog.locator("#f-job_title")).to_be_visible()
    held = Held(page, "**/mass*")
    dialog.get_by_label("Another field").select_option("source")
    held.came()
    dialog.locator("#f-job_title").fill("Director")
    held.let_go()
    expect(dialog.locator("#f-source")).to_be_visible()
    expect(dialog.locator("#f-job_title")).to_have_value("Director")
    expect(dialog.locator("#f-job_title")).to_be_focused()


@pytest.mark.req("A-016")
def test_on_a_phone_rows_are_chosen_by_tapping_or_holding(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts", width=390)
    rows, bar = page.locator("[data-rows] tbody tr"), page.get_by_role("region", name="What is selected")
    page.get_by_role("button", name="Select", exact=True).click()
    expect(bar).to_contain_text("Choose records")
    expect(bar.get_by_role("button", name="Edit…")).to_be_disabled()
    rows.nth(0).click()
    rows.nth(1).get_by_role("link").first.click()
    expect(bar).to_contain_text("2 selected")
    bar.get_by_role("button", name="Select all").click()
    expect(bar).to_contain_text("3 selected")
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    bar.get_by_role("button", name="Select nothing").click()
    expect(bar).to_be_hidden()
    rows.nth(2).dispatch_event("pointerdown", {"pointerType": "touch"})
    expect(bar).to_contain_text("1 selected")
    bar.get_by_role("button", name="Edit…").click()
    expect(page.get_by_role("dialog", name="Change 1 contact")).to_be_visible()


@pytest.mark.req("A-016")
def test_selected_rows_are_changed_with_progress_and_a_result(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    page.get_by_role("checkbox", name="Select all rows of this page").check()
    page.get_by_role("region", name="What is selected").get_by_role("button", name="Edit…").click()
    dialog = page.get_by_role("dialog", name="Change 3 contacts")
    dialog.get_by_label("What is to be changed").select_option("source")
    dialog.locator("#f-source").select_option("event")
    expect(dialog.get_by_text("This changes 3 contacts.")).to_be_visible()
    dialog.get_by_role("button", name="Change 3 contacts").click()
    expect(page.get_by_role("dialog", name="Change of 3 contacts")).to_contain_text("3 waiting")
    run_pending(owner.tenant)
    expect(page.get_by_role("dialog", name="Change of 3 contacts")).to_contain_text("3 changed")
    page.get_by_role("link", name="See each row").click()
    expect(page.get_by_role("heading", level=1, name="Change of 3 contacts")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(4)
    assert {row["source"] for row in owner.api.get("/api/contacts").json["data"]} == {"event"}
