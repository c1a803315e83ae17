"""The statements that write rows, and what the database refuses in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError

from ossature.context import current
from ossature.db.work import session
from ossature.errors import Conflict, Detail, Invalid, Refusal
from ossature.i18n.texts import translator
from ossature.records.query import Row, among, columns, to_row
from ossature.records.recordset import document, recordset
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")


def insert_row(rt: RecordType, values: Mapping[str, Any]) -> Row:
    stored = {**stored_columns(rt, values), "tenant_id": current().tenant_id}
    return _written(rt, sa.insert(rt.table).values(stored).returning(*columns(rt)))


def update_row(rt: RecordType, id: UUID, stored: Mapping[str, Any]) -> Row:
    statement = sa.update(rt.table).where(rt.c.tenant_id == current().tenant_id, rt.c.id == id).values(stored)
    return _written(rt, statement.returning(*columns(rt)))


def update_rows(rt: RecordType, ids: Sequence[UUID], stored: Mapping[str, Any]) -> None:
    """Write the same to many rows. Raises what the database refuses, for all of them."""
    statement = sa.update(rt.table).where(rt.c.tenant_id == current().tenant_id, among(rt.c.id, ids)).values(stored)
    try:
        session().execute(statement)
    except (IntegrityError, DataError) as error:
        raise explained(rt, error) from error


def insert_each(rt: RecordType, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows of field values, each with its id; a statement for all that have the same fields. Raises what the
    database refuses, for all of them."""
    alike: dict[frozenset[str], list[dict[str, Any]]] = {}
    for values in rows:
        stored = stored_columns(rt, values)
        alike.setdefault(frozenset(stored), []).append(stored)
    for shape, some in alike.items():
        names = sorted(shape)
        quoted = ", ".join(f'"{name}"' for name in names)
        entries = ", ".join(f'entry."{name}"' for name in names)
        _execute(
            rt,
            f"INSERT INTO {rt.table.fullname} (tenant_id, {quoted}) SELECT :tenant, {entries} "  # noqa: S608
            f"FROM {recordset(rt, names)}",
            document(rt, names, some),
        )


def update_each(rt: RecordType, changes: Mapping[UUID, Mapping[str, Any]]) -> None:
    """Write to each row, by id, field values of its own that differ from those it has, in one statement. Raises what the
    database refuses, for all."""
    rows = [
        {"_id": id, "_given": list(stored), "_newer": int(not rt.versioned.isdisjoint(values)), **stored}
        for id, values in changes.items()
        if (stored := stored_columns(rt, values))
    ]
    if not rows:
        return
    names = sorted({name for row in rows for name in row["_given"]})
    assigned = ", ".join(
        f'"{name}" = CASE WHEN \'{name}\' = ANY(entry._given) THEN entry."{name}" ELSE it."{name}" END'
        for name in names
    )
    _execute(
        rt,
        # Where the version is said, the trigger need not compare the rows.
        f"UPDATE {rt.table.fullname} it SET version = it.version + entry._newer, {assigned} "  # noqa: S608
        f"FROM {recordset(rt, names, '_id uuid', '_newer integer', '_given text[]')} "
        "WHERE it.tenant_id = :tenant AND it.id = entry._id",
        document(rt, names, rows),
    )


def _execute(rt: RecordType, statement: str, rows: str) -> None:
    try:
        session().execute(sa.text(statement), {"tenant": current().tenant_id, "rows": rows})
    except (IntegrityError, DataError) as error:
        raise explained(rt, error) from error


def _written(rt: RecordType, statement: Any) -> Row:
    try:
        return to_row(rt, session().execute(statement).mappings().one())
    except (IntegrityError, DataError) as error:
        raise explained(rt, error) from error


def stored_columns(rt: RecordType, values: Mapping[str, Any]) -> dict[str, Any]:
    """Field values as column values: money takes two columns."""
    stored = dict(values)
    for item in rt.money:
        if item.name in stored:
            value = stored.pop(item.name)
            stored[f"{item.name}_minor"] = value.minor if value else None
            stored[f"{item.name}_currency"] = value.currency if value else None
    return stored


def is_secret(rt: RecordType, name: str) -> bool:
    return name in rt.secrets


def explained(rt: RecordType, error: IntegrityError | DataError) -> Refusal:
    """What the database refused, in words: the constraint's name tells the field."""
    diagnosis = getattr(error.orig, "diag", None)
    constraint = (diagnosis.constraint_name if diagnosis else None) or ""
    state = getattr(error.orig, "sqlstate", "")
    if constraint.endswith("_pkey"):
        return id_taken()
    for name in rt.fields:
        if constraint == f"{rt.name}_{name}_live_key":
            return invalid([taken(name)])
        if constraint == f"{rt.name}_tenant_id_{name}_fkey":
            return Invalid(_("The input has faults."), [Detail(name, "not_found", _("Choose an existing record."))])
        if constraint == f"{rt.name}_{name}_check":
            return Invalid(_("The input has faults."), [Detail(name, "invalid", _("This value is not allowed."))])
    return Invalid(_("The database refused the values."), [Detail("", state or "refused", constraint)])


def id_taken() -> Refusal:
    return Conflict(_("A record with this id exists already."), code="id_taken")


def taken(name: str) -> Detail:
    return Detail(name, "taken", _("Another record has this value already; choose another or change that one."))


def invalid(faults: list[Detail]) -> Refusal:
    return Invalid(_("The input has faults."), faults)
