"""Dated versions of the API's contract, served side by side.

Code speaks the present version only. What changed since an older one is a list of `ApiChange`, each of which translates
between its day and the day before; a request passes through those that are newer than its version, the oldest first, and
its answer back through them, the newest first. Any number of versions costs one list.

The version of a request is that of its header `Ossature-Version`, else the one pinned on its API key, else the present.
"""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import format_datetime
from functools import cached_property
from typing import Any

import orjson
from flask import Flask, Response, current_app, g, has_request_context, request
from werkzeug.datastructures import ImmutableMultiDict

from ossature.errors import BadRequest, Detail, Gone
from ossature.hooks.calls import API_CHANGES, HookError
from ossature.hooks.types import Label
from ossature.i18n.texts import translator
from ossature.kernel import Kernel, kernel
from ossature.records.clean import plain

_, _l, _n = translator("ossature")

HEADER = "Ossature-Version"
FIRST = "2026-10-01"
"""The contract that the product began with."""
MONTHS_SERVED = 24
"""How long an older form is answered at least, from the day of the newer one."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_Document = dict[str, Any]


def _as_it_is(document: Any) -> Any:
    return document


@dataclass(frozen=True, slots=True)
class ApiChange:
    """A change of the API's contract that clients of older versions do not notice.

    `version` is the day from which the new form holds, such as "2026-11-01". `of` is a record's key, whose rows are
    translated wherever they are answered, or the operation id of another endpoint. `arguments` and `body` make of an
    older query string and body what the present code reads; `answer` makes of a present row, or of an endpoint's data,
    what older clients expect. Each may change and return what it is given. `sunset` is the day from which the older
    form is refused, at least 24 months after `version`; without it, it is answered for ever.
    """

    version: str
    of: str
    summary: Label
    arguments: Callable[[dict[str, str]], dict[str, str]] = _as_it_is
    body: Callable[[_Document], _Document] = _as_it_is
    answer: Callable[[Any], Any] = _as_it_is
    sunset: str | None = None

    def __post_init__(self) -> None:
        begins = _day(self.version)
        if self.version <= FIRST:
            raise ValueError(f"change of {self.of} on {self.version}: the contract began on {FIRST}, a change is later")
        if self.sunset and _months(begins, _day(self.sunset)) < MONTHS_SERVED:
            raise ValueError(
                f"change of {self.of} on {self.version}: the older form is served for {MONTHS_SERVED} months at least"
            )

    @property
    def sunset_passed(self) -> bool:
        return self.sunset is not None and _day(self.sunset) <= datetime.now(UTC).date()


def renamed(version: str, record: str, old: str, new: str, summary: Label, sunset: str | None = None) -> ApiChange:
    """The change that gives a record's field another name: in bodies, rows, `fields`, sorts and filters."""

    def name(written: str) -> str:
        """A field's name with what may stand around it: `-mass`, `mass.above`, `mass:month`."""
        return re.sub(rf"(?<![\w.]){re.escape(old)}(?!\w)", new, written)

    def within(filter: Any) -> Any:
        if isinstance(filter, dict):
            return {key: name(it) if key == "field" and isinstance(it, str) else it if key == "value" else within(it)
                    for key, it in filter.items()}  # fmt: skip
        return [within(one) for one in filter] if isinstance(filter, list) else filter

    def arguments(given: dict[str, str]) -> dict[str, str]:
        made = {}
        for key, value in given.items():
            if key in ("sort", "fields", "group", "measure", "columns", "by"):
                value = name(value)
            elif key == "where":
                # What cannot be read is refused where filters are read.
                with suppress(orjson.JSONDecodeError, RecursionError):
                    value = orjson.dumps(within(orjson.loads(value))).decode()
            made[f"filter[{name(key[7:])}" if key.startswith("filter[") else key] = value
        return made

    def exchanged(document: _Document, one: str, other: str) -> _Document:
        return {other if key == one else key: value for key, value in document.items()}

    return ApiChange(
        version, record, summary, arguments,
        body=lambda body: exchanged(body, old, new),
        answer=lambda row: exchanged(row, new, old),
        sunset=sunset,
    )  # fmt: skip


@dataclass(frozen=True)
class Contract:
    """All versions there are, the oldest first, and the changes between them by what they are of."""

    changes: tuple[ApiChange, ...] = ()

    @cached_property
    def versions(self) -> tuple[str, ...]:
        return (FIRST, *sorted({change.version for change in self.changes}))

    @property
    def present(self) -> str:
        return self.versions[-1]

    @cached_property
    def _of(self) -> Mapping[str, tuple[ApiChange, ...]]:
        found: dict[str, tuple[ApiChange, ...]] = {}
        for change in sorted(self.changes, key=lambda change: change.version):
            found[change.of] = (*found.get(change.of, ()), change)
        return found

    def since(self, version: str, of: str) -> tuple[ApiChange, ...]:
        """What changed of something after a version, the oldest change first."""
        return tuple(change for change in self._of.get(of, ()) if change.version > version)

    def check(self, version: str) -> str:
        """The version itself. Raises `BadRequest` naming those there are."""
        if version not in self.versions:
            known = ", ".join(self.versions)
            raise BadRequest(
                _("There is no version %(version)s of the API.", version=plain(version)[:40]),
                [Detail(HEADER, "unknown_version", _("Give one of: %(versions)s.", versions=known))],
                code="unknown_version",
            )
        return version


