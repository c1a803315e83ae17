"""The page of components: every part in one place, for people who build screens. Offered in development and demo mode."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from flask import Blueprint, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from ossature.i18n import translator
from ossature.rbac.rules import signed_in
from ossature.web.formats import now
from ossature.web.models import (
    Action,
    Cell,
    Change,
    Choice,
    Fact,
    FormError,
    FormField,
    PartRow,
    PartRows,
    Step,
    TimelineEntry,
)
from ossature.web.rendering import notify, render
from ossature.web.shell import Crumb

_, _l, _n = translator("ossature")

blueprint = Blueprint("components", __name__, url_prefix="/settings/components")

PEOPLE = (
    "Anna Lefèvre",
    "Élodie Marchand",
    "Éric Dubois",
    "Hugo Perrin",
    "Inès Caron",
    "Louis Garnier",
    "Zoé Fontaine",
)


@blueprint.get("")
@signed_in
def show() -> ResponseReturnValue:
    return render(
        "settings/components.html",
        title=_("Components"),
        breadcrumbs=[Crumb(_("Settings")), Crumb(_("Components"))],
        settings_pages=(),
        people=PEOPLE,
        cells=sample_cells(),
        facts=sample_facts(),
        steps=(Step(_("Draft"), "done"), Step(_("Sent"), "current"), Step(_("Accepted"))),
        timeline=sample_timeline(),
        fields=sample_fields(),
        part=sample_part(),
        errors=(
            FormError(_("Enter a city."), "f-addresses-0-city", _("City")),
            FormError(_("Save at least one address.")),
        ),
        actions=sample_actions(),
    )


@blueprint.get("/options")
@signed_in
def options() -> ResponseReturnValue:
    """What a reference picker asks: matching people."""
    words = request.args.get("q", "").casefold()
    found = [
        {"value": str(at), "label": name, "hint": "Atelier Morel"}
        for at, name in enumerate(PEOPLE)
        if words in name.casefold()
    ]
    return jsonify(success=True, data=found, meta={"more": False})


@blueprint.post("/notice")
@signed_in
def notice() -> ResponseReturnValue:
    """A notice with an undo, as after a deletion."""
    undo = Action(_("Undo"), url_for("components.notice"), "post")
    notify(_("%(name)s was deleted", name=PEOPLE[0]), undo=undo)
    return show()


def sample_actions() -> tuple[Action, ...]:
    where = url_for("components.show")
    return (
        Action(_("Edit"), where, icon="pencil", shortcut="e"),
        Action(_("Export these rows"), where, icon="download"),
        Action(_("Delete Anna Lefèvre"), url_for("components.notice"), "post", "trash", "danger"),
    )


def sample_cells() -> tuple[tuple[str, Cell], ...]:
    moment = now() - timedelta(hours=3)
    return (
        ("text", Cell("text", "Atelier Morel")),
        ("reference", Cell("reference", "1", label="Atelier Morel", url="#")),
        ("reference, deleted", Cell("reference", "1", label="Atelier Morel", url="#", struck=True)),
        ("person", Cell("person", label=PEOPLE[1])),
        ("integer", Cell("integer", 1234567)),
        ("number", Cell("number", Decimal("1234.5"), unit="km")),
        ("money", Cell("money", Decimal("1234.5"), currency="EUR")),
        ("percent", Cell("percent", Decimal("0.125"))),
        ("date", Cell("date", date(2026, 11, 20))),
        ("datetime", Cell("datetime", moment)),
        ("choice", Cell("choice", "active", label=_("Active"), tone="success")),
        ("email", Cell("email", "anna@example.com")),
        ("phone", Cell("phone", "+33 1 23 45 67 89")),
        ("url", Cell("url", "https://example.com")),
        ("boolean", Cell("boolean", True)),
        ("empty", Cell("text")),
    )


def sample_facts() -> tuple[Fact, ...]:
    labelled = dict(sample_cells())
    edit = url_for("components.show")
    return (
        Fact(_("Company"), labelled["reference"], edit_url=edit),
        Fact(_("E-mail"), labelled["email"], edit_url=edit),
        Fact(_("Phone"), Cell("phone"), edit_url=edit),
        Fact(_("Turnover"), labelled["money"], help=_("Of the last twelve months, without tax")),
        Fact(_("State"), labelled["choice"]),
        Fact(_("Last seen"), labelled["datetime"]),
    )


def sample_timeline() -> tuple[TimelineEntry, ...]:
    at = now()
    stage = Change(_("Stage"), _("Proposal"), _("Won"))
    return (
        TimelineEntry(PEOPLE[0], "changed", at - timedelta(minutes=4), (stage,)),
        TimelineEntry(
            PEOPLE[2],
            "changed",
            at - timedelta(hours=5),
            (stage, Change(_("Phone"), None, "+33 1 23 45 67 89")),
            means="API",
        ),
        TimelineEntry(PEOPLE[0], "created", datetime(2026, 1, 12, 9, 30, tzinfo=UTC), means=_("Import")),
    )


def sample_fields() -> tuple[FormField, ...]:
    picker = url_for("components.options")
    states = (Choice("lead", _("Lead")), Choice("client", _("Client")))
    return (
        FormField("name", _("Name"), value=PEOPLE[0], required=True, max_length=120),
        FormField(
            "email", _("E-mail"), "email", "anna@", errors=(_("Enter an address like name@example.com."),), short=True
        ),
        FormField("phone", _("Phone"), "phone", "+33 1 23 45 67 89", short=True),
        FormField("company", _("Company"), "reference", "1", options_url=picker, selected_label="Atelier Morel"),
        FormField("state", _("State"), "choice", "lead", required=True, choices=states, short=True),
        FormField("born", _("Birthday"), "date", date(1988, 4, 2), short=True),
        FormField("amount", _("Amount"), "money", "1234.50", currency="EUR", currencies=("EUR", "CHF"), short=True),
        FormField("mileage", _("Distance"), "integer", 120, unit="km", help=_("From the office, one way."), short=True),
        FormField("notes", _("Notes"), "longtext"),
        FormField("newsletter", _("Receives the newsletter"), "boolean", True),
    )


def sample_part() -> PartRows:
    def row(number: str, street: str = "", city: str = "", wrong: tuple[str, ...] = ()) -> PartRow:
        prefix = f"addresses-{number}-"
        return PartRow(
            (
                FormField(prefix + "street", _("Street"), value=street),
                FormField(prefix + "postcode", _("Postcode"), short=True),
                FormField(prefix + "city", _("City"), value=city, required=True, errors=wrong, short=True),
            )
        )

    rows = (row("0", "12 rue des Lilas", "", (_("Enter a city."),)),)
    return PartRows("addresses", _("Addresses"), rows, row("__index__"), _("Add an address"), _("Address"), maximum=5)
