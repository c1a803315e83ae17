"""The one gate before every request: which tenant, who, may they, how often.

Order: a header that only we may set is taken away; the host names a tenant or none; a bearer token, an API key or the
page session names the caller; where two of these disagree about the tenant the answer is 404. Then the limits, the
route's access rule and, for cookies, the CSRF token. Views find all of it in the bound context.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Flask, Response, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy import text

from ossature.auth.cors import Cors
from ossature.auth.hosts import Hosts
from ossature.auth.limits import LimitReached, Limits
from ossature.auth.links import open_link
from ossature.auth.snapshot import Snapshot, forget_decoded
from ossature.auth.state import AccessState, open_access
from ossature.auth.tokens import api_key_prefix, digest, same
from ossature.context import Context, TenantInfo, bind, current, current_or_none
from ossature.db import transaction
from ossature.errors import BadRequest, Detail, Forbidden, NotFound, Refusal, TooLarge, Unauthenticated
from ossature.hooks.calls import PERMISSIONS, PRESET_GRANTS
from ossature.i18n import choose_locale, choose_time_zone, translator
from ossature.ids import new_id
from ossature.kernel import Kernel
from ossature.logs import get_logger
from ossature.plugins.activation import enabled_plugins
from ossature.plugins.endpoints import plugin_of
from ossature.rbac.rights import use_rights
from ossature.rbac.rules import BARE, PUBLIC, AccessRule, declare, rule_of, unproven
from ossature.redaction import redact_text

_, _l, ngettext = translator("ossature")

TENANT_HEADER = "HTTP_OSSATURE_TENANT"
LOCALE_COOKIE = "ossature_locale"
REFRESH_PATH = "/api/auth"
BESIDE_A_FILE = 64 * 1024
"""Bytes of a request that carries a file besides that file: other fields, and what keeps them apart."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
OF_LINKS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
"""What is answered at an address that holds a secret is kept, told to others and listed nowhere."""

log = get_logger(__name__)


class UndeclaredRoute(RuntimeError):
    """A route says not who may call it; always a programming error, found when the application starts."""


def init_access(app: Flask, kernel: Kernel) -> AccessState:
    """Put the gate before every request of an application. Call once the permissions are known."""
    config = kernel.config
    of_records = [permission for record in kernel.records for permission in record.permissions()]
    use_rights([*kernel.plugins.values(PERMISSIONS), *of_records], kernel.plugins.values(PRESET_GRANTS))
    forget_decoded()
    state = open_access(config, kernel.db, kernel.redis)
    app.config.update(
        SECRET_KEY=config.secret_key,
        SESSION_COOKIE_NAME="ossature_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.secure_cookies,
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=config.session_days * 86400,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,  # the token lives and dies with the session
        WTF_CSRF_SSL_STRICT=False,  # browsers may be told to send no referrer; the token is what counts
        WTF_CSRF_HEADERS=["X-CSRFToken"],
    )
    gate = Gate(app, state, frozenset(kernel.plugins.keys))
    app.extensions["ossature.access"] = gate
    app.before_request(gate.enter)
    app.after_request(gate.leave)
    app.teardown_request(lambda _error: bind(None))
    for endpoint in ("static", "assets.built"):
        if endpoint in app.view_functions:
            declare(app.view_functions[endpoint], BARE)
    return state


def refuse_undeclared(app: Flask) -> None:
    """Raise `UndeclaredRoute` naming every route without an access rule; call when all routes are there."""
    missing = sorted(
        f"{rule.endpoint} ({method} {rule.rule})"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule_of(app.view_functions[rule.endpoint], method) is None
    )
    if missing:
        raise UndeclaredRoute(
            "these routes say not who may call them; put @requires, @signed_in, @platform_admin, @public or @link on: "
            + ", ".join(missing)
        )


def caller() -> Snapshot | None:
    """Who is calling, None before sign-in; more than the context says (name, theme, other organisations)."""
    found: Snapshot | None = g.get("caller")
    return found


