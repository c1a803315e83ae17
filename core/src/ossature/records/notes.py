"""Notes on any record: under the record's own rights, in its timeline; pinned ones stand first.

Whoever may edit a record writes notes on it and pins them. A note is changed and deleted by its author, and by those who
may edit every record of the kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, select, tuple_

from ossature.context import Reach, current
from ossature.db.kernel import actor, note
from ossature.db.work import session
from ossature.errors import Conflict, Detail, Forbidden, Invalid, NotFound
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.rbac.predicate import reaches_owner
from ossature.records.clean import Wrong, clean_text, plain
from ossature.records.owning import editable
from ossature.records.query import Row, get_row
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

NOTE = "ossature.note"
LONGEST_NOTE = 10_000
AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Note:
    """A note as the reader may deal with it: `mine` says whether they may change and delete it."""

    id: UUID
    text: str
    pinned: bool
    author_id: UUID | None
    author: str
    created_at: datetime
    updated_at: datetime
    mine: bool

    @property
    def edited(self) -> bool:
        return self.updated_at > self.created_at


@dataclass(frozen=True, slots=True)
class Notes:
    """Some notes of a record; `more` says that there are others after the last."""

    items: tuple[Note, ...]
    more: bool


def notes_of(rt: RecordType, id: UUID, *, after: UUID | None = None, limit: int = AT_ONCE) -> Notes:
    """The notes of a record that the reader may see, pinned ones first, newest first; `after` goes on from a note."""
    get_row(rt, id)
    return notes_on(rt, id, after=after, limit=limit)


def notes_on(rt: RecordType, id: UUID, *, after: UUID | None = None, limit: int = AT_ONCE) -> Notes:
    """As `notes_of`, of a record that was read just now."""
    statement = _notes(rt, id).order_by(note.c.pinned.desc(), note.c.id.desc()).limit(limit + 1)
    if after is not None:
        last = note_of(rt, id, after)
        statement = statement.where(
            tuple_(note.c.pinned, note.c.id) < tuple_(sa.literal(last.pinned), sa.literal(last.id))
        )
    found = session().execute(statement).mappings().all()
    return Notes(tuple(_shown(rt, row) for row in found[:limit]), len(found) > limit)


def note_of(rt: RecordType, id: UUID, note_id: UUID) -> Note:
    """One note of a record. Raises `NotFound` alike for what is absent, foreign, deleted or out of reach."""
    get_row(rt, id)
    found = session().execute(_notes(rt, id).where(note.c.id == note_id)).mappings().first()
    if found is None:
        raise NotFound(_("There is no such note, or you may not see it."))
    return _shown(rt, found)


def add_note(rt: RecordType, id: UUID, values: Mapping[str, Any], *, note_id: UUID | None = None) -> Note:
    """Write a note on a record: its `text`, and whether it is `pinned`. Raises `Invalid`, `Forbidden`, `NotFound`; `Conflict` on a deleted record."""
    editable(rt, id)
    cleaned = _clean({"text": None, **values})
    author, made = current().actor, note_id or new_id()
    taken = select(note.c.id).where(note.c.tenant_id == current().tenant_id, note.c.id == made)
    if note_id is not None and session().scalar(taken):
        raise Conflict(_("A record with this id exists already."), code="id_taken")
    about = {"id": made, "record": rt.key, "record_id": id, "author_id": author.id if author else None}
    session().execute(sa.insert(note).values({**cleaned, **about}))
    return note_of(rt, id, made)


def change_note(rt: RecordType, id: UUID, note_id: UUID, values: Mapping[str, Any]) -> Note:
    """Change the `text` of a note, or whether it is `pinned`, which whoever may edit the record decides."""
    editable(rt, id)
    before = note_of(rt, id, note_id)
    cleaned = _clean(values)
    if cleaned.get("text", before.text) != before.text:
        if not before.mine:
            raise Forbidden(_("Only the author, or somebody who may edit them all, changes a note."))
        cleaned["updated_at"] = func.now()
    _write(note_id, cleaned)
    return note_of(rt, id, note_id)


def delete_note(rt: RecordType, id: UUID, note_id: UUID) -> None:
    """Take a note away; its history stays."""
    editable(rt, id)
    if not note_of(rt, id, note_id).mine:
        raise Forbidden(_("Only the author, or somebody who may edit them all, deletes a note."))
    _write(note_id, {"deleted_at": func.now()})


def may_write(rt: RecordType, row: Row) -> bool:
    """Whether the reader may write notes on a record."""
    return row["deleted_at"] is None and reaches_owner(rt, "edit", row.get("owner_id"))


def answers_for(rt: RecordType, author_id: UUID | None) -> bool:
    """Whether the reader may change and delete an author's notes on records that they may edit."""
    access, who = current().access, current().actor
    selves = access.selves or ({who.id} if who else set())
    mine = author_id in selves or access.reach(rt.permission("edit")) is Reach.ALL
    return mine and access.allows(rt.permission("edit"))


def _notes(rt: RecordType, id: UUID) -> Any:
    return (
        select(note, actor.c.label.label("author"))
        .outerjoin(actor, sa.and_(actor.c.tenant_id == note.c.tenant_id, actor.c.id == note.c.author_id))
        .where(
            note.c.tenant_id == current().tenant_id, note.c.record_id == id, note.c.record == rt.key,
            note.c.deleted_at.is_(None),
        )
    )  # fmt: skip


def _shown(rt: RecordType, row: Any) -> Note:
    return Note(
        row["id"], row["text"], row["pinned"], row["author_id"], row["author"] or "", row["created_at"],
        row["updated_at"], answers_for(rt, row["author_id"]),
    )  # fmt: skip


def _write(note_id: UUID, values: Mapping[str, Any]) -> None:
    if values:
        session().execute(
            sa.update(note).where(note.c.tenant_id == current().tenant_id, note.c.id == note_id).values(**values)
        )


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    cleaned, faults = dict(values), []
    for name in values.keys() - {"text", "pinned"}:
        faults.append(Detail(plain(name), "unknown_field", _("There is no such field, or it is read-only.")))
    if "text" in values:
        try:
            cleaned["text"] = _text(values["text"])
        except Wrong as wrong:
            faults.append(Detail("text", wrong.code, str(wrong)))
    if not isinstance(values.get("pinned", False), bool):
        faults.append(Detail("pinned", "wrong_type", _("Answer yes or no.")))
    if faults:
        raise Invalid(_("The input has faults."), faults)
    return cleaned


def _text(value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise Wrong("wrong_type", _("Give a text."))
    text = clean_text((value or "").replace("\r\n", "\n"), lines=True)
    if not text:
        raise Wrong("required", _("Fill this in."))
    if len(text) > LONGEST_NOTE:
        raise Wrong("too_long", _("Shorten this to at most %(n)s characters.", n=LONGEST_NOTE))
    return text


def forget_notes(record: str, record_ids: Iterable[UUID]) -> int:
    """Delete the notes on records for good: how many there were. For what purges or erases records; asks no permission."""
    here = note.c.tenant_id == current().tenant_id, note.c.record == record, note.c.record_id.in_(list(record_ids))
    return len(session().execute(sa.delete(note).where(*here).returning(note.c.id)).all())
