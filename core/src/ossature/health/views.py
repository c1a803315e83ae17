"""Probes for supervisors, load balancers and people: `/healthz`, `/readyz` and their aliases, `/metrics`.

They say what is unwell, never why: the reasons are in the log and in `ossature check`.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from ossature.config import Config
from ossature.errors import Forbidden
from ossature.health import metrics
from ossature.health.readiness import Readiness
from ossature.kernel import kernel
from ossature.rbac.rules import bare


def health_blueprint(config: Config, readiness: Readiness) -> Blueprint:
    """The blueprint `health`; needs no tenant and no sign-in. `/metrics` answers loopback, or the bearer of
    `OSSATURE_METRICS_TOKEN`."""
    blueprint = Blueprint("health", __name__)

    @bare
    def alive() -> Response:
        """Whether the process answers at all; asks nothing else."""
        return jsonify(success=True, data={"status": "alive"})

    @bare
    def ready() -> tuple[Response, int]:
        """Whether it can serve: database, migrations, Redis and what plugins need."""
        results = readiness.results()
        well = all(result.well for result in results)
        checks = [{"name": one.name, "status": "ok" if one.well else "failing"} for one in results]
        if well:
            return _uncached(jsonify(success=True, data={"status": "ready", "checks": checks})), 200
        error = {"code": "not_ready", "message": "Not ready to serve.", "details": checks}
        return _uncached(jsonify(success=False, error=error)), 503

    @bare
    def show_metrics() -> Response:
        if not _may_see_metrics(config):
            raise Forbidden("Metrics are for this machine, or for the bearer of OSSATURE_METRICS_TOKEN.")
        return _uncached(Response(metrics.render(kernel()), content_type=metrics.CONTENT_TYPE))

    routes: list[tuple[str, str, Callable[[], object]]] = [
        ("/healthz", "alive", alive),
        ("/readyz", "ready", ready),
        ("/health", "ready_alias", ready),
        ("/api/v1/health", "api_health", ready),
        ("/metrics", "metrics", show_metrics),
    ]
    for rule, endpoint, view in routes:
        blueprint.add_url_rule(rule, endpoint, view)  # type: ignore[arg-type]
    return blueprint


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _may_see_metrics(config: Config) -> bool:
    if config.metrics_token:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), config.metrics_token.encode())
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False  # a proxy on this machine speaks for somebody else
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
