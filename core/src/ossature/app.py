"""`create_app()`: the order in which an application is put together, written once, top to bottom."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any
from uuid import UUID

import psycopg
import redis
from apiflask import APIFlask
from flask import Response, current_app, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter, ValidationError

from ossature.builtin import MODULES
from ossature.config import Config
from ossature.context import Context, current_or_none, use_context
from ossature.db.database import Database
from ossature.db.types import Keyring
from ossature.db.work import unit_of_work, use_database
from ossature.errors import Forbidden, Refusal
from ossature.events.subscriptions import check_handlers, tell_database
from ossature.health import metrics
from ossature.health.readiness import Readiness
from ossature.health.views import health_blueprint
from ossature.hooks.calls import (
    API_ALIASES,
    BLUEPRINTS,
    COMMANDS,
    EVENTS,
    HANDLERS,
    HEALTH_CHECKS,
    JOBS,
    RECORDS,
    SCHEDULES,
    SCREENS,
    Registers,
)
from ossature.i18n.texts import translator
from ossature.kernel import Background, Kernel, set_kernel
from ossature.logs import get_logger, log_request
from ossature.memory import collected_later
from ossature.plugins.activation import active_plugins
from ossature.plugins.endpoints import check_endpoints
from ossature.plugins.loading import load_plugins
from ossature.plugins.registry import PluginRegistry
from ossature.rbac.rules import rule_of
from ossature.rbac.why import refusal_reasons
from ossature.records.api import actor_options_blueprint, record_blueprint
from ossature.records.clean import whole_number
from ossature.records.links import check_links
from ossature.records.pages import record_pages
from ossature.records.screens import Screens
from ossature.records.tabs import check_record_tabs
from ossature.web import components, install_web, render_error
from ossature.web.api import Failure, failure
from ossature.web.frame import make_shell
from ossature.web.once import describe_once, once
from ossature.web.versions import describe_versions, install_versions

_, _l, _n = translator("ossature")
log = get_logger(__name__)


class Application(APIFlask):
    """Flask with the unit of work around each view: committed before a response exists, undone on any refusal."""

    def dispatch_request(self) -> ResponseReturnValue:
        database: Database = self.extensions["ossature"].db
        try:
            with unit_of_work(database):
                response = once(lambda: self.make_response(super(Application, self).dispatch_request()))
                if response.status_code >= 400:
                    raise _Refused(response)
        except _Refused as refused:
            return refused.response
        return response


class _Refused(Exception):
    """A view answered with a refusal: its writes must not stay."""

    def __init__(self, response: Response) -> None:
        self.response = response


class CanonicalUuid(BaseConverter):
    """An id in an address, in its one usual spelling."""

    regex = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
    part_isolating = True

    def to_python(self, value: str) -> UUID:
        try:
            return UUID(value)
        except ValueError:
            raise ValidationError from None

    def to_url(self, value: object) -> str:
        return str(value)


class WholeNumber(BaseConverter):
    """A number in an address, up to what a column of the database takes."""

    regex = r"[0-9]{1,10}"
    part_isolating = True

    def to_python(self, value: str) -> int:
        number = whole_number(value)
        if number is None:
            raise ValidationError
        return number


@collected_later()
def create_app(config: Config | None = None) -> Application:
    """Build the application: settings, database, plugins, records, API, pages, access, errors."""
    config = config or Config.load()
    Keyring.use(config.encryption_keyring)
    database = Database(config)
    use_database(database)
    metrics.watch_pool("app", database.app)

    app = Application(
        "ossature", title=config.title, version="1", spec_path=None, docs_path=None,
        static_folder=None, template_folder=None, json_errors=False,  # type: ignore[arg-type]
    )  # fmt: skip
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config["MAX_CONTENT_LENGTH"] = config.max_body_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = config.max_body_bytes
    app.url_map.converters |= {"uuid": CanonicalUuid, "int": WholeNumber}
    if config.trusted_proxies:
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]

    plugins = load_plugins(_active(config, database), builtin=MODULES, strict=config.strict)
    client = redis.Redis.from_url(config.redis_url, socket_timeout=2, socket_connect_timeout=2)
    kernel = Kernel(config, database, client, plugins)
    app.extensions["ossature"] = kernel
    set_kernel(kernel)

    _add_records(kernel)
    _add_background(kernel)
    _add_routes(app, kernel)
    install_web(app, make_shell(kernel))
    _add_templates(app, plugins)
    _add_observation(app)
    from ossature.auth.request import init_access, refuse_undeclared

    init_access(app, kernel)
    install_versions(app, kernel)
    _add_errors(app)
    check_record_tabs(kernel, app.url_map)
    check_links(app, kernel)
    check_endpoints(plugins, app.view_functions)
    refuse_undeclared(app)
    kernel.extras["commands"] = {
        key: [entry.value for entry in plugins.registered(COMMANDS) if entry.plugin == key] for key in plugins.keys
    }
    tell_database(kernel)
    return app


def _active(config: Config, database: Database) -> frozenset[str]:
    if config.plugins is not None:
        return frozenset(config.plugins)
    with use_context(Context(means="system")), database.app.connect() as connection:
        return active_plugins(connection)


def _add_records(kernel: Kernel) -> None:
    plugins = kernel.plugins
    for key in ("ossature", *plugins.keys):
        with plugins.guard(key, "adding records"):
            kernel.records.add([entry.value for entry in plugins.registered(RECORDS) if entry.plugin == key])
    for entry in plugins.registered(SCREENS):
        kernel.screens[entry.value.key] = entry.value
    for rt in kernel.records:
        kernel.screens.setdefault(rt.key, Screens(rt.cls))


def _add_background(kernel: Kernel) -> None:
    check_handlers(kernel)

    def of(register: Registers[Any]) -> dict[str, Any]:
        return {entry.value.key: entry.value for entry in kernel.plugins.registered(register)}

    kernel.background = Background(of(EVENTS), of(HANDLERS), of(JOBS), of(SCHEDULES))


def _add_routes(app: Application, kernel: Kernel) -> None:
    plugins = kernel.plugins
    aliases = {entry.value.alias: entry.value.record for entry in plugins.registered(API_ALIASES)}
    for key in ("ossature", *plugins.keys):
        with plugins.guard(key, "adding routes"):
            types = [rt for rt in kernel.records if rt.plugin == key]
            if types:
                app.register_blueprint(record_blueprint(key, types, aliases))
                app.register_blueprint(record_pages(key, types))
            for entry in plugins.registered(BLUEPRINTS):
                if entry.plugin == key:
                    app.register_blueprint(entry.value)
    app.register_blueprint(actor_options_blueprint())
    checks = [(entry.value.name, entry.value.check) for entry in plugins.registered(HEALTH_CHECKS)]
    app.register_blueprint(health_blueprint(kernel.config, Readiness(kernel.config, kernel.db, checks)))
    if kernel.config.environment != "production":
        app.register_blueprint(components.blueprint)
    _add_documentation(app, kernel)


def _add_documentation(app: Application, kernel: Kernel) -> None:
    from ossature.web.documentation import describe_addresses, describe_keys, documentation_blueprint

    app.config.update(
        OPENAPI_VERSION="3.1.0",
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
        AUTO_OPERATION_SUMMARY=False,
        AUTO_OPERATION_DESCRIPTION=False,
        AUTO_TAGS=False,
    )
    app.security_schemes = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "access token or API key"},
        "session": {"type": "apiKey", "in": "cookie", "name": "ossature_session"},
    }

    @app.spec_processor
    def add_failure(spec: Any) -> Any:
        schema = Failure.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = spec.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(schema.pop("$defs", {}))
        schemas["Failure"] = schema
        describe_addresses(spec, (rule.rule for rule in app.url_map.iter_rules()))
        describe_keys(spec, sorted(rt.key for rt in kernel.records if not rt.parent))
        describe_versions(spec)
        describe_once(spec)
        seen: set[str] = set()
        for path in sorted(spec["paths"], key=lambda path: (path.count("/"), path), reverse=True):
            for operation in spec["paths"][path].values():
                name = operation.get("operationId") if isinstance(operation, dict) else None
                if name is None:
                    continue
                if name in seen:
                    operation["operationId"] = f"{name}_alias"
                seen.add(name)
        return spec

    app.register_blueprint(documentation_blueprint())


def _add_templates(app: Application, plugins: PluginRegistry) -> None:
    from jinja2 import ChoiceLoader, FileSystemLoader

    folders = [plugin.directory / "templates" for plugin in plugins.plugins if plugin.key != "ossature"]
    from ossature.web.rendering import TEMPLATES

    app.jinja_loader = ChoiceLoader([FileSystemLoader(folder) for folder in (TEMPLATES, *folders) if folder.is_dir()])


def _add_observation(app: Application) -> None:
    """One log line and one measurement a request; runs outermost, with the context still bound."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        started = g.get("started") or time.perf_counter()
        endpoint = request.endpoint or ""
        metrics.observe_request(request.endpoint, request.method, response.status_code, time.perf_counter() - started)
        if endpoint not in ("health.alive", "health.ready"):
            log_request(
                response.status_code, method=request.method, endpoint=endpoint, path=request.path, started=started,
                size=response.content_length,
            )  # fmt: skip
        context = current_or_none()
        if context is not None:
            response.headers["X-Request-ID"] = context.request_id
        return response


