"""Reading files: each read asks the record's own predicate, in one place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO
from uuid import UUID

import sqlalchemy as sa

from ossature.context import current
from ossature.db.kernel import actor
from ossature.db.work import session
from ossature.errors import Forbidden, NotFound
from ossature.files.storage import storage
from ossature.files.table import COLUMNS, StoredFile, table
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.predicate import reaches
from ossature.records.living import demand_living
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

COUNT_UP_TO = 99


def demand_record(rt: RecordType, record_id: UUID, action: str = "view", *, lock: bool = False) -> bool:
    """See to it that the bound actor may take the action on this record, since files have no rights of their own;
    whether it is live. Raises `NotFound`, `Forbidden`, and `Conflict` for a change of what hangs on a deleted record."""
    statement = sa.select(rt.c.deleted_at, reaches(rt, action).label("may")).where(
        rt.c.tenant_id == current().tenant_id, rt.c.id == record_id, reaches(rt)
    )
    if lock:
        statement = statement.with_for_update(read=True, of=rt.table)
    row = session().execute(statement).one_or_none()
    if row is None:
        raise _no_record(rt)
    _demand(rt, record_id, action, row.may, row.deleted_at)
    return row.deleted_at is None


def may_change_files(rt: RecordType, record_id: UUID) -> bool:
    """Whether the bound actor may change the files of a record that it may see. Raises `NotFound`."""
    statement = sa.select(sa.and_(rt.c.deleted_at.is_(None), reaches(rt, "edit"))).where(
        rt.c.tenant_id == current().tenant_id, rt.c.id == record_id, reaches(rt)
    )
    found = session().execute(statement).scalar_one_or_none()
    if found is None:
        raise _no_record(rt)
    return bool(found)


def get_file(rt: RecordType, record_id: UUID, id: UUID, action: str = "view") -> StoredFile:
    """One version of a file on a record on which the bound actor may take the action. Raises as `demand_record` does."""
    statement = (
        _read(rt.c.deleted_at.label("record_deleted_at"), reaches(rt, action).label("may"))
        .join(rt.table, sa.and_(rt.c.tenant_id == table.c.tenant_id, rt.c.id == table.c.record_id))
        .where(table.c.record == rt.key, table.c.record_id == record_id, table.c.id == id, reaches(rt))
    )
    row = session().execute(statement).mappings().one_or_none()
    if row is None:
        raise NotFound(_("There is no such file, or you may not see it."), record=rt.key)
    _demand(rt, record_id, action, row["may"], row["record_deleted_at"])
    return _as_file(row)


def list_files(
    rt: RecordType, record_id: UUID, *, before: UUID | None = None, limit: int = 50, removed: bool = False
) -> list[StoredFile]:
    """The files of a record in their latest versions, the newest first; `removed` those that were taken from it."""
    demand_record(rt, record_id)
    where = [table.c.record == rt.key, table.c.record_id == record_id, table.c.latest]
    where.append(table.c.deleted_at.is_not(None) if removed else table.c.deleted_at.is_(None))
    if before is not None:
        where.append(table.c.id < before)
    return _files(_read().where(*where).order_by(table.c.id.desc()).limit(limit))


def versions_of(rt: RecordType, record_id: UUID, id: UUID) -> list[StoredFile]:
    """Every version of the file that `id` is a version of, the newest first; at most 200."""
    file = get_file(rt, record_id, id)
    return _files(_read().where(table.c.chain_id == file.chain_id).order_by(table.c.number.desc()).limit(200))


def named_file(rt: RecordType, record_id: UUID, name: str) -> StoredFile | None:
    """The file of a record that has this name, case and accents aside; whether one may see it is for the caller to ask."""
    statement = _read().where(
        table.c.record == rt.key, table.c.record_id == record_id, table.c.latest, table.c.deleted_at.is_(None),
        sa.func.ossature.fold(table.c.name) == sa.func.ossature.fold(name),
    )  # fmt: skip
    return next(iter(_files(statement)), None)


def count_files(rt: RecordType, record_id: UUID) -> int:
    """How many files a record has, counted up to 100; whether the reader may see the record is for the caller to ask."""
    some = (
        sa.select(sa.literal(1))
        .where(
            table.c.tenant_id == current().tenant_id, table.c.record == rt.key, table.c.record_id == record_id,
            table.c.latest, table.c.deleted_at.is_(None),
        )
        .limit(COUNT_UP_TO + 1)
    )  # fmt: skip
    return session().execute(sa.select(sa.func.count()).select_from(some.subquery())).scalar_one()


def names_of(ids: Iterable[UUID]) -> dict[UUID, str]:
    """Names by id, for the timeline of a record that the reader may see."""
    rows = session().execute(
        sa.select(table.c.id, table.c.name).where(table.c.tenant_id == current().tenant_id, table.c.id.in_(list(ids)))
    )
    return {row.id: row.name for row in rows}


def open_file(record: str, record_id: UUID, id: UUID) -> tuple[StoredFile, BinaryIO]:
    """A file and its bytes, to be read from any place in them, and closed by the caller.

    Raises `NotFound` where there is none or the bound actor may not see the record.
    """
    file = get_file(kernel().records[record], record_id, id)
    return file, bytes_of(file)


def files_of(record: str, record_id: UUID, *, limit: int = 50) -> list[StoredFile]:
    """The files of a record in their latest versions, the newest first."""
    return list_files(kernel().records[record], record_id, limit=limit)


def files_by_id(ids: Iterable[UUID]) -> list[StoredFile]:
    """Versions of files by their ids, in that order, without those that are gone. Asks no right on their records: for what
    was given them by somebody who had it."""
    wanted = list(ids)
    found = {file.id: file for file in _files(_read().where(table.c.id.in_(wanted)))} if wanted else {}
    return [found[id] for id in wanted if id in found]


def bytes_of(file: StoredFile, *, small: bool = False) -> BinaryIO:
    """The bytes of a file that was read, or of its small picture."""
    return storage().open(tenant_id(), small_key(file.key) if small else file.key)


def small_key(key: str) -> str:
    return f"{key}-small"


def tenant_id() -> UUID:
    found = current().tenant_id
    assert found is not None, "files belong to a tenant"
    return found


def _read(*more: Any) -> sa.Select[Any]:
    who = sa.and_(actor.c.tenant_id == table.c.tenant_id, actor.c.id == table.c.created_by_id)
    statement = sa.select(*COLUMNS, actor.c.label.label("created_by"), *more).select_from(table)
    return statement.outerjoin(actor, who).where(table.c.tenant_id == current().tenant_id)


def _files(statement: sa.Select[Any]) -> list[StoredFile]:
    return [_as_file(row) for row in session().execute(statement).mappings()]


def _as_file(row: Any) -> StoredFile:
    return StoredFile(**{name: row[name] for name in StoredFile.__dataclass_fields__})


def _demand(rt: RecordType, record_id: UUID, action: str, may: bool, deleted_at: object) -> None:
    if not may:
        permission = rt.permission(action)
        raise Forbidden(
            _("Your permission %(permission)s does not reach this record.", permission=permission),
            permission=permission,
        )
    if action != "view":
        demand_living(rt, record_id, deleted_at)


def _no_record(rt: RecordType) -> NotFound:
    return NotFound(_("There is no such record, or you may not see it."), record=rt.key)
