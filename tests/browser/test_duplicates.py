"""Duplicates by mouse: told while one types, looked through in pairs, merged, and the merge taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ossature.testing.background import run_pending
from ossature.testing.people import Person, Tenant

pytestmark = [pytest.mark.database, pytest.mark.browser]

Screen = Callable[..., Page]


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner", name="Anna Petit", locale="en")


def contact(owner: Person, **values: Any) -> str:
    answer: Any = owner.api.post("/api/crm/contacts", json={"last_name": "Moreau", **values})
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


@pytest.mark.req("S4-362")
def test_who_types_somebody_who_is_there_is_told_and_may_save_all_the_same(owner: Person, screen: Screen) -> None:
    contact(owner, first_name="Élodie", email="elodie@moreau.fr")
    page = screen(owner, "/crm/contacts/new")
    page.get_by_label("Last name").fill("Moreau")
    page.locator("#f-email").press_sequentially("elodie@moreau.fr")
    told = page.get_by_text("Looks like one that is here already")
    expect(told).to_be_visible()
    expect(page.locator("[data-similar]").get_by_role("link", name="Élodie Moreau")).to_be_visible()
    page.locator("#f-email").fill("zoe@moreau.fr")
    expect(told).to_have_count(0)
    page.locator("#f-email").fill("elodie@moreau.fr")
    expect(told).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Moreau", exact=True)).to_be_visible()


@pytest.mark.req("S4-362")
def test_a_pair_that_is_not_the_same_is_set_apart_and_fetched_back(owner: Person, screen: Screen) -> None:
    contact(owner, first_name="Élodie", email="elodie@moreau.fr")
    contact(owner, first_name="Elodie", email="elodie@moreau.fr")
    page = screen(owner, "/crm/contacts")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Duplicates").click()
    expect(page.get_by_text("No duplicates to look at")).to_be_visible()
    page.get_by_role("button", name="Search now").click()
    expect(page.get_by_text("Searching…")).to_be_visible()
    run_pending(owner.tenant)
    pair = page.locator(".os-pair")
    expect(pair).to_have_count(1)
    expect(pair).to_contain_text("Very likely the same")
    expect(page.locator("#pairs-open")).to_have_text("1")
    pair.get_by_role("button", name="Not the same").click()
    expect(pair).to_have_count(0)
    expect(page.locator("#pairs-open")).to_have_text("0")
    expect(page.get_by_text("No duplicates to look at")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(pair).to_have_count(1)


@pytest.mark.req("A-017")
def test_two_contacts_are_chosen_in_the_list_merged_field_by_field_and_parted_again(
    owner: Person, screen: Screen
) -> None:
    company = owner.api.post("/api/crm/companies", json={"name": "Charpentes Moreau"}).json["data"]["id"]
    first = contact(owner, first_name="Élodie", email="elodie@moreau.fr", job_title="Director", company_id=company)
    other = contact(owner, first_name="Elodie", phone="01 23 45 67 89", job_title="CEO")
    owner.api.post("/api/crm/deals", json={"name": "Roof", "contact_id": other})
    page = screen(owner, "/crm/contacts")
    for place in range(2):
        page.locator("tbody .os-pick").nth(place).check()
    page.get_by_role("button", name="Merge…").click()
    expect(page.get_by_role("heading", name="Merge 2 contacts")).to_be_visible()
    expect(page.get_by_text("To Élodie Moreau move: 1 deal.")).to_be_visible()
    page.get_by_role("radiogroup", name="Job title").get_by_role("radio").first.check()
    page.get_by_role("button", name="Keep this one").click()
    expect(page.get_by_role("button", name="Merge into Elodie Moreau")).to_be_visible()
    expect(page.get_by_role("radiogroup", name="Job title").get_by_role("radio", name="Director")).to_be_checked()
    page.get_by_role("button", name="Keep this one").click()
    page.get_by_role("button", name="Merge into Élodie Moreau").click()
    expect(page.get_by_text("2 contacts are one now")).to_be_visible()
    expect(page.locator("[data-record]")).to_contain_text("01 23 45 67 89")
    expect(page.locator(".os-timeline")).to_contain_text("Anna Petit merged Elodie Moreau into this")
    page.goto(page.url.replace(first, other))
    expect(page).to_have_url(page.url.split("/crm/")[0] + f"/crm/contacts/{first}")
    page.locator(".os-event").first.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Undo for").click()
    expect(page.get_by_text("Undone", exact=True)).to_be_visible()
    page.goto(page.url.split("/history/")[0].split("/crm/")[0] + "/crm/contacts")
    expect(page.locator("tbody tr")).to_have_count(2)


def test_what_cannot_be_merged_any_more_is_told_on_the_page(owner: Person, screen: Screen) -> None:
    first, other = contact(owner, job_title="One"), contact(owner, job_title="Two")
    page = screen(owner, f"/crm/contacts/merge?id={first}&id={other}")
    owner.api.patch(f"/api/crm/contacts/{other}", json={"job_title": "Three"})
    page.get_by_role("button", name="Merge into").click()
    expect(page.get_by_role("alert")).to_contain_text("changed since you looked")
    expect(page.get_by_role("radiogroup", name="Job title")).to_contain_text("Three")
