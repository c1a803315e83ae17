"""Pictures: how large they are, and a small one of each, made once. Nothing is decoded before it is known to be bounded."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image, ImageOps

from ossature.logs import get_logger

log = get_logger(__name__)

_FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
MOST_PIXELS = 100_000_000
"""Of a picture that is shown; larger ones are kept, and can be downloaded."""
MOST_DECODED = 20_000_000
"""Of what is decoded for the small picture; a JPEG is first reduced while it is read."""
SMALL = 320


@dataclass(frozen=True, slots=True)
class Picture:
    """Width and height in pixels; `small` is a WebP of at most 320 pixels a side, None where none could be made."""

    width: int
    height: int
    small: bytes | None


def read_picture(source: BinaryIO) -> Picture | None:
    """What a file that begins like a picture shows; None where it is none after all, or larger than is shown."""
    try:
        with Image.open(source, formats=_FORMATS) as image:
            width, height = image.size
            if not 0 < width * height <= MOST_PIXELS:
                return None
            image.draft("RGB", (SMALL * 2, SMALL * 2))
            small = _small(image) if image.width * image.height <= MOST_DECODED else None
            return Picture(width, height, small)
    except Exception as error:  # decoders given a stranger's bytes fail in every way
        log.info("a picture could not be read", error=type(error).__name__)
        return None


def _small(image: Image.Image) -> bytes:
    turned = ImageOps.exif_transpose(image)
    turned.thumbnail((SMALL, SMALL))
    made = io.BytesIO()
    turned.convert("RGBA" if turned.has_transparency_data else "RGB").save(made, "WEBP", quality=80)
    return made.getvalue()
