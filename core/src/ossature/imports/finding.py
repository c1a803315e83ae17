"""Whom a file means: records by what it calls them, looked up for many rows together, a statement for each way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import ARRAY

from ossature.context import current
from ossature.db.work import session
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.imports.mapping import BY_EXTERNAL, ID
from ossature.imports.proposing import nearest
from ossature.kernel import kernel
from ossature.rbac.members import list_members
from ossature.rbac.predicate import reaches
from ossature.records.clean import Wrong, clean_value
from ossature.records.external_ids import find_by_external
from ossature.records.fields import Field
from ossature.records.query import ACTOR
from ossature.records.rules import folded
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

MOST_ALIKE = 5_000
"""Titles among which one is looked for that is spelled alike."""


class Finder:
    """Looks records up; what people are called, and titles to propose, are read once."""

    def __init__(self) -> None:
        self._titles: dict[str, list[str]] = {}

    def find(self, target: str, by: str, texts: Iterable[str]) -> dict[str, list[tuple[UUID, UUID | None]]]:
        """The live records within reach that each text names, with the record each is part of, if it is; at most some."""
        wanted = sorted(set(texts))
        if not wanted:
            return {}
        if target == ACTOR:
            return {text: [(id, None) for id in self._people(by, text)] for text in wanted}
        rt = kernel().records[target]
        if by.startswith(BY_EXTERNAL):
            found = find_by_external(rt, by.removeprefix(BY_EXTERNAL), wanted)
            return {text: [(id, None)] for text, id in found.items()}
        if by == ID:
            ids = {id: text for text in wanted if (id := as_id(text)) is not None}
            rows = session().execute(select(rt.c.id, _owner(rt)).where(*_live(rt), rt.c.id.in_(list(ids))))
            return {ids[id]: [(id, of)] for id, of in rows}
        return self._by_field(rt, rt.fields[by or rt.title_field], wanted)

    def _by_field(
        self, rt: RecordType, item: Field, wanted: Sequence[str]
    ) -> dict[str, list[tuple[UUID, UUID | None]]]:
        given = given_as({"text": [_spelled(item, text) for text in wanted]}, {"text": sa.Text})
        statement = select(given.c.n, rt.c.id, _owner(rt)).where(*_live(rt), equal(rt, item, given.c.text))
        found: dict[str, list[tuple[UUID, UUID | None]]] = {}
        for number, id, of in session().execute(statement):
            found.setdefault(wanted[number - 1], []).append((id, of))
        return found

    def _people(self, by: str, text: str) -> list[UUID]:
        if by == ID:
            id = as_id(text)
            return [id] if id is not None and id in self.people[2] else []
        names, addresses, _ids = self.people
        key = folded(text)
        return [addresses[key]] if key in addresses else names.get(key, [])

    @cached_property
    def people(self) -> tuple[dict[str, list[UUID]], dict[str, UUID], set[UUID]]:
        """Active members by name and by e-mail address, and their ids."""
        names: dict[str, list[UUID]] = {}
        members = [member for member in list_members() if member.active]
        for member in members:
            names.setdefault(folded(member.name), []).append(member.id)
        self._titles[ACTOR] = [member.name for member in members]
        return (
            names,
            {folded(member.email): member.id for member in members if member.email},
            {one.id for one in members},
        )

    def match(self, rt: RecordType, fields: Sequence[Field], keys: Sequence[Sequence[Any]]) -> dict[int, list[UUID]]:
        """The live records within reach whose fields have these values, by the place of each key."""
        types = {f"k{n}": rt.c[item.name].type for n, item in enumerate(fields)}
        columns = {f"k{n}": [key[n] for key in keys] for n in range(len(fields))}
        given = given_as(columns, types)
        same = [
            equal(rt, item, given.c[f"k{n}"])
            if item.textual or len(fields) == 1
            else rt.c[item.name].is_not_distinct_from(given.c[f"k{n}"])
            for n, item in enumerate(fields)
        ]
        found: dict[int, list[UUID]] = {}
        for number, id in session().execute(select(given.c.n, rt.c.id).where(*_live(rt), *same)):
            found.setdefault(number - 1, []).append(id)
        return found

    def present(self, rt: RecordType, ids: Sequence[UUID]) -> set[UUID]:
        """Those of some records that are live and within reach."""
        return set(session().execute(select(rt.c.id).where(*_live(rt), rt.c.id.in_(ids))).scalars())

    def alike(self, target: str, text: str, of: UUID | None = None) -> str | None:
        """The title of a record that is spelled nearly so; `of` is what it must be a part of."""
        if target == ACTOR:
            assert self.people
        elif (key := f"{target} {of or ''}") not in self._titles:
            rt = kernel().records[target]
            statement = select(sa.cast(rt.c[rt.title_field], sa.Text)).where(*_live(rt)).limit(MOST_ALIKE)
            if of is not None and rt.parent_column:
                statement = statement.where(rt.c[rt.parent_column] == of)
            self._titles[key] = [title for (title,) in session().execute(statement) if title]
        return nearest(text, self._titles[target if target == ACTOR else f"{target} {of or ''}"])


def given_as(columns: dict[str, list[Any]], types: dict[str, Any]) -> Any:
    """Lists as a table with their number, from 1, as `n`."""
    arrays = [sa.cast(sa.literal(values, ARRAY(types[name])), ARRAY(types[name])) for name, values in columns.items()]
    listed = [sa.column(name, types[name]) for name in columns]
    return (
        func.unnest(*arrays).table_valued(*listed, with_ordinality="n", joins_implicitly=True).render_derived("given")
    )


def equal(rt: RecordType, item: Field, given: Any) -> sa.ColumnElement[bool]:
    """Whether a field has a value, as the database compares them: texts without case and accents."""
    if not item.textual:
        column: sa.ColumnElement[Any] = rt.c[item.name]
        return column == sa.cast(given, column.type)
    twin = item.shown_column
    kept = rt.c[twin] if twin in rt.c else func.ossature.fold(func.coalesce(rt.c[item.name], ""))
    return kept == func.ossature.fold(func.coalesce(given, ""))


def _spelled(item: Field, text: str) -> str:
    """A text as the field would have it: a telephone number without its spaces."""
    try:
        value = clean_value(item, text)
    except Wrong:
        return text
    return str(value) if isinstance(value, str) else text


def _owner(rt: RecordType) -> Any:
    """The column that says what an entry is part of, or nothing."""
    return rt.c[rt.parent_column] if rt.parent_column else sa.null()


def _live(rt: RecordType) -> list[sa.ColumnElement[bool]]:
    found = [rt.c.tenant_id == current().tenant_id, rt.c.deleted_at.is_(None), reaches(rt)]
    owner = kernel().records.get(rt.parent or "")
    if owner is not None and owner.owned:  # entries are reached with what they are part of
        of = sa.and_(owner.c.tenant_id == rt.c.tenant_id, owner.c.id == rt.c[rt.parent_column])
        found.append(select(owner.c.id).where(of, reaches(owner)).exists())
    return found