def _add_errors(app: Application) -> None:
    """Every refusal and failure in one form: the envelope for the API, a page for people."""

    def wants_json() -> bool:
        return request.path.startswith("/api/") or request.path == "/api"

    @app.errorhandler(Refusal)
    def refused(error: Refusal) -> ResponseReturnValue:
        reasons = _reasons(error)
        if wants_json():
            if reasons:
                error.extra["reasons"] = list(reasons)
            return failure(error)
        details = (*(str(detail.message) for detail in error.details), *reasons)
        page = render_error(error.status, subject=str(error.message), details=details)
        return page, error.status, dict(error.extra.get("headers", {}))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        if status < 400:
            return error
        headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
        if wants_json():
            refusal = _OfStatus(status, _message(status))
            response = failure(refusal)
            response.headers.update(headers)
            return response
        return render_error(status), status, headers

    @app.errorhandler(IntegrityError)
    def taken(error: IntegrityError) -> ResponseReturnValue:
        """Two wrote the same thing at once; those refusals that one person can meet are told by the services."""
        if error.statement is None or getattr(error.orig, "sqlstate", None) != "23505":
            return failed(error)
        return met()

    def met() -> ResponseReturnValue:
        return failure(_OfStatus(409, _message(409))) if wants_json() else (render_error(409), 409)

    @app.errorhandler(PoolTimeout)
    @app.errorhandler(psycopg.OperationalError)  # raised as it is where a transaction begins on a dead connection
    @app.errorhandler(OperationalError)
    def database_away(error: OperationalError | PoolTimeout | psycopg.OperationalError) -> ResponseReturnValue:
        sqlstate = getattr(getattr(error, "orig", None), "sqlstate", None)
        if sqlstate in _MET:
            return met()
        if sqlstate == _STOPPED:
            log.warning("a statement of a request was stopped", exc_info=error)
            slow = _("This took too long and was stopped. Ask for less: add a filter, or take fewer groups.")
            return refused(_OfStatus(422, slow, "too_slow"))
        log.error("the database did not answer", exc_info=error)
        if wants_json():
            return failure(_OfStatus(503, _message(503), "unavailable"))
        return render_error(503), 503, {"Retry-After": "5"}

    @app.errorhandler(Exception)
    def failed(error: Exception) -> ResponseReturnValue:
        if app.testing and app.config.get("PROPAGATE"):
            raise error
        log.error("a request failed", exc_info=error)
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            return database_away(error)  # type: ignore[arg-type]
        with suppress(Exception):
            if not wants_json():
                return render_error(500), 500
        return failure(_OfStatus(500, _message(500)))


