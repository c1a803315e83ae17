"""Deals moved on their board in a real browser: by mouse, touch, keyboard and menu, refused, overtaken, opened for editing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from ossature.testing.browser import Held, until
from ossature.testing.people import Person, Tenant
from ossature.testing.record_api import RecordApi

pytestmark = [pytest.mark.browser, pytest.mark.database]

Screen = Callable[..., Page]
BOARD = "/crm/deals?face=board"


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner", locale="en")


@pytest.fixture
def deals(owner: Person) -> RecordApi:
    api = RecordApi(owner, "/api/crm/deals")
    for name, amount in (("Fleet", "1000.00"), ("Depot", "500.00")):
        api.add(name=name, value={"amount": amount, "currency": "EUR"})
    return api


def column(page: Page, name: str) -> Any:
    return page.get_by_role("region", name=name, exact=True)


def card(page: Page, name: str, where: str | None = None) -> Any:
    return (column(page, where) if where else page).get_by_role("link", name=name)


def stage(deals: RecordApi, name: str) -> str:
    """The name of the stage in which a deal stands."""
    row = next(row for row in deals.list(include="stage").json["data"] if row["name"] == name)
    return str(row["stage"]["name"])


def can_be_moved(page: Page) -> None:
    """Wait for what moves cards, which comes after the page."""
    expect(page.locator(".os-cards[data-sortable]").first).to_be_attached()


def drag(page: Page, name: str, to: str) -> None:
    start = card(page, name).bounding_box()
    end = column(page, to).bounding_box()
    page.mouse.move(start["x"] + 40, start["y"] + 12)
    page.mouse.down()
    page.mouse.move(start["x"] + 60, start["y"] + 24, steps=4)
    page.mouse.move(end["x"] + 80, end["y"] + 90, steps=8)
    expect(column(page, to).locator(".os-card-ghost")).to_have_count(1)
    page.mouse.up()


@pytest.mark.req("S1-44", "S1-35", "S4-372")
def test_a_card_is_dragged_with_the_mouse_and_sums_follow(deals: RecordApi, owner: Person, screen: Screen) -> None:
    page = screen(owner, BOARD)
    expect(column(page, "Lead").locator(".os-column-sum")).to_contain_text("€1,500.00")
    expect(page.locator("script[data-drag]")).to_have_count(1)
    can_be_moved(page)
    drag(page, "Fleet", "Proposal")
    expect(card(page, "Fleet", "Proposal")).to_be_visible()
    expect(column(page, "Proposal").locator(".os-count")).to_have_text("1")
    expect(column(page, "Proposal").locator(".os-column-sum")).to_contain_text("€600.00")
    expect(column(page, "Lead").locator(".os-column-sum")).to_contain_text("€500.00")
    assert stage(deals, "Fleet") == "Proposal"
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_a_lost_deal_asks_why_goes_back_on_escape_and_on_with_a_reason(
    deals: RecordApi, owner: Person, screen: Screen
) -> None:
    page = screen(owner, BOARD, width=1900)
    can_be_moved(page)
    drag(page, "Fleet", "Lost")
    dialog = page.get_by_role("dialog", name="Move Fleet to Lost")
    expect(dialog.get_by_text("Fill this in.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(card(page, "Fleet", "Lead")).to_be_visible()
    assert stage(deals, "Fleet") == "Lead"
    drag(page, "Fleet", "Lost")
    dialog.get_by_role("textbox", name="Lost because").fill("Too dear")
    dialog.get_by_role("button", name="Move", exact=True).click()
    expect(page.locator("[data-move-said]")).to_have_text("Moved to Lost")
    expect(card(page, "Fleet", "Lost")).to_be_visible()
    assert stage(deals, "Fleet") == "Lost"


def test_by_keyboard_space_picks_up_arrows_carry_space_puts_down(
    deals: RecordApi, owner: Person, screen: Screen
) -> None:
    page = screen(owner, BOARD)
    can_be_moved(page)
    said = page.locator("[data-move-said]")
    card(page, "Fleet").focus()
    page.keyboard.press("Space")
    expect(said).to_contain_text("Picked up.")
    page.keyboard.press("ArrowRight")
    expect(said).to_have_text("Over Qualified")
    expect(card(page, "Fleet", "Qualified")).to_be_focused()
    page.keyboard.press("Escape")
    expect(said).to_have_text("Put back into Lead")
    expect(card(page, "Fleet", "Lead")).to_be_focused()
    for key in ("Space", "ArrowRight", "ArrowRight", "Space"):
        page.keyboard.press(key)
    expect(said).to_have_text("Moved to Proposal")
    expect(card(page, "Fleet", "Proposal")).to_be_focused()
    assert stage(deals, "Fleet") == "Proposal"


def test_by_menu_and_who_comes_second_sees_where_it_was_moved(
    deals: RecordApi, owner: Person, tenant: Tenant, screen: Screen
) -> None:
    page, other = screen(owner, BOARD), screen(tenant.member("manager", locale="en"), BOARD)
    for one, to in ((page, "Proposal"), (other, "Qualified")):
        can_be_moved(one)
        card(one, "Fleet").hover()
        one.get_by_role("button", name="Move Fleet").click()
        one.get_by_role("menuitem", name=to).click()
        expect(one.locator("[data-move-said]")).to_contain_text("to Proposal")
        expect(card(one, "Fleet", "Proposal")).to_be_visible()
    expect(other.get_by_text("moved Fleet to Proposal meanwhile.").first).to_be_visible()
    assert stage(deals, "Fleet") == "Proposal"


# What was answered comes only once `letGo` is called: the sums that a page asks for as it opens, the first move.
LATE_SUMS = """
const { open, send } = XMLHttpRequest.prototype;
XMLHttpRequest.prototype.open = function (method, url, ...more) {
  this.late = String(url).includes("part=sums");
  return open.call(this, method, url, ...more);
};
XMLHttpRequest.prototype.send = function (...given) {
  const { onload } = this;
  if (this.late) this.onload = (event) => { window.letGo = () => onload.call(this, event); };
  return send.apply(this, given);
};
"""
LATE_MOVE = """() => {
  const { fetch } = window;
  let first = true;
  window.fetch = async (address, ...more) => {
    const late = first && String(address).includes("/move");
    if (late) first = false;
    const answer = await fetch(address, ...more);
    if (late) await new Promise((done) => { window.letGo = done; });
    return answer;
  };
}"""


def by_menu(page: Page, name: str, to: str) -> None:
    card(page, name).hover()
    page.get_by_role("button", name=f"Move {name}").click()
    page.get_by_role("menuitem", name=to).click()


def test_sums_that_were_asked_for_before_a_move_do_not_take_the_place_of_those_after_it(
    deals: RecordApi, owner: Person, screen: Screen
) -> None:
    page = screen(owner, "/crm/deals")
    page.add_init_script(LATE_SUMS)
    page.goto(page.url.partition("?")[0] + "?face=board")
    can_be_moved(page)
    until(page, "Boolean(window.letGo)")
    by_menu(page, "Fleet", "Proposal")
    expect(column(page, "Proposal").locator(".os-count")).to_have_text("1")
    page.evaluate("window.letGo()")
    expect(page.locator("[hx-get*='part=sums']")).to_have_count(0)
    expect(column(page, "Lead").locator(".os-count")).to_have_text("1")
    expect(column(page, "Lead").locator(".os-column-sum")).to_contain_text("€500.00")
    expect(column(page, "Proposal").locator(".os-column-sum")).to_contain_text("€600.00")


def test_of_two_moves_the_sums_after_both_stay(deals: RecordApi, owner: Person, screen: Screen) -> None:
    page = screen(owner, BOARD)
    can_be_moved(page)
    expect(column(page, "Lead").locator(".os-column-sum")).to_contain_text("€1,500.00")
    page.evaluate(LATE_MOVE)
    by_menu(page, "Fleet", "Proposal")
    by_menu(page, "Depot", "Proposal")
    until(page, "Boolean(window.letGo)")
    page.wait_for_timeout(300)  # an answer to the second that came before that to the first would be there by now
    page.evaluate("window.letGo()")
    expect(page.locator("[data-board] [aria-busy=true]")).to_have_count(0)
    expect(column(page, "Proposal").locator(".os-count")).to_have_text("2")
    expect(column(page, "Lead").locator(".os-count")).to_have_text("0")
    assert [stage(deals, name) for name in ("Fleet", "Depot")] == ["Proposal", "Proposal"]


def beside_the_board(page: Page, name: str) -> tuple[Locator, Locator]:
    """A card opened for editing, and the box of its name there."""
    can_be_moved(page)
    card(page, name).click()
    editor = page.locator("#card-editor")
    return editor, editor.get_by_role("textbox", name="Name", exact=True)


def test_what_is_typed_on_a_card_while_its_save_is_refused_stays(
    deals: RecordApi, owner: Person, screen: Screen
) -> None:
    page = screen(owner, BOARD)
    editor, name = beside_the_board(page, "Fleet")
    name.fill("")
    held = Held(page, "**/edit*")
    editor.get_by_role("button", name="Save").click()
    held.came()
    name.fill("Fleet and depot")
    held.let_go()
    expect(editor.get_by_text("Fill this in.").first).to_be_visible()
    expect(name).to_have_value("Fleet and depot")
    expect(name).to_be_focused()


@pytest.mark.req("S1-45")
def test_a_click_on_a_card_opens_it_for_editing_beside_the_board(
    deals: RecordApi, owner: Person, screen: Screen
) -> None:
    page = screen(owner, BOARD)
    editor, name = beside_the_board(page, "Fleet")
    name.fill("")
    editor.get_by_role("button", name="Save").click()
    expect(editor.get_by_text("Fill this in.").first).to_be_visible()
    name.fill("Fleet and depot")
    editor.get_by_role("button", name="Save").click()
    expect(editor).not_to_be_visible()
    card(page, "Fleet and depot", "Lead").click()
    expect(name).to_be_visible()
    expect(name).to_have_value("Fleet and depot")
    expect(editor.get_by_text("not saved yet")).to_have_count(0)
    assert "face=board" in page.url


@pytest.mark.req("S1-35")
def test_by_touch_a_card_is_held_then_dragged(deals: RecordApi, owner: Person, screen: Screen) -> None:
    page = screen(owner, BOARD)
    can_be_moved(page)
    start, end = card(page, "Fleet").bounding_box(), column(page, "Qualified").bounding_box()
    touch = page.context.new_cdp_session(page)

    def send(kind: str, x: float, y: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    x, y = start["x"] + 40, start["y"] + 12
    send("touchStart", x, y)
    expect(page.locator(".sortable-chosen")).to_have_count(1)
    for step in range(1, 11):
        send("touchMove", x + (end["x"] + 80 - x) * step / 10, y + (end["y"] + 90 - y) * step / 10)
    expect(column(page, "Qualified").locator(".os-card-ghost")).to_have_count(1)
    send("touchEnd", 0, 0)
    expect(page.locator("[data-move-said]")).to_have_text("Moved to Qualified")
    assert stage(deals, "Fleet") == "Qualified"
