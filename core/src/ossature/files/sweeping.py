"""Bytes and rows brought together again after something was killed: the nightly sweep, and a look over everything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from ossature.context import current
from ossature.db.work import session, transaction
from ossature.files.storage import PLACES, Held, storage
from ossature.files.table import table
from ossature.i18n.texts import translator
from ossature.imports.table import import_run
from ossature.jobs.run import JobRun
from ossature.jobs.types import NoArgs, job

_, _l, _n = translator("ossature")

OLD = timedelta(days=1)
"""Bytes without a row are of an upload that was broken off once they are older than any upload takes."""
_AT_ONCE = 500
_SMALL = "-small"
T = TypeVar("T")


class Keys(BaseModel):
    """Bytes to be deleted, by key."""

    model_config = ConfigDict(extra="forbid")

    keys: list[str]


@dataclass(frozen=True, slots=True)
class Findings:
    """What a look over a tenant's files found: ids of rows without bytes, keys of bytes without a row."""

    without_bytes: tuple[UUID, ...]
    without_row: tuple[str, ...]


@job(
    "ossature.sweep_files",
    _l("Tidy up files"),
    priority="low",
    time_limit=3600,
    unique=lambda _args: "",
    as_system=True,
)
def sweep_files(run: JobRun, _args: NoArgs) -> dict[str, int]:
    """Keep the bytes whose upload was committed, delete those whose upload was broken off a day ago, and those of
    imports that are written or forgotten."""
    kept, deleted = sweep(run.progress)
    return {"kept": kept, "deleted": deleted}


@job("ossature.delete_bytes", _l("Delete the content of files"), args=Keys, priority="low", as_system=True)
def delete_bytes(_run: JobRun, args: Keys) -> None:
    """Delete bytes whose rows were deleted, where that did not happen at once."""
    storage().delete(_tenant(), *(one for key in args.keys for one in (key, key + _SMALL)))


def sweep(progress: object = None, *, now: datetime | None = None) -> tuple[int, int]:
    """Bring the bound tenant's pending bytes to their end: how many are kept, how many deleted."""
    tenant, before = _tenant(), (now or datetime.now(UTC)) - OLD
    kept = deleted = 0
    for some in _batches(storage().held(tenant, "pending")):
        known, imported = _known(some), _imported(some, _READ_ANEW)
        for held in some:
            if _row_key(held.key) in known:
                storage().keep(tenant, held.key)
                kept += 1
            elif held.key in imported:
                continue
            elif held.at < before:
                storage().delete(tenant, held.key)
                deleted += 1
        if callable(progress):
            progress(kept + deleted)
    return kept, deleted


def look_over(*, now: datetime | None = None) -> Findings:
    """Compare all rows of the bound tenant with all bytes held for it; changes nothing."""
    begun = now or datetime.now(UTC)
    there: set[str] = set()
    without_row: list[str] = []
    for place in reversed(PLACES):  # what is kept meanwhile is then met twice rather than never
        for some in _batches(storage().held(_tenant(), place)):
            known = _known(some) | _imported(some)
            there |= {held.key for held in some}
            without_row += [held.key for held in some if _row_key(held.key) not in known and held.at < begun - OLD]
    with transaction() as work:
        rows = work.execute(
            sa.select(table.c.id, table.c.key).where(table.c.tenant_id == _tenant(), table.c.created_at < begun)
        )
        without_bytes = [row.id for row in rows if row.key not in there]
    return Findings(tuple(without_bytes), tuple(dict.fromkeys(without_row)))


def delete_without_row(findings: Findings) -> None:
    """Delete the bytes that a look over found no row for."""
    for some in _batches(findings.without_row):
        these = [Held(key, 0, datetime.now(UTC)) for key in some]
        known = _known(these) | _imported(these)
        storage().delete(_tenant(), *(key for key in some if _row_key(key) not in known))


def left_behind(tenants: Collection[UUID], *, now: datetime | None = None) -> dict[UUID, list[str]]:
    """Keys of the bytes that are held for tenants other than these, which are all that there are; changes nothing."""
    before = (now or datetime.now(UTC)) - OLD
    found = {}
    for tenant in sorted(storage().tenants() - set(tenants)):
        held = (held for place in PLACES for held in storage().held(tenant, place))
        if keys := sorted({held.key for held in held if held.at < before}):
            found[tenant] = keys
    return found


def delete_left_behind(found: Mapping[UUID, Sequence[str]]) -> None:
    """Delete the bytes of tenants that are no longer there."""
    for tenant, keys in found.items():
        for some in _batches(keys):
            storage().delete(tenant, *some)


def _known(some: Iterable[Held]) -> set[str]:
    return _with_row(table, some)


def _imported(some: Iterable[Held], *more: sa.ColumnElement[bool]) -> set[str]:
    return _with_row(import_run, some, *more)


_READ_ANEW = sa.func.coalesce(import_run.c.counts["written"].as_integer(), 0) == 0
"""The file of an import is wanted until the first of its rows is written. It stays pending, so that the sweep deletes it
after that, or after the import was forgotten."""


def _with_row(rows: sa.Table, some: Iterable[Held], *more: sa.ColumnElement[bool]) -> set[str]:
    keys = sorted({_row_key(held.key) for held in some})
    with transaction():
        found = session().execute(
            sa.select(rows.c.key).where(
                rows.c.tenant_id == _tenant(), rows.c.key == sa.any_(sa.cast(keys, _TEXTS)), *more
            )
        )
        return set(found.scalars())


_TEXTS = sa.ARRAY(sa.Text)


def _row_key(key: str) -> str:
    return key.removesuffix(_SMALL)


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    walk = iter(items)
    while some := list(islice(walk, _AT_ONCE)):
        yield some


def _tenant() -> UUID:
    found = current().tenant_id
    assert found is not None, "files belong to a tenant"
    return found
