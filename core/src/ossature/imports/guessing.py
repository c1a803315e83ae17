"""Which field each column of a file is for, by what it is called and by what its first values look like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz import fuzz

from ossature.imports import evidence
from ossature.imports.cells import Cell
from ossature.imports.headers import without_reason
from ossature.imports.mapping import EXTERNAL, ID, OFFERED, OWNER_ID, Column, importable, ways
from ossature.imports.synonyms import ABOUT, FILLERS, IF_NEED_BE, SYNONYMS
from ossature.imports.words import in_every_language, plain_words
from ossature.records.clean import CURRENCIES
from ossature.records.export_beside import CALLED, is_beside
from ossature.records.fields import Field, Kind
from ossature.records.types import RecordType

NAMED, DECLARED, KNOWN, WILL_DO, LIKE = 100, 96, 92, 55, 50
_PER_WORD, _PER_PLACE = 10, 20
_CLOSE = 90
_SHORTEST_LIKE = 5
_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP"}
_CODE = re.compile(r"\b[A-Z]{3}\b")
_SALESFORCE = re.compile(r"[a-zA-Z0-9]{15}(?:[A-Z0-5]{3})?")


@dataclass(frozen=True, eq=False)
class _Goal:
    """What a column may be for; `words` are ways of writing its header with how well each fits. A field of a
    collection's entries has the collection's name and, in `penalty`, the place behind the record's own."""

    path: str
    item: Field | None
    words: dict[str, int]
    collection: str = ""
    penalty: int = 0


@dataclass(frozen=True)
class _Header:
    index: int
    text: str
    cells: Sequence[Cell]

    @cached_property
    def readings(self) -> dict[str, tuple[int, str]]:
        """What is left of it without words such as `business` or `of the contact` at its ends -> how much was taken
        off, and which entry those words are about; the least is taken off first."""
        words = _essence(self.text).split()
        if not words:
            return {}
        found = {" ".join(words): (0, "")}
        queue = [(0, len(words))]
        while queue:
            start, stop = queue.pop(0)
            for begin, end, off in ((start + 1, stop, words[start]), (start, stop - 1, words[stop - 1])):
                rest = " ".join(words[begin:end])
                if _is_about(off) and rest and rest not in found:
                    found[rest] = len(words) - (end - begin), " ".join((*words[:begin], *words[end:]))
                    queue.append((begin, end))
        return found


def _is_about(word: str) -> bool:
    return word in ABOUT or word.upper() in CURRENCIES


def guess(rt: RecordType, headers: Sequence[str], samples: Sequence[Sequence[Cell]]) -> list[Column]:
    """A column for each header; one that fits nothing goes nowhere, and no two go to the same.

    Entries of a collection are guessed where the file has everything that one needs. Why rows were refused is left out.
    """
    told = [
        _Header(index, text, [row[index] for row in samples if index < len(row)]) for index, text in enumerate(headers)
    ]
    ours = _as_exported(rt, told)
    others = [header for header in told[: len(without_reason(headers))] if header.index not in ours]
    called = any(column.to == EXTERNAL for column in ours.values())
    goals = [goal for goal in _goals(rt) if not (called and goal.path == EXTERNAL)]
    found = _assigned(others, [goal for goal in goals if not goal.collection])
    found |= _entries(rt, others, [goal for goal in goals if goal.collection], found)
    _seen(others, goals, found)
    return [ours.get(header.index) or _column(rt, header, found.get(header.index)) for header in told]


def _as_exported(rt: RecordType, headers: Sequence[_Header]) -> dict[int, Column]:
    """What an export of everything has beside fields: collections, as JSON, and external ids by their source."""
    found = {}
    for header in headers:
        column = Column(index=header.index, header=header.text)
        if header.text in rt.parts:
            if all(str(cell).startswith("[") for cell in header.cells if cell is not None):
                found[header.index] = column.model_copy(update={"to": header.text})
        elif is_beside(rt, header.text):
            source = header.text.removeprefix(CALLED)
            found[header.index] = column.model_copy(update={"to": EXTERNAL, "source": source})
    return found


# -- what there is ----------------------------------------------------------------------------------------------------


