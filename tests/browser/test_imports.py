"""Importing a file in a real browser: its columns are told, what it would do is seen and corrected, and all of it undone."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Route, expect

from ossature.testing.background import run_pending
from ossature.testing.browser import intercept
from ossature.testing.importing import send
from ossature.testing.needs import need
from ossature.testing.people import Person

pytestmark = [pytest.mark.browser, pytest.mark.database]

Screen = Callable[..., Page]
DATA = Path(os.environ.get("OSSATURE_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data") / "sales-pipeline"
PEOPLE = """Prénom;Nom;E-mail;Entreprise;Inconnu
Élodie;Durand;elodie@exemple.fr;Axion SA;a
Éric;Petit;eric@exemple.fr;Axion;b
Anna;Noël;anna@exemple.fr;;c
"""


@pytest.fixture
def owner(member: Callable[..., Person]) -> Person:
    return with_axion(member("owner"))


def with_axion(person: Person) -> Person:
    person.api.post("/api/companies", json={"name": "Axion"})
    return person


def begin(page: Page, text: str, name: str = "contacts.csv") -> None:
    page.locator("[data-import-input]").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": text.encode("cp1252")}
    )
    page.wait_for_url("**/columns")


def check(person: Person, page: Page) -> None:
    page.locator("[data-save]").click()
    page.wait_for_url("**/check")
    run_pending(person.tenant)
    expect(page.locator("[data-import-state=checked]")).to_be_visible()


@contextmanager
def sent(page: Page) -> Iterator[None]:
    """What is done within sends a form, and the server has taken it at the end."""
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        yield


def run(person: Person, page: Page, label: str) -> None:
    with sent(page):
        page.get_by_role("button", name=label, exact=True).click()
    run_pending(person.tenant)
    expect(page.locator("[data-import-state=done]")).to_be_visible()


def row(page: Page, header: str) -> Locator:
    """A column of the file, with where it goes."""
    return page.get_by_role("group", name=header, exact=True)


def names(person: Person) -> set[str]:
    return {one["name"] for one in person.api.get("/api/contacts?limit=100").json["data"]}


def choose(page: Page, header: str, target: str) -> None:
    """Say where a column goes, with the keyboard."""
    box = row(page, header).get_by_role("combobox").first
    box.fill(target)
    expect(row(page, header).get_by_role("option").first).to_be_visible()
    with sent(page):
        box.press("Enter")


@contextmanager
def held_back(page: Page) -> Iterator[Callable[[], None]]:
    """What is chosen first inside is kept only once the answer is let go with what this gives."""
    asked: list[Route] = []
    intercept(page, "**/columns", lambda route: asked.append(route), times=1)
    answered: list[None] = []

    def let_go() -> None:
        with page.expect_response("**/columns") as answer:
            asked[0].continue_()
        answer.value.finished()
        answered.append(None)

    yield let_go
    if not answered:
        let_go()


@pytest.mark.req("A-018")
def test_a_french_file_is_read_corrected_in_the_page_and_imported(
    member: Callable[..., Person], screen: Screen
) -> None:
    owner = with_axion(member("owner", locale="fr"))
    page = screen(owner, "/crm/contacts", locale="fr")
    page.get_by_role("button", name="Contacts").click()
    page.get_by_role("menuitem", name="Importer…").click()
    begin(page, PEOPLE)
    expect(row(page, "Prénom").get_by_role("combobox").first).to_have_value("Prénom")
    expect(row(page, "Entreprise").get_by_role("combobox").first).to_have_value("Entreprise")
    expect(page.locator(".os-import-read")).to_contain_text("Point-virgule")
    choose(page, "Nom", "Nom de famille")
    expect(page.locator("#import-state")).to_have_text("4 colonnes sont importées, 1 est laissée de côté")

    check(owner, page)
    expect(page.locator("#import-sentence")).to_have_text("Créer 2 contacts ; 1 ligne ne peut pas être importée.")
    wrong = page.get_by_label("Entreprise à la ligne 2")
    expect(wrong).to_have_value("Axion SA")
    expect(page.locator("#row-2")).to_contain_text("ne peut pas être importée")
    assert names(owner) == set()
    wrong.fill("Axion")
    wrong.press("Enter")
    expect(page.locator("#row-2")).to_contain_text("créer")
    expect(page.locator("#import-sentence")).to_have_text("Créer 3 contacts ; 0 ligne ne peut pas être importée.")
    expect(page.get_by_role("button", name="Créer 3 contacts", exact=True)).to_be_focused()

    run(owner, page, "Créer 3 contacts")
    expect(page.locator("#import-sentence")).to_have_text("Ajout de 3 contacts")
    assert names(owner) == {"Élodie Durand", "Éric Petit", "Anna Noël"}


@pytest.mark.req("A-018")
def test_what_a_value_means_is_said_once_for_all_rows(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts/imports")
    begin(page, "First name;Last name;Company\nA;One;Axionn\nB;Two;Axionn\nC;Three;Axion\n")
    check(owner, page)
    fault = page.locator(".os-import-fault").filter(has_text="Axionn")
    expect(fault).to_contain_text("2 rows")
    with sent(page):
        fault.get_by_role("button", name="Use “Axion” for all 2 rows").click()
    run_pending(owner.tenant)
    expect(page.locator("#import-sentence")).to_have_text("Create 3 contacts; 0 rows cannot go in.")
    page.get_by_role("link", name="Back to the columns").click()
    expect(row(page, "Company").get_by_text("1 value is replaced")).to_be_visible()
    row(page, "Company").locator("summary").click()
    expect(row(page, "Company").get_by_label("Axionn means")).to_have_value("Axion")


@pytest.mark.req("A-021")
def test_companies_that_are_missing_are_created_along(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts/imports")
    begin(page, "First name;Last name;Company\nA;One;Borealis\nB;Two;Borealis\nC;Three;Axion\n")
    check(owner, page)
    with sent(page):
        page.get_by_role("button", name="Create all that are not here").click()
    run_pending(owner.tenant)
    expect(page.locator("#import-sentence")).to_have_text("Create 3 contacts; 0 rows cannot go in.")
    run(owner, page, "Create 3 contacts")
    companies = [one["name"] for one in owner.api.get("/api/companies").json["data"]]
    assert sorted(companies) == ["Axion", "Borealis"]


@pytest.mark.req("A-018")
def test_all_or_nothing_writes_nothing_and_the_rest_may_be_taken_without(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts/imports")
    begin(page, "First name;Last name;Company\nA;One;Nowhere\nB;Two;Axion\n")
    page.get_by_label("Import nothing at all until every row can go in").check()
    check(owner, page)
    expect(page.get_by_text("Nothing goes in while a row cannot.")).to_be_visible()
    expect(page.locator("[data-save]")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download these rows").click()
    kept = download.value.path().read_text("utf-8-sig")
    assert kept.splitlines()[0] == "First name;Last name;Company;Why not"
    assert "A;One;Nowhere;" in kept
    run(owner, page, "Create 1 contact, leave out 1 row")
    expect(page.locator("#import-sentence")).to_have_text("1 contact created, 1 row left out")
    assert names(owner) == {"B Two"}

    page.goto("/crm/contacts/imports")
    begin(page, kept.replace("Nowhere", "Axion"), "corrected.csv")
    check(owner, page)
    run(owner, page, "Create 1 contact")
    assert names(owner) == {"A One", "B Two"}


@pytest.mark.req("A-019", "A-020")
def test_rows_change_what_is_here_and_all_of_it_is_undone(owner: Person, screen: Screen) -> None:
    owner.api.post("/api/contacts", json={"first_name": "Anna", "last_name": "Old", "email": "anna@exemple.fr"})
    page = screen(owner, "/crm/contacts/imports")
    begin(page, "First name;Last name;E-mail\nAnna;New;anna@exemple.fr\nBea;Two;bea@exemple.fr\n")
    page.get_by_label("Yes: change the contacts that are here, create the others").check()
    page.get_by_label("They are the same where this is the same").select_option("email")
    check(owner, page)
    expect(page.locator("#import-sentence")).to_have_text("Create 1 contact, change 1; 0 rows cannot go in.")
    run(owner, page, "Create 1 and change 1 contacts")
    assert names(owner) == {"Anna New", "Bea Two"}
    page.get_by_role("button", name="Undo this import").click()
    with sent(page):
        page.get_by_role("button", name="Undo for 2 records").click()
    run_pending(owner.tenant)
    assert names(owner) == {"Anna Old"}
    page.goto("/crm/contacts/imports")
    page.get_by_role("link", name="contacts.csv").click()
    expect(page.get_by_text("This import was undone.")).to_be_visible()
    expect(page.get_by_role("button", name="Undo this import")).to_have_count(0)


@pytest.mark.req("A-018", "A-019")
def test_what_is_chosen_and_pressed_while_the_choice_before_is_kept_counts(owner: Person, screen: Screen) -> None:
    owner.api.post("/api/contacts", json={"first_name": "Anna", "last_name": "Old", "email": "anna@exemple.fr"})
    page = screen(owner, "/crm/contacts/imports")
    begin(page, "First name;Last name;E-mail\nAnna;New;anna@exemple.fr\nBea;Two;bea@exemple.fr\n")
    change = page.get_by_label("Yes: change the contacts that are here, create the others")
    key = page.get_by_label("They are the same where this is the same")
    with held_back(page):
        with page.expect_request("**/columns"):
            change.check()
        key.select_option("last_name")
    expect(page.get_by_label("and this")).to_have_count(1)
    expect(key).to_have_value("last_name")
    page.reload()
    expect(change).to_be_checked()
    expect(key).to_have_value("last_name")

    with held_back(page):
        with page.expect_request("**/columns"):
            page.get_by_label("Import nothing at all until every row can go in").check()
        key.select_option("email")
        page.locator("[data-save]").click(no_wait_after=True)
        expect(page.locator("[data-save]")).to_have_attribute("aria-busy", "true")
    page.wait_for_url("**/check")
    run_pending(owner.tenant)
    expect(page.locator("#import-sentence")).to_have_text("Create 1 contact, change 1; 0 rows cannot go in.")


@pytest.mark.req("A-018")
def test_nothing_takes_the_place_of_what_is_pressed_or_typed(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts/imports")
    begin(page, "First name;Last name;Company\nA;One;Nowhere\nB;Two;Axion\n")
    company = row(page, "Company")
    company.locator("summary").click()
    company.get_by_role("button", name="Say what values mean").click()
    meant = company.get_by_label("Nowhere means")
    expect(company.get_by_label("Axion means")).to_be_focused()
    with held_back(page) as let_go:
        with page.expect_request("**/columns"):
            company.get_by_label("Where it is not here").select_option("empty")
        meant.press_sequentially("Axi")
        let_go()
        page.keyboard.type("on")
        page.keyboard.press("Tab")
    expect(company.locator("summary")).to_contain_text("1 value is replaced")
    expect(company.locator("summary")).to_contain_text("unknown ones are left empty")
    expect(meant).to_have_value("Axion")
    expect(company.get_by_label("All other values")).to_be_focused()

    with held_back(page) as let_go:
        with page.expect_request("**/columns"):
            company.get_by_label("Where it is not here").select_option("refuse")
        once_more = company.get_by_role("button", name="Use this column once more")
        once_more.hover()
        page.mouse.down()
        let_go()
        page.mouse.up()
    expect(row(page, "Company")).to_have_count(2)
    check(owner, page)
    expect(page.locator("#import-sentence")).to_have_text("Create 2 contacts; 0 rows cannot go in.")


@pytest.mark.req("A-022")
def test_choices_are_kept_and_fill_in_the_next_file(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts/imports")
    begin(page, "Vor;Nach\nAnna;One\n")
    choose(page, "Vor", "First name")
    choose(page, "Nach", "Last name")
    page.get_by_text("Keep these choices").first.click()
    page.get_by_label("Name", exact=True).fill("German list")
    page.get_by_role("button", name="Keep these choices").click()
    expect(page.locator("#toasts")).to_contain_text("German list")
    page.goto("/crm/contacts/imports")
    begin(page, "Vor;Nach\nBea;Two\n")
    expect(page.get_by_text("Filled in as kept in “German list”.")).to_be_visible()
    expect(row(page, "Nach").get_by_role("combobox").first).to_have_value("Last name")
    page.get_by_role("button", name="Forget it").click()
    expect(page.locator("#import-preset")).to_have_count(0)


@pytest.mark.req("A-018")
def test_an_import_is_done_with_the_keyboard_alone_and_going_back_loses_nothing(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts/imports")
    begin(page, "First name;Family;Note\nAnna;One;x\n")
    row(page, "Family").get_by_role("combobox").first.focus()
    page.keyboard.type("Last")
    expect(row(page, "Family").get_by_role("option", name="Last name")).to_be_visible()
    with sent(page):
        page.keyboard.press("Enter")
    expect(row(page, "Family").get_by_role("combobox").first).to_be_focused()
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/check")
    run_pending(owner.tenant)
    expect(page.locator("[data-import-state=checked]")).to_be_visible()
    page.get_by_role("link", name="File").press("Enter")
    page.get_by_role("button", name="Go on to the columns").press("Enter")
    expect(row(page, "Family").get_by_role("combobox").first).to_have_value("Last name")
    row(page, "Family").get_by_role("combobox").first.press("Control+Enter")
    page.wait_for_url("**/check")
    run_pending(owner.tenant)
    expect(page.locator("[data-import-state=checked]")).to_be_visible()
    with sent(page):
        page.get_by_role("button", name="Create 1 contact").press("Enter")
    run_pending(owner.tenant)
    expect(page.locator("#import-sentence")).to_have_text("1 contact created")


@pytest.mark.req("A-018")
@pytest.mark.parametrize(("width", "dark"), [(390, True), (1440, False)])
def test_each_step_can_be_used_by_everybody_at_any_width(owner: Person, screen: Screen, width: int, dark: bool) -> None:
    page = screen(owner, "/crm/contacts/imports", width=width, dark=dark)

    def sound() -> None:
        found = Axe().run(page).response["violations"]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    sound()
    begin(page, "First name;Last name;Company;Phone\nA;One;Nowhere;12\nB;Two;Axion;\n")
    sound()
    row(page, "Company").locator("summary").click()
    row(page, "Company").get_by_role("button", name="Say what values mean").click()
    expect(row(page, "Company").get_by_label("Nowhere means")).to_be_visible()
    sound()
    page.get_by_role("link", name="File").click()
    sound()
    page.get_by_role("button", name="Go on to the columns").click()
    check(owner, page)
    sound()


@pytest.mark.req("A-018")
def test_a_file_that_is_no_table_is_refused_in_words_and_another_may_be_chosen(owner: Person, screen: Screen) -> None:
    page = screen(owner, "/crm/contacts/imports")
    transfer = page.evaluate_handle(
        "() => { const data = new DataTransfer(); data.items.add(new File(['%PDF-1.4 x'], 'offer.pdf')); return data; }"
    )
    page.dispatch_event("h1", "dragenter", {"dataTransfer": transfer})
    page.dispatch_event("h1", "drop", {"dataTransfer": transfer})
    expect(page.get_by_role("alert")).to_contain_text("offer.pdf")
    begin(page, "First name;Last name\nAnna;One\n")
    expect(row(page, "First name").get_by_role("combobox").first).to_have_value("First name")


@pytest.mark.slow
@pytest.mark.req("A-018", "A-021")
def test_8800_opportunities_of_another_system_come_in(owner: Person, screen: Screen) -> None:
    if not DATA.is_dir():
        need(f"{DATA} is not there; name it with OSSATURE_TEST_DATA")
    file = (DATA / "sales_pipeline.csv").read_text("utf-8")
    for agent in sorted({line["sales_agent"] for line in csv.DictReader(file.splitlines())}):
        owner.tenant.member("sales_rep", name=agent)
    kinds = {"Prospecting": "open", "Engaging": "open", "Won": "won", "Lost": "lost"}
    stages = [{"name": name, "kind": kind} for name, kind in kinds.items()]
    owner.api.post("/api/crm/pipelines", json={"name": "Opportunities", "stages": stages})
    accounts = {"columns": [{"index": 0, "to": "name"}]}
    send(
        owner, "/api/crm/companies", (DATA / "accounts.csv").read_bytes(), accounts, filename="accounts.csv", run="true"
    )
    run_pending(owner.tenant)
    products = [line["product"] for line in csv.DictReader((DATA / "products.csv").read_text("utf-8").splitlines())]
    kept = {
        "columns": [
            {"index": 0, "to": "external_id", "source": "maven"}, {"index": 0, "to": "name"},
            {"index": 1, "to": "owner_id"},
            {"index": 2, "to": "lines.description", "values": {one: one for one in products}, "others": "refuse"},
            {"index": 3, "to": "company_id"}, {"index": 4, "to": "stage_id"}, {"index": 5, "to": "opened_on"},
            {"index": 6, "to": "closed_on"}, {"index": 7, "to": "lines.unit_price", "currency": "USD"},
        ],
        "defaults": {"pipeline_id": "Opportunities", "lost_reason": "Not told", "lines.unit_price": "0"},
        "key": ["external_id"], "mode": "both",
    }  # fmt: skip
    some = "\n".join(file.splitlines()[:3]).encode()
    begun = send(owner, "/api/crm/deals", some, kept, 201, filename="some.csv").json["data"]["id"]
    said = owner.api.post("/api/crm/deals/imports/presets", json={"import_id": begun, "name": "Opportunities"})
    assert said.status_code == 201, said.text

    page = screen(owner, "/crm/deals/imports")
    begin(page, file, "sales_pipeline.csv")
    expect(page.get_by_text("Filled in as kept in “Opportunities”.")).to_be_visible()
    check(owner, page)
    expect(page.locator("#import-sentence")).to_have_text("Create 7,320 deals; 1,480 rows cannot go in.")
    page.locator(".os-import-fault summary").click()
    page.locator(".os-import-fault").get_by_label("In the place of “GTXPro”").fill("GTX Pro")
    with sent(page):
        page.get_by_role("button", name="Use it for all 1,480 rows").click()
    run_pending(owner.tenant)
    expect(page.locator("#import-sentence")).to_have_text("Create 8,800 deals; 0 rows cannot go in.")
    run(owner, page, "Create 8,800 deals")
    expect(page.locator("#import-sentence")).to_have_text("8,800 deals created")
    found = owner.api.get("/api/crm/deals/aggregate?group=status&measure=sum:value").json["data"]
    counts = {one["keys"]["status"]: one["count"] for one in found}
    assert counts == {"open": 2089, "won": 4238, "lost": 2473}
    assert "GTXPro" not in str(owner.api.get("/api/crm/deals?limit=200&include=lines").json["data"])
