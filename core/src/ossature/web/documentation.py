"""`/api/openapi.json` and `/api/docs`: the API as this deployment offers it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from apiflask import APIFlask
from flask import Blueprint, Response, current_app

from ossature.i18n.texts import translator
from ossature.rbac.rules import public, signed_in
from ossature.web.api import dumps
from ossature.web.rendering import render
from ossature.web.versions import HEADER, contract

_, _l, _n = translator("ossature")


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
        known = contract()
        versions = [
            (day, [str(change.summary) for change in known.changes if change.version == day])
            for day in reversed(known.versions)
        ]
        return render("docs/api.html", title=_("API"), operations=_by_tag(spec), versions=versions)

    return blueprint


def describe(app: APIFlask) -> dict[str, Any]:
    """The OpenAPI document."""
    spec = app._get_spec("json")
    assert isinstance(spec, dict)
    return spec


def describe_addresses(spec: dict[str, Any], rules: Iterable[str]) -> None:
    """Say of the parameters of addresses which are UUIDs; `rules` are those of the routes."""
    for rule in rules:
        ids = re.findall(r"<uuid:(\w+)>", rule)
        for operation in spec["paths"].get(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule), {}).values():
            for one in operation.get("parameters", []):
                if one["in"] == "path" and one["name"] in ids:
                    one["schema"] = {"type": "string", "format": "uuid"}


def describe_keys(part: Any, keys: Sequence[str]) -> None:
    """List the keys of records wherever one is asked for."""
    if isinstance(part, dict):
        if part.pop("x-record-key", False):
            part["enum"] = list(keys)
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            describe_keys(one, keys)


def _by_tag(spec: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Operations under their tags, bodies as rows: (name, type, required, meaning)."""
    found: dict[str, list[dict[str, Any]]] = {}
    schemas = spec.get("components", {}).get("schemas", {})
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            if "responses" not in operation:
                continue
            tag = operation.get("tags", [_("Other")])[0]
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            entry = {
                "path": path,
                "method": method.upper(),
                "summary": operation.get("summary", ""),
                "parameters": [one for one in operation.get("parameters", []) if one.get("name") != HEADER],
                "body": list(_rows(_resolved(body, schemas), schemas)),
                "codes": ", ".join(sorted(operation["responses"])),
            }
            found.setdefault(tag, []).append(entry)
    return found


def _rows(schema: dict[str, Any], schemas: dict[str, Any]) -> Iterator[tuple[str, str, bool, str]]:
    for name, item in schema.get("properties", {}).items():
        meaning = item.get("description") or item.get("title") or ""
        yield name, _kind(item, schemas), name in schema.get("required", ()), meaning


def _kind(item: dict[str, Any], schemas: dict[str, Any]) -> str:
    """A type in a few words: `string(date)`, `one of: lead, customer`, `list of CrmContactAddressInput`."""
    if "anyOf" in item:
        return " | ".join(kind for one in item["anyOf"] if (kind := _kind(one, schemas)) != "null")
    if "$ref" in item:
        return str(item["$ref"].rpartition("/")[2])
    if "enum" in item:
        return "one of: " + ", ".join(map(str, item["enum"]))
    if item.get("type") == "array":
        return f"list of {_kind(item['items'], schemas)}"
    kind = str(item.get("type", "any"))
    return f"{kind}({item['format']})" if "format" in item else kind


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas.get(schema["$ref"].rpartition("/")[2], {}) if "$ref" in schema else schema
    return found
