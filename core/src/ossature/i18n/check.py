"""Is everything translated, and translated well?

A catalogue is complete when every text of the code is in it, translated, not fuzzy, with the same placeholders, and
nothing else is. Texts that are the same in both languages are listed by name in `translations/same.txt`, one a line,
and are at most 5 % of all: more would mean that something was left in English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from babel.messages import pofile
from babel.messages.catalog import Catalog, Message

from ossature.i18n.extraction import HEADER, Package, extract

LOCALE = "fr"
MOST_SAME = 0.05

_PLACEHOLDER = re.compile(r"%\([^)]*\)[a-zA-Z]|%[sd]|\{[^{}\s]*\}")
_VOLATILE = re.compile(r'^"(POT-Creation-Date|PO-Revision-Date|Generated-By|Project-Id-Version|Report-Msgid|Last-Translator'
                       r'|Language-Team):?[^\n]*\n', re.MULTILINE)  # fmt: skip
_NARROW = "\u202f\u00a0"
_SIGN = re.compile(r"\S*[:;?!»](?=[\s)]|$)")


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one package: problems as sentences, and how many of its texts are the same in both languages."""

    package: Package
    texts: int
    same: int
    problems: tuple[str, ...]


def check_package(package: Package, locale: str = LOCALE) -> Report:
    """Compare a package's texts with its catalogue."""
    wanted = {_key(message): message for message in extract(package) if message.id}
    path = package.catalogue(locale)
    if not wanted:
        return Report(package, 0, 0, ())
    if not path.is_file():
        return Report(package, len(wanted), 0, (f"{path} is missing; run `python -m ossature.i18n update`",))
    known = _read(path)
    have = {_key(message): message for message in known if message.id}
    listed = _listed(package)
    problems = [f"{path}: not translated: {key!r}" for key in wanted if key not in have]
    problems += [f"{path}: no longer used: {key!r}" for key in have if key not in wanted]
    problems += [f"{path}: no longer used: {key!r}" for key in known.obsolete]
    same: set[str] = set()
    for key, source in wanted.items():
        message = have.get(key)
        if message is None:
            continue
        problems += [f"{path}: {fault}: {key!r}" for fault in _faults(source, message, locale)]
        if _is_same(message):
            same.add(key)
    where = package.translations / "same.txt"
    problems += [
        f"{path}: the same as in English, and not listed in same.txt: {key!r}" for key in sorted(same - listed)
    ]
    problems += [f"{where}: listed, but not the same or not used: {key!r}" for key in sorted(listed - same)]
    return Report(package, len(wanted), len(same), tuple(problems))


def too_many_same(reports: Iterable[Report]) -> str | None:
    """A sentence when more than 5 % of all texts are the same in both languages."""
    reports = list(reports)
    texts, same = sum(report.texts for report in reports), sum(report.same for report in reports)
    if texts and same > texts * MOST_SAME:
        return f"{same} of {texts} texts are the same in both languages, {MOST_SAME:.0%} at most may be; translate some"
    return None


def update_package(package: Package, locale: str = LOCALE) -> tuple[int, int]:
    """Write the catalogue anew: new texts empty, gone ones dropped, translations kept. Returns (texts, untranslated)."""
    template = extract(package)
    path = package.catalogue(locale)
    catalogue = _read(path) if path.is_file() else Catalog(locale=locale)
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    messages = [message for message in catalogue if message.id]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_catalogue(catalogue, path, package.domain)
    return len(messages), sum(not _texts(message) or not all(_texts(message)) for message in messages)


def write_catalogue(catalogue: Catalog, path: Path, title: str) -> None:
    """Write a catalogue so that it changes only where its texts do: sorted, without dates and line numbers."""
    catalogue.header_comment = HEADER.format(title=title)
    catalogue.fuzzy = False
    for message in catalogue:
        message.locations = sorted({(file, 0) for file, _line in message.locations})
    lines = pofile.generate_po(catalogue, width=118, sort_by="message", include_lineno=False, ignore_obsolete=True)
    path.write_text(_VOLATILE.sub("", "".join(lines)), "utf-8")


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return pofile.read_po(file, locale=path.stem)


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _ids(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def _texts(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def _is_same(message: Message) -> bool:
    return _texts(message) == _ids(message)


def _listed(package: Package) -> set[str]:
    path = package.translations / "same.txt"
    lines: Sequence[str] = path.read_text("utf-8").splitlines() if path.is_file() else ()
    return {line for line in lines if line.strip() and not line.startswith("#")}


def _faults(source: Message, message: Message, locale: str) -> Iterator[str]:
    texts = _texts(message)
    if message.fuzzy:
        yield "fuzzy"
    if isinstance(source.id, str) != isinstance(message.id, str):
        yield "one has a plural and the other has none"
        return
    if not texts or not all(texts):
        yield "not translated"
        return
    offered = set(_PLACEHOLDER.findall(" ".join(_ids(source))))
    needed = set(_PLACEHOLDER.findall(_ids(source)[-1]))
    if unknown := set(_PLACEHOLDER.findall(" ".join(texts))) - offered:
        yield f"unknown placeholder {', '.join(sorted(unknown))}"
    if lacking := needed - set(_PLACEHOLDER.findall(texts[-1])):
        yield f"lacks placeholder {', '.join(sorted(lacking))}"
    if locale == "fr" and not _is_same(message):
        if any(_badly_spaced(text, _ids(source)) for text in texts):
            yield "needs a narrow no-break space (U+202F) before : ; ? ! » and after «"
        if any("'" in text for text in texts):
            yield "needs ’ instead of '"


def _badly_spaced(text: str, english: tuple[str, ...]) -> bool:
    """French sets a narrow no-break space before : ; ? ! » and after «; what stands in the English too is code."""
    for word in _SIGN.finditer(text):
        sign = word.end() - 1
        quoted = len(word[0]) > 1 and any(word[0] in source for source in english)
        if not quoted and text[sign - 1 : sign] not in (*_NARROW, *"?!"):
            return True
    return any(text[mark.end() : mark.end() + 1] not in _NARROW for mark in re.finditer("«", text))
