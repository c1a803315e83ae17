"""Where the bytes of files are: a folder of this machine, or S3 (`ossature.files.s3`).

Bytes are written as pending, their row in the transaction that wants them, and kept once that has committed. Whatever
is killed in between leaves pending bytes: with a row they are kept by the next sweep and can be read meanwhile, without
one they are deleted once a day old. Those of an import stay pending until it is written.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID

from ossature.errors import Unavailable
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.kernel import kernel

if TYPE_CHECKING:
    from ossature.config import Config

_, _l, _n = translator("ossature")

Place = Literal["pending", "kept"]
PLACES: tuple[Place, ...] = ("kept", "pending")


class Missing(Unavailable):
    """A file has a row and no bytes: something outside took them away."""


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes that a storage holds: `at` is when they were written."""

    key: str
    size: int
    at: datetime


class Storage(Protocol):
    """Bytes by key, apart for each tenant. What cannot be done raises `Unavailable`."""

    def write(self, tenant: UUID, key: str, source: BinaryIO) -> None:
        """Hold everything from where `source` stands, as pending; complete and on disk when it returns."""

    def keep(self, tenant: UUID, key: str) -> None:
        """Pending bytes are kept from now on; safe to repeat."""

    def open(self, tenant: UUID, key: str) -> BinaryIO:
        """The bytes, kept or still pending, to be read from any place in them. Raises `Missing`."""

    def delete(self, tenant: UUID, *keys: str) -> None:
        """Hold them no longer; nothing happens to those that are not there."""

    def held(self, tenant: UUID, place: Place) -> Iterator[Held]:
        """Everything held for a tenant in one place."""

    def tenants(self) -> set[UUID]:
        """Those for whom something is held, or was once, whether they are still there or not."""


def storage() -> Storage:
    """The storage of this installation, opened when first used."""
    extras = kernel().extras
    if "files" not in extras:
        extras["files"] = open_storage(kernel().config)
    found: Storage = extras["files"]
    return found


def open_storage(config: Config) -> Storage:
    parts = urlsplit(config.files_url)
    if parts.scheme == "s3":
        from ossature.files.s3 import S3Storage

        return S3Storage(config)
    return Folder(Path(unquote(parts.path)))


class Folder:
    """Bytes in a folder: `kept/TENANT/ab/KEY` and `pending/TENANT/ab/KEY`, readable by this account alone."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _path(self, place: Place, tenant: UUID, key: str) -> Path:
        return self.root / place / str(tenant) / key[-2:] / key

    def write(self, tenant: UUID, key: str, source: BinaryIO) -> None:
        path = self._path("pending", tenant, key)
        with _in_words():
            _make_folder(path.parent)
            with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                shutil.copyfileobj(source, file, 1024 * 1024)
                file.flush()
                os.fsync(file.fileno())

    def keep(self, tenant: UUID, key: str) -> None:
        pending, kept = self._path("pending", tenant, key), self._path("kept", tenant, key)
        with _in_words():
            _make_folder(kept.parent)
            with suppress(FileNotFoundError):
                os.replace(pending, kept)
                _sync(kept.parent)

    def open(self, tenant: UUID, key: str) -> BinaryIO:
        for place in ("kept", "pending", "kept"):  # it may be kept between two looks
            with _in_words(), suppress(FileNotFoundError):
                return open(self._path(place, tenant, key), "rb")
        raise missing(key)

    def delete(self, tenant: UUID, *keys: str) -> None:
        with _in_words():
            for key in keys:
                for place in PLACES:
                    self._path(place, tenant, key).unlink(missing_ok=True)

    def held(self, tenant: UUID, place: Place) -> Iterator[Held]:
        with _in_words():
            for folder in sorted((self.root / place / str(tenant)).glob("*")):
                for entry in os.scandir(folder):
                    with suppress(FileNotFoundError):
                        found = entry.stat()
                        yield Held(entry.name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def tenants(self) -> set[UUID]:
        with _in_words():
            folders = [folder.name for place in PLACES for folder in (self.root / place).glob("*")]
        return {id for name in folders if (id := as_id(name)) is not None}


def missing(key: str) -> Missing:
    return Missing(_("The content of this file is not where it was kept. Ask whoever runs this server."), key=key)


def unavailable() -> Unavailable:
    return Unavailable(_("The place where files are kept does not answer. Try again in a moment."))


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise unavailable() from error


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    """A name is on disk once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
