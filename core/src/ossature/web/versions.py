"""Dated versions of the API's contract, served side by side.

Code speaks the present version only. What changed since an older one is a list of `ApiChange`, each of which translates
between its day and the day before; a request passes through those that are newer than its version, the oldest first, and
its answer back through them, the newest first. Any number of versions costs one list.

The version of a request is that of its header `Ossature-Version`, else the one pinned on its API key, else the present.
"""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from email.utils import format_datetime
from functools import cached_property, reduce
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, has_request_context, request
from werkzeug.datastructures import ImmutableMultiDict

from ossature.errors import BadRequest, Detail, Gone
from ossature.hooks.calls import API_CHANGES, HookError
from ossature.hooks.types import Label
from ossature.i18n.texts import translator
from ossature.kernel import Kernel, kernel
from ossature.records.clean import plain
from ossature.web import field_names

_, _l, _n = translator("ossature")

HEADER = "Ossature-Version"
FIRST = "2026-10-01"
"""The contract that the product began with."""
MONTHS_SERVED = 24
"""How long an older form is answered at least, from the day of the newer one."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_Document = dict[str, Any]
_Said = TypeVar("_Said")


def _as_it_is(document: Any) -> Any:
    return document


@dataclass(frozen=True, slots=True)
class ApiChange:
    """A change of the API's contract that clients of older versions do not notice.

    `version` is the day from which the new form holds, such as "2026-11-01". `of` is a record's key, whose rows are
    translated wherever they are answered, or the operation id of another endpoint.

    `fields` are the record's fields that have another name now: old -> new. They are exchanged wherever the API says or
    reads a field; all else sees new names alone. `arguments` and `body` make of an older query string and body what the
    present code reads; `answer` makes of a present row, or of an endpoint's data, what older clients expect. Each may
    change and return what it is given. `sunset` is the day from which the older form is refused, at least 24 months
    after `version`; without it, it is answered for ever.
    """

    version: str
    of: str
    summary: Label
    arguments: Callable[[dict[str, str]], dict[str, str]] = _as_it_is
    body: Callable[[_Document], _Document] = _as_it_is
    answer: Callable[[Any], Any] = _as_it_is
    sunset: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        begins = _day(self.version)
        if self.version <= FIRST:
            raise ValueError(f"change of {self.of} on {self.version}: the contract began on {FIRST}, a change is later")
        if self.sunset and _months(begins, _day(self.sunset)) < MONTHS_SERVED:
            raise ValueError(
                f"change of {self.of} on {self.version}: the older form is served for {MONTHS_SERVED} months at least"
            )

    @property
    def newer(self) -> field_names.Names:
        """What is called otherwise now, by its older name: fields, and what references are included as."""
        rt = kernel().records.get(self.of)
        relations = {
            old.removesuffix("_id"): new.removesuffix("_id")
            for old, new in self.fields.items()
            if old.endswith("_id") and new.endswith("_id") and rt and new.removesuffix("_id") not in rt.fields
        }
        return {**relations, **self.fields}

    @property
    def older(self) -> field_names.Names:
        """As `newer`, the other way."""
        return {new: old for old, new in self.newer.items()}

    @property
    def sunset_passed(self) -> bool:
        return self.sunset is not None and _day(self.sunset) <= datetime.now(UTC).date()


def renamed(version: str, record: str, old: str, new: str, summary: Label, sunset: str | None = None) -> ApiChange:
    """The change that gives a record's field another name, wherever the API says or reads it."""
    return ApiChange(version, record, summary, fields={old: new}, sunset=sunset)


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


