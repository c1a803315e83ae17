"""Field declarations: one line says column, constraint, label, form control, API type, search and rights.

    name: Mapped[str] = text(_l("Name"), max_length=200, search=True, sort=True)

`Mapped[str]` is required, `Mapped[str | None]` is optional.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import MappedColumn, mapped_column

from ossature.db.types import EncryptedText
from ossature.i18n.texts import Text, translator

_, _l, _n = translator("ossature")

Label = str | Text
OnDelete = Literal["restrict", "clear", "cascade"]


class Kind(StrEnum):
    TEXT = "text"
    LONG_TEXT = "long_text"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    SECRET = "secret"  # noqa: S105
    INTEGER = "integer"
    DECIMAL = "decimal"
    MONEY = "money"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    CHOICE = "choice"
    REFERENCE = "reference"
    TAGS = "tags"


NO_TAGS = "'{}'::text[]"
MOST_TAGS = 50
LONGEST_TAG = 60
TEXTUAL = frozenset({Kind.TEXT, Kind.LONG_TEXT, Kind.EMAIL, Kind.PHONE, Kind.URL, Kind.SECRET})


@dataclass(frozen=True, slots=True)
class Field:
    """What a declaration says about one field; everything that shows, checks or stores it reads this.

    `required` means that a value must be given; `view` is the permission that seeing and changing it takes, when the
    record's own is not enough; `rule` turns an accepted spelling into the stored one or raises `ValueError`. A `derived`
    field is worked out by the database, a `read_only` one is set by the record's own `complete`, and one that `orders`
    is the place of an entry in its collection, which the kernel keeps. A `board` field is one that boards are mostly by.
    """

    kind: Kind
    label: Label
    name: str = ""
    help: Label = ""
    required: bool = False
    default: Any = None
    max_length: int | None = None
    minimum: int | Decimal | date | None = None
    maximum: int | Decimal | date | None = None
    places: int = 0
    unit: str = ""
    choices: Mapping[str, object] = field(default_factory=dict)
    target: str | None = None
    on_delete: OnDelete = "clear"
    rule: Callable[[str], str] | None = None
    sort: bool = False
    sort_sql: str | None = None
    search: bool = False
    unique: bool = False
    personal: bool = False
    tracked: bool = True
    view: str | None = None
    derived: str | None = None
    parent: str | None = None
    read_only: bool = False
    orders: bool = False
    board: bool = False

    @property
    def textual(self) -> bool:
        return self.kind in TEXTUAL

    @property
    def secret(self) -> bool:
        return self.kind is Kind.SECRET

    @property
    def writable(self) -> bool:
        return self.derived is None and self.parent is None and not self.read_only

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that hold the value; money has two."""
        return (f"{self.name}_minor", f"{self.name}_currency") if self.kind is Kind.MONEY else (self.name,)

    @property
    def sort_column(self) -> str:
        """The stored column that gives the order: never null, text without case and accents."""
        return f"{self.name}_fold" if self.textual else f"{self.name}_sort"

    @property
    def shown_column(self) -> str:
        """The stored column of what is shown, without case and accents: beside `sort_column` where the order is by
        something else."""
        return f"{self.name}_shown" if self.sort and self.sort_sql else self.sort_column

    @property
    def relation(self) -> str:
        """The name of the referenced record beside its id: `company` for `company_id`."""
        return self.name.removesuffix("_id")

    def named(self, name: str, required: bool) -> Field:
        return replace(self, name=name, required=required)


def _column(declared: Field, type_: Any, **options: Any) -> MappedColumn[Any]:
    if declared.derived is not None:
        return mapped_column(type_, sa.Computed(declared.derived, persisted=True), info={"field": declared}, **options)
    default = declared.default
    if default is not None and "server_default" not in options:
        options["server_default"] = sa.text(_literal(default))
    return mapped_column(type_, info={"field": declared}, **options)


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | Decimal):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def text(
    label: Label,
    *,
    max_length: int = 200,
    rule: Callable[[str], str] | None = None,
    help: Label = "",
    default: str | None = None,
    sort: bool = False,
    search: bool = False,
    unique: bool = False,
    personal: bool = False,
    tracked: bool = True,
    view: str | None = None,
    read_only: bool = False,
) -> MappedColumn[Any]:
    """One line of text, at most `max_length` characters; `rule` checks and normalises it (see `records.rules`). A
    `read_only` one is set by the record's `complete` or by code alone."""
    return _column(
        Field(
            Kind.TEXT, label, help=help, default=default, max_length=max_length, rule=rule, sort=sort, search=search,
            unique=unique, personal=personal, tracked=tracked, view=view, read_only=read_only,
        ),
        sa.Text,
    )  # fmt: skip


