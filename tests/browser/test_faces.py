"""Boards and calendars in a real browser: chosen, walked with the arrows, previewed, gone on with, swiped."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ossature.ids import new_id
from ossature.testing.browser import until
from ossature.testing.people import Person, Tenant

pytestmark = [pytest.mark.browser, pytest.mark.database]

Screen = Callable[..., Page]
STATES = ("raw", "cut", "gone")


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    """Somebody with 56 raw samples, two cut ones and none that is gone; six of them taken on one day."""
    person = tenant.member("owner", locale="en")
    rows = [("raw", f"Raw {n:02}", "2026-11-10" if n < 6 else None) for n in range(56)]
    rows += [("cut", "Cut A", "2026-11-11"), ("cut", "Cut B", None)]
    with tenant.work() as work:
        for state, name, day in rows:
            given: dict[str, Any] = {
                "tenant_id": tenant.id, "id": new_id(), "name": name, "state": state, "taken_on": day,
                "price_minor": 1000, "price_currency": "EUR", "owner_id": person.member_id,
            }  # fmt: skip
            marks = ", ".join(f"%({key})s" for key in given)
            work.connection().exec_driver_sql(f"INSERT INTO _kinds.sample ({', '.join(given)}) VALUES ({marks})", given)
    return person


def column(page: Page, name: str) -> Any:
    return page.get_by_role("region", name=name, exact=True)


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.req("A-011")
def test_a_list_becomes_a_board_with_its_filter_and_says_what_columns_add_up_to(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/_kinds/samples?filter[name.starts]=raw")
    page.get_by_role("link", name="Board", exact=True).click()
    expect(page.get_by_role("region", name="Samples by State")).to_be_visible()
    expect(column(page, "Raw").locator("[data-card][data-href]")).to_have_count(50)
    expect(column(page, "Raw").locator(".os-count")).to_have_text("56")
    expect(column(page, "Raw").locator(".os-column-sum")).to_contain_text("€560.00")
    expect(column(page, "Cut").locator(".os-count")).to_have_text("0")
    expect(column(page, "Cut").get_by_text("None")).to_be_visible()
    expect(page.locator("#count")).to_have_text("56")
    assert serious(page) == []
    page.get_by_role("button", name="By State").click()
    page.get_by_role("menuitemradio", name="Owner").click()
    expect(page.get_by_role("region", name="Samples by Owner")).to_be_visible()
    expect(page.get_by_text("Name begins with raw")).to_be_visible()


def test_arrows_walk_the_cards_space_previews_and_enter_opens(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/_kinds/samples?face=board&by=state")
    first = column(page, "Raw").get_by_role("link", name="Raw 00")
    expect(first).to_have_attribute("tabindex", "0")
    expect(page.locator('[data-card][tabindex="0"]'), "the board has one stop in the tab order").to_have_count(1)
    first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Raw 01")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("link", name="Cut B")).to_be_focused()
    page.keyboard.press("Shift+Space")
    expect(page.locator("#preview").get_by_role("heading", name="Cut B")).to_be_visible()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#preview").get_by_role("heading", name="Cut A")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Cut A")).to_be_visible()


def test_a_column_goes_on_and_the_focus_goes_with_it(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/_kinds/samples?face=board&by=state")
    page.get_by_role("link", name="Raw 49").focus()
    page.keyboard.press("ArrowDown")
    more = page.get_by_role("button", name="Show more")
    expect(page.get_by_role("link", name="Raw 50")).to_be_focused()
    expect(column(page, "Raw").locator("[data-card]")).to_have_count(56)
    expect(more).to_have_count(0)
    assert "part=" not in page.url


def test_a_board_is_searched_in_place(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/_kinds/samples?face=board&by=state")
    page.get_by_role("searchbox", name="Search in Samples").fill("cut")
    expect(column(page, "Raw").locator("[data-card]")).to_have_count(0)
    expect(column(page, "Cut").locator("[data-card]")).to_have_count(2)
    expect(column(page, "Cut").locator(".os-count")).to_have_text("2")
    expect(page).to_have_url(re.compile("face=board.*q=cut|q=cut.*face=board"))
    page.get_by_role("link", name="List", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(2)


@pytest.mark.req("A-012")
def test_a_calendar_is_gone_through_by_keys_and_a_full_day_opens(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/_kinds/samples?face=calendar&by=taken_on&at=2026-11")
    expect(page.get_by_role("heading", name="November 2026")).to_be_visible()
    day = page.locator("[data-day]", has=page.locator('time[datetime="2026-11-10"]'))
    expect(day.locator(".os-entry")).to_have_count(5)
    expect(page.locator(".os-calendar-total")).to_contain_text("7")
    expect(page.locator(".os-calendar-total")).to_contain_text("€70.00")
    assert serious(page) == []
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name="December 2026")).to_be_visible()
    page.keyboard.press("k")
    expect(page.get_by_role("heading", name="November 2026")).to_be_visible()
    page.get_by_role("link", name="Week", exact=True).click()
    expect(page).to_have_url(re.compile("span=week"))
    page.go_back()
    expect(page.get_by_role("heading", name="November 2026")).to_be_visible()
    page.get_by_role("link", name="2 more").click()
    expect(page.locator("tbody tr")).to_have_count(6)


@pytest.mark.req("A-011", "A-012")
def test_on_a_phone_columns_come_one_at_a_time_and_a_calendar_is_an_agenda(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/_kinds/samples?face=board&by=state", width=390, height=844)
    box = column(page, "Raw").bounding_box()
    assert box is not None
    assert 300 < box["width"] <= 390
    page.locator("[data-board]").evaluate("board => board.scrollTo({left: board.clientWidth * 0.7})")
    expect(column(page, "Cut").get_by_role("heading", name="Cut")).to_be_in_viewport()
    until(page, "Math.abs(document.querySelectorAll('[data-column]')[1].getBoundingClientRect().left - 16) < 3")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("link", name="Calendar", exact=True).click()
    page.goto("/_kinds/samples?face=calendar&by=taken_on&at=2026-11")
    expect(page.locator("[data-day]:visible")).to_have_count(2)
    expect(page.locator(".os-day-name:visible")).to_have_text(["Tuesday", "Wednesday"])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert serious(page) == []
