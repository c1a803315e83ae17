"""The settings' frame, and Me: what a person chooses for themselves."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from flask import Blueprint, redirect, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from werkzeug.wrappers import Response
from wtforms import BooleanField, PasswordField, RadioField, SelectField, StringField

from ossature.auth import accounts, sign_in
from ossature.auth.request import LOCALE_COOKIE, caller
from ossature.auth.snapshot import UserInfo
from ossature.builtin.forms import Form, Option, at_most, options, required, stripped
from ossature.builtin.sign_in import YEAR, begin_page_session
from ossature.context import current
from ossature.db import session
from ossature.errors import Invalid, NotFound, TooManyRequests
from ossature.hooks.calls import SETTINGS_PAGES
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import SettingsPage
from ossature.i18n import locales, translator
from ossature.kernel import kernel
from ossature.plugins.offered import offered
from ossature.rbac import signed_in
from ossature.web import Crumb, notify, render
from ossature.web.frame import dead
from ossature.web.models import SettingsEntry
from ossature.web.shell import COOKIE, Preferences

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("settings", __name__, url_prefix="/settings")

LANGUAGES = {"en": "English", "fr": "Français"}


def render_settings(template: str, key: str, /, *, title: str, **values: Any) -> str:
    """A page of the settings: `template` extends `settings/layout.html`; `key` is its SettingsPage's."""
    entries = settings_entries(key)
    crumbs = values.pop("breadcrumbs", None) or [Crumb(_("Settings"), url_for("settings.index")), Crumb(title)]
    return render(
        template, title=title, breadcrumbs=crumbs, settings_pages=entries, help=values.pop("help", ""), **values
    )


def settings_entries(active: str = "") -> list[SettingsEntry]:
    """What of the settings the caller may open."""
    context = current()
    entries = []
    for entry in offered(SETTINGS_PAGES):
        page = entry.value
        if page.key != "me" and context.actor is None:
            continue
        own = page.key == "me"
        group = "" if own else _("Organisation") if entry.plugin == "ossature" else str(_title(entry.plugin))
        failed = sum(dead(context)) if page.key == "background" else 0
        entries.append(
            SettingsEntry(
                page.key, str(page.label), url_for(page.endpoint), page.icon, group, page.key == active, failed
            )
        )
    if context.platform_admin:
        entries.append(
            SettingsEntry(
                "platform", _("Organisations"), url_for("platform.index"), "server", _("Platform"), active == "platform"
            )
        )
    return entries


def _title(plugin: str) -> object:
    return kernel().plugins.statuses[plugin].title


class MeForm(Form):
    name = StringField(_l("Name"), [required(), at_most(200)], filters=[stripped])
    locale = SelectField(_l("Language"), description=_l("Of texts, dates and numbers."))
    time_zone = SelectField(_l("Time zone"))
    theme = RadioField(
        _l("Appearance"),
        choices=options([("auto", _l("As the device")), ("light", _l("Light")), ("dark", _l("Dark"))]),
    )
    density = RadioField(
        _l("Density"),
        choices=options([("comfortable", _l("Comfortable")), ("compact", _l("Compact, with more rows on the screen"))]),
    )
    shortcuts = BooleanField(
        _l("Use single-letter shortcuts"), description=_l("Such as C to create. Ctrl-K works in any case.")
    )


class PasswordForm(Form):
    present = PasswordField(_l("Present password"), [required()])
    password = PasswordField(
        _l("New password"), [required()], description=_l("At least 12 characters; a short sentence works well.")
    )


@blueprint.get("")
@signed_in(tenant=False)
def index() -> ResponseReturnValue:
    return redirect(url_for("settings.me"), 303)


@blueprint.route("/me", methods=["GET", "POST"])
@signed_in(tenant=False)
def me() -> ResponseReturnValue:
    user = _user()
    form = _me_form(user)
    if not form.validate_on_submit():
        return _page(form, PasswordForm()), 422 if form.is_submitted() else 200
    accounts.save_profile(
        user.id,
        form.name.data,
        form.locale.data or None,
        form.time_zone.data or None,
        form.theme.data,
        form.density.data,
        form.shortcuts.data,
    )
    notify(_("Your choices are saved."))
    response = redirect(url_for("settings.me"), 303)
    _keep_on_device(response, form)
    return response


