"""The macros: what they write for people who do not see, point or run scripts; and the frame's choices."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from ossature.context import Access, Actor, Context, Reach, TenantInfo, use_context
from ossature.hooks.types import NavItem
from ossature.ids import new_id
from ossature.web import Crumb, Shell, build, install_web, render
from ossature.web.error_pages import describe_error
from ossature.web.formats import now
from ossature.web.models import Cell, CellKind, Change, Choice, FormField, TimelineEntry
from ossature.web.rendering import html_attributes
from ossature.web.shell import Preferences, Reader

TEMPLATES = Path(build.WEB) / "templates"
SCRIPTED = re.compile(r"\son\w+\s*=|\sstyle\s*=|<script(?![^>]*nonce)|<style|javascript:", re.IGNORECASE)


@pytest.fixture
def app() -> Flask:
    build.build()
    made = Flask("parts", template_folder=str(TEMPLATES), static_folder=None)
    made.secret_key = "parts"
    items = (
        NavItem(
            "crm.contacts", "Contacts", url="/contacts", icon="users", group="sales", permission="crm.contact.view"
        ),
        NavItem("crm.companies", "Companies", url="/contacts/companies", icon="building", group="sales"),
        NavItem("billing.invoices", "Invoices", url="/invoices", group="billing", permission="billing.invoice.view"),
    )
    install_web(made, Shell(navigation=lambda: items, reader=lambda context: Reader("Camille Rousseau")))
    return made


def member(**grants: Reach) -> Context:
    actor = Actor(new_id(), "member", "Camille Rousseau")
    granted = {"crm.contact.view": Reach.ALL} | grants
    return Context(TenantInfo(new_id(), "morel", "Atelier Morel"), actor, Access(granted))


def write(app: Flask, source: str, path: str = "/", **values: object) -> str:
    with app.test_request_context(path), use_context(member()):
        return app.jinja_env.from_string('{% import "ui/all.html" as ui %}' + source).render(**values)


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_template_has_inline_scripts_or_styles(path: Path) -> None:
    assert SCRIPTED.findall(path.read_text("utf-8")) == []


@pytest.mark.req("S0-20", "S4-107")
def test_a_field_is_tied_to_its_label_help_and_error(app: Flask) -> None:
    written = write(app, '{{ ui.text_field("email", "E-mail", "anna@", help="For invoices.", errors=["No domain."]) }}')
    assert '<label class="os-label" for="f-email">' in written
    assert 'aria-describedby="f-email-help f-email-error"' in written
    assert 'aria-invalid="true" aria-required="true"' in written
    assert written.index('id="f-email-help"') < written.index('id="f-email-error"')


def test_only_the_optional_is_marked(app: Flask) -> None:
    assert "(optional)" in write(app, '{{ ui.text_field("a", "A", optional=True) }}')
    assert "(optional)" not in write(app, '{{ ui.text_field("a", "A") }}')


def test_what_people_typed_is_escaped_and_shown_again(app: Flask) -> None:
    kinds = ("text", "longtext", "integer", "money", "email", "url", "phone", "date")
    for kind in kinds:
        field = FormField("x", "X", kind, '"><b>', currency="EUR")  # type: ignore[arg-type]
        written = write(app, "{{ ui.form_field(field) }}", field=field)
        assert "<b>" not in written
        assert "&lt;b&gt;" in written


def test_a_reference_is_a_select_that_works_without_scripts(app: Flask) -> None:
    field = FormField(
        "owner", "Owner", "reference", "7", options_url="/o", selected_label="Anna", choices=(Choice("8", "Zoé"),)
    )
    written = write(app, "{{ ui.form_field(field) }}", field=field)
    assert '<option value="7" selected>Anna</option>' in written
    assert '<option value="8">Zoé</option>' in written


def test_a_state_has_a_mark_of_its_own_besides_its_colour(app: Flask) -> None:
    tones = ("neutral", "accent", "info", "success", "warning", "danger")
    written = [write(app, f'{{{{ ui.state("x", "{tone}") }}}}') for tone in tones]
    assert len({tuple(re.findall(r"svg#([\w-]+)", each)) for each in written}) == len(tones)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (Cell("text", "<b>"), "&lt;b&gt;"),
        (Cell("text", ""), ""),
        (Cell("reference", 1, label="Anna", url="/c/1", struck=True), '<a href="/c/1"><s title="Deleted">Anna</s></a>'),
        (Cell("url", "javascript:alert(1)"), "javascript:alert(1)"),
        (Cell("phone", "+33 (0)1 23"), '<a href="tel:+330123" class="os-nowrap">+33 (0)1 23</a>'),
        (Cell("email", '"x"@example.com'), '<a href="mailto:&quot;x&quot;@example.com">&quot;x&quot;@example.com</a>'),
        (Cell("integer", 1200, unit="km"), "1,200\u00a0km"),
        (Cell("boolean", False), '<span class="os-muted">No</span>'),
    ],
)
def test_a_value_is_escaped_and_written_in_its_kind_s_manner(app: Flask, cell: Cell, said: str) -> None:
    assert write(app, "{{ ui.cell(cell) }}", cell=cell) == said


def test_inside_a_link_a_value_holds_no_other_link(app: Flask) -> None:
    kinds: tuple[CellKind, ...] = ("reference", "person", "email", "phone", "url")
    for kind in kinds:
        assert "<a" not in write(app, "{{ ui.cell(cell, True) }}", cell=Cell(kind, "https://x.example", url="/x"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Change("Stage", "Proposal", "Won"), "Anna changed Stage from Proposal to Won"),
        (Change("Stage", None, "Won"), "Anna set Stage to Won"),
        (Change("Stage", "Won", None), "Anna cleared Stage (was Won)"),
        (Change("Secret", hidden=True), "Anna changed Secret"),
    ],
)
def test_the_timeline_tells_a_change_in_words(app: Flask, change: Change, said: str) -> None:
    assert said in write(
        app, "{{ ui.timeline(entries) }}", entries=[TimelineEntry("Anna", "changed", now(), (change,))]
    )


@pytest.mark.req("S3-126", "S3-077")
def test_the_navigation_holds_what_one_may_open_and_marks_where_one_is(app: Flask) -> None:
    with app.test_request_context("/contacts/companies/1"), use_context(member()):
        groups = app.extensions["ossature.web"].page().navigation
    entries = {entry.key: entry for group in groups for entry in group.entries}
    assert list(entries) == ["home", "crm.contacts", "crm.companies"]
    assert [key for key, entry in entries.items() if entry.active] == ["crm.companies"]
    assert (entries["crm.contacts"].go, entries["crm.companies"].go) == ("c", "o")


@pytest.mark.parametrize(
    ("headers", "whole"),
    [
        ({}, True),
        ({"HX-Request": "true"}, False),
        ({"HX-Request": "true", "HX-Boosted": "true"}, True),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, True),
    ],
)
def test_htmx_gets_the_content_alone_unless_it_shows_a_whole_page(
    app: Flask, headers: dict[str, str], whole: bool
) -> None:
    with app.test_request_context("/", headers=headers), use_context(member()):
        written = render(
            "home.html", title="Home", breadcrumbs=[Crumb("Home")], greeting="Hello", subtitle=None, widgets=()
        )
    assert "Hello" in written
    assert ("<nav" in written and "<!doctype html>" in written) is whole


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 429, 500, 503, 418, 507])
def test_an_error_page_says_what_happened_and_what_to_do(status: int) -> None:
    said = describe_error(status, "r-1")
    assert all((said.title, said.text, said.advice))
    assert str(status) not in said.title + said.text + said.advice


@pytest.mark.parametrize("cookie", [None, "", "theme=pink&density=vast&rail=yes", "%%%", "theme=dark%26density"])
def test_a_spoilt_cookie_means_the_defaults(cookie: str | None) -> None:
    read = Preferences.read(cookie)
    assert (read.density, read.rail, read.keys) == ("comfortable", False, True)


def test_preferences_survive_their_cookie_and_precede_the_account_s() -> None:
    kept = Preferences("dark", "compact", True, False, frozenset({"sales", "stock"}))
    assert Preferences.read(kept.write(), theme="light") == kept
    assert Preferences.read(None, theme="light", density="compact") == Preferences("light", "compact")


def test_attributes_are_escaped_and_absent_ones_left_out() -> None:
    assert (
        html_attributes({"hx_get": '/x?"', "disabled": True, "title": None, "for_": "a"})
        == ' hx-get="/x?&#34;" disabled for="a"'
    )
