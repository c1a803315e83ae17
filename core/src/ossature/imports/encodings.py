"""In which encoding a text file is written: told by its mark, by its zero bytes, by being valid UTF-8, by its accents."""

from __future__ import annotations

import codecs
from pathlib import Path

ENCODINGS = {
    "utf-8": "Unicode (UTF-8)",
    "utf-16-le": "Unicode (UTF-16)",
    "utf-16-be": "Unicode (UTF-16, big-endian)",
    "cp1252": "Windows-1252",
    "iso8859-15": "ISO 8859-15 (Latin-9)",
    "iso8859-1": "ISO 8859-1 (Latin-1)",
    "mac_roman": "Mac OS Roman",
    "cp850": "DOS (850)",
    "cp1250": "Windows-1250",
    "iso8859-2": "ISO 8859-2 (Latin-2)",
}
"""What may be said of a file, with how it is called. A mark at its beginning is never part of the text."""

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHUNK = 1 << 20
_MOST_ACCENTS = 20_000
_GUESSED = ("cp1252", "mac_roman", "cp850")
_USUAL = frozenset("àâäçéèêëîïôöùûüÿœæÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŒÆáíóúñÁÍÓÚÑßãõ")
_AS_WELL = frozenset("€«»’‘“”–—…°§£©®\u00a0²³·•")


def detect(path: Path) -> tuple[str, bool]:
    """The encoding of a text file and whether it is certain: a guess among those of one byte a letter is not."""
    with path.open("rb") as file:
        begin = file.read(4096)
        for mark, name in MARKS:
            if begin.startswith(mark):
                return name, True
        if wide := _wide(begin):
            return wide, True
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _by_accents(path), False
    return "utf-8", True


def _wide(begin: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of what is mostly Latin is zero."""
    if len(begin) < 4 or begin.count(0) * 4 < len(begin):
        return None
    odd, even = begin[1::2].count(0), begin[0::2].count(0)
    if odd > 3 * even:
        return "utf-16-le"
    return "utf-16-be" if even > 3 * odd else None


def _by_accents(path: Path) -> str:
    """The one in which most of what is not ASCII is a letter of western Europe within a word."""
    found = bytearray()
    with path.open("rb") as file:
        while len(found) < 3 * _MOST_ACCENTS and (chunk := file.read(_CHUNK)):
            for at, byte in enumerate(chunk):
                if byte >= 0x80:
                    found += bytes((chunk[at - 1] if at and chunk[at - 1] < 0x80 else 0x20, byte, 0x0A))
                    if len(found) >= 3 * _MOST_ACCENTS:
                        break
    return max(_GUESSED, key=lambda name: _score(found.decode(name, "replace")))


def _score(pairs: str) -> int:
    score = 0
    for before, letter in zip(pairs[0::3], pairs[1::3], strict=False):
        if letter in _USUAL:
            # "é" follows letters of its own case; a capital within a word is a letter of another encoding.
            score += 1 if letter.isupper() and before.islower() else 3
        elif letter in _AS_WELL:
            score += 2
        else:
            score -= 3
    return score