def long_text(
    label: Label, *, max_length: int = 20_000, help: Label = "", personal: bool = False, search: bool = False,
    view: str | None = None,
) -> MappedColumn[Any]:  # fmt: skip
    """Several lines of text."""
    return _column(
        Field(Kind.LONG_TEXT, label, help=help, max_length=max_length, personal=personal, search=search, view=view),
        sa.Text,
    )


def email_address(
    label: Label, *, help: Label = "", sort: bool = False, search: bool = False, unique: bool = False,
    personal: bool = True, view: str | None = None,
) -> MappedColumn[Any]:  # fmt: skip
    """An e-mail address, checked for its form (RFC 5321), its domain stored in lower case."""
    from ossature.records import rules

    return _column(
        Field(
            Kind.EMAIL, label, help=help, max_length=254, rule=rules.email_address, sort=sort, search=search, unique=unique,
            personal=personal, view=view,
        ),
        sa.Text,
    )  # fmt: skip


def phone_number(
    label: Label, *, help: Label = "", sort: bool = False, search: bool = False, personal: bool = True,
    view: str | None = None,
) -> MappedColumn[Any]:  # fmt: skip
    """A telephone number, stored as E.164; a number without country prefix is French."""
    from ossature.records import rules

    return _column(
        Field(
            Kind.PHONE, label, help=help, max_length=32, rule=rules.phone_number, sort=sort, search=search,
            personal=personal, view=view,
        ),
        sa.Text,
    )  # fmt: skip


def web_address(label: Label, *, help: Label = "", max_length: int = 500) -> MappedColumn[Any]:
    """A web address with http or https; the scheme is added when missing."""
    from ossature.records import rules

    return _column(Field(Kind.URL, label, help=help, max_length=max_length, rule=rules.web_address), sa.Text)


def secret(label: Label, *, help: Label = "", max_length: int = 2_000) -> MappedColumn[Any]:
    """A credential: encrypted in the database, never shown again, never in the history."""
    return _column(Field(Kind.SECRET, label, help=help, max_length=max_length, tracked=False), EncryptedText)


def integer(
    label: Label, *, unit: str = "", minimum: int = -(2**31), maximum: int = 2**31 - 1, default: int | None = None,
    help: Label = "", sort: bool = False, tracked: bool = True, view: str | None = None, computed: str | None = None,
) -> MappedColumn[Any]:  # fmt: skip
    """A whole number; `unit` is shown with it. `computed` is the SQL that the database works it out by, from columns of
    the row that are not computed themselves; nobody writes it then."""
    return _column(
        Field(
            Kind.INTEGER, label, help=help, unit=unit, minimum=minimum, maximum=maximum, default=default, sort=sort,
            tracked=tracked, view=view, derived=computed,
        ),
        sa.BigInteger if maximum > 2**31 - 1 or minimum < -(2**31) else sa.Integer,
    )  # fmt: skip


def decimal(
    label: Label, *, places: int, digits: int = 18, unit: str = "", minimum: Decimal | None = None,
    maximum: Decimal | None = None, default: Decimal | None = None, help: Label = "", sort: bool = False,
    view: str | None = None, computed: str | None = None,
) -> MappedColumn[Any]:  # fmt: skip
    """An exact number with `places` decimals out of `digits`; a quantity or a rate, never an amount of money.

    `computed` as for `integer`; PostgreSQL rounds half up to `places`.
    """
    return _column(
        Field(
            Kind.DECIMAL, label, help=help, unit=unit, places=places, minimum=minimum, maximum=maximum,
            default=default, sort=sort, view=view, derived=computed,
        ),
        sa.Numeric(digits, places),
    )  # fmt: skip


def money(
    label: Label, *, minimum: int | None = None, help: Label = "", view: str | None = None, required: bool = False,
    computed: str | None = None, currency: str | None = None,
) -> Any:  # fmt: skip
    """An amount with its currency, stored in minor units; `minimum` is in minor units.

    `computed` is the SQL that gives the minor units, from columns such as `price_minor`; the amount is in the currency of
    the money field that `currency` names. Both are of one currency, so that its decimals do not enter; a product with a
    quantity or a rate is rounded where the SQL says `round(...)`, half up (away from zero).
    """
    from sqlalchemy.orm import composite

    from ossature.db.types import Money

    declared = Field(Kind.MONEY, label, help=help, minimum=minimum, view=view, required=required, derived=computed)
    generated: tuple[list[Any], list[Any]] = ([], [])
    if computed is not None:
        if currency is None:
            raise TypeError('money(computed=...): name the field whose currency it is in, such as currency="price"')
        of = f"CASE WHEN ({computed}) IS NOT NULL THEN {currency}_currency END"
        generated = [sa.Computed(computed, persisted=True)], [sa.Computed(of, persisted=True)]
    return composite(
        lambda minor, currency: None if minor is None else Money(minor, currency),
        mapped_column(sa.BigInteger, *generated[0], nullable=not required),
        mapped_column(sa.Text, *generated[1], nullable=not required),
        info={"field": declared},
    )


