"""Every kind of screen in a real browser: no serious axe violation, no policy violation, keyboard, 360 px and 200 %."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect


def focused(page: Page) -> str:
    return str(
        page.evaluate(
            "document.activeElement.id || document.activeElement.getAttribute('name') || document.activeElement.textContent.trim()"
        )
    )


@pytest.mark.browser
@pytest.mark.req("S0-20", "S2-002", "S4-107")
def test_no_serious_accessibility_violation(page: Page, screen_path: str) -> None:
    faults = []
    for width, theme in ((1440, "light"), (1440, "dark"), (390, "light")):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(screen_path, wait_until="networkidle")
        for found in Axe().run(page).response["violations"]:
            if found["impact"] in ("serious", "critical"):
                faults += [
                    f"{width} {theme} {found['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
                    for node in found["nodes"]
                ]
    assert faults == []


@pytest.mark.browser
@pytest.mark.req("S0-18", "S4-106", "S4-105")
@pytest.mark.parametrize("width", [360, 720])
def test_nothing_is_cut_off_at_any_width(page: Page, screen_path: str, width: int) -> None:
    """360 px is a small phone; 720 px is 1440 at 200 %."""
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(screen_path, wait_until="networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
@pytest.mark.req("S3-077", "S3-078")
def test_navigation_is_grouped_folds_and_is_remembered(page: Page) -> None:
    page.goto("/contacts")
    page.get_by_role("button", name="Billing").click()
    expect(page.get_by_role("link", name="Invoices")).to_have_count(0)
    page.get_by_role("button", name="Fold the navigation").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-rail", "on")
    page.get_by_role("button", name="Fold the navigation").click()
    page.reload()
    expect(page.get_by_role("link", name="Invoices")).to_have_count(0)
    page.get_by_role("button", name="Billing").click()
    expect(page.get_by_role("link", name="Invoices")).to_be_visible()


@pytest.mark.browser
@pytest.mark.req("S3-077", "S0-18")
def test_a_phone_has_a_bar_of_five_and_the_whole_navigation_behind_menu(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/contacts")
    bar = page.get_by_role("navigation", name="Quick navigation")
    expect(bar.locator("a")).to_have_count(5)
    bar.get_by_text("Menu").click()
    page.get_by_role("link", name="Invoices").wait_for()
    expect(page.locator("#main")).to_have_attribute("inert", "")
    page.keyboard.press("Escape")
    expect(page.locator("#main")).not_to_have_attribute("inert", "")


@pytest.mark.browser
@pytest.mark.req("S4-105")
def test_theme_and_density_are_chosen_in_the_me_menu_and_kept(page: Page) -> None:
    page.goto("/contacts")
    page.get_by_role("button", name="Me: Camille Rousseau").click()
    page.get_by_role("button", name="Dark", exact=True).click()
    page.get_by_role("button", name="Compact").click()
    page.goto("/contacts")
    root = page.locator("html")
    assert (root.get_attribute("data-theme"), root.get_attribute("data-density")) == ("dark", "compact")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 23, 27)"
    box = page.locator(".os-rows > .os-table-box").bounding_box()
    rows = page.locator("tbody tr")
    assert box is not None
    bottoms = [rows.nth(at).bounding_box() for at in range(25)]
    assert all(row is not None and row["y"] + row["height"] <= box["y"] + box["height"] for row in bottoms)


@pytest.mark.browser
@pytest.mark.req("S0-20")
def test_letters_are_shortcuts_except_while_typing_and_when_switched_off(page: Page) -> None:
    page.goto("/contacts")
    page.keyboard.press("/")
    assert focused(page) == "q"
    page.keyboard.type("gc")
    assert page.url.endswith("/contacts") or "q=gc" in page.url
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.goto("/contacts")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert focused(page).endswith("Élodie Perrin")
    page.keyboard.press("Enter")
    page.wait_for_url("**/contact/1")
    page.keyboard.press("e")
    page.wait_for_url("**/edit")
    expect(page.locator("#f-email")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#f-email")).not_to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/")
    page.keyboard.press("?")
    page.get_by_role("checkbox", name="Use single-letter shortcuts").uncheck()
    page.reload()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()


@pytest.mark.browser
@pytest.mark.req("S0-07", "S0-15")
def test_searching_swaps_the_rows_and_leaves_the_typing_alone(page: Page) -> None:
    page.goto("/contacts")
    search = page.get_by_role("searchbox", name="Search in Contacts")
    search.press_sequentially("anna l", delay=30)
    expect(page.locator("tbody tr").filter(has_not_text="Anna L")).to_have_count(0)
    expect(search).to_have_value("anna l")
    expect(page).to_have_url(re.compile(r"q=anna(\+|%20)l"))
    assert focused(page) == "q"
    assert page.locator("#count").inner_text() == str(page.locator("tbody tr").count())
    page.reload()
    expect(search).to_have_value("anna l")


@pytest.mark.browser
@pytest.mark.req("S0-20")
def test_tabs_and_menus_are_walked_with_the_arrows(page: Page) -> None:
    page.goto("/contact/1")
    page.get_by_role("tab", name="Details").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Companies")).to_have_attribute("aria-selected", "true")
    page.get_by_role("tabpanel", name="Companies").get_by_role("row").first.wait_for()
    page.reload()
    expect(page.get_by_role("tab", name="Companies")).to_have_attribute("aria-selected", "true")
    page.get_by_role("button", name="Create").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Contact")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Company")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Create", exact=True)).to_be_focused()


@pytest.mark.browser
@pytest.mark.req("S0-20")
def test_the_reference_picker_is_searched_and_chosen_from_by_keyboard(page: Page) -> None:
    page.goto("/contact/1/edit")
    picker = page.get_by_role("combobox", name="Company")
    picker.fill("zoé")
    page.get_by_role("option", name="Zoé Fontaine").wait_for()
    picker.press("Enter")
    expect(picker).to_have_value("Zoé Fontaine")
    expect(page.locator("select[name=company]")).to_have_value("6")
    picker.fill("nobody")
    page.get_by_text("Nothing found").first.wait_for()
    picker.press("Escape")
    expect(picker).to_have_value("Zoé Fontaine")


@pytest.mark.browser
@pytest.mark.req("S0-20")
def test_rows_of_a_part_are_added_numbered_and_removed(page: Page) -> None:
    page.goto("/contact/1/edit")
    page.get_by_role("button", name="Add an address").click()
    assert focused(page) == "f-addresses-1-street"
    page.locator("[name=addresses-1-city]").fill("Lyon")
    page.get_by_role("button", name="Remove Address").first.click()
    expect(page.locator("[name=addresses-0-city]")).to_have_count(0)
    page.get_by_role("button", name="Add an address").click()
    expect(page.locator("[name=addresses-2-city]")).to_have_count(1)


@pytest.mark.browser
@pytest.mark.req("S0-20")
def test_errors_take_the_focus_and_their_summary_leads_to_the_field(page: Page) -> None:
    page.goto("/contact/1/edit")
    assert focused(page) == "f-email"
    expect(page.locator("#f-email")).to_have_attribute("aria-describedby", "f-email-error")
    page.get_by_role("link", name="City:").click()
    assert focused(page) == "f-addresses-0-city"


@pytest.mark.browser
@pytest.mark.req("S0-20")
def test_choosing_the_other_version_in_a_conflict_fills_the_field(page: Page) -> None:
    page.goto("/contact/1/edit?conflict=1")
    page.get_by_role("radio", name="Anna Lefèvre-Morel").check()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Anna Lefèvre-Morel")
    page.get_by_role("radio", name="Anna Lefèvre", exact=True).check()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Anna Lefèvre")


@pytest.mark.browser
@pytest.mark.req("S0-20")
def test_deleting_offers_an_undo_and_a_broken_box_stays_in_its_box(page: Page) -> None:
    page.goto("/contact/1")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Delete Anna Lefèvre").click()
    expect(page.get_by_role("status").get_by_role("button", name="Undo")).to_be_visible()
    page.goto("/")
    page.get_by_role("button", name="Try again").wait_for()
    expect(page.locator(".os-figure")).to_have_count(5)


@pytest.mark.browser
@pytest.mark.req("S4-108")
def test_pages_cross_over_and_stand_still_for_those_who_ask(browser: Browser, address: str) -> None:
    def rule(motion: str) -> bool:
        view = browser.new_context(base_url=address, reduced_motion=motion)  # type: ignore[arg-type]
        page = view.new_page()
        page.add_init_script(
            "addEventListener('pagereveal', (event) => { window.crossed = Boolean(event.viewTransition) })"
        )
        page.goto("/contacts")
        page.get_by_role("link", name="Home").last.click()
        page.wait_for_url("**/")
        crossed = bool(page.evaluate("window.crossed"))
        view.close()
        return crossed

    assert rule("no-preference")
    assert not rule("reduce")


@pytest.mark.browser
@pytest.mark.req("S3-103", "S0-09")
def test_the_landing_page_may_be_indexed_and_the_others_not(page: Page) -> None:
    page.goto("/welcome")
    expect(page.locator("meta[name=robots]")).to_have_attribute("content", "index, follow")
    assert page.locator("meta[name=description]").get_attribute("content")
    expect(page.locator("h1")).to_have_count(1)
    page.goto("/contacts")
    expect(page.locator("meta[name=robots]")).to_have_attribute("content", "noindex")


@pytest.mark.browser
@pytest.mark.req("S0-20")
def test_the_keyboard_meets_the_skip_link_first_and_everything_in_reading_order(page: Page) -> None:
    page.goto("/contacts")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    met = []
    for _ in range(24):
        page.keyboard.press("Tab")
        met.append(page.evaluate("document.activeElement.closest('aside, header.os-top, main')?.tagName"))
    assert [place for at, place in enumerate(met) if at == 0 or met[at - 1] != place][:3] == ["ASIDE", "HEADER", "MAIN"]
