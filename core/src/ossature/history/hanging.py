"""What hangs on records put back along with them, notes, files and external ids: what each becomes, what stands in the
way, the writing of it.

The bytes of a file stay where they are: an earlier version comes back as a new one that names the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ossature.context import current
from ossature.db.kernel import external_id, note
from ossature.db.work import session
from ossature.errors import Unavailable
from ossature.files.queries import bytes_of
from ossature.files.storage import Missing
from ossature.files.table import COLUMNS, FILE, StoredFile
from ossature.files.table import table as file
from ossature.history.lines import NOW, Refused, alike, set_columns
from ossature.history.net import Net, Nets
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.records.external_ids import EXTERNAL_ID
from ossature.records.notes import NOTE, answers_for
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

HANGING = (NOTE, FILE, EXTERNAL_ID)
"""What hangs on a record without being of its fields, by its key in the history."""
_TABLES = (note, file, external_id)
_TAKEN = {
    "file_name_key": ("file", _l("Another file here has its name by now.")),
    "external_id_value_key": ("external_id", _l("Another record has its external id by now.")),
}


@dataclass
class Hung:
    """One row that is to be put back: `columns` as of a `Line`; or a version of a file that comes back after the row."""

    table: sa.Table
    id: UUID
    name: str
    columns: dict[str, Any] = field(default_factory=dict)
    version: StoredFile | None = None

    @property
    def what(self) -> str:
        if "deleted_at" not in self.columns:
            return "update"
        return "restore" if self.columns["deleted_at"] is None else "delete"


class Hanging:
    """What hangs on some records of one kind, as it is now; `nets` is what a change set did to them."""

    def __init__(self, rt: RecordType, nets: Nets, ids: Sequence[UUID]) -> None:
        self.rt = rt
        self.nets = {id: [net for net in nets[id].values() if net.record in HANGING] for id in ids}
        changed = {
            key: [net.id for found in self.nets.values() for net in found if net.record == key] for key in HANGING
        }
        self.notes = _rows(note, changed[NOTE])
        self.external_ids = _rows(external_id, changed[EXTERNAL_ID])
        self.chains = _versions_of_files(changed[FILE])

    def of(self, id: UUID) -> list[Hung]:
        """What is to be put back of one record's. Raises `Refused` for what was changed since, or is gone."""
        for net in self.nets[id]:
            if net.erased:
                raise Refused("erased", _("What it held before has been erased from the history."))
        found = [self._note(net) for net in self.nets[id] if net.record == NOTE]
        found += [self._external_id(net) for net in self.nets[id] if net.record == EXTERNAL_ID]
        files = {net.id: net for net in self.nets[id] if net.record == FILE}
        for chain in {self._chain(net.id)[0].chain_id: self._chain(net.id) for net in files.values()}.values():
            found += _file(chain, files)
        return [hung for hung in found if hung.columns or hung.version]

    def _note(self, net: Net) -> Hung:
        row = self.notes.get(net.id)
        if row is None or net.purged:
            raise Refused("gone", _("A note was deleted for good."), "note")
        hung = Hung(note, net.id, _("Note"))
        if net.created:
            if row["deleted_at"] is None:
                if any(row[name] != net.columns[name][1] for name in ("text", "pinned")):
                    raise Refused("changed_since", _("The note was changed since."), "note")
                hung.columns["deleted_at"] = NOW
        else:
            hung.columns = _columns(
                net, row, ("text", "pinned", "deleted_at", "record_id"), _("The note was changed since."), "note"
            )
            if (
                hung.columns.keys() - {"record_id"}
                and row["deleted_at"] is not None
                and "deleted_at" not in hung.columns
            ):
                raise Refused("changed_since", _("The note was deleted since."), "note")
        if not {"text", "deleted_at"}.isdisjoint(hung.columns) and not answers_for(self.rt, row["author_id"]):
            raise Refused("forbidden", _("Only the author, or somebody who may edit them all, changes a note."), "note")
        if "text" in hung.columns:
            hung.columns["updated_at"] = NOW
        return hung

    def _external_id(self, net: Net) -> Hung:
        row = self.external_ids.get(net.id)
        if row is None or net.purged:
            raise Refused("gone", _("An external id was deleted for good."), "external_id")
        hung = Hung(external_id, net.id, f"{_('External id')} {row['source']}: {row['value']}")
        if net.created:
            hung.columns = {"deleted_at": NOW} if row["deleted_at"] is None else {}
        else:
            hung.columns = _columns(net, row, ("deleted_at",), _("The external id was changed since."), "external_id")
        return hung

    def _chain(self, id: UUID) -> list[StoredFile]:
        if id not in self.chains:
            raise Refused("gone", _("A file was deleted for good."), "file")
        return self.chains[id]


def _file(chain: Sequence[StoredFile], nets: Mapping[UUID, Net]) -> Iterator[Hung]:
    """What becomes of one file, by its versions, the newest first."""
    latest = chain[0]
    changed = _("The file %(name)s was changed since.", name=latest.name)
    hung = Hung(file, latest.id, latest.name)
    added = [one for one in chain if one.id in nets and nets[one.id].created]
    if added:
        before = [one for one in chain if one.number < added[-1].number]
        if not before and latest.deleted_at is not None:
            return
        if before and (latest.sha256, latest.name, latest.deleted_at) == (before[0].sha256, before[0].name, None):
            return
        if (
            latest.id != added[0].id
            or latest.deleted_at is not None
            or latest.name != nets[latest.id].columns["name"][1]
        ):
            raise Refused("changed_since", changed, "file")
        if before:
            hung.version = _with_its_bytes(before[0])
        else:
            hung.columns["deleted_at"] = NOW
        yield hung
        return
    now = {"name": latest.name, "deleted_at": latest.deleted_at}
    for one in chain:
        if one.id in nets:
            hung.columns |= _columns(nets[one.id], now, ("name", "deleted_at"), changed, "file")
    if hung.columns and latest.deleted_at is not None and "deleted_at" not in hung.columns:
        raise Refused("changed_since", changed, "file")
    if "deleted_at" in hung.columns and hung.columns["deleted_at"] is None:
        _with_its_bytes(latest)
    yield from _moved(chain, nets, hung)
    yield hung


