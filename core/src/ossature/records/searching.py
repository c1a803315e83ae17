"""What a search finds, in tiers: whole codes, beginnings of words, any part of a word.

The database's search function looks without regard to permissions and answers ids; whoever asks reads these rows under
the policy and the permission predicate. What more than `CAP` records of an organisation contain is answered from a
narrower tier, and `Matches.reach` says so: nothing is left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.dialects.postgresql import JSONB

from ossature.db.work import session
from ossature.errors import BadRequest, Detail
from ossature.i18n.texts import translator
from ossature.records.fields import Kind
from ossature.records.rules import folded
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

CAP = 2000
LONGEST, MOST_TERMS = 200, 12
LAST = "\U0010ffff"

Reach = Literal["all", "words", "title"]

_NUMBER = re.compile(r"^\+?[\d\s.()/-]+$")
_ELIDED = re.compile(r"^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu)['\u2019](.+)$")
_ALNUM = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a record must contain: a word that begins with one of `starts`, or is one of `words`, or, where
    parts of words are searched, one of `parts` anywhere."""

    starts: tuple[str, ...]
    parts: tuple[str, ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Matches:
    """The records that a text finds.

    `condition` belongs beside tenant, reach and filter. `reach` is `all` where every tier was answered, `words` where
    too many records contain the text and only beginnings of words count, `title` where too many have even those and only
    titles that begin with it and whole codes count. `exact` and `words` tell the tier of a row, as lists of ids; `nothing`
    that there is none to look for.
    """

    condition: ColumnElement[bool]
    reach: Reach = "all"
    exact: str = "{}"
    words: str = "{}"

    nothing: bool = False

    @property
    def capped(self) -> bool:
        return self.reach != "all"


def says_nothing(text: str) -> bool:
    """Whether something is searched for that has neither letter nor digit."""
    return bool(text.strip()) and _ALNUM.search(folded(text)) is None


def read_terms(text: str) -> list[Term]:
    """What the records found must contain, each term of it. Empty where nothing can be searched for."""
    whole = folded(text[:LONGEST]).strip()
    if _NUMBER.match(whole) and len(_digits(whole)) >= 4:
        stored = dict.fromkeys((whole, *(one.lstrip("+") for one in _numbers(whole))))
        return [Term(tuple(stored), (_digits(whole).lstrip("0"),))]
    tokens = [token for token in whole.split() if _ALNUM.search(token)]
    return [_term(token) for token in dict.fromkeys(tokens)][:MOST_TERMS]


def _term(token: str) -> Term:
    starts = [token]
    if elided := _ELIDED.match(token):
        starts.append(elided[1])
    return Term(tuple(starts), tuple(starts), tuple(_other_number(token)))


def _other_number(token: str) -> Iterator[str]:
    """French singulars of what looks like a plural, and the plural of -al: whole words only, for these are guesses."""
    if len(token) < 4 or not token.isalpha():
        return
    if token[-1] in "sx":
        yield token[:-1]
    if token.endswith("aux"):
        yield f"{token[:-3]}al"
    if token.endswith("al"):
        yield f"{token[:-2]}aux"


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _numbers(text: str) -> Iterator[str]:
    """How a number may be stored: without spaces, and as an international telephone number."""
    digits = _digits(text)
    yield digits
    if text.startswith("+"):
        yield f"+{digits}"
    elif digits.startswith("00"):
        yield f"+{digits[2:]}"
    elif digits.startswith("0"):
        yield f"+33{digits[1:]}"


def spellings(text: str) -> list[str]:
    """The whole values that a text may stand for; none unless it looks like a code, an address or a number."""
    whole = folded(text[:LONGEST]).strip()
    if not any(char.isdigit() or char == "@" for char in whole):
        return []
    return list(dict.fromkeys([whole, *(_numbers(whole) if _NUMBER.match(whole) else ())]))


def codes(rt: RecordType) -> list[str]:
    """The searched fields whose whole value says which record is meant."""
    return [
        item.name
        for item in rt.fields.values()
        if item.search and (item.kind in (Kind.EMAIL, Kind.PHONE) or item.rule is not None or item.unique)
    ]


_FOUND = func.ossature.search(
    bindparam("record"), bindparam("terms", type_=JSONB), bindparam("spellings", type_=sa.ARRAY(sa.Text)),
    bindparam("codes", type_=sa.ARRAY(sa.Text)), bindparam("cap", type_=sa.Integer), bindparam("gone", type_=sa.Boolean),
).table_valued("exact", "words", "within", "reach")  # fmt: skip
# The ids stay text on their way back into the list's statement: nothing here looks at them.
_SEARCH = select(*(sa.cast(_FOUND.c[name], sa.Text).label(name) for name in ("exact", "words", "within", "reach")))


def matches(rt: RecordType, text: str, *, deleted: bool = False) -> Matches:
    """What a text finds among the live records, or among the deleted ones.

    Raises `BadRequest` where the records cannot be searched or the text holds neither letter nor digit.
    """
    if not rt.searchable:
        raise BadRequest(
            _("%(records)s cannot be searched.", records=rt.plural),
            [Detail("search", "not_searchable", _("Leave the search out and filter instead."))],
        )
    terms = read_terms(text)
    if not terms:
        raise BadRequest(
            _("There is nothing to search for."),
            [Detail("search", "nothing_to_search", _("Type at least one letter or digit."))],
        )
    values = {
        "record": rt.key, "terms": [asdict(term) for term in terms],
        "spellings": spellings(text), "codes": codes(rt), "cap": CAP, "gone": deleted,
    }  # fmt: skip
    found = session().execute(_SEARCH, values).one()
    exact, words, within, reach = found.exact or "{}", found.words or "{}", found.within or "{}", found.reach
    if reach == "title":
        starting = begins(rt, terms)
        return Matches(sa.or_(starting, among(rt, exact)) if exact != "{}" else starting, reach, exact)
    return Matches(among(rt, words, within), reach, exact, words, nothing=words == within == "{}")


def among(rt: RecordType, *lists: str) -> ColumnElement[bool]:
    """Rows whose id is in one of some lists of ids, written as PostgreSQL writes arrays."""
    ids = "{" + ",".join(filter(None, (one[1:-1] for one in lists))) + "}"
    wanted = func.unnest(sa.cast(sa.literal(ids, sa.Text), sa.ARRAY(sa.Uuid)))
    found: ColumnElement[bool] = rt.c.id.in_(select(wanted.column_valued("wanted")))
    return found


def begins(rt: RecordType, terms: list[Term]) -> ColumnElement[bool]:
    """Rows whose title begins with one of the terms and that contain the others: a range of the title's own index."""
    title: ColumnElement[Any] = title_key(rt)
    ranges = sa.or_(*(sa.and_(title >= one, title < one + LAST) for term in terms for one in term.starts))
    if len(terms) == 1:
        return ranges
    text: ColumnElement[Any] = rt.c.search_text
    holds = (sa.or_(*(text.contains(one, autoescape=True) for one in term.starts)) for term in terms)
    return sa.and_(ranges, *holds)


def title_key(rt: RecordType) -> Any:
    """The folded column that titles are ordered by; where there is none, the text that is searched."""
    name = rt.fields[rt.title_field].sort_column
    return rt.c.get(name, rt.c.search_text)


def tier_of(rt: RecordType, found: Matches, text: str) -> ColumnElement[int]:
    """In which tier a row was found: 0 whole code or title, 1 the title begins so, 2 a word does, 3 any part."""
    title, whole = title_key(rt), folded(text[:LONGEST]).strip()
    return sa.case(
        (sa.or_(title == whole, among(rt, found.exact)), 0),
        (sa.and_(title >= whole, title < whole + LAST), 1),
        (among(rt, found.words), 2),
        else_=3,
    )


def said_of(reach: Reach, text: str) -> str:
    """The line over a list that could not answer every tier, or nothing at all; empty where it could."""
    if says_nothing(text):
        return _("Type at least one letter or digit to search.")
    if reach == "words":
        return _(
            "Many records contain “%(text)s”. These have a word that begins with it; type more letters.", text=text
        )
    if reach == "title":
        return _("Many records contain “%(text)s”. These begin with it; type more letters.", text=text)
    return ""
