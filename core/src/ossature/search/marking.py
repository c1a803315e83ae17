"""Where in a text the words of a search are, so that readers see why something was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ossature.records.fields import Field, Kind
from ossature.records.rules import folded, shown_phone_number
from ossature.records.searching import Term

Mark = tuple[int, int]
"""Begin and end of what is marked, in characters."""


def marks(text: str, terms: Sequence[Term]) -> tuple[Mark, ...]:
    """What the terms match in a text as it is written, beginnings of words rather than what lies inside them."""
    plain, origin = _folded(text)
    taken = [mark for term in terms for mark in _of_term(plain, term)]
    return tuple(_joined((origin[begin], origin[end - 1] + 1) for begin, end in taken))


def marks_of(item: Field, value: str, terms: Sequence[Term]) -> tuple[str, tuple[Mark, ...]]:
    """A value as it is shown, and its marks; a telephone number is marked as a whole, for it is shown in another form."""
    if item.kind is not Kind.PHONE:
        return value, marks(value, terms)
    shown = shown_phone_number(value)
    found = marks(value, terms) or marks(shown, terms)
    return shown, ((0, len(shown)),) if found else ()


def _folded(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its characters the place it comes from."""
    plain, origin = [], []
    for place, char in enumerate(text):
        for one in folded(char):
            plain.append(one)
            origin.append(place)
    return "".join(plain), origin


def _of_term(plain: str, term: Term) -> Iterator[Mark]:
    beginnings = [mark for one in term.starts for mark in _places(plain, one) if _begins_word(plain, mark[0])]
    if beginnings:
        yield from beginnings
        return
    whole = [mark for one in term.words for mark in _places(plain, one)]
    yield from whole or [mark for one in term.parts for mark in _places(plain, one)]


def _places(plain: str, wanted: str) -> Iterator[Mark]:
    place = plain.find(wanted)
    while place >= 0 and wanted:
        yield place, place + len(wanted)
        place = plain.find(wanted, place + len(wanted))


def _begins_word(plain: str, place: int) -> bool:
    return place == 0 or not plain[place - 1].isalnum()


def _joined(found: Iterable[Mark]) -> Iterator[Mark]:
    """In order, those that touch as one."""
    last: Mark | None = None
    for begin, end in sorted(found):
        if last is not None and begin <= last[1]:
            last = last[0], max(last[1], end)
            continue
        if last is not None:
            yield last
        last = begin, end
    if last is not None:
        yield last