@dataclass(frozen=True, slots=True)
class Translation:
    """Between what a client of some version says of a record, or of another endpoint, and the present form of it."""

    pending: tuple[ApiChange, ...]

    # -- requests

    def newer_arguments(self, arguments: dict[str, str]) -> dict[str, str]:
        return self._newer(arguments, lambda change, said: change.arguments(field_names.arguments(said, change.newer)))

    def newer_body(self, body: _Document) -> _Document:
        return self._newer(body, lambda change, said: change.body(field_names.keys(said, change.newer)))

    def newer_name(self, name: str) -> str:
        return self._newer(name, lambda change, said: change.newer.get(said, said))

    def newer_definition(self, document: Any) -> Any:
        """Of a view."""
        return self._newer(document, lambda change, said: field_names.definition(said, change.newer))

    # -- answers

    def older_rows(self, rows: Iterable[_Document]) -> list[_Document]:
        return self._older_each(rows, lambda change, row, names: field_names.keys(change.answer(dict(row)), names))

    def older_groups(self, groups: Iterable[_Document]) -> list[_Document]:
        """Of an aggregate."""
        return self._older_each(groups, lambda _change, group, names: field_names.group(group, names))

    def older_names(self, names: Iterable[str]) -> list[str]:
        return self._older_each(names, lambda _change, name, names: names.get(name, name))

    def older_definition(self, document: Any) -> Any:
        """Of a view."""
        return self._older(document, lambda change, said: field_names.definition(said, change.older))

    def older_path(self, path: str) -> str:
        """Of a fault."""
        return self._older(path, lambda change, said: field_names.path(said, change.older))

    def older_data(self, data: Any) -> Any:
        """Of an endpoint that is no record's."""
        return self._older(data, lambda change, said: change.answer(said))

    # -- through the changes

    def _newer(self, said: _Said, step: Callable[[ApiChange, _Said], _Said]) -> _Said:
        """The oldest change first."""
        return reduce(lambda so_far, change: step(change, so_far), self.pending, said)

    def _older(self, said: _Said, step: Callable[[ApiChange, _Said], _Said]) -> _Said:
        """The newest change first."""
        return reduce(lambda so_far, change: step(change, so_far), reversed(self.pending), said)

    def _older_each(
        self, said: Iterable[_Said], step: Callable[[ApiChange, _Said, field_names.Names], _Said]
    ) -> list[_Said]:
        """As `_older`, of each; the names of a change are put together once."""

        def step_each(change: ApiChange, some: list[_Said]) -> list[_Said]:
            names = change.older
            return [step(change, one, names) for one in some]

        return self._older(list(said), step_each)


def translation(of: str) -> Translation:
    """For the current request and what it says of a record; its answer then tells that there is a newer form."""
    pending = contract().since(version(), of)
    if pending and has_request_context():
        g.api_changes = [*_met(), *(change for change in pending if change not in _met())]
    return Translation(pending)


def about(record: str) -> None:
    """Say which record a request is about whose endpoint serves several. Raises `Gone` as the record's own do."""
    g.api_record = record
    _refuse_retired(translation(record).pending)


def older_details(details: Iterable[Detail], *, named: bool) -> list[Detail]:
    """Faults as the version of the current request has them; without `named` they are of parameters, not of fields."""
    said = []
    for detail in details:
        of = (detail.extra or {}).get("record") or _subject()
        if named or detail.field.startswith(field_names.WITHIN):
            detail = replace(detail, field=translation(of).older_path(detail.field))
        said.append(detail)
    return said


def older_data(data: Any) -> Any:
    """What an endpoint that is no record's answers, as the version of the current request has it."""
    operation = _subject_of(_view())
    return data if "." in operation else translation(operation).older_data(data)


def newer_body(body: _Document) -> _Document:
    """What was sent, as the present code reads it."""
    return translation(_subject_of(_view())).newer_body(body)


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
    found_changes = translation(_subject())
    _refuse_retired(found_changes.pending)
    # Whoever gives a parameter twice is told so; it is not for the changes to choose one.
    if found_changes.pending and len(request.args) == sum(1 for _pair in request.args.items(multi=True)):
        request.args = ImmutableMultiDict(found_changes.newer_arguments(request.args.to_dict()))


def _refuse_retired(pending: Sequence[ApiChange]) -> None:
    for change in pending:
        if change.sunset_passed:
            raise Gone(
                _("Version %(version)s of the API is no longer served here.", version=version()),
                [Detail(HEADER, "version_retired", _("%(change)s Ask for %(version)s or later.",
                                                     change=str(change.summary), version=change.version))],
                code="version_retired",
            )  # fmt: skip


def _leave(response: Response) -> Response:
    if not request.path.startswith("/api/"):
        return response
    response.headers[HEADER] = version()
    if met := _met():
        since = min(change.version for change in met)
        response.headers["Deprecation"] = f"@{timegm(_day(since).timetuple())}"
        if ends := [change.sunset for change in met if change.sunset]:
            at = datetime.combine(_day(min(ends)), datetime.min.time(), UTC)
            response.headers["Sunset"] = format_datetime(at, usegmt=True)
        response.headers.add("Link", '</api/docs#versions>; rel="deprecation"; type="text/html"')
    return response


def _met() -> list[ApiChange]:
    """The changes that the current request was translated through."""
    found: list[ApiChange] = g.get("api_changes") or []
    return found


def _subject() -> str:
    """What the current request is about: a record's key, or the operation id of its endpoint."""
    return (g.get("api_record") if has_request_context() else None) or _subject_of(_view())


def _view() -> object:
    return current_app.view_functions.get(request.endpoint or "") if has_request_context() else None


def _subject_of(view: object) -> str:
    found: str = getattr(view, "__record__", None) or getattr(view, "_spec", {}).get("operation_id") or ""
    return found


def _day(written: str) -> date:
    if not _DATE.fullmatch(written):
        raise ValueError(f"{written!r} is not a day such as 2026-11-01")
    return date.fromisoformat(written)


def _months(begin: date, end: date) -> int:
    return (end.year - begin.year) * 12 + end.month - begin.month - (end.day < begin.day)
