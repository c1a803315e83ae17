"""What imports hold of a person, taken away: rows of files, what was said of their texts, and the files themselves.

Known by the record that a row went into, and by the person's e-mail addresses and telephone numbers wherever they stand;
refused rows by the whole name as well. A row that waits under nothing but the name may be of somebody else and stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select, text, update

from ossature.context import current
from ossature.db.kernel import change
from ossature.db.work import after_commit, session
from ossature.files.storage import storage
from ossature.imports.runs import one, recount
from ossature.imports.table import import_preset, import_row, import_run
from ossature.records.fields import Field, Kind
from ossature.records.rules import folded
from ossature.records.types import RecordType

_DIGITS = 9
"""The last digits of a number, which are the same with and without the country's."""


@dataclass
class Marks:
    """What tells that a text is about some people: folded addresses, last digits of numbers, and the names of each."""

    emails: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)
    names: list[list[str]] = field(default_factory=list)

    @property
    def email(self) -> str | None:
        """The addresses as a regular expression, of PostgreSQL and of Python."""
        if not self.emails:
            return None
        return f"(^|[^a-z0-9._%+-])({'|'.join(sorted(map(re.escape, self.emails)))})($|[^a-z0-9-])"

    def in_text(self, said: str) -> bool:
        """Whether a text holds an address or a number, or is a name."""
        plain = folded(said.strip())
        digits = re.sub(r"\D", "", said)
        return (
            (self.email is not None and re.search(self.email, plain) is not None)
            or any(number in digits for number in self.phones)
            or any(plain in names or sorted(plain.split()) == sorted(" ".join(names).split()) for names in self.names)
        )


def marks(rt: RecordType, ids: Sequence[UUID]) -> Marks:
    """What some people are known by, now and as the history has it; to be asked before they are erased."""
    found = Marks()
    tenant_id = current().tenant_id
    ways = {name for one in (rt, *rt.parts.values()) for name in _named(one, Kind.EMAIL, Kind.PHONE)}
    called = _named(rt, Kind.TEXT, searched=True)
    names = [rt.c[name] for name in called]
    for row in session().execute(select(*names).where(rt.c.tenant_id == tenant_id, rt.c.id.in_(ids))) if names else ():
        said = [folded(value.strip()) for value in row if value and value.strip()]
        if len(said) > 1:
            found.names.append(said)
    kinds = {one.key: one for one in (rt, *rt.parts.values())}
    here = (change.c.tenant_id == tenant_id, change.c.root_id == sa.any_(sa.literal(list(ids), sa.ARRAY(sa.Uuid))))
    history = select(change.c.record, change.c.payload).where(
        *here, change.c.record.in_(list(kinds)), change.c.salt.isnot(None)
    )
    for record, payload in session().execute(history):
        for name, value in payload.items():
            if name in ways and name in kinds[record].fields:
                _add(found, kinds[record].fields[name], value if isinstance(value, list) else [value])
    for one_, key in ((rt, rt.c.id), *((part, part.c[str(part.parent_column)]) for part in rt.parts.values())):
        own = _named(one_, Kind.EMAIL, Kind.PHONE)
        if own:
            stored = select(*(one_.c[name] for name in own)).where(one_.c.tenant_id == tenant_id, key.in_(ids))
            for row in session().execute(stored):
                for name, value in zip(own, row, strict=True):
                    _add(found, one_.fields[name], [value])
    return found


def _named(rt: RecordType, *kinds: Kind, searched: bool = False) -> list[str]:
    return [
        name
        for name, item in rt.fields.items()
        if item.personal and not item.derived and item.kind in kinds and (item.search or not searched)
    ]


def _add(found: Marks, item: Field, values: Iterable[Any]) -> None:
    for value in values:
        if not isinstance(value, str) or not value.strip():
            continue
        if item.kind is Kind.EMAIL:
            found.emails.add(folded(value.strip()))
        elif len(digits := re.sub(r"\D", "", value)) >= 6:
            found.phones.add(digits[-_DIGITS:])


