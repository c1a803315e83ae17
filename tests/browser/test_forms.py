"""Writing in a real browser: fields that come and go, lines as in a spreadsheet, creating in place, what a tab had when it died."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ossature.testing.browser import Held, until
from ossature.testing.people import Person, Tenant

pytestmark = [pytest.mark.browser, pytest.mark.database]

Screen = Callable[..., Page]
NEW = "/_kinds/samples/new"


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner", locale="en")


def paste(page: Page, selector: str, text: str) -> None:
    page.locator(selector).evaluate(
        """(input, text) => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            input.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        text,
    )


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.req("A-043")
def test_fields_follow_what_is_typed_and_a_fault_opens_its_tab(owner: Person, screen: Screen) -> None:
    page = screen(owner, NEW)
    loss = page.get_by_label("How it was lost")
    expect(loss).to_be_hidden()
    page.get_by_label("Lost", exact=True).check()
    expect(loss).to_be_visible()
    expect(loss).to_have_attribute("aria-required", "true")
    page.get_by_role("tab", name="Findings").click()
    page.get_by_label("Name").fill("Quartz")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("link", name="How it was lost: Fill this in.")).to_be_visible()
    expect(loss).to_be_focused()
    page.get_by_role("tab", name="More").click()
    page.get_by_role("link", name="How it was lost: Fill this in.").click()
    expect(loss).to_be_focused()
    assert serious(page) == []
    loss.fill("Fell")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", level=1, name="Quartz")).to_be_visible()


@pytest.mark.req("A-043")
def test_lines_are_written_like_a_spreadsheet_by_keyboard_alone(owner: Person, screen: Screen) -> None:
    page = screen(owner, NEW)
    page.get_by_label("Name").fill("Quartz")
    page.get_by_role("tab", name="Findings").click()
    page.get_by_role("button", name="Add: line").press("Enter")
    page.keyboard.type("tin")
    page.keyboard.press("Enter")  # on the last row: another one
    page.keyboard.type("gold")
    page.keyboard.press("ArrowUp")
    expect(page.locator("[name='lines-0-finding']")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[name='lines-0-share']")).to_be_focused()
    page.locator("[name='lines-0-count']").fill("1.5")
    page.locator("[name='lines-0-each']").fill("0.33")
    expect(page.locator("[data-computed=total]").first).to_have_text("€0.50")
    expect(page.locator("[data-total=total]")).to_have_text("€0.50")
    page.locator("[name='lines-1-finding']").press("Alt+ArrowUp")
    expect(page.locator("tbody [data-part-row]").first.locator("[name$=finding]")).to_have_value("gold")
    assert serious(page) == []
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", level=1, name="Quartz")).to_be_visible()
    stored = owner.api.get(f"/api/_kinds/samples/{page.url.rpartition('/')[2]}").json["data"]["lines"]
    assert [(line["finding"], line["total"] and line["total"]["amount"]) for line in stored] == [
        ("gold", None),
        ("tin", "0.50"),
    ]


def test_a_block_of_a_spreadsheet_is_pasted_and_what_is_wrong_is_marked(owner: Person, screen: Screen) -> None:
    page = screen(owner, NEW)
    page.get_by_role("tab", name="Findings").click()
    page.get_by_role("button", name="Add: line").click()
    block = "tin\t12\t\t1 234,5\t1.000,10 €\ngold\tmany\t\t1,234.5\t$3\niron\t3\tnone\t2\t10\n"
    paste(page, "[name='lines-0-finding']", block)
    expect(page.locator("tbody [data-part-row]")).to_have_count(3)
    expect(page.get_by_text("Rows pasted: 3. Cells to correct: 1.")).to_be_visible()
    expect(page.locator("[name='lines-0-count']")).to_have_value("1234.5")
    expect(page.locator("[name='lines-0-each']")).to_have_value("1000.10")
    expect(page.locator("[name='lines-1-each-currency']")).to_have_value("USD")
    expect(page.locator("[name='lines-1-share']")).to_have_value("many")
    expect(page.locator("[name='lines-1-share']")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("tbody [data-part-row]")).to_have_count(1)
    expect(page.locator("[name='lines-0-finding']")).to_have_value("")

    paste(page, "[name='lines-0-finding']", "x\t1,2,3\n" * 5000)
    expect(page.get_by_text("5,000 rows were copied, and at most 200 fit here.")).to_be_visible()
    expect(page.locator("tbody [data-part-row]")).to_have_count(1)


def test_a_line_is_dragged_to_another_place(owner: Person, screen: Screen) -> None:
    page = screen(owner, NEW)
    page.get_by_role("tab", name="Findings").click()
    page.get_by_role("button", name="Add: line").click()
    paste(page, "[name='lines-0-finding']", "tin\t1\ngold\t2\niron\t3")
    rows = page.locator("tbody [data-part-row]")
    expect(rows).to_have_count(3)
    grip, target = rows.nth(2).locator("[data-grid-grip]").bounding_box(), rows.nth(0).bounding_box()
    assert grip is not None
    assert target is not None
    page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    page.mouse.down()
    page.mouse.move(grip["x"] + 5, target["y"] + 4, steps=6)
    page.mouse.up()
    expect(rows.nth(0).locator("[name$=finding]")).to_have_value("iron")
    expect(rows.nth(2).locator("[name$=finding]")).to_have_value("gold")


def test_a_deal_is_written_with_its_lines_and_says_why_it_was_lost(owner: Person, screen: Screen) -> None:
    owner.api.post("/api/crm/deals", json={"name": "First"})
    page = screen(owner, "/crm/deals/new")
    reason = page.get_by_label("Lost because")
    page.get_by_label("Name").fill("Fleet")
    expect(reason).to_be_hidden()
    page.get_by_role("combobox", name="Stage").fill("Lost")
    page.get_by_role("option", name="Lost").click()
    expect(reason).to_be_visible()
    expect(reason).to_have_attribute("aria-required", "true")
    page.get_by_role("button", name="Add: line").click()
    paste(page, "[name='lines-0-description']", "Bicycle\t3\t99.99\t12.5\nHelmet\t1\t40\t0")
    expect(page.locator("[data-computed=total]").first).to_have_text("€262.47")
    expect(page.locator("[data-total=total]")).to_have_text("€302.47")
    page.locator("[name='lines-1-description']").press("Alt+ArrowUp")
    page.locator("[name='lines-1-unit_price-currency']").select_option("USD")
    reason.fill("Too dear")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("link", name="Line 2, Unit price: Line 2 is in EUR, the first one in USD")).to_be_visible()
    expect(page.get_by_role("combobox", name="Stage")).to_have_value("Lost")
    page.locator("[name='lines-0-unit_price-currency']").select_option("EUR")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", level=1, name="Fleet")).to_be_visible()
    stored = owner.api.get(f"/api/crm/deals/{page.url.rpartition('/')[2]}").json["data"]
    assert [one["description"] for one in stored["lines"]] == ["Helmet", "Bicycle"]
    assert (stored["value"]["amount"], stored["lost_reason"]) == ("302.47", "Too dear")


