"""The files of a record in its page: the tab, and what happens to one file; thin over queries and service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ossature.db.work import session
from ossature.errors import Forbidden, Invalid, NotFound, Refusal
from ossature.files import queries, sending, service
from ossature.files.kinds import PDF
from ossature.files.names import ending_of
from ossature.files.table import StoredFile
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.kernel import kernel
from ossature.records.lookup import OfRecord
from ossature.records.types import RecordType
from ossature.web import models, notify, render
from ossature.web.api import dumps
from ossature.web.file_models import FileRow, FilesBox
from ossature.web.models import Action
from ossature.web.shell import wants_fragment

_, _l, _n = translator("ossature")

AT_ONCE, REMOVED = 50, 20
TAB = "record-tabs-files"
_ICONS = (
    ("image/", "photo"), ("video/", "video"), ("audio/", "file"), (PDF, "file-text"), ("text/csv", "file-spreadsheet"),
    ("text/", "file-text"), ("message/", "mail"),
)  # fmt: skip
_ICONS_BY_ENDING = {
    "xls": "file-spreadsheet", "xlsx": "file-spreadsheet", "ods": "file-spreadsheet", "zip": "archive", "7z": "archive",
    "gz": "archive", "rar": "archive", "tar": "archive", "ppt": "presentation", "pptx": "presentation",
    "doc": "file-text", "docx": "file-text", "odt": "file-text",
}  # fmt: skip

Route = tuple[str, str, list[str], str, Callable[..., ResponseReturnValue]]


def files_tab(rt: RecordType, record_id: UUID) -> models.Tab:
    """The tab of a record's page, with how many files there are."""
    return models.Tab(
        "files", _("Files"), url=_here(rt, record_id), count=queries.count_files(rt, record_id), icon="paperclip"
    )


def file_routes(rt: RecordType, one: str) -> list[Route]:
    """The pages of a record's files below `one`, the record's own: name, address, methods, action, view."""
    pages = FilePages(rt)
    files, file = f"{one}/files", f"{one}/files/<uuid:file_id>"
    return [
        ("files", files, ["GET"], "view", pages.index),
        ("files_add", files, ["POST"], "edit", pages.add),
        ("file", file, ["GET"], "view", pages.download),
        ("file_preview", f"{file}/preview", ["GET"], "view", pages.preview),
        ("file_small", f"{file}/small", ["GET"], "view", pages.small),
        ("file_versions", f"{file}/versions", ["GET"], "view", pages.versions),
        ("file_rename", f"{file}/rename", ["GET", "POST"], "edit", pages.rename),
        ("file_remove", f"{file}/remove", ["POST"], "edit", pages.remove),
        ("file_restore", f"{file}/restore", ["POST"], "edit", pages.restore),
    ]


