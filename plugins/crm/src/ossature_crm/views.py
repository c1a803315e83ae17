"""Pages of crm beside the default ones: the boxes of the home page, and the settings of pipelines."""

from __future__ import annotations

from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ossature.api import (
    Blueprint,
    Invalid,
    NotFound,
    Reach,
    Refusal,
    SettingsPage,
    Widget,
    current,
    notify,
    record_type,
    render,
    render_settings,
    requires,
    translator,
)
from ossature_crm import deals, pipelines, queries

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


# -- pipelines ---------------------------------------------------------------------------------------------------------

PIPELINES_PAGE = SettingsPage(
    "crm.pipelines", _l("Pipelines"), "crm.pipelines_page", "crm.pipeline.edit", icon="filter"
)


@blueprint.get("/settings/pipelines")
@requires("crm.pipeline.edit")
def pipelines_page() -> str:
    """The pipelines with their stages and how many deals stand in each; new ones from a template."""
    return render_settings(
        "crm/pipelines.html", PIPELINES_PAGE.key, title=_("Pipelines"), pipelines=queries.pipelines(), templates=pipelines.TEMPLATES,
        may_create=current().access.allows("crm.pipeline.create"),
        may_move=current().access.reach("crm.deal.edit") is Reach.ALL,
    )  # fmt: skip


@blueprint.post("/settings/pipelines")
@requires("crm.pipeline.create")
def add_pipeline() -> ResponseReturnValue:
    """A new pipeline from a template; its form opens, to be made one's own."""
    template = request.form.get("template", "")
    if template not in pipelines.TEMPLATES:
        raise Invalid(_("There is no such template."))
    id = pipelines.create_from(template)
    return redirect(url_for("crm_records.pipeline_edit", id=id), 303)


@blueprint.post("/settings/pipelines/<uuid:id>/move-deals")
@requires("crm.pipeline.edit")
def move_deals(id: UUID) -> ResponseReturnValue:
    """Move all deals of a stage to another, so that the stage can be removed."""
    if not deals.stages(id):
        raise NotFound(_("There is no such pipeline."))
    try:
        stages = [UUID(request.form.get(name, "")) for name in ("from", "to")]
    except ValueError:
        raise Invalid(_("Choose the stage to move from and the one to move to.")) from None
    try:
        moved = pipelines.move_deals(id, *stages)
    except Refusal as refusal:
        notify(str(refusal.message), "danger")
    else:
        notify(ngettext("%(num)d deal moved", "%(num)d deals moved", moved))
    return redirect(url_for("crm.pipelines_page"), 303)
