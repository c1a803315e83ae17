"""The organisation: its name, language and time zone, and its legal entities."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select, update
from wtforms import SelectField, StringField

from ossature.builtin.forms import Form, at_most, required, stripped
from ossature.builtin.records import LEGAL_ENTITY_SCREENS, LegalEntity
from ossature.builtin.settings import language_options, render_settings, time_zone_options
from ossature.context import current
from ossature.db import session
from ossature.db.kernel import tenant
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import SettingsPage
from ossature.i18n import translator
from ossature.kernel import kernel
from ossature.rbac import requires
from ossature.rbac.members import members_changed
from ossature.rbac.permissions import SETTINGS_MANAGE
from ossature.rbac.predicate import reaches
from ossature.records import Record, Screens
from ossature.web import notify

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("settings_organisation", __name__, url_prefix="/settings")


class OrganisationForm(Form):
    name = StringField(_l("Name"), [required(), at_most(200)], filters=[stripped])
    locale = SelectField(_l("Language"), description=_l("For members who have chosen none, and for documents."))
    time_zone = SelectField(_l("Time zone"))


@blueprint.route("/organisation", methods=["GET", "POST"])
@requires(SETTINGS_MANAGE)
def organisation() -> ResponseReturnValue:
    context = current()
    row = session().execute(select(tenant).where(tenant.c.id == context.tenant_id)).one()
    form = OrganisationForm(data={"name": row.name, "locale": row.locale, "time_zone": row.time_zone})
    form.locale.choices = language_options()
    form.time_zone.choices = time_zone_options()
    if form.validate_on_submit():
        session().execute(
            update(tenant)
            .where(tenant.c.id == context.tenant_id)
            .values(name=form.name.data, locale=form.locale.data, time_zone=form.time_zone.data)
        )
        members_changed()
        notify(_("The organisation’s settings are saved."))
        return redirect(url_for("settings_organisation.organisation"), 303)
    entities = session().scalars(
        select(LegalEntity)
        .where(LegalEntity.deleted_at.is_(None), reaches(kernel().records["ossature.legal_entity"]))
        .order_by(LegalEntity.name)
        .limit(100)
    )
    page = render_settings(
        "settings/organisation.html",
        "organisation",
        title=_("Organisation"),
        form=form,
        slug=row.slug,
        entities=list(entities) if context.access.allows("ossature.legal_entity.view") else None,
        may_create=context.access.allows("ossature.legal_entity.create"),
    )
    return page, 422 if form.is_submitted() else 200


@hookimpl
def register_records() -> list[type[Record]]:
    return [LegalEntity]


@hookimpl
def register_screens() -> list[Screens]:
    return [LEGAL_ENTITY_SCREENS]


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]


@hookimpl
def register_settings_pages() -> list[SettingsPage]:
    return [
        SettingsPage(
            "organisation", _l("Organisation"), "settings_organisation.organisation", SETTINGS_MANAGE, 20, "building"
        )
    ]
