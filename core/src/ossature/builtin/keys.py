"""API keys: one's own, and those of services."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from wtforms import IntegerField, RadioField, SelectMultipleField, StringField

from ossature.builtin.forms import Form, at_most, between, options, required, stripped
from ossature.builtin.settings import render_settings
from ossature.context import current
from ossature.errors import Forbidden, Invalid
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import SettingsPage
from ossature.i18n import translator
from ossature.rbac import keys, signed_in
from ossature.rbac.permissions import API_KEYS_MANAGE
from ossature.rbac.rights import rights
from ossature.web import notify
from ossature.web.versions import contract

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("settings_keys", __name__, url_prefix="/settings/keys")


class KeyForm(Form):
    name = StringField(
        _l("What it is for"),
        [required(), at_most(80)],
        filters=[stripped],
        description=_l("Such as “Sync with the shop”."),
    )
    kind = RadioField(_l("Acts as"), default="personal")
    days = IntegerField(
        _l("Days until it expires"),
        [
            required(),
            between(1, keys.LONGEST_DAYS),
        ],
        default=90,
    )
    scopes = SelectMultipleField(_l("What it may do"))


class VersionForm(Form):
    version = RadioField(_l("Version of the API"))


@blueprint.get("")
@signed_in
def index() -> ResponseReturnValue:
    everyones = current().access.allows(API_KEYS_MANAGE)
    now = datetime.now(UTC)
    return render_settings(
        "settings/keys.html",
        "keys",
        title=_("API keys"),
        help=_("For programs that work with the API in your name or for the organisation."),
        keys=[(key, _state(key.revoked_at, key.expires_at, now)) for key in keys.list_keys(everyones)],
        me=current().actor,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@signed_in
def new() -> ResponseReturnValue:
    context = current()
    form = KeyForm()
    kinds = [("personal", _("Me, never reaching further than I do"))]
    if context.access.allows(API_KEYS_MANAGE):
        kinds.append(("service", _("A service of the organisation")))
    form.kind.choices = options(kinds)
    plugins = {"ossature", *context.access.plugins}
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, permission in rights().permissions.items():
        if context.access.allows(name) and name.partition(".")[0] in plugins:
            group = str(permission.group)
            groups.setdefault(group, []).append((name, f"{group}: {permission.label}"))
    form.scopes.choices = options(pair for pairs in groups.values() for pair in pairs)
    if form.validate_on_submit():
        try:
            member_id = keys.may_hold_keys() if form.kind.data == "personal" else None
            issued = keys.issue_key(
                form.name.data,
                {name: context.access.grants[name] for name in form.scopes.data},
                member_id=member_id,
                days=form.days.data,
            )
        except (Invalid, Forbidden) as refusal:
            form.refuse(refusal)
        else:
            page = render_settings(
                "settings/key_shown.html", "keys", title=_("New API key"), name=form.name.data, key=issued.shown
            )
            return page, 200, {"Cache-Control": "no-store"}
    page = render_settings(
        "settings/form.html", "keys", title=_("New API key"), form=form, submit_label=_("Make the key"),
        cancel_url=url_for("settings_keys.index"),
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/<uuid:id>/version", methods=["GET", "POST"])
@signed_in
def version(id: UUID) -> ResponseReturnValue:
    """Choose the contract that a key is answered in, with what each version brought."""
    key = keys.find_key(id)
    known = contract()
    form = VersionForm(data={"version": key.api_version})
    form.version.choices = options((day, _what_came(day)) for day in reversed(known.versions))
    if form.validate_on_submit():
        keys.pin_key(id, form.version.data)
        notify(_("“%(name)s” is answered in version %(version)s from now on.", name=key.name, version=key.api_version))
        return redirect(url_for("settings_keys.index"), 303)
    page = render_settings(
        "settings/form.html", "keys", title=_("API version of “%(name)s”", name=key.name), form=form,
        help=_("A key keeps the version it was made with, until you change it here. Try a newer one first with the "
               "header Ossature-Version."),
        cancel_url=url_for("settings_keys.index"),
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


def _what_came(day: str) -> str:
    """A version with what changed in it, in a line."""
    said = " ".join(str(change.summary) for change in contract().changes if change.version == day)
    if day == contract().present:
        said = f"{said} {_('The present version.')}".strip()
    return f"{day}: {said}" if said else day


@blueprint.post("/<uuid:id>/revoke")
@signed_in
def revoke(id: UUID) -> ResponseReturnValue:
    keys.revoke_key(id)
    notify(_("The key is revoked. Programs that use it are refused from now on."))
    return redirect(url_for("settings_keys.index"), 303)


def _state(revoked_at: datetime | None, expires_at: datetime | None, now: datetime) -> str:
    if revoked_at is not None:
        return "revoked"
    return "expired" if expires_at is not None and expires_at <= now else "active"


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]


@hookimpl
def register_settings_pages() -> list[SettingsPage]:
    return [SettingsPage("keys", _l("API keys"), "settings_keys.index", None, 70, "key")]
