"""Every kind of screen in a real browser: no serious axe violation, no policy violation, keyboard, 360 px and 200 %.

Run as a script to look at them: `python core/tests/test_web_screens.py OUT [name ...]` writes pictures at 1440 and 390 px, light and
dark, French and English.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask, abort, request
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server
from wtforms import BooleanField, Form, HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired

from ossature.context import Access, Actor, Context, Reach, TenantInfo, bind
from ossature.hooks.types import NavItem
from ossature.i18n import load_catalogues, load_kernel_catalogues
from ossature.web import Crumb, Shell, install_web, notify, render, render_error
from ossature.web import components as parts
from ossature.web.models import (
    Action,
    Badge,
    Cell,
    Column,
    ConflictPanel,
    Count,
    DetailPage,
    Fact,
    FactSection,
    FieldConflict,
    FilterChip,
    FormError,
    FormPage,
    FormSection,
    ListPage,
    Pager,
    PartList,
    Row,
    SettingsEntry,
    Tab,
    Timeline,
    WidgetBox,
)
from ossature.web.shell import Banner, CreateEntry, Reader, TenantChoice

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]
ID = UUID("01890000-0000-7000-8000-000000000001")
FIRST = ("Anna", "Élodie", "Éric", "Hugo", "Inès", "Louis", "Zoé", "Camille", "Jules", "Manon")
LAST = ("Lefèvre", "Marchand", "Dubois", "Perrin", "Caron", "Garnier", "Fontaine", "Rousseau", "Blanchard", "Chevalier")
COMPANIES = ("Atelier Morel", "Boulangerie du Port", "Cabinet Vasseur & associés", "Garage Leclerc", "Imprimerie Nouvelle")


def contact(number: int) -> str:
    return f"{FIRST[number % 10]} {LAST[(number * 3 + number // 10) % 10]}"


def list_page(fr: bool, search: str = "", empty: bool = False, chips: bool = False) -> ListPage:
    names = [contact(number) for number in range(50)]
    shown = [] if empty else [(at, name) for at, name in enumerate(names) if search.casefold() in name.casefold()]
    states = (("Prospect", "info"), ("Client", "success"), ("Ancien" if fr else "Former", "neutral"))
    rows = tuple(
        Row(
            str(at),
            f"/contact/{at}",
            (
                Cell("person", label=name),
                Cell("choice", at, label=states[at % 3][0], tone=states[at % 3][1]),  # type: ignore[arg-type]
                Cell("reference", at, label=COMPANIES[at % 5], url=f"/contact/{at}", struck=at % 17 == 5),
                Cell("email", f"{name.split()[0].lower()}@example.com" if at % 4 else None),
                Cell("phone", f"+33 1 23 45 67 {at:02}" if at % 3 else None),
                Cell("money", Decimal(at * 1234) + Decimal("0.5"), currency="EUR"),
                Cell("datetime", datetime.now(UTC) - timedelta(hours=at * 7)),
            ),
            deleted=at == 9,
        )
        for at, name in shown
    )
    words = ("Nom", "État", "Société", "E-mail", "Téléphone", "Chiffre d’affaires", "Modifié") if fr else (
        "Name", "State", "Company", "E-mail", "Phone", "Turnover", "Changed")
    kinds = ("person", "choice", "reference", "email", "phone", "money", "datetime")
    columns = tuple(
        Column(kind, word, kind, sort_url=None if kind in ("email", "phone") else f"/contacts?sort={kind}", sorted="ascending" if kind == "person" else None)  # type: ignore[arg-type]
        for kind, word in zip(kinds, words, strict=True)
    )
    return ListPage(
        title="Contacts",
        url="/contacts",
        columns=columns,
        rows=rows,
        count=Count(10_000, True) if not search and not empty else Count(len(rows)),
        search=search,
        chips=(FilterChip("L’état est Client" if fr else "State is Client", "/contacts"),) if chips else (),
        clear_url="/contacts",
        pager=Pager(None, "/contacts?after=x"),
        create=Action("Créer un contact" if fr else "Create a contact", "/contact/new"),
        actions=(Action("Exporter" if fr else "Export", "/contacts", icon="download"),),
        empty_title="Aucun contact pour l’instant" if fr else "No contacts yet",
        empty_text="Les contacts sont les personnes avec qui vous travaillez." if fr else "Contacts are the people you work with.",
        icon="users",
    )


def detail_page(fr: bool, deleted: bool = False) -> DetailPage:
    facts = parts.sample_facts()
    address = FactSection("Siège" if fr else "Head office", (Fact("Rue" if fr else "Street", Cell("text", "12 rue des Lilas")), Fact("Ville" if fr else "City", Cell("text", "75011 Paris"))))
    return DetailPage(
        title="Anna Lefèvre",
        kind="Contact",
        url="/contact/1",
        subtitle="Atelier Morel",
        person=True,
        state=Badge("Client", "success"),
        facts=facts,
        tabs=(
            Tab("about", "Coordonnées" if fr else "Details", (FactSection("", facts[:4]),), (PartList("Adresses" if fr else "Addresses", (address, address)),)),
            Tab("companies", "Sociétés" if fr else "Companies", url="/related", count=3),
        ),
        timeline=Timeline(parts.sample_timeline(), "/timeline"),
        edit=Action("Modifier" if fr else "Edit", "/contact/1/edit"),
        actions=(Action("Supprimer Anna Lefèvre" if fr else "Delete Anna Lefèvre", "/contact/1/delete", "post", "trash", "danger"),),
        deleted_at=datetime.now(UTC) - timedelta(days=2) if deleted else None,
        restore=Action("Restaurer Anna Lefèvre" if fr else "Restore Anna Lefèvre", "/contact/1/delete", "post", "restore"),
        previous_url="/contact/0",
        next_url="/contact/2",
    )


def form_page(fr: bool, conflict: bool = False) -> FormPage:
    fields = parts.sample_fields()
    errors = () if conflict else (FormError(fields[1].errors[0], fields[1].id, fields[1].label), FormError("…", "f-addresses-0-city", "City"))
    return FormPage(
        title="Modifier Anna Lefèvre" if fr else "Edit Anna Lefèvre",
        action="/contact/1/edit",
        sections=(FormSection(fields[:7], "Identité" if fr else "Identity"), FormSection(fields[7:], "Suivi" if fr else "Follow-up", parts=(parts.sample_part(),))),
        submit_label="Enregistrer le contact" if fr else "Save the contact",
        cancel_url="/contact/1",
        version=3,
        errors=errors,
        conflict=ConflictPanel("Hugo Perrin", datetime.now(UTC) - timedelta(minutes=3), (FieldConflict("name", fields[0].label, "Anna Lefèvre", "Anna Lefèvre-Morel", "Anna Lefebvre", "Anna Lefèvre", "Anna Lefèvre-Morel"),)) if conflict else None,
    )


class SignIn(Form):
    next = HiddenField()
    email = StringField("E-mail", [InputRequired()])
    password = PasswordField("Password", [InputRequired()])
    remember = BooleanField("Keep me signed in on this device")


class Organisation(Form):
    name = StringField("Name", [InputRequired()], description="As it appears on documents.")
    locale = SelectField("Language", choices=[("fr", "Français"), ("en", "English")])


def make_app(catalogue: Path | None = None) -> Flask:
    """The pages with sample data, wired as the kernel wires them."""
    load_kernel_catalogues()
    if catalogue and catalogue.is_dir():
        load_catalogues("ossature", catalogue)
    app = Flask("screens", template_folder=str(Path(parts.__file__).parent / "templates"), static_folder=None)
    app.secret_key = "screens"
    items = (
        NavItem("home", "Home", url="/", icon="home"),
        NavItem("crm.contacts", "Contacts", url="/contacts", icon="users", group="sales"),
        NavItem("crm.companies", "Companies", url="/companies", icon="building", group="sales"),
        NavItem("crm.deals", "Deals", url="/deals", icon="layout-kanban", group="sales"),
        NavItem("billing.invoices", "Invoices", url="/invoices", icon="file-invoice", group="billing"),
        NavItem("stock.items", "Items", url="/items", icon="package", group="stock"),
        NavItem("reports.sales", "Sales report", url="/reports", icon="chart-bar", group="reports"),
    )
    choices = (TenantChoice("Atelier Morel", "morel", True), TenantChoice("Garage Leclerc", "leclerc"))
    install_web(
        app,
        Shell(
            navigation=lambda: items,
            create=lambda context: (CreateEntry("Contact", "/contact/new", "user"), CreateEntry("Company", "/contact/new", "building")),
            reader=lambda context: Reader("Camille Rousseau", "camille@example.com"),
            tenants=lambda context: choices,
            banner=lambda context: Banner("The plugin “garage” could not be started.", url="/") if request.args.get("banner") else None,
            search="search", me="components.show", settings="settings", sign_in="sign_in", sign_out="post_any", switch_tenant="post_any", set_locale="post_any",
        ),
    )
    app.jinja_env.globals["csrf_token"] = lambda: "token"
    app.register_blueprint(parts.blueprint)

    @app.before_request
    def context() -> None:
        locale = request.cookies.get("locale", "en")
        member = Actor(ID, "member", "Camille Rousseau") if not request.path.startswith(("/sign-in", "/welcome")) else None
        bind(Context(TenantInfo(ID, "morel", "Atelier Morel"), member, Access({"x": Reach.ALL}), "page", request_id="01jd-8f3c", locale=locale))

    def fr() -> bool:
        return request.cookies.get("locale") == "fr"

    crumbs = (Crumb("Sales"), Crumb("Contacts", "/contacts"))

    def lists() -> str:
        page = list_page(fr(), request.args.get("q", ""), "empty" in request.args, "chips" in request.args)
        if request.headers.get("HX-Target") == "rows":
            return render("record/_rows.html", list=page)
        return render("record/list.html", title="Contacts", breadcrumbs=crumbs, list=page)

    def detail(number: str) -> str:
        page = detail_page(fr(), "deleted" in request.args)
        return render("record/detail.html", title=page.title, breadcrumbs=(*crumbs, Crumb(page.title)), record=page)

    def edit(number: str = "1") -> str:
        page = form_page(fr(), "conflict" in request.args)
        return render("record/form.html", title=page.title, breadcrumbs=(*crumbs, Crumb("Anna Lefèvre", "/contact/1"), Crumb(page.title)), form=page)

    def home() -> str:
        sizes = ("small", "small", "small", "large", "medium", "medium")
        boxes = tuple(WidgetBox(str(at), f"Widget {at}", f"/widget/{at}", size) for at, size in enumerate(sizes))  # type: ignore[arg-type]
        return render("home.html", title="Home", greeting="Bonjour Camille" if fr() else "Good morning, Camille", subtitle=None, widgets=boxes)

    def widget(number: int) -> str:
        if number == 5:
            abort(500)
        return f'<div class="os-figure"><strong>{number * 1234}</strong><span class="os-muted">contacts</span></div>'

    def settings() -> str:
        pages = [SettingsEntry("org", "Organisation", "/settings", "building", "Organisation", True), SettingsEntry("members", "Members", "/members", "users", "Organisation"), SettingsEntry("plugins", "Plugins", "/plugins", "puzzle", "System")]
        return render("settings/form.html", title="Organisation", settings_pages=pages, form=Organisation(), help="Your organisation as others see it.")

    def members() -> str:
        pages = [SettingsEntry("org", "Organisation", "/settings", "building", "Organisation"), SettingsEntry("members", "Members", "/members", "users", "Organisation", True)]
        rows = [{"cells": [Cell("person", label=contact(at)), Cell("email", "a@example.com"), Cell("choice", 1, label="Manager")], "url": f"/contact/{at}", "actions": [Action("Remove", "/post", "post", "trash", "danger", confirm="They lose access at once.")]} for at in range(5)]
        return render("settings/list.html", title="Members", settings_pages=pages, headers=["Name", "E-mail", "Role"], rows=rows, create=Action("Invite a member", "/"), help=None)

    def sign_in() -> str:
        form = SignIn(data={"email": request.args.get("email")})
        return render("auth/sign_in.html", title="Sign in", form=form, tenant_name="Atelier Morel", alert=None, accounts=[("Owner", "a@example.com", "x")])

    def delete(number: str) -> str:
        notify("Anna Lefèvre was deleted", undo=Action("Undo", "/contact/1/restore", "post"))
        return lists()

    app.add_url_rule("/", view_func=home, endpoint="home")
    app.add_url_rule("/contacts", view_func=lists, endpoint="search")
    app.add_url_rule("/contact/new", view_func=edit, endpoint="new")
    app.add_url_rule("/contact/<number>", view_func=detail, endpoint="detail")
    app.add_url_rule("/contact/<number>/edit", view_func=edit, endpoint="edit", methods=["GET", "POST"])
    app.add_url_rule("/contact/<number>/delete", view_func=delete, endpoint="delete", methods=["POST"])
    app.add_url_rule("/widget/<int:number>", view_func=widget)
    app.add_url_rule("/settings", view_func=settings, endpoint="settings", methods=["GET", "POST"])
    app.add_url_rule("/members", view_func=members)
    app.add_url_rule("/sign-in", view_func=sign_in, endpoint="sign_in")
    app.add_url_rule("/welcome", view_func=lambda: render("landing.html"), endpoint="welcome")
    app.add_url_rule("/related", view_func=lambda: render("record/_related.html", list=list_page(fr(), "Anna")), endpoint="related")
    app.add_url_rule("/post", view_func=lambda: "", methods=["POST"], endpoint="post_any")
    app.add_url_rule("/error/<int:status>", view_func=lambda status: (render_error(status), status), endpoint="error")
    return app


SCREENS = {
    "home": "/", "list": "/contacts", "list-chips": "/contacts?chips=1", "list-empty": "/contacts?empty=1", "list-nothing": "/contacts?q=zzz",
    "detail": "/contact/1", "detail-deleted": "/contact/1?deleted=1", "form": "/contact/1/edit", "conflict": "/contact/1/edit?conflict=1",
    "settings": "/settings", "members": "/members", "components": "/settings/components", "sign-in": "/sign-in", "error": "/error/404",
    "landing": "/welcome", "banner": "/contacts?banner=1",
}


def serve(app: Flask) -> tuple[Any, str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no browser at {CHROMIUM}")
    server, where = serve(make_app())
    yield where
    server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that fails the test when the browser reports a refusal by the policy or a script's error."""
    view = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=address, reduced_motion="reduce")
    opened = view.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text) if "Content Security Policy" in message.text else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    yield opened
    view.close()
    assert said == []


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('name') || document.activeElement.textContent.trim()"))