def forget_imported(ids: Sequence[UUID], known: Marks) -> int:
    """Delete the rows of imports that are about some people, by whoever; how many there were. What is left of each import
    goes on without them."""
    held = select(import_run.c.id, import_run.c.key).where(import_run.c.tenant_id == current().tenant_id)
    keys: dict[UUID, str] = {
        row.id: row.key for row in session().execute(held.order_by(import_run.c.id).with_for_update())
    }
    gone: dict[UUID, int] = {}
    for (import_id,) in session().execute(text(_DELETE + _or_names(known)[0] + _RETURNING), _values(ids, known)):
        gone[import_id] = gone.get(import_id, 0) + 1
    for import_id, count in gone.items():
        left = recount(import_id)
        session().execute(
            update(import_run).where(one(import_id)).values(total=import_run.c.total - count, counts=left)
        )
    session().execute(  # what was written keeps nothing of its cells
        update(import_row)
        .where(import_row.c.tenant_id == current().tenant_id, import_row.c.record_id.in_(ids))
        .values(cells=None, flaws=None)
    )
    for table in (import_run, import_preset):
        _forget_said(table, known)
    if gone:
        tenant_id = current().tenant_id
        assert tenant_id is not None
        after_commit(partial(storage().delete, tenant_id, *(keys[id] for id in gone if id in keys)))
    return sum(gone.values())


_DELETE = """
WITH found AS (
  SELECT r.import_id, r.number, r.head FROM ossature.import_row r
  WHERE r.tenant_id = :tenant AND (r.cells IS NOT NULL OR r.flaws IS NOT NULL OR r.faults IS NOT NULL) AND (
    (r.record_id = ANY(CAST(:ids AS uuid[])) AND NOT r.written)
    OR ossature.fold(concat_ws(' ', r.cells, r.faults, r.flaws)) ~ :email
    OR EXISTS (
      SELECT FROM jsonb_array_elements_text(coalesce(r.cells, '[]')) cell, unnest(CAST(:phones AS text[])) phone
      WHERE position(phone IN regexp_replace(cell, '[^0-9]', '', 'g')) > 0)
"""
_RETURNING = """
  )
)
DELETE FROM ossature.import_row r USING found f
WHERE r.tenant_id = :tenant AND r.import_id = f.import_id AND (r.number = f.number OR r.head = f.head)
  AND NOT (r.written AND r.outcome <> 'refused')
RETURNING r.import_id
"""


def _or_names(known: Marks) -> tuple[str, dict[str, Any]]:
    """The condition for refused rows that have all names of one, in any cells of theirs."""
    values = {f"names_{number}": names for number, names in enumerate(known.names)}
    words = "regexp_split_to_array(btrim(ossature.fold(concat_ws(' ', VARIADIC array("
    words += "SELECT jsonb_array_elements_text(coalesce(r.cells, '[]')))))), '\\W+')"
    parts = [f" OR (r.outcome = 'refused' AND CAST(:{name} AS text[]) <@ {words})" for name in values]
    spread = {name: [word for one_ in names for word in re.findall(r"\w+", one_)] for name, names in values.items()}
    return "".join(parts), spread


def _values(ids: Sequence[UUID], known: Marks) -> dict[str, Any]:
    return {
        "tenant": current().tenant_id, "ids": list(map(str, ids)), "email": known.email, "phones": sorted(known.phones),
        **_or_names(known)[1],
    }  # fmt: skip


def _forget_said(table: sa.Table, known: Marks) -> None:
    """Take out of mappings what was said of a person's texts, and values of theirs."""
    rows = session().execute(
        select(table.c.id, table.c.mapping).where(table.c.tenant_id == current().tenant_id)
    ).all()  # fmt: skip
    for id, mapping in rows:
        kept = {
            **mapping,
            "columns": [
                {**column, "values": _without(column.get("values") or {}, known)}
                for column in mapping.get("columns") or []
            ],
            "defaults": _without(mapping.get("defaults") or {}, known),
        }
        if mapping and kept != mapping:
            here = (table.c.tenant_id == current().tenant_id, table.c.id == id)
            session().execute(update(table).where(*here).values(mapping=kept))


def _without(said: Mapping[str, str], known: Marks) -> dict[str, str]:
    return {one_: to for one_, to in said.items() if not (known.in_text(one_) or known.in_text(to))}
