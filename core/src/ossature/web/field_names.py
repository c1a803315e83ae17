"""Exchanging names of fields for others, wherever addresses, bodies and answers of the API write them.

`names` says which stands for which. What cannot be understood stays as it is: it is refused where it is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson

Names = Mapping[str, str]
Document = dict[str, Any]

WITHIN = ("filter[", "columns.")
"""What stands before a name where a fault is of a filter or of a view's column."""
_SPELLED = re.compile(r"(\s*-?)(\w+)(.*)", re.DOTALL)
_LISTS = ("sort", "fields", "group", "columns", "by")


def spelled(text: str, names: Names) -> str:
    """A name with what may stand around it: `-mass`, `mass:month`, `mass.above`."""
    found = _SPELLED.fullmatch(text)
    return f"{found[1]}{names.get(found[2], found[2])}{found[3]}" if found else text


def measure(text: str, names: Names) -> str:
    """`sum:mass`."""
    function, colon, name = text.partition(":")
    return f"{function}{colon}{spelled(name, names)}"


def path(text: str, names: Names) -> str:
    """Where a fault lies: `mass`, `places.0.city`, `filter[mass]`, `columns.mass`."""
    for start in WITHIN:
        if text.startswith(start):
            return start + spelled(text.removeprefix(start), names)
    return spelled(text, names)


def keys(document: Document, names: Names) -> Document:
    """The fields of a body or a row."""
    return {names.get(key, key): value for key, value in document.items()}


def arguments(given: Mapping[str, str], names: Names) -> dict[str, str]:
    """The query string of a list."""
    made = {}
    for key, value in given.items():
        if key in _LISTS:
            value = _listed(value, names)
        elif key == "measure":
            value = ",".join(measure(one, names) for one in value.split(","))
        elif key == "where":
            with suppress(orjson.JSONDecodeError, RecursionError):
                value = orjson.dumps(filter_(orjson.loads(value), names)).decode()
        made[f"filter[{spelled(key[7:], names)}" if key.startswith("filter[") else key] = value
    return made


def filter_(document: Any, names: Names) -> Any:
    """A filter as JSON."""
    if isinstance(document, list):
        return [filter_(one, names) for one in document]
    if not isinstance(document, dict):
        return document
    return {
        key: names.get(it, it) if key == "field" and isinstance(it, str) else it if key == "value" else filter_(it, names)
        for key, it in document.items()
    }  # fmt: skip


def definition(document: Any, names: Names) -> Any:
    """What a view shows, as JSON."""
    if not isinstance(document, dict):
        return document
    made = {**document, "where": filter_(document["where"], names)} if "where" in document else dict(document)
    for key in ("sort", "by"):
        if isinstance(made.get(key), str):
            made[key] = _listed(made[key], names)
    if isinstance(made.get("group"), list):
        made["group"] = [spelled(one, names) if isinstance(one, str) else one for one in made["group"]]
    if isinstance(made.get("columns"), list):
        made["columns"] = [_column(one, names) for one in made["columns"]]
    return made


def group(document: Document, names: Names) -> Document:
    """One group of an aggregate: its keys and measures."""
    return {
        **document,
        "keys": {spelled(key, names): value for key, value in document["keys"].items()},
        "values": {measure(key, names): value for key, value in document["values"].items()},
    }


def _column(column: Any, names: Names) -> Any:
    if isinstance(column, dict) and isinstance(column.get("name"), str):
        return {**column, "name": names.get(column["name"], column["name"])}
    return spelled(column, names) if isinstance(column, str) else column


def _listed(text: str, names: Names) -> str:
    return ",".join(spelled(one, names) for one in text.split(","))
