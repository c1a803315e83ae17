"""Reading records: lists, single rows, labels of references. Every read goes through the permission predicate."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2s
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement, RowMapping, Select, bindparam, func, select

from ossature.context import current
from ossature.db.kernel import actor as actor_table
from ossature.db.types import Money
from ossature.db.work import session
from ossature.errors import BadRequest, Detail, NotFound
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.rbac.predicate import demand, reaches, visible_fields
from ossature.records.cursor import Cursor
from ossature.records.fields import Kind
from ossature.records.filters import NOTHING, Filter, Question, condition, filterable
from ossature.records.ordering import SORT_CAP, Order, beyond, order_by, read_orders
from ossature.records.rules import folded
from ossature.records.searching import Matches, Reach, first_rows, matches, says_nothing, similar
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

Row = dict[str, Any]
BASE = ("id", "owner_id", "created_at", "created_by_id", "updated_at", "updated_by_id", "version", "deleted_at")
ACTOR = "ossature.actor"
COUNT_UP_TO = 1000
"""Where a list stops counting its rows, unless it is asked for the exact number."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list is asked for. `sort` names fields, `-` before one turns its order: `status,-created_at`."""

    search: str = ""
    sort: str = ""
    filter: Filter = NOTHING
    limit: int = 50
    cursor: str = ""
    deleted: bool = False
    fields: tuple[str, ...] = ()
    forgiving: bool = False
    """A search that finds nothing finds what is spelled alike."""

    def fingerprint(self, rt: RecordType) -> str:
        """The same for two pages of one list, different for lists that a cursor cannot be carried between."""
        parts = (rt.key, self.sort, self.search, self.filter, self.deleted)
        return blake2s(repr(parts).encode("utf-8", "replace"), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list and the cursors around them; `reach` tells which tiers of the search were answered."""

    rows: list[Row]
    next: str | None = None
    previous: str | None = None
    reach: Reach = "all"

    @property
    def capped(self) -> bool:
        return self.reach == "words"


@dataclass(frozen=True, slots=True)
class Label:
    """How a referenced record is shown: its title, or nothing when the reader may not see it. A picker shows `hint`
    beside it."""

    id: UUID
    title: str
    deleted: bool = False
    hidden: bool = False
    hint: str = ""


def list_rows(rt: RecordType, query: ListQuery) -> Page:
    """One page of a list, in one statement where nothing is searched for. Raises `Forbidden`, `BadRequest` for a bad cursor or sort."""
    demand(rt, "view")
    orders = read_orders(rt, query.sort)
    of = query.fingerprint(rt)
    key = kernel().cursor_key
    cursor = Cursor.read(query.cursor, key, of) if query.cursor else None
    backwards = bool(cursor and cursor.backwards)
    if not orders[0].indexed:
        refuse_a_long_list(rt, query, orders[0])

    statement = _list_statement(rt, query.fields, orders, backwards, query.deleted)
    if cursor is not None:
        statement = statement.where(beyond(orders, rt.c.id, cursor.value, UUID(cursor.id), backwards))

    statement = statement.where(*_narrowing(rt, query, None))

    def read(found_by: Matches | None) -> tuple[list[str], Sequence[sa.Row[Any]]]:
        most = query.limit + 1
        if found_by is not None:
            return first_rows(rt, query.search, found_by, statement, most, deleted=query.deleted)
        result = session().execute(statement, {"tenant": current().tenant_id, "limit": most})
        return list(result.keys()), result.all()

    found_by = _searched(rt, query)
    names, found = read(found_by)
    if found_by and query.forgiving and not found and not query.cursor:
        alike = similar(rt, query.search, deleted=query.deleted)
        if alike:
            found_by = alike
            names, found = read(alike)
    more = len(found) > query.limit
    found = found[: query.limit]
    if backwards:
        found = found[::-1]

    def mark_at(item: sa.Row[Any], *, back: bool) -> str:
        values = [item._mapping[f"_sort{n}"] for n in range(len(orders))]
        return Cursor(of, values, str(item._mapping["id"]), back).write(key)

    if cursor is not None and not found:
        # What lay beyond has gone meanwhile. The way back begins at the cursor's own row, whichever id sorts last there.
        last = UUID(int=0 if orders[-1].down != backwards else 2**128 - 1)
        back = Cursor(of, cursor.value, str(last), not backwards).write(key)
        return Page([], next=back if backwards else None, previous=None if backwards else back)

    has_next = bool(found) and (more or backwards)
    has_previous = bool(found) and cursor is not None and (more or not backwards)
    return Page(
        to_rows(rt, names, found),
        next=mark_at(found[-1], back=False) if has_next else None,
        previous=mark_at(found[0], back=True) if has_previous else None,
        reach=found_by.reach if found_by else "all",
    )


def rows_of(rt: RecordType, query: ListQuery) -> list[ColumnElement[bool]]:
    """What makes a row part of a list: tenant, recycle bin, reach, filter, search.

    Counts and groups ask this, lists the same, so that they speak of the same rows.
    """
    return searched_rows_of(rt, query)[0]


def searched_rows_of(rt: RecordType, query: ListQuery) -> tuple[list[ColumnElement[bool]], Reach]:
    """As `rows_of`, and which tiers of the search were answered."""
    here, found_by = rt.c.tenant_id == current().tenant_id, _searched(rt, query)
    conditions = [here, _kept(rt, query.deleted), *_narrowing(rt, query, found_by)]
    return conditions, found_by.reach if found_by else "all"


def _narrowing(rt: RecordType, query: ListQuery, found_by: Matches | None) -> list[ColumnElement[bool]]:
    conditions = [reaches(rt)]
    if query.filter != NOTHING:
        conditions.append(condition(rt, query.filter))
    if found_by is not None:
        conditions.append(found_by.condition)
    return conditions


def _kept(rt: RecordType, deleted: bool) -> ColumnElement[bool]:
    gone: ColumnElement[Any] = rt.c.deleted_at
    return gone.isnot(None) if deleted else gone.is_(None)


def _searched(rt: RecordType, query: ListQuery) -> Matches | None:
    return matches(rt, query.search, deleted=query.deleted) if query.search.strip() else None


def count_up_to(rt: RecordType, query: ListQuery, most: int | None) -> int:
    """How many rows a list has, counting stops after `most`; None counts to the end."""
    some = select(rt.c.id).where(*rows_of(rt, query)).limit(most)
    return session().execute(select(func.count()).select_from(some.subquery())).scalar_one()


def is_long(rt: RecordType, query: ListQuery) -> bool:
    """Whether a list has more than `SORT_CAP` rows, too many to read them all where there is no index."""
    return count_up_to(rt, query, SORT_CAP + 1) > SORT_CAP


def refuse_a_long_list(rt: RecordType, query: ListQuery, order: Order) -> None:
    """Sorting without an index reads all rows; there may be `SORT_CAP` of them."""
    if is_long(rt, query):
        raise BadRequest(
            _("This list is too long to be sorted by %(field)s.", field=order.name),
            [
                Detail(
                    "sort", "too_long",
                    _(
                        "Narrow it to %(n)d rows by filters, or sort by one of: %(names)s.",
                        n=SORT_CAP, names=", ".join(rt.sortable()),
                    ),
                )
            ],
        )  # fmt: skip


def _list_statement(
    rt: RecordType, fields: Sequence[str], orders: Sequence[Order], backwards: bool, deleted: bool
) -> Select[Any]:
    """What the pages of a list have in common; tenant and limit are parameters.

    Kept where the reader asks for no fields in particular: making it takes longer than running it.
    """
    shape = (tuple(visible_fields(rt)), tuple((one.name, one.down) for one in orders), backwards, deleted)
    keep = not fields and all(order.indexed for order in orders)
    if keep and shape in rt.statements:
        return rt.statements[shape]
    made = (
        select(*columns(rt, fields), *(order.key.label(f"_sort{n}") for n, order in enumerate(orders)))
        .where(rt.c.tenant_id == bindparam("tenant"), _kept(rt, deleted))
        .order_by(*order_by(orders, rt.c.id, backwards))
        .limit(bindparam("limit", type_=sa.Integer))
    )
    if keep:
        rt.statements[shape] = made
    return made


def get_row(rt: RecordType, id: UUID, *, lock: bool = False) -> Row:
    """One record, deleted or not. Raises `NotFound` alike for what is absent, foreign or out of reach."""
    demand(rt, "view")
    statement = select(*columns(rt)).where(rt.c.tenant_id == current().tenant_id, rt.c.id == id, reaches(rt))
    if lock:
        statement = statement.with_for_update()
    found = session().execute(statement).mappings().first()
    if found is None:
        raise NotFound(_("There is no such record, or you may not see it."), record=rt.key)
    return to_row(rt, found)


def part_rows(
    rt: RecordType, owner_ids: Sequence[UUID], collections: Iterable[str] | None = None
) -> dict[str, dict[UUID, list[Row]]]:
    """The parts of some records, all or those of some collections: collection -> owner -> rows in their order; a
    statement a collection."""
    found: dict[str, dict[UUID, list[Row]]] = {}
    for collection in rt.parts if collections is None else collections:
        part = rt.parts[collection]
        assert part.parent_column is not None
        owner = part.c[part.parent_column]
        statement = (
            select(*columns(part))
            .where(part.c.tenant_id == current().tenant_id, among(owner, owner_ids), part.c.deleted_at.is_(None))
            .order_by(*part.entries_order)
        )
        grouped: dict[UUID, list[Row]] = {}
        result = session().execute(statement)
        for row in to_rows(part, list(result.keys()), result):
            grouped.setdefault(row[part.parent_column], []).append(row)
        found[collection] = grouped
    return found


def among(column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """`column IN (...)` as one parameter, so that a thousand values are read as fast as one."""
    return column == sa.any_(sa.literal(list(values), sa.ARRAY(column.type)))


def labels(target: str, ids: Iterable[UUID]) -> dict[UUID, Label]:
    """Titles of referenced records by id; those out of reach come back hidden."""
    return labels_by_target({target: set(ids)})


def labels_by_target(wanted: Mapping[str, Collection[UUID]]) -> dict[UUID, Label]:
    """As `labels`, of records of several kinds in one statement."""
    values: dict[str, Any] = {"tenant": current().tenant_id}
    statements = []
    for target, ids in wanted.items():
        if ids and (statement := _label_statement(target)) is not None:
            statements.append(statement)
            values[_ids_of(target)] = list(ids)
    found: dict[UUID, Label] = {}
    if statements:
        rows = session().execute(sa.union_all(*statements) if len(statements) > 1 else statements[0], values)
        found = {row.id: Label(row.id, row.title or "", row.deleted_at is not None) for row in rows}
    return {id: found.get(id) or Label(id, "", hidden=True) for ids in wanted.values() for id in ids}


def _label_statement(target: str) -> Select[Any] | None:
    if target == ACTOR:
        return ACTOR_LABELS
    rt = kernel().records.get(target)
    if rt is None:
        return None
    if "labels" not in rt.statements:
        title = sa.cast(rt.c[rt.title_field], sa.Text).label("title")
        rt.statements["labels"] = select(rt.c.id, title, rt.c.deleted_at).where(_among_ids(rt, target))
    return rt.statements["labels"].where(reaches(rt))


def _ids_of(target: str) -> str:
    return f"ids_of_{target.replace('.', '_')}"


def _among_ids(table: Any, target: str) -> ColumnElement[bool]:
    """One parameter for all ids: the statement stays the same however many there are."""
    ids = bindparam(_ids_of(target), type_=sa.ARRAY(sa.Uuid))
    return sa.and_(table.c.tenant_id == bindparam("tenant"), table.c.id == sa.any_(ids))


ACTOR_LABELS = select(
    actor_table.c.id,
    actor_table.c.label.label("title"),
    sa.cast(sa.null(), sa.DateTime(timezone=True)).label("deleted_at"),
).where(_among_ids(actor_table, ACTOR))


def labels_of(rt: RecordType, rows: Sequence[Row], names: Iterable[str] | None = None) -> dict[UUID, Label]:
    """The labels of all references in some rows, in one statement."""
    return labels_by_target(_referred_to(rt, rows, names))


def labels_of_whole(rt: RecordType, row: Row, parts: Mapping[str, Sequence[Row]]) -> dict[UUID, Label]:
    """The labels of all references in a record and its parts, by collection, in one statement."""
    wanted = _referred_to(rt, [row])
    for collection, entries in parts.items():
        for target, ids in _referred_to(rt.parts[collection], entries).items():
            wanted.setdefault(target, set()).update(ids)
    return labels_by_target(wanted)


def _referred_to(rt: RecordType, rows: Sequence[Row], names: Iterable[str] | None = None) -> dict[str, set[UUID]]:
    wanted: dict[str, set[UUID]] = {}
    for item in (*rt.fields.values(), *(rt.collected.values() if names is not None else ())):
        if item.kind is Kind.REFERENCE and item.target and (names is None or item.name in names):
            wanted.setdefault(item.target, set()).update(row[item.name] for row in rows if row.get(item.name))
    if rt.owned:
        wanted.setdefault(ACTOR, set()).update(row["owner_id"] for row in rows if row.get("owner_id"))
    return wanted


def options(target: str, search: str, limit: int = 20) -> list[Label]:
    """What a picker offers: live records that the actor may see, those first whose title begins with the search."""
    tenant_id = current().tenant_id
    if target == ACTOR:
        label = actor_table.c.label
        statement = select(actor_table.c.id, label.label("title")).where(
            actor_table.c.tenant_id == tenant_id, actor_table.c.kind == "member", actor_table.c.active
        )
        if search.strip():
            statement = statement.where(func.ossature.fold(label).contains(folded(search.strip()), autoescape=True))
        rows = session().execute(statement.order_by(func.ossature.fold(label).collate("C")).limit(limit))
        return [Label(row.id, row.title) for row in rows]
    rt = kernel().records[target]
    if rt.parent:
        return _entries(rt, kernel().records[rt.parent], search, limit)
    if not rt.searchable:
        search = ""
    elif says_nothing(search):
        return []
    found = _titled(rt, search.strip(), limit)
    if len(found) < limit:
        known = {row["id"] for row in found}
        others = list_rows(rt, ListQuery(search=search, limit=limit, forgiving=True)).rows
        found = [*found, *(row for row in others if row["id"] not in known)][:limit]
    return [Label(row["id"], row[rt.title_field] or "") for row in found]


def _entries(part: RecordType, owner: RecordType, search: str, limit: int) -> list[Label]:
    """What a picker of a part offers: entries in their order, owner by owner, with the name of the owner."""
    assert part.parent_column is not None
    title, of = part.c[part.title_field], owner.c[owner.title_field]
    statement = (
        select(part.c.id, title.label("title"), of.label("of"))
        .join_from(
            part.table, owner.table,
            sa.and_(owner.c.tenant_id == part.c.tenant_id, owner.c.id == part.c[part.parent_column]),
        )
        .where(
            part.c.tenant_id == current().tenant_id, part.c.deleted_at.is_(None), owner.c.deleted_at.is_(None),
            reaches(owner),
        )
        .order_by(owner.c.created_at, owner.c.id, *part.entries_order)
        .limit(limit)
    )  # fmt: skip
    if search.strip():
        statement = statement.where(func.ossature.fold(title).contains(folded(search.strip()), autoescape=True))
    return [Label(row.id, row.title, hint=row.of or "") for row in session().execute(statement)]


def _titled(rt: RecordType, start: str, limit: int) -> list[Row]:
    """The first rows whose title begins so, along the index of titles: mostly enough for who types a name."""
    title = rt.title_field
    _item, operators = filterable(rt).get(title, (None, ()))
    if not start or "starts" not in operators or title not in rt.sortable():
        return []
    return list_rows(rt, ListQuery(filter=Question(title, "starts", start), sort=title, limit=limit)).rows


def columns(rt: RecordType, names: Sequence[str] = ()) -> list[ColumnElement[Any]]:
    """The columns to read: base columns and the fields that the actor may see, or the named ones of them."""
    visible = visible_fields(rt)
    if names:
        unknown = [name for name in names if name not in visible and name not in BASE]
        if unknown:
            raise BadRequest(
                _("The field %(field)s does not exist.", field=unknown[0][:80]),
                [Detail("fields", "unknown_field", _("Ask for fields that the record has."))],
            )
        visible = {name: visible[name] for name in names if name in visible}
    picked = [rt.c[name] for name in BASE if name in rt.c]
    for item in visible.values():
        if item.kind is Kind.SECRET:
            picked.append(rt.c[item.name].isnot(None).label(item.name))
        else:
            picked.extend(rt.c[column] for column in item.columns)
    return picked


def to_row(rt: RecordType, found: RowMapping) -> Row:
    """A row as the rest of the code knows it: fields by name, money put together."""
    return to_rows(rt, list(found.keys()), [found.values()])[0]


def to_rows(rt: RecordType, names: Sequence[str], found: Iterable[Iterable[Any]]) -> list[Row]:
    """As `to_row`, for many; `names` are those of the columns, and those that begin with `_` come last."""
    names = [name for name in names if not name.startswith("_")]
    rows: list[Row] = [dict(zip(names, values, strict=False)) for values in found]
    for item in rt.money:
        if f"{item.name}_minor" in names:
            for row in rows:
                minor, currency = row.pop(f"{item.name}_minor"), row.pop(f"{item.name}_currency")
                row[item.name] = None if minor is None else Money(minor, currency)
    return rows
