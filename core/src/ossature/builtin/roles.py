"""Roles: the matrix of permissions by role, each with how far it reaches."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectField, StringField

from ossature.builtin.forms import Form, at_most, options, required, stripped
from ossature.builtin.settings import render_settings
from ossature.context import Reach, current
from ossature.errors import Conflict, Forbidden, Invalid
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import Permission, SettingsPage
from ossature.i18n import translator
from ossature.rbac import authority, requires, roles
from ossature.rbac.models import Role
from ossature.rbac.permissions import KERNEL_PERMISSIONS, ROLES_MANAGE
from ossature.rbac.presets import OWNER, PRESETS
from ossature.rbac.rights import rights
from ossature.web import notify

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("settings_roles", __name__, url_prefix="/settings/roles")

REACHES = {
    "": _l("No"),
    Reach.OWN.value: _l("Own"),
    Reach.TEAM.value: _l("Team"),
    Reach.ALL.value: _l("All"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A permission in the matrix: its name, and per role the reach that is held."""

    key: str
    label: str
    held: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    lines: tuple[Line, ...]


class RoleForm(Form):
    name = StringField(_l("Name"), [required(), at_most(80)], filters=[stripped])
    description = StringField(_l("What it is for"), [at_most(500)], filters=[stripped])
    like = SelectField(_l("Starts with the rights of"), description=_l("They can be changed afterwards."))


class RenameForm(Form):
    name = StringField(_l("Name"), [required(), at_most(80)], filters=[stripped])
    description = StringField(_l("What it is for"), [at_most(500)], filters=[stripped])


@blueprint.get("")
@requires(ROLES_MANAGE)
def index() -> ResponseReturnValue:
    shown = roles.list_roles()
    known = {role.key for role in shown}
    return render_settings(
        "settings/roles.html",
        "roles",
        title=_("Roles"),
        roles=shown,
        groups=_groups(shown),
        reaches=REACHES,
        presets=[preset for preset in PRESETS.values() if not known.issuperset(role.key for role in preset.roles)],
    )


@blueprint.route("/new", methods=["GET", "POST"])
@requires(ROLES_MANAGE)
def new() -> ResponseReturnValue:
    form = RoleForm()
    form.like.choices = options([("", _("None")), *((str(role.id), role.name) for role in roles.list_roles())])
    if form.validate_on_submit():
        try:
            role = roles.create_role(
                form.name.data, form.description.data or "", UUID(form.like.data) if form.like.data else None
            )
        except (Invalid, Forbidden) as refusal:
            form.refuse(refusal)
        else:
            notify(_("The role %(name)s is made.", name=role.name))
            return redirect(url_for("settings_roles.edit", id=role.id), 303)
    page = render_settings(
        "settings/form.html", "roles", title=_("New role"), form=form, submit_label=_("Make the role"),
        cancel_url=url_for("settings_roles.index"),
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/<uuid:id>", methods=["GET", "POST"])
@requires(ROLES_MANAGE)
def edit(id: UUID) -> ResponseReturnValue:
    role = roles.find_role(id)
    form = RenameForm(data={"name": role.name, "description": role.description})
    if form.validate_on_submit():
        wanted = {
            name: Reach(value)
            for name in rights().permissions
            if (value := request.form.get(f"grant-{name}", "")) in set(Reach)
        }
        try:
            if (form.name.data, form.description.data or "") != (role.name, role.description):
                roles.rename_role(id, form.name.data, form.description.data or "")
            roles.set_grants(id, wanted)
        except (Invalid, Conflict, Forbidden) as refusal:
            form.refuse(refusal)
        else:
            notify(_("The role %(name)s is saved.", name=role.name))
            return redirect(url_for("settings_roles.index"), 303)
    page = render_settings(
        "settings/role.html",
        "roles",
        title=role.name,
        form=form,
        role=role,
        groups=_groups([role]),
        reaches=REACHES,
        fixed=role.key == OWNER or role.rank > authority.own_rank(),
        holdable={name: reach.width for name, reach in current().access.grants.items()},
        widths={reach.value: reach.width for reach in Reach},
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/<uuid:id>/delete")
@requires(ROLES_MANAGE)
def delete(id: UUID) -> ResponseReturnValue:
    name = roles.find_role(id).name
    roles.delete_role(id)
    notify(_("The role %(name)s is deleted.", name=name))
    return redirect(url_for("settings_roles.index"), 303)


@blueprint.post("/presets")
@requires(ROLES_MANAGE)
def add_preset() -> ResponseReturnValue:
    added = roles.add_preset(request.form.get("preset", ""), current().access.plugins)
    notify(ngettext("%(num)d role is added.", "%(num)d roles are added.", len(added)))
    return redirect(url_for("settings_roles.index"), 303)


def _groups(shown: list[Role]) -> list[Group]:
    """All permissions of enabled plugins, by what they are about, with what these roles hold."""
    held = roles.grants_by_role()
    plugins = {"ossature", *current().access.plugins}
    groups: dict[str, list[Line]] = {}
    for name, permission in rights().permissions.items():
        if name.partition(".")[0] in plugins:
            reaches = tuple(
                Reach.ALL.value if role.key == OWNER else held.get(role.id, {}).get(name, "") for role in shown
            )
            label = str(permission.group) or name.partition(".")[0]
            groups.setdefault(label, []).append(Line(name, str(permission.label), reaches))
    return [Group(label, tuple(lines)) for label, lines in groups.items()]


@hookimpl
def register_permissions() -> list[Permission]:
    return list(KERNEL_PERMISSIONS)


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]


@hookimpl
def register_settings_pages() -> list[SettingsPage]:
    return [SettingsPage("roles", _l("Roles"), "settings_roles.index", ROLES_MANAGE, 40, "shield")]
