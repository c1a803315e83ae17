"""`ossature plugin revision KEY`: the migration that brings a plugin's schema to its declarations, written as code.

New records become `op.create_record_table(...)`; for those that exist, Alembic compares columns, indexes and keys, and
checks are compared with a scratch copy, since PostgreSQL rewrites what it is given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops
from sqlalchemy import Connection, text

from ossature.config import Config
from ossature.context import Context, use_context
from ossature.db.database import Database
from ossature.db.migrate import Source, _script, migration_options, sources
from ossature.db.operations import CreateRecordTable, create_record_table
from ossature.db.tenancy import Base
from ossature.records.types import RecordType

BASE = frozenset(
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
        "search_text",
        "search_vector",
    ]
)
ADDED_KEYS = frozenset({"tenant_id", "created_by_id", "updated_by_id", "owner_id"})
SCRATCH = "ossature_scratch"


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


def write_revision(config: Config, types: Iterable[RecordType], key: str, message: str) -> Path | None:
    """Write the next migration of a plugin; None when the schema is what is declared already."""
    source = next((source for source in sources(config) if source.key == key), None)
    if source is None:
        raise LookupError(f"no plugin {key!r} is installed; `ossature plugin list` names them")
    own = [rt for rt in types if rt.plugin == key]
    database = Database(config)
    try:
        with use_context(Context(means="command")), database.owner.connect() as connection:
            upgrade, downgrade = _steps(config, connection, key, own)
            connection.rollback()
    finally:
        database.dispose()
    if not upgrade:
        return None
    return _write(source, message, upgrade, downgrade)


def _steps(config: Config, connection: Connection, key: str, own: Sequence[RecordType]) -> tuple[list[str], list[str]]:
    present = set(sa.inspect(connection).get_table_names(schema=key)) if _has_schema(connection, key) else set()
    new = [rt for rt in own if rt.name not in present]
    known = [rt for rt in own if rt.name in present]
    upgrade, late = _created(_by_need(new))
    downgrade = [f'op.drop_key("{key}", "{table}", "{column}")' for table, column in late]
    downgrade += [f'op.drop_record_table("{key}", "{rt.name}")' for rt in reversed(_by_need(new))]
    if known:
        more, less = _altered(config, connection, key, known)
        upgrade, downgrade = upgrade + more, less + downgrade
    gone = sorted(present - {rt.name for rt in own} - {"migration"})
    if gone and key != "ossature":
        upgrade += [f'op.drop_record_table("{key}", "{name}")' for name in gone]
        downgrade.insert(0, f'raise RuntimeError("the data of {", ".join(gone)} cannot be brought back")')
    return upgrade, downgrade


def _created(ordered: Sequence[RecordType]) -> tuple[list[str], list[tuple[str, str]]]:
    """Creating steps; keys that close a circle come after both tables, and are named for the way back."""
    steps, after, late = [], [], []
    waiting = {f"{rt.plugin}.{rt.name}" for rt in ordered}
    for rt in ordered:
        operation = declared_table(rt)
        waiting.discard(f"{rt.plugin}.{rt.name}")
        early: list[Any] = []
        for item in operation.items:
            if isinstance(item, sa.ForeignKeyConstraint) and _target(item) in waiting:
                after.append(f'op.add_key("{rt.plugin}", "{rt.name}", {_item(item)})')
                late.append((rt.name, _own_column(item)))
            else:
                early.append(item)
        operation.items = tuple(early)
        steps.append(render_table(operation))
    return steps + after, late


def _target(key: sa.ForeignKeyConstraint) -> str:
    return key.elements[0].target_fullname.rpartition(".")[0]


def _own_column(key: sa.ForeignKeyConstraint) -> str:
    return next(name for name in key.column_keys if name != "tenant_id")


def _altered(
    config: Config, connection: Connection, key: str, known: Sequence[RecordType]
) -> tuple[list[str], list[str]]:
    names = {rt.name for rt in known}
    options = migration_options(config, key, connection)

    def include(name: str | None, kind: str, parents: Any) -> bool:
        if kind == "schema":
            return name == key
        return kind != "table" or (name in names and parents.get("schema_name") == key)

    def include_object(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
        if kind == "table":
            return item.schema == key and name in names
        return not (kind == "index" and reflected and str(name).endswith(("_search_text_idx", "_search_vector_idx")))

    context = MigrationContext.configure(
        connection,
        opts={**options, "include_name": include, "include_object": include_object, "compare_server_default": False,
              "target_metadata": Base.metadata, "user_module_prefix": "sa."},
    )  # fmt: skip
    script = produce_migrations(context, Base.metadata)
    upgrade = _rendered(script.upgrade_ops)
    downgrade = _rendered(script.downgrade_ops)
    for rt in known:
        for name, (before, after) in _changed_checks(config, connection, rt).items():
            upgrade.append(f'op.alter_check("{key}", "{rt.name}", "{name}", {after!r})')
            downgrade.append(f'op.alter_check("{key}", "{rt.name}", "{name}", {before!r})')
    return upgrade, downgrade


def _rendered(container: ops.UpgradeOps | ops.DowngradeOps | None) -> list[str]:
    if container is None or container.is_empty():
        return []
    code = render_python_code(container)
    lines = [line.strip("\n") for line in code.split("\n") if not line.strip().startswith("#")]
    body = "\n".join(re.sub(r"^ {4}", "", line) for line in lines).strip()
    return [body] if body and body != "pass" else []


def _changed_checks(config: Config, connection: Connection, rt: RecordType) -> dict[str, tuple[str | None, str | None]]:
    """Checks by bare name that differ between the table and a scratch copy of its declaration: (now, declared)."""
    connection.exec_driver_sql(f"SAVEPOINT scratch; CREATE SCHEMA {SCRATCH}")
    operations = Operations(MigrationContext.configure(connection, opts=migration_options(config, SCRATCH, connection)))
    create_record_table(operations, _alone(declared_table(rt, SCRATCH)))
    there = _checks(connection, rt.plugin, rt.name)
    declared = _checks(connection, SCRATCH, rt.name)
    connection.exec_driver_sql("ROLLBACK TO SAVEPOINT scratch")
    return {
        name: (there.get(name), declared.get(name))
        for name in sorted({*there, *declared})
        if there.get(name) != declared.get(name)
    }


def _alone(operation: CreateRecordTable) -> CreateRecordTable:
    """The same table without keys to others of its schema, which the scratch schema lacks."""
    operation.items = tuple(item for item in operation.items if not isinstance(item, sa.ForeignKeyConstraint))
    return operation


def _checks(connection: Connection, schema: str, table: str) -> dict[str, str]:
    rows = connection.execute(
        text(
            "SELECT k.conname, pg_get_expr(k.conbin, k.conrelid) AS body FROM pg_constraint k "
            "JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = :schema AND c.relname = :table AND k.contype = 'c'"
        ),
        {"schema": schema, "table": table},
    )
    return {row.conname.removeprefix(f"{table}_").removesuffix("_check"): row.body for row in rows}


def _by_need(types: Sequence[RecordType]) -> list[RecordType]:
    """Those that others point to come first."""
    left = {rt.key: rt for rt in types}
    ordered: list[RecordType] = []
    while left:
        free = [
            rt
            for rt in left.values()
            if not any(item.target in left and item.target != rt.key for item in rt.fields.values())
        ]
        for rt in free or list(left.values())[:1]:
            ordered.append(left.pop(rt.key))
    return ordered


def _has_schema(connection: Connection, key: str) -> bool:
    return bool(connection.execute(text("SELECT to_regnamespace(:name) IS NOT NULL"), {"name": f'"{key}"'}).scalar())


def _bare(constraint: sa.CheckConstraint, table: sa.Table) -> str:
    return str(constraint.name).removeprefix(f"{table.name}_").removesuffix("_check")


# -- as code -----------------------------------------------------------------------------------------------------------


def render_table(operation: CreateRecordTable) -> str:
    """`op.create_record_table(...)` as source."""
    lines = [f'    "{operation.schema}",', f'    "{operation.name}",']
    lines += [f"    {_item(item)}," for item in operation.items]
    lines += [f"    {name}={_python(value)}," for name, value in operation.options.items()]
    return "op.create_record_table(\n" + "\n".join(lines) + "\n)"


def _item(item: Any) -> str:
    if isinstance(item, sa.Column):
        return _column(item)
    if isinstance(item, sa.CheckConstraint):
        return f"sa.CheckConstraint({_quoted(item.sqltext)}, name={_quoted(item.name)})"
    if isinstance(item, sa.ForeignKeyConstraint):
        rule = "SET NULL" if (item.ondelete or "").startswith("SET NULL") else item.ondelete
        return f'fk("{_own_column(item)}", "{_target(item)}", "{rule}")'
    assert isinstance(item, sa.Index)
    columns = ", ".join(_quoted(column) for column in item.expressions or item.columns)
    where = item.dialect_options["postgresql"].get("where")
    extra = f", postgresql_where=sa.text({_quoted(where)})" if where is not None else ""
    return f"sa.Index({_quoted(item.name)}, {columns}{', unique=True' if item.unique else ''}{extra})"


def _column(column: sa.Column[Any]) -> str:
    parts = [_quoted(column.name), _type(column.type)]
    if column.computed is not None:
        parts.append(f"sa.Computed({_quoted(column.computed.sqltext)}, persisted=True)")
    elif column.server_default is not None:
        parts.append(f"server_default=sa.text({_quoted(column.server_default.arg)})")  # type: ignore[attr-defined]
    if not column.nullable:
        parts.append("nullable=False")
    return f"sa.Column({', '.join(parts)})"


def _quoted(value: object) -> str:
    """A string literal with double quotes."""
    return json.dumps(str(value), ensure_ascii=False)


def _python(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(name)}: {_quoted(text)}" for name, text in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_quoted, value)) + "]"
    return repr(value) if isinstance(value, bool) else _quoted(value)


def _type(type_: Any) -> str:
    if isinstance(type_, sa.types.TypeDecorator):
        return "sa.Text"
    if isinstance(type_, sa.Numeric) and type_.precision:
        return f"sa.Numeric({type_.precision}, {type_.scale})"
    if isinstance(type_, sa.DateTime):
        return "sa.DateTime(timezone=True)"
    if isinstance(type_, sa.Text) and type_.collation:
        return f"sa.Text(collation={_quoted(type_.collation)})"
    return f"sa.{type(type_).__name__}"


def _write(source: Source, message: str, upgrade: Sequence[str], downgrade: Sequence[str]) -> Path:
    folder = source.versions
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").touch()
    script = _script(source)
    head = script.get_current_head() if script else None
    number = f"{int(head) + 1:04d}" if head and head.isdigit() else "0001"
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_") or "change"
    body = [
        f'"""{message.strip().rstrip(".")}."""', "", "import sqlalchemy as sa", "from alembic import op", "",
        "from ossature.api import fk", "", f'revision = "{number}"', f"down_revision = {_quoted(head) if head else None}", "", "",
        "def upgrade() -> None:", *_indented(upgrade), "", "", "def downgrade() -> None:", *_indented(downgrade), "",
    ]  # fmt: skip
    code = "\n".join(body)
    if "sa." not in code:
        code = code.replace("import sqlalchemy as sa\n", "")
    if "fk(" not in code:
        code = code.replace("from ossature.api import fk\n\n", "")
    path = folder / f"{number}_{slug}.py"
    path.write_text(code, encoding="utf-8")
    return path


def _indented(steps: Sequence[str]) -> list[str]:
    return ["    " + line if line else "" for step in steps or ["pass"] for line in step.split("\n")]


__all__ = ["declared_table", "render_table", "write_revision"]
