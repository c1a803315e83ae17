"""How much two records look like one, by the rules that their kind declares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz

from ossature.duplicates.rules import Alike, Rule, Same
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
class Match:
    score: int
    reasons: tuple[Reason, ...]


def compare(
    rules: Iterable[Rule], a: Mapping[str, Any], b: Mapping[str, Any], common: frozenset[str] = frozenset()
) -> Match | None:
    """What two records have in common, None where that is too little. Both hold the fields that the rules look at.

    `common` are values that so many share that they say nothing, without case and accents.
    """
    unlike, reasons, strangers = 1.0, list[Reason](), False
    for rule in rules:
        if isinstance(rule, Same):
            shared = _shared(rule.fields, a, b, common)
            if shared is not None:
                reasons.append(Reason(shared))
                unlike *= 1 - rule.score / 100
            continue
        ratio = likeness(a.get(rule.field), b.get(rule.field), rule.ignoring)
        strangers = strangers or (ratio is not None and ratio < _STRANGERS)
        if ratio is not None and (score := _of_names(rule, ratio, a, b)):
            reasons.append(Reason(rule.field, round(ratio)))
            unlike *= 1 - min(score, 99) / 100
    if not reasons:
        return None
    score = round(100 * (1 - unlike) * (_STRANGE if strangers else 1))
    return Match(score, tuple(reasons)) if score >= SHOWN_FROM else None


def likeness(one: str | None, other: str | None, ignoring: frozenset[str] = frozenset()) -> float | None:
    """How alike two texts are, 0 to 100, whatever the order of their words; None where one is empty."""
    if not one or not other:
        return None
    mine, theirs = words_of(one, ignoring), words_of(other, ignoring)
    if [word for word in mine if word.isdecimal()] != [word for word in theirs if word.isdecimal()]:
        return 0.0  # branch 12 is not branch 13
    return fuzz.ratio(" ".join(mine), " ".join(theirs))


def words_of(text: str, ignoring: frozenset[str] = frozenset()) -> list[str]:
    """The words of a text without case and accents, in the order of the alphabet; those that count, if there are any."""
    words = sorted(_WORDS.findall(folded(text)))
    return [word for word in words if word not in ignoring] or words


def _shared(fields: Sequence[str], a: Mapping[str, Any], b: Mapping[str, Any], common: frozenset[str]) -> str | None:
    """The field of `a` whose value `b` has in one of them."""
    theirs = {folded(value) for name in fields if (value := b.get(name))} - common
    return next((name for name in fields if (value := a.get(name)) and folded(value) in theirs), None)


def _of_names(rule: Alike, ratio: float, a: Mapping[str, Any], b: Mapping[str, Any]) -> int:
    """What a likeness says by itself, 0 for nothing."""
    if ratio < rule.at_least:
        return 0
    unsaid = False
    for name in rule.beside:
        mine, theirs = a.get(name), b.get(name)
        if mine in (None, "") or theirs in (None, ""):
            unsaid = True
        elif mine != theirs:
            return 0
    if not unsaid:
        return round(ratio)
    return round(ratio) - _UNSAID if ratio >= _ALL_BUT_EQUAL else 0
