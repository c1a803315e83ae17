"""Files on S3, or whatever speaks its protocol: `OSSATURE_FILES_URL=s3://bucket/prefix`."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit
from uuid import UUID

import boto3
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError

from ossature.config import Config
from ossature.files.storage import PLACES, Held, Place, missing, unavailable
from ossature.ids import as_id
from ossature.logs import get_logger

log = get_logger(__name__)

_AT_ONCE = 1000
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})


class S3Storage:
    """Objects `PREFIX/kept/TENANT/KEY` and `PREFIX/pending/TENANT/KEY` of one bucket.

    Credentials are those of the settings, else what the machine or the environment gives boto3.
    """

    def __init__(self, config: Config) -> None:
        parts = urlsplit(config.files_url)
        self.bucket, prefix = parts.netloc, parts.path.strip("/")
        self.prefix = f"{prefix}/" if prefix else ""
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=config.s3_endpoint_url or None,
            region_name=config.s3_region or None,
            aws_access_key_id=config.s3_access_key_id or None,
            aws_secret_access_key=config.s3_secret_key or None,
            config=ClientConfig(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "max_attempts": 3}),
        )

    def _name(self, place: Place, tenant: UUID, key: str = "") -> str:
        return f"{self.prefix}{place}/{tenant}/{key}"

    def write(self, tenant: UUID, key: str, source: BinaryIO) -> None:
        with _in_words():
            self.client.put_object(Bucket=self.bucket, Key=self._name("pending", tenant, key), Body=source)

    def keep(self, tenant: UUID, key: str) -> None:
        pending = self._name("pending", tenant, key)
        with _in_words():
            try:
                self.client.copy_object(
                    Bucket=self.bucket, Key=self._name("kept", tenant, key),
                    CopySource={"Bucket": self.bucket, "Key": pending},
                )  # fmt: skip
            except ClientError as error:
                if not _absent(error):
                    raise
            else:
                self.client.delete_object(Bucket=self.bucket, Key=pending)

    def open(self, tenant: UUID, key: str) -> BinaryIO:
        for place in ("kept", "pending", "kept"):  # it may be kept between two looks
            name = self._name(place, tenant, key)
            with _in_words():
                try:
                    size = self.client.head_object(Bucket=self.bucket, Key=name)["ContentLength"]
                except ClientError as error:
                    if not _absent(error):
                        raise
                else:
                    return cast(BinaryIO, _Object(self, name, size))
        raise missing(key)

    def delete(self, tenant: UUID, *keys: str) -> None:
        names = [self._name(place, tenant, key) for key in keys for place in PLACES]
        with _in_words():
            for start in range(0, len(names), _AT_ONCE):
                objects = [{"Key": name} for name in names[start : start + _AT_ONCE]]
                self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True})

    def held(self, tenant: UUID, place: Place) -> Iterator[Held]:
        within = self._name(place, tenant)
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=within)
        with _in_words():
            for page in pages:
                for found in page.get("Contents", ()):
                    yield Held(found["Key"].removeprefix(within), found["Size"], found["LastModified"])

    def tenants(self) -> set[UUID]:
        found: set[UUID] = set()
        for place in PLACES:
            within = f"{self.prefix}{place}/"
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=within, Delimiter="/"
            )
            with _in_words():
                names = [one["Prefix"].removeprefix(within) for page in pages for one in page.get("CommonPrefixes", ())]
            found |= {id for name in names if (id := as_id(name.rstrip("/"))) is not None}
        return found


class _Object(io.RawIOBase):
    """An object that is read from where one seeks to: nothing before that place is fetched."""

    def __init__(self, storage: S3Storage, name: str, size: int) -> None:
        self._storage, self._name, self._size = storage, name, size
        self._at = 0
        self._body: Any = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        to = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence] + offset
        if to != self._at:
            self._let_go()
            self._at = max(0, to)
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        if self._at >= self._size or size == 0:
            return b""
        with _in_words():
            if self._body is None:
                self._body = self._storage.client.get_object(
                    Bucket=self._storage.bucket, Key=self._name, Range=f"bytes={self._at}-"
                )["Body"]
            read: bytes = self._body.read(None if size is None or size < 0 else size)
        self._at += len(read)
        return read

    def readinto(self, buffer: Any, /) -> int:
        read = self.read(len(buffer))
        buffer[: len(read)] = read
        return len(read)

    def close(self) -> None:
        self._let_go()
        super().close()

    def _let_go(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None


def _absent(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") in _ABSENT


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError, OSError) as error:
        log.error("S3 did not do what it was asked for", exc_info=error)
        raise unavailable() from error
