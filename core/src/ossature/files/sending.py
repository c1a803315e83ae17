"""Answers that are a file's bytes: from any place in them (RFC 9110), under their name (RFC 6266), never run by a browser."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import dump_options_header
from werkzeug.wsgi import wrap_file

from ossature.errors import NotFound
from ossature.files.kinds import PDF, PICTURES
from ossature.files.queries import bytes_of
from ossature.files.table import StoredFile
from ossature.i18n.texts import translator

_, _l, _n = translator("ossature")

_NOTHING = "default-src 'none'; sandbox; frame-ancestors 'none'"
# Chromium shows a PDF that its own answer sandboxes, and none in a frame with the attribute `sandbox`, whatever that allows.
_PDF = "default-src 'none'; sandbox; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'"


def download(file: StoredFile) -> Response:
    """The bytes, to be saved and not shown, whatever they are."""
    response = _bytes(file, file.media_type)
    response.headers["Content-Disposition"] = disposition("attachment", file.name)
    return response


def shown(file: StoredFile) -> Response:
    """The bytes of a picture or PDF, for a page of ours to show. Raises `NotFound` for all else."""
    if not may_be_shown(file):
        raise NotFound(_("There is no preview of this kind of file; download it."))
    response = _bytes(file, file.media_type)
    response.headers["Content-Disposition"] = disposition("inline", file.name)
    if file.media_type == PDF:
        response.headers["Content-Security-Policy"] = _PDF
    return response


def small_picture(file: StoredFile) -> Response:
    """The small picture that was made of a file."""
    if not file.thumbnail:
        raise NotFound(_("There is no picture of this file."))
    response = _bytes(file, "image/webp", small=True)
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def may_be_shown(file: StoredFile) -> bool:
    """Whether there is a preview: pictures within bounds, and PDF."""
    return file.media_type == PDF or (file.media_type in PICTURES and file.width is not None)


def _bytes(file: StoredFile, media_type: str, *, small: bool = False) -> Response:
    source = bytes_of(file, small=small)
    size = source.seek(0, 2)
    source.seek(0)
    response = Response(wrap_file(request.environ, source), mimetype=media_type, direct_passthrough=True)
    response.call_on_close(source.close)
    response.content_length = size
    response.set_etag(f"{file.sha256}-small" if small else file.sha256)
    response.last_modified = file.created_at
    response.headers["Content-Security-Policy"] = _NOTHING
    response.headers["X-Content-Type-Options"] = "nosniff"
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=size)
    except RequestedRangeNotSatisfiable:
        source.close()
        raise
    return response


def disposition(how: str, name: str) -> str:
    """The header that says whether a file is shown or saved and under which name, whatever its letters are."""
    plain = name.encode("ascii", "ignore").decode().strip(" .") or "file"
    names = {"filename": plain}
    if plain != name:
        names = {"filename": plain, "filename*": f"UTF-8''{quote(name, safe='!#$&+^`|~')}"}
    return dump_options_header(how, names)
