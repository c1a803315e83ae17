"""Views of lists in a browser: kept, shared, begun with, changed and given up, by mouse and by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ossature.testing.people import Person, Tenant
from ossature.testing.record_api import RecordApi

pytestmark = [pytest.mark.browser, pytest.mark.database]

CONTACTS = "/crm/contacts"


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member()


@pytest.fixture
def contacts(owner: Person) -> RecordApi:
    made = RecordApi(owner, "/api/crm/contacts", {"last_name": "Martin"})
    for first, status in (("Anna", "lead"), ("Bruno", "customer"), ("Chloé", "lead")):
        made.add(first_name=first, status=status)
    return made


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(rf"\s*{re.escape(name)}\s*"))


def open_menu(page: Page) -> Any:
    page.locator(".os-views-button").click()
    menu = page.locator("#views-menu")
    expect(menu).to_be_visible()
    return menu


def keep(page: Page, name: str, audience: str = "Only me", *, opens: bool = False) -> None:
    """Save what the list shows now, through the dialog."""
    open_menu(page).get_by_text("Save as…").click()
    dialog = page.get_by_role("dialog", name="Save as a view")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label(audience).check()
    if opens:
        dialog.get_by_label("Open my list with this view").check()
    dialog.get_by_role("button", name="Save the view").click()
    heading(page, name)


@pytest.mark.req("A-007", "A-013")
def test_a_view_is_kept_shared_and_seen_by_somebody_else(
    screen: Callable[..., Page], owner: Person, tenant: Tenant, contacts: RecordApi
) -> None:
    page = screen(owner, f"{CONTACTS}?filter[status]=lead&columns=name,status&sort=-name")
    keep(page, "Leads", "Everybody in the organisation")
    other = screen(tenant.member("viewer"), CONTACTS)
    open_menu(other).get_by_text("Leads", exact=True).click()
    heading(other, "Leads")
    expect(other.locator("tbody tr")).to_have_count(2)
    expect(other.locator("thead th[aria-sort]")).to_have_count(1)
    menu = open_menu(other)
    expect(menu.get_by_text("Delete the view")).to_have_count(0)
    expect(menu.get_by_text("Save as…")).to_be_visible()


def test_what_changes_in_place_can_be_saved_or_given_up(
    screen: Callable[..., Page], owner: Person, contacts: RecordApi
) -> None:
    page = screen(owner, f"{CONTACTS}?filter[status]=lead&sort=-name")
    keep(page, "Leads")
    view = page.url.partition("view=")[2]
    page.locator("thead th a").first.click()
    expect(page.get_by_text("Changed", exact=True)).to_be_visible()
    page.get_by_role("link", name="Discard", exact=True).click()
    page.wait_for_url(f"**{CONTACTS}?view={view}")
    expect(page.get_by_text("Changed", exact=True)).to_have_count(0)
    page.locator("thead th a").first.click()
    page.locator(".os-views-changed").get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(f"**{CONTACTS}?view={view}")
    expect(page.get_by_text("Changed", exact=True)).to_have_count(0)
    expect(page.locator("tbody tr").first).to_contain_text("Anna")


def test_a_link_reproduces_a_list_that_differs_from_its_view(
    screen: Callable[..., Page], owner: Person, contacts: RecordApi
) -> None:
    page = screen(owner, f"{CONTACTS}?filter[status]=lead&sort=-name")
    keep(page, "Leads")
    page.locator("thead th a").first.click()
    expect(page.get_by_text("Changed", exact=True)).to_be_visible()
    link = open_menu(page).get_by_text("Copy the link").locator("xpath=ancestor-or-self::a").get_attribute("href")
    assert link is not None
    again = screen(owner, link)
    heading(again, "Leads")
    expect(again.locator("tbody tr").first).to_contain_text("Anna")
    expect(again.get_by_text("Changed", exact=True)).to_be_visible()


def test_the_list_opens_with_the_view_that_was_chosen_and_without_it_on_demand(
    screen: Callable[..., Page], owner: Person, contacts: RecordApi
) -> None:
    page = screen(owner, f"{CONTACTS}?filter[status]=customer")
    keep(page, "Customers", opens=True)
    page.goto(CONTACTS)
    heading(page, "Customers")
    expect(page.locator("tbody tr")).to_have_count(1)
    open_menu(page).locator("[data-view-entry]").first.click()
    heading(page, "Contacts")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.locator("thead th a").first.click()
    page.wait_for_url("**sort=**")
    heading(page, "Contacts")


def test_a_view_is_renamed_and_deleted(screen: Callable[..., Page], owner: Person, contacts: RecordApi) -> None:
    page = screen(owner, f"{CONTACTS}?filter[status]=lead")
    keep(page, "Leads")
    open_menu(page).get_by_text("Rename and share…").click()
    dialog = page.get_by_role("dialog", name="Rename and share")
    expect(dialog.get_by_label("Name")).to_have_value("Leads")
    dialog.get_by_label("Name").fill("Warm leads")
    dialog.get_by_role("button", name="Save the view").click()
    heading(page, "Warm leads")
    open_menu(page).get_by_text("Delete the view").click()
    asked = page.get_by_role("dialog", name="Delete the view")
    expect(asked).to_contain_text("Warm leads")
    asked.get_by_role("button", name="Delete the view").click()
    heading(page, "Contacts")


def test_views_are_kept_by_the_keyboard_alone(screen: Callable[..., Page], owner: Person, contacts: RecordApi) -> None:
    page = screen(owner, f"{CONTACTS}?filter[status]=lead")
    page.locator(".os-views-button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#views-menu [data-view-entry]")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#views-menu a:focus")).to_contain_text("Save as…")
    page.keyboard.press("Enter")
    expect(page.locator("#view-dialog")).to_be_visible()
    expect(page.locator("#view-dialog input[name=name]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#view-dialog")).not_to_be_visible()
    page.get_by_role("link", name="Save as a view").press("Enter")
    expect(page.locator("#view-dialog input[name=name]")).to_be_focused()
    page.keyboard.type("Typed")
    page.keyboard.press("Enter")
    heading(page, "Typed")


def test_many_views_are_searched(screen: Callable[..., Page], owner: Person, contacts: RecordApi) -> None:
    for number in range(9):
        body = {"record": "crm.contact", "name": f"Été {number}", "definition": {}}
        assert owner.api.post("/api/ossature/views", json=body).status_code == 201
    page = screen(owner, CONTACTS)
    menu = open_menu(page)
    expect(menu.locator("[data-view-search]")).to_be_focused()
    page.keyboard.type("ete 7")
    expect(menu.locator("[data-view-entry]:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    heading(page, "Été 7")


def test_the_forms_of_views_are_pages_where_there_are_no_scripts(owner: Person, contacts: RecordApi) -> None:
    listed = owner.page.get(CONTACTS, query_string={"filter[status]": "lead"})
    assert 'href="/ossature/views/new?record=crm.contact' in listed.text
    page = owner.page.get("/ossature/views/new", query_string={"record": "crm.contact", "look": "filter[status]=lead"})
    assert page.status_code == 200
    assert 'action="/ossature/views/new"' in page.text


@pytest.mark.parametrize("width", [1440, 390])
def test_the_menu_stays_within_the_screen(
    screen: Callable[..., Page], owner: Person, contacts: RecordApi, width: int
) -> None:
    name = "A view with a name that goes on for as long as it may, up to eighty letters"
    body = {"record": "crm.contact", "name": name, "definition": {"sort": "-name"}}
    id = owner.api.post("/api/ossature/views", json=body).json["data"]["id"]
    page = screen(owner, f"{CONTACTS}?view={id}&sort=name", width=width)
    expect(open_menu(page)).to_have_attribute("style", re.compile("left:"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = page.locator("#views-menu").bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= width - box["width"]


@pytest.mark.req("S4-365", "S4-366")
@pytest.mark.parametrize("width", [390, 1440])
def test_what_a_list_shows_and_what_is_selected_are_exported_from_its_menu_and_bar(
    screen: Callable[..., Page], owner: Person, contacts: RecordApi, width: int
) -> None:
    page = screen(owner, f"{CONTACTS}?filter[status]=lead&columns=name,status", width=width, height=844)
    open_menu(page).get_by_text("Export…").click()
    dialog = page.get_by_role("dialog", name="Export 2 contacts")
    expect(dialog).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dialog.get_by_label("Format").select_option("csv")
    with page.expect_download() as started:
        dialog.get_by_role("button", name="Export").click()
    lines = Path(started.value.path()).read_text("utf-8-sig").splitlines()
    assert lines == ["Name,Status", "Anna Martin,Lead", "Chloé Martin,Lead"]
    expect(dialog).to_be_hidden()
    if width < 700:
        return  # a phone has no boxes to select rows by
    page.locator("tbody .os-pick").first.check()
    page.locator("[data-bulk]").get_by_role("button", name="Export…").click()
    dialog = page.get_by_role("dialog", name="Export 1 contact")
    dialog.get_by_label("Format").select_option("csv")
    with page.expect_download() as started:
        dialog.get_by_role("button", name="Export").click()
    assert Path(started.value.path()).read_text("utf-8-sig").splitlines() == ["Name,Status", "Anna Martin,Lead"]