@pytest.mark.req("A-043")
def test_a_company_is_created_from_a_contacts_form_by_keyboard_and_chosen(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts/new")
    picker = page.get_by_role("combobox", name="Company")
    picker.press_sequentially("Forges du Nord")
    page.get_by_role("option", name="Create “Forges du Nord”").wait_for()
    picker.press("Enter")
    dialog = page.get_by_role("dialog", name="New company")
    expect(dialog.get_by_label("Name")).to_be_focused()
    expect(dialog.get_by_label("Name")).to_have_value("Forges du Nord")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(picker).to_be_focused()
    picker.fill("Forges du Nord")
    page.get_by_role("option", name="Create “Forges du Nord”").click()
    expect(dialog.get_by_label("Name")).to_be_focused()
    assert serious(page) == []
    page.keyboard.press("Control+Enter")
    expect(picker).to_have_value("Forges du Nord")
    expect(picker).to_be_focused()
    page.get_by_label("Last name").fill("Martin")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("link", name="Forges du Nord")).to_be_visible()


def test_what_is_typed_while_what_is_created_in_place_is_refused_stays(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts/new")
    picker = page.get_by_role("combobox", name="Company")
    picker.press_sequentially("Forges du Nord")
    page.get_by_role("option", name="Create “Forges du Nord”").click()
    dialog = page.get_by_role("dialog", name="New company")
    name = dialog.get_by_label("Name")
    name.fill("")
    held = Held(page, "**/crm/companies/new*")
    page.keyboard.press("Control+Enter")
    held.came()
    page.keyboard.type("Aciers du Sud")
    held.let_go()
    expect(dialog.get_by_text("Fill this in.").first).to_be_visible()
    expect(name).to_have_value("Aciers du Sud")
    expect(name).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(picker).to_have_value("Aciers du Sud")


@pytest.mark.req("S1-63")
def test_what_a_page_had_when_it_died_is_offered_back(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts/new")
    line = page.locator("[data-draft-line]")
    expect(line).to_be_hidden()
    page.get_by_label("Last name").fill("Martin")
    page.get_by_role("button", name="Add: address").click()
    page.locator("[name='addresses-0-city']").fill("Lyon")
    until(page, "Object.values(localStorage).some((kept) => kept.includes('Lyon'))")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(line).to_contain_text("You were writing this")
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("It is not saved yet.")).to_be_visible()
    expect(page.get_by_label("Last name")).to_have_value("Martin")
    expect(page.locator("[name='addresses-0-city']")).to_have_value("Lyon")
    page.wait_for_load_state()  # Ctrl-Enter is the scripts'
    page.locator("[name='addresses-0-line1']").fill("1 rue Haute")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", level=1, name="Martin")).to_be_visible()
    page.goto("/crm/contacts/new")
    expect(page.get_by_label("Last name")).to_have_value("")
    expect(line).to_be_hidden()


@pytest.mark.req("S1-63")
def test_a_session_that_ended_while_writing_loses_nothing(owner: Person, screen: Screen) -> None:
    from ossature.testing.people import PASSWORD

    page = screen(owner, "/crm/contacts/new")
    page.get_by_label("Last name").fill("Rousseau")
    page.context.clear_cookies()
    page.keyboard.press("Control+Enter")
    page.get_by_label("E-mail").fill(owner.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("It is not saved yet.")).to_be_visible()
    expect(page.get_by_label("Last name")).to_have_value("Rousseau")
    page.wait_for_load_state()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", level=1, name="Rousseau")).to_be_visible()


def test_leaving_asks_only_where_something_would_be_lost(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts/new")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.get_by_label("Last name").fill("Martin")
    page.get_by_label("Last name").fill("")
    page.get_by_role("link", name="Back without saving").click()
    page.wait_for_url("**/crm/contacts")
    assert asked == []
    page.goto("/crm/contacts/new")
    page.get_by_label("Last name").fill("Martin")
    page.get_by_role("link", name="Back without saving").click()
    page.wait_for_url("**/crm/contacts")
    assert asked == ["beforeunload"]
    page.locator("form[action$='/sign-out']").evaluate("(form) => form.requestSubmit()")
    page.wait_for_url("**/sign-in*")
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('ossature:draft:'))") == []