class FilePages(OfRecord):
    """The pages of the files of one record type."""

    def index(self, id: UUID) -> ResponseReturnValue:
        before = as_id(request.args.get("before", ""))
        template = "record/_files_rows.html" if before else "record/_files.html"
        return render(template, title=_("Files"), box=self._box(id, before))

    def add(self, id: UUID) -> ResponseReturnValue:
        sent = [one for one in request.files.getlist("file") if one.filename]
        try:
            queries.demand_record(self.rt, id, "edit")
            if not sent:
                raise Invalid(_("Choose a file first."))
            for one in sent:
                source: Any = one.stream
                file, added = service.add_file(
                    self.rt, id, one.filename or "", source, replaces=as_id(request.form.get("replaces", ""))
                )
        except Refusal as refusal:
            return self._refused(id, refusal)
        if not added:
            notify(_("%(name)s is here already, with the same content.", name=file.name), "info")
        elif file.number > 1:
            notify(_("%(name)s is now at version %(n)s.", name=file.name, n=file.number))
        return self._list(id)

    def download(self, id: UUID, file_id: UUID) -> ResponseReturnValue:
        return sending.download(queries.get_file(self.rt, id, file_id))

    def preview(self, id: UUID, file_id: UUID) -> ResponseReturnValue:
        return sending.shown(queries.get_file(self.rt, id, file_id))

    def small(self, id: UUID, file_id: UUID) -> ResponseReturnValue:
        return sending.small_picture(queries.get_file(self.rt, id, file_id))

    def versions(self, id: UUID, file_id: UUID) -> ResponseReturnValue:
        rows = [self._row(file) for file in queries.versions_of(self.rt, id, file_id)[1:]]
        return render("record/_file_versions.html", title=_("Versions"), rows=rows)

    def rename(self, id: UUID, file_id: UUID) -> ResponseReturnValue:
        name, error = request.form.get("name", ""), ""
        if request.method == "POST":
            try:
                service.rename_file(self.rt, id, file_id, name)
            except Invalid as invalid:
                error = str(invalid.message)
            else:
                response = make_response(self._list(id))
                response.headers.update({"HX-Retarget": "#files-list", "HX-Reswap": "innerHTML ignoreTitle:true"})
                return response
        file = queries.get_file(self.rt, id, file_id, "edit")
        return render(
            "record/_file_rename.html", title=_("Rename"), row=self._row(file), list_url=_here(self.rt, id),
            name=name if error else file.name, error=error,
        )  # fmt: skip

    def remove(self, id: UUID, file_id: UUID) -> ResponseReturnValue:
        file = service.remove_file(self.rt, id, file_id)
        undo = Action(_("Undo"), f"{self._url(file)}/restore", "post")
        notify(_("%(name)s removed", name=file.name), undo=undo)
        return self._list(id)

    def restore(self, id: UUID, file_id: UUID) -> ResponseReturnValue:
        file = service.restore_file(self.rt, id, file_id)
        notify(_("%(name)s restored", name=file.name))
        return self._list(id)

    # -- parts of pages ------------------------------------------------------------------------------------------------

    def _list(self, id: UUID) -> ResponseReturnValue:
        """What is there now: the list for scripts, the record's page for all else."""
        if not wants_fragment():
            return redirect(f"{_record(self.rt, id)}#{TAB}", 303)
        return render("record/_files_list.html", title=_("Files"), box=self._box(id))

    def _refused(self, id: UUID, refusal: Refusal) -> ResponseReturnValue:
        session().rollback()
        if wants_fragment():
            return Response(dumps({"message": str(refusal.message)}), refusal.status, mimetype="application/json")
        if isinstance(refusal, NotFound | Forbidden):
            raise refusal
        notify(refusal.message, "danger")
        return redirect(f"{_record(self.rt, id)}#{TAB}", 303)

    def _box(self, id: UUID, before: UUID | None = None) -> FilesBox:
        rt, here = self.rt, _here(self.rt, id)
        may_edit = queries.may_change_files(rt, id)
        found = queries.list_files(rt, id, before=before, limit=AT_ONCE + 1)
        removed = queries.list_files(rt, id, limit=REMOVED, removed=True) if may_edit and before is None else []
        more = f"{here}?before={found[AT_ONCE - 1].id}" if len(found) > AT_ONCE else None
        return FilesBox(
            url=here, rows=tuple(map(self._row, found[:AT_ONCE])), removed=tuple(map(self._row, removed)), more_url=more,
            may_edit=may_edit, most=kernel().config.files_max_bytes,
            count=len(found) if not more else queries.count_files(rt, id),
        )  # fmt: skip

    def _row(self, file: StoredFile) -> FileRow:
        url, ending = self._url(file), ending_of(file.name)
        icon = next((icon for begins, icon in _ICONS if file.media_type.startswith(begins)), None)
        shown = sending.may_be_shown(file)
        return FileRow(
            file.id, file.name, url, ending.upper()[:8] or _("File"), file.size, file.number, file.created_by,
            file.created_at, icon or _ICONS_BY_ENDING.get(ending, "file"),
            ("pdf" if file.media_type == PDF else "image") if shown else None,
            f"{url}/small" if file.thumbnail else None,
        )  # fmt: skip

    def _url(self, file: StoredFile) -> str:
        return f"{_here(self.rt, file.record_id)}/{file.id}"


def _here(rt: RecordType, id: UUID) -> str:
    return f"{_record(rt, id)}/files"


def _record(rt: RecordType, id: UUID) -> str:
    """The address of a record's page, below its list, which is looked up once a request."""
    lists: dict[str, str] = g.setdefault("list_urls", {})
    if rt.key not in lists:
        lists[rt.key] = url_for(f"{rt.plugin}_records.{rt.name}_list")
    return f"{lists[rt.key]}/{id}"
