"""One search over all records that the reader may see, under the same permissions as their lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select

from ossature.context import current
from ossature.errors import BadRequest, Detail
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.plugins.manifest import is_on
from ossature.rbac.predicate import reaches, visible_fields
from ossature.records.external_ids import external_ids_of
from ossature.records.fields import Field, Kind
from ossature.records.query import Label, Row, columns, labels, to_rows
from ossature.records.rules import folded
from ossature.records.searching import (
    LAST,
    Matches,
    Reach,
    Term,
    among,
    first_rows,
    matches_of,
    read_terms,
    said_of,
    says_nothing,
    similar,
    tier_of,
    title_key,
)
from ossature.records.types import RecordType
from ossature.records.views import plain_words, record_url
from ossature.search.marking import Mark, marks, marks_of

_, _l, _n = translator("ossature")

TIERS = ("exact", "title", "words", "within", "similar")
"""Why something was found, the best reason first: a whole code or title, the title begins so, a word does, any part, or
something in it is spelled alike."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found. `field` and `text` are what matched beside the title, None where the title says it;
    `fact` is what tells records of the same title apart."""

    record: str
    label: str
    icon: str
    id: UUID
    title: str
    title_marks: tuple[Mark, ...]
    url: str
    tier: str
    field: str | None = None
    field_label: str = ""
    text: str = ""
    text_marks: tuple[Mark, ...] = ()
    fact: str = ""


@dataclass(frozen=True, slots=True)
class OfRecord:
    """What was found among the records of one kind, the best first; `more` says that there are others."""

    rt: RecordType
    hits: tuple[Hit, ...]
    more: bool
    reach: Reach

    def said(self, text: str) -> str:
        """Which tier answered, where it was not all of them."""
        return said_of(self.reach, text)


def searched_records() -> list[RecordType]:
    """The kinds of records that the reader may search, as the navigation orders them."""
    access, screens = current().access, kernel().screens
    found = [
        rt
        for rt in kernel().records
        if rt.searchable and is_on(rt.plugin, access.plugins) and access.allows(rt.permission("view"))
    ]
    return sorted(found, key=lambda rt: screens[rt.key].weight if rt.key in screens else 1000)


def search_everywhere(text: str, records: Sequence[RecordType] | None = None, limit: int = 5) -> list[OfRecord]:
    """At most `limit` of each kind of record. Raises `BadRequest` for a text with neither letter nor digit."""
    if not text.strip() or says_nothing(text):
        raise BadRequest(
            _("There is nothing to search for."),
            [Detail("q", "nothing_to_search", _("Type at least one letter or digit."))],
        )
    kinds = searched_records() if records is None else records
    matched = matches_of(kinds, text)
    found = [_of_record(rt, text, matched[rt.key], limit) for rt in kinds]
    return found if any(one.hits for one in found) else [_spelled_alike(rt, text, limit) for rt in kinds]


def by_tier(found: Iterable[OfRecord]) -> list[Hit]:
    """All hits, the best tier first, in each the records in their order."""
    return sorted((hit for one in found for hit in one.hits), key=lambda hit: TIERS.index(hit.tier))


def _of_record(rt: RecordType, text: str, found: Matches, limit: int) -> OfRecord:
    if found.nothing:
        return OfRecord(rt, (), False, found.reach)
    if not found.common:
        return _answer(rt, text, _read(rt, text, found, limit, best_first=True), limit, found.reach)
    # Whole codes and titles are few and looked for by themselves; the others are met in their order.
    rows = _titles(rt, text, limit)
    if found.exact != "{}":
        rows = [*_read(rt, text, replace(found, condition=among(rt, found.exact), common=False), limit), *rows]
    if len(rows) <= limit:
        rows += _read(rt, text, found, limit)
    once: dict[UUID, tuple[Row, int]] = {}
    for row, tier in rows:
        once.setdefault(row["id"], (row, tier))
    return _answer(rt, text, list(once.values()), limit, found.reach)


def _spelled_alike(rt: RecordType, text: str, limit: int) -> OfRecord:
    found = similar(rt, text)
    if found is None:
        return OfRecord(rt, (), False, "all")
    return _answer(rt, text, _read(rt, text, found, limit), limit, found.reach)


def _answer(rt: RecordType, text: str, rows: Sequence[tuple[Row, int]], limit: int, reach: Reach = "all") -> OfRecord:
    fields, terms, shown = visible_fields(rt), read_terms(text), rows[:limit]
    fact = _fact_field(rt, fields)
    titles: dict[UUID, Label] = {}
    if fact and fact.kind is Kind.REFERENCE and fact.target:
        titles = labels(fact.target, (row[fact.name] for row, _tier in shown if row.get(fact.name)))
    hits = tuple(_hit(rt, fields, row, TIERS[tier], terms, fact, titles) for row, tier in shown)
    return OfRecord(rt, _with_external_ids(rt, text, hits, terms), len(rows) > limit, reach)


def _with_external_ids(rt: RecordType, text: str, hits: tuple[Hit, ...], terms: Sequence[Term]) -> tuple[Hit, ...]:
    """Hits that nothing shown explains say by which external id they were found."""
    bare = [hit.id for hit in hits if hit.tier == "exact" and not (hit.title_marks or hit.field)]
    if not bare:
        return hits
    called = {
        id: one for id, those in external_ids_of(rt, bare).items() for one in those if folded(one.value) == folded(text.strip())
    }  # fmt: skip
    return tuple(
        replace(
            hit, field="external_id", field_label=_("External id (%(source)s)", source=called[hit.id].source),
            text=called[hit.id].value, text_marks=marks(called[hit.id].value, terms),
        )
        if hit.id in called else hit
        for hit in hits
    )  # fmt: skip


def _read(rt: RecordType, text: str, found: Matches, limit: int, *, best_first: bool = False) -> list[tuple[Row, int]]:
    """The first rows with their tiers, by title, or the best tier first."""
    tier = tier_of(rt, found, text)
    statement = (
        select(*columns(rt, _read_fields(rt, visible_fields(rt))), tier.label("_tier"))
        .where(rt.c.tenant_id == current().tenant_id, rt.c.deleted_at.is_(None), reaches(rt))
        .order_by(*((tier,) if best_first else ()), title_key(rt), rt.c.id)
    )
    names, rows = first_rows(rt, text, found, statement, limit + 1)
    return list(zip(to_rows(rt, names, rows), (int(item[-1]) for item in rows), strict=True))


def _titles(rt: RecordType, text: str, limit: int) -> list[tuple[Row, int]]:
    """Rows whose title begins with the text, in order, straight from the title's index."""
    title, whole = title_key(rt), " ".join(folded(text).split())
    if title is rt.c.search_text:
        return []
    return _read(rt, text, Matches(and_(title >= whole, title < whole + LAST)), limit)


