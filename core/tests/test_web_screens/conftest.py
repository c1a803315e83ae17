"""The screens that the browser tests walk: every template with sample data, wired as the kernel wires them.

Run as a script to look at them: `python core/tests/test_web_screens/conftest.py OUT [name ...]` writes pictures at 1440 and 390 px,
light and dark, French and English.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask, abort, request
from playwright.sync_api import Browser, Page, ViewportSize
from wtforms import BooleanField, Form, HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired

from ossature.context import Access, Actor, Context, Reach, TenantInfo, bind
from ossature.hooks.types import NavItem
from ossature.i18n import load_kernel_catalogues
from ossature.records.note_pages import NotesBox
from ossature.records.notes import Note
from ossature.testing.browser import chromium, serving
from ossature.testing.ports import free_port
from ossature.web import Crumb, Shell, install_web, notify, render, render_error
from ossature.web import components as parts
from ossature.web.list_models import Column, Count, FilterChip, ListPage, Pager, Row
from ossature.web.models import (
    Action,
    Badge,
    Cell,
    CellKind,
    ConflictPanel,
    DetailPage,
    Fact,
    FactSection,
    FieldConflict,
    FormError,
    FormPage,
    FormSection,
    PartList,
    SettingsEntry,
    Tab,
    Timeline,
    WidgetBox,
)
from ossature.web.shell import Banner, CreateEntry, Reader, TenantChoice

ID = UUID("01890000-0000-7000-8000-000000000001")
FIRST = ("Anna", "Élodie", "Éric", "Hugo", "Inès", "Louis", "Zoé", "Camille", "Jules", "Manon")
LAST = ("Lefèvre", "Marchand", "Dubois", "Perrin", "Caron", "Garnier", "Fontaine", "Rousseau", "Blanchard", "Chevalier")
COMPANIES = (
    "Atelier Morel",
    "Boulangerie du Port",
    "Cabinet Vasseur & associés",
    "Garage Leclerc",
    "Imprimerie Nouvelle",
)


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
    words = (
        ("Nom", "État", "Société", "E-mail", "Téléphone", "Chiffre d’affaires", "Modifié")
        if fr
        else ("Name", "State", "Company", "E-mail", "Phone", "Turnover", "Changed")
    )
    kinds: tuple[CellKind, ...] = ("person", "choice", "reference", "email", "phone", "money", "datetime")
    columns = tuple(
        Column(
            kind,
            word,
            kind,
            sort_url=None if kind in ("email", "phone") else f"/contacts?sort={kind}",
            sorted="ascending" if kind == "person" else None,
        )
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
        empty_text="Les contacts sont les personnes avec qui vous travaillez."
        if fr
        else "Contacts are the people you work with.",
        icon="users",
    )


def detail_page(fr: bool, deleted: bool = False) -> DetailPage:
    facts = parts.sample_facts()
    address = FactSection(
        "Siège" if fr else "Head office",
        (
            Fact("Rue" if fr else "Street", Cell("text", "12 rue des Lilas")),
            Fact("Ville" if fr else "City", Cell("text", "75011 Paris")),
        ),
    )
    return DetailPage(
        title="Anna Lefèvre",
        kind="Contact",
        url="/contact/1",
        subtitle="Atelier Morel",
        person=True,
        state=Badge("Client", "success"),
        facts=facts,
        tabs=(
            Tab(
                "about",
                "Coordonnées" if fr else "Details",
                (FactSection("", facts[:4]),),
                (PartList("Adresses" if fr else "Addresses", (address, address)),),
            ),
            Tab("companies", "Sociétés" if fr else "Companies", url="/related", count=3),
        ),
        timeline=Timeline(parts.sample_timeline(), "/timeline"),
        edit=Action("Modifier" if fr else "Edit", "/contact/1/edit"),
        actions=(
            Action(
                "Supprimer Anna Lefèvre" if fr else "Delete Anna Lefèvre",
                "/contact/1/delete",
                "post",
                "trash",
                "danger",
            ),
        ),
        deleted_at=datetime.now(UTC) - timedelta(days=2) if deleted else None,
        restore=Action(
            "Restaurer Anna Lefèvre" if fr else "Restore Anna Lefèvre", "/contact/1/delete", "post", "restore"
        ),
        previous_url="/contact/0",
        next_url="/contact/2",
    )


def notes_box(fr: bool) -> NotesBox:
    at = datetime.now(UTC) - timedelta(days=1)
    pinned = "Préfère être appelée le matin." if fr else "Prefers to be called in the morning."
    other = "Devis envoyé." if fr else "The quote is sent."
    notes = (
        Note(UUID(int=1), pinned, True, ID, "Camille Rousseau", at, at, True),
        Note(UUID(int=2), other, False, UUID(int=3), "Hugo Blanc", at, at + timedelta(hours=1), False),
    )
    return NotesBox(notes, "/contact/1/notes", True)


def form_page(fr: bool, conflict: bool = False) -> FormPage:
    fields = parts.sample_fields()
    errors = (
        ()
        if conflict
        else (
            FormError(fields[1].errors[0], fields[1].id, fields[1].label),
            FormError("…", "f-addresses-0-city", "City"),
        )
    )
    return FormPage(
        title="Modifier Anna Lefèvre" if fr else "Edit Anna Lefèvre",
        action="/contact/1/edit",
        sections=(
            FormSection(fields[:7], "Identité" if fr else "Identity"),
            FormSection(fields[7:], "Suivi" if fr else "Follow-up", parts=(parts.sample_part(),)),
        ),
        submit_label="Enregistrer le contact" if fr else "Save the contact",
        cancel_url="/contact/1",
        version=3,
        errors=errors,
        conflict=ConflictPanel(
            "Hugo Perrin",
            datetime.now(UTC) - timedelta(minutes=3),
            (
                FieldConflict(
                    "name",
                    fields[0].label,
                    "Anna Lefèvre",
                    "Anna Lefèvre-Morel",
                    "Anna Lefebvre",
                    "Anna Lefèvre",
                    "Anna Lefèvre-Morel",
                ),
            ),
        )
        if conflict
        else None,
    )


class SignIn(Form):  # type: ignore[misc]
    next = HiddenField()
    email = StringField("E-mail", [InputRequired()])
    password = PasswordField("Password", [InputRequired()])
    remember = BooleanField("Keep me signed in on this device")


class Organisation(Form):  # type: ignore[misc]
    name = StringField("Name", [InputRequired()], description="As it appears on documents.")
    locale = SelectField("Language", choices=[("fr", "Français"), ("en", "English")])


def make_app() -> Flask:
    """The pages with sample data, wired as the kernel wires them."""
    load_kernel_catalogues()
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
            create=lambda context: (
                CreateEntry("Contact", "/contact/new", "user"),
                CreateEntry("Company", "/contact/new", "building"),
            ),
            reader=lambda context: Reader("Camille Rousseau", "camille@example.com"),
            tenants=lambda context: choices,
            banner=lambda context: (
                Banner("The plugin “garage” could not be started.", url="/") if request.args.get("banner") else None
            ),
            search="search",
            me="components.show",
            settings="settings",
            sign_in="sign_in",
            sign_out="post_any",
            switch_tenant="post_any",
            set_locale="post_any",
        ),
    )
    app.jinja_env.globals["csrf_token"] = lambda: "token"
    app.register_blueprint(parts.blueprint)

    @app.before_request
    def context() -> None:
        locale = request.cookies.get("locale", "en")
        member = (
            Actor(ID, "member", "Camille Rousseau") if not request.path.startswith(("/sign-in", "/welcome")) else None
        )
        bind(
            Context(
                TenantInfo(ID, "morel", "Atelier Morel"),
                member,
                Access({"x": Reach.ALL}),
                "page",
                request_id="01jd-8f3c",
                locale=locale,
            )
        )

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
        trail = (*crumbs, Crumb(page.title))
        return render("record/detail.html", title=page.title, breadcrumbs=trail, record=page, notes=notes_box(fr()))

    def edit(number: str = "1") -> str:
        page = form_page(fr(), "conflict" in request.args)
        return render(
            "record/form.html",
            title=page.title,
            breadcrumbs=(*crumbs, Crumb("Anna Lefèvre", "/contact/1"), Crumb(page.title)),
            form=page,
        )

    def home() -> str:
        sizes = ("small", "small", "small", "large", "medium", "medium")
        boxes = tuple(WidgetBox(str(at), f"Widget {at}", f"/widget/{at}", size) for at, size in enumerate(sizes))  # type: ignore[arg-type]
        return render(
            "home.html",
            title="Home",
            greeting="Bonjour Camille" if fr() else "Good morning, Camille",
            subtitle=None,
            widgets=boxes,
        )

    def widget(number: int) -> str:
        if number == 5:
            abort(500)
        return f'<div class="os-figure"><strong>{number * 1234}</strong><span class="os-muted">contacts</span></div>'

    def settings() -> str:
        pages = [
            SettingsEntry("org", "Organisation", "/settings", "building", "Organisation", True),
            SettingsEntry("members", "Members", "/members", "users", "Organisation"),
            SettingsEntry("plugins", "Plugins", "/plugins", "puzzle", "System"),
        ]
        return render(
            "settings/form.html",
            title="Organisation",
            settings_pages=pages,
            form=Organisation(),
            help="Your organisation as others see it.",
        )

    def members() -> str:
        pages = [
            SettingsEntry("org", "Organisation", "/settings", "building", "Organisation"),
            SettingsEntry("members", "Members", "/members", "users", "Organisation", True),
        ]
        rows = [
            {
                "cells": [
                    Cell("person", label=contact(at)),
                    Cell("email", "a@example.com"),
                    Cell("choice", 1, label="Manager"),
                ],
                "url": f"/contact/{at}",
                "actions": [Action("Remove", "/post", "post", "trash", "danger", confirm="They lose access at once.")],
            }
            for at in range(5)
        ]
        return render(
            "settings/list.html",
            title="Members",
            settings_pages=pages,
            headers=["Name", "E-mail", "Role"],
            rows=rows,
            create=Action("Invite a member", "/"),
            help=None,
        )

    def sign_in() -> str:
        form = SignIn(data={"email": request.args.get("email")})
        return render(
            "auth/sign_in.html",
            title="Sign in",
            form=form,
            tenant_name="Atelier Morel",
            alert=None,
            accounts=[("Owner", "a@example.com", "x")],
        )

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
    app.add_url_rule(
        "/related", view_func=lambda: render("record/_related.html", list=list_page(fr(), "Anna")), endpoint="related"
    )
    app.add_url_rule("/post", view_func=lambda: "", methods=["POST"], endpoint="post_any")
    for name in ("search.palette", "search.hits", "search.set_pin"):
        app.add_url_rule(f"/{name}", view_func=lambda: "", methods=["GET", "POST"], endpoint=name)
    app.add_url_rule("/error/<int:status>", view_func=lambda status: (render_error(status), status), endpoint="error")
    return app


SCREENS = {
    "home": "/",
    "list": "/contacts",
    "list-chips": "/contacts?chips=1",
    "list-empty": "/contacts?empty=1",
    "list-nothing": "/contacts?q=zzz",
    "detail": "/contact/1",
    "detail-deleted": "/contact/1?deleted=1",
    "form": "/contact/1/edit",
    "conflict": "/contact/1/edit?conflict=1",
    "settings": "/settings",
    "members": "/members",
    "components": "/settings/components",
    "sign-in": "/sign-in",
    "error": "/error/404",
    "landing": "/welcome",
    "banner": "/contacts?banner=1",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `screen_path` runs once for each screen."""
    if "screen_path" in metafunc.fixturenames:
        metafunc.parametrize("screen_path", SCREENS.values(), ids=SCREENS.keys())


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    port = free_port()
    with serving(make_app(), port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that fails the test when the browser reports a refusal by the policy or a script's error."""
    view = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=address, reduced_motion="reduce")
    opened = view.new_page()
    said: list[str] = []
    opened.on(
        "console", lambda message: said.append(message.text) if "Content Security Policy" in message.text else None
    )
    opened.on("pageerror", lambda error: said.append(str(error)))
    yield opened
    view.close()
    assert said == []


def take_pictures(out: Path, names: Sequence[str]) -> None:
    """Write a picture of each screen, in every variant, to look at."""
    out.mkdir(parents=True, exist_ok=True)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    port = free_port()
    with serving(make_app(), port), chromium() as browser:
        for width, theme, locale in (
            (1440, "light", "en"),
            (1440, "dark", "fr"),
            (390, "light", "fr"),
            (390, "dark", "en"),
        ):
            size: ViewportSize = {"width": width, "height": 900 if width > 800 else 844}
            view = browser.new_context(viewport=size, base_url=f"http://127.0.0.1:{port}", reduced_motion="reduce")
            view.add_cookies([{"name": "locale", "value": locale, "url": f"http://127.0.0.1:{port}"}])
            page = view.new_page()
            page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            for name in names or SCREENS:
                page.goto(SCREENS[name], wait_until="networkidle")
                page.screenshot(
                    path=out / f"{name}-{width}-{theme}-{locale}.png", full_page=name in ("components", "landing")
                )
            view.close()


if __name__ == "__main__":
    take_pictures(Path(sys.argv[1]), sys.argv[2:])
