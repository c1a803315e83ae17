"""Mappings kept under a name: for the same kind of file the next time, for everybody who imports these records."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from ossature.context import current
from ossature.db.work import session
from ossature.errors import Conflict, Detail, Forbidden, Invalid, NotFound
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.imports.headers import without_reason
from ossature.imports.mapping import Column, Mapping, Place, place_of, referred
from ossature.imports.rights import demand_either
from ossature.imports.table import import_preset as table
from ossature.records.clean import Wrong, clean_text
from ossature.records.fields import Kind
from ossature.records.rules import folded
from ossature.records.saved import selves
from ossature.records.types import RecordType

if TYPE_CHECKING:
    from ossature.imports.runs import Import

_, _l, _n = translator("ossature")

LONGEST_NAME = 80
MOST = 200


@dataclass(frozen=True, slots=True)
class Preset:
    """A mapping under a name, with the headers of the file that it was made for. `mine` says that whoever asks made it,
    and may replace or forget it."""

    id: UUID
    name: str
    headers: tuple[str, ...]
    mapping: Mapping
    created_at: datetime
    mine: bool

    def fits(self, headers: Sequence[str]) -> bool:
        """Whether a file has the same columns, whatever the case and the accents of their names; refused rows that were
        corrected have one more, which says why."""
        own = [folded(one) for one in self.headers]
        return any(own == [folded(one) for one in some] for some in (headers, without_reason(headers)))

    def mapping_of(self, headers: Sequence[str]) -> Mapping:
        """The mapping for a file that it fits: a column that it does not know goes nowhere."""
        more = [Column(index=n, header=name) for n, name in enumerate(headers) if n >= len(self.headers)]
        return self.mapping.model_copy(update={"columns": [*self.mapping.columns, *more]})


def presets(rt: RecordType) -> list[Preset]:
    """Those of a record, by name."""
    demand_either(rt)
    rows = session().execute(
        select(*(table.c[name] for name in ("id", "name", "headers", "mapping", "created_at")), _mine().label("mine"))
        .where(_of(rt))
        .order_by(func.ossature.fold(table.c.name), table.c.id)
        .limit(MOST)
    )
    return [
        Preset(row.id, row.name, tuple(row.headers), Mapping.model_validate(row.mapping), row.created_at, row.mine)
        for row in rows
    ]


def fitting(rt: RecordType, headers: Sequence[str]) -> Preset | None:
    """One's own newest that was made for a file with these columns; those of others are used when they are chosen."""
    return max(
        (one for one in presets(rt) if one.mine and one.fits(headers)), key=lambda one: one.created_at, default=None
    )


def save_preset(imp: Import, name: str) -> Preset:
    """Keep the mapping of an import, without what is said there of people; one's own of the same name is replaced. Raises
    `Invalid` for the name, and `Conflict` where somebody else's has it."""
    rt = imp.rt
    demand_either(rt)
    name = _name(name)
    known = presets(rt)
    if len(known) >= MOST and not any(folded(one.name) == folded(name) for one in known):
        raise Conflict(_("There are %(n)s of these already; delete one first.", n=MOST))
    values: dict[str, Any] = {
        "name": name, "headers": list(imp.headers), "mapping": lasting(rt, imp.mapping).model_dump(mode="json"),
    }  # fmt: skip
    id = session().scalar(
        insert(table)
        .values(id=new_id(), record=rt.key, **values)
        .on_conflict_do_update(
            index_elements=["tenant_id", "record", sa.text("ossature.fold(name)")],
            set_={**values, "created_at": func.now()},
            where=_mine(),
        )
        .returning(table.c.id)
    )
    if id is None:
        raise Conflict(_("Somebody else keeps columns under this name; choose another name."))
    return next(one for one in presets(rt) if one.id == id)


def lasting(rt: RecordType, mapping: Mapping) -> Mapping:
    """A mapping as it may be kept for ever: it says what texts of the file stand for, but not those of a field that is
    personal or that names people, nor free texts of records about people; and it has no value for one."""
    columns = [
        column if not column.values or _lasts(rt, column.to, texts=False) else column.model_copy(update={"values": {}})
        for column in mapping.columns
    ]
    defaults = {path: value for path, value in mapping.defaults.items() if _lasts(rt, path, texts=True)}
    return mapping.model_copy(update={"columns": columns, "defaults": defaults})


def _lasts(rt: RecordType, path: str | None, *, texts: bool) -> bool:
    """Whether what is said of a target may be kept; with `texts` also that of free ones, whatever the record."""
    place = place_of(rt, path) if path else None
    if place is None or place.what in ("id", "external", "collection"):
        return False
    item = place.field
    if item is None:
        return True
    about = referred(rt.fields[place.reference]) if place.what == "related" else rt
    free = item.kind in (Kind.TEXT, Kind.LONG_TEXT, Kind.URL) and not texts and _about_people(about)
    return not (item.personal or _names_people(place) or free)


def _about_people(rt: RecordType | None) -> bool:
    return rt is None or any(item.personal for one in (rt, *rt.parts.values()) for item in one.fields.values())


def _names_people(place: Place) -> bool:
    """Whether a reference is to records that are called by what is personal."""
    target = referred(place.field) if place.field is not None else None
    title = target.fields.get(target.title_field) if target is not None else None
    if target is None or title is None:
        return False
    personal = {name for name, item in target.fields.items() if item.personal}
    return title.personal or not personal.isdisjoint(re.findall(r"\w+", title.derived or ""))


def remove_preset(rt: RecordType, id: UUID) -> None:
    """Forget one's own. Raises `NotFound`, and `Forbidden` for one of somebody else."""
    if any(one.id == id and not one.mine for one in presets(rt)):
        raise Forbidden(_("Only who kept these columns may forget them."))
    gone = session().scalar(delete(table).where(_of(rt), _mine(), table.c.id == id).returning(table.c.id))
    if gone is None:
        raise NotFound(_("There are no columns kept under this name."))


def _of(rt: RecordType) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.tenant_id == current().tenant_id, table.c.record == rt.key)


def _mine() -> sa.ColumnElement[bool]:
    return table.c.actor_id.in_(selves())


def _name(name: str) -> str:
    try:
        cleaned = " ".join(clean_text(name).split())
    except Wrong as wrong:
        raise Invalid(str(wrong), [Detail("name", wrong.code, str(wrong))]) from None
    if not cleaned:
        raise Invalid(_("The input has faults."), [Detail("name", "required", _("Give it a name."))])
    if len(cleaned) > LONGEST_NAME:
        message = _("Use at most %(count)s characters.", count=LONGEST_NAME)
        raise Invalid(message, [Detail("name", "too_long", message)])
    return cleaned