@pytest.mark.browser
@pytest.mark.req("S0-20", "S2-002", "S4-107")
@pytest.mark.parametrize("name", SCREENS)
def test_no_serious_accessibility_violation(page: Page, name: str) -> None:
    faults = []
    for width, theme in ((1440, "light"), (1440, "dark"), (390, "light")):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(SCREENS[name], wait_until="networkidle")
        for found in Axe().run(page).response["violations"]:
            if found["impact"] in ("serious", "critical"):
                faults += [f"{width} {theme} {found['id']}: {node['html'][:160]} {node['failureSummary'][:200]}" for node in found["nodes"]]
    assert faults == []


@pytest.mark.browser
@pytest.mark.req("S0-18", "S4-106", "S4-105")
@pytest.mark.parametrize("width", [360, 720, 2560])
@pytest.mark.parametrize("name", SCREENS)
def test_nothing_is_cut_off_at_any_width(page: Page, name: str, width: int) -> None:
    """360 px is a small phone; 720 px is 1440 at 200 %; 2,560 is a wide desk."""
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(SCREENS[name], wait_until="networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
@pytest.mark.req("S3-077", "S3-078")
def test_navigation_is_grouped_folds_and_is_remembered(page: Page) -> None:
    page.goto("/contacts")
    page.get_by_role("button", name="Billing").click()
    assert page.get_by_role("link", name="Invoices").count() == 0
    page.get_by_role("button", name="Fold the navigation").click()
    page.reload()
    assert page.locator("html").get_attribute("data-rail") == "on"
    page.get_by_role("button", name="Fold the navigation").click()
    page.reload()
    assert page.get_by_role("link", name="Invoices").count() == 0
    page.get_by_role("button", name="Billing").click()
    assert page.get_by_role("link", name="Invoices").is_visible()


@pytest.mark.browser
@pytest.mark.req("S3-077", "S0-18")
def test_a_phone_has_a_bar_of_five_and_the_whole_navigation_behind_menu(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/contacts")
    bar = page.get_by_role("navigation", name="Quick navigation")
    assert bar.locator("a").count() == 5
    bar.get_by_text("Menu").click()
    page.get_by_role("link", name="Invoices").wait_for()
    assert page.locator("#main").get_attribute("inert") is not None
    page.keyboard.press("Escape")
    page.wait_for_function("!document.querySelector('#main').inert")


@pytest.mark.browser
@pytest.mark.req("S4-105")
def test_theme_and_density_are_chosen_in_the_me_menu_and_kept(page: Page) -> None:
    page.goto("/contacts")
    page.get_by_role("button", name="Me: Camille Rousseau").click()
    page.get_by_role("button", name="Dark", exact=True).click()
    page.get_by_role("button", name="Compact").click()
    page.goto("/contacts")
    root = page.locator("html")
    assert (root.get_attribute("data-theme"), root.get_attribute("data-density")) == ("dark", "compact")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 23, 27)"
    box = page.locator(".os-rows > .os-table-box").bounding_box()
    rows = page.locator("tbody tr")
    assert box is not None
    bottoms = [rows.nth(at).bounding_box() for at in range(25)]
    assert all(row is not None and row["y"] + row["height"] <= box["y"] + box["height"] for row in bottoms)


@pytest.mark.browser
@pytest.mark.req("S0-20")
def test_letters_are_shortcuts_except_while_typing_and_when_switched_off(page: Page) -> None:
    page.goto("/contacts")
    page.keyboard.press("/")
    assert focused(page) == "q"
    page.keyboard.type("gc")
    assert page.url.endswith("/contacts") or "q=gc" in page.url
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keyboard shortcuts").is_visible()
    page.keyboard.press("Escape")
    page.goto("/contacts")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert focused(page).endswith("Élodie Perrin")
    page.keyboard.press("Enter")
    page.wait_for_url("**/contact/1")
    page.keyboard.press("e")
    page.wait_for_url("**/edit")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/")
    page.keyboard.press("?")
    page.get_by_role("checkbox", name="Use single-letter shortcuts").uncheck()
    page.reload()
    page.keyboard.press("?")
    assert not page.get_by_role("dialog", name="Keyboard shortcuts").is_visible()


@pytest.mark.browser
@pytest.mark.req("S0-07", "S0-15")
def test_searching_swaps_the_rows_and_leaves_the_typing_alone(page: Page) -> None:
    page.goto("/contacts")
    search = page.get_by_role("searchbox", name="Search in Contacts")
    search.press_sequentially("anna l", delay=30)
    page.wait_for_function("document.querySelectorAll('tbody tr').length < 10")
    assert search.input_value() == "anna l"
    assert focused(page) == "q"
    assert page.locator("#count").inner_text() == str(page.locator("tbody tr").count())
    assert "q=anna" in page.url
    page.reload()
    assert search.input_value() == "anna l"


@pytest.mark.browser
@pytest.mark.req("S0-20")
def test_tabs_and_menus_are_walked_with_the_arrows(page: Page) -> None:
    page.goto("/contact/1")
    page.get_by_role("tab", name="Details").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", name="Companies").get_attribute("aria-selected") == "true"
    page.get_by_role("tabpanel", name="Companies").get_by_role("row").first.wait_for()
    page.reload()
    assert page.get_by_role("tab", name="Companies").get_attribute("aria-selected") == "true"
    page.get_by_role("button", name="Create").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    assert focused(page) == "Company"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Create"


@pytest.mark.browser
@pytest.mark.req("S0-20")
def test_the_reference_picker_is_searched_and_chosen_from_by_keyboard(page: Page) -> None:
    page.goto("/contact/1/edit")
    picker = page.get_by_role("combobox", name="Company")
    picker.fill("zoé")
    page.get_by_role("option", name="Zoé Fontaine").wait_for()
    picker.press("Enter")
    assert picker.input_value() == "Zoé Fontaine"
    assert page.locator("select[name=company]").input_value() == "6"
    picker.fill("nobody")
    page.get_by_text("Nothing found").first.wait_for()
    picker.press("Escape")
    assert picker.input_value() == "Zoé Fontaine"


@pytest.mark.browser
@pytest.mark.req("S0-20")
def test_rows_of_a_part_are_added_numbered_and_removed(page: Page) -> None:
    page.goto("/contact/1/edit")
    page.get_by_role("button", name="Add an address").click()
    assert focused(page) == "f-addresses-1-street"
    page.locator("[name=addresses-1-city]").fill("Lyon")
    page.get_by_role("button", name="Remove Address").first.click()
    assert page.locator("[name=addresses-0-city]").count() == 0
    page.get_by_role("button", name="Add an address").click()
    assert page.locator("[name=addresses-2-city]").count() == 1


@pytest.mark.browser
@pytest.mark.req("S0-20")
def test_errors_take_the_focus_and_their_summary_leads_to_the_field(page: Page) -> None:
    page.goto("/contact/1/edit")
    assert focused(page) == "f-email"
    assert page.locator("#f-email").get_attribute("aria-describedby") == "f-email-error"
    page.get_by_role("link", name="City:").click()
    assert focused(page) == "f-addresses-0-city"


@pytest.mark.browser
@pytest.mark.req("S0-20")
def test_choosing_the_other_version_in_a_conflict_fills_the_field(page: Page) -> None:
    page.goto("/contact/1/edit?conflict=1")
    page.get_by_role("radio", name="Anna Lefèvre-Morel").check()
    assert page.get_by_label("Name", exact=True).input_value() == "Anna Lefèvre-Morel"
    page.get_by_role("radio", name="Anna Lefèvre", exact=True).check()
    assert page.get_by_label("Name", exact=True).input_value() == "Anna Lefèvre"


@pytest.mark.browser
@pytest.mark.req("S0-20")
def test_deleting_offers_an_undo_and_a_broken_box_stays_in_its_box(page: Page) -> None:
    page.goto("/contact/1")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Delete Anna Lefèvre").click()
    assert page.get_by_role("status").get_by_role("button", name="Undo").is_visible()
    page.goto("/")
    page.get_by_role("button", name="Try again").wait_for()
    assert page.locator(".os-figure").count() == 5


@pytest.mark.browser
@pytest.mark.req("S4-108")
def test_pages_cross_over_and_stand_still_for_those_who_ask(browser: Browser, address: str) -> None:
    def rule(motion: str) -> bool:
        view = browser.new_context(base_url=address, reduced_motion=motion)  # type: ignore[arg-type]
        page = view.new_page()
        page.add_init_script("addEventListener('pagereveal', (event) => { window.crossed = Boolean(event.viewTransition) })")
        page.goto("/contacts")
        page.get_by_role("link", name="Home").last.click()
        page.wait_for_url("**/")
        crossed = bool(page.evaluate("window.crossed"))
        view.close()
        return crossed

    assert rule("no-preference")
    assert not rule("reduce")


@pytest.mark.browser
@pytest.mark.req("S3-103", "S0-09")
def test_the_landing_page_may_be_indexed_and_the_others_not(page: Page) -> None:
    page.goto("/welcome")
    assert page.locator("meta[name=robots]").get_attribute("content") == "index, follow"
    assert page.locator("meta[name=description]").get_attribute("content")
    assert page.locator("h1").count() == 1
    page.goto("/contacts")
    assert page.locator("meta[name=robots]").get_attribute("content") == "noindex"


@pytest.mark.browser
@pytest.mark.req("S0-20")
def test_the_keyboard_meets_the_skip_link_first_and_everything_in_reading_order(page: Page) -> None:
    page.goto("/contacts")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    met = []
    for _ in range(24):
        page.keyboard.press("Tab")
        met.append(page.evaluate("document.activeElement.closest('aside, header.os-top, main')?.tagName"))
    assert [place for at, place in enumerate(met) if at == 0 or met[at - 1] != place][:3] == ["ASIDE", "HEADER", "MAIN"]


def main(out: Path, names: list[str]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    server, address = serve(make_app(Path("/work/notes/fr_web")))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for variant in ("1440-light-en", "1440-dark-fr", "390-light-fr", "390-dark-en"):
            width, theme, locale = variant.split("-")
            view = browser.new_context(viewport={"width": int(width), "height": 900 if width == "1440" else 844}, color_scheme=theme)  # type: ignore[arg-type]
            view.add_cookies([{"name": "locale", "value": locale, "url": address}])
            page = view.new_page()
            page.on("console", lambda said: said.type in ("error", "warning") and print("console:", said.text))
            for name in names or SCREENS:
                page.goto(address + SCREENS[name], wait_until="networkidle")
                page.wait_for_timeout(1600 if name == "landing" else 150)
                page.screenshot(path=out / f"{name}-{variant}.png", full_page=name == "components" or (name == "landing"))
        browser.close()
    server.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
