"""`/api/openapi.json` and `/api/docs`: the API as this deployment offers it."""

from __future__ import annotations

from typing import cast

from apiflask import APIFlask
from flask import Blueprint, Response, current_app

from ossature.rbac.rules import public, signed_in
from ossature.web.api import dumps
from ossature.web.rendering import render


def documentation_blueprint() -> Blueprint:
    """The description in OpenAPI 3.1, and a page to read it."""
    blueprint = Blueprint("documentation", __name__)

    @blueprint.get("/api/openapi.json")
    @public
    def openapi() -> Response:
        return Response(dumps(describe(cast(APIFlask, current_app))), mimetype="application/json")

    @blueprint.get("/api/docs")
    @signed_in(tenant=False)
    def docs() -> str:
        spec = describe(cast(APIFlask, current_app))
        return render("docs/api.html", title="API", operations=_by_tag(spec), spec=spec)

    return blueprint


def describe(app: APIFlask) -> dict[str, object]:
    """The OpenAPI document."""
    spec = app._get_spec("json")
    assert isinstance(spec, dict)
    return spec


def _by_tag(spec: dict[str, object]) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    paths = cast(dict[str, dict[str, dict[str, object]]], spec["paths"])
    for path, methods in paths.items():
        for method, operation in methods.items():
            if "responses" not in operation:
                continue
            tags = cast(list[str], operation.get("tags", ["Other"]))
            found.setdefault(tags[0], []).append({"path": path, "method": method.upper(), **operation})
    return found
