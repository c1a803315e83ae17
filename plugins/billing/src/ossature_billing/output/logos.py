"""Logos: pictures of people, made harmless before they are drawn."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO

from lxml import etree
from PIL import Image

LARGEST = 2_000_000
"""Bytes of a logo as it was sent."""
MOST_PIXELS = 40_000_000
SIDE = 1600
"""Pixels of the longer side, to which a larger picture is reduced: 300 dots an inch at 13 cm."""
MOST_ELEMENTS = 5_000

SVG = "{http://www.w3.org/2000/svg}"
_DRAWN = frozenset(
    [
        "svg",
        "g",
        "path",
        "rect",
        "circle",
        "ellipse",
        "line",
        "polyline",
        "polygon",
        "defs",
        "linearGradient",
        "radialGradient",
        "stop",
        "clipPath",
        "title",
        "desc",
        "text",
        "tspan",
        "style",
    ]
)
_ELSEWHERE = re.compile(r"url\(\s*['\"]?(?!#)|@import|expression|javascript:", re.IGNORECASE)


class LogoRefused(ValueError):
    """A picture that cannot be a logo, and why."""


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture that may be drawn; `Logo.read` makes it of what somebody sent."""

    data: bytes
    type: str
    """`image/png` or `image/svg+xml`"""

    @classmethod
    def read(cls, sent: bytes) -> Logo:
        """A logo of a PNG, JPEG or SVG file, told apart by content.

        A PNG or JPEG is written anew as PNG in RGB, without metadata. Of an SVG only shapes, gradients, clips, text and
        styles that lie within it are kept: no script, picture, link, pattern or repeated part. Raises LogoRefused.
        """
        if len(sent) > LARGEST:
            raise LogoRefused(f"the file has more than {LARGEST} bytes")
        if sent.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
            return cls(_drawing(sent), "image/svg+xml")
        return cls(_picture(sent), "image/png")


def _picture(sent: bytes) -> bytes:
    try:
        with Image.open(BytesIO(sent), formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise LogoRefused(f"the picture has more than {MOST_PIXELS} pixels")
            clear = "A" in picture.getbands() or "transparency" in picture.info
            plain = picture.convert("RGBA" if clear else "RGB")
    except LogoRefused:
        raise
    except Exception:  # what Pillow raises for a broken file depends on where it is broken
        raise LogoRefused("the file is no PNG, JPEG or SVG that can be read") from None
    plain.thumbnail((SIDE, SIDE))
    written = BytesIO()
    Image.frombytes(plain.mode, plain.size, plain.tobytes()).save(written, "PNG", optimize=False)
    return written.getvalue()


def _drawing(sent: bytes) -> bytes:
    if b"<!ENTITY" in sent or b"<!entity" in sent:
        raise LogoRefused("the drawing declares entities")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True, huge_tree=False
    )
    try:
        root = etree.fromstring(sent, parser)
    except etree.XMLSyntaxError:
        raise LogoRefused("the file is no PNG, JPEG or SVG that can be read") from None
    if root.tag != f"{SVG}svg":
        raise LogoRefused("the file is no PNG, JPEG or SVG that can be read")
    elements = list(root.iter())
    if len(elements) > MOST_ELEMENTS:
        raise LogoRefused(f"the drawing has more than {MOST_ELEMENTS} parts")
    for element in elements:
        parent = element.getparent()
        if not _kept(element) and parent is not None:
            parent.remove(element)
            continue
        for name, value in list(element.attrib.items()):
            plain = etree.QName(name)
            if (
                plain.namespace
                or plain.localname.lower().startswith("on")
                or plain.localname == "href"
                or _ELSEWHERE.search(value)
            ):
                del element.attrib[name]
    written = etree.tostring(root, encoding="UTF-8")
    assert isinstance(written, bytes)
    return written


def _kept(element: etree._Element) -> bool:
    name = etree.QName(element)
    if name.namespace != SVG[1:-1] or name.localname not in _DRAWN:
        return False
    return name.localname != "style" or not _ELSEWHERE.search(element.text or "")
