"""A record as it was after one of its change sets, how that differs from now, and bringing parts of it back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select

from ossature.context import current
from ossature.db.kernel import change
from ossature.db.types import Money
from ossature.db.work import by_means, session
from ossature.errors import Conflict, Detail, Forbidden, Invalid, NotFound
from ossature.history.change_sets import ChangeSet, find_change_set, may_see_history, of_change_set
from ossature.history.net import Net, changes_of, from_history, tracked_columns
from ossature.i18n.texts import translator
from ossature.rbac.permissions import HISTORY_VIEW
from ossature.rbac.predicate import visible_fields
from ossature.records import service
from ossature.records.fields import Field
from ossature.records.owning import OWNER, writable_fields
from ossature.records.query import Row, columns, get_row, part_rows, to_row
from ossature.records.service import Written
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")


@dataclass(frozen=True, slots=True)
class Version:
    """`then` and `now` are rows with their collections; `fields` are those of the reader's that differ, `collections`
    those of parts."""

    head: ChangeSet
    then: Row
    now: Row
    fields: Mapping[str, Field]
    collections: tuple[str, ...]


def version_at(rt: RecordType, id: UUID, change_set_id: UUID) -> Version:
    """The record as a change set left it. Raises `NotFound`, `Forbidden` for those who may not see the history."""
    if not may_see_history():
        raise Forbidden(_("You may not see who changed what."), permission=HISTORY_VIEW)
    now = get_row(rt, id)
    head = find_change_set(change_set_id)
    here = and_(change.c.tenant_id == current().tenant_id, change.c.root_id == id)
    mark = session().scalar(select(func.max(change.c.seq)).where(here, of_change_set(head)))
    if mark is None:
        raise NotFound(_("There is no such change, or you may not see it."))
    later = changes_of(here, change.c.seq > mark).get(id, {})
    if any(net.erased for net in later.values()):
        raise Conflict(_("What it held before has been erased from the history."), code="erased")
    then = {**now, **_before(rt, now, later.get(id))}
    parts = {name: found.get(id, []) for name, found in part_rows(rt, [id]).items()}
    earlier = {name: _entries(part, parts[name], later) for name, part in rt.parts.items()}
    fields = {**{name: item for name, item in visible_fields(rt).items() if item.writable and not item.secret and item.tracked},
              **({"owner_id": OWNER} if rt.owned else {})}  # fmt: skip
    return Version(
        head, {**then, **earlier}, {**now, **parts},
        {name: item for name, item in fields.items() if then.get(name) != now.get(name)},
        tuple(name for name, part in rt.parts.items() if not _same(part, earlier[name], parts[name])),
    )  # fmt: skip


def restore_version(
    rt: RecordType, id: UUID, change_set_id: UUID, names: Collection[str], version: int | None = None
) -> Written:
    """Bring fields and collections back as they were then, as a new change set. `version` is the one that was compared.

    Raises as `service.update`; `Invalid` when nothing that differs is named.
    """
    found = version_at(rt, id, change_set_id)
    may = writable_fields(rt)
    chosen = {name: _given(found.then[name]) for name in found.fields if name in names and name in may}
    for name in found.collections:
        if name in names:
            chosen[name] = [_entry(rt.parts[name], row) for row in found.then[name]]
    if not chosen:
        message = _("Choose at least one field that differs from now.")
        raise Invalid(message, [Detail("fields", "required", message)])
    if rt.ledger:
        raise Conflict(_("What is written in %(records)s stays; correct it by a new entry.", records=rt.plural))
    by_means("version")
    return service.update(rt, id, chosen, version=version)


def _before(rt: RecordType, row: Row, net: Net | None) -> Row:
    """The fields of a row that some changes changed, with the values that they had before."""
    if net is None:
        return {}
    was = {
        name: from_history(rt.c[name], before)
        for name, (before, _after) in net.columns.items()
        if name in tracked_columns(rt)
    }
    named = {column for item in visible_fields(rt).values() for column in item.columns} | {"owner_id", "deleted_at"}
    raw = {name: value for name, value in was.items() if name in named}
    for item in rt.money:
        if any(name in raw for name in item.columns):
            money: Money | None = row.get(item.name)
            now = dict(zip(item.columns, (money.minor, money.currency) if money else (None, None), strict=True))
            raw = {**now, **raw}
    return to_row(rt, raw)  # type: ignore[arg-type]  # a mapping is all it takes


def _entries(part: RecordType, now: list[Row], later: Mapping[UUID, Net]) -> list[Row]:
    """A collection before some changes."""
    rows = {row["id"]: dict(row) for row in now}
    nets = [net for net in later.values() if net.record == part.key]
    gone = [net.id for net in nets if net.id not in rows and not net.created]
    if gone:
        stored = select(*columns(part)).where(part.c.tenant_id == current().tenant_id, part.c.id.in_(gone))
        rows |= {row["id"]: to_row(part, row) for row in session().execute(stored).mappings()}
    for net in nets:
        if net.created:
            rows.pop(net.id, None)
        elif net.id in rows:
            rows[net.id] |= _before(part, rows[net.id], net)
    live = [row for row in rows.values() if row["deleted_at"] is None]
    order = [column.name for column in part.entries_order]
    return sorted(live, key=lambda row: [row[name] for name in order])


def _same(part: RecordType, then: list[Row], now: list[Row]) -> bool:
    return [_entry(part, row) for row in then] == [_entry(part, row) for row in now]


def _entry(part: RecordType, row: Row) -> dict[str, Any]:
    names = [name for name, item in writable_fields(part).items() if name in row]
    return {"id": str(row["id"]), **{name: _given(row[name]) for name in names}}


def _given(value: Any) -> Any:
    """A value as a writer gives it."""
    if isinstance(value, Money):
        return {"amount": str(value.amount), "currency": value.currency}
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID | Decimal) else value
