"""The organisation's tags: which there are, on how many records, and what is done to one wherever it is carried.

A tag is there while a record carries it, or once somebody has entered, coloured or renamed it here. Words are shared by
all who may see records of a kind that carries them; counts are of the records that the reader reaches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from ossature.context import current
from ossature.db.kernel import tag, tagging
from ossature.db.work import session
from ossature.errors import Conflict, Detail, Invalid, NotFound
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.kernel import kernel
from ossature.plugins.manifest import is_on
from ossature.rbac.predicate import reaches
from ossature.records.clean import Wrong, clean_value
from ossature.records.fields import Field, Kind
from ossature.records.mass import mass_fields, start_renaming
from ossature.records.record import TAGS
from ossature.records.rules import folded
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

TONES: Final = {
    "neutral": _l("Grey"), "accent": _l("Indigo"), "info": _l("Blue"), "success": _l("Green"), "warning": _l("Amber"),
    "danger": _l("Red"),
}  # fmt: skip
COUNTED: Final = 1000
"""Of so many records of a kind it is told how many there are; beyond, that there are more."""
_NAME = Field(Kind.TAGS, _l("Name"), default=())


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag as the catalogue spells and colours it."""

    id: UUID
    name: str
    fold: str
    tone: str


@dataclass(frozen=True, slots=True)
class Change:
    """What was begun in the background: one change set, with an act for each kind of record that carries the tag."""

    change_set_id: UUID | None = None
    acts: tuple[tuple[RecordType, UUID], ...] = ()


def tagged_kinds() -> list[RecordType]:
    """The kinds of record with tags that the caller may see, by name."""
    access = current().access
    found = [
        rt
        for rt in kernel().records
        if TAGS in rt.fields and not rt.parent and is_on(rt.plugin, access.plugins) and access.allows(rt.permission("view"))
    ]  # fmt: skip
    return sorted(found, key=lambda rt: folded(str(rt.plural)))


# -- reading -----------------------------------------------------------------------------------------------------------


def list_tags(asked: str = "", *, begins: bool = False, after: str = "", limit: int = 50) -> list[Tag]:
    """Tags in order whose name has, or begins with, what is asked for; those that follow the one named `after`."""
    statement = _tags()
    if named := folded(asked.strip()):
        place = func.strpos(tag.c.fold, named)
        statement = statement.where(func.starts_with(tag.c.fold, named) if begins else place > 0)
    if after:
        statement = statement.where(tag.c.fold > folded(after))
    return [Tag(*row) for row in session().execute(statement.order_by(tag.c.fold).limit(limit))]


def find_tag(id: UUID, *, lock: bool = False) -> Tag:
    """Raises `NotFound`."""
    statement = _tags().where(tag.c.id == id)
    row = session().execute(statement.with_for_update(of=tag) if lock else statement).first()
    if row is None:
        raise NotFound(_("There is no such tag."))
    return Tag(*row)


def counts_of(tags: Sequence[Tag]) -> dict[str, dict[str, int]]:
    """On how many records of each kind a tag is, by its fold and the key of the kind; `COUNTED` + 1 says more."""
    counted = [_counted(rt, [one.id for one in tags]) for rt in tagged_kinds()]
    found: dict[str, dict[str, int]] = {one.fold: {} for one in tags}
    if tags and counted:
        for fold, key, number in session().execute(sa.union_all(*counted)):
            if number:
                found[fold][key] = number
    return found


def _tags() -> Select[Any]:
    return select(tag.c.id, tag.c.name, tag.c.fold, tag.c.tone).where(tag.c.tenant_id == current().tenant_id, _there())


def _there() -> ColumnElement[bool]:
    """Entered, or carried by a record that is not in the bin: a look into an index for each kind, never more rows."""
    carried = [_carriers(rt) for rt in tagged_kinds()]
    return or_(tag.c.listed, sa.union_all(*carried).exists()) if carried else tag.c.listed


def _carriers(rt: RecordType, *more: ColumnElement[bool]) -> Select[Any]:
    here = current().tenant_id
    return (
        select(tagging.c.record_id)
        .join(rt.table, sa.and_(rt.c.tenant_id == here, rt.c.id == tagging.c.record_id, rt.c.deleted_at.is_(None)))
        .where(tagging.c.tenant_id == here, tagging.c.fold == tag.c.fold, tagging.c.record == rt.key, *more)
        .correlate(tag)
    )


