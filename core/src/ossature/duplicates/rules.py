"""What a record declares about its duplicates: `__duplicates__ = (same("email"), alike("name", beside=("company_id",)))`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ossature.records.fields import Field


@dataclass(frozen=True, slots=True)
class Same:
    """Two records that share a value in any of these fields: the telephone of one may be the mobile of the other."""

    fields: tuple[str, ...]
    score: int


@dataclass(frozen=True, slots=True)
class Alike:
    """Two records whose texts are spelled alike, `at_least` so many in a hundred; see `alike`."""

    field: str
    beside: tuple[str, ...]
    at_least: int
    ignoring: frozenset[str]


Rule = Same | Alike


def same(*fields: str, score: int = 90) -> Same:
    """The same value in any of these text fields, whatever its case: `same("phone", "mobile")`.

    `score` (1 to 100) is how much that says by itself. What more than ten records share, such as the number of a
    switchboard, says nothing.
    """
    return Same(fields, score)


def alike(field: str, *, beside: Iterable[str] = (), at_least: int = 88, ignoring: Iterable[str] = ()) -> Alike:
    """A text that is nearly the same, whatever the order of its words: `alike("name", beside=("company_id",))`.

    `beside` are fields that must not differ: where one of the two has no value there, the texts must be all but equal.
    `at_least` is the likeness in a hundred; `ignoring` are words that do not count, written without case and accents.
    The field must be one that lists are sorted by.
    """
    return Alike(field, tuple(beside), at_least, frozenset(ignoring))


def fields_of(rules: Iterable[Rule]) -> tuple[str, ...]:
    """The fields that rules look at, in order."""
    found: dict[str, None] = {}
    for rule in rules:
        found |= dict.fromkeys(rule.fields if isinstance(rule, Same) else (rule.field, *rule.beside))
    return tuple(found)


def looked_up(rules: Iterable[Rule], fields: Mapping[str, Field]) -> tuple[str, ...]:
    """The fields of `same` that have no index of their own yet."""
    names = dict.fromkeys(name for rule in rules if isinstance(rule, Same) for name in rule.fields)
    return tuple(name for name in names if name in fields and not (fields[name].sort or fields[name].unique))


def problems(rules: Iterable[Rule], fields: Mapping[str, Field]) -> Iterator[str]:
    """What is wrong with a declaration, with the remedy."""
    rules = tuple(rules)
    for name in fields_of(rules):
        if name not in fields:
            yield f"__duplicates__ names {name}, which the record does not have"
        elif fields[name].secret or fields[name].view:
            yield f"__duplicates__ names {name}, which not everybody may see: a pair would reveal it; leave it out"
    for rule in rules:
        names = rule.fields if isinstance(rule, Same) else (rule.field,)
        if not names:
            yield "same() takes at least one field"
        for name in names:
            if name in fields and not fields[name].textual:
                yield f"__duplicates__ compares {name}, which is no text; put it into `beside` of alike()"
        if isinstance(rule, Alike) and rule.field in fields and not fields[rule.field].sort:
            yield f"alike({rule.field!r}) takes a field that lists are sorted by; declare it with sort=True"
