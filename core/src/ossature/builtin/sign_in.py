"""Sign-in, sign-out, the first password, and the choice of organisation and language."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, current_app, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response
from wtforms import HiddenField, PasswordField, StringField

from ossature.auth import accounts
from ossature.auth import sign_in as service
from ossature.auth.request import LOCALE_COOKIE, Gate, caller
from ossature.auth.snapshot import UserInfo
from ossature.builtin.forms import Form, required, stripped
from ossature.context import current
from ossature.errors import Invalid, NotFound, TooManyRequests, Unauthenticated
from ossature.hooks.specs import hookimpl
from ossature.i18n import locales, translator
from ossature.rbac import public, signed_in
from ossature.web import notify, render
from ossature.web.shell import DENSITIES, THEMES

_, _l, ngettext = translator("ossature")

blueprint = Blueprint("auth", __name__)

YEAR = 365 * 86400


class SignInForm(Form):
    email = StringField(_l("E-mail"), [required()], filters=[stripped])
    password = PasswordField(_l("Password"), [required()])
    next = HiddenField()


class FirstPasswordForm(Form):
    password = PasswordField(
        _l("New password"), [required()], description=_l("At least 12 characters; a short sentence works well.")
    )


@blueprint.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    if request.method == "GET" and (found := caller()) is not None and found.user:
        return redirect(own_page(request.args.get("next")), 303)
    form = SignInForm(next=request.args.get("next", ""))
    alert, status = None, 200
    if form.validate_on_submit():
        try:
            done = service.sign_in(
                form.email.data,
                form.password.data,
                kind="page",
                host_tenant=current().tenant,
                address=request.remote_addr or "",
                agent=request.headers.get("User-Agent", ""),
            )
        except (Unauthenticated, TooManyRequests) as refusal:
            alert, status = str(refusal.message), refusal.status
        else:
            if (former := caller()) and former.user and former.session_id and former.kind == "page":
                service.sign_out(former.session_id, former.user.id, "signed in again")
            begin_page_session(done)
            return redirect(own_page(form.next.data), 303)
    elif form.is_submitted():
        status = 422
    tenant = current().tenant
    return (
        render(
            "auth/sign_in.html",
            title=_("Sign in"),
            form=form,
            alert=alert,
            tenant_name=tenant.name if tenant else None,
        ),
        status,
    )


@blueprint.post("/sign-out")
@public
def sign_out() -> ResponseReturnValue:
    found = caller()
    if found and found.session_id and found.user:
        service.sign_out(found.session_id, found.user.id)
    session.clear()
    return redirect(url_for("auth.sign_in"), 303)


@blueprint.route("/password/<secret>", methods=["GET", "POST"])
@public
def first_password(secret: str) -> ResponseReturnValue:
    link = accounts.find_password_link(secret)
    if link is None:
        raise NotFound(_("This link has been used or is too old. Ask for a new one."))
    form, status = FirstPasswordForm(), 200
    if form.validate_on_submit():
        try:
            accounts.use_password_link(secret, form.password.data)
        except Invalid as refusal:
            form.refuse(refusal)
            status = 422
        else:
            notify(_("Your password is set. Sign in with it."))
            return redirect(url_for("auth.sign_in"), 303)
    elif form.is_submitted():
        status = 422
    page = Response(
        render("auth/first_password.html", title=_("Choose a password"), form=form, link=link),
        status,
        mimetype="text/html",
    )
    page.headers["Referrer-Policy"] = "no-referrer"
    return page


@blueprint.route("/join/<secret>", methods=["GET", "POST"])
@signed_in(tenant=False)
def join(secret: str) -> ResponseReturnValue:
    """Somebody who has an account says that they join the organisation that invited them."""
    invitation, found = accounts.find_invitation(secret), caller()
    if invitation is None or found is None or found.session_id is None or found.user is None:
        raise NotFound(_("This link has been used or is too old. Ask for a new one."))
    theirs = invitation.user_id == found.user.id
    if request.method == "POST" and theirs:
        tenant_id = accounts.accept_invitation(secret, found.user.id, found.session_id)
        notify(_("Welcome to %(tenant)s.", tenant=invitation.tenant))
        gate: Gate = current_app.extensions["ossature.access"]
        if gate.hosts.slug(request.host) is not None:
            return redirect(gate.hosts.url_of(invitation.slug) + "/", 303)
        service.choose_tenant(found.session_id, found.user.id, tenant_id)
        session["tid"] = str(tenant_id)
        return redirect(url_for_home(), 303)
    shown = render(
        "auth/join.html", title=_("Join %(tenant)s", tenant=invitation.tenant), invitation=invitation, theirs=theirs
    )
    page = Response(shown, 200 if theirs else 403, mimetype="text/html")
    page.headers["Referrer-Policy"] = "no-referrer"
    return page


@blueprint.get("/choose")
@signed_in(tenant=False)
def choose_tenant() -> ResponseReturnValue:
    found = caller()
    return render(
        "auth/choose_tenant.html",
        title=_("Choose an organisation"),
        places=found.places if found else (),
        platform_admin=current().platform_admin,
    )


@blueprint.post("/switch")
@signed_in(tenant=False)
def switch_tenant() -> ResponseReturnValue:
    found = caller()
    wanted = request.form.get("tenant", "")
    place = next((place for place in found.places if place.slug == wanted), None) if found else None
    if found is None or found.session_id is None or found.user is None or place is None:
        raise NotFound(_("You are no member of this organisation."))
    gate: Gate = current_app.extensions["ossature.access"]
    if gate.hosts.slug(request.host) is not None:
        return redirect(gate.hosts.url_of(place.slug) + "/", 303)
    if not service.choose_tenant(found.session_id, found.user.id, place.id):
        raise NotFound(_("You are no member of this organisation."))
    session["tid"] = str(place.id)
    return redirect(url_for_home(), 303)


@blueprint.post("/locale")
@public
def set_locale() -> ResponseReturnValue:
    wish = request.form.get("locale", "")
    if wish not in locales():
        raise Invalid(_("Choose a language."))
    found = caller()
    if found and found.user and found.session_id:
        user = found.user
        save_choices(user, locale=wish)
    response = redirect(_page_before(), 303)
    response.set_cookie(LOCALE_COOKIE, wish, max_age=YEAR, httponly=True, samesite="Lax", secure=request.is_secure)
    return response


@blueprint.post("/preferences")
@signed_in(tenant=False)
def set_preferences() -> ResponseReturnValue:
    """What the scripts send when theme, density or shortcuts are changed in the frame."""
    found = caller()
    if found and found.user and found.session_id:
        theme, density = request.form.get("theme"), request.form.get("density")
        keys = request.form.get("keys")
        save_choices(
            found.user,
            theme=theme if theme in THEMES else None,
            density=density if density in DENSITIES else None,
            shortcuts=keys != "0" if keys in ("0", "1") else None,
        )
    return "", 204


def begin_page_session(done: service.SignedIn) -> None:
    """Put the session into a fresh signed cookie; what was in it before is not carried over."""
    session.clear()
    session.permanent = True
    session["sid"] = str(done.session_id)
    session["uid"] = str(done.user_id)
    if done.tenant:
        session["tid"] = str(done.tenant.id)


def save_choices(
    user: UserInfo,
    *,
    locale: str | None = None,
    theme: str | None = None,
    density: str | None = None,
    shortcuts: bool | None = None,
) -> None:
    accounts.save_profile(
        user.id,
        user.name,
        locale or user.locale,
        user.time_zone,
        theme or user.theme,
        density or user.density,
        user.shortcuts if shortcuts is None else shortcuts,
    )


def own_page(wanted: str | None) -> str:
    """A path of this site to go on to, the home page when it is none: never another site."""
    if wanted and wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable():
        parts = urlsplit(wanted)
        if not parts.scheme and not parts.netloc and parts.path != url_for("auth.sign_in"):
            return wanted
    return url_for_home()


def url_for_home() -> str:
    return "/"


def _page_before() -> str:
    try:
        parts = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return url_for_home()
    if parts.netloc != request.host:
        return url_for_home()
    return own_page(parts.path + (f"?{parts.query}" if parts.query else "")) if parts.path != "/sign-in" else "/sign-in"


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [blueprint]
