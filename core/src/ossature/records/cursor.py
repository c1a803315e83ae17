"""Cursors: where a list goes on. Signed, so that only what the server gave out comes back."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import blake2s
from typing import Any

import orjson

from ossature.errors import BadRequest, Detail
from ossature.i18n.texts import translator

_, _l, _n = translator("ossature")

LONGEST = 16_000
"""Characters of a cursor: more than three long values in any script take."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: the sort value (or values) and id of the row at its edge, and the way to go from there.

    `of` names the list it belongs to (record, order, filters), so that it cannot be used in another one.
    """

    of: str
    value: Any
    id: str
    backwards: bool = False

    def write(self, key: bytes) -> str:
        body = orjson.dumps([self.of, self.value, self.id, self.backwards], default=str)
        return urlsafe_b64encode(_sign(key, body) + body).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, key: bytes, of: str) -> Cursor:
        """Raises `BadRequest` when the cursor was altered, belongs to another list or is longer than any of ours."""
        try:
            if len(text) > LONGEST:
                raise ValueError
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            signature, body = raw[:12], raw[12:]
            if not hmac.compare_digest(signature, _sign(key, body)):
                raise ValueError
            found = cls(*orjson.loads(body))
        except (ValueError, TypeError):
            raise _refused(_("The cursor is not valid; start again without it.")) from None
        if found.of != of:
            raise _refused(
                _("The cursor belongs to a list with another order or other filters; start again without it.")
            )
        return found


def _refused(message: str) -> BadRequest:
    detail = Detail("cursor", "invalid", _("Give meta.next or meta.previous of the same list."))
    return BadRequest(message, [detail], code="bad_cursor")


def _sign(key: bytes, body: bytes) -> bytes:
    return blake2s(body, key=key[:32], digest_size=12, person=b"cursor").digest()
