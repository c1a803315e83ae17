"""Collections of parts as they are written with their owner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func

from ossature.errors import Detail
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.records.clean import Cleaner, clean
from ossature.records.linking import leave_no_live_child
from ossature.records.owning import writable_fields
from ossature.records.part_order import keep_order
from ossature.records.query import Row
from ossature.records.statements import insert_each, update_each, update_rows
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

MOST_PARTS = 200


def split_parts(rt: RecordType, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    own = {name: value for name, value in values.items() if name not in rt.parts}
    return own, {name: values[name] for name in rt.parts if name in values}


def clean_parts(
    rt: RecordType, parts: Mapping[str, Any], read: Cleaner = clean
) -> tuple[dict[str, list[Row]], list[Detail]]:
    """The entries of collections as they are stored, and every fault; `read` is how their values are looked at."""
    cleaned: dict[str, list[Row]] = {}
    faults: list[Detail] = []
    for collection, rows in parts.items():
        if not isinstance(rows, list) or any(not isinstance(row, Mapping) for row in rows):
            faults.append(Detail(collection, "wrong_type", _("Give a list of entries.")))
            continue
        if len(rows) > MOST_PARTS:
            faults.append(Detail(collection, "too_many", _("Give at most %(n)s entries.", n=MOST_PARTS)))
            continue
        part = rt.parts[collection]
        fields = writable_fields(part)
        cleaned[collection] = []
        for number, row in enumerate(rows):
            prefix = f"{collection}.{number}."
            given = {name: value for name, value in row.items() if name != "id" and name not in part.settled}
            values, wrong = read(fields, given, partial=False, prefix=prefix)
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


@dataclass
class Entries:
    """What is to be written of a collection: of one record or of many."""

    added: list[Row] = field(default_factory=list)
    changed: dict[UUID, Row] = field(default_factory=dict)
    gone: list[UUID] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.gone)


def together(several: Iterable[Entries]) -> Entries:
    """What is written of one collection of several records."""
    found = Entries()
    for one in several:
        found.added += one.added
        found.changed |= one.changed
        found.gone += one.gone
    return found


def new_entries(part: RecordType, owner_id: UUID, rows: list[Row]) -> list[Row]:
    """The entries of a new record, numbered, each with its id and its owner's."""
    keep_order(part, rows)
    return [{**values, "id": values.get("id") or new_id(), str(part.parent_column): owner_id} for values in rows]


def compare_entries(part: RecordType, owner_id: UUID, old: list[Row], new: list[Row]) -> Entries:
    """What makes the stored entries those of `new`: known ids are changed, others added, missing ones deleted."""
    known = {row["id"]: row for row in old}
    keep_order(part, new, known)
    found, kept = Entries(), set()
    for values in new:
        id: Any = values.get("id")
        fields = {name: value for name, value in values.items() if name != "id"}
        if id in known:
            kept.add(id)
            if changed := {name: value for name, value in fields.items() if value != known[id].get(name)}:
                found.changed[id] = changed
        else:
            found.added.append({**fields, "id": new_id(), str(part.parent_column): owner_id})
    found.gone = [id for id in known if id not in kept]
    return found


def write_entries(part: RecordType, found: Entries) -> None:
    """Write what was compared, in three statements at most. Raises what the database refuses."""
    update_each(part, found.changed)
    insert_each(part, found.added)
    if found.gone:
        leave_no_live_child(part, found.gone)
        update_rows(part, found.gone, {"deleted_at": func.now()})
