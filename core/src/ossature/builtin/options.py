"""Options of the organisation: the switches that plugins declare, on one page."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ossature.builtin.settings import render_settings
from ossature.context import current
from ossature.hooks.calls import SETTINGS
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import SettingsPage
from ossature.i18n import translator
from ossature.kernel import kernel
from ossature.rbac import requires
from ossature.rbac.permissions import SETTINGS_MANAGE
from ossature.web import notify

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("settings_options", __name__, url_prefix="/settings/options")


@blueprint.get("")
@requires(SETTINGS_MANAGE)
def index() -> ResponseReturnValue:
    """Every switch with its present state, under its plugin's name."""
    groups: dict[str, list[dict[str, object]]] = {}
    for entry in kernel().plugins.registered(SETTINGS, current().access.plugins):
        title = str(kernel().plugins.statuses[entry.plugin].title)
        switch = entry.value
        shown = {"key": switch.key, "label": str(switch.label), "help": str(switch.help), "on": switch.read()}
        groups.setdefault(title, []).append(shown)
    return render_settings("settings/options.html", "options", title=_("Options"), groups=groups)


@blueprint.post("")
@requires(SETTINGS_MANAGE)
def save() -> ResponseReturnValue:
    """Set every switch as the form says."""
    for switch in kernel().plugins.values(SETTINGS, current().access.plugins):
        switch.write(request.form.get(switch.key) == "1")
    notify(_("Saved"))
    return redirect(url_for("settings_options.index"), 303)


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]


@hookimpl
def register_settings_pages() -> list[SettingsPage]:
    return [SettingsPage("options", _l("Options"), "settings_options.index", SETTINGS_MANAGE, 20, "adjustments")]
