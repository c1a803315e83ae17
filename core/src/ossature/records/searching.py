"""What a search finds, in tiers: whole codes and external ids, beginnings of words, any part of a word, and what is
spelled alike.

The database's search function looks without regard to permissions and answers ids; whoever asks reads these rows under
the policy and the permission predicate. Where more than `CAP` records of an organisation contain the text anywhere, only
those with a word that begins with it are found, all of them, and `Matches.reach` says so: nothing is left out in silence.
What is spelled alike is looked for only for who finds nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import JSONB, TSQUERY

from ossature.context import current
from ossature.db.work import session
from ossature.errors import BadRequest, Detail
from ossature.i18n.texts import translator
from ossature.records.fields import Kind
from ossature.records.rules import folded
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

CAP = 2000
GATHERED = 20_000
"""Beginnings of words that are gathered, where a common one is not met soon on the way along a list."""
LOOKED_AT = 100
"""Rows of a list that are looked at on the way for each that is wanted."""
MOST_SIMILAR = 50
LONGEST, MOST_TERMS = 200, 12
LAST = "\U0010ffff"

Reach = Literal["all", "words", "similar"]

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
    too many records contain the text and only beginnings of words count, `similar` where nothing contains it and these
    are spelled alike. `exact` and `words` tell the tier of a row, as lists of ids; `common` that the words were not
    gathered, since too many records have them: each row is looked at. `nothing` says that there is none to look for.
    """

    condition: ColumnElement[bool]
    reach: Reach = "all"
    exact: str = "{}"
    words: str = "{}"
    common: bool = False
    nothing: bool = False


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


# The ids stay text on their way back into the list's statement: nothing here looks at them.
_SEARCH = text("""
SELECT kind.record, CAST(found.exact AS text) AS exact, CAST(found.words AS text) AS words,
       CAST(found.within AS text) AS within, found.reach, found.query, CAST(ARRAY(
         SELECT e.record_id FROM ossature.external_id e
          WHERE e.tenant_id = :tenant AND e.fold = :whole AND e.record = kind.record AND e.deleted_at IS NULL LIMIT :cap
       ) AS text) AS called
FROM jsonb_to_recordset(:kinds) AS kind(record text, codes text[]),
     LATERAL ossature.search(kind.record, :terms, CAST(:spellings AS text[]), kind.codes, :cap, :gone) AS found
""").bindparams(bindparam("kinds", type_=JSONB), bindparam("terms", type_=JSONB))
_SIMILAR = select(
    sa.cast(
        func.ossature.similar(
            bindparam("record"), bindparam("terms", type_=JSONB), bindparam("gone", type_=sa.Boolean), MOST_SIMILAR
        ),
        sa.Text,
    )
)


def matches(rt: RecordType, text: str, *, deleted: bool = False) -> Matches:
    """What a text finds among the live records, or among the deleted ones.

    Raises `BadRequest` where the records cannot be searched or the text holds neither letter nor digit.
    """
    return matches_of([rt], text, deleted=deleted)[rt.key]


def matches_of(types: Sequence[RecordType], text: str, *, deleted: bool = False) -> dict[str, Matches]:
    """As `matches`, of several kinds of records by their keys, in one statement."""
    for rt in types:
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
    found = _ask(types, text, terms, CAP, deleted)
    return {rt.key: _matches(rt, found[rt.key]) for rt in types}


def _matches(rt: RecordType, found: sa.Row[Any]) -> Matches:
    exact, within, reach = _all(found.exact, found.called), found.within or "{}", found.reach
    words = _all(found.words, found.called)
    if found.query:
        says = rt.c.search_vector.op("@@", is_comparison=True)(sa.cast(sa.literal(found.query, sa.Text), TSQUERY))
        return Matches(sa.or_(says, among(rt, exact)) if exact != "{}" else says, reach, exact, common=True)
    return Matches(among(rt, words, within), reach, exact, words, nothing=words == within == "{}")


def _all(*lists: str | None) -> str:
    """Lists of ids, written as PostgreSQL writes arrays, as one."""
    return "{" + ",".join(filter(None, ((one or "{}")[1:-1] for one in lists))) + "}"


