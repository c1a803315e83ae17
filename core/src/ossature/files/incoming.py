"""What is looked at before anything is kept: size, content, name, and what the organisation does not take."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import BinaryIO

from ossature.errors import Detail, Invalid, TooLarge
from ossature.files.kinds import HEAD, PICTURES, Kind, kind_of, lies
from ossature.files.names import clean_name, ending_of
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.web.formats import as_bytes

_, _l, _n = translator("ossature")

_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file that may be kept: its cleaned name, what its bytes are, how many, and their digest in hexadecimal."""

    name: str
    kind: Kind
    size: int
    sha256: str

    @property
    def picture(self) -> bool:
        return self.kind.media_type in PICTURES


def look_at(given_name: str, source: BinaryIO, sha256: str | None = None) -> Incoming:
    """Read through a file once, a piece at a time. Raises `Invalid` and `TooLarge`, naming what is wrong with it.

    `sha256` is what the sender says it is: another one means that not all of it came.
    """
    head, size, digest = b"", 0, hashlib.sha256()
    most = kernel().config.files_max_bytes
    source.seek(0)
    while piece := source.read(_CHUNK):
        if not head:
            head = piece[:HEAD]
        size += len(piece)
        if size > most:
            raise too_large(clean_name(given_name))
        digest.update(piece)
    kind = kind_of(head, given_name)
    name = clean_name(given_name, f"file.{kind.ending}" if kind.ending else "file")
    if size == 0:
        raise _refused("empty", _("%(name)s is empty: it has no content. Choose another file.", name=name))
    if sha256 is not None and sha256.lower() != digest.hexdigest():
        raise _refused("incomplete", _("Not all of %(name)s arrived. Send it again.", name=name), "sha256")
    _demand_taken(name, kind)
    return Incoming(name, kind, size, digest.hexdigest())


def too_large(name: str) -> TooLarge:
    most = as_bytes(kernel().config.files_max_bytes)
    message = _("%(name)s is too large: a file may have at most %(size)s. Make it smaller, or send a link.",
                name=name, size=most)  # fmt: skip
    return TooLarge(message, [Detail("file", "too_large", message)])


def demand_ending(name: str) -> None:
    """See to it that a name does not end like what is not taken. Raises `Invalid`."""
    if ending_of(name) in kernel().config.files_denied:
        raise _refused("denied", _denied(name, ending_of(name)), "name")


def _demand_taken(name: str, kind: Kind) -> None:
    denied = kernel().config.files_denied
    for ending in (ending_of(name), kind.ending):
        if ending and ending in denied:
            raise _refused("denied", _denied(name, ending))
    if lies(name, kind):
        raise _refused(
            "wrong_type",
            _("%(name)s is not what its name says: its content is %(type)s. Give it its right name, or choose another "
              "file.", name=name, type=kind.media_type),
        )  # fmt: skip


def _denied(name: str, ending: str) -> str:
    return _("%(name)s is not taken here: it is a program or script (.%(ending)s). Put it into an archive, or send a "
             "link.", name=name, ending=ending)  # fmt: skip


def _refused(code: str, message: str, field: str = "file") -> Invalid:
    return Invalid(message, [Detail(field, code, message)])
