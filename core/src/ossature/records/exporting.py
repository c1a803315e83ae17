"""Rows of a list on their way out: which columns, whose rows, and how they are read.

All rows come from one statement, in one snapshot of the database, so that none is doubled or missed while others write;
a server-side cursor gives them a window at a time, and no more than a window is ever held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, func, select

from ossature.context import current
from ossature.db.types import Money
from ossature.db.work import session
from ossature.errors import BadRequest, Detail, Invalid
from ossature.i18n.texts import translator
from ossature.rbac.predicate import demand, reaches
from ossature.records.aggregate import measurable
from ossature.records.clean import plain
from ossature.records.definition import listable
from ossature.records.export_beside import beside_cell, beside_fields, is_beside, read_beside
from ossature.records.fields import Field, Kind
from ossature.records.ordering import order_by, read_orders
from ossature.records.query import ListQuery, labels_by_target, rows_of
from ossature.records.sending import sent_later
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")

WINDOW = 1000
"""Rows that are held at a time."""
MOST_XLSX = 1_048_000
"""Rows that a sheet of a workbook takes, less some for its header and totals."""
Format = Literal["csv", "xlsx", "json"]
Headers = Literal["names", "labels"]
Dialect = Literal["plain", "excel"]
FORMATS: tuple[Format, ...] = get_args(Format)
HEADERS: tuple[Headers, ...] = get_args(Headers)
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
MIMETYPES: Mapping[Format, str] = {
    "csv": "text/csv", "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
ID = Field(Kind.TEXT, _l("Id"), name="id")
CellKind = Literal["text", "whole", "decimal", "money", "boolean", "day", "moment"]
MOST_TITLES = 10_000
"""Titles of what rows refer to that are kept from window to window."""


@dataclass(frozen=True, slots=True)
class Window:
    """Rows that are held at a time, column by column: the values of a field, one a row, by its name; and the titles of
    what is referred to, by id. Ids are UUIDs in JSON, their spelling in tables."""

    values: Mapping[str, Sequence[Any]]
    titles: Mapping[str, str]


Windows = Iterator[Window]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: how it is headed, what it holds and how that is read from a window, one value a row. `name` is
    the field's; `places` are decimals, and `summed` says that a workbook adds it up."""

    name: str
    header: str
    kind: CellKind
    read: Callable[[Window], Sequence[Any]]
    places: int = 0
    summed: bool = False


@dataclass(frozen=True)
class Export:
    """What goes into a file and how. `headers` are the reader's words with values as they are shown, or the fields'
    names with values as the API spells them; `named` are the rows that were selected, None where all are meant.

    `sums` are fields that a workbook adds up; `names` are fields by what older clients of the API call them.
    """

    rt: RecordType
    query: ListQuery
    fields: tuple[str, ...]
    format: Format
    headers: Headers = "labels"
    dialect: Dialect = "plain"
    named: Sequence[UUID] | None = None
    sums: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def filename(self) -> str:
        day = datetime.now(ZoneInfo(current().time_zone)).date()
        return f"{self.rt.slug}-{day.isoformat()}.{self.format}"

    @property
    def beside(self) -> tuple[str, ...]:
        """What goes into it that is no field."""
        return tuple(name for name in self.fields if is_beside(self.rt, name))

    def count(self, most: int | None) -> int:
        """How many rows there are, counting stops after `most`."""
        some = select(self.rt.c.id).where(*_rows(self)).limit(most)
        return session().execute(select(func.count()).select_from(some.subquery())).scalar_one()


def exportable(rt: RecordType) -> dict[str, Field]:
    """What the reader may take out: the columns of lists but secrets, and the id."""
    return {"id": ID, **{name: item for name, item in listable(rt).items() if item.kind is not Kind.SECRET}}


def summed(fields: Sequence[str], headers: Headers) -> frozenset[str]:
    """What a workbook adds up below its rows: all it can where it is to be read, nothing where it may be imported again.
    The first column says that these are totals."""
    return frozenset(fields[1:]) if headers == "labels" else frozenset()


def check_fields(rt: RecordType, names: Iterable[str]) -> None:
    """Raises `BadRequest` for a field that there is not, not for the reader, or that never leaves."""
    known = exportable(rt)
    for name in names:
        if name not in known and not is_beside(rt, name):
            offered = ", ".join([*known, *beside_fields(rt)])
            raise BadRequest(
                _("The field %(field)s cannot be exported.", field=plain(name)),
                [Detail("fields", "unknown_field", _("Use one of: %(names)s.", names=offered))],
            )


def columns_of(export: Export) -> list[Column]:
    """The columns of a table, in their order; an amount of money has two."""
    known = exportable(export.rt)
    added = measurable(export.rt).keys() & export.sums
    return [
        one
        for name in export.fields
        for one in (
            _columns(export, name, known[name], name in added) if name in known else (_beside_column(export, name),)
        )
    ]


def stream(export: Export, write: Callable[[Windows], Iterator[bytes]]) -> Iterator[bytes]:
    """The bytes that `write` makes of the rows. Raises `Forbidden`, `BadRequest`, `Invalid` before the first of them."""
    demand(export.rt, "view")
    demand(export.rt, "export")
    if export.format == "xlsx" and export.count(MOST_XLSX + 1) > MOST_XLSX:
        raise Invalid(
            _("A workbook takes %(n)s rows; narrow the list by filters, or export it as CSV.", n=MOST_XLSX),
            [Detail("format", "too_long", _("Use CSV."))],
        )
    statement = _statement(export)
    return sent_later(lambda: write(_windows(export, statement)))


