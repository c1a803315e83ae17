"""Words of files: answers, choices by their labels in every language, countries by their many names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from babel import Locale
from babel.core import get_global

from ossature.context import current_or_none
from ossature.i18n.texts import Text, locales
from ossature.records.fields import Field
from ossature.records.rules import CountryName, folded

ANSWERS: Mapping[str, bool] = {
    **dict.fromkeys(["yes", "y", "true", "t", "1", "on", "x", "✓", "✔", "☑", "oui", "o", "vrai", "v", "actif", "active"], True),
    **dict.fromkeys(["no", "n", "false", "f", "0", "off", "-", "✗", "✘", "☐", "non", "faux", "inactif", "inactive"], False),
}  # fmt: skip
_RANGE = re.compile(r"(\d+)(?:-(\d+)|\+)")
_BETWEEN = re.compile(r"[\W_]+")


@lru_cache(maxsize=65_536)
def plain_words(text: str) -> str:
    """Words without case, accents and signs, one space between: what is compared where people write."""
    return _BETWEEN.sub(" ", folded(text)).strip()


def choice_of(field: Field, text: str) -> str | None:
    """The stored value of a choice from that value or from its label, in any language; the reader's goes first."""
    if text in field.choices:
        return text
    return _readings(field, _locale()).get(plain_words(text) or text) or _range_of(field, text)


def _range_of(field: Field, text: str) -> str | None:
    """The choice that a whole number falls into, where choices are ranges such as `10-49` and `1000+`."""
    number = int(text) if text.isdecimal() and len(text) < 12 else None
    if number is None:
        return None
    for value in field.choices:
        match = _RANGE.fullmatch(value)
        if match and int(match[1]) <= number <= (int(match[2]) if match[2] else number):
            return value
    return None


def in_every_language(label: object) -> Iterator[str]:
    """A label in the reader's language, then in the others."""
    for locale in dict.fromkeys([_locale(), *locales()]):
        if isinstance(label, CountryName):
            yield str(Locale.parse(locale).territories.get(label.code, label.code))
        else:
            yield label.in_locale(locale) if isinstance(label, Text) else str(label)


_known: dict[tuple[int, str], tuple[Field, dict[str, str]]] = {}


def _readings(field: Field, locale: str) -> dict[str, str]:
    key = (id(field), locale)
    kept = _known.get(key)
    if kept is None or kept[0] is not field:
        kept = _known[key] = field, _made(field)
    return kept[1]


def _made(field: Field) -> dict[str, str]:
    found: dict[str, str] = {}
    labels = {value: list(in_every_language(label)) for value, label in field.choices.items()}
    for value in field.choices:
        found.setdefault(plain_words(value) or value, value)
    for rank in range(max(map(len, labels.values()), default=0)):
        for value, words in labels.items():
            if rank < len(words):
                found.setdefault(plain_words(words[rank]) or words[rank], value)
    if any(isinstance(label, CountryName) for label in field.choices.values()):
        for alias, codes in get_global("territory_aliases").items():
            if len(codes) == 1 and codes[0] in field.choices:
                found.setdefault(plain_words(alias), codes[0])
        found |= {name: code for name, code in _COUNTRIES.items() if name not in found and code in field.choices}
    return found


_COUNTRIES = {
    "usa": "US", "u s a": "US", "etats unis d amerique": "US", "uk": "GB", "great britain": "GB", "england": "GB",
    "grande bretagne": "GB", "angleterre": "GB", "scotland": "GB", "holland": "NL", "hollande": "NL", "korea": "KR",
    "south korea": "KR", "coree": "KR", "russia": "RU", "czech republic": "CZ", "republique tcheque": "CZ", "uae": "AE",
    "ivory coast": "CI", "viet nam": "VN", "luxemburg": "LU", "france metropolitaine": "FR", "philipines": "PH",
}  # fmt: skip


def _locale() -> str:
    context = current_or_none()
    return context.locale if context else "en"