def _reasons(error: Refusal) -> tuple[str, ...]:
    """Why a permission was wanting, for who was refused; an explanation that fails leaves the refusal as it is."""
    permission = error.extra.get("permission") if isinstance(error, Forbidden) else None
    if not permission or not request.endpoint:
        return ()
    rule = rule_of(current_app.view_functions[request.endpoint], request.method)
    id = (request.view_args or {}).get("id") if rule and rule.permission == permission else None
    try:
        return refusal_reasons(permission, id if isinstance(id, UUID) else None)
    except Exception:
        log.exception("a refusal could not be explained")
        return ()


_STOPPED = "57014"
_MET = frozenset({"40P01", "40001"})
"""Deadlock and serialization failure: two writers met, and this one was undone."""


class _OfStatus(Refusal):
    def __init__(self, status: int, message: object, code: str | None = None) -> None:
        super().__init__(message, code=code or CODES.get(status, "error"))
        self.status = status  # type: ignore[misc]


CODES = {
    400: "bad_request", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
    408: "timeout", 409: "conflict", 411: "length_required", 413: "too_large", 414: "uri_too_long",
    410: "gone", 415: "unsupported_media_type", 422: "invalid", 429: "too_many_requests", 431: "headers_too_large",
    500: "internal", 503: "unavailable",
}  # fmt: skip


def _message(status: int) -> str:
    messages = {
        400: _("The request could not be read."),
        404: _("There is nothing here."),
        405: _("This address does not take that method."),
        409: _("It has changed since you opened it, so nothing was saved."),
        413: _("The request is too large."),
        415: _("Send the body as application/json."),
        500: _("Something failed on our side. Nothing was saved; try again, and give the request's id if it persists."),
        503: _("The service is not available at the moment. Try again shortly."),
    }
    return messages.get(status) or _("The request was refused.")
