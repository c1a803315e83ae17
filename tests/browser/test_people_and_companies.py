"""Working with people and companies in a real browser: find, read, create, change, delete, get back."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from ossature.testing.browser import Held
from ossature.testing.people import Person, Tenant

pytestmark = [pytest.mark.browser, pytest.mark.database]

Screen = Callable[..., Page]


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner", locale="en")


def make_contact(person: Person, **fields: object) -> str:
    answer = person.api.post("/api/crm/contacts", json={"last_name": "Martin", **fields})
    assert answer.status_code == 201, answer.json
    return str(answer.json["data"]["id"])


@pytest.mark.req("S4-637", "S4-077", "S3-077")
def test_a_person_finds_a_contact_by_typing_and_opens_it(owner: Person, screen: Screen) -> None:
    for first, last in (("Zoé", "Durand"), ("Élodie", "Lefèvre"), ("Anna", "Petit")):
        make_contact(owner, first_name=first, last_name=last)
    page = screen(owner, "/crm/contacts")
    expect(page.get_by_role("heading", name="Contacts")).to_be_visible()
    page.get_by_role("searchbox").fill("lefevre")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Élodie Lefèvre").click()
    expect(page.get_by_role("heading", level=1, name="Élodie Lefèvre")).to_be_visible()
    expect(page.get_by_text("created this")).to_be_visible()


@pytest.mark.req("S4-359", "S0-26")
def test_a_contact_is_created_with_an_address_and_its_company_picked_by_keyboard(owner: Person, screen: Screen) -> None:
    owner.api.post("/api/crm/companies", json={"name": "Clinique des Tilleuls"})
    page = screen(owner, "/crm/contacts/new")
    page.get_by_label("Last name").fill("Rousseau")
    picker = page.get_by_role("combobox", name="Company")
    picker.press_sequentially("tilleuls")
    page.get_by_role("option", name="Clinique des Tilleuls").wait_for()
    picker.press("ArrowDown")
    picker.press("Enter")
    page.get_by_role("button", name="Add: address").click()
    page.locator("[name='addresses-0-line1']").fill("12 rue Haute")
    page.locator("[name='addresses-0-city']").fill("Lyon")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", level=1, name="Rousseau")).to_be_visible()
    expect(page.get_by_role("link", name="Clinique des Tilleuls")).to_be_visible()
    expect(page.get_by_text("12 rue Haute")).to_be_visible()
    expect(page.get_by_text("Contact created")).to_be_visible()


def test_enter_before_the_company_is_found_chooses_it_all_the_same(owner: Person, screen: Screen) -> None:
    owner.api.post("/api/crm/companies", json={"name": "Clinique des Tilleuls"})
    page = screen(owner, "/crm/contacts/new")
    held = Held(page, "**/options*")
    page.get_by_label("Last name").fill("Rousseau")
    picker = page.get_by_role("combobox", name="Company")
    picker.fill("tilleuls")
    picker.press("Enter")
    held.let_go()
    expect(picker).to_have_value("Clinique des Tilleuls")
    expect(page.get_by_role("listbox")).to_have_count(0)


@pytest.mark.req("S4-360", "S4-361", "S0-19")
def test_faults_stand_beside_their_fields_and_nothing_typed_is_lost(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts/new")
    page.get_by_label("First name").fill("Inès")
    page.locator("#f-email").fill("nonsense")
    page.locator("#f-phone").fill("12")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("3 things need correcting")).to_be_visible()
    expect(page.locator("#f-last_name")).to_be_focused()
    expect(page.locator("#f-email")).to_have_value("nonsense")
    expect(page.locator("#f-email")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("First name")).to_have_value("Inès")
    page.locator("#f-last_name").fill("Garnier")
    page.locator("#f-email").fill("ines@example.com")
    page.locator("#f-phone").fill("01 23 45 67 89")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Inès Garnier")).to_be_visible()


def test_two_people_change_the_same_field_and_the_second_chooses(tenant: Tenant, owner: Person, screen: Screen) -> None:
    other = tenant.member("manager", locale="en")
    id = make_contact(owner, first_name="Paul", job_title="Clerk")
    page = screen(owner, f"/crm/contacts/{id}/edit")
    other.api.patch(f"/api/crm/contacts/{id}", json={"job_title": "Buyer", "department": "Purchasing"})
    page.get_by_label("Job title").fill("Director")
    page.get_by_label("First name").fill("Paula")
    page.keyboard.press("Control+Enter")
    panel = page.get_by_role("alert").filter(has_text="changed the same fields")
    expect(panel).to_be_visible()
    expect(panel.get_by_text("Clerk")).to_be_visible()
    expect(panel.get_by_text("Buyer")).to_be_visible()
    expect(panel.get_by_text("Director")).to_be_visible()
    page.wait_for_load_state()  # Ctrl-Enter is the scripts'
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", level=1, name="Paula Martin")).to_be_visible()
    stored = owner.api.get(f"/api/crm/contacts/{id}").json["data"]
    assert (stored["job_title"], stored["department"], stored["first_name"]) == ("Director", "Purchasing", "Paula")


@pytest.mark.req("S2-094", "S4-141")
def test_a_deleted_contact_is_brought_back_by_undo_and_from_the_bin(owner: Person, screen: Screen) -> None:
    id = make_contact(owner, first_name="Hugo")
    page = screen(owner, f"/crm/contacts/{id}")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Delete contact").click()
    expect(page.get_by_text("Hugo Martin deleted")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone", exact=True)).to_be_visible()

    owner.api.delete(f"/api/crm/contacts/{id}")
    page.goto(page.url.split("/crm/")[0] + "/crm/contacts?deleted=true")
    page.get_by_role("link", name="Hugo Martin").click()
    expect(page.get_by_text("This was deleted.")).to_be_visible()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("This was deleted.")).to_have_count(0)


@pytest.mark.req("S3-126", "S3-125", "S3-049")
def test_a_viewer_is_shown_no_button_that_would_be_refused(tenant: Tenant, owner: Person, screen: Screen) -> None:
    id = make_contact(owner, first_name="Lucie")
    viewer = tenant.member("viewer", locale="en")
    page = screen(viewer, "/crm/contacts")
    expect(page.get_by_role("link", name="Lucie Martin")).to_be_visible()
    expect(page.get_by_role("link", name="New contact")).to_have_count(0)
    page.goto(page.url.split("/crm/")[0] + f"/crm/contacts/{id}")
    expect(page.get_by_role("link", name="Edit", exact=True)).to_have_count(0)
    page.get_by_role("button", name="More actions").click()
    expect(page.get_by_text("Why these rights?")).to_be_visible()
    expect(page.get_by_text(re.compile("Delete|Restore"))).to_have_count(0)
    assert viewer.page.post(f"/crm/contacts/{id}/delete").status_code == 403


def test_the_list_goes_forward_and_back_and_keeps_its_order(owner: Person, screen: Screen) -> None:
    for number in range(60):
        make_contact(owner, last_name=f"Person {number:02d}")
    page = screen(owner, "/crm/contacts")
    names = page.locator("a.os-row-link")
    expect(names).to_have_count(50)
    expect(names.first).to_have_text("Person 00")
    page.get_by_role("link", name=re.compile("Next")).click()
    expect(names).to_have_count(10)
    expect(names.first).to_have_text("Person 50")
    page.get_by_role("link", name=re.compile("Previous")).click()
    expect(names.first).to_have_text("Person 00")
    page.get_by_role("link", name="Name").click()
    expect(names.first).to_have_text("Person 59")


def test_a_company_shows_its_people_in_a_tab(owner: Person, screen: Screen) -> None:
    company = owner.api.post("/api/crm/companies", json={"name": "Verger Moreau"}).json["data"]["id"]
    make_contact(owner, first_name="Théo", company_id=company)
    page = screen(owner, f"/crm/companies/{company}")
    page.get_by_role("tab", name="Contacts").click()
    expect(page.get_by_role("link", name="Théo Martin")).to_be_visible()


@pytest.mark.req("S3-100", "S3-101", "S3-102")
def test_the_same_page_speaks_french_and_english(tenant: Tenant, owner: Person, screen: Screen) -> None:
    french = tenant.member("owner", locale="fr")
    page = screen(french, "/crm/companies/new")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nouvelle entreprise")
    expect(page.get_by_label("Raison sociale")).to_be_visible()
    page = screen(owner, "/crm/companies/new")
    expect(page.get_by_label("Legal name")).to_be_visible()


def test_the_home_page_fills_its_boxes_with_requests_of_their_own(owner: Person, screen: Screen) -> None:
    make_contact(owner, first_name="Manon")
    page = screen(owner, "/")
    expect(page.get_by_role("heading", name="Newest contacts")).to_be_visible()
    expect(page.get_by_role("link", name="Manon Martin")).to_be_visible()
    expect(page.get_by_role("table", name="My contacts by status")).to_be_visible()


def test_who_changed_what_is_shown_to_those_who_may_see_it(tenant: Tenant, owner: Person, screen: Screen) -> None:
    id = make_contact(owner, first_name="Nadia")
    viewer = tenant.member("viewer", locale="en")
    page = screen(viewer, f"/crm/contacts/{id}")
    expect(page.get_by_role("heading", level=1, name="Nadia Martin")).to_be_visible()
    expect(page.get_by_role("heading", name="Timeline")).to_have_count(0)
    assert viewer.page.get(f"/crm/contacts/{id}/timeline").status_code == 403


@pytest.mark.req("S4-110", "S4-109")
def test_while_a_search_is_under_way_the_old_rows_stay_and_a_line_says_so(owner: Person, screen: Screen) -> None:
    make_contact(owner, first_name="Louis")
    page = screen(owner, "/crm/contacts")
    held = Held(page, "**/crm/contacts?*q=nobody*")
    page.get_by_role("searchbox").fill("nobody")
    expect(page.locator("#rows.htmx-request")).to_be_visible()
    expect(page.get_by_role("link", name="Louis Martin")).to_be_visible()
    held.let_go()
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    expect(page.locator("#rows.htmx-request")).to_have_count(0)
