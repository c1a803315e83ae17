"""External ids by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ossature.testing.people import Person, Tenant

pytestmark = [pytest.mark.database, pytest.mark.browser]

Screen = Callable[..., Page]


def contact(owner: Person, name: str) -> str:
    answer: Any = owner.api.post("/api/crm/contacts", json={"last_name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


@pytest.mark.req("A-023")
def test_an_external_id_is_given_refused_searched_for_and_taken_away_in_place(tenant: Tenant, screen: Screen) -> None:
    owner = tenant.member("owner", locale="en")
    other, id = contact(owner, "Petit"), contact(owner, "Moreau")
    owner.api.put(f"/api/crm/contacts/{other}/external-ids/shop/K-12")
    page = screen(owner, f"/crm/contacts/{id}")
    page.get_by_text("External ids").click()
    page.get_by_label("System").fill("Shop")
    page.get_by_label("Id there").fill("K-12")
    page.get_by_label("Id there").press("Enter")
    expect(page.get_by_text("Another record has this external id")).to_be_visible()
    expect(page.get_by_label("System")).to_have_value("Shop")
    page.get_by_label("Id there").fill("K-13/a")
    page.get_by_role("button", name="Add external id").click()
    expect(page.locator(".os-called-value")).to_have_text(["K-13/a"])
    page.keyboard.press("Control+k")
    page.get_by_label("Search records").fill("k-13/A")
    expect(page.get_by_role("option", name="Moreau")).to_contain_text("External id (shop)")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Remove shop K-13/a").click()
    expect(page.locator(".os-called-value")).to_have_count(0)
    page.reload()
    expect(page.get_by_text("External id: shop: K-13/a")).to_have_count(0)
