"""Writing files: add, rename, remove, restore, forget. Pages, API and plugins all come through here.

Each takes what editing the record takes. The bytes are held before their row is written and kept once it is committed,
see `ossature.files.storage`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace as changed
from functools import partial
from typing import Any, BinaryIO
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func

from ossature.context import current
from ossature.db.work import after_commit, session
from ossature.errors import Conflict, Detail, Invalid, NotFound
from ossature.files.incoming import Incoming, demand_ending, look_at
from ossature.files.names import clean_name, numbered
from ossature.files.pictures import Picture, read_picture
from ossature.files.queries import demand_record, get_file, named_file, small_key, tenant_id
from ossature.files.storage import storage
from ossature.files.sweeping import Keys, delete_bytes
from ossature.files.table import COLUMNS, StoredFile, table
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.kernel import kernel
from ossature.records.types import RecordType
from ossature.web.formats import as_bytes

_, _l, _n = translator("ossature")


def add_file(
    rt: RecordType,
    record_id: UUID,
    name: str,
    source: BinaryIO,
    *,
    replaces: UUID | None = None,
    sha256: str | None = None,
) -> tuple[StoredFile, bool]:
    """Put a file on a record; the file, and whether anything was written.

    A file of the same name there, or the one that `replaces` names, gets a new version of which lists show no more
    than the latest; the very same bytes again change nothing, so that a request may be repeated.
    Raises `Invalid`, `TooLarge`, `NotFound`, `Forbidden`, `Conflict`, `Unavailable`.
    """
    demand_record(rt, record_id, "edit")
    found = look_at(name, source, sha256)
    before = _file_to_replace(rt, record_id, found.name, replaces)
    if before is not None and _same_bytes(before, found):
        return before, False
    key, picture = new_id().hex, read_picture(source) if found.picture else None
    try:
        _hold(key, source, picture)
        file = _write(rt, record_id, found, key, picture, replaces)
        if file.key != key:  # somebody else has written the same meanwhile
            storage().delete(tenant_id(), key, small_key(key))
            return file, False
    except BaseException:
        storage().delete(tenant_id(), key, small_key(key))
        raise
    after_commit(partial(_keep, tenant_id(), file))
    return file, True


def store_file(
    record: str, record_id: UUID, name: str, content: bytes | BinaryIO, *, replaces: UUID | None = None
) -> StoredFile:
    """Put a file on a record in the present transaction: it is there once that has committed, or never.

    `content` is bytes or an open binary file that can be sought in. A file of the same name, or the one that `replaces`
    names, gets a new version. Raises `Invalid`, `TooLarge`, `NotFound`, `Forbidden`, `Conflict`, `Unavailable`.
    """
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    return add_file(kernel().records[record], record_id, name, source, replaces=replaces)[0]


def rename_file(rt: RecordType, record_id: UUID, id: UUID, name: str) -> StoredFile:
    """Give a file another name. Raises `Invalid` for one that is empty, taken, or that files here may not have."""
    cleaned = clean_name(name, "")
    if not cleaned:
        raise _invalid("required", _("Give the file a name."))
    demand_ending(cleaned)
    one_at_a_time()
    file = _latest(rt, record_id, id)
    if cleaned == file.name:
        return file
    other = named_file(rt, record_id, cleaned)
    if other is not None and other.chain_id != file.chain_id:
        raise _invalid("taken", _("Another file here has this name; choose another one."))
    return _update(file, name=cleaned)


def remove_file(rt: RecordType, record_id: UUID, id: UUID) -> StoredFile:
    """Take a file with all its versions from its record; it can be restored."""
    one_at_a_time()
    file = _latest(rt, record_id, id, removed=True)
    return file if file.deleted_at is not None else _update(file, deleted_at=func.now())


def restore_file(rt: RecordType, record_id: UUID, id: UUID) -> StoredFile:
    """Put a removed file back. Where another one has taken its name since, it gets a number: `offer (2).pdf`."""
    one_at_a_time()
    file = _latest(rt, record_id, id, removed=True)
    if file.deleted_at is None:
        return file
    name, number = file.name, 1
    while named_file(rt, record_id, name) is not None:
        number += 1
        name = numbered(file.name, number)
    return _update(file, deleted_at=None, name=name)


def forget_files(record: str, record_ids: Iterable[UUID]) -> int:
    """Delete the files of records for good, every version: rows now, bytes once that is committed; how many there were.

    For what purges or erases records; asks no permission. Their names stand in the history until that is forgotten.
    """
    here = (table.c.tenant_id == tenant_id(), table.c.record == record, table.c.record_id.in_(list(record_ids)))
    rows = session().execute(sa.delete(table).where(*here).returning(table.c.key)).scalars().all()
    keys = sorted(set(rows))  # a version that was brought back has the bytes of an earlier one
    for start in range(0, len(keys), 1000):
        some = keys[start : start + 1000]
        delete_bytes.enqueue(Keys(keys=some))  # whatever is killed after the commit, this still happens
        after_commit(partial(_delete, tenant_id(), some))
    return len(rows)


# -- steps ---------------------------------------------------------------------------------------------------------------


def _hold(key: str, source: BinaryIO, picture: Picture | None) -> None:
    source.seek(0)
    storage().write(tenant_id(), key, source)
    if picture is not None and picture.small is not None:
        storage().write(tenant_id(), small_key(key), io.BytesIO(picture.small))


def _write(
    rt: RecordType, record_id: UUID, found: Incoming, key: str, picture: Picture | None, replaces: UUID | None
) -> StoredFile:
    one_at_a_time()
    demand_record(rt, record_id, "edit", lock=True)
    _demand_room(found)
    before = _file_to_replace(rt, record_id, found.name, replaces)
    if before is not None and _same_bytes(before, found):
        return before
    id = new_id()
    if before is not None:
        session().execute(sa.update(table).where(*_is(before.id)).values(latest=False))
    values: dict[str, Any] = {
        "id": id, "record": rt.key, "record_id": record_id, "media_type": found.kind.media_type, "size": found.size,
        "sha256": found.sha256, "key": key, "latest": True, "width": picture.width if picture else None,
        "height": picture.height if picture else None, "thumbnail": bool(picture and picture.small),
        "name": before.name if before and replaces is None else found.name,
        "chain_id": before.chain_id if before else id, "number": before.number + 1 if before else 1,
    }  # fmt: skip
    if replaces is not None and before is not None:
        other = named_file(rt, record_id, found.name)
        values["name"] = found.name if other is None or other.chain_id == before.chain_id else before.name
    row = (
        session().execute(sa.insert(table).values(tenant_id=tenant_id(), **values).returning(*COLUMNS)).mappings().one()
    )
    actor = current().actor
    return StoredFile(**row, created_by=actor.label if actor else None)


def _keep(tenant: UUID, file: StoredFile) -> None:
    if file.thumbnail:
        storage().keep(tenant, small_key(file.key))
    storage().keep(tenant, file.key)


def _delete(tenant: UUID, keys: list[str]) -> None:
    storage().delete(tenant, *(one for key in keys for one in (key, small_key(key))))


def one_at_a_time() -> None:
    """Of one tenant only one transaction at a time changes files: names stay apart and the room is counted exactly."""
    session().execute(sa.select(func.pg_advisory_xact_lock(func.hashtextextended(f"files {tenant_id()}", 0))))


def _demand_room(found: Incoming) -> None:
    most = kernel().config.files_tenant_bytes
    used = session().execute(
        sa.select(func.coalesce(func.sum(table.c.size), 0)).where(table.c.tenant_id == tenant_id())
    )
    if int(used.scalar_one()) + found.size > most:
        raise Conflict(
            _("There is no room for %(name)s: your organisation may keep %(size)s of files. Ask whoever runs this server "
              "for more.", name=found.name, size=as_bytes(most)),
            [Detail("file", "no_room", _("Your organisation's room for files is used up."))], code="no_room",
        )  # fmt: skip


def _file_to_replace(rt: RecordType, record_id: UUID, name: str, replaces: UUID | None) -> StoredFile | None:
    if replaces is None:
        return named_file(rt, record_id, name)
    try:
        return _latest(rt, record_id, replaces)
    except (NotFound, Conflict):
        raise _invalid("not_found", _("Choose a file of this record."), "replaces") from None


def _latest(rt: RecordType, record_id: UUID, id: UUID, *, removed: bool = False) -> StoredFile:
    """The latest version of a file that may be changed."""
    file = get_file(rt, record_id, id, "edit")
    if not file.latest:
        raise Conflict(_("This is an older version; change the latest one."), code="older_version")
    if file.deleted_at is not None and not removed:
        raise Conflict(_("This file was removed; restore it before changing it."), code="deleted")
    return file


def _update(file: StoredFile, **values: Any) -> StoredFile:
    statement = sa.update(table).where(*_is(file.id)).values(values).returning(table.c.name, table.c.deleted_at)
    row = session().execute(statement).one_or_none()
    if row is None:
        raise NotFound(_("There is no such file, or you may not see it."))
    return changed(file, name=row.name, deleted_at=row.deleted_at)


def _same_bytes(before: StoredFile, found: Incoming) -> bool:
    return before.sha256 == found.sha256 and before.size == found.size


def _is(id: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.tenant_id == tenant_id(), table.c.id == id


def _invalid(code: str, message: str, field: str = "name") -> Invalid:
    return Invalid(message, [Detail(field, code, message)])
