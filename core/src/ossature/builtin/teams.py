"""Teams: who works with whom; what the reach team of a role covers."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from wtforms import SelectMultipleField, StringField

from ossature.builtin.forms import Form, at_most, by_id, options, required, stripped
from ossature.builtin.records import TEAM_SCREENS, Team
from ossature.builtin.settings import render_settings
from ossature.context import current
from ossature.db import session
from ossature.errors import Conflict, Detail, Forbidden, Invalid, NotFound
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import ChangeKind, RecordChange, SettingsPage
from ossature.i18n import translator
from ossature.kernel import kernel
from ossature.rbac import authority, members, requires
from ossature.rbac.predicate import reaches
from ossature.records import Record, RecordType, Screens, service
from ossature.web import notify

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("settings_teams", __name__, url_prefix="/settings/teams")


class TeamForm(Form):
    name = StringField(_l("Name"), [required(), at_most(120)], filters=[stripped])
    members = SelectMultipleField(_l("Members"), coerce=by_id)


@blueprint.get("")
@requires("ossature.team.view")
def index() -> ResponseReturnValue:
    names = {member.id: member.name for member in members.list_members()}
    inside = members.team_members()
    seen = select(Team).where(Team.deleted_at.is_(None), reaches(_record()))
    teams = session().scalars(seen.order_by(Team.__table__.c.name_fold))
    return render_settings(
        "settings/teams.html",
        "teams",
        title=_("Teams"),
        teams=[(team, sorted(names[member] for member in inside.get(team.id, ()))) for team in teams],
        may_create=current().access.allows("ossature.team.create"),
        may_edit=current().access.allows("ossature.team.edit"),
    )


@blueprint.route("/new", methods=["GET", "POST"])
@requires("ossature.team.create")
def new() -> ResponseReturnValue:
    form = TeamForm()
    form.members.choices = options(_choices())
    if form.validate_on_submit():
        try:
            written = service.create(_record(), {"name": form.name.data})
            members.set_team_members(written.row["id"], form.members.data)
        except (Invalid, Conflict, Forbidden) as refusal:
            form.refuse(refusal)
        else:
            notify(_("The team %(name)s is made.", name=form.name.data))
            return redirect(url_for("settings_teams.index"), 303)
    return _form(form, _("New team")), 422 if form.is_submitted() else 200


@blueprint.route("/<uuid:id>", methods=["GET", "POST"])
@requires("ossature.team.edit")
def edit(id: UUID) -> ResponseReturnValue:
    team = session().scalar(select(Team).where(Team.id == id, Team.deleted_at.is_(None), reaches(_record(), "edit")))
    if team is None:
        raise NotFound(_("There is no such team."))
    form = TeamForm(data={"name": team.name, "members": list(members.team_members().get(id, ()))})
    form.members.choices = options(_choices())
    if form.validate_on_submit():
        try:
            service.update(_record(), id, {"name": form.name.data})
            members.set_team_members(id, form.members.data)
        except (Invalid, Conflict, Forbidden) as refusal:
            form.refuse(refusal)
        else:
            notify(_("The team %(name)s is saved.", name=form.name.data))
            return redirect(url_for("settings_teams.index"), 303)
    return _form(form, team.name), 422 if form.is_submitted() else 200


@blueprint.post("/<uuid:id>/delete")
@requires("ossature.team.delete")
def delete(id: UUID) -> ResponseReturnValue:
    row = service.delete(_record(), id)
    notify(_("The team %(name)s is deleted.", name=row["name"]))
    return redirect(url_for("settings_teams.index"), 303)


def _form(form: TeamForm, title: str) -> str:
    return render_settings(
        "settings/form.html", "teams", title=title, form=form, cancel_url=url_for("settings_teams.index")
    )


def _choices() -> list[tuple[UUID, str]]:
    return [(member.id, member.name) for member in members.list_members() if member.active]


def _record() -> RecordType:
    return kernel().records["ossature.team"]


@hookimpl
def register_records() -> list[type[Record]]:
    return [Team]


@hookimpl
def register_screens() -> list[Screens]:
    return [TEAM_SCREENS]


@hookimpl
def check_record_change(change: RecordChange) -> list[Detail]:
    """Who was in a team that is deleted or restored reaches less or more from the commit on."""
    if change.record != Team.__key__:
        return []
    members.members_changed()
    if change.kind is ChangeKind.RESTORED:
        try:
            authority.may_team_up(members.team_members().get(change.id, set()))
        except Forbidden as refusal:
            return [Detail("", "forbidden", str(refusal.message))]
    return []


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]


@hookimpl
def register_settings_pages() -> list[SettingsPage]:
    return [SettingsPage("teams", _l("Teams"), "settings_teams.index", "ossature.team.view", 50, "users-group")]
