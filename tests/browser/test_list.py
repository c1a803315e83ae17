"""Lists in a real browser, one gesture a test: filter, sort, group, lay out, walk, preview, select."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from ossature.testing.browser import Held, until
from ossature.testing.people import Person, Tenant

pytestmark = [pytest.mark.browser, pytest.mark.database]

Screen = Callable[..., Page]
PEOPLE = (
    ("Anna", "Arnaud", "lead"), ("Bruno", "Barbier", "customer"), ("Chloé", "Colin", "lead"),
    ("Denis", "Dupont", "prospect"), ("Élise", "Evrard", "customer"), ("Farid", "Fabre", "inactive"),
)  # fmt: skip


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    person = tenant.member("owner", locale="en")
    for first, last, status in PEOPLE:
        fields = {"first_name": first, "last_name": last, "status": status, "email": f"{first[0].lower()}@example.com"}
        answer = person.api.post("/api/crm/contacts", json=fields)
        assert answer.status_code == 201, answer.json
    return person


def names(page: Page, *expected: str) -> None:
    expect(page.locator("tbody tr:visible .os-row-link")).to_have_text(list(expected))


def tool(page: Page, label: str) -> None:
    page.locator("[data-toolbar]").get_by_role("link", name=label).first.click()
    expect(page.locator("#list-box")).to_be_visible()


@pytest.mark.req("S0-22")
def test_a_filter_is_built_read_as_a_sentence_changed_and_lifted(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    tool(page, "Filter")
    page.get_by_role("searchbox", name="Search a field").fill("stat")
    page.keyboard.press("Enter")
    page.get_by_label("Lead").check()
    page.get_by_label("Customer").check()
    page.get_by_role("button", name="Filter the list").click()
    names(page, "Anna Arnaud", "Bruno Barbier", "Chloé Colin", "Élise Evrard")
    expect(page.locator("#list-box")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"filter%5Bstatus\.in%5D=lead%2Ccustomer"))
    page.get_by_role("link", name="Status is Lead or Customer", exact=True).click()
    page.get_by_label("Lead", exact=True).uncheck()
    page.keyboard.press("Enter")
    names(page, "Bruno Barbier", "Élise Evrard")
    page.go_back()
    names(page, "Anna Arnaud", "Bruno Barbier", "Chloé Colin", "Élise Evrard")
    page.get_by_role("link", name="Lift the filter: Status is Lead or Customer").click()
    expect(page.locator("tbody tr")).to_have_count(6)


def test_questions_are_joined_and_people_are_picked(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    tool(page, "Filter")
    page.locator("#list-box").get_by_role("link", name="Owner").click()
    page.get_by_label("Question", exact=True).select_option("is")
    page.locator(".os-filter-picked .os-combo input").click()  # the select that it replaces is one for a moment
    page.locator(".os-combo-list").get_by_role("option").first.click()
    expect(page.locator(".os-filter-picked").get_by_role("checkbox")).to_be_checked()
    page.get_by_role("button", name="Add a question").click()
    page.locator("#filter-f1").select_option("created_at")
    page.get_by_label("Period").select_option("last")
    page.get_by_label("How many days").fill("7")
    page.get_by_label("Rows match").select_option("none")
    page.get_by_role("button", name="Filter the list").click()
    expect(page.get_by_text("Nothing matches these filters")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Lift: none of")).click()
    expect(page.locator("tbody tr")).to_have_count(6)


@pytest.mark.req("S2-113", "A-014")
def test_rows_narrow_at_once_while_one_types_below_a_header(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    page.get_by_role("button", name="Filter below the headers").click()
    held = Held(page, "**/crm/contacts?*part=row*")
    page.get_by_label("Filter Name").press_sequentially("cH")
    names(page, "Chloé Colin")
    expect(page).not_to_have_url(re.compile("filter"))
    held.let_go()
    expect(page).to_have_url(re.compile(r"filter%5Bname\.starts%5D=cH"))
    expect(page.get_by_label("Filter Name")).to_be_focused()
    page.get_by_label("Filter Name").fill("")
    page.get_by_label("Filter Status").select_option("customer")
    names(page, "Bruno Barbier", "Élise Evrard")
    page.reload()
    expect(page.get_by_label("Filter Status")).to_have_value("customer")
    page.get_by_role("button", name="Filter below the headers").click()
    expect(page.get_by_label("Filter Status")).to_have_count(0)


@pytest.mark.req("A-014")
def test_what_is_typed_below_another_header_while_rows_are_on_their_way_counts(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    page.get_by_role("button", name="Filter below the headers").click()
    held = Held(page, "**/crm/contacts?*part=row*")
    page.get_by_label("Filter Name").press_sequentially("b")
    held.came()
    page.get_by_label("Filter Status").select_option("customer")
    page.get_by_label("Filter Name").fill("é")
    held.let_go()
    names(page, "Élise Evrard")
    expect(page).to_have_url(re.compile("status"))
    expect(page.get_by_label("Filter Name")).to_have_value("é")
    expect(page.get_by_label("Filter Name")).to_be_focused()


def test_a_cell_that_is_being_changed_stays_until_it_is_saved_though_rows_were_asked_for(
    owner: Person, screen: Screen
) -> None:
    page = screen(owner, "/crm/contacts?columns=name,status,email")
    held = Held(page, "**/crm/contacts?*q=arnaud*")
    page.get_by_role("searchbox", name="Search in Contacts").fill("arnaud")
    held.came()
    page.get_by_role("cell", name="b@example.com").click(position={"x": 4, "y": 4})
    page.get_by_label("E-mail", exact=True).fill("bruno@example.com")
    with page.expect_event("requestfinished"):
        held.let_go()
    expect(page.get_by_label("E-mail", exact=True)).to_have_value("bruno@example.com")
    page.keyboard.press("Enter")
    names(page, "Anna Arnaud")
    emails = [one["email"] for one in owner.api.get("/api/crm/contacts").json["data"]]
    assert "bruno@example.com" in emails


def test_a_row_that_is_chosen_and_looked_at_while_rows_are_on_their_way_stays_so(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts?columns=name,status,email")
    held = Held(page, "**/crm/contacts?*q=arnaud*")
    page.get_by_role("searchbox", name="Search in Contacts").fill("arnaud")
    held.came()
    page.locator("tbody .os-pick").first.check()
    page.keyboard.press("k")  # to the first row, which it is in
    page.keyboard.press("Space")
    panel = page.get_by_role("complementary", name="Preview")
    expect(panel.get_by_role("heading", name="Anna Arnaud")).to_be_visible()
    held.let_go()
    names(page, "Anna Arnaud")
    expect(page.locator("tbody .os-pick")).to_be_checked()
    expect(page.get_by_role("region", name="What is selected")).to_contain_text("1 selected")
    expect(panel.get_by_role("heading", name="Anna Arnaud")).to_be_visible()
    expect(page.get_by_role("link", name="Anna Arnaud").first).to_be_focused()


@pytest.mark.req("A-013")
def test_columns_ticked_one_after_another_all_come(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts?columns=name,status")
    tool(page, "Columns")
    held = Held(page, re.compile("part=columns"))
    page.locator("#column-email").check()
    held.came()
    page.locator("#column-mobile").check()
    page.locator("#column-phone").check()
    held.let_go()
    for name in ("email", "mobile", "phone"):
        expect(page.locator(f"thead th[data-name={name}]")).to_be_visible()
        expect(page.locator(f"#column-{name}")).to_be_checked()


def test_headers_sort_and_shift_adds_a_second_order(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    page.get_by_role("columnheader", name="Status").get_by_role("link").click()
    expect(page).to_have_url(re.compile("sort=status$"))
    page.get_by_role("columnheader", name="E-mail").get_by_role("link").click(modifiers=["Shift"])
    expect(page).to_have_url(re.compile("sort=status%2Cemail"))
    page.get_by_role("columnheader", name="Status").get_by_role("link").click(modifiers=["Shift"])
    expect(page).to_have_url(re.compile("sort=-status%2Cemail"))
    names(page, "Farid Fabre", "Bruno Barbier", "Élise Evrard", "Denis Dupont", "Anna Arnaud", "Chloé Colin")
    tool(page, "Sort")
    page.locator("#remove-status").click()
    names(page, "Anna Arnaud", "Bruno Barbier", "Chloé Colin", "Denis Dupont", "Élise Evrard", "Farid Fabre")
    expect(page.locator("#list-box")).to_be_visible()


@pytest.mark.req("A-008")
def test_groups_open_in_place_and_close(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    tool(page, "Group")
    page.locator("#list-box").get_by_role("link", name="Status").click()
    expect(page.locator(".os-group")).to_have_count(4)
    page.keyboard.press("Escape")
    customers = page.locator(".os-group").get_by_role("link", name="Customer 2")
    customers.click()
    names(page, "Bruno Barbier", "Élise Evrard")
    expect(page).to_have_url(re.compile("group=status$"))
    customers.press("ArrowLeft")
    expect(page.locator("tbody tr:visible .os-row-link")).to_have_count(0)
    page.get_by_role("button", name="Open all groups").click()
    expect(page.locator("tbody tr:visible .os-row-link")).to_have_count(6)
    page.get_by_role("button", name="Close all groups").click()
    expect(page.locator("tbody tr:visible .os-row-link")).to_have_count(0)


@pytest.mark.req("A-013")
def test_columns_are_chosen_moved_and_sized_by_mouse_and_keyboard(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts?columns=name,status,email")
    headers = page.locator("thead th[data-name]")
    tool(page, "Columns")
    page.locator("#column-mobile").check()
    expect(headers).to_have_text(["Name", "Status", "E-mail", "Mobile"])
    page.locator("#up-email").click()
    expect(headers).to_have_text(["Name", "E-mail", "Status", "Mobile"])
    expect(page.locator("#list-box [data-column]")).to_contain_text(["Name", "E-mail", "Status", "Mobile"])
    page.locator("[data-column=mobile]").drag_to(page.locator("[data-column=email]"), target_position={"x": 40, "y": 2})
    expect(headers).to_have_text(["Name", "Mobile", "E-mail", "Status"])
    page.keyboard.press("Escape")
    edge = page.locator("th[data-name=email] [data-sizer]").bounding_box()
    assert edge
    page.mouse.move(edge["x"] + 4, edge["y"] + 5)
    page.mouse.down()
    page.mouse.move(edge["x"] + 84, edge["y"] + 5)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"email%3A\d+"))
    expect(page.locator(".htmx-request, .htmx-settling")).to_have_count(0)
    wide = page.locator("th[data-name=email]").bounding_box()
    assert wide
    page.locator("#sort-email").press("Alt+ArrowLeft")
    until(page, f"document.querySelector('th[data-name=email]').getBoundingClientRect().width < {wide['width']}")


@pytest.mark.req("A-013")
def test_a_drag_goes_on_while_the_box_is_asked_for_anew(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts?columns=name,status,email")
    headers = page.locator("thead th[data-name]")
    tool(page, "Columns")
    held = Held(page, re.compile("part=columns$"))
    page.locator("#column-mobile").check()
    expect(headers).to_have_text(["Name", "Status", "E-mail", "Mobile"])
    dragged, to = (page.locator(f"[data-column={name}]").bounding_box() for name in ("email", "status"))
    assert dragged
    assert to
    page.mouse.move(dragged["x"] + 40, dragged["y"] + 8)
    page.mouse.down()
    page.mouse.move(to["x"] + 40, to["y"] + 2, steps=4)
    with page.expect_response(re.compile("part=columns$")) as answer:
        held.let_go()
    answer.value.finished()
    page.mouse.up()
    expect(headers).to_have_text(["Name", "E-mail", "Status", "Mobile"])
    expect(page.locator("#list-box [data-column]")).to_contain_text(["Name", "E-mail", "Status", "Mobile"])


@pytest.mark.req("A-027")
def test_rows_are_walked_previewed_and_opened_by_keyboard(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts?sort=-name")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Space")
    panel = page.get_by_role("complementary", name="Preview")
    expect(panel.get_by_role("heading", name="Élise Evrard")).to_be_visible()
    expect(panel.get_by_text("created this")).to_be_visible()
    page.keyboard.press("j")
    expect(panel.get_by_role("heading", name="Denis Dupont")).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Denis Dupont")).to_be_visible()
    page.get_by_role("link", name="Next", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Chloé Colin")).to_be_visible()
    expect(page.locator(".os-crumbs a").last).to_have_attribute("href", re.compile("sort=-name$"))
    page.locator(".os-crumbs a").last.click()
    expect(page).to_have_url(re.compile(r"/crm/contacts\?sort=-name$"))


def test_a_click_beside_the_links_of_a_row_previews_it(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts", width=390, height=844)
    page.locator("tbody tr").first.click(position={"x": 320, "y": 12})
    expect(page.get_by_role("complementary", name="Preview").get_by_role("heading", name="Anna Arnaud")).to_be_visible()
    page.get_by_role("complementary", name="Preview").get_by_role("button", name="Close").click()
    expect(page.get_by_role("complementary", name="Preview")).to_be_hidden()


def test_rows_are_selected_one_by_one_in_a_range_and_all(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("j")
    page.keyboard.press("x")
    bar = page.get_by_role("region", name="What is selected")
    expect(bar).to_contain_text("1 selected")
    boxes = page.get_by_role("checkbox", name="Select", exact=True)
    boxes.nth(3).click(modifiers=["Shift"])
    expect(bar).to_contain_text("4 selected")
    bar.get_by_role("button", name="Copy e-mail addresses").click()
    expect(page.get_by_text("Copied: 4")).to_be_visible()
    page.get_by_role("checkbox", name="Select all rows of this page").check()
    expect(bar).to_contain_text("6 selected")
    bar.get_by_role("button", name="Select nothing").click()
    expect(bar).to_be_hidden()


def test_compact_lists_show_25_rows(tenant: Tenant, screen: Screen) -> None:
    person = tenant.member("owner", locale="en")
    for number in range(30):
        person.api.post("/api/crm/contacts", json={"last_name": f"Person {number:02}"})
    page = screen(person, "/crm/contacts")
    page.get_by_role("button", name="Me: ").click()
    page.get_by_role("button", name="Compact").click()
    shown = """() => { const box = document.querySelector('.os-table-box').getBoundingClientRect();
        return [...document.querySelectorAll('tbody tr')].filter((row) => row.getBoundingClientRect().bottom <= box.bottom + 1).length >= 25 }"""
    until(page, shown)


def test_without_scripts_every_tool_is_a_page(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts")
    page.route("**/*.js", lambda route: route.abort())
    page.reload()
    page.locator("#tool-filter").click()
    page.get_by_role("link", name="Status", exact=True).click()
    page.get_by_label("Lead").check()
    page.get_by_role("button", name="Filter the list").click()
    names(page, "Anna Arnaud", "Chloé Colin")
    page.locator("#tool-columns").click()
    page.locator("#up-status").click()
    expect(page.locator("thead th[data-name]")).to_contain_text(
        ["Name", "Company", "Job title", "E-mail", "Status", "Telephone"]
    )
