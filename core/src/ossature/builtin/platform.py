"""Pages of the platform's administrators, who stand apart from members: all organisations of the installation."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, current_app, redirect, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from wtforms import SelectField, SelectMultipleField, StringField

from ossature.auth import accounts
from ossature.auth.request import Gate, caller
from ossature.builtin.forms import Form, at_most, options, required, stripped
from ossature.builtin.settings import language_options, render_settings, time_zone_options
from ossature.context import current
from ossature.db import transaction
from ossature.errors import Conflict, Invalid, NotFound
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.kernel import kernel
from ossature.rbac import members, platform_admin, roles, tenants
from ossature.rbac.presets import DEFAULT_PRESET, OWNER, PRESETS
from ossature.web import notify

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("platform", __name__, url_prefix="/platform")


class TenantForm(Form):
    name = StringField(_l("Name"), [required(), at_most(200)], filters=[stripped])
    slug = StringField(
        _l("Name in addresses"),
        [required(), at_most(63)],
        filters=[stripped],
        description=_l("Lower-case letters, digits and hyphens."),
    )
    locale = SelectField(_l("Language"), default="fr")
    time_zone = SelectField(_l("Time zone"), default="Europe/Paris")
    preset = SelectField(_l("Roles to start with"), default=DEFAULT_PRESET)
    plugins = SelectMultipleField(_l("Plugins"))
    owner_name = StringField(_l("Name of the owner"), [required(), at_most(200)], filters=[stripped])
    owner_email = StringField(_l("E-mail of the owner"), [required(), at_most(254)], filters=[stripped])


class OpenForm(Form):
    reason = StringField(
        _l("Why"), [required(), at_most(200)], filters=[stripped], description=_l("Kept in the organisation’s history.")
    )


@blueprint.get("/tenants")
@platform_admin
def index() -> ResponseReturnValue:
    return render_settings(
        "platform/tenants.html", "platform", title=_("Organisations"), tenants=tenants.list_tenants()
    )


@blueprint.route("/tenants/new", methods=["GET", "POST"])
@platform_admin
def new() -> ResponseReturnValue:
    form = TenantForm()
    form.locale.choices = language_options()
    form.time_zone.choices = time_zone_options()
    form.preset.choices = options([(preset.key, str(preset.name)) for preset in PRESETS.values()])
    registry = kernel().plugins
    form.plugins.choices = options([(key, str(registry.statuses[key].title)) for key in registry.keys])
    if form.validate_on_submit():
        try:
            link = _create(form)
        except (Invalid, Conflict) as refusal:
            form.refuse(refusal)
        else:
            if link is None:
                notify(_("The organisation %(name)s is made; its owner can sign in.", name=form.name.data))
                return redirect(url_for("platform.index"), 303)
            page = render_settings(
                "settings/member_link.html", "platform", title=_("Organisation made"), name=form.owner_name.data,
                email=form.owner_email.data, link=link, hours=accounts.LINK_HOURS,
            )  # fmt: skip
            return page, 200, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    page = render_settings(
        "settings/form.html", "platform", title=_("New organisation"), form=form,
        submit_label=_("Make the organisation"), cancel_url=url_for("platform.index"),
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/tenants/<uuid:id>/suspend")
@platform_admin
def suspend(id: UUID) -> ResponseReturnValue:
    tenants.set_status(id, "suspended")
    notify(_("The organisation is suspended: nobody can enter, nothing is lost."))
    return redirect(url_for("platform.index"), 303)


@blueprint.post("/tenants/<uuid:id>/resume")
@platform_admin
def resume(id: UUID) -> ResponseReturnValue:
    tenants.set_status(id, "active")
    notify(_("The organisation is open again."))
    return redirect(url_for("platform.index"), 303)


@blueprint.route("/tenants/<uuid:id>/open", methods=["GET", "POST"])
@platform_admin
def open_tenant(id: UUID) -> ResponseReturnValue:
    row = next((row for row in tenants.list_tenants() if row.id == id), None)
    found = caller()
    if row is None or found is None or found.user is None:
        raise NotFound(_("There is no such organisation."))
    form = OpenForm()
    if form.validate_on_submit():
        gate: Gate = current_app.extensions["ossature.access"]
        if gate.on_tenant_host():
            raise Conflict(_("Open organisations from the main address."))
        tenants.open_tenant(id, found.user.name, form.reason.data)
        cookie["tid"] = str(id)
        notify(
            _("You work in %(name)s as an administrator of the platform. Its history says so.", name=row.name),
            "warning",
        )
        return redirect("/", 303)
    page = render_settings(
        "settings/form.html", "platform", title=_("Open %(name)s", name=row.name), form=form,
        help=_("You get every right in this organisation; what you do is written under your name."),
        submit_label=_("Open %(name)s", name=row.name), cancel_url=url_for("platform.index"),
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


def _create(form: TenantForm) -> str | None:
    """Make the organisation and its owner; the address of the owner's first password, when they have none yet."""
    email = accounts.normalise_email(form.owner_email.data)
    tenant = tenants.create_tenant(
        form.slug.data,
        form.name.data,
        preset=form.preset.data,
        locale=form.locale.data,
        time_zone=form.time_zone.data,
        plugins=form.plugins.data,
    )
    with transaction(current().with_(tenant=tenant, actor=None)):
        user = accounts.create_user(email, form.owner_name.data)
        members.add_member(user.id, form.owner_name.data, [roles.role_by_key(OWNER).id])
        secret = accounts.make_password_link(user.id)
    gate: Gate = current_app.extensions["ossature.access"]
    return gate.hosts.url_of(None) + url_for("auth.first_password", secret=secret) if secret else None


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]
