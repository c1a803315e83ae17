"""Undoing, an earlier version, and the recycle bin, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from ossature.testing.people import Person, Tenant

pytestmark = [pytest.mark.browser, pytest.mark.database]

Screen = Callable[..., Page]


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner", locale="en")


def contact(person: Person, **fields: object) -> str:
    answer = person.api.post("/api/crm/contacts", json={"last_name": "Martin", **fields})
    assert answer.status_code == 201, answer.json
    return str(answer.json["data"]["id"])


@pytest.mark.req("S4-101", "A-030")
def test_a_change_is_undone_and_redone_from_the_timeline_and_an_earlier_version_comes_back(
    owner: Person, screen: Screen
) -> None:
    id = contact(owner, first_name="Paula", job_title="Buyer")
    owner.api.patch(f"/api/crm/contacts/{id}", json={"job_title": "Director"})
    page = screen(owner, f"/crm/contacts/{id}")
    timeline = page.get_by_role("complementary", name="Timeline")
    timeline.get_by_role("button", name="Undo").first.click()
    expect(page.get_by_text("Undone", exact=True)).to_be_visible()
    assert owner.api.get(f"/api/crm/contacts/{id}").json["data"]["job_title"] == "Buyer"
    page.get_by_role("button", name="Redo").click()
    expect(timeline.get_by_text("by undoing")).to_have_count(2)
    assert owner.api.get(f"/api/crm/contacts/{id}").json["data"]["job_title"] == "Director"
    timeline.get_by_role("link", name="As it was then").last.click()
    expect(page.get_by_role("row", name="Job title")).to_contain_text("Buyer")
    page.get_by_role("button", name="Restore this version").click()
    expect(page.get_by_text("The earlier version is back")).to_be_visible()
    assert owner.api.get(f"/api/crm/contacts/{id}").json["data"]["job_title"] == "Buyer"


@pytest.mark.req("A-029")
def test_what_was_deleted_is_chosen_in_the_bin_and_restored(owner: Person, screen: Screen) -> None:
    ids = [contact(owner, first_name=name) for name in ("Hugo", "Zoé", "Anna")]
    for id in ids:
        owner.api.delete(f"/api/crm/contacts/{id}")
    page = screen(owner, "/bin")
    page.get_by_role("checkbox", name="Hugo Martin").check()
    page.get_by_role("checkbox", name="Zoé Martin").check()
    page.get_by_role("button", name="Restore what is chosen").click()
    expect(page.get_by_text("2 records restored")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(1)
    page.get_by_role("checkbox", name="Anna Martin").check()
    page.get_by_role("button", name="Delete for good…").click()
    page.get_by_role("button", name="Delete 1 record for good").click()
    expect(page.get_by_text("The recycle bin is empty")).to_be_visible()
    assert owner.api.get(f"/api/crm/contacts/{ids[2]}").status_code == 404