def _counted(rt: RecordType, ids: Sequence[UUID]) -> Select[Any]:
    some = _carriers(rt, reaches(rt)).limit(COUNTED + 1).subquery()
    number = select(func.count()).select_from(some).scalar_subquery()
    return select(tag.c.fold, sa.literal(rt.key), number).where(
        tag.c.tenant_id == current().tenant_id, tag.c.id.in_(ids)
    )


# -- writing -----------------------------------------------------------------------------------------------------------


def create_tag(name: Any, tone: Any = None) -> Tag:
    """Enter a tag. Raises `Invalid`, and `Conflict` where there is one of this name."""
    name, tone = _name(name), _tone(tone) if tone is not None else None
    if (known := _of_name(name)) is not None:
        raise _taken(known)
    return _enter(name, tone or "neutral")


def change_tag(id: UUID, *, name: Any = None, tone: Any = None, merge: bool = False) -> tuple[Tag, Change]:
    """Rename or colour a tag, on all records that carry it: the tag as it is then.

    Renamed onto another one it raises `Conflict`, unless they are to `merge`: then the other holds, with its colour.
    """
    old = find_tag(id, lock=True)
    tone = _tone(tone) if tone is not None else old.tone
    name = _name(name) if name is not None else old.name
    if folded(name) == old.fold:
        session().execute(sa.update(tag).where(_one(id)).values(name=name, tone=tone, listed=True))
        new = Tag(id, name, old.fold, tone)
        return new, _rename(old, name) if name != old.name else Change()
    if (other := _of_name(name)) is not None and not merge:
        raise _taken(other)
    new = _enter(other.name, other.tone) if other else _enter(name, tone)
    session().execute(sa.update(tag).where(_one(id)).values(listed=False))
    return new, _rename(old, new.name)


def merge_tags(id: UUID, into: UUID) -> tuple[Tag, Change]:
    """Put another tag in a tag's place on all records. Raises `Invalid` where both are one, and `NotFound`."""
    other = find_tag(into)
    if id == into:
        raise Invalid(_("The input has faults."), [Detail("into", "invalid", _("Choose another tag."))])
    return change_tag(id, name=other.name, merge=True)


def delete_tag(id: UUID) -> Change:
    """Take a tag off all records, and out of the catalogue. Raises `NotFound`."""
    old = find_tag(id, lock=True)
    session().execute(sa.update(tag).where(_one(id)).values(listed=False))
    return _rename(old, None)


def _rename(old: Tag, new: str | None) -> Change:
    """Records of kinds that the caller may not edit keep the tag, which therefore stays in the catalogue."""
    change_set, access = new_id(), current().access
    kinds = [rt for rt in tagged_kinds() if access.allows(rt.permission("edit")) and TAGS in mass_fields(rt)]
    begun = ((rt, start_renaming(rt, old.name, new, change_set)) for rt in kinds)
    return Change(change_set, tuple((rt, act) for rt, act in begun if act is not None))


def _of_name(name: str) -> Tag | None:
    row = session().execute(_tags().where(tag.c.fold == folded(name))).first()
    return Tag(*row) if row else None


def _enter(name: str, tone: str) -> Tag:
    values = {"name": name, "tone": tone, "listed": True}
    statement = insert(tag).values(id=new_id(), **values)
    statement = statement.on_conflict_do_update(index_elements=["tenant_id", "fold"], set_=values)
    return Tag(*session().execute(statement.returning(tag.c.id, tag.c.name, tag.c.fold, tag.c.tone)).one())


def _one(id: UUID) -> ColumnElement[bool]:
    return sa.and_(tag.c.tenant_id == current().tenant_id, tag.c.id == id)


def _name(given: Any) -> str:
    try:
        found = clean_value(_NAME, [given])
    except Wrong as wrong:
        raise Invalid(_("The input has faults."), [Detail("name", wrong.code, str(wrong))]) from None
    if not found:
        raise Invalid(_("The input has faults."), [Detail("name", "required", _("Fill this in."))])
    return str(found[0])


def _tone(given: Any) -> str:
    if given not in TONES:
        raise Invalid(_("The input has faults."), [Detail("tone", "invalid", _("Choose from the list."))])
    return str(given)


def _taken(known: Tag) -> Conflict:
    message = _("There is a tag “%(name)s” already.", name=known.name)
    return Conflict(message, [Detail("name", "taken", message, {"id": str(known.id)})], code="taken")
