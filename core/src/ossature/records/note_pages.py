"""The notes in the right column of a record's page: written, pinned, changed and deleted in place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ossature.errors import BadRequest, Invalid
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.records.lookup import OfRecord
from ossature.records.notes import Note, Notes, add_note, change_note, delete_note, may_write, notes_of, notes_on
from ossature.records.query import Row, get_row
from ossature.records.types import RecordType
from ossature.records.views import page_endpoint
from ossature.web import render
from ossature.web.shell import wants_fragment

_, _l, _n = translator("ossature")

Routes = list[tuple[str, str, list[str], str, Callable[..., ResponseReturnValue]]]


@dataclass(frozen=True, slots=True)
class NotesBox:
    """What `record/_notes.html` shows; `text` is what was typed and `error` why it was refused, in `editing` or a new one."""

    items: tuple[Note, ...]
    url: str
    may_write: bool
    more_url: str | None = None
    text: str = ""
    error: str = ""
    editing: UUID | None = None


def notes_box(rt: RecordType, row: Row, *, text: str = "", error: str = "", editing: UUID | None = None) -> NotesBox:
    """The first notes of a record, and the way to write one."""
    found, url = notes_on(rt, row["id"]), url_for(page_endpoint(rt, "notes"), id=row["id"])
    return NotesBox(found.items, url, may_write(rt, row), _more(found, url), text, error, editing)


def note_routes(rt: RecordType, one: str) -> Routes:
    """Pages below a record's own: name, path, methods, action, view."""
    pages, note = NotePages(rt), f"{one}/notes/<uuid:note>"
    return [
        ("notes", f"{one}/notes", ["GET"], "view", pages.index),
        ("note_add", f"{one}/notes", ["POST"], "edit", pages.add),
        ("note_change", note, ["POST"], "edit", pages.change),
        ("note_pin", f"{note}/pin", ["POST"], "edit", pages.pin),
        ("note_remove", f"{note}/delete", ["POST"], "edit", pages.remove),
    ]


class NotePages(OfRecord):
    """The notes of one record type."""

    def index(self, id: UUID) -> ResponseReturnValue:
        """The notes that follow one, or all of the box."""
        row, after = get_row(self.rt, id), request.args.get("after")
        if after is None:
            return self._answer(notes_box(self.rt, row), id)
        if (last := as_id(after)) is None:
            raise BadRequest(_("The notes cannot go on from there; open the record again."))
        found, url = notes_of(self.rt, id, after=last), url_for(page_endpoint(self.rt, "notes"), id=id)
        box = NotesBox(found.items, url, may_write(self.rt, row), _more(found, url))
        return render("record/_note_list.html", title=str(self.rt.label), notes=box)

    def add(self, id: UUID) -> ResponseReturnValue:
        text = request.form.get("text", "")
        try:
            add_note(self.rt, id, {"text": text})
        except Invalid as refused:
            return self._refused(id, text, refused)
        return self._done(id)

    def change(self, id: UUID, note: UUID) -> ResponseReturnValue:
        text = request.form.get("text", "")
        try:
            change_note(self.rt, id, note, {"text": text})
        except Invalid as refused:
            return self._refused(id, text, refused, note)
        return self._done(id)

    def pin(self, id: UUID, note: UUID) -> ResponseReturnValue:
        change_note(self.rt, id, note, {"pinned": request.form.get("pinned") == "1"})
        return self._done(id)

    def remove(self, id: UUID, note: UUID) -> ResponseReturnValue:
        delete_note(self.rt, id, note)
        return self._done(id)

    def _refused(self, id: UUID, text: str, refused: Invalid, editing: UUID | None = None) -> ResponseReturnValue:
        error = str(refused.details[0].message)
        box = notes_box(self.rt, get_row(self.rt, id), text=text, error=error, editing=editing)
        return Response(render("record/_notes.html", title=str(self.rt.label), notes=box), 422)

    def _done(self, id: UUID) -> ResponseReturnValue:
        if not wants_fragment():
            return redirect(url_for(page_endpoint(self.rt, "show"), id=id), 303)
        return self._answer(notes_box(self.rt, get_row(self.rt, id)), id)

    def _answer(self, box: NotesBox, id: UUID) -> ResponseReturnValue:
        return render("record/_notes.html", title=str(self.rt.label), notes=box)


def _more(found: Notes, url: str) -> str | None:
    return f"{url}?after={found.items[-1].id}" if found.more else None