def boolean(label: Label, *, default: bool = False, help: Label = "", view: str | None = None) -> MappedColumn[Any]:
    """Yes or no."""
    return _column(Field(Kind.BOOLEAN, label, help=help, default=default, view=view), sa.Boolean, nullable=False)


def day(
    label: Label, *, help: Label = "", sort: bool = False, personal: bool = False, tracked: bool = True,
    view: str | None = None, read_only: bool = False,
) -> MappedColumn[Any]:  # fmt: skip
    """A calendar date without time zone; a `read_only` one is set by the record's `complete` alone."""
    declared = Field(
        Kind.DATE, label, help=help, sort=sort, personal=personal, tracked=tracked, view=view, read_only=read_only
    )
    return _column(declared, sa.Date)


def moment(
    label: Label, *, help: Label = "", sort: bool = False, tracked: bool = True, view: str | None = None,
    read_only: bool = False,
) -> MappedColumn[Any]:  # fmt: skip
    """A point in time, stored in UTC, shown in the reader's time zone; a `read_only` one is set by the record's
    `complete` alone."""
    declared = Field(Kind.DATETIME, label, help=help, sort=sort, tracked=tracked, view=view, read_only=read_only)
    return _column(declared, sa.DateTime(timezone=True))


def choice(
    label: Label, choices: Mapping[str, object], *, default: str | None = None, help: Label = "",
    view: str | None = None, read_only: bool = False,
) -> MappedColumn[Any]:  # fmt: skip
    """One of a fixed list: stored as text under a named check, so that values can be added by migration. A `read_only`
    one is set by the record's `complete` alone."""
    declared = Field(Kind.CHOICE, label, help=help, choices=choices, default=default, view=view, read_only=read_only)
    return _column(declared, sa.Text)


def country(label: Label, *, default: str | None = None, help: Label = "") -> MappedColumn[Any]:
    """A country, stored as ISO 3166-1 alpha-2, shown by its name."""
    from ossature.records import rules

    return choice(label, rules.COUNTRY_NAMES, default=default, help=help)


def reference(
    target: str, label: Label, *, on_delete: OnDelete = "clear", help: Label = "", view: str | None = None,
    board: bool = False,
) -> MappedColumn[Any]:  # fmt: skip
    """Another record, by its key: `reference("crm.company", _l("Company"))`.

    `on_delete` says what the target's deletion does: `restrict` refuses it, `cascade` deletes this record with it,
    `clear` leaves the link standing, struck through, until the target is purged. `board` where boards have a column for
    each: an index gives its cards in the order of their titles, however many there are.
    """
    declared = Field(Kind.REFERENCE, label, help=help, target=target, on_delete=on_delete, view=view, board=board)
    return _column(declared, sa.Uuid)


def part_of(target: str, collection: str) -> MappedColumn[Any]:
    """The owner of a part: `company_id: Mapped[UUID] = part_of("crm.company", "addresses")`.

    Parts are written, shown, deleted and restored with their owner, and reached under its permissions.
    """
    return _column(Field(Kind.REFERENCE, collection, target=target, on_delete="cascade", parent=collection), sa.Uuid)


def position(label: Label = _l("Position")) -> MappedColumn[Any]:
    """The place of an entry in its collection: `position: Mapped[int] = position()` on a part keeps the order in which
    the entries are given, in forms and in the API. Read-only; whoever sends the collection decides by its order."""
    declared = Field(Kind.INTEGER, label, default=0, read_only=True, orders=True)
    return _column(declared, sa.Integer)


def tags(label: Label) -> MappedColumn[Any]:
    """Words that people put on a record, in their order; every record has one such field of the kernel's."""
    declared = Field(Kind.TAGS, label, default=())
    return _column(declared, ARRAY(sa.Text), nullable=False, server_default=sa.text(NO_TAGS), sort_order=908)


def derived(
    label: Label, sql: str, *, sort: bool = False, sort_sql: str | None = None, max_length: int = 500
) -> MappedColumn[Any]:
    """Text computed by the database from other columns of the row, stored; `sort_sql` orders by something else."""
    declared = Field(Kind.TEXT, label, derived=sql, sort=sort, sort_sql=sort_sql, max_length=max_length)
    return _column(declared, sa.Text)