def _moved(chain: Sequence[StoredFile], nets: Mapping[UUID, Net], hung: Hung) -> Iterator[Hung]:
    """A file that went to another record goes back with all its versions, those that came since included; `hung` is
    what becomes of the latest."""
    moves = [
        nets[one.id].columns["record_id"] for one in chain if one.id in nets and "record_id" in nets[one.id].columns
    ]
    for before, after in moves[:1]:
        for one in chain:
            if str(one.record_id) != after:
                continue
            if one.id == hung.id:
                hung.columns["record_id"] = before
            else:
                yield Hung(file, one.id, one.name, {"record_id": before})


def _columns(net: Net, row: Mapping[str, Any], names: Iterable[str], changed: str, label: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        if name not in net.columns:
            continue
        before, after = net.columns[name]
        if name == "deleted_at":
            if (row[name] is None) != (before is None):
                found[name] = None if before is None else NOW
        elif (now := str(row[name]) if name == "record_id" else row[name]) != before:
            if now != after:
                raise Refused("changed_since", changed, label)
            found[name] = before
    return found


def _with_its_bytes(version: StoredFile) -> StoredFile:
    """A version whose content is still kept. Raises `Refused`."""
    try:
        bytes_of(version).close()
    except Missing:
        raise Refused("gone", _("The content of %(name)s is no longer kept.", name=version.name), "file") from None
    except Unavailable as error:
        raise Refused("unavailable", str(error.message), "file") from None
    return version


def _rows(table: sa.Table, ids: Sequence[UUID]) -> dict[UUID, Mapping[str, Any]]:
    if not ids:
        return {}
    where = (table.c.tenant_id == current().tenant_id, table.c.id.in_(ids))
    rows = session().execute(select(table).where(*where).order_by(table.c.id).with_for_update()).mappings()
    return {row["id"]: dict(row) for row in rows}


def _versions_of_files(ids: Sequence[UUID]) -> dict[UUID, list[StoredFile]]:
    """Each of some versions with all of its file, the newest first."""
    if not ids:
        return {}
    tenant_id = current().tenant_id
    chains = select(file.c.chain_id).where(file.c.tenant_id == tenant_id, file.c.id.in_(ids))
    rows = session().execute(
        select(*COLUMNS)
        .where(file.c.tenant_id == tenant_id, file.c.chain_id.in_(chains))
        .order_by(file.c.chain_id, file.c.number.desc())
    )
    by_chain: dict[UUID, list[StoredFile]] = {}
    for row in rows.mappings():
        by_chain.setdefault(row["chain_id"], []).append(StoredFile(**row))
    return {one.id: versions for versions in by_chain.values() for one in versions}


def write(hung: Sequence[Hung]) -> None:
    """Write these, what frees a name before what takes one."""
    by_turn = sorted(
        (one for one in hung if one.columns), key=lambda one: ("delete", "update", "restore").index(one.what)
    )
    for rows in alike(by_turn):
        for table in _TABLES:
            if of_table := [one for one in rows if one.table is table]:
                set_columns(table, of_table)
    returning = [(one.id, one.version) for one in hung if one.version is not None]
    if returning:
        numbers = [{"of": id, **_again(version)} for id, version in returning]
        replaced = (file.c.tenant_id == current().tenant_id, file.c.id.in_([id for id, _version in returning]))
        rows_before = session().execute(
            sa.update(file).where(*replaced).values(latest=False).returning(file.c.id, file.c.number)
        )
        number = {id: last + 1 for id, last in rows_before}
        session().execute(sa.insert(file), [{**values, "number": number[values.pop("of")]} for values in numbers])


def _again(version: StoredFile) -> dict[str, Any]:
    same = (
        "record",
        "record_id",
        "name",
        "media_type",
        "size",
        "sha256",
        "chain_id",
        "key",
        "width",
        "height",
        "thumbnail",
    )
    return {"id": new_id(), "latest": True, **{name: getattr(version, name) for name in same}}


def refusal_of(error: Exception) -> Refused | None:
    """What the database refused of these, in words."""
    diag = getattr(error.orig, "diag", None) if isinstance(error, IntegrityError) else None
    if diag is None or diag.constraint_name not in _TAKEN:
        return None
    what, said = _TAKEN[diag.constraint_name]
    return Refused("taken", str(said), what)


def records_of(ids: Sequence[UUID]) -> dict[UUID, str]:
    """The keys of the records that something hangs on, by the records' ids."""
    found: dict[UUID, str] = {}
    for table in _TABLES:
        where = (table.c.tenant_id == current().tenant_id, table.c.record_id.in_(ids))
        found |= {
            row.record_id: row.record
            for row in session().execute(select(table.c.record_id, table.c.record).where(*where).distinct())
        }
    return found
