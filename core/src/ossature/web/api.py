"""The API's outer form: reading JSON bodies, the success and failure envelopes, and their documentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

import orjson
from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field

from ossature.context import current_or_none
from ossature.db.types import Money
from ossature.errors import BadRequest, Detail, Refusal, TooLarge, UnsupportedMediaType
from ossature.i18n.texts import translator
from ossature.records.clean import plain, whole_number
from ossature.web import versions

_, _l, _n = translator("ossature")

T = TypeVar("T")


RecordKey = Annotated[str, Field(json_schema_extra={"x-record-key": True})]
"""The key of a record; the description lists those that there are."""


class ErrorDetail(BaseModel):
    """One fault of the input."""

    model_config = ConfigDict(extra="allow")

    field: str = Field(description="Dotted path of the field, empty for the record as a whole")
    code: str
    message: str


class ErrorBody(BaseModel):
    """What went wrong; `code` is stable, `message` is for people."""

    model_config = ConfigDict(extra="allow")

    code: str
    message: str
    details: list[ErrorDetail]
    request_id: str


class Failure(BaseModel):
    """The envelope of every refusal and failure."""

    success: bool = Field(json_schema_extra={"const": False})
    error: ErrorBody


def _other(value: Any) -> Any:
    if isinstance(value, Money):
        return {"amount": str(value.amount), "currency": value.currency}
    if isinstance(value, Decimal):
        return str(value)
    return str(value)


def dumps(value: Any) -> bytes:
    """JSON: dates ISO 8601, times in UTC with `Z`, decimals as strings, money as amount and currency."""
    return orjson.dumps(
        value, default=_other, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS
    )


def success(
    data: Any, status: int = 200, meta: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """`{"success": true, "data": ..., "meta": {...}}`."""
    body = {"success": True, "data": versions.older_data(data), "meta": meta or {}}
    response = Response(dumps(body), status, mimetype="application/json")
    response.headers.update(headers or {})
    return response


def failure(refusal: Refusal) -> Response:
    """`{"success": false, "error": {code, message, details, request_id}}` with the refusal's status."""
    context = current_or_none()
    extra = dict(refusal.extra)
    headers = extra.pop("headers", {})
    error = {
        "code": extra.pop("code", refusal.code),
        "message": str(refusal.message),
        "details": [one.as_dict() for one in versions.older_details(refusal.details, named=refusal.status != 400)],
        "request_id": context.request_id if context else "",
        **extra,
    }
    response = Response(dumps({"success": False, "error": error}), refusal.status, mimetype="application/json")
    response.headers.update(headers)
    return response


def read_object() -> dict[str, Any]:
    """The JSON object of the request's body. Raises a refusal naming what is wrong with it."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(_("Send the body as application/json."))
    limit = request.max_content_length
    if limit is not None and (request.content_length or 0) > limit:
        raise TooLarge(_("The request is larger than %(n)s bytes.", n=limit))
    raw = request.get_data(cache=False)
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(_("The body is not valid JSON: %(reason)s.", reason=str(error)), code="bad_json") from None
    if not isinstance(body, dict):
        raise BadRequest(_("The body must be a JSON object."), code="bad_json")
    return versions.newer_body(body)


def known_arguments(allowed: Sequence[str], prefixes: Sequence[str] = ()) -> None:
    """Refuse query parameters that nobody reads, since a misspelt filter would answer too much; `prefixes` open those
    in brackets, such as `filter[`."""
    for name in request.args:
        if name not in allowed and not any(name.startswith(prefix) and name[-1] == "]" for prefix in prefixes):
            raise BadRequest(
                _("The parameter %(name)s is unknown.", name=plain(name)),
                [Detail(plain(name), "unknown_parameter", _("Use one of: %(names)s.", names=", ".join(allowed)))],
            )
        if len(request.args.getlist(name)) > 1:
            raise BadRequest(
                _("The parameter %(name)s is given more than once.", name=plain(name)),
                [Detail(plain(name), "repeated_parameter", _("Give it once."))],
            )


def limit_argument(default: int = 20, most: int = 200) -> int:
    """The page size asked for, 1 to `most`."""
    limit = whole_number(request.args.get("limit", str(default)), most)
    if not limit:
        raise BadRequest(
            _("The parameter limit is wrong."),
            [Detail("limit", "invalid", _("Give a whole number from 1 to %(n)s.", n=most))],
        )
    return limit


def after_argument() -> int:
    """The number of what was read last, 0 to begin."""
    after = whole_number(request.args.get("after", "0"))
    if after is None:
        raise BadRequest(_("The parameter after is wrong."), [Detail("after", "invalid", _("Give a number."))])
    return after


def one_of(known: tuple[T, ...], name: str, given: str) -> T:
    """A choice of the request's. Raises `BadRequest` for another one."""
    for one in known:
        if one == given:
            return one
    raise BadRequest(
        _("The parameter %(name)s is wrong.", name=name),
        [Detail(name, "invalid", _("Use one of: %(names)s.", names=", ".join(map(str, known))))],
    )


def documented(
    view: Callable[..., Any],
    *,
    summary: str,
    tag: str,
    operation_id: str,
    body: type[BaseModel] | None = None,
    body_as: Literal["json", "form_and_files"] = "json",
    place: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    headers: type[BaseModel] | None = None,
    answer: type[BaseModel] | None = None,
    status: int = 200,
    also: Mapping[int, str] | None = None,
    sends: str | None = None,
    files: Sequence[str] = (),
    record: str | None = None,
    refusals: Sequence[int] = (400, 401, 403, 404, 422, 429),
) -> Callable[..., Any]:
    """Describe a view for OpenAPI. The models document; the record's declaration is what is enforced.

    `place`: the parameters in the address. `also`: further statuses of success that have the same answer, and what each
    means. `sends`: what the bytes are that are answered instead of JSON; `files`: media types that the answer may have
    instead. `record`: the key of the record that the answer holds, or offers for references to it.
    """
    from apiflask import APIBlueprint

    describe = APIBlueprint("documentation", __name__)
    view._sync_ensured = True  # type: ignore[attr-defined]  # so that APIFlask annotates the view and not a wrapper
    if body is not None:
        describe.input(body, location=body_as)(view)
    if place is not None:
        describe.input(place, location="path")(view)
    if query is not None:
        describe.input(query, location="query")(view)
    if headers is not None:
        describe.input(headers, location="headers")(view)
    if answer is not None:
        describe.output(answer, status_code=status)(view)
    failed = {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}
    responses: Any = {code: {"description": REFUSALS[code], "content": failed} for code in refusals}
    told = {"application/json": {"schema": {"type": "object"}}}
    responses |= {code: {"description": meaning, "content": told} for code, meaning in (also or {}).items()}
    if sends is not None:
        bytes_of = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
        responses[status] = {"description": sends, "content": bytes_of}
    if files:
        whole: Any = {"schema": {"type": "string", "format": "binary"}}
        responses[status] = {"content": dict.fromkeys(files, whole)}
    describe.doc(
        summary=summary, tags=[tag], operation_id=operation_id, security=["bearer", "session"], responses=responses,
        extensions={"x-record": record} if record else {},
    )(view)  # fmt: skip
    return view


REFUSALS = {
    400: "The request could not be read", 401: "Not signed in", 403: "Not permitted", 404: "No such thing",
    409: "The state of the record forbids it", 412: "The record is at another version", 413: "Too large",
    415: "Not JSON", 422: "The input has faults", 429: "Too many requests",
}  # fmt: skip
