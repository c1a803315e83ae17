"""How documents look: what an organisation chooses once for all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ossature_billing.output.logos import Logo

LONGEST_FOOTER = 300
"""Characters that fit beneath every page."""
LEAST_CONTRAST = 4.5
"""Of text with its ground: WCAG 2.1, 1.4.3."""

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_WHITE, _BLACK = "#ffffff", "#14171f"


class Template(StrEnum):
    """The arrangement of a page."""

    CLASSIC = "classic"
    """A letter: the buyer's address stands where the window of an envelope is"""
    MODERN = "modern"
    """What is due, and when, comes first"""
    COMPACT = "compact"
    """Small type and narrow rows, for documents of many lines"""


class Column(StrEnum):
    """What a line may show beside what the law asks of it: designation, quantity, unit price, rate and net."""

    POSITION = "position"
    REFERENCE = "reference"
    """The seller's own reference of the item; beneath the designation when it has no column"""
    ADJUSTMENTS = "adjustments"
    """Charges less allowances; each is written beneath the designation in any case"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What an organisation writes on all its documents in one language: plain text, whose line breaks are kept.

    Raises ValueError when the footer is longer than 300 characters.
    """

    introduction: str = ""
    """Above the lines"""
    payment: str = ""
    """Beside how to pay"""
    footer: str = ""
    """Beneath every page, above what the law asks for"""
    terms: str = ""
    """After everything else"""

    def __post_init__(self) -> None:
        if len(self.footer) > LONGEST_FOOTER:
            raise ValueError(f"a footer has at most {LONGEST_FOOTER} characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How an organisation's documents look. Raises ValueError when the accent is no colour like `#0b6e4f`."""

    template: Template = Template.CLASSIC
    accent: str = "#1f4b99"
    logo: Logo | None = None
    texts: Mapping[str, Texts] = field(default_factory=dict)
    """By language: `fr`, `en`"""
    columns: frozenset[Column] = frozenset()

    def __post_init__(self) -> None:
        if not _COLOUR.fullmatch(self.accent):
            raise ValueError(f"{self.accent!r} is not a colour: # and six hexadecimal digits in lower case")

    def texts_in(self, language: str) -> Texts:
        """The texts in a language, or else empty ones: a text is never shown in another language."""
        return self.texts.get(language) or self.texts.get(language[:2]) or Texts()

    @property
    def ink(self) -> str:
        """The accent for text on paper: darker where the accent itself could not be read."""
        colour = self.accent
        while _contrast(colour, _WHITE) < LEAST_CONTRAST:
            colour = "#" + "".join(f"{int(part * 0.92):02x}" for part in _parts(colour))
        return colour

    @property
    def on_accent(self) -> str:
        """The colour of text on the accent."""
        return max((_WHITE, _BLACK), key=lambda colour: _contrast(colour, self.accent))

    @property
    def tint(self) -> str:
        """The accent, faint, as a ground."""
        return "#" + "".join(f"{round(255 - (255 - part) * 0.07):02x}" for part in _parts(self.accent))


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.1."""
    shares = (part / 255 for part in _parts(colour))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
