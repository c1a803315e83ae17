"""Texts: one gettext domain per plugin, English as the key, catalogues read from `.po` files at start.

    _, _l, ngettext = translator("crm")

    _("Save")                                            translated now
    _l("Save")                                           translated when shown (labels made at import)
    ngettext("%(num)d contact", "%(num)d contacts", n)   the plural form of the reader's language

Values are written `%(name)s` and passed by name. The language is that of the bound context; without one, English.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from babel.messages import pofile

from ossature.context import current_or_none

KERNEL_DOMAIN = "ossature"
SOURCE_LOCALE = "en"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The texts of one domain in one language: English -> its forms."""

    forms: dict[str, tuple[str, ...]]
    plural: Callable[[int], int]


_catalogues: dict[tuple[str, str], Catalogue] = {}
_domains: set[str] = {KERNEL_DOMAIN}


def read_catalogue(path: Path) -> Catalogue:
    """Read one `.po` file; entries that are empty or fuzzy count as untranslated."""
    with path.open("rb") as file:
        po = pofile.read_po(file, locale=path.stem)
    forms: dict[str, tuple[str, ...]] = {}
    for message in po:
        if not message.id or message.fuzzy:
            continue
        key = message.id if isinstance(message.id, str) else message.id[0]
        texts = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        if texts and all(texts):
            forms[key] = texts
    return Catalogue(forms, gettext.c2py(po.plural_expr))


def load_catalogues(domain: str, directory: Path) -> tuple[str, ...]:
    """Read `<directory>/<locale>.po` for a domain, replacing what was read before; returns the locales found."""
    _domains.add(domain)
    for known in [key for key in _catalogues if key[0] == domain]:
        del _catalogues[known]
    paths = sorted(directory.glob("*.po")) if directory.is_dir() else []
    for path in paths:
        _catalogues[domain, path.stem] = read_catalogue(path)
    return tuple(path.stem for path in paths)


def load_kernel_catalogues() -> tuple[str, ...]:
    return load_catalogues(KERNEL_DOMAIN, Path(__file__).parent.parent / "translations")


def locales() -> tuple[str, ...]:
    """The languages that the product speaks: English and those the kernel has a catalogue for."""
    return (SOURCE_LOCALE, *sorted(locale for domain, locale in _catalogues if domain == KERNEL_DOMAIN))


def known_domains() -> frozenset[str]:
    return frozenset(_domains)


def _catalogue(domain: str, locale: str | None) -> Catalogue | None:
    if locale is None:
        context = current_or_none()
        locale = context.locale if context else SOURCE_LOCALE
    found = _catalogues.get((domain, locale))
    if found is None and len(locale) > 2:
        found = _catalogues.get((domain, locale[:2]))
    return found


def translate(domain: str, message: str, locale: str | None = None) -> str:
    """The text in `locale` (default: of the context); the English itself where it has no translation."""
    catalogue = _catalogue(domain, locale)
    forms = catalogue.forms.get(message) if catalogue else None
    return forms[0] if forms else message


def translate_plural(domain: str, one: str, many: str, number: int, locale: str | None = None) -> str:
    catalogue = _catalogue(domain, locale)
    forms = catalogue.forms.get(one) if catalogue else None
    if catalogue and forms:
        return forms[min(catalogue.plural(number), len(forms) - 1)]
    return one if number == 1 else many


class Text:
    """A text translated when it is turned into a string, not when it is made."""

    __slots__ = ("domain", "message", "values")

    def __init__(self, domain: str, message: str, values: dict[str, Any] | None = None) -> None:
        self.domain = domain
        self.message = message
        self.values = values or {}

    def in_locale(self, locale: str | None) -> str:
        text = translate(self.domain, self.message, locale)
        if not self.values:
            return text
        return text % {
            name: value.in_locale(locale) if isinstance(value, Text) else value for name, value in self.values.items()
        }

    def __str__(self) -> str:
        return self.in_locale(None)

    def __repr__(self) -> str:
        return f"Text({self.domain!r}, {self.message!r})"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __bool__(self) -> bool:
        return bool(self.message)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Text):
            return (self.domain, self.message, self.values) == (other.domain, other.message, other.values)
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self.domain, self.message))


class Gettext(Protocol):
    def __call__(self, message: str, /, **values: Any) -> str: ...


class LazyGettext(Protocol):
    def __call__(self, message: str, /, **values: Any) -> Text: ...


class Ngettext(Protocol):
    def __call__(self, one: str, many: str, num: int, /, **values: Any) -> str: ...


class Translator(NamedTuple):
    gettext: Gettext
    lazy: LazyGettext
    ngettext: Ngettext


def translator(domain: str) -> Translator:
    """The three functions of a domain: `_, _l, ngettext = translator("crm")`."""

    def now(message: str, /, **values: Any) -> str:
        text = translate(domain, message)
        return text % values if values else text

    def lazy(message: str, /, **values: Any) -> Text:
        return Text(domain, message, values)

    def plural(one: str, many: str, num: int, /, **values: Any) -> str:
        return translate_plural(domain, one, many, num) % {"num": num, **values}

    return Translator(now, lazy, plural)