def _read_fields(rt: RecordType, fields: dict[str, Field]) -> list[str]:
    fact = _fact_field(rt, fields)
    wanted = [name for name, item in fields.items() if item.search or name == rt.title_field or item is fact]
    return ["id", *wanted, *(["owner_id"] if rt.owned else [])]


def _fact_field(rt: RecordType, fields: dict[str, Field]) -> Field | None:
    """The first column of the list that is not the title: what tells two people of one name apart."""
    screens = kernel().screens.get(rt.key)
    names = [name for name in (screens.list if screens else ()) if name in fields and name != rt.title_field]
    return fields[names[0]] if names else None


def _hit(
    rt: RecordType, fields: dict[str, Field], row: Row, tier: str, terms: Sequence[Term], fact: Field | None,
    titles: dict[UUID, Label],
) -> Hit:  # fmt: skip
    title = row.get(rt.title_field) or _("Unnamed")
    title_marks = marks(title, terms)
    field, text, text_marks = _elsewhere(fields, row, terms) if not _says_all(title, terms) else (None, "", ())
    value: Any = row.get(fact.name) if fact else None
    said = plain_words(fact, value, titles) if fact and value is not None else ""
    if fact and fact.kind is Kind.REFERENCE and ((label := titles.get(value)) is None or label.hidden):
        said = ""
    return Hit(
        rt.key, str(rt.label), rt.icon, row["id"], title, title_marks, record_url(rt.key, row["id"]) or "", tier,
        field.name if field else None, str(field.label) if field else "", text, text_marks, said,
    )  # fmt: skip


def _says_all(title: str, terms: Sequence[Term]) -> bool:
    return all(marks(title, [term]) for term in terms)


def _elsewhere(fields: dict[str, Field], row: Row, terms: Sequence[Term]) -> tuple[Field | None, str, tuple[Mark, ...]]:
    """The searched field, of those the reader may see, that holds most of what was looked for."""
    best: tuple[Field | None, str, tuple[Mark, ...]] = (None, "", ())
    most = 0
    for name, item in fields.items():
        value = row.get(name)
        if not item.search or not isinstance(value, str):
            continue
        held = sum(1 for term in terms if marks_of(item, value, [term])[1])
        if held > most:
            most, best = held, (item, *marks_of(item, value, terms))
    return best
