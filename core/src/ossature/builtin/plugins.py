"""Plugins of the organisation: which of those that run here it uses."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from ossature.builtin.settings import render_settings
from ossature.context import current
from ossature.db import session
from ossature.errors import NotFound
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import SettingsPage
from ossature.i18n import translator
from ossature.kernel import kernel
from ossature.plugins.activation import enabled_plugins
from ossature.plugins.enabling import disable_plugin, enable_plugin
from ossature.rbac import requires
from ossature.rbac.permissions import PLUGINS_MANAGE
from ossature.web import notify

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("settings_plugins", __name__, url_prefix="/settings/plugins")


@blueprint.get("")
@requires(PLUGINS_MANAGE)
def index() -> ResponseReturnValue:
    registry, tenant_id = kernel().plugins, current().tenant_id
    assert tenant_id is not None
    enabled = enabled_plugins(session(), tenant_id)
    shown = [
        (status, status.key in enabled)
        for status in registry.statuses.values()
        if status.key != "ossature" and (status.key in registry or status.broken or status.key in enabled)
    ]
    return render_settings(
        "settings/plugins.html",
        "plugins",
        title=_("Plugins"),
        plugins=sorted(shown, key=lambda pair: str(pair[0].title).casefold()),
        running=frozenset(registry.keys),
    )


@blueprint.post("/<key>/enable")
@requires(PLUGINS_MANAGE)
def switch_on(key: str) -> ResponseReturnValue:
    _known(key)
    enable_plugin(key)
    notify(_("%(plugin)s is on.", plugin=str(kernel().plugins.statuses[key].title)))
    return redirect(url_for("settings_plugins.index"), 303)


@blueprint.post("/<key>/disable")
@requires(PLUGINS_MANAGE)
def switch_off(key: str) -> ResponseReturnValue:
    _known(key)
    disable_plugin(key)
    notify(_("%(plugin)s is off. Its data stays.", plugin=str(kernel().plugins.statuses[key].title)))
    return redirect(url_for("settings_plugins.index"), 303)


def _known(key: str) -> None:
    if key not in kernel().plugins.statuses or key == "ossature":
        raise NotFound(_("There is no such plugin."))


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]


@hookimpl
def register_settings_pages() -> list[SettingsPage]:
    return [SettingsPage("plugins", _l("Plugins"), "settings_plugins.index", PLUGINS_MANAGE, 60, "puzzle")]