@blueprint.post("/me/password")
@signed_in(tenant=False)
def change_password() -> ResponseReturnValue:
    user, form, status = _user(), PasswordForm(), 422
    if form.validate_on_submit():
        try:
            done = sign_in.change_password(
                user.email,
                form.present.data,
                form.password.data,
                tenant=current().tenant,
                address=request.remote_addr or "",
                agent=request.headers.get("User-Agent", ""),
            )
        except (Invalid, TooManyRequests) as refusal:
            form.refuse(refusal)
            status = refusal.status
        else:
            begin_page_session(done)
            notify(_("Your password is changed. Your other sessions have ended."))
            return redirect(url_for("settings.me"), 303)
    return _page(_me_form(user, filled=False), form), status


@blueprint.post("/me/sessions/<uuid:id>/end")
@signed_in(tenant=False)
def end_session(id: UUID) -> ResponseReturnValue:
    user = _user()
    if not accounts.end_session(user.id, id, "ended by its owner"):
        raise NotFound(_("This session has ended already."))
    if id == current().session_id:
        cookie.clear()
        return redirect(url_for("auth.sign_in"), 303)
    notify(_("The session has ended."))
    return redirect(url_for("settings.me"), 303)


def language_options() -> list[Option]:
    return options((code, LANGUAGES.get(code, code)) for code in locales())


@cache
def time_zone_options() -> list[Option]:
    """Zones with a place in their name, by name."""
    names = (zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix/")))
    return options((zone, zone) for zone in sorted(names))


def _me_form(user: UserInfo, filled: bool = True) -> MeForm:
    """The form with what is stored; `filled` takes over what was posted, when something was."""
    data = {
        "name": user.name, "locale": user.locale or "", "time_zone": user.time_zone or "", "theme": user.theme,
        "density": user.density, "shortcuts": user.shortcuts,
    }  # fmt: skip
    form = MeForm(data=data) if filled else MeForm(formdata=None, data=data)
    as_the_organisation = Option("", _("As the organisation"))
    form.locale.choices = [as_the_organisation, *language_options()]
    form.time_zone.choices = [as_the_organisation, *time_zone_options()]
    return form


def _page(form: MeForm, password: PasswordForm) -> str:
    user = _user()
    rows = session().execute(text("SELECT * FROM ossature.user_sessions(:user)"), {"user": user.id}).all()
    return render_settings(
        "settings/me.html",
        "me",
        title=_("My settings"),
        form=form,
        password=password,
        email=user.email,
        sessions=[
            {**row._mapping, "here": row.id == current().session_id, "browser": _browser(row.agent)} for row in rows
        ],
    )


def _browser(agent: str) -> str:
    """A browser's name from what it says of itself, for somebody who looks for their own sessions."""
    for mark, name in (
        ("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"),
    ):  # fmt: skip
        if mark in agent:
            return name
    return agent.partition("/")[0][:40] or _("Unknown programme")


def _user() -> UserInfo:
    found = caller()
    if found is None or found.user is None or found.session_id is None:
        raise NotFound(_("This page is for people who are signed in."))
    return found.user


def _keep_on_device(response: Response, form: MeForm) -> None:
    """The device's own cookies would otherwise outlive the choice made here."""
    before = Preferences.read(request.cookies.get(COOKIE))
    kept = Preferences(
        form.theme.data, form.density.data, before.rail, bool(form.shortcuts.data), before.closed, before.filters
    )
    response.set_cookie(COOKIE, kept.write(), max_age=YEAR, samesite="Lax", secure=request.is_secure)
    response.delete_cookie(LOCALE_COOKIE)


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]


@hookimpl
def register_settings_pages() -> list[SettingsPage]:
    return [SettingsPage("me", _l("My settings"), "settings.me", None, 10, "user")]