def _goals(rt: RecordType) -> Iterator[_Goal]:
    for name, item in importable(rt).items():
        yield _Goal(name, item, _words(rt, name, item))
        if item.kind is Kind.MONEY:
            yield _Goal(f"{name}_currency", None, _currency_words(name, item))
    yield _Goal(EXTERNAL, None, _id_words(rt))
    yield _Goal(ID, None, {"id": NAMED})
    for collection, part in rt.parts.items():
        for name, item in importable(part).items():
            yield _Goal(name, item, _words(part, name, item), collection, _PER_PLACE)
            if item.kind is Kind.MONEY:
                yield _Goal(f"{name}_currency", None, _currency_words(name, item), collection, _PER_PLACE)


def _words(rt: RecordType, name: str, item: Field) -> dict[str, int]:
    labels = [*in_every_language(item.label)]
    return {
        **dict.fromkeys(map(_essence, IF_NEED_BE.get(name, ())), WILL_DO),
        **dict.fromkeys(map(_essence, SYNONYMS.get(name, ())), KNOWN),
        **dict.fromkeys(map(_essence, rt.cls.__import_as__.get(name, ())), DECLARED),
        **dict.fromkeys(map(_essence, [*labels, *(f"{label} {item.unit}" for label in labels)]), NAMED),
        **dict.fromkeys(map(_essence, [name, item.relation]), NAMED),
    }


def _currency_words(name: str, item: Field) -> dict[str, int]:
    labels = [name, *in_every_language(item.label)]
    named = [f"{label} {word}" for label in labels for word in ("currency", "devise")]
    return {**dict.fromkeys(("currency", "devise", "monnaie"), KNOWN), **dict.fromkeys(map(_essence, named), NAMED)}


def _id_words(rt: RecordType) -> dict[str, int]:
    nouns = {rt.name, *in_every_language(rt.label)}
    named = [f"{noun} {word}" for noun in nouns for word in ("id", "code")]
    named += [f"{word} {noun}" for noun in nouns for word in ("id", "code")]
    return {
        **dict.fromkeys(map(_essence, [*SYNONYMS[EXTERNAL], *named]), KNOWN),
        **dict.fromkeys(map(_essence, rt.cls.__import_as__.get(EXTERNAL, ())), DECLARED),
    }


def _essence(text: str) -> str:
    """Words that mean something: `ID du contact` is `id contact`."""
    words = plain_words(text).split()
    return " ".join([word for word in words if word not in FILLERS] or words)


# -- who gets what ----------------------------------------------------------------------------------------------------


def _fit(header: _Header, goal: _Goal) -> int:
    """How well a column fits, 0 for not at all."""
    best = max((goal.words[text] - _PER_WORD * off for text, (off, _about) in header.readings.items() if text in goal.words),
               default=0)  # fmt: skip
    if not best and goal.item is not None and len(plain := plain_words(header.text)) >= _SHORTEST_LIKE:
        close = max((fuzz.ratio(plain, word) for word in goal.words if len(word) >= _SHORTEST_LIKE), default=0)
        best = LIKE if close >= _CLOSE else 0
    if not best or (goal.item is not None and evidence.contradicts(goal.item, header.cells)):
        return 0
    if goal.path == ID and not evidence.are_ids(header.cells):
        return 0
    if goal.path == EXTERNAL and header.cells and not evidence.tell_apart(header.cells):
        return 0
    return best - goal.penalty


def _assigned(headers: Sequence[_Header], goals: Sequence[_Goal]) -> dict[int, str]:
    """Column -> target, the best fits first, each once. What a record cannot be without takes a column from what it
    can, where no other is left for it."""
    fits = [
        (-fit, header.index, rank, goal)
        for header in headers
        for rank, goal in enumerate(goals)
        if (fit := _fit(header, goal))
    ]
    fits.sort(key=lambda one: one[:3])
    found: dict[int, str] = {}
    for _fits, index, _rank, goal in fits:
        if index not in found and goal.path not in found.values():
            found[index] = goal.path
    required = {goal.path for goal in goals if goal.item is not None and goal.item.required}
    for _fits, index, _rank, goal in fits:
        if goal.path in required - set(found.values()) and found.get(index) not in required:
            found[index] = goal.path
    return found


