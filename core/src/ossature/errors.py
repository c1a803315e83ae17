"""Refusals: everything the product says no to, once, for pages and API alike.

A refusal carries an HTTP status, a stable machine-readable code, a sentence for people and, where input is at fault,
one `Detail` per field. Pages render it as a page or beside the fields; the API renders the standard envelope.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Detail:
    """One fault of the input.

    `field` is a dotted path (`addresses.0.city`), empty for the record as a whole; `code` is stable
    (`required`, `too_long`, `unknown_field` ...); `message` says what is wrong and what to do, in the reader's language.
    """

    field: str
    code: str
    message: str
    extra: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        return {"field": self.field, "code": self.code, "message": str(self.message), **(self.extra or {})}


class Refusal(Exception):
    """Base of all refusals; rolls the unit of work back."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"

    def __init__(self, message: object, details: Sequence[Detail] = (), **extra: Any) -> None:
        super().__init__(str(message))
        self.message = message
        self.details = tuple(details)
        self.extra = extra


class BadRequest(Refusal):
    """The request could not be read: malformed JSON, a bad cursor, an unknown parameter."""


class Unauthenticated(Refusal):
    status, code = 401, "unauthenticated"


class Forbidden(Refusal):
    """Signed in, but without the permission; `extra['permission']` names it."""

    status, code = 403, "forbidden"


class NotFound(Refusal):
    """No such thing for this actor: absent, of another tenant, or out of scope - never telling which."""

    status, code = 404, "not_found"


class Conflict(Refusal):
    """The state of the record forbids it now; for stale writes `details` hold mine, theirs and before per field."""

    status, code = 409, "conflict"


class Gone(Refusal):
    """It was here once and is no longer; the message says what has taken its place."""

    status, code = 410, "gone"


class PreconditionFailed(Refusal):
    status, code = 412, "precondition_failed"


class TooLarge(Refusal):
    status, code = 413, "too_large"


class UnsupportedMediaType(Refusal):
    status, code = 415, "unsupported_media_type"


class Invalid(Refusal):
    """The input was understood and is wrong; `details` name each field."""

    status, code = 422, "invalid"


class TooManyRequests(Refusal):
    status, code = 429, "too_many_requests"


class Unavailable(Refusal):
    """Something the request needs is not there (database, Redis); worth trying again."""

    status, code = 503, "unavailable"