def _rows(export: Export) -> list[ColumnElement[bool]]:
    conditions = [*rows_of(export.rt, export.query), reaches(export.rt, "export")]
    if export.named is not None:
        conditions.append(export.rt.c.id == sa.any_(sa.literal(list(export.named), sa.ARRAY(sa.Uuid))))
    return conditions


def _statement(export: Export) -> Select[Any]:
    rt, orders = export.rt, read_orders(export.rt, export.query.sort)
    made: Select[Any] = select(*_columns_read(export)).where(*_rows(export))
    return made.order_by(*order_by(orders, rt.c.id, backwards=False))


def _columns_read(export: Export) -> Iterator[ColumnElement[Any]]:
    """Those of the fields, in their order. The database spells ids for tables, which hold nothing but texts of them."""
    for item in _fields_read(export):
        for name in item.columns:
            column: ColumnElement[Any] = export.rt.c[name]
            spelled = export.format != "json" and isinstance(column.type, sa.Uuid)
            yield sa.cast(column, sa.Text).label(name) if spelled else column


def _fields_read(export: Export) -> list[Field]:
    known = exportable(export.rt)
    found = [known[name] for name in export.fields if name in known]
    return found if ID in found or not export.beside else [*found, ID]


def _windows(export: Export, statement: Select[Any]) -> Windows:
    fields, beside = _fields_read(export), export.beside
    labelled = export.headers == "labels" and export.format != "json"
    referring = [item for item in fields if item.kind is Kind.REFERENCE and labelled]
    titles: dict[str, str] = {}
    found = session().execute(statement, execution_options={"yield_per": WINDOW})
    for rows in found.partitions():
        values = _by_field(fields, rows)
        if beside:
            values |= read_beside(export.rt, [UUID(str(id)) for id in values["id"]], beside)
        if len(titles) > MOST_TITLES:
            titles.clear()
        _add_titles(titles, referring, values)
        yield Window(values, titles)


def _by_field(fields: Iterable[Field], rows: Sequence[Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Rows column by column; the two columns of money put together."""
    columns, values = iter(zip(*rows, strict=True)), dict[str, Sequence[Any]]()
    for item in fields:
        values[item.name] = next(columns)
        if item.kind is Kind.MONEY:
            amounts = zip(values[item.name], next(columns), strict=True)
            values[item.name] = [None if minor is None else Money(minor, of) for minor, of in amounts]
    return values


def _add_titles(titles: dict[str, str], referring: Iterable[Field], values: Mapping[str, Sequence[Any]]) -> None:
    """Those that are not known yet, in one statement; empty for what the reader may not see."""
    wanted: dict[str, set[UUID]] = {}
    for item in referring:
        if unknown := set(values[item.name]) - titles.keys() - {None}:
            assert item.target is not None
            wanted.setdefault(item.target, set()).update(map(UUID, unknown))
    if wanted:
        found = labels_by_target(wanted)
        titles.update({str(id): "" if label.hidden else label.title for id, label in found.items()})


def _columns(export: Export, name: str, item: Field, summed: bool) -> Iterator[Column]:
    labelled = export.headers == "labels"
    unit = f" ({item.unit})" if item.unit else ""
    header = f"{item.label}{unit}" if labelled else export.names.get(name, name)

    def column(kind: CellKind) -> Column:
        return Column(name, header, kind, lambda window: window.values[name], item.places, summed)

    match item.kind:
        case Kind.MONEY:
            yield Column(
                name, header, "money", lambda window: [one and one.amount for one in window.values[name]], 2, summed
            )
            other = _("%(field)s (currency)", field=item.label) if labelled else f"{header}_currency"
            yield Column(name, other, "text", lambda window: [one and one.currency for one in window.values[name]])
        case Kind.INTEGER:
            yield column("whole")
        case Kind.DECIMAL:
            yield column("decimal")
        case Kind.BOOLEAN:
            yield column("boolean")
        case Kind.DATE:
            yield column("day")
        case Kind.DATETIME:
            yield column("moment")
        case Kind.TAGS:
            yield Column(name, header, "text", lambda window: [", ".join(tags or ()) for tags in window.values[name]])
        case Kind.CHOICE if labelled:
            words = {value: str(word) for value, word in item.choices.items()}
            yield Column(name, header, "text", lambda window: [words.get(one, one) for one in window.values[name]])
        case Kind.REFERENCE if labelled:
            yield Column(name, header, "text", lambda window: [window.titles.get(id, "") for id in window.values[name]])
        case _:
            yield column("text")


def _beside_column(export: Export, name: str) -> Column:
    bounded = export.format == "xlsx"
    header = export.names.get(name, name)
    return Column(
        name, header, "text",
        lambda window: [beside_cell(name, one, bounded=bounded) for one in window.values[name]],
    )  # fmt: skip


def local(moment: datetime, zone: ZoneInfo) -> str:
    """A moment on the reader's clock, to the second: tables know no time zones."""
    return moment.astimezone(zone).isoformat(" ", "seconds")[:19]


def universal(moment: datetime) -> str:
    """A moment as the API spells it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


FORMULA = frozenset("=+-@\t\r\n")
"""What a text begins with that a spreadsheet would take for a formula."""
SUSPECT = FORMULA | {"'"}
"""What a text begins with that `guarded` looks at."""


def guarded(text: str) -> str:
    """A text that spreadsheets take for no formula; who reads it again takes the apostrophe off."""
    return "'" + text if text[:1] in SUSPECT and text.lstrip("'")[:1] in FORMULA else text
