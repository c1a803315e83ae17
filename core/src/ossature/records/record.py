"""`Record`: the class that a plugin author writes; a table, its constraints and its descriptor follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import CompositeProperty, Mapped, MappedColumn, declared_attr, mapped_column

import ossature.db.kernel  # noqa: F401  (the tables that every record points to)
from ossature.db.tenancy import ACTOR, Base, TenantTable, tenant_key
from ossature.duplicates.rules import Rule, looked_up
from ossature.errors import Detail
from ossature.hooks.types import RecordChange
from ossature.i18n.texts import translator
from ossature.records.conditions import Condition
from ossature.records.fields import Field, Kind, Label, tags

_, _l, _n = translator("ossature")

ON_DELETE = {"restrict": "RESTRICT", "clear": "SET NULL", "cascade": "CASCADE"}
# How many choices the indexes of lists hold behind their order, for filters; each makes them a tenth larger.
MOST_COVERED = 4
TAGS = "tags"
RESERVED = frozenset(
    [
        "tenant_id",
        "id",
        "owner_id",
        "created_at",
        "created_by_id",
        "updated_at",
        "updated_by_id",
        "version",
        "deleted_at",
        "custom",
        "tags",
        "search_text",
        "search_vector",
        "metadata",
        "registry",
    ]
)


# What sorts behind every value, for rows that have none.
LAST: dict[Kind, tuple[Any, str]] = {
    Kind.DATE: (sa.Date, "'9999-12-31'::date"),
    Kind.INTEGER: (sa.BigInteger, "9223372036854775807"),
    Kind.DECIMAL: (sa.Numeric, "'Infinity'::numeric"),
}


class RecordBase(TenantTable, Base):
    """What records and parts share. Declare `Record` or `Part`, not this.

    `__ledger__` says that what was written stays: undo never touches such a record, a correction is a new entry.
    `__new_label__` heads the form of a new one ("New contact"). `__title__` is the field that names a record; `__lines__` writes a part as lines of fields, as an address is:
    `("line1", "postal_code city")`. `__when__` says which fields are shown, required or locked when (see `conditions`).
    `__import_as__` are further names that files have for a field's column, in any language: `{"registration": ("plate",)}`.
    `__duplicates__` says what two records have in common that stand for the same thing (see `duplicates.rules`).
    `__keep_history__` is how many whole months the content of its changes is kept, None for as long as the organisation
    chooses.
    """

    __abstract__ = True

    __key__: ClassVar[str]
    __label__: ClassVar[Label]
    __plural__: ClassVar[Label]
    __new_label__: ClassVar[Label]
    __slug__: ClassVar[str]
    __icon__: ClassVar[str] = "file"
    __title__: ClassVar[str] = "name"
    __lines__: ClassVar[tuple[str, ...]] = ()
    __when__: ClassVar[tuple[Condition, ...]] = ()
    __keep_history__: ClassVar[int | None] = None
    __ledger__: ClassVar[bool] = False
    __import_as__: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    __duplicates__: ClassVar[tuple[Rule, ...]] = ()

    created_at: Mapped[datetime] = mapped_column(
        sa.DateTime(timezone=True), server_default=sa.text("now()"), sort_order=901
    )
    created_by_id: Mapped[UUID | None] = mapped_column(sa.Uuid, server_default=sa.text(ACTOR), sort_order=902)
    updated_at: Mapped[datetime] = mapped_column(
        sa.DateTime(timezone=True), server_default=sa.text("now()"), sort_order=903
    )
    updated_by_id: Mapped[UUID | None] = mapped_column(sa.Uuid, server_default=sa.text(ACTOR), sort_order=904)
    version: Mapped[int] = mapped_column(sa.Integer, server_default=sa.text("1"), sort_order=905)
    deleted_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True), sort_order=906)
    custom: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=sa.text("'{}'::jsonb"), sort_order=907)

    def __init_subclass__(cls, **options: Any) -> None:
        if "__abstract__" not in cls.__dict__:
            _check_declaration(cls)
            cls.__tablename__ = cls.__key__.split(".")[1]
            _add_stored_columns(cls)
        super().__init_subclass__(**options)

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return (*_constraints(cls), {"schema": cls.__key__.split(".")[0]})

    @classmethod
    def complete(cls, change: RecordChange) -> Mapping[str, Any]:
        """Values that follow from others, by field, read-only ones included; override. Set before the rules are asked,
        over what the writer gave."""
        return {}

    @classmethod
    def check(cls, change: RecordChange) -> Iterable[Detail]:
        """Rules across fields; override, yield one `Detail` per fault. Called inside the transaction."""
        return ()

    @classmethod
    def warn(cls, change: RecordChange) -> Iterable[Detail]:
        """What the writer should know although it is allowed; shown after saving, `meta.warnings` in the API."""
        return ()


class Record(RecordBase):
    """A business record: list, detail, form, API, search, history and permissions of its own."""

    __abstract__ = True

    owner_id: Mapped[UUID | None] = mapped_column(sa.Uuid, sort_order=900)
    tags: Mapped[list[str]] = tags(_l("Tags"))


class Part(RecordBase):
    """Rows that belong to a record and live with it: addresses of a company, lines of a deal."""

    __abstract__ = True


class DeclarationError(TypeError):
    """A record declaration that cannot work; the message names record, field and remedy."""


def declared_fields(cls: type[RecordBase]) -> dict[str, tuple[Any, Field]]:
    """Attribute name -> (column or composite, field), in the order of the declaration, mixins first, tags last."""
    found: dict[str, tuple[Any, Field]] = {}
    for owner in reversed(cls.__mro__):
        for name, value in owner.__dict__.items():
            field = _field_of(value)
            if field is not None:
                found[name] = (value, field)
    if TAGS in found:
        found[TAGS] = found.pop(TAGS)
    return found


def _field_of(value: Any) -> Field | None:
    if isinstance(value, MappedColumn):
        found = value.column.info.get("field")
    elif isinstance(value, CompositeProperty):
        found = value.info.get("field")
    else:
        prop: Any = getattr(value, "property", None)  # an instrumented attribute of a mapped class
        info = prop.info if isinstance(prop, CompositeProperty) else None
        if info is None and hasattr(prop, "columns"):
            info = prop.columns[0].info
        found = info.get("field") if info is not None else None
    return found if isinstance(found, Field) else None


def _check_declaration(cls: type[RecordBase]) -> None:
    key = getattr(cls, "__key__", "")
    if key.count(".") != 1:
        raise DeclarationError(f"{cls.__name__}: __key__ is spelled `plugin.record`, such as `crm.contact`")
    for name, (_value, field) in declared_fields(cls).items():
        if name in RESERVED and _value is not Record.__dict__.get(name):
            raise DeclarationError(f"{key}: the kernel has a column {name!r} of its own; choose another name")
        if field.orders and not issubclass(cls, Part):
            raise DeclarationError(f"{key}.{name}: only the entries of a part have a place; sort a record by a field")
        if field.kind is Kind.REFERENCE and not name.endswith("_id"):
            raise DeclarationError(f"{key}.{name}: a reference is named after what it points to plus `_id`")
        if field.view and (field.search or field.sort or field.unique):
            raise DeclarationError(
                f"{key}.{name}: a field with a view permission cannot be searched, sorted or unique, "
                "since order and refusals would reveal it"
            )


def _add_stored_columns(cls: type[RecordBase]) -> None:
    fields = declared_fields(cls)
    searched = []
    for name, (_value, field) in fields.items():
        if field.kind is Kind.MONEY:
            for part, column in zip(("minor", "currency"), _value.attrs, strict=True):
                column.column.name = column.column.key = f"{name}_{part}"
        if field.textual and (field.sort or field.unique):
            shown, named = field.derived or name, field.named(name, False)
            for column, expression in {named.shown_column: shown, named.sort_column: field.sort_sql or shown}.items():
                stored = sa.Computed(f"coalesce(ossature.fold({expression}), '')", persisted=True)
                setattr(cls, column, mapped_column(sa.Text(collation="C"), stored, deferred=True, sort_order=950))
        elif field.sort:
            type_, last = LAST[field.kind]
            stored = sa.Computed(f"coalesce({field.derived or name}, {last})", persisted=True)
            setattr(cls, f"{name}_sort", mapped_column(type_, stored, deferred=True, sort_order=951))
        if field.search:
            searched.append(name)
    if searched:
        joined = " || ' ' || ".join(f"coalesce({name}, '')" for name in searched)
        cls.search_text = mapped_column(
            sa.Text(collation="C"), sa.Computed(f"ossature.fold({joined})", persisted=True), deferred=True,
            sort_order=960,
        )  # fmt: skip
        cls.search_vector = mapped_column(
            TSVECTOR, sa.Computed(f"ossature.words({joined})", persisted=True), deferred=True, sort_order=961
        )


def _constraints(cls: type[RecordBase]) -> list[Any]:
    key = cls.__key__
    table = key.split(".")[1]
    found: list[Any] = [
        sa.ForeignKeyConstraint(["tenant_id"], ["ossature.tenant.id"], name=f"{table}_tenant_id_fkey"),
        tenant_key("created_by_id", "ossature.actor"),
        tenant_key("updated_by_id", "ossature.actor"),
    ]
    live = sa.text("deleted_at IS NULL")
    if issubclass(cls, Record):
        found.append(tenant_key("owner_id", "ossature.actor"))
        found.append(sa.Index(f"{table}_owner_id_idx", "tenant_id", "owner_id"))
        found.append(sa.Index(f"{table}_created_at_idx", "tenant_id", "created_at", "id", postgresql_where=live))
        gone = sa.text("deleted_at IS NOT NULL")
        found.append(sa.Index(f"{table}_deleted_at_idx", "tenant_id", "deleted_at", postgresql_where=gone))
        found += _indexes_of_owned_rows(cls, table, live)
    compared = looked_up(cls.__duplicates__, {name: field for name, (_value, field) in declared_fields(cls).items()})
    for name, (_value, field) in declared_fields(cls).items():
        if field.kind is Kind.REFERENCE and field.target:
            rule = "CASCADE" if field.parent else ON_DELETE[field.on_delete]
            found.append(tenant_key(name, field.target, rule))
            place = [one for one, (_value, item) in declared_fields(cls).items() if field.parent and item.orders]
            found.append(sa.Index(f"{table}_{name}_idx", "tenant_id", name, *place))
            if field.board:
                columns = ("tenant_id", name, *_default_order(cls))
                found.append(sa.Index(f"{table}_{name}_board_idx", *columns, postgresql_where=live))
        if field.kind is Kind.CHOICE:
            values = ", ".join("'" + choice.replace("'", "''") + "'" for choice in field.choices)
            found.append(sa.CheckConstraint(f"{name} IN ({values})", name=name))
            if issubclass(cls, Record):
                columns = ("tenant_id", name, "created_at", "id")
                found.append(sa.Index(f"{table}_{name}_idx", *columns, postgresql_where=live))
        if field.max_length and field.textual and not field.secret and not field.derived:
            found.append(sa.CheckConstraint(f"length({name}) BETWEEN 1 AND {field.max_length}", name=name))
        if field.kind in (Kind.INTEGER, Kind.DECIMAL):
            limits = [
                f"{name} {sign} {limit}"
                for sign, limit in ((">=", field.minimum), ("<=", field.maximum))
                if isinstance(limit, int | Decimal) and -(2**31) < limit < 2**31 - 1
            ]
            if limits:
                found.append(sa.CheckConstraint(" AND ".join(limits), name=name))
        if field.kind is Kind.MONEY:
            found.append(
                sa.CheckConstraint(
                    f"({name}_minor IS NULL) = ({name}_currency IS NULL) AND {name}_currency ~ '^[A-Z]{{3}}$'"
                    + (f" AND {name}_minor >= {field.minimum}" if field.minimum is not None else ""),
                    name=name,
                )
            )
        named = field.named(name, False)
        if field.sort and not field.textual and field.kind not in LAST:
            raise DeclarationError(f"{key}.{name}: lists cannot be sorted by a field of kind {field.kind}")
        if field.unique:
            column = named.sort_column if field.textual else name
            given = sa.text(f"deleted_at IS NULL AND {name} IS NOT NULL")
            found.append(sa.Index(f"{table}_{name}_live_key", "tenant_id", column, unique=True, postgresql_where=given))
        if name in compared:
            given = sa.text(f"deleted_at IS NULL AND {name} IS NOT NULL")
            found.append(sa.Index(f"{table}_{name}_same_idx", "tenant_id", name, postgresql_where=given))
        if field.sort:
            by_field = ("tenant_id", named.sort_column, "id", *_covered(cls))
            found.append(sa.Index(f"{table}_{name}_idx", *by_field, postgresql_where=live))
            if named.shown_column != named.sort_column:
                shown = named.shown_column
                found.append(sa.Index(f"{table}_{shown}_idx", "tenant_id", shown, "id", postgresql_where=live))
    return found


def _indexes_of_owned_rows(cls: type[RecordBase], table: str, live: Any) -> list[Any]:
    """For those whose reach ends at their own rows or their team's: lists in either usual order, and everything that is
    asked about date and choices, filters and counts alike, without a look at the rows."""
    by_date = ("tenant_id", "owner_id", "created_at", "id", *_covered(cls))
    found = [sa.Index(f"{table}_owner_id_created_at_idx", *by_date, postgresql_where=live)]
    by_title = _default_order(cls)
    if by_title[0] != "created_at":
        columns = ("tenant_id", "owner_id", *by_title)
        found.append(sa.Index(f"{table}_owner_id_{cls.__title__}_idx", *columns, postgresql_where=live))
    return found


def _default_order(cls: type[RecordBase]) -> tuple[str, str]:
    """The columns that lists are ordered by unless they say otherwise."""
    title = declared_fields(cls).get(cls.__title__)
    if title is not None and title[1].sort:
        return title[1].named(cls.__title__, False).sort_column, "id"
    return "created_at", "id"


def _covered(cls: type[RecordBase]) -> list[str]:
    """The choices that the indexes of lists hold, so that a filter by them passes over rows without a look at them."""
    if not issubclass(cls, Record):
        return []
    return [name for name, (_value, field) in declared_fields(cls).items() if field.kind is Kind.CHOICE][:MOST_COVERED]
