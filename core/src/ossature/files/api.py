"""`/api/<key>/<records>/<id>/files`: the files of a record, for other programs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, BinaryIO, Literal
from uuid import UUID

from apiflask.fields import UploadFile
from flask import Response, request, url_for
from pydantic import BaseModel, ConfigDict, Field

from ossature.errors import BadRequest, Detail, Invalid, UnsupportedMediaType
from ossature.files import queries, service
from ossature.files.sending import download
from ossature.files.table import StoredFile
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.kernel import kernel
from ossature.rbac import requires
from ossature.rbac.rules import takes_files
from ossature.records.cursor import Cursor
from ossature.records.types import RecordType
from ossature.web.api import documented, known_arguments, limit_argument, read_object, success

_, _l, _n = translator("ossature")

View = Callable[..., Any]
_ABSENT: Any = None  # a form leaves out what it has not, having no null


class FileOut(BaseModel):
    """A version of a file; lists hold the latest of each."""

    id: UUID
    name: str
    media_type: str = Field(description="What the bytes are, whatever the name says")
    size: int = Field(description="Bytes")
    sha256: str = Field(description="Hexadecimal")
    version: int = Field(description="Counted from 1")
    width: int | None = Field(description="Pixels, of pictures that browsers show")
    height: int | None
    created_at: datetime
    created_by_id: UUID | None
    created_by: str | None
    deleted_at: datetime | None = Field(description="When it was removed from its record")
    url: str = Field(description="Where its bytes are")


class FilesMeta(BaseModel):
    next: str | None
    limit: int


class FilesAnswer(BaseModel):
    success: bool = True
    data: list[FileOut]
    meta: FilesMeta


class FileAnswer(BaseModel):
    success: bool = True
    data: FileOut
    meta: dict[str, Any]


class FilesQuery(BaseModel):
    deleted: Literal["true", "false"] | None = Field(None, description="true lists the files that were removed")
    limit: int | None = Field(None, ge=1, le=200)
    cursor: str | None = Field(None, description="meta.next of the page before")


class FileInput(BaseModel):
    """A new file, as multipart/form-data."""

    file: UploadFile
    name: str = Field("", description="Another name than that of the part")
    replaces: UUID = Field(_ABSENT, description="The file that this is a new version of")
    sha256: str = Field(_ABSENT, pattern="^[0-9a-fA-F]{64}$", description="Of the bytes: 422 when others arrived")


class FileChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


def file_views(rt: RecordType) -> list[tuple[str, list[str], str, View]]:
    """The endpoints of a record's files: what, methods, rest of the address, view."""
    here, one = "/<uuid:id>/files", "/<uuid:id>/files/<uuid:file_id>"
    label, made = str(rt.label).lower(), list[tuple[str, list[str], str, View]]()

    def list_view(id: UUID) -> Response:
        known_arguments(("deleted", "limit", "cursor"))
        removed, limit = _removed(), limit_argument()
        list_name = f"files {rt.key} {id} {removed}"
        key, cursor = kernel().cursor_key, request.args.get("cursor")
        before = as_id(Cursor.read(cursor, key, list_name).id) if cursor else None
        found = queries.list_files(rt, id, before=before, limit=limit + 1, removed=removed)
        more = Cursor(list_name, None, str(found[limit - 1].id)).write(key) if len(found) > limit else None
        return success([_shown(rt, file) for file in found[:limit]], meta={"next": more, "limit": limit})

    def create_view(id: UUID) -> Response:
        known_arguments(())
        name, source = _sent()
        replaces, sha256 = request.form.get("replaces"), request.form.get("sha256")
        if replaces is not None and as_id(replaces) is None:
            raise Invalid(_("The id is wrong."), [Detail("replaces", "invalid", _("Give a UUID."))])
        file, added = service.add_file(
            rt, id, request.form.get("name") or name, source, replaces=as_id(replaces), sha256=sha256
        )
        return success(_shown(rt, file), 201 if added else 200, headers={"Location": _url(rt, file)})

    def bytes_view(id: UUID, file_id: UUID) -> Response:
        known_arguments(())
        return download(queries.get_file(rt, id, file_id))

    def versions_view(id: UUID, file_id: UUID) -> Response:
        known_arguments(())
        found = queries.versions_of(rt, id, file_id)
        return success([_shown(rt, file) for file in found], meta={"next": None, "limit": 200})

    def patch_view(id: UUID, file_id: UUID) -> Response:
        known_arguments(())
        return success(_shown(rt, service.rename_file(rt, id, file_id, _name())))

    def delete_view(id: UUID, file_id: UUID) -> Response:
        known_arguments(())
        return success(_shown(rt, service.remove_file(rt, id, file_id)))

    def restore_view(id: UUID, file_id: UUID) -> Response:
        known_arguments(())
        return success(_shown(rt, service.restore_file(rt, id, file_id)))

    def add(what: str, methods: list[str], tail: str, view: View, action: str, **documentation: Any) -> None:
        view.__name__ = f"{rt.name}_{what}"
        documented(view, tag=str(rt.plural), operation_id=f"{what}_{rt.plugin}_{rt.name}", **documentation)
        made.append((what, methods, tail, requires(rt.permission(action))(view)))

    reads, writes = (400, 401, 403, 404, 429), (400, 401, 403, 404, 409, 413, 415, 422, 429)
    add("files_list", ["GET"], here, list_view, "view", summary=f"List the files of a {label}", query=FilesQuery,
        answer=FilesAnswer, refusals=reads)  # fmt: skip
    add("files_create", ["POST"], here, takes_files(create_view), "edit", summary=f"Put a file on a {label}",
        body=FileInput, body_as="form_and_files", answer=FileAnswer, status=201, also={200: "It was there already"},
        refusals=writes)  # fmt: skip
    add("files_bytes", ["GET"], one, bytes_view, "view", summary=f"Download a file of a {label}",
        sends="The bytes, under the file's own media type", refusals=reads)  # fmt: skip
    add("files_versions", ["GET"], one + "/versions", versions_view, "view",
        summary=f"List the versions of a file of a {label}", answer=FilesAnswer, refusals=reads)  # fmt: skip
    add("files_patch", ["PATCH"], one, patch_view, "edit", summary=f"Rename a file of a {label}", body=FileChange,
        answer=FileAnswer, refusals=writes)  # fmt: skip
    add("files_delete", ["DELETE"], one, delete_view, "edit", summary=f"Remove a file of a {label}", answer=FileAnswer,
        refusals=writes)  # fmt: skip
    add("files_restore", ["POST"], one + "/restore", restore_view, "edit",
        summary=f"Restore a removed file of a {label}", answer=FileAnswer, refusals=writes)  # fmt: skip
    return made


