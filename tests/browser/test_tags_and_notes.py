"""Tags and notes by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ossature.testing.browser import Held
from ossature.testing.people import Person, Tenant

pytestmark = [pytest.mark.database, pytest.mark.browser]

Screen = Callable[..., Page]


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner", locale="en")


def contact(owner: Person, **values: Any) -> str:
    answer: Any = owner.api.post("/api/crm/contacts", json={"last_name": "Moreau", **values})
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


@pytest.mark.req("S4-152")
def test_tags_are_typed_offered_and_taken_back_by_keyboard(owner: Person, screen: Screen) -> None:
    contact(owner, tags=["Élevé", "Fair"])
    id = contact(owner)
    page = screen(owner, f"/crm/contacts/{id}/edit")
    tags = page.get_by_label("Tags")
    tags.press_sequentially("ele")
    expect(page.get_by_role("option", name="Élevé")).to_be_visible()
    tags.press("ArrowDown")
    tags.press("Enter")
    tags.press_sequentially("new one,élevé,gone,")
    tags.press("Backspace")
    expect(page.locator(".os-tags .os-tag")).to_have_count(2)
    tags.press("Control+Enter")
    expect(page.locator("dd .os-tag")).to_have_text(["Élevé", "new one"])
    page.goto(page.url + "/edit")
    page.get_by_role("button", name="Remove: Élevé").click()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("dd .os-tag")).to_have_text(["new one"])


@pytest.mark.req("A-004")
def test_a_note_is_written_pinned_changed_and_deleted_in_place(owner: Person, screen: Screen) -> None:
    page = screen(owner, f"/crm/contacts/{contact(owner)}")
    for text in ("First, see https://example.com", "Second"):
        page.get_by_label("Write a note").fill(text)
        page.get_by_label("Write a note").press("Control+Enter")
        expect(page.locator(".os-note-text").first).to_have_text(text)
    page.locator(".os-memo").nth(1).get_by_role("button", name="Pin note").click()
    expect(page.locator(".os-note-text").first).to_contain_text("First")
    expect(page.locator(".os-memo").first.get_by_role("link")).to_have_attribute("href", "https://example.com")
    second = page.locator(".os-memo").nth(1)
    second.get_by_text("Change note").click()
    second.get_by_label("Note", exact=True).fill("Better")
    second.get_by_role("button", name="Save").click()
    expect(page.locator(".os-note-text").nth(1)).to_have_text("Better")
    page.locator(".os-memo").nth(1).get_by_role("button", name="Delete note").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete note").click()
    expect(page.locator(".os-memo")).to_have_count(1)


def test_what_is_written_stays_when_another_note_is_pinned_and_while_one_is_saved(
    owner: Person, screen: Screen
) -> None:
    page = screen(owner, f"/crm/contacts/{contact(owner)}")
    write = page.get_by_label("Write a note")
    write.fill("First")
    held = Held(page, "**/notes")
    write.press("Control+Enter")
    held.came()
    page.keyboard.type(" and more")
    held.let_go()
    expect(page.locator(".os-note-text")).to_have_text(["First"])
    expect(write).to_have_value(" and more")
    expect(write).to_be_focused()
    page.get_by_text("Change note").click()
    page.get_by_label("Note", exact=True).fill("Better")
    page.get_by_role("button", name="Pin note").click()
    expect(page.locator(".os-note-pinned")).to_have_count(1)
    expect(page.get_by_label("Note", exact=True)).to_have_value("Better")
    expect(write).to_have_value(" and more")


def test_a_note_being_written_stays_when_a_fact_of_the_record_is_changed(owner: Person, screen: Screen) -> None:
    page = screen(owner, f"/crm/contacts/{contact(owner, job_title='Buyer')}")
    page.get_by_label("Write a note").fill("Rings back on Monday")
    page.locator("dd[data-fact=job_title]").first.click()
    page.locator("[data-cell-editor] input[name=job_title]").fill("Director")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary").get_by_text("from Buyer to Director")).to_be_visible()
    expect(page.get_by_label("Write a note")).to_have_value("Rings back on Monday")