class Gate:
    """Stands before and after every request of one application."""

    def __init__(self, app: Flask, state: AccessState, plugin_keys: frozenset[str]) -> None:
        config = state.config
        self._app = app
        self._state = state
        self._plugins = plugin_keys
        self._rules: dict[tuple[str, str], AccessRule | None] = {}
        self.hosts = Hosts(config.base_url, state.database)
        self._cors = Cors(config.cors_origins, self.hosts)
        self._limits = Limits(config)
        self._csrf = CSRFProtect(app)

    # -- before -------------------------------------------------------------------------------------------------------

    def enter(self) -> ResponseReturnValue | None:
        request.environ.pop(TENANT_HEADER, None)
        bind(self._nobody(None))
        if preflight := self._cors.preflight():
            return preflight
        rule = self._rule()
        if rule is BARE:
            return None
        if rule is not None and rule.link is not None:
            self._enter_by_link(rule.link, rule.may)
            return None
        found: Snapshot | None = None
        refused: Refusal | None = None
        try:
            on_host = self.hosts.tenant(request.host)
            bind(self._nobody(on_host))
            found = self._authenticate(on_host)
        except Refusal as refusal:
            refused = refusal
        g.caller = found
        if found is not None:
            bind(self._context(found))
        try:
            self._count(found)
        except LimitReached as reached:
            g.limit_headers = reached.headers
            raise
        if refused is not None:
            raise refused
        if found and found.tenant:
            request.environ[TENANT_HEADER] = str(found.tenant.id)
        elif on_host:
            request.environ[TENANT_HEADER] = str(on_host.id)
        if rule is None:
            return None  # no such route: Flask answers 404 or 405
        self._allow_size()
        self._check_csrf()
        return self._check(rule, found)

    def _enter_by_link(self, purpose: str, may: Sequence[str]) -> None:
        """Who is signed in is not asked: the secret in the address opens the page, and no cookie does, so that there is
        nothing that another site could have a browser send unasked."""
        g.by_cookie = False
        try:
            self._count(None)
        except LimitReached as reached:
            g.limit_headers = reached.headers
            raise
        stranger = self._nobody(self.hosts.tenant(request.host))
        bind(stranger)
        token, languages = str((request.view_args or {})["token"]), request.headers.get("Accept-Language")
        bind(open_link(self._state.database, token, purpose, may, stranger, languages))
        request.environ[TENANT_HEADER] = str(current().tenant_id)

    def _rule(self) -> AccessRule | None:
        if request.endpoint is None:
            return None
        key = (request.endpoint, request.method)
        if key not in self._rules:
            self._rules[key] = rule_of(self._app.view_functions[request.endpoint], request.method) or (
                PUBLIC if request.method == "OPTIONS" else None
            )
        return self._rules[key]

    def _nobody(self, tenant: TenantInfo | None) -> Context:
        wish = request.cookies.get(LOCALE_COOKIE)
        return Context(
            tenant=tenant,
            means=_means(),
            request_id=_request_id(),
            locale=choose_locale(wish, None, request.headers.get("Accept-Language")),
            time_zone=choose_time_zone(None, tenant.time_zone if tenant else None),
        )

    def _authenticate(self, on_host: TenantInfo | None) -> Snapshot | None:
        """The caller, None when nobody is named. A bad token or key is refused, an ended page session forgotten."""
        given = request.headers.get("Authorization", "")
        if given:
            scheme, _space, token = given.partition(" ")
            if scheme.lower() != "bearer" or not token:
                raise Unauthenticated(_("Send an access token or an API key as: Authorization: Bearer ..."))
            g.by_cookie = False
            return self._by_key(token, on_host) if token.startswith("oss_") else self._by_token(token, on_host)
        g.by_cookie = True
        return self._by_page_session(on_host)

    def _by_key(self, key: str, on_host: TenantInfo | None) -> Snapshot:
        prefix = api_key_prefix(key)
        found = self._state.cache.api_key(prefix) if prefix else None
        if found is None or not same(found.digest, digest(key)):
            raise Unauthenticated(_("This API key is unknown, revoked or expired."))
        _agree(on_host, found.tenant)
        return found

    def _by_token(self, token: str, on_host: TenantInfo | None) -> Snapshot:
        claims = self._state.tokens.read(token)
        found = (
            self._state.cache.session(claims.session_id, claims.tenant_id, claims.user_id)
            if claims is not None
            else None
        )
        if claims is None or found is None or found.user is None or found.user.id != claims.user_id:
            raise Unauthenticated(_("The access token is not valid or has expired. Refresh it or sign in again."))
        if claims.tenant_id != (found.tenant.id if found.tenant else None):
            raise NotFound(_("There is nothing here."))
        _agree(on_host, found.tenant)
        return found

    def _by_page_session(self, on_host: TenantInfo | None) -> Snapshot | None:
        ids = [_uuid(session.get(name)) for name in ("sid", "uid", "tid")]
        session_id, user_id, tenant_id = ids
        if session_id is None or user_id is None:
            return None
        found = self._state.cache.session(session_id, tenant_id, user_id)
        lost = on_host is not None and found is not None and found.tenant is None
        if found is None or found.user is None or found.user.id != user_id or lost:
            for name in ("sid", "uid", "tid"):
                session.pop(name, None)
            return None
        _agree(on_host, found.tenant)
        return found

    def _context(self, found: Snapshot) -> Context:
        user, tenant = found.user, found.tenant
        return Context(
            tenant=tenant,
            actor=found.actor,
            access=found.access,
            means=_means(),
            request_id=_request_id(),
            locale=choose_locale(
                user.locale if user else None,
                None
                if user is None and request.headers.get("Accept-Language")
                else (tenant.locale if tenant else None),
                request.headers.get("Accept-Language"),
            ),
            time_zone=choose_time_zone(user.time_zone if user else None, tenant.time_zone if tenant else None),
            session_id=found.session_id,
            user_id=user.id if user else None,
            platform_admin=bool(user and user.platform_admin and found.session_id),
        )

    def _count(self, found: Snapshot | None) -> None:
        if found is None:
            self._limits.count("address", request.remote_addr or "unknown")
        elif found.kind == "api_key" and found.actor:
            self._limits.count("key", found.actor.id)
        elif found.user:
            self._limits.count("user", found.user.id)

    def _allow_size(self) -> None:
        """How much may be sent, said before anything of it is read: the token of a form is read from the body."""
        setting = getattr(self._app.view_functions[request.endpoint or ""], "__takes_files__", None)
        if setting is None:
            return
        most = getattr(self._state.config, setting)
        request.max_content_length = most + BESIDE_A_FILE
        if (request.content_length or 0) > most + BESIDE_A_FILE:
            message = _("This is too large: a file may have at most %(n)s bytes.", n=most)
            raise TooLarge(message, [Detail("file", "too_large", message)])

    def _check_csrf(self) -> None:
        """Cookies are sent by the browser unasked, so what changes something must prove that our page asked for it."""
        if request.method in _SAFE or not g.get("by_cookie", True):
            return
        if request.path.startswith(REFRESH_PATH + "/"):
            return  # its cookie is SameSite=Strict, and sign-in takes the password itself
        if request.path.startswith("/api/") and g.get("caller") is None:
            return  # signed out: refused by the rule, with the right status
        try:
            self._csrf.protect()
        except CSRFError as error:
            if getattr(self._app.view_functions[str(request.endpoint)], "__shows_again__", False):
                g.unproven = True
                return
            raise BadRequest(
                _("The page was open for too long or was not ours. Reload it and try again."), reason="csrf"
            ) from error

    def _check(self, rule: AccessRule, found: Snapshot | None) -> ResponseReturnValue | None:
        context = current_or_none() or Context()
        plugin = plugin_of(rule.permission or request.blueprint or "", self._plugins)
        if rule.kind == "public":
            if plugin is not None and context.tenant is not None and plugin not in self._enabled(context):
                raise NotFound(_("There is nothing here."))
            return None
        if found is None:
            return _ask_to_sign_in()
        if rule.kind == "platform_admin":
            if not context.platform_admin:
                raise Forbidden(_("Only administrators of the platform may do this."), permission="platform")
            return None
        if rule.tenant and context.actor is None:
            return _ask_to_choose_tenant()
        if plugin is not None and context.tenant is not None and plugin not in context.access.plugins:
            raise NotFound(_("There is nothing here."))
        if rule.permission and not context.access.allows(rule.permission):
            raise Forbidden(_("Your role does not allow this."), permission=rule.permission)
        return None

    def _enabled(self, context: Context) -> frozenset[str]:
        """The plugins of the tenant; visitors have no rights that would name them."""
        if context.actor is not None or context.tenant is None:
            return context.access.plugins
        with transaction(database=self._state.database) as work:
            return enabled_plugins(work, context.tenant.id)

    def on_tenant_host(self) -> bool:
        """Whether this request came by a tenant's own address."""
        return self.hosts.slug(request.host) is not None

    # -- after --------------------------------------------------------------------------------------------------------

    def leave(self, response: Response) -> Response:
        if response.status_code == 403:
            self._note_denial()
        if (rule := self._rule()) is not None and rule.link is not None:
            response.headers.update(OF_LINKS)
        for name, value in g.get("limit_headers", {}).items():
            response.headers[name] = value
        return self._cors.add_headers(response)

    def _note_denial(self) -> None:
        """Written in a transaction of its own, so that the refusal's roll-back leaves it standing."""
        context = current_or_none()
        if context is None:
            return
        rule = self._rule()
        values = {
            "tenant": context.tenant_id,
            "actor": context.actor.id if context.actor else None,
            "user": context.user_id,
            "permission": (rule.permission or rule.kind) if rule else "",
            "method": request.method,
            "path": redact_text(request.path.replace("\x00", "")),
            "request": context.request_id,
        }
        try:
            with transaction(Context(means="sign_in"), database=self._state.database) as work:
                work.execute(
                    text(
                        "SELECT ossature.record_denial(:tenant, :actor, :user, :permission, :method, :path, :request)"
                    ),
                    values,
                )
        except Exception:
            log.exception("a refusal could not be recorded")