def _entries(
    rt: RecordType, headers: Sequence[_Header], goals: Sequence[_Goal], taken: dict[int, str]
) -> dict[int, str]:
    """Columns of collections' entries: those about the same one together. Entries that have an order are rows of the
    file, others stand beside each other in one. What an entry cannot be without may be taken from the record, which can,
    where the file tells more of it."""
    found: dict[int, str] = {}
    optional = {index for index, path in taken.items() if path in rt.fields and not rt.fields[path].required}
    for collection, part in rt.parts.items():
        own = [goal for goal in goals if goal.collection == collection]
        needed = {name for name, item in importable(part).items() if item.required}
        left = [header for header in headers if header.index not in found and header.index not in taken]
        for number in OFFERED[:1] if part.position else OFFERED:
            about = _most_about(left, own)
            some = _assigned([header for header in left if _about(header, own) in (about, "")], own)
            if len(some) > 1 and (wanted := needed - set(some.values())):
                spare = [header for header in headers if header.index in optional and header.index not in found]
                some |= _assigned(spare, [goal for goal in own if goal.path in wanted])
            if about is None or not needed <= set(some.values()):
                break
            place = collection if part.position else f"{collection}.{number}"
            found |= {index: f"{place}.{name}" for index, name in some.items()}
            left = [header for header in left if header.index not in some]
    return found


def _about(header: _Header, goals: Sequence[_Goal]) -> str | None:
    """Which entry a column is about: `billing` of `Billing city`; None where it is of none."""
    for text, (_off, about) in header.readings.items():
        for goal in goals:
            if text in goal.words and not (goal.item is not None and evidence.contradicts(goal.item, header.cells)):
                return about
    return None


def _most_about(headers: Sequence[_Header], goals: Sequence[_Goal]) -> str | None:
    counts: dict[str, int] = {}
    for header in headers:
        if (about := _about(header, goals)) is not None:
            counts[about] = counts.get(about, 0) + 1
    return max(counts, key=lambda about: counts[about], default=None)


def _seen(headers: Sequence[_Header], goals: Sequence[_Goal], found: dict[int, str]) -> None:
    """Columns whose names say nothing, by their values: what has check digits before what is but digits."""
    own = [(goal.item, goal.path) for goal in goals if goal.item is not None and not goal.collection]
    for item, path in sorted(own, key=lambda one: one[0].kind is not Kind.TEXT):
        if path in found.values():
            continue
        for header in headers:
            if header.index not in found and evidence.looks_like(item, header.cells):
                found[header.index] = path
                break


# -- the column -------------------------------------------------------------------------------------------------------


def _column(rt: RecordType, header: _Header, path: str | None) -> Column:
    column = Column(index=header.index, header=header.text[:1000], to=path)
    if path is None:
        return column
    if path == EXTERNAL:
        return column.model_copy(update={"source": _source(header)})
    item = importable(rt).get(path)
    if item is not None and item.kind is Kind.REFERENCE:
        return column.model_copy(update={"by": _by(item, header)})
    if item is not None and item.kind is Kind.MONEY:
        return column.model_copy(update={"currency": _currency(header)})
    return column


def _by(item: Field, header: _Header) -> str:
    """How the values name what they refer to, where that is not by title."""
    if evidence.are_ids(header.cells):
        return ID
    if item.name == OWNER_ID or not evidence.are_e_mails(header.cells):
        return ""
    return next((name for name in ways(item) if name == "email"), "")


def _source(header: _Header) -> str:
    """Whose ids these are: a program that is known by its header or by their form, else what the header says."""
    plain = plain_words(header.text)
    if plain.startswith(("record id", "id d enregistrement", "id de l objet")):
        return "hubspot"
    texts = [str(cell) for cell in header.cells]
    if texts and all(text.startswith(("__export__.", "base.")) or "__import__." in text for text in texts):
        return "odoo"
    if texts and all(_SALESFORCE.fullmatch(text) and text[:2] in ("00", "a0") for text in texts):
        return "salesforce"
    return " ".join(header.text.split())[:60]


def _currency(header: _Header) -> str:
    """The currency that a header names: `Amount (USD)`, `CA €`."""
    named = next((code for code in _CODE.findall(header.text) if code in CURRENCIES), "")
    return named or next((code for sign, code in _SIGNS.items() if sign in header.text), "")
