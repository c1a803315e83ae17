"""One row put back: what its columns become, what of it was changed since, and the writing of such rows in sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import JSONB

from ossature.context import current
from ossature.db.work import session
from ossature.errors import Detail
from ossature.history.net import Net, field_of, from_history, tracked_columns
from ossature.i18n.texts import translator
from ossature.rbac.predicate import visible_fields
from ossature.records.query import ACTOR, BASE
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

NOW = object()
"""Stands for the moment of the write: what is deleted anew is deleted now."""


class Refused(Exception):
    def __init__(self, code: str, message: str, field: str = "", **extra: Any) -> None:
        super().__init__(message)
        self.detail = Detail(field, code, message, extra)


@dataclass
class Line:
    """One row that is to be put back: the record's or a part's. `columns` become what is given, in the history's JSON."""

    rt: RecordType
    id: UUID
    raw: Mapping[str, Any]
    net: Net
    collection: str = ""
    columns: dict[str, Any] = field(default_factory=dict)

    @property
    def what(self) -> str:
        if "deleted_at" not in self.columns:
            return "update"
        return "restore" if self.columns["deleted_at"] is None else "delete"

    @property
    def after(self) -> dict[str, Any]:
        return {
            **self.raw,
            **{
                name: datetime.now(UTC) if value is NOW else from_history(self.rt.c[name], value)
                for name, value in self.columns.items()
            },
        }

    @property
    def shown(self) -> dict[str, tuple[Any, Any]]:
        """From what to what, as JSON, of what is no deletion; amounts of money with both their halves."""
        found = {
            name: (self.net.columns[name][1], value) for name, value in self.columns.items() if name != "deleted_at"
        }
        for item in self.rt.money:
            if any(name in found for name in item.columns):
                found |= {name: (self.raw[name], self.raw[name]) for name in item.columns if name not in found}
        return found


def what_it_becomes(line: Line, since: Mapping[UUID, Net]) -> dict[str, Any]:
    raw, net = line.raw, line.net
    if net.created:
        if raw["deleted_at"] is not None:
            return {}
        if line.collection and (later := since.get(line.id)) is not None and not later.same:
            raise _changed(line, next(iter(later.columns), ""))
        return {"deleted_at": NOW}
    found: dict[str, Any] = {}
    for name, (before, after) in net.columns.items():
        if name not in tracked_columns(line.rt):
            continue  # the declaration has changed since
        if name == "deleted_at":
            if (raw[name] is None) != (before is None):
                found[name] = None if before is None else NOW
            continue
        column, now = line.rt.c[name], raw[name]
        if now == from_history(column, before):
            continue
        if now != from_history(column, after):
            raise _changed(line, name)
        found[name] = before
    _whole_money(line, found, since.get(line.id))
    return found


def _changed(line: Line, name: str) -> Refused:
    item = field_of(line.rt, name)
    if item is not None and item.name not in visible_fields(line.rt):
        return Refused("forbidden", _("It also changed what you may not change."))
    label = str(item.label) if item else str(_("Owner")) if name == "owner_id" else ""
    if line.collection:
        label = f"{line.rt.label}: {label}" if label else str(line.rt.label)
    path = line.collection or (item.name if item else name)
    return Refused("changed_since", _("%(field)s was changed since.", field=label or line.rt.label), path)


def _whole_money(line: Line, found: Mapping[str, Any], since: Net | None) -> None:
    """An amount is put back whole: its other half must not have changed since."""
    for item in line.rt.money:
        if since is not None and any(name in found for name in item.columns):
            for name in item.columns:
                if name not in line.net.columns and name in since.columns:
                    raise _changed(line, name)


def stored_columns(rt: RecordType) -> list[sa.Column[Any]]:
    """Columns to read: all but secrets and what is only for order and search."""
    hidden = {item.name for item in rt.fields.values() if item.secret}
    names = {*BASE, *tracked_columns(rt), *(item for one in rt.fields.values() for item in one.columns)} - hidden
    return [column for column in rt.table.c if column.name in names]


def needs_of(line: Line) -> Iterator[tuple[str, str, str, UUID]]:
    """Name, label, target and id of what must be alive for a row to be put back."""
    restored = line.what == "restore"
    for item in line.rt.references():
        given = item.name in line.columns
        value = from_history(line.rt.c[item.name], line.columns[item.name]) if given else line.raw[item.name]
        if value is not None and value != line.id and (given or (restored and item.on_delete != "clear")):
            yield item.name, str(item.label), item.target or "", value
    if (owner := line.columns.get("owner_id")) is not None:
        yield "owner_id", str(_("Owner")), ACTOR, UUID(owner)


class Written(Protocol):
    """A row whose `columns` become what is given, in the history's JSON."""

    id: UUID
    columns: dict[str, Any]


Row = TypeVar("Row", bound=Written)


def alike(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows by the columns that are put back in them, and whether that is to the moment of the write."""
    found: dict[tuple[tuple[str, bool], ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(sorted((name, value is NOW) for name, value in row.columns.items())), []).append(row)
    yield from found.values()


def set_columns(table: sa.Table, rows: Sequence[Written]) -> None:
    """One statement for rows that are alike: the history's JSON becomes values where it came from, in the database."""
    now = [name for name, value in rows[0].columns.items() if value is NOW]
    given = [name for name in rows[0].columns if name not in now]
    documents = [{"id": row.id, **{name: row.columns[name] for name in given}} for row in rows]
    was = (
        func.jsonb_to_recordset(sa.cast(documents, JSONB))
        .table_valued(sa.column("id", sa.Uuid), *(sa.column(name, table.c[name].type) for name in given))
        .render_derived(name="was", with_types=True)
    )
    values: dict[str, Any] = {name: was.c[name] for name in given} | dict.fromkeys(now, func.now())
    statement = sa.update(table).where(table.c.tenant_id == current().tenant_id, table.c.id == was.c.id)
    session().execute(statement.values(values))
