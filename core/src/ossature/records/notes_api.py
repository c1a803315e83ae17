"""The notes of a record over the API: `/api/<plugin>/<records>/<id>/notes`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field

from ossature.errors import BadRequest, Detail
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.records.notes import LONGEST_NOTE, Note, add_note, change_note, delete_note, notes_of
from ossature.records.types import RecordType
from ossature.web.api import known_arguments, limit_argument, read_object, success

_, _l, _n = translator("ossature")

Text = Annotated[str, Field(min_length=1, max_length=LONGEST_NOTE)]


class NoteInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Text = Field(description="Plain text")
    pinned: bool = Field(False, description="Pinned notes come first")
    id: UUID | None = Field(None, description="Chosen by the client")


class NotePatch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Text | None = None
    pinned: bool | None = None


class NoteAuthor(BaseModel):
    id: UUID
    label: str


class NoteShown(BaseModel):
    id: UUID
    text: str
    pinned: bool
    author: NoteAuthor | None
    created_at: datetime
    updated_at: datetime


class NoteAnswer(BaseModel):
    success: Literal[True] = True
    data: NoteShown
    meta: dict[str, Any]


class NotesMeta(BaseModel):
    next: UUID | None = Field(description="Give it as `after` for the notes that follow")
    limit: int


class NotesAnswer(BaseModel):
    success: Literal[True] = True
    data: list[NoteShown]
    meta: NotesMeta


class NoteGone(BaseModel):
    id: UUID


class NoteGoneAnswer(BaseModel):
    success: Literal[True] = True
    data: NoteGone
    meta: dict[str, Any]


class NotesArguments(BaseModel):
    after: UUID | None = Field(None, description="`meta.next` of the page before")
    limit: Annotated[int, Field(ge=1, le=200)] | None = None


View = Callable[..., Response]


def note_views(rt: RecordType) -> dict[str, View]:
    """The four endpoints of one record's notes, by name."""

    def list_view(id: UUID) -> Response:
        known_arguments(("after", "limit"))
        limit = limit_argument()
        found = notes_of(rt, id, after=_after(), limit=limit)
        following = found.items[-1].id if found.more else None
        return success([_told(one) for one in found.items], meta={"next": following, "limit": limit})

    def create_view(id: UUID) -> Response:
        body = read_object()
        note_id = _client_id(body)
        return success(_told(add_note(rt, id, body, note_id=note_id)), 201)

    def patch_view(id: UUID, note: UUID) -> Response:
        return success(_told(change_note(rt, id, note, read_object())))

    def delete_view(id: UUID, note: UUID) -> Response:
        delete_note(rt, id, note)
        return success({"id": note})

    return {"list": list_view, "create": create_view, "patch": patch_view, "delete": delete_view}


def _told(note: Note) -> dict[str, Any]:
    author = {"id": note.author_id, "label": note.author} if note.author_id else None
    return {
        "id": note.id, "text": note.text, "pinned": note.pinned, "author": author, "created_at": note.created_at,
        "updated_at": note.updated_at,
    }  # fmt: skip


def _client_id(body: dict[str, Any]) -> UUID | None:
    given = body.pop("id", None)
    if given is not None and (not isinstance(given, str) or as_id(given) is None):
        raise BadRequest(_("The id is wrong."), [Detail("id", "invalid", _("Give a UUID."))])
    return as_id(given) if given is not None else None


def _after() -> UUID | None:
    text = request.args.get("after")
    if text is not None and as_id(text) is None:
        raise BadRequest(_("The parameter after is wrong."), [Detail("after", "invalid", _("Give a UUID."))])
    return as_id(text) if text is not None else None
