"""Documents as bytes: what the database freezes at issue, and from which everything else is made.

The bytes are canonical: equal documents give equal bytes on every machine and in every version. They are JSON in UTF-8
with sorted names, without spaces and without what is not stated; numbers are texts in their shortest form.

Each issued document carries a hash over its bytes and the hash of the one issued before it in the same chain: whoever
changes, removes or slips in a document breaks every hash after it.
"""

from __future__ import annotations

import re
from hashlib import sha256

import orjson
from pydantic import TypeAdapter, ValidationError

from ossature_billing.documents import Document

FORMAT = 1
"""Of the bytes; a later one is written when documents state something that this one cannot."""
START = "0" * 64
"""The hash before the first document of a chain."""

_adapter = TypeAdapter(Document)
_HASH = re.compile(r"[0-9a-f]{64}")


class UnreadableDocument(ValueError):
    """Bytes that are not a document: altered, or of a format that this version does not know."""


def freeze(document: Document) -> bytes:
    """The canonical bytes of a document. Raises ValueError when it states a number that is none."""
    said = _adapter.dump_python(document, mode="json", exclude_defaults=True)
    return orjson.dumps({"document": said, "format": FORMAT}, option=orjson.OPT_SORT_KEYS)


def thaw(data: bytes) -> Document:
    """The document that `freeze` made these bytes of. Raises UnreadableDocument."""
    try:
        said = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UnreadableDocument(f"not JSON: {error}") from None
    if not isinstance(said, dict) or said.keys() != {"document", "format"}:
        raise UnreadableDocument("not the bytes of a document")
    if said["format"] != FORMAT:
        raise UnreadableDocument(f"format {said['format']!r} is unknown here; {FORMAT} is known")
    try:
        return _adapter.validate_python(said["document"])
    except ValidationError as error:
        first = error.errors()[0]
        raise UnreadableDocument(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def chained(previous: str, data: bytes) -> str:
    """The hash of a document in its chain: SHA-256 over the hash before it (`START` for the first) and its bytes.

    Both are 64 lower-case hexadecimal digits. Raises ValueError when `previous` is not.
    """
    if not _HASH.fullmatch(previous):
        raise ValueError(f"{previous!r} is not a SHA-256 in lower-case hexadecimal digits")
    return sha256(bytes.fromhex(previous) + data).hexdigest()
