"""What a file is, by its first bytes; what its name says is only believed of text, where bytes cannot tell."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

import filetype

from ossature.files.names import ending_of

HEAD = 8192
"""How many of the first bytes tell what a file is."""

PICTURES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
"""What every browser shows and no browser runs."""
PDF = "application/pdf"
_CLAIMS = {"jpg": PICTURES, "jpeg": PICTURES, "png": PICTURES, "gif": PICTURES, "webp": PICTURES, "pdf": {PDF}}

_TEXTS = {
    "csv": "text/csv", "json": "application/json", "xml": "application/xml", "md": "text/markdown",
    "ics": "text/calendar", "vcf": "text/vcard", "eml": "message/rfc822", "css": "text/css", "js": "text/javascript",
    "mjs": "text/javascript", "html": "text/html", "htm": "text/html", "svg": "image/svg+xml",
}  # fmt: skip
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body|script|iframe|h1|div|table|title|style|p|br|a)[\s>/]", re.I)
_SVG = re.compile(rb"<(?:\w+:)?svg[\s>]", re.IGNORECASE)
_MACH_O = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_CONTROLS = frozenset(range(32)) - {7, 8, 9, 10, 12, 13, 27}


@dataclass(frozen=True, slots=True)
class Kind:
    """A media type, and the ending that files of it have; empty where none is usual."""

    media_type: str
    ending: str = ""

    @property
    def shown_inline(self) -> bool:
        return self.media_type in PICTURES or self.media_type == PDF


def kind_of(head: bytes, name: str) -> Kind:
    """What bytes that begin with `head` are; unknown ones are `application/octet-stream`."""
    if head.startswith(_MACH_O):
        return Kind("application/x-mach-binary", "app")
    if head.startswith(b"#!"):
        return Kind("text/x-shellscript", "sh")
    found = filetype.guess(head)
    if found is not None:
        return Kind(found.mime, found.extension)
    if _is_text(head):
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1024]
        if _SVG.search(start) and start.startswith(b"<"):
            return Kind("image/svg+xml", "svg")
        if _HTML.match(start) or (start.startswith((b"<?xml", b"<!--")) and _HTML.search(start)):
            return Kind("text/html", "html")
        ending = ending_of(name)
        return Kind(_TEXTS.get(ending, "text/plain"), ending)
    return Kind("application/octet-stream")


def lies(name: str, kind: Kind) -> bool:
    """Whether the name promises a picture or a PDF, which people open without a thought, and the bytes are none."""
    claimed = _CLAIMS.get(ending_of(name))
    return claimed is not None and kind.media_type not in claimed


def _is_text(head: bytes) -> bool:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    return not any(byte in _CONTROLS for byte in head)