def contract() -> Contract:
    found: Contract = kernel().extras["contract"]
    return found


def install_versions(app: Flask, kernel: Kernel) -> None:
    """Read the version of each request of the API once its caller is known, and say it in each answer."""
    plugins = kernel.plugins
    operations = {_subject_of(view) for view in app.view_functions.values()}
    for entry in plugins.registered(API_CHANGES):
        with plugins.guard(entry.plugin, "adding changes of the API"):
            of = entry.value.of
            if "." in of and of.partition(".")[0] != entry.plugin:
                raise HookError(entry.plugin, API_CHANGES.hook, f"{of!r} is not its own", "declare own changes only")
            if of not in operations:
                raise HookError(
                    entry.plugin, API_CHANGES.hook, f"there is no {of!r}", "name a record or an operation id"
                )
    kernel.extras["contract"] = Contract(tuple(plugins.values(API_CHANGES)))
    app.before_request(_enter)
    app.after_request(_leave)


def served(view: Callable[..., Any], record: str) -> None:
    """Say that a view is an endpoint of a record, so that changes of the record translate what it is asked."""
    view.__record__ = record  # type: ignore[attr-defined]


def version() -> str:
    """The version of the contract that the current request is answered in."""
    found: str = (g.get("api_version") if has_request_context() else None) or contract().present
    return found


def older_rows(record: str, rows: Iterable[_Document]) -> list[_Document]:
    """Rows of a record as the version of the current request has them."""
    pending = contract().since(version(), record)
    rows = list(rows)
    for change in reversed(pending):
        rows = [change.answer(dict(row)) for row in rows]
    return rows


def older_data(data: Any) -> Any:
    """What an endpoint that is no record's answers, as the version of the current request has it."""
    subject = _subject()
    if subject and "." not in subject:
        for change in reversed(contract().since(version(), subject)):
            data = change.answer(data)
    return data


def newer_body(body: _Document) -> _Document:
    """What was sent, as the present code reads it."""
    for change in contract().since(version(), _subject()):
        body = change.body(body)
    return body


def describe_versions(spec: dict[str, Any]) -> None:
    """Add the header to every operation of an OpenAPI document."""
    known = contract()
    info = "The version of the contract to answer in; else the one pinned on the API key, else the present one"
    header = {
        "name": HEADER, "in": "header", "required": False, "description": info,
        "schema": {"type": "string", "enum": list(known.versions)},
    }  # fmt: skip
    failed = {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}
    gone = {"description": "This version is no longer served", "content": failed}
    for path in spec["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation.setdefault("parameters", []).append(header)
                operation["responses"].setdefault(
                    "400", {"description": "The request could not be read", "content": failed}
                )
                operation["responses"]["410"] = gone
    spec["info"]["version"] = known.present


def _enter() -> None:
    if not request.path.startswith("/api/"):
        return
    known, found = contract(), g.get("caller")
    asked = request.headers.get(HEADER)
    pinned = found.api_version if found else None
    g.api_version = known.check(asked.strip()) if asked is not None else (pinned or known.present)
    pending = known.since(g.api_version, _subject())
    for change in pending:
        if change.sunset_passed:
            raise Gone(
                _("Version %(version)s of the API is no longer served here.", version=g.api_version),
                [Detail(HEADER, "version_retired", _("%(change)s Ask for %(version)s or later.",
                                                     change=str(change.summary), version=change.version))],
                code="version_retired",
            )  # fmt: skip
    # Whoever gives a parameter twice is told so; it is not for the changes to choose one.
    if pending and len(request.args) == sum(1 for _pair in request.args.items(multi=True)):
        arguments = request.args.to_dict()
        for change in pending:
            arguments = change.arguments(arguments)
        request.args = ImmutableMultiDict(arguments)


def _leave(response: Response) -> Response:
    if not request.path.startswith("/api/"):
        return response
    response.headers[HEADER] = version()
    if pending := contract().since(version(), _subject()):
        response.headers["Deprecation"] = f"@{timegm(_day(pending[0].version).timetuple())}"
        if ends := [change.sunset for change in pending if change.sunset]:
            at = datetime.combine(_day(min(ends)), datetime.min.time(), UTC)
            response.headers["Sunset"] = format_datetime(at, usegmt=True)
        response.headers.add("Link", '</api/docs#versions>; rel="deprecation"; type="text/html"')
    return response


def _subject() -> str:
    """What the endpoint of the current request is of: a record's key, or its operation id."""
    view = current_app.view_functions.get(request.endpoint or "") if has_request_context() else None
    return _subject_of(view)


def _subject_of(view: object) -> str:
    found: str = getattr(view, "__record__", None) or getattr(view, "_spec", {}).get("operation_id") or ""
    return found


def _day(written: str) -> date:
    if not _DATE.fullmatch(written):
        raise ValueError(f"{written!r} is not a day such as 2026-11-01")
    return date.fromisoformat(written)


def _months(begin: date, end: date) -> int:
    return (end.year - begin.year) * 12 + end.month - begin.month - (end.day < begin.day)
