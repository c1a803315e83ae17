"""Files that are read while they are sent: after the request's own transaction, in a read-only one of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any

from sqlalchemy import text

from ossature.context import current
from ossature.db.database import SILENT_SECONDS
from ossature.db.work import transaction
from ossature.kernel import kernel


def sent_later(read: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
    """The bytes that `read` gives, read when they are asked for, all in one snapshot of the database.

    An error in the midst of it is not caught: the answer breaks off, so that nobody takes a part for the whole.
    """
    context, surroundings = current(), copy_context()

    def chunks() -> Iterator[bytes]:
        with transaction(context, database=kernel().db) as work:
            work.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            # Who no longer takes what is sent must not hold back the tidying of dead rows.
            work.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = {SILENT_SECONDS * 1000:d}"))
            yield from read()

    return _Kept(chunks(), surroundings)


class _Kept(Iterator[bytes]):
    """A generator each step of which runs in the surroundings that it was made in, whoever asks for the next."""

    def __init__(self, chunks: Iterator[bytes], surroundings: Any) -> None:
        self._chunks, self._surroundings = chunks, surroundings

    def __next__(self) -> bytes:
        found: bytes = self._surroundings.run(next, self._chunks)
        return found

    def close(self) -> None:
        self._surroundings.run(self._chunks.close)  # type: ignore[attr-defined]
