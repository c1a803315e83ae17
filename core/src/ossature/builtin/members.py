"""Members: who belongs to the organisation and with which roles."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, current_app, redirect, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectMultipleField, StringField

from ossature.auth import accounts
from ossature.auth.request import Gate
from ossature.builtin.forms import Form, at_most, by_id, options, required, stripped
from ossature.builtin.settings import render_settings
from ossature.context import current
from ossature.errors import Conflict, Forbidden, Invalid
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import SettingsPage
from ossature.i18n import translator
from ossature.rbac import authority, members, requires, roles
from ossature.rbac.permissions import MEMBERS_MANAGE, MEMBERS_VIEW
from ossature.web import notify

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("settings_members", __name__, url_prefix="/settings/members")


class InviteForm(Form):
    name = StringField(_l("Name"), [required(), at_most(200)], filters=[stripped])
    email = StringField(_l("E-mail"), [required(), at_most(254)], filters=[stripped])
    roles = SelectMultipleField(_l("Roles"), coerce=by_id)


class RolesForm(Form):
    roles = SelectMultipleField(_l("Roles"), coerce=by_id)


@blueprint.get("")
@requires(MEMBERS_VIEW)
def index() -> ResponseReturnValue:
    return render_settings(
        "settings/members.html",
        "members",
        title=_("Members"),
        members=members.list_members(),
        may_manage=current().access.allows(MEMBERS_MANAGE),
    )


@blueprint.route("/new", methods=["GET", "POST"])
@requires(MEMBERS_MANAGE)
def invite() -> ResponseReturnValue:
    form = InviteForm()
    form.roles.choices = options(_choices())
    if form.validate_on_submit():
        try:
            user = accounts.create_user(form.email.data, form.name.data)
            id = members.add_member(user.id, form.name.data, form.roles.data, joined=user.created)
        except (Invalid, Conflict, Forbidden) as refusal:
            form.refuse(refusal)
        else:
            link = _link(members.find_member(id))
            if link is None:
                notify(_("%(name)s can sign in with their present password.", name=form.name.data))
                return redirect(url_for("settings_members.index"), 303)
            return _show_link(form.name.data, form.email.data, link)
    page = render_settings("settings/member_new.html", "members", title=_("Invite a member"), form=form)
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/<uuid:id>", methods=["GET", "POST"])
@requires(MEMBERS_MANAGE)
def member(id: UUID) -> ResponseReturnValue:
    found = members.find_member(id)
    form = RolesForm(data={"roles": [role.id for role in found.roles]})
    form.roles.choices = options(_choices())
    if form.validate_on_submit():
        try:
            members.assign_roles(id, form.roles.data)
        except (Invalid, Conflict, Forbidden) as refusal:
            form.refuse(refusal)
        else:
            notify(_("The roles of %(name)s are saved.", name=found.name))
            return redirect(url_for("settings_members.index"), 303)
    acting = current().actor
    page = render_settings(
        "settings/member.html",
        "members",
        title=found.name,
        form=form,
        member=found,
        me=acting is not None and acting.id == id,
        may_touch=found.rank <= authority.own_rank(),
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/<uuid:id>/deactivate")
@requires(MEMBERS_MANAGE)
def deactivate(id: UUID) -> ResponseReturnValue:
    found = members.find_member(id)
    members.set_active(id, False)
    notify(_("%(name)s can no longer enter. What they wrote stays.", name=found.name))
    return redirect(url_for("settings_members.index"), 303)


@blueprint.post("/<uuid:id>/activate")
@requires(MEMBERS_MANAGE)
def activate(id: UUID) -> ResponseReturnValue:
    found = members.find_member(id)
    members.set_active(id, True)
    notify(_("%(name)s can enter again.", name=found.name))
    return redirect(url_for("settings_members.index"), 303)


@blueprint.post("/<uuid:id>/link")
@requires(MEMBERS_MANAGE)
def new_link(id: UUID) -> ResponseReturnValue:
    found = members.find_member(id)
    authority.may_touch_member(id)
    link = _link(found)
    if link is None:
        raise Conflict(_("%(name)s has a password already.", name=found.name))
    return _show_link(found.name, found.email, link)


def _choices() -> list[tuple[UUID, str]]:
    """The roles that who acts may give."""
    rank = authority.own_rank()
    return [(role.id, role.name) for role in roles.list_roles() if role.rank <= rank]


def _link(member: members.MemberView) -> str | None:
    """Where an account of our own chooses its first password, or where somebody else's account says that it joins."""
    if member.joined:
        secret, endpoint = accounts.make_password_link(member.user_id), "auth.first_password"
    else:
        secret, endpoint = accounts.make_invitation(member.id), "auth.join"
    if secret is None:
        return None
    gate: Gate = current_app.extensions["ossature.access"]
    tenant = current().tenant
    # Who has an account signs in where it belongs, which is not this organisation's address yet.
    own_host = tenant is not None and member.joined and gate.on_tenant_host()
    base = gate.hosts.url_of(tenant.slug if tenant and own_host else None)
    return base + url_for(endpoint, secret=secret)


def _show_link(name: str, email: str, link: str) -> ResponseReturnValue:
    page = render_settings(
        "settings/member_link.html", "members", title=_("Invitation"), name=name, email=email, link=link,
        hours=accounts.LINK_HOURS,
    )  # fmt: skip
    return page, 200, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]


@hookimpl
def register_settings_pages() -> list[SettingsPage]:
    return [SettingsPage("members", _l("Members"), "settings_members.index", MEMBERS_VIEW, 30, "users")]
