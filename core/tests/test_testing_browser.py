"""The browser fixtures: a person signed in, in a real browser, on real HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from ossature.testing.people import Person, Tenant

pytestmark = [pytest.mark.browser, pytest.mark.database]


def test_a_person_is_signed_in_and_sees_their_own_language(tenant: Tenant, screen: Callable[..., Page]) -> None:
    person: Person = tenant.member("owner", locale="fr")
    page = screen(person, "/", width=390, height=844, dark=True)
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert page.viewport_size == {"width": 390, "height": 844}
    assert page.url.startswith(tenant.url)


def test_nobody_is_signed_in_without_a_person(screen: Callable[..., Page], tenant: Tenant) -> None:
    page = screen(None, "/settings/me")
    assert "/sign-in" in page.url
