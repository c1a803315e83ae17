"""Collections of parts as they are written with their owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func

from ossature.context import current
from ossature.db.work import session
from ossature.errors import Detail
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.records.clean import clean
from ossature.records.linking import leave_no_live_child
from ossature.records.owning import writable_fields
from ossature.records.part_order import keep_order
from ossature.records.query import Row
from ossature.records.statements import insert_row, stored_columns, update_row
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

MOST_PARTS = 200


def split_parts(rt: RecordType, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    own = {name: value for name, value in values.items() if name not in rt.parts}
    return own, {name: values[name] for name in rt.parts if name in values}


def clean_parts(rt: RecordType, parts: Mapping[str, Any]) -> tuple[dict[str, list[Row]], list[Detail]]:
    cleaned: dict[str, list[Row]] = {}
    faults: list[Detail] = []
    for collection, rows in parts.items():
        if not isinstance(rows, list) or any(not isinstance(row, Mapping) for row in rows):
            faults.append(Detail(collection, "wrong_type", _("Give a list of entries.")))
            continue
        if len(rows) > MOST_PARTS:
            faults.append(Detail(collection, "too_many", _("Give at most %(n)s entries.", n=MOST_PARTS)))
            continue
        cleaned[collection] = []
        for number, row in enumerate(rows):
            prefix = f"{collection}.{number}."
            kept = {name for name, item in rt.parts[collection].fields.items() if not item.writable and not item.parent}
            given = {name: value for name, value in row.items() if name != "id" and name not in kept}
            values, wrong = clean(writable_fields(rt.parts[collection]), given, partial=False, prefix=prefix)
            faults += wrong
            if row.get("id") is not None:
                try:
                    values["id"] = UUID(str(row["id"]))
                except ValueError:
                    faults.append(Detail(prefix + "id", "invalid", _("Choose an existing record.")))
                else:
                    if any(values["id"] == earlier.get("id") for earlier in cleaned[collection]):
                        faults.append(Detail(prefix + "id", "repeated", _("Give it once.")))
            cleaned[collection].append(values)
    return cleaned, faults


def write_parts(part: RecordType, owner_id: UUID, old: list[Row], new: list[Row]) -> bool:
    """Make the stored entries those of `new`: known ids are changed, others added, missing ones deleted."""
    known = {row["id"]: row for row in old}
    keep_order(part, new, known)
    touched = False
    kept = set()
    for values in new:
        id: Any = values.get("id")
        fields = {name: value for name, value in values.items() if name != "id"}
        if id in known:
            kept.add(id)
            changed = {name: value for name, value in fields.items() if value != known[id].get(name)}
            if changed:
                update_row(part, id, stored_columns(part, changed))
                touched = True
        else:
            insert_row(part, {**fields, "id": new_id(), str(part.parent_column): owner_id})
            touched = True
    gone = [id for id in known if id not in kept]
    if gone:
        leave_no_live_child(part, gone)
        session().execute(
            sa.update(part.table)
            .where(part.c.tenant_id == current().tenant_id, part.c.id.in_(gone))
            .values(deleted_at=func.now())
        )
        touched = True
    return touched
