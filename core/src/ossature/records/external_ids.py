"""What records are called elsewhere: a source, such as `hubspot`, and the id there, found again by later imports and syncs.

A record has any number of them, also several of one source after a merge. No two live records of a kind share one; a
record in the recycle bin gives way to the one that is there. They are seen and changed under the record's own rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import insert

from ossature.context import current
from ossature.db.kernel import external_id
from ossature.db.work import session
from ossature.errors import Conflict, Detail, Invalid, NotFound
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.rbac.predicate import reaches
from ossature.records.clean import Wrong, clean_text
from ossature.records.owning import editable
from ossature.records.query import get_row
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

EXTERNAL_ID = "ossature.external_id"
LONGEST_SOURCE, LONGEST_VALUE = 60, 200
MOST = 100
"""So many a record is given one by one."""

Key = tuple[str, str]
"""Source and value."""

_SOURCE = re.compile(r"[^\W_][\w .-]*")


@dataclass(frozen=True, slots=True)
class ExternalId:
    source: str
    value: str
    created_at: datetime


def clean_source(source: object) -> str:
    """A source as it is kept: in small letters. Raises `Wrong`."""
    text = clean_text(source).lower() if isinstance(source, str) else ""
    if not text:
        raise Wrong("required", _("Name the system that the id is of."))
    if len(text) > LONGEST_SOURCE:
        raise Wrong("too_long", _("Shorten this to at most %(n)s characters.", n=LONGEST_SOURCE))
    if not _SOURCE.fullmatch(text):
        raise Wrong("invalid", _("Use letters, digits, spaces, dots and hyphens."))
    return text


def clean_external(value: object) -> str:
    """An id as it is kept: trimmed, otherwise letter by letter. Raises `Wrong`."""
    text = clean_text(value) if isinstance(value, str) else ""
    if not text:
        raise Wrong("required", _("Fill this in."))
    if len(text) > LONGEST_VALUE:
        raise Wrong("too_long", _("Shorten this to at most %(n)s characters.", n=LONGEST_VALUE))
    return text


def clean_key(source: object, value: object) -> Key:
    """Both. Raises `Invalid` naming `source` and `value`."""
    faults, found = [], []
    for name, cleaning, given in (("source", clean_source, source), ("value", clean_external, value)):
        try:
            found.append(cleaning(given))
        except Wrong as wrong:
            faults.append(Detail(name, wrong.code, str(wrong)))
    if faults:
        raise Invalid(_("The input has faults."), faults)
    return found[0], found[1]


# -- of many, for what reads and writes sets of records ----------------------------------------------------------------


def find_by_external(rt: RecordType, source: str, values: Iterable[str]) -> dict[str, UUID]:
    """The live records within the reader's reach that a source calls so, by the values as given; in one statement."""
    wanted = {value: value.strip() for value in values}
    known = [value for value in dict.fromkeys(wanted.values()) if value and "\x00" not in value]
    if not known:
        return {}
    e = external_id.c
    statement = select(e.value, e.record_id).join(rt.table, _of(rt)).where(
        *_live(rt), e.source == clean_source(source), e.value == sa.any_(_array(known, sa.Text)),
        rt.c.deleted_at.is_(None), reaches(rt),
    )  # fmt: skip
    found: dict[str, UUID] = {row.value: row.record_id for row in session().execute(statement)}
    return {given: found[value] for given, value in wanted.items() if value in found}


def set_external(rt: RecordType, wanted: Mapping[Key, UUID]) -> set[Key]:
    """Give external ids to records that the caller has just written, or may edit: this asks no permission.

    Answers those that belong to another live record, which stay where they are. Raises `Wrong`.
    """
    clean = {(clean_source(source), clean_external(value)): key for key in wanted for source, value in [key]}
    missing = {key: wanted[given] for key, given in clean.items()}
    missing = _insert(rt, missing)
    if not missing:
        return set()
    e = external_id.c
    rows = session().execute(
        select(e.id, e.source, e.value, e.record_id, rt.c.id.isnot(None).label("lives"))
        .outerjoin(rt.table, and_(_of(rt), rt.c.deleted_at.is_(None)))
        .where(*_live(rt), _among(missing))
        .with_for_update(of=external_id)
    )
    held = {(row.source, row.value): row for row in rows}
    binned = [row.id for row in held.values() if not row.lives and row.record_id != missing[row.source, row.value]]
    if binned:
        session().execute(_gone().where(e.id.in_(binned)))
    others = {key: id for key, id in missing.items() if key not in held or held[key].id in binned}
    taken = {key for key, row in held.items() if row.lives and row.record_id != missing[key]}
    return {clean[key] for key in (*taken, *(_insert(rt, others) if others else ()))}


def move_external(rt: RecordType, from_ids: Sequence[UUID], to_id: UUID) -> None:
    """Give one record the external ids of others, when they become one; asks no permission."""
    e = external_id.c
    moved = session().execute(
        _gone().where(*_live(rt), e.record_id.in_(list(from_ids))).returning(e.source, e.value)
    )  # fmt: skip
    if keys := {(row.source, row.value): to_id for row in moved}:
        _insert(rt, keys)


