"""How much two records look like one, by the rules that their kind declares."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz

from ossature.duplicates.rules import Rule, Same
from ossature.records.rules import folded

MOST_SHARING = 10
"""A value that more records have than this says nothing: the number of a switchboard, an address of a team."""
SHOWN_FROM = 60
"""Pairs of a lower score are not shown to anybody."""
_WORDS = re.compile(r"[^\W_]+")
_UNSAID = 20  # so much less, of a hundred, where one of two says nothing in a field that must not differ
_ALL_BUT_EQUAL = 97.0
_STRANGERS, _STRANGE = 50.0, 0.72  # names less alike than this speak against the rest


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that holds for two records: the `field`, and how alike the texts are in a hundred; 100 is the same."""

    field: str
    ratio: int = 100

    def as_json(self) -> dict[str, Any]:
        return {"field": self.field, "ratio": self.ratio}


@dataclass(frozen=True, slots=True)
class Traits:
    """What the rules see of a record, worked out once however often it is compared. By rule: of `same`, the field by each
    value that it has; of `alike`, its words in order, the numbers among them, and what it says beside."""

    id: Any
    shared: tuple[Mapping[str, str], ...]
    named: tuple[tuple[str, tuple[str, ...], tuple[Any, ...]], ...]


@dataclass(frozen=True, slots=True)
class Match:
    score: int
    reasons: tuple[Reason, ...]


def traits(rules: Sequence[Rule], row: Mapping[str, Any]) -> Traits:
    """What the rules see of a record; `row` holds the fields that they look at."""
    shared, named = list[Mapping[str, str]](), list[tuple[str, tuple[str, ...], tuple[Any, ...]]]()
    for rule in rules:
        if isinstance(rule, Same):
            shared.append({folded(value): name for name in reversed(rule.fields) if (value := row.get(name))})
        else:
            words = words_of(row.get(rule.field) or "", rule.ignoring)
            numbers = tuple(word for word in words if word.isdecimal())
            named.append((" ".join(words), numbers, tuple(row.get(name) or None for name in rule.beside)))
    return Traits(row.get("id"), tuple(shared), tuple(named))


def compare(
    rules: Sequence[Rule], a: Mapping[str, Any], b: Mapping[str, Any], common: frozenset[str] = frozenset()
) -> Match | None:
    """As `match`, of two rows that hold the fields that the rules look at."""
    return match(rules, traits(rules, a), traits(rules, b), common)


def match(rules: Sequence[Rule], a: Traits, b: Traits, common: frozenset[str] = frozenset()) -> Match | None:
    """What two records have in common, None where that is too little.

    `common` are values that so many share that they say nothing, without case and accents.
    """
    unlike, reasons, strangers = 1.0, list[Reason](), False
    shared = named = -1
    for rule in rules:
        if isinstance(rule, Same):
            shared += 1
            mine, theirs = a.shared[shared], b.shared[shared]
            if mine.keys().isdisjoint(theirs):
                continue
            found = next((field for value, field in mine.items() if value in theirs and value not in common), None)
            if found is not None:
                reasons.append(Reason(found))
                unlike *= 1 - rule.score / 100
            continue
        named += 1
        (words, numbers, beside), (others, their_numbers, their_beside) = a.named[named], b.named[named]
        if not words or not others:
            continue
        # Branch 12 is not branch 13.
        ratio = fuzz.ratio(words, others) if numbers == their_numbers else 0.0
        strangers = strangers or ratio < _STRANGERS
        if ratio >= rule.at_least and (score := _of_names(ratio, beside, their_beside)):
            reasons.append(Reason(rule.field, round(ratio)))
            unlike *= 1 - min(score, 99) / 100
    if not reasons:
        return None
    score = round(100 * (1 - unlike) * (_STRANGE if strangers else 1))
    return Match(score, tuple(reasons)) if score >= SHOWN_FROM else None


def words_of(text: str, ignoring: frozenset[str] = frozenset()) -> list[str]:
    """The words of a text without case and accents, in the order of the alphabet; those that count, if there are any."""
    words = sorted(_WORDS.findall(folded(text)))
    return [word for word in words if word not in ignoring] or words


def _of_names(ratio: float, mine: Sequence[Any], theirs: Sequence[Any]) -> int:
    """What a likeness says by itself, 0 for nothing; with what the two say beside."""
    unsaid = False
    for one, other in zip(mine, theirs, strict=True):
        if one is None or other is None:
            unsaid = True
        elif one != other:
            return 0
    if not unsaid:
        return round(ratio)
    return round(ratio) - _UNSAID if ratio >= _ALL_BUT_EQUAL else 0
