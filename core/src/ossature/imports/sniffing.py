"""What a file is by its content; its name may say anything."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Literal

import filetype

from ossature.errors import Detail, Invalid
from ossature.i18n.texts import translator
from ossature.imports.archives import refuse_crowded

_, _l, _n = translator("ossature")

_BEGIN = 1 << 16
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_ALLOWED_CONTROLS = frozenset("\t\r\n\x0b\x0c\x1a\x1c\x1d\x1e\x1f\x85")


def format_of(path: Path, filename: str) -> Literal["csv", "xlsx"]:
    """Raises `Invalid` for what is neither, with what to do about it."""
    with path.open("rb") as file:
        begin = file.read(_BEGIN)
    if not begin:
        raise Invalid(
            _("The file is empty."), [Detail("file", "empty", _("Choose a file with a header and rows below it."))]
        )
    if begin.startswith(b"PK\x03\x04"):
        return _zipped(path, filename)
    if begin.startswith(_OLE):
        raise (
            _encrypted()
            if _ENCRYPTED in path.read_bytes()
            else _as_xlsx("old_workbook", _("%(name)s is a workbook of the old kind (.xls).", name=filename))
        )
    text = begin.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<table", b"<?xml", b"<head", b"<meta")):
        raise _as_xlsx("web_page", _("%(name)s is a web page or XML, whatever its name.", name=filename))
    if text.startswith((b"%pdf", b"{\\rtf")):
        raise no_table(filename)
    if text.startswith((b"[{", b"[\n", b"[\r\n", b'{"')):
        raise Invalid(
            _("%(name)s is JSON, not a table.", name=filename),
            [Detail("file", "not_a_table", _("Export it as CSV or XLSX, or send it to the API as it is."))],
        )
    return "csv"


def refuse_no_text(path: Path, encoding: str, filename: str) -> None:
    """Raises `Invalid` where signs show that no text has, such as those of a picture."""
    with path.open("rb") as file:
        begin = file.read(_BEGIN)
    text = begin.decode(encoding, "replace")
    if sum(1 for ch in text if (ch < " " or ch == "\x7f") and ch not in _ALLOWED_CONTROLS) * 200 > len(text):
        raise no_table(filename, _kind(begin))


def no_table(filename: str, kind: str = "") -> Invalid:
    shown = f"{filename} ({kind})" if kind else filename
    return Invalid(
        _("%(name)s is not a table.", name=shown),
        [Detail("file", "not_a_table", _("Save the table as CSV or as a workbook (.xlsx) and choose that."))],
    )


def _kind(begin: bytes) -> str:
    found = filetype.guess(begin)
    return str(found.mime) if found else ""


def _zipped(path: Path, filename: str) -> Literal["xlsx"]:
    try:
        refuse_crowded(path)
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        raise Invalid(
            _("%(name)s is damaged.", name=filename),
            [Detail("file", "damaged", _("Save it anew in your spreadsheet, or send it again."))],
        ) from None
    if "xl/workbook.bin" in names:
        raise _as_xlsx("binary_workbook", _("%(name)s is a binary workbook (.xlsb).", name=filename))
    if "content.xml" in names and "mimetype" in names:
        raise _as_xlsx("open_document", _("%(name)s is an OpenDocument file.", name=filename))
    if not any(name.lower().startswith("xl/") for name in names):
        raise no_table(filename, "zip")
    return "xlsx"


def _encrypted() -> Invalid:
    return Invalid(
        _("The workbook is protected by a password."),
        [Detail("file", "encrypted", _("Open it in your spreadsheet, take the password away, save it and send that."))],
    )


def _as_xlsx(code: str, message: str) -> Invalid:
    return Invalid(message, [Detail("file", code, _("Open it in your spreadsheet and save it as .xlsx or CSV."))])