def external_ids_of(rt: RecordType, ids: Iterable[UUID]) -> dict[UUID, list[ExternalId]]:
    """Those of records that the reader has read, by source and value; of a record without any there is no entry."""
    e = external_id.c
    statement = (
        select(e.record_id, e.source, e.value, e.created_at)
        .where(*_live(rt), e.record_id == sa.any_(_array(ids, sa.Uuid)))
        .order_by(e.source, e.value)
    )
    found: dict[UUID, list[ExternalId]] = {}
    for row in session().execute(statement):
        found.setdefault(row.record_id, []).append(ExternalId(row.source, row.value, row.created_at))
    return found


def sources_of(rt: RecordType) -> list[str]:
    """The sources that records of a kind have ids of, in order; read along the index from one to the next."""
    e = external_id.c
    first = select(func.min(e.source).label("source")).where(*_live(rt)).cte("sources", recursive=True)
    after = select(func.min(e.source)).where(*_live(rt), e.source > first.c.source).scalar_subquery()
    sources = first.union_all(select(after).where(first.c.source.isnot(None)))
    return list(session().execute(select(sources.c.source).where(sources.c.source.isnot(None)).limit(MOST)).scalars())


def forget_external(record: str, record_ids: Iterable[UUID]) -> int:
    """Delete those of records for good: how many there were. For what purges or erases records; asks no permission."""
    e = external_id.c
    here = e.tenant_id == current().tenant_id, e.record == record, e.record_id.in_(list(record_ids))
    return len(session().execute(sa.delete(external_id).where(*here).returning(e.id)).all())


# -- of one record -----------------------------------------------------------------------------------------------------


def read_external_ids(rt: RecordType, id: UUID) -> list[ExternalId]:
    """Those of one record. Raises `NotFound` alike for what is absent, foreign or out of reach."""
    get_row(rt, id)
    return external_ids_of(rt, [id]).get(id, [])


def add_external_id(rt: RecordType, id: UUID, source: object, value: object) -> bool:
    """Give a record an external id; False where it has it already.

    Raises `Invalid`, also where it belongs to another record, `Forbidden`, `NotFound`; `Conflict` on a deleted record
    and beyond `MOST`.
    """
    editable(rt, id)
    key = clean_key(source, value)
    known = external_ids_of(rt, [id]).get(id, [])
    if any((one.source, one.value) == key for one in known):
        return False
    if len(known) >= MOST:
        raise Conflict(_("A record is given at most %(n)d external ids; remove one first.", n=MOST), code="too_many")
    if set_external(rt, {key: id}):
        raise taken()
    return True


def remove_external_id(rt: RecordType, id: UUID, source: object, value: object) -> None:
    """Take an external id away from a record. Raises as `add_external_id`, and `NotFound` where it has it not."""
    editable(rt, id)
    e = external_id.c
    source, value = clean_key(source, value)
    gone = _gone().where(*_live(rt), e.record_id == id, e.source == source, e.value == value).returning(e.id)
    if session().execute(gone).first() is None:
        raise NotFound(_("The record has no such external id."))


def taken() -> Invalid:
    """That an external id belongs to another record, whichever it is."""
    said = _("Another record has this external id; remove it there first, or give another one.")
    return Invalid(_("The input has faults."), [Detail("value", "taken", said)])


# -- statements --------------------------------------------------------------------------------------------------------


def _insert(rt: RecordType, wanted: Mapping[Key, UUID]) -> dict[Key, UUID]:
    """Write those that nobody has; the others are left and answered."""
    given = func.unnest(
        _array([new_id() for _one in wanted], sa.Uuid), _array(wanted.values(), sa.Uuid),
        _array([source for source, _value in wanted], sa.Text), _array([value for _source, value in wanted], sa.Text),
    ).table_valued("id", "record_id", "source", "value").render_derived(name="given")  # fmt: skip
    rows = select(given.c.id, sa.literal(rt.key), given.c.record_id, given.c.source, given.c.value)
    statement = (
        insert(external_id)
        .from_select(["id", "record", "record_id", "source", "value"], rows)
        .on_conflict_do_nothing()
        .returning(external_id.c.source, external_id.c.value)
    )
    written = {(row.source, row.value) for row in session().execute(statement)}
    return {key: id for key, id in wanted.items() if key not in written}


def _live(rt: RecordType) -> tuple[sa.ColumnElement[bool], ...]:
    e = external_id.c
    return e.tenant_id == current().tenant_id, e.record == rt.key, e.deleted_at.is_(None)


def _of(rt: RecordType) -> sa.ColumnElement[bool]:
    return and_(rt.c.tenant_id == external_id.c.tenant_id, rt.c.id == external_id.c.record_id)


def _among(keys: Iterable[Key]) -> sa.ColumnElement[bool]:
    keys = list(keys)
    given = func.unnest(
        _array([source for source, _value in keys], sa.Text), _array([value for _source, value in keys], sa.Text)
    ).table_valued("source", "value").render_derived(name="given")  # fmt: skip
    return sa.tuple_(external_id.c.source, external_id.c.value).in_(select(given.c.source, given.c.value))


def _gone() -> sa.Update:
    return (
        sa.update(external_id)
        .where(external_id.c.tenant_id == current().tenant_id)
        .values(deleted_at=func.now())
    )  # fmt: skip


def _array(values: Iterable[Any], of: type[Any]) -> sa.BindParameter[Any]:
    return sa.literal(list(values), sa.ARRAY(of))
