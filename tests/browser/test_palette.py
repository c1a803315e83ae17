"""The command palette by keyboard, by touch, and as screen readers hear it; single-letter keys."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ossature.testing.browser import Held
from ossature.testing.people import Person, Tenant

pytestmark = [pytest.mark.browser, pytest.mark.database]

Screen = Callable[..., Page]


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    person = tenant.member("owner", name="Anna Petit")
    for first, last in (("Élodie", "Lefèvre"), ("Zoé", "Lefebvre"), ("Marc", "Dubois")):
        answer = person.api.post("/api/crm/contacts", json={"first_name": first, "last_name": last})
        assert answer.status_code == 201
    return person


def opened(page: Page) -> Any:
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search records, screens and actions")
    expect(field).to_be_focused()
    return field


def chosen(page: Page) -> Any:
    return page.locator("#palette [role=option][aria-selected=true]")


def no_violations(page: Page, inside: str = "#palette") -> None:
    found = [
        f"{violation['id']}: {violation['nodes'][0]['html']}"
        for violation in Axe().run(page, context=inside).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert found == []


@pytest.mark.req("A-025")
def test_from_any_screen_to_any_record_by_keyboard(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/companies")
    field = opened(page)
    page.keyboard.type("lefe")
    expect(page.get_by_role("option", name="Élodie Lefèvre")).to_be_visible()
    expect(chosen(page)).to_have_text(re.compile("Zoé Lefebvre"))
    expect(field).to_have_attribute("aria-activedescendant", str(chosen(page).get_attribute("id")))
    page.keyboard.press("ArrowDown")
    expect(chosen(page)).to_have_text(re.compile("Élodie Lefèvre"))
    expect(page.locator("#palette [role=status]")).to_have_text("2 results")
    no_violations(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Élodie Lefèvre")


@pytest.mark.req("A-025")
def test_screens_and_actions_are_found_by_the_beginnings_of_their_words(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/")
    opened(page)
    page.keyboard.type("create con")
    expect(chosen(page)).to_have_text(re.compile("Create: Contact"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/crm/contacts/new")
    opened(page)
    page.keyboard.type("memb")
    expect(chosen(page)).to_have_text(re.compile("Members"))
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).not_to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).not_to_be_visible()


@pytest.mark.req("A-028")
def test_what_is_pinned_and_what_was_opened_is_at_hand_before_typing(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    page.get_by_role("link", name="Marc Dubois").first.click()
    page.wait_for_url(re.compile(r"/crm/contacts/[0-9a-f-]{36}"))
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Pin", exact=True)).to_have_attribute("aria-pressed", "true")
    page.goto("/crm/contacts")
    page.get_by_role("link", name="Zoé Lefebvre").first.click()
    page.wait_for_url(re.compile(r"/crm/contacts/[0-9a-f-]{36}"))
    opened(page)
    group = page.get_by_role("group", name="Pinned")
    expect(group.get_by_role("option")).to_have_text(re.compile("Marc Dubois"))
    expect(page.get_by_role("group", name="Recently opened").get_by_role("option")).to_have_text(
        re.compile("Zoé Lefebvre")
    )
    no_violations(page)


@pytest.mark.req("A-025")
def test_old_results_stay_until_the_new_ones_are_there(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/")
    opened(page)
    page.keyboard.type("lefev")
    expect(page.get_by_role("option", name="Élodie Lefèvre")).to_be_visible()
    held = Held(page, "**/search/hits?q=lefeb*")
    page.keyboard.press("Backspace")
    page.keyboard.type("b")
    held.came()
    expect(page.get_by_role("option", name="Élodie Lefèvre")).to_be_visible()
    held.let_go()
    expect(page.get_by_role("option", name="Zoé Lefebvre")).to_be_visible()
    expect(page.get_by_role("option", name="Élodie Lefèvre")).not_to_be_visible()
    page.keyboard.press("ArrowUp")
    expect(chosen(page)).to_have_text(re.compile("Search everything for “lefeb”"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=lefeb")
    expect(page.get_by_role("main").get_by_role("link", name=re.compile("Zoé Lefebvre"))).to_be_visible()
    no_violations(page, "main")


def test_enter_goes_to_what_is_found_for_the_words_that_are_there(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/")
    opened(page)
    page.keyboard.type("dubois")
    expect(page.get_by_role("option", name="Marc Dubois")).to_be_visible()
    held = Held(page, "**/search/hits?q=lefeb*")
    page.keyboard.press("Control+a")
    page.keyboard.type("lefeb")
    page.keyboard.press("Enter")
    held.let_go()
    expect(page.get_by_role("heading", level=1)).to_have_text("Zoé Lefebvre")


@pytest.mark.req("A-024")
def test_the_palette_works_on_a_phone(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/", width=390, height=780, dark=True)
    page.get_by_role("button", name="Search and commands").click()
    page.get_by_role("combobox", name="Search records, screens and actions").fill("dubois")
    option = page.get_by_role("option", name="Marc Dubois")
    expect(option).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    no_violations(page)
    option.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Marc Dubois")


@pytest.mark.req("A-026")
def test_letters_go_places_are_silent_while_typing_and_can_be_switched_off(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    for place in ("Everywhere", "In a list", "On a record", "In a form", "In search and commands", "Go to"):
        expect(sheet.get_by_role("heading", name=place)).to_be_visible()
    no_violations(page, "#keys")
    page.keyboard.press("Escape")
    page.get_by_role("searchbox", name="Search in Contacts").focus()
    page.keyboard.type("go?")
    expect(sheet).not_to_be_visible()
    assert "/crm/contacts" in page.url
    page.goto("/crm/contacts")
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url("**/crm/companies")
    page.goto("/settings/me")
    page.get_by_label("Use single-letter shortcuts").first.uncheck()
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("Your choices are saved.")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("?")
    opened(page)  # which it does not over a dialogue
    expect(sheet).not_to_be_visible()
