"""References between records as they are written: what is pointed at lives, and what still points is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError

from ossature.context import current
from ossature.db.kernel import actor as actor_table
from ossature.db.work import session
from ossature.errors import Conflict, Detail
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.predicate import reaches
from ossature.records.owning import OWNER
from ossature.records.query import ACTOR, Row, among
from ossature.records.statements import explained, invalid
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")


class Reference(NamedTuple):
    """One reference of a row that is written: where it stands, the kind of record and its id."""

    field: str
    target: str
    id: UUID


class Live:
    """Which records are live and seen by the writer, each asked for once; those that are stay so until the commit."""

    def __init__(self) -> None:
        self._found: dict[str, set[UUID]] = {}

    def ask(self, references: Iterable[Reference]) -> None:
        """Look for those that are not known to be live, in one statement for each kind of record."""
        wanted: dict[str, set[UUID]] = {}
        for one in references:
            if not self.has(one):
                wanted.setdefault(one.target, set()).add(one.id)
        for target, ids in wanted.items():
            self._found.setdefault(target, set()).update(session().execute(_live(target, ids)).scalars())

    def has(self, one: Reference) -> bool:
        return one.id in self._found.get(one.target, ())


def _live(target: str, ids: set[UUID]) -> Select[Any]:
    if target == ACTOR:
        return select(actor_table.c.id).where(
            actor_table.c.tenant_id == current().tenant_id, among(actor_table.c.id, ids), actor_table.c.active
        )
    rt = kernel().records[target]
    return (
        select(rt.c.id)
        .where(rt.c.tenant_id == current().tenant_id, among(rt.c.id, ids), rt.c.deleted_at.is_(None), reaches(rt))
        .order_by(rt.c.id)
        .with_for_update(read=True)
    )


def references_in(
    rt: RecordType,
    values: Mapping[str, Any],
    parts: Mapping[str, Sequence[Row]] | None = None,
    old: Mapping[str, Sequence[Row]] | None = None,
) -> Iterator[Reference]:
    """The references of a row, and those of its entries, of which what `old` entries have stands."""
    for item in (*rt.references(), *((OWNER,) if rt.owned else ())):
        if item.target and (id := values.get(item.name)) is not None:
            yield Reference(item.name, item.target, id)
    for collection, rows in (parts or {}).items():
        part = rt.parts[collection]
        referring = tuple(part.references())
        before = {row["id"]: row for row in (old or {}).get(collection, ())} if referring else {}
        for item in referring:
            for number, row in enumerate(rows):
                id = row.get(item.name)
                if item.target and id is not None and id != before.get(row.get("id"), {}).get(item.name):
                    yield Reference(f"{collection}.{number}.{item.name}", item.target, id)


def check_references(references: Iterable[Reference], live: Live | None = None) -> None:
    """Each points to a live record that the writer may see, which is locked against deletion; `live` was asked before."""
    references = list(references)
    if live is None:
        live = Live()
        live.ask(references)
    faults = [
        Detail(one.field, "not_found", _("Choose an existing record.")) for one in references if not live.has(one)
    ]
    if faults:
        raise invalid(faults)


def leave_no_live_child(rt: RecordType, ids: list[UUID], going: frozenset[UUID] = frozenset()) -> None:
    """`going` are those that are on their way out already; pointing at oneself or in a circle keeps nobody alive."""
    going |= set(ids)
    for other, item in kernel().records.pointing_at(rt.key):
        live = sa.and_(
            other.c.tenant_id == current().tenant_id, other.c[item.name].in_(ids), other.c.deleted_at.is_(None),
            other.c.id.notin_(going),
        )  # fmt: skip
        if item.on_delete == "restrict":
            count = (
                session()
                .execute(select(func.count()).select_from(select(other.c.id).where(live).limit(101).subquery()))
                .scalar_one()
            )
            if count:
                shown = f"{min(count, 100)}{'+' if count > 100 else ''}"
                raise Conflict(
                    _("%(n)s %(records)s still refer to this record.", n=shown, records=other.plural),
                    [Detail(item.name, "referenced", _("Delete or change them first."), {"record": other.key})],
                    code="referenced",
                )
        elif item.on_delete == "cascade":
            children = list(session().execute(select(other.c.id).where(live).with_for_update()).scalars())
            if children:
                leave_no_live_child(other, children, going)
                session().execute(
                    sa.update(other.table)
                    .where(other.c.tenant_id == current().tenant_id, other.c.id.in_(children))
                    .values(deleted_at=func.now())
                )


def restore_children(rt: RecordType, ids: list[UUID], deleted_at: datetime) -> None:
    """What was deleted with these records comes back with them, however deep."""
    for other, item in kernel().records.pointing_at(rt.key):
        if item.on_delete != "cascade":
            continue
        try:
            restored = session().execute(
                sa.update(other.table)
                .where(
                    other.c.tenant_id == current().tenant_id,
                    other.c[item.name].in_(ids),
                    other.c.deleted_at == deleted_at,
                )
                .values(deleted_at=None)
                .returning(other.c.id)
            )
        except IntegrityError as error:
            raise explained(other, error) from error
        if children := list(restored.scalars()):
            restore_children(other, children, deleted_at)
            _leave_no_dead_parent(other, children)


def _leave_no_dead_parent(rt: RecordType, ids: list[UUID]) -> None:
    """What else these records need must be alive, and stays so until the commit."""
    for item in rt.references():
        target = kernel().records.get(item.target or "")
        if target is None or item.on_delete == "clear":
            continue
        needed = select(rt.c[item.name]).where(rt.c.tenant_id == current().tenant_id, rt.c.id.in_(ids))
        parent = target.table.alias("parent")
        found = session().execute(
            select(parent.c.deleted_at)
            .where(parent.c.tenant_id == current().tenant_id, parent.c.id.in_(needed))
            .with_for_update(read=True)
        )
        if any(found.scalars()):
            raise invalid([Detail(item.name, "not_found", _("Choose an existing record."))])


def taken_by_others(rt: RecordType, row: Mapping[str, Any]) -> list[Detail]:
    """The unique fields of a row whose value a live record has, with that record where the reader may see it."""
    faults = []
    for item in rt.fields.values():
        value = row.get(item.name)
        if not item.unique or value is None:
            continue
        column = rt.c[item.sort_column if item.textual else item.name]
        title = rt.c[rt.title_field].label("title")
        other = (
            session()
            .execute(
                select(rt.c.id, title, reaches(rt).label("seen"))
                .where(
                    rt.c.tenant_id == current().tenant_id, rt.c.deleted_at.is_(None), rt.c.id != row["id"],
                    column == (func.ossature.fold(value) if item.textual else value),
                )
                .limit(1)
            )
            .first()
        )  # fmt: skip
        if other is None:
            continue
        words = {"field": item.label, "value": value, "name": other.title or _("Unnamed")}
        if other.seen:
            message = _("%(field)s: %(name)s has the value “%(value)s” by now. Give another one.", **words)
            extra = {"record": rt.key, "id": str(other.id), "title": other.title or "", "value": str(value)}
        else:
            message, extra = _("%(field)s: another record has the value “%(value)s” by now. Give another one.", **words), {"value": str(value)}  # fmt: skip
        faults.append(Detail(item.name, "taken", message, extra))
    return faults
