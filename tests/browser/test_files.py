"""Files of a record in a real browser: chosen and dropped, watched on their way, looked at, removed and put back."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from ossature.testing.browser import Held, until
from ossature.testing.people import Person

pytestmark = [pytest.mark.browser, pytest.mark.database]

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj 3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R>>endobj 4 0 obj<</Length 25>>\nstream\n1 0 0 rg 0 0 300 200 re f \nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
Screen = Callable[..., Page]


def picture(colour: str = "teal") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (640, 400), colour).save(made, "PNG")
    return made.getvalue()


def is_shown_red(frame: Locator) -> None:
    """Wait until the viewer has drawn the page of the PDF, which nothing but pixels tells."""
    for _attempt in range(100):
        shown = Image.open(io.BytesIO(frame.screenshot())).convert("RGB").resize((60, 60))
        if sum(shown.getpixel((x, y)) == (255, 0, 0) for x in range(60) for y in range(60)) > 100:
            return
        frame.page.wait_for_timeout(100)
    raise AssertionError("the PDF is not shown")


def new_contact(person: Person) -> str:
    answer = person.api.post("/api/contacts", json={"first_name": "Zoé", "last_name": "Martin"})
    return f"/crm/contacts/{answer.json['data']['id']}"


@pytest.mark.req("S2-016")
def test_files_are_chosen_looked_at_removed_and_put_back(member: Callable[..., Person], screen: Screen) -> None:
    owner = member()
    page = screen(owner, new_contact(owner))
    page.get_by_role("tab", name="Files").click()
    choose = page.locator("[data-files-input]")
    choose.set_input_files(
        [
            {"name": "photo.png", "mimeType": "image/png", "buffer": picture()},
            {"name": "offer.pdf", "mimeType": "application/pdf", "buffer": PDF},
            {"name": "setup.exe", "mimeType": "image/png", "buffer": b"MZ" + b"\0" * 200},
        ]
    )
    expect(page.locator(".os-file")).to_have_count(2)
    expect(page.get_by_role("tab", name="Files").locator(".os-count")).to_have_text("2")
    expect(page.get_by_role("alert")).to_contain_text("it is a program or script")
    page.get_by_role("button", name="Dismiss: setup.exe").click()
    expect(page.locator(".os-upload")).to_have_count(0)

    page.get_by_role("link", name="photo.png", exact=True).press("Enter")
    shown = page.locator("[data-file-dialog] img")
    expect(shown).to_be_visible()
    until(page, "document.querySelector('[data-file-dialog] img').naturalWidth === 640")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-file-title]")).to_have_text("offer.pdf")
    expect(page.locator("[data-file-dialog] iframe")).to_be_visible()
    is_shown_red(page.locator("[data-file-dialog] iframe"))
    page.keyboard.press("Escape")
    expect(page.locator("[data-file-dialog]")).to_be_hidden()

    page.get_by_role("button", name="More for photo.png").click()
    page.get_by_role("menuitem", name="Rename").click()
    name = page.get_by_label("Name of the file")
    expect(name).to_be_focused()
    page.keyboard.type("front")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="front.png", exact=True)).to_be_visible()

    page.get_by_role("button", name="More for front.png").click()
    page.get_by_role("menuitem", name="Remove").click()
    expect(page.locator(".os-file:not(.os-file-removed)")).to_have_count(1)
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="front.png", exact=True)).to_be_visible()
    expect(page.get_by_role("complementary", name="Timeline")).to_contain_text("removed the file front.png")


def test_a_file_that_is_being_renamed_stays_so_when_another_arrives(
    member: Callable[..., Person], screen: Screen
) -> None:
    owner = member()
    page = screen(owner, new_contact(owner))
    page.get_by_role("tab", name="Files").click()
    choose = page.locator("[data-files-input]")
    choose.set_input_files({"name": "photo.png", "mimeType": "image/png", "buffer": picture()})
    expect(page.locator(".os-file")).to_have_count(1)
    held = Held(page, "**/files")
    choose.set_input_files({"name": "offer.pdf", "mimeType": "application/pdf", "buffer": PDF})
    held.came()
    page.get_by_role("button", name="More for photo.png").click()
    page.get_by_role("menuitem", name="Rename").click()
    name = page.get_by_label("Name of the file")
    expect(name).to_be_focused()
    page.keyboard.type("front")
    held.let_go()
    expect(page.locator(".os-upload")).to_have_count(0)
    expect(name).to_have_value("front.png")
    page.keyboard.press("Enter")
    expect(page.locator(".os-file")).to_have_count(2)
    expect(page.get_by_role("link", name="front.png", exact=True)).to_be_visible()


def test_files_are_dropped_anywhere_on_the_record(
    member: Callable[..., Person], screen: Screen, tmp_path: Path
) -> None:
    owner = member()
    page = screen(owner, new_contact(owner))
    transfer = page.evaluate_handle(
        "() => { const data = new DataTransfer(); data.items.add(new File(['nom;ville'], 'people.csv')); return data; }"
    )
    page.dispatch_event("h1", "dragenter", {"dataTransfer": transfer})
    page.dispatch_event("h1", "drop", {"dataTransfer": transfer})
    expect(page.get_by_role("link", name="people.csv", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="people.csv", exact=True).click()
    assert download.value.suggested_filename == "people.csv"