def _agree(on_host: TenantInfo | None, of_caller: TenantInfo | None) -> None:
    if on_host is not None and of_caller is not None and on_host.id != of_caller.id:
        raise NotFound(_("There is nothing here."))


def _ask_to_sign_in() -> ResponseReturnValue:
    if request.path.startswith("/api/"):
        raise Unauthenticated(_("Sign in first: this takes an access token, an API key or a session."))
    asked = request.full_path.rstrip("?") if request.method == "GET" or unproven() else None
    return _go(url_for("auth.sign_in", next=asked if asked != "/" else None))


def _ask_to_choose_tenant() -> ResponseReturnValue:
    if request.path.startswith("/api/"):
        raise Forbidden(_("Choose an organisation first: this account works in none at the moment."))
    return _go(url_for("auth.choose_tenant"))


def _go(url: str) -> ResponseReturnValue:
    """A redirect that htmx follows with the whole page."""
    if request.headers.get("HX-Request") == "true":
        return Response(status=401, headers={"HX-Redirect": url})
    return redirect(url, 303)


def _means() -> str:
    return "api" if request.path.startswith("/api/") else "page"


def _request_id() -> str:
    known: str | None = g.get("request_id")
    if known is None:
        given = request.headers.get("X-Request-ID", "")
        usable = 8 <= len(given) <= 64 and all(c.isascii() and (c.isalnum() or c in "-_.") for c in given)
        known = g.request_id = given if usable else str(new_id())
    return known


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