def _sent() -> tuple[str, BinaryIO]:
    """The one file of a request and its name."""
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(_("Send the file as multipart/form-data, in a part named file."))
    sent = request.files.getlist("file")
    if len(sent) != 1:
        message = _("Send one file, in a part named file.")
        raise Invalid(message, [Detail("file", "required" if not sent else "repeated", message)])
    return sent[0].filename or "", sent[0].stream  # type: ignore[return-value]


def _name() -> str:
    body = read_object()
    if unknown := next((name for name in body if name != "name"), None):
        raise Invalid(_("The input has faults."), [Detail(unknown, "unknown_field", _("This field is unknown."))])
    if not isinstance(body.get("name"), str):
        raise Invalid(_("The input has faults."), [Detail("name", "required", _("Give the file a name."))])
    return str(body["name"])


def _removed() -> bool:
    deleted = request.args.get("deleted", "false")
    if deleted not in ("true", "false"):
        raise BadRequest(_("The parameter deleted is wrong."), [Detail("deleted", "invalid", _("Give true or false."))])
    return deleted == "true"


def _url(rt: RecordType, file: StoredFile) -> str:
    return url_for(f"{rt.plugin}_records_api.{rt.name}_files_bytes", id=file.record_id, file_id=file.id)


def _shown(rt: RecordType, file: StoredFile) -> dict[str, Any]:
    named = {name: getattr(file, name) for name in FileOut.model_fields if name not in ("version", "url")}
    return {**named, "version": file.number, "url": _url(rt, file)}