def _ask(
    types: Sequence[RecordType], text: str, terms: Sequence[Term], cap: int, deleted: bool
) -> dict[str, sa.Row[Any]]:
    values = {
        "kinds": [{"record": rt.key, "codes": codes(rt)} for rt in types],
        "terms": [asdict(term) for term in terms], "spellings": spellings(text), "cap": cap, "gone": deleted,
        "tenant": current().tenant_id, "whole": folded(text[:LONGEST]).strip(),
    }  # fmt: skip
    return {row.record: row for row in session().execute(_SEARCH, values)}


def first_rows(
    rt: RecordType, text: str, found: Matches, statement: Select[Any], limit: int, *, deleted: bool = False
) -> tuple[list[str], Sequence[sa.Row[Any]]]:
    """The names of the columns of an ordered statement, and the first `limit` of its rows that a search finds."""
    names, rows = list[str](), list[sa.Row[Any]]()
    for way in _ways(rt, text, found, statement, limit, deleted):
        result = session().execute(way, {"tenant": current().tenant_id, "limit": limit})
        names, rows = list(result.keys()), list(result.all())
        if len(rows) == limit:
            break
    return names, rows


def _ways(
    rt: RecordType, text: str, found: Matches, statement: Select[Any], limit: int, deleted: bool
) -> Iterator[Select[Any]]:
    """How they are read: each way in turn until one gives `limit` rows. The last gives all there are.

    What is common is met soon on the way along most lists. Where it is not, as among companies whose names begin so,
    its rows are gathered; where there are too many for that, the whole list is looked at.
    """
    if found.common:
        begun = statement.add_columns(found.condition.label("_hit")).limit(LOOKED_AT * limit).subquery()
        kept = [column for column in begun.c if column.name != "_hit"]
        yield select(*kept).where(begun.c["_hit"]).limit(limit)  # in the order of the rows that it reads
        if words := _ask([rt], text, read_terms(text), GATHERED, deleted)[rt.key].words:
            yield statement.where(among(rt, words, found.exact)).limit(limit)
            return
    yield statement.where(found.condition).limit(limit)


def similar(rt: RecordType, text: str, *, deleted: bool = False) -> Matches | None:
    """What is spelled like a text that nothing contains; None where there is nothing, or no trigrams in the database."""
    terms = [asdict(term) for term in read_terms(text)]
    found = session().execute(_SIMILAR, {"record": rt.key, "terms": terms, "gone": deleted}).scalar_one()
    return None if found == "{}" else Matches(among(rt, found), "similar")


def among(rt: RecordType, *lists: str) -> ColumnElement[bool]:
    """Rows whose id is in one of some lists of ids, written as PostgreSQL writes arrays."""
    wanted = func.unnest(sa.cast(sa.literal(_all(*lists), sa.Text), sa.ARRAY(sa.Uuid)))
    found: ColumnElement[bool] = rt.c.id.in_(select(wanted.column_valued("wanted")))
    return found


def title_key(rt: RecordType) -> Any:
    """The folded column that titles are ordered by; where there is none, the text that is searched."""
    name = rt.fields[rt.title_field].sort_column
    return rt.c.get(name, rt.c.search_text)


def tier_of(rt: RecordType, found: Matches, text: str) -> ColumnElement[int]:
    """In which tier a row was found: 0 whole code or title, 1 the title begins so, 2 a word does, 3 any part, 4 none:
    it is spelled alike."""
    if found.reach == "similar":
        return sa.literal(4)
    title, whole = title_key(rt), folded(text[:LONGEST]).strip()
    exact = title == whole if found.exact == "{}" else sa.or_(title == whole, among(rt, found.exact))
    begins = sa.and_(title >= whole, title < whole + LAST)
    words = [(among(rt, found.words), 2)] if found.words != "{}" else []
    return sa.case((exact, 0), (begins, 1), *words, else_=2 if found.common else 3)


def said_of(reach: Reach, text: str) -> str:
    """The line over a list that could not answer every tier, or nothing at all; empty where it could."""
    if says_nothing(text):
        return _("Type at least one letter or digit to search.")
    if reach == "words":
        return _(
            "Many records contain “%(text)s”. These have a word that begins with it; type more letters.", text=text
        )
    if reach == "similar":
        return _("Nothing contains “%(text)s”. These are spelled alike.", text=text)
    return ""
