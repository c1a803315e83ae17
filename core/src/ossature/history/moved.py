"""Undoing a merge: what the kernel moved, whoever may see it, moves back by the same right, along with what it led to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ossature.context import current
from ossature.db.kernel import undo as undo_table
from ossature.db.work import session
from ossature.duplicates.setting_apart import carry_over, take_back
from ossature.duplicates.tables import merged
from ossature.errors import Detail
from ossature.history.change_sets import ChangeSet, Touched
from ossature.history.putting_back import Kept, Put
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.predicate import reaches
from ossature.records.query import labels
from ossature.search.pins import table as pin

_, _l, _n = translator("ossature")

_ONLY_MOVED = sa.text(
    "SELECT c.root_id FROM ossature.change c LEFT JOIN LATERAL ("
    "  SELECT bool_and(e.key = 'deleted_at' OR (jsonb_typeof(e.value) = 'array'"
    "    AND e.value ->> 0 = ANY(CAST(:ids AS text[])) AND e.value ->> 1 = ANY(CAST(:ids AS text[])))) AS moved"
    "  FROM jsonb_each(c.payload) e) p ON true"
    " WHERE c.tenant_id = :tenant AND c.at = :at AND c.change_set_id = :set"
    " AND NOT (c.root_id = ANY(CAST(:ids AS uuid[])))"
    " GROUP BY c.root_id HAVING bool_and(c.what IN ('update', 'delete', 'restore') AND coalesce(p.moved, true))"
)
_CELLS = sa.text(
    "SELECT c.record, c.record_id, c.root_id, e.key, e.value ->> 0 AS before, e.value ->> 1 AS after"
    " FROM ossature.change c, jsonb_each(c.payload) e"
    " WHERE c.tenant_id = :tenant AND c.at = :at AND c.change_set_id = :set"
    " AND c.root_id = ANY(CAST(:roots AS uuid[])) ORDER BY c.seq"
)


@dataclass
class MovedBack:
    """How it went: `count` records, of which `put` are for the reader to see, and those that stay as they are."""

    count: int = 0
    put: list[Put] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A reference that was moved, or an entry that was deleted: the row, and what the column becomes again."""

    root_id: UUID
    id: UUID
    before: str | None
    after: str | None


