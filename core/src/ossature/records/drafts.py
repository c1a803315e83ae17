"""What somebody was writing in a form and has not saved: kept for them alone, so that they can go on elsewhere.

One draft a person, record and form, as the form would send it: `{"last_name": "Martin", "addresses-0-city": "Lyon"}`.
Other people's drafts are closed off by a policy of the table, not only by what is asked here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import JSONB, insert

from ossature.context import current
from ossature.db.tenancy import TENANT, Base
from ossature.db.work import session
from ossature.errors import Detail, Forbidden, Invalid
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.rbac.predicate import demand, reaches_owner
from ossature.records.clean import Wrong, clean_text, plain
from ossature.records.fields import Field, Kind
from ossature.records.owning import writable_fields
from ossature.records.query import get_row
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

MOST = 50
"""Drafts that a person keeps; the oldest go first."""
LARGEST = 200_000
"""Bytes of one, as JSON."""
DAYS = 30
_ROW = re.compile(r"([a-z][a-z0-9_]*)-([0-9]{1,6})-([a-z0-9_]+)((?:-currency)?)")

table = sa.Table(
    "draft",
    Base.metadata,
    sa.Column("tenant_id", sa.Uuid, primary_key=True, server_default=sa.text(TENANT)),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("actor_id", sa.Uuid),
    sa.Column("record", sa.Text),
    sa.Column("record_id", sa.Uuid),
    sa.Column("version", sa.Integer),
    sa.Column("typed", JSONB),
    sa.Column("at", sa.DateTime(timezone=True)),
    schema="ossature",
)


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed; `record_id` is None for a record that is not made yet, `version` the one that was being changed."""

    record: str
    record_id: UUID | None
    version: int | None
    values: Mapping[str, Any]
    at: datetime


def kept(rt: RecordType, record_id: UUID | None) -> Draft | None:
    """The draft of whoever acts, None when there is none or it is too old."""
    if current().actor is None:
        return None
    return next(iter(_read(*_of(rt, record_id))), None)


def every_kept() -> list[Draft]:
    """All drafts of whoever acts, the latest first."""
    return _read() if current().actor is not None else []


def keep(rt: RecordType, record_id: UUID | None, values: Mapping[str, Any], version: int | None = None) -> Draft:
    """Keep what is in a form, in place of what was kept of it.

    Raises `Forbidden` or `NotFound` for a record that the actor may not write, `Invalid` for what no form of it holds,
    secrets among it, and for more than `LARGEST`.
    """
    actor = current().actor
    if actor is None:
        raise Forbidden(_("Only members keep drafts."))
    if record_id is None:
        demand(rt, "create")
    elif not reaches_owner(rt, "edit", get_row(rt, record_id).get("owner_id")):
        raise Forbidden(_("You may not change this record."), permission=rt.permission("edit"))
    _check(rt, values)
    row = {"id": new_id(), "actor_id": actor.id, "record": rt.key, "record_id": record_id}
    written = {"version": version, "typed": dict(values), "at": func.now()}
    statement = insert(table).values(**row, **written)
    session().execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "actor_id", "record", "record_id"], set_=written
        )
    )  # fmt: skip
    newest = sa.select(table.c.id).where(*_mine()).order_by(table.c.at.desc(), table.c.id).limit(MOST)
    session().execute(sa.delete(table).where(*_mine(), table.c.id.notin_(newest)))
    draft = kept(rt, record_id)
    assert draft is not None
    return draft


def drop(rt: RecordType, record_id: UUID | None) -> None:
    """Forget a draft: it was saved, or nobody wants it."""
    if current().actor is not None:
        session().execute(sa.delete(table).where(*_of(rt, record_id)))


def forget_everybodys(rt: RecordType, record_id: UUID) -> None:
    """Take away what anybody was writing about a record; the system role's work."""
    here = table.c.tenant_id == current().tenant_id, table.c.record == rt.key, table.c.record_id == record_id
    session().execute(sa.delete(table).where(*here))


def _check(rt: RecordType, values: Mapping[str, Any]) -> None:
    faults = []
    for name, value in values.items():
        texts = value if isinstance(value, list) else [value]
        if not _is_of(rt, name):
            fault = "unknown_field", _("The form has no such field that could be kept.")
        elif not all(isinstance(one, str) and _can_be_stored(one) for one in texts):
            fault = "invalid", _("Give what the form would send: a text, or a list of texts.")
        else:
            continue
        faults.append(Detail(f"values.{plain(name)}", *fault))
    if faults:
        raise Invalid(_("This draft cannot be kept."), faults[:20])
    if len(orjson.dumps(values)) > LARGEST:
        fault_ = Detail("values", "too_long", _("Keep at most %(n)s bytes.", n=LARGEST))
        raise Invalid(_("This draft is too large to be kept."), [fault_])


def _is_of(rt: RecordType, name: str) -> bool:
    """Whether the form has an input of that name, and not one of a secret."""
    if found := _ROW.fullmatch(name):
        part = rt.parts.get(found[1])
        return part is not None and (found[3] == "id" or _in_form(writable_fields(part), found[3] + found[4]))
    return _in_form(writable_fields(rt), name)


def _in_form(fields: Mapping[str, Field], name: str) -> bool:
    field, dash, _currency = name.partition("-currency")
    item = fields.get(field)
    return item is not None and not item.secret and (not dash or (item.kind is Kind.MONEY and not _currency))


def _can_be_stored(text: str) -> bool:
    try:
        clean_text(text, lines=True)
    except Wrong:
        return False
    return True


def _read(*conditions: sa.ColumnElement[bool]) -> list[Draft]:
    young = table.c.at > func.now() - sa.text(f"interval '{DAYS} days'")
    columns = (table.c.record, table.c.record_id, table.c.version, table.c.typed, table.c.at)
    statement = sa.select(*columns).where(*(conditions or _mine()), young).order_by(table.c.at.desc(), table.c.id)
    return [Draft(*row) for row in session().execute(statement.limit(MOST))]


def _of(rt: RecordType, record_id: UUID | None) -> tuple[sa.ColumnElement[bool], ...]:
    same = table.c.record_id.is_(None) if record_id is None else table.c.record_id == record_id
    return (*_mine(), table.c.record == rt.key, same)


def _mine() -> tuple[sa.ColumnElement[bool], ...]:
    actor = current().actor
    return table.c.tenant_id == current().tenant_id, table.c.actor_id == (actor.id if actor else None)
