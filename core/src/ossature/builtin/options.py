"""Options of the organisation: the switches and numbers that plugins declare, on one page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, redirect, request, url_for
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
from ossature.records.clean import whole_number
from ossature.settings import NumberSetting, Setting
from ossature.web import notify

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("settings_options", __name__, url_prefix="/settings/options")


@dataclass(frozen=True, slots=True)
class Shown:
    """One option as its template shows it: a switch that is on or not, or a number as it was typed."""

    setting: Setting | NumberSetting
    value: bool | str
    error: str = ""

    @property
    def is_switch(self) -> bool:
        return isinstance(self.setting, Setting)


@blueprint.get("")
@requires(SETTINGS_MANAGE)
def index() -> ResponseReturnValue:
    """Every option as it is, under its plugin's name."""
    return _page({})


@blueprint.post("")
@requires(SETTINGS_MANAGE)
def save() -> ResponseReturnValue:
    """Set every option as the form says, or none where a number cannot be; a number that it does not have stays."""
    settings = kernel().plugins.values(SETTINGS, current().access.plugins)
    posted = {one.key: _posted(one) for one in settings if isinstance(one, Setting) or one.key in request.form}
    if any(isinstance(value, Refused) for value in posted.values()):
        return Response(_page(posted), 422)
    for setting in settings:
        if setting.key in posted:
            setting.write(posted[setting.key])
    notify(_("Saved"))
    return redirect(url_for("settings_options.index"), 303)


@dataclass(frozen=True, slots=True)
class Refused:
    """A number that cannot be, and why."""

    typed: str
    reason: str


def _posted(setting: Setting | NumberSetting) -> bool | int | Refused:
    if isinstance(setting, Setting):
        return request.form.get(setting.key) == "1"
    typed = request.form[setting.key].strip()
    number = whole_number(typed, 10**11)
    if number is None:
        return Refused(typed[:40], _("Write a whole number."))
    if not setting.minimum <= number <= setting.maximum:
        return Refused(
            typed, _("Choose between %(least)s and %(most)s.", least=setting.minimum, most=setting.maximum)
        )  # fmt: skip
    return number


def _page(posted: Mapping[str, bool | int | Refused]) -> str:
    groups: dict[str, list[Shown]] = {}
    for entry in kernel().plugins.registered(SETTINGS, current().access.plugins):
        title = str(kernel().plugins.statuses[entry.plugin].title)
        groups.setdefault(title, []).append(_shown(entry.value, posted.get(entry.value.key)))
    return render_settings("settings/options.html", "options", title=_("Options"), groups=groups)


def _shown(setting: Setting | NumberSetting, posted: bool | int | Refused | None) -> Shown:
    if isinstance(posted, Refused):
        return Shown(setting, posted.typed, posted.reason)
    value = setting.read() if posted is None else posted
    return Shown(setting, bool(value) if isinstance(setting, Setting) else str(value))


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]


@hookimpl
def register_settings_pages() -> list[SettingsPage]:
    return [SettingsPage("options", _l("Options"), "settings_options.index", SETTINGS_MANAGE, 20, "adjustments")]
