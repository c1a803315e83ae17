"""What a change set did to each row, all its changes taken together; values between the history's JSON and Python."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import JSONB

from ossature.context import current
from ossature.db.kernel import change
from ossature.db.operations import UNTRACKED
from ossature.db.work import session
from ossature.records.fields import Field
from ossature.records.types import RecordType


@dataclass
class Net:
    """One row before and after: `columns` with the values that differ, as JSON. Of a created row: all that it got.

    `erased`: what some of it held is gone from the history. `version` is the row's after the last of these changes, `last` the number of that change.
    """

    record: str
    id: UUID
    created: bool = False
    purged: bool = False
    erased: bool = False
    version: int | None = None
    last: int = 0
    columns: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def same(self) -> bool:
        """Whether nothing is left of it: what was changed was changed back."""
        return not (self.created or self.purged or self.erased or self.columns)

    def _then(self, what: str, payload: Mapping[str, Any]) -> None:
        if what in ("create", "purge"):
            self.created, self.purged = self.created or what == "create", what == "purge"
            self.columns = {name: (None, value) for name, value in payload.items()} if what == "create" else {}
            return
        for name, (before, after) in payload.items():
            first = self.columns.get(name, (before,))[0]
            self.columns[name] = (first, after)
            if first == after and not self.created:
                del self.columns[name]


Nets = dict[UUID, dict[UUID, Net]]
"""The record -> its row and those of its parts -> what became of each."""


def nets(rows: Iterable[sa.RowMapping]) -> Nets:
    """Rows of the history (`record`, `record_id`, `root_id`, `what`, `version`, `seq`, `erased`, `payload` as text), oldest first."""
    found: Nets = {}
    for row in rows:
        net = found.setdefault(row["root_id"], {}).setdefault(row["record_id"], Net(row["record"], row["record_id"]))
        net.version, net.last = row["version"], row["seq"]
        net.erased = net.erased or row["erased"]
        net._then(row["what"], json.loads(row["payload"], parse_float=Decimal))
    return found


def changes_of(*where: sa.ColumnElement[bool], after: Mapping[UUID, int] | None = None) -> Nets:
    """What all those changes of the bound tenant add up to; `after`: of each record, those after a change's number."""
    c = change.c
    statement = select(
        c.record,
        c.record_id,
        c.root_id,
        c.what,
        c.version,
        c.seq,
        c.salt.is_(None).label("erased"),
        sa.cast(c.payload, sa.Text).label("payload"),
    ).where(c.tenant_id == current().tenant_id, *where)
    rows = session().execute(statement.order_by(c.seq)).mappings()
    return nets(row for row in rows if after is None or row["seq"] > after[row["root_id"]])


def tracked_columns(rt: RecordType) -> tuple[str, ...]:
    """The columns that the history keeps values of: not what the database makes, not secrets, nothing untracked."""
    left_out = {column for item in rt.fields.values() if item.secret or not item.tracked for column in item.columns}
    return tuple(
        column.name
        for column in rt.table.c
        if column.name not in UNTRACKED and column.computed is None and column.name not in left_out
    )


def field_of(rt: RecordType, column: str) -> Field | None:
    """The field that a column holds the value of, if it is one's."""
    return next((item for item in rt.fields.values() if column in item.columns), None)


def from_history(column: sa.Column[Any], value: Any) -> Any:
    """A value of the history's JSON as the column holds it."""
    if value is None:
        return None
    if isinstance(column.type, sa.Uuid):
        return UUID(value)
    if isinstance(column.type, sa.DateTime):
        return datetime.fromisoformat(value)
    if isinstance(column.type, sa.Date):
        return date.fromisoformat(value)
    if isinstance(column.type, sa.Numeric):
        return Decimal(str(value))
    if isinstance(column.type, JSONB):
        return json.loads(json.dumps(value, default=float))
    return value
