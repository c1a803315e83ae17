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
from ossature.records.query import Label, ListQuery, Row, columns, labels_of, rows_of, to_rows
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
Windows = Iterator[tuple[list[Row], Mapping[UUID, Label]]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: how it is headed, what it holds and how that is read from a row. `name` is the field's;
    `places` are decimals, and `summed` says that a workbook adds it up."""

    name: str
    header: str
    kind: CellKind
    read: Callable[[Row, Mapping[UUID, Label]], Any]
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
    names = [name for name in export.fields if name not in export.beside]
    made: Select[Any] = select(*columns(rt, names)).where(*_rows(export))
    return made.order_by(*order_by(orders, rt.c.id, backwards=False))


def _windows(export: Export, statement: Select[Any]) -> Windows:
    rt = export.rt
    found = session().execute(statement, execution_options={"yield_per": WINDOW})
    names = list(found.keys())
    shown = export.fields if export.headers == "labels" and export.format != "json" else ()
    beside = export.beside
    for window in found.partitions():
        rows = to_rows(rt, names, window)
        if beside:
            read_beside(rt, rows, beside)
        yield rows, labels_of(rt, rows, shown) if shown else {}


def _columns(export: Export, name: str, item: Field, summed: bool) -> Iterator[Column]:
    labelled = export.headers == "labels"
    unit = f" ({item.unit})" if item.unit else ""
    header = f"{item.label}{unit}" if labelled else export.names.get(name, name)
    match item.kind:
        case Kind.MONEY:
            yield Column(name, header, "money", lambda row, _labels: row[name] and row[name].amount, 2, summed)
            other = _("%(field)s (currency)", field=item.label) if labelled else f"{header}_currency"
            yield Column(name, other, "text", lambda row, _labels: row[name] and row[name].currency)
        case Kind.INTEGER:
            yield Column(name, header, "whole", lambda row, _labels: row[name], summed=summed)
        case Kind.DECIMAL:
            yield Column(name, header, "decimal", lambda row, _labels: row[name], item.places, summed)
        case Kind.BOOLEAN:
            yield Column(name, header, "boolean", lambda row, _labels: row[name])
        case Kind.DATE:
            yield Column(name, header, "day", lambda row, _labels: row[name])
        case Kind.DATETIME:
            yield Column(name, header, "moment", lambda row, _labels: row[name])
        case Kind.TAGS:
            yield Column(name, header, "text", lambda row, _labels: ", ".join(row[name] or ()))
        case Kind.CHOICE if labelled:
            words = {value: str(word) for value, word in item.choices.items()}
            yield Column(name, header, "text", lambda row, _labels: words.get(row[name], row[name]))
        case Kind.REFERENCE if labelled:
            yield Column(name, header, "text", lambda row, labels: _title(labels.get(row[name])))
        case Kind.REFERENCE:
            yield Column(name, header, "text", lambda row, _labels: row[name] and str(row[name]))
        case _:
            yield Column(name, header, "text", lambda row, _labels: row[name] if name != "id" else str(row[name]))


def _beside_column(export: Export, name: str) -> Column:
    bounded = export.format == "xlsx"
    header = export.names.get(name, name)
    return Column(name, header, "text", lambda row, _labels: beside_cell(name, row[name], bounded=bounded))


def _title(label: Label | None) -> str:
    """What is referred to by its title; nothing where the reader may not see it."""
    return "" if label is None or label.hidden else label.title


def local(moment: datetime, zone: ZoneInfo) -> datetime:
    """A moment on the reader's clock, to the second: tables know no time zones."""
    return moment.astimezone(zone).replace(tzinfo=None, microsecond=0)


def universal(moment: datetime) -> str:
    """A moment as the API spells it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


FORMULA = frozenset("=+-@\t\r\n")
"""What a text begins with that a spreadsheet would take for a formula."""
_SUSPECT = FORMULA | {"'"}


def guarded(text: str) -> str:
    """A text that spreadsheets take for no formula; who reads it again takes the apostrophe off."""
    return "'" + text if text[:1] in _SUSPECT and text.lstrip("'")[:1] in FORMULA else text
