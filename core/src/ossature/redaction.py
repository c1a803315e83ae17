"""What never reaches a log: secrets and personal data, recognised by the name of their key and by their shape in text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[redacted]"

_SECRET_KEY = re.compile(
    r"passw|passphrase|secret|token|api[_-]?key|apikey|authoriz|cookie|credential|otp\b|\bpin\b|private[_-]?key|signature"
    r"|e[_-]?mail|phone|mobile|\biban\b",
    re.IGNORECASE,
)
# Names that hold such a word and are harmless: counts, identifiers, settings.
_PLAIN_KEY = re.compile(r"(_id|_count|_minutes|_days|_at|_kind)$")

_SHAPES = re.compile(
    r"""
      (?P<address>[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)               # e-mail
    | (?P<url>(?<=://)[^\s/@:]*:[^\s/@]+(?=@))                                        # user:password@ in an address
    | (?P<jwt>\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*)
    | (?P<scheme>\b(?:Bearer|Basic|Token)\s+[\w.~+/=-]{8,})
    | (?P<pair>(?i:\b[\w-]*(?:password|passwd|secret|token|api[_-]?key|authorization|cookie)["']?\s*[=:]\s*)
        (?!\[redacted\])(?:"[^"]*"|'[^']*'|[^\s,;&}"']+))
    | (?P<key>\boss_[A-Za-z0-9_-]{12,})                                               # our own API keys
    | (?P<link>(?:(?<=/password/)|(?<=/join/)|(?<=/p/))[A-Za-z0-9_-]{16,})              # links that hold a secret
    | (?P<phone>(?<![\w.:/+-])(?:\+\d{1,3}[ .-]?(?:\(0\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,5}
        |0[1-9](?:[ .-]?\d{2}){4})(?![\w.-]*\w))
    """,
    re.VERBOSE,
)
# One look tells whether a text can hold any of the shapes; most cannot, and logging is on the path of every request.
_WORTH_LOOKING = re.compile(
    r"@|eyJ|oss_|\+\d|(?<![\w.:/-])0[1-9]|/join/|/p/|(?i:bearer|basic|token|passw|secret|api.?key|authoriz|cookie)"
)


def redact_text(text: str) -> str:
    """The text with everything of a secret or personal shape hidden."""
    if _WORTH_LOOKING.search(text) is None:
        return text
    return _SHAPES.sub(_hide, text)


def redact(value: Any, depth: int = 4) -> Any:
    """The value with secrets hidden at any depth; what is nested deeper than `depth` is hidden as a whole."""
    if isinstance(value, str):
        return redact_text(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if depth == 0:
        return HIDDEN
    if isinstance(value, Mapping):
        return {
            str(key): HIDDEN if is_secret_name(str(key)) and item else redact(item, depth - 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(item, depth - 1) for item in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"[{len(bytes(value))} bytes]"
    return redact_text(str(value))


_known_names: dict[str, bool] = {}


def is_secret_name(name: str) -> bool:
    """Whether a key of this name holds something that is not to be logged."""
    known = _known_names.get(name)
    if known is None:
        known = bool(_SECRET_KEY.search(name)) and not _PLAIN_KEY.search(name)
        if len(_known_names) < 2000:  # names come from code, but a mapping's keys may come from a request
            _known_names[name] = known
    return known


def _hide(match: re.Match[str]) -> str:
    if match.lastgroup == "pair":
        found = match.group()
        cut = re.search(r"[=:]\s*", found)
        return found[: cut.end()] + HIDDEN if cut else HIDDEN
    return HIDDEN