class MergeUndone:
    """The merge that a change set did, or undid, or did again."""

    def __init__(self, head: ChangeSet) -> None:
        self.head = head
        back = select(sa.literal(head.id).label("id")).cte("back", recursive=True)
        u = undo_table.c
        back = back.union(
            select(u.undone_id).join_from(
                undo_table, back, sa.and_(u.tenant_id == current().tenant_id, u.id == back.c.id)
            )
        )
        of = merged.c.change_set_id.in_(select(back.c.id))
        self.rows = (
            session().execute(select(merged).where(merged.c.tenant_id == current().tenant_id, of)).mappings().all()
        )
        self.ids = {row[name] for row in self.rows for name in ("from_id", "to_id")}
        self.entries = self._entries() if self.rows else set()
        self.only_moved = self._only_moved() if self.rows else frozenset()
        self.missing = self._missing_permissions() if self.rows else {}

    def _missing_permissions(self) -> dict[UUID, str]:
        """The rows of which the bound actor may not part or merge the two, each with the permission that is missing."""
        found: dict[UUID, str] = {}
        rt = kernel().records.get(self.rows[0]["record"])
        if rt is None:
            return {row["id"]: self.rows[0]["record"] for row in self.rows}
        may = [reaches(rt, action).label(action) for action in ("edit", "delete")]
        where = (rt.c.tenant_id == current().tenant_id, rt.c.id.in_(self.ids))
        reached = {row.id: row._mapping for row in session().execute(select(rt.c.id, *may).where(*where))}
        for row in self.rows:
            for name, action in (("to_id", "edit"), ("from_id", "delete")):
                if row[name] in reached and not reached[row[name]][action]:
                    found[row["id"]] = rt.permission(action)
        return found

    def _entries(self) -> set[UUID]:
        """What stands in the collections of the merged records, to which others may refer."""
        rt = kernel().records.get(self.rows[0]["record"])
        found = set[UUID]()
        for part in rt.parts.values() if rt else ():
            where = (part.c.tenant_id == current().tenant_id, part.c[part.parent_column or ""].in_(self.ids))
            found |= set(session().execute(select(part.c.id).where(*where)).scalars())
        return found

    def _only_moved(self) -> frozenset[UUID]:
        """The records in which it changed nothing but what they refer to."""
        values = {
            "tenant": current().tenant_id,
            "at": self.head.at,
            "set": self.head.id,
            "ids": [str(id) for id in self.ids | self.entries],
        }
        return frozenset(session().execute(_ONLY_MOVED, values).scalars())

    def put_back(self, records: Sequence[Touched]) -> MovedBack:
        """Have what was moved point to where it pointed before, for who may part what was merged."""
        done = MovedBack()
        if self.missing:
            permission = next(iter(self.missing.values()))
            message = _(
                "Your permission %(permission)s does not reach the records that were merged.", permission=permission
            )
            done.kept = [Kept(one.key, one.id, None, Detail("", "forbidden", message)) for one in records]
            return done
        roots = [one.id for one in records]
        stayed: set[UUID] = set()
        for (key, column), cells in self._cells(roots).items():
            for cell, code, message in self._column(key, column, [one for one in cells if one.id not in stayed]):
                done.kept.append(Kept(key, cell.root_id, None, Detail(column, code, message)))
                stayed.add(cell.id)
        kept = {one.id for one in done.kept}
        back = [one for one in records if one.id not in kept]
        done.count = len(back)
        self._next_version(back)
        for key in dict.fromkeys(one.key for one in back):
            rt = kernel().records.get(key)
            if rt is None:
                continue
            titles = labels(key, [one.id for one in back if one.key == key])
            done.put += [
                Put(rt, id, label.title or _("Unnamed"), "update", {})
                for id, label in titles.items()
                if not label.hidden
            ]
        return done

    def _cells(self, roots: Sequence[UUID]) -> dict[tuple[str, str], list[_Cell]]:
        values = {"tenant": current().tenant_id, "at": self.head.at, "set": self.head.id, "roots": list(roots)}
        found: dict[tuple[str, str], dict[UUID, _Cell]] = {}
        for row in session().execute(_CELLS, values):
            cells = found.setdefault((row.record, row.key), {})
            first = cells.get(row.record_id)
            cells[row.record_id] = _Cell(row.root_id, row.record_id, first.before if first else row.before, row.after)
        order = sorted(found, key=lambda one: one[1] == "deleted_at")
        return {one: list(found[one].values()) for one in order}

    def _column(self, key: str, column: str, cells: Sequence[_Cell]) -> Iterator[tuple[_Cell, str, str]]:
        """Write one column back; those that stay, each with the code and the reason."""
        name = _table_of(key)
        if name is None:
            yield from ((cell, "gone", _("What it changed is no longer kept.")) for cell in cells)
            return
        schema, table_name = name
        columns: list[sa.ColumnClause[Any]] = [
            sa.column(one, sa.Uuid) for one in ("tenant_id", "id", "deleted_at", column)
        ]
        table = sa.table(table_name, *{one.name: one for one in columns}.values(), schema=schema)
        here = table.c.tenant_id == current().tenant_id
        if column == "deleted_at":
            for value, some in ((sa.null(), [one.id for one in cells if one.before is None]),
                                (sa.func.now(), [one.id for one in cells if one.before is not None])):  # fmt: skip
                session().execute(sa.update(table).where(here, table.c.id.in_(some)).values(deleted_at=value))
            return
        living = self._living()
        lead: dict[bool, list[_Cell]] = {True: [], False: []}
        for cell in cells:
            lead[UUID(cell.before or "") in living].append(cell)
        yield from ((cell, "not_found", _("What it referred to is gone.")) for cell in lead[False])
        cells = lead[True]
        was = sa.values(sa.column("id", sa.Uuid), sa.column("before", sa.Uuid), sa.column("after", sa.Uuid), name="was")
        given = was.data([(cell.id, UUID(cell.before or ""), UUID(cell.after or "")) for cell in cells])
        if not cells:
            return
        stored = select(table.c.id, table.c[column]).where(here, table.c.id.in_([one.id for one in cells]))
        now = {row[0]: row[1] for row in session().execute(stored)}
        savepoint = session().begin_nested()
        try:
            session().execute(
                sa.update(table)
                .where(here, table.c.id == given.c.id, table.c[column] == given.c.after)
                .values({column: given.c.before})
            )
        except IntegrityError:
            savepoint.rollback()
            yield from ((cell, "taken", _("Another record has its place by now.")) for cell in cells)
            return
        savepoint.commit()
        for cell in cells:
            if now.get(cell.id) not in (UUID(cell.before or ""), UUID(cell.after or "")):
                yield cell, "changed_since", _("What it refers to was changed since.")

    def _living(self) -> set[UUID]:
        rt = kernel().records.get(self.rows[0]["record"])
        if rt is None:
            return set()
        where = (rt.c.tenant_id == current().tenant_id, rt.c.id.in_(self.ids), rt.c.deleted_at.is_(None))
        living = set(session().execute(select(rt.c.id).where(*where)).scalars())
        for part in rt.parts.values():
            owner = part.c[part.parent_column or ""]
            there = (part.c.tenant_id == current().tenant_id, owner.in_(living), part.c.deleted_at.is_(None))
            living = living | set(session().execute(select(part.c.id).where(*there)).scalars())
        return living

    def _next_version(self, records: Sequence[Touched]) -> None:
        """An owner of entries gets another version, as by any other change of them."""
        for key in dict.fromkeys(one.key for one in records):
            rt = kernel().records.get(key)
            if rt is not None and rt.parts:
                those = [one.id for one in records if one.key == key]
                where = (rt.c.tenant_id == current().tenant_id, rt.c.id.in_(those))
                session().execute(sa.update(rt.table).where(*where).values(version=rt.c.version + 1))

    def done(self) -> None:
        """Once all is back, or merged again: pins, secrets and what was set apart follow, and so does where old ids lead."""
        merges: dict[bool, list[UUID]] = {True: [], False: []}
        for row in self.rows:
            rt = kernel().records.get(row["record"])
            if rt is None or row["id"] in self.missing:
                continue
            here = rt.c.tenant_id == current().tenant_id
            gone = session().execute(select(rt.c.deleted_at).where(here, rt.c.id == row["from_id"])).scalar()
            to, at = (row["from_id"], row["to_id"]) if gone is None else (row["to_id"], row["from_id"])
            other_pin = pin.alias()
            has = select(other_pin.c.id).where(
                other_pin.c.tenant_id == pin.c.tenant_id, other_pin.c.actor_id == pin.c.actor_id,
                other_pin.c.record_id == to,
            )  # fmt: skip
            those = (pin.c.tenant_id == current().tenant_id, pin.c.id.in_(row["pins"]), pin.c.record_id == at)
            session().execute(sa.update(pin).where(*those, ~has.exists()).values(record_id=to))
            merges[gone is None].append(row["id"])
            if gone is not None:
                session().execute(sa.update(merged).where(merged.c.tenant_id == current().tenant_id, merged.c.id == row["id"]).values(at=gone))  # fmt: skip
            if row["secrets"]:
                other = rt.table.alias("other")
                giver = (other.c.tenant_id == current().tenant_id, other.c.id == row["from_id"])
                filled = sa.func.nullif if gone is None else sa.func.coalesce  # what was set since stays
                values: dict[str, Any] = {
                    name: filled(rt.c[name], select(other.c[name]).where(*giver).scalar_subquery())
                    for name in row["secrets"]
                }
                session().execute(sa.update(rt.table).where(here, rt.c.id == row["to_id"]).values(values))
        take_back(merges[True])
        carry_over(merges[False])


def _table_of(key: str) -> tuple[str, str] | None:
    """Schema and name of the table that the history calls `key`, of plugins that are not here too."""
    found = session().execute(
        sa.text("SELECT schema_name, table_name FROM ossature.record_type WHERE key = :key"), {"key": key}
    ).first()  # fmt: skip
    if found is not None:
        return found.schema_name, found.table_name
    there = session().execute(sa.text("SELECT to_regclass(:name) IS NOT NULL"), {"name": key}).scalar_one()
    schema, _dot, name = key.partition(".")
    return (schema, name) if there else None
