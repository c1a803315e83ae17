"""The table of a record as its declaration asks for it, as an operation and as source."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from ossature.db.operations import CreateRecordTable
from ossature.records.record import RESERVED
from ossature.records.types import RecordType

BASE = RESERVED  # what every table has, and what the operation adds by itself
ADDED_KEYS = frozenset({"tenant_id", "created_by_id", "updated_by_id", "owner_id"})


def declared_table(rt: RecordType, schema: str | None = None) -> CreateRecordTable:
    """The operation that creates a record's table as it is declared now."""
    table = rt.table
    folded = {
        item.name: item.sort_sql or item.derived or item.name
        for item in rt.fields.values()
        if item.textual and (item.sort or item.unique)
    }
    left_out = BASE | {f"{name}_fold" for name in folded}
    items: list[Any] = [column._copy() for column in table.columns if column.name not in left_out]
    for constraint in sorted(table.constraints, key=lambda one: str(one.name or "")):
        if isinstance(constraint, sa.CheckConstraint):
            items.append(sa.CheckConstraint(str(constraint.sqltext), name=_bare(constraint, table)))
        elif isinstance(constraint, sa.ForeignKeyConstraint):
            local = [column for column in constraint.column_keys if column != "tenant_id"]
            if not set(local or ["tenant_id"]) <= ADDED_KEYS:
                targets = [element.target_fullname for element in constraint.elements]
                items.append(sa.ForeignKeyConstraint(constraint.column_keys, targets, ondelete=constraint.ondelete))
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        if index.name not in {f"{table.name}_{name}_idx" for name in ("owner_id", "created_at", "deleted_at")}:
            where = index.dialect_options["postgresql"].get("where")
            items.append(
                sa.Index(index.name, *(column.name for column in index.columns), unique=index.unique,
                         postgresql_where=sa.text(str(where)) if where is not None else None)
            )  # fmt: skip
    options: dict[str, Any] = {}
    if folded:
        options["folded"] = folded
    if searched := [item.name for item in rt.fields.values() if item.search]:
        options["search"] = searched
    if untracked := [column for item in rt.fields.values() if not item.tracked for column in item.columns]:
        options["untracked"] = untracked
    if rt.parent:
        options |= {"part": True, "root": rt.parent_column}
    return CreateRecordTable(schema or str(table.schema), table.name, *items, **options)


def _bare(constraint: sa.CheckConstraint, table: sa.Table) -> str:
    return str(constraint.name).removeprefix(f"{table.name}_").removesuffix("_check")


def target_of(key: sa.ForeignKeyConstraint) -> str:
    """The table that a key points to: `crm.company`."""
    return key.elements[0].target_fullname.rpartition(".")[0]


def own_column(key: sa.ForeignKeyConstraint) -> str:
    """The column of a key beside the tenant."""
    return next(name for name in key.column_keys if name != "tenant_id")


# -- as code -----------------------------------------------------------------------------------------------------------


def render_table(operation: CreateRecordTable) -> str:
    """`op.create_record_table(...)` as source."""
    lines = [f'    "{operation.schema}",', f'    "{operation.name}",']
    lines += [f"    {render_item(item)}," for item in operation.items]
    lines += [f"    {name}={literal(value)}," for name, value in operation.options.items()]
    return "op.create_record_table(\n" + "\n".join(lines) + "\n)"


def render_item(item: Any) -> str:
    """A column, constraint or index as source."""
    if isinstance(item, sa.Column):
        return render_column(item)
    if isinstance(item, sa.CheckConstraint):
        return f"sa.CheckConstraint({quoted(item.sqltext)}, name={quoted(item.name)})"
    if isinstance(item, sa.ForeignKeyConstraint):
        rule = "SET NULL" if (item.ondelete or "").startswith("SET NULL") else item.ondelete
        return f'fk("{own_column(item)}", "{target_of(item)}", "{rule}")'
    assert isinstance(item, sa.Index)
    columns = ", ".join(quoted(column) for column in item.expressions or item.columns)
    where = item.dialect_options["postgresql"].get("where")
    extra = f", postgresql_where=sa.text({quoted(where)})" if where is not None else ""
    return f"sa.Index({quoted(item.name)}, {columns}{', unique=True' if item.unique else ''}{extra})"


def render_column(column: sa.Column[Any]) -> str:
    parts = [quoted(column.name), _type(column.type)]
    if column.computed is not None:
        parts.append(f"sa.Computed({quoted(column.computed.sqltext)}, persisted=True)")
    elif column.server_default is not None:
        parts.append(f"server_default=sa.text({quoted(column.server_default.arg)})")  # type: ignore[attr-defined]
    if not column.nullable:
        parts.append("nullable=False")
    return f"sa.Column({', '.join(parts)})"


def quoted(value: object) -> str:
    """A string literal with double quotes."""
    return json.dumps(str(value), ensure_ascii=False)


def literal(value: Any) -> str:
    """A text, list, dictionary or truth value as source."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(name)}: {quoted(text)}" for name, text in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(quoted, value)) + "]"
    return repr(value) if isinstance(value, bool) else quoted(value)


def _type(type_: Any) -> str:
    if isinstance(type_, sa.types.TypeDecorator):
        return "sa.Text"
    if isinstance(type_, sa.Numeric) and type_.precision:
        return f"sa.Numeric({type_.precision}, {type_.scale})"
    if isinstance(type_, sa.DateTime):
        return "sa.DateTime(timezone=True)"
    if isinstance(type_, sa.Text) and type_.collation:
        return f"sa.Text(collation={quoted(type_.collation)})"
    return f"sa.{type(type_).__name__}"
