"""Pages of crm beside the default ones: the boxes of the home page."""

from __future__ import annotations

from ossature.api import Blueprint, Widget, record_type, render, requires, translator
from ossature_crm import queries

_, _l, ngettext = translator("crm")

blueprint = Blueprint("crm", __name__, url_prefix="/crm")

WIDGETS = [
    Widget("crm.newest", _l("Newest contacts"), "crm.newest_contacts", "crm.contact.view", weight=10),
    Widget("crm.mine", _l("My contacts"), "crm.my_contacts", "crm.contact.view", weight=20, size="small"),
]


@blueprint.get("/widgets/newest-contacts")
@requires("crm.contact.view")
def newest_contacts() -> str:
    contact = record_type("crm.contact")
    return render(
        "crm/newest_contacts.html",
        contacts=queries.newest_contacts(),
        statuses=contact.field("status").choices,
    )


@blueprint.get("/widgets/my-contacts")
@requires("crm.contact.view")
def my_contacts() -> str:
    counts = queries.contacts_by_status()
    statuses = record_type("crm.contact").field("status").choices
    rows = [(str(label), counts.get(key, 0)) for key, label in statuses.items()]
    return render("crm/my_contacts.html", rows=rows, total=sum(counts.values()))
