"""Migration operations: what Alembic does not see (policies, checks, triggers, grants) is said here, once.

`op.create_record_table(...)`, `op.create_tenant_table(...)` and `op.create_platform_table(...)` are available in every
migration that runs through `ossature migrate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic.operations import MigrateOperation, Operations
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

from ossature.db.tenancy import ACTOR, NAMING, TENANT
from ossature.db.tenancy import tenant_key as fk

# Columns that history and versions never look at: they follow from the write itself.
UNTRACKED = (
    "tenant_id", "id", "created_at", "created_by_id", "updated_at", "updated_by_id", "version",
    "search_text", "search_vector",
)  # fmt: skip


NOT_OF_PARTS = ("owner_id", "tags")
"""What a part has through its owner."""


def fold_column(name: str, expression: str) -> sa.Column[Any]:
    """The folded twin of a text column, for order, look-up and cursors; never null, so that cursors stay simple."""
    stored = sa.Computed(f"coalesce(ossature.fold({expression}), '')", persisted=True)
    return sa.Column(f"{name}_fold", sa.Text(collation="C"), stored)


def search_columns(names: Sequence[str]) -> list[sa.Column[Any]]:
    """The two stored columns that the search function reads: folded text, and its words."""
    joined = " || ' ' || ".join(f"coalesce({name}, '')" for name in names)
    text = f"ossature.fold({joined})"
    return [
        sa.Column("search_text", sa.Text(collation="C"), sa.Computed(text, persisted=True)),
        sa.Column("search_vector", TSVECTOR, sa.Computed(f"ossature.words({joined})", persisted=True)),
    ]


def base_columns() -> list[sa.Column[Any]]:
    """What every business record has besides its own fields."""
    return [
        sa.Column("owner_id", sa.Uuid, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("created_by_id", sa.Uuid, nullable=True, server_default=sa.text(ACTOR)),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("updated_by_id", sa.Uuid, nullable=True, server_default=sa.text(ACTOR)),
        sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
        sa.Column("tags", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'::text[]")),
    ]


def roles(operations: Any) -> tuple[str, str]:
    """The names of the app and system roles of this deployment."""
    prefix = operations.get_context().opts["role_prefix"]
    return f'"{prefix}_app"', f'"{prefix}_system"'


@Operations.register_operation("create_tenant_table")
class CreateTenantTable(MigrateOperation):
    """A table of a tenant's data: composite key, policy with check, grants, change trigger."""

    def __init__(self, schema: str, name: str, *items: Any, **options: Any) -> None:
        self.schema, self.name, self.items, self.options = schema, name, items, options

    @classmethod
    def create_tenant_table(cls, operations: Operations, schema: str, name: str, *items: Any, **options: Any) -> None:
        """Options: `record` (key written in the history, default `schema.name`), `untracked` (columns left out of
        it), `root` (column with the id of the record that this row is part of), `history=False` for tables that are
        history themselves, `id=False` for those with a key of their own, `grants` (default all four verbs for the app role)."""
        operations.invoke(cls(schema, name, *items, **options))


@Operations.register_operation("create_record_table")
class CreateRecordTable(CreateTenantTable):
    """A tenant table with the base columns, the version trigger, folded keys and search."""

    @classmethod
    def create_record_table(cls, operations: Operations, schema: str, name: str, *items: Any, **options: Any) -> None:
        """Options besides those of `create_tenant_table`: `folded` (text columns that get a folded twin; a
        mapping names the expression it is made from), `search` (text columns found by the search box), `part=True` for rows owned by another record (no owner)."""
        operations.invoke(cls(schema, name, *items, **options))


@Operations.register_operation("create_platform_table")
class CreatePlatformTable(CreateTenantTable):
    """A table outside any tenant: closed to the app role, which reaches it through definer functions only."""

    @classmethod
    def create_platform_table(cls, operations: Operations, schema: str, name: str, *items: Any) -> None:
        operations.invoke(cls(schema, name, *items))


@Operations.implementation_for(CreatePlatformTable)
def create_platform_table(operations: Operations, it: CreatePlatformTable) -> None:
    _create(operations, it.schema, it.name, it.items)


@Operations.implementation_for(CreateTenantTable)
def create_tenant_table(operations: Operations, it: CreateTenantTable) -> None:
    key = [
        sa.Column("tenant_id", sa.Uuid, nullable=False, server_default=sa.text(TENANT)),
        *([sa.Column("id", sa.Uuid, nullable=False)] if it.options.get("id", True) else []),
    ]
    key = [column for column in key if column.name not in {c.name for c in it.items if isinstance(c, sa.Column)}]
    items = [*key, *it.items]
    if not any(isinstance(item, sa.PrimaryKeyConstraint) for item in items):
        items.append(sa.PrimaryKeyConstraint("tenant_id", "id"))
    computed = [item.name for item in it.items if isinstance(item, sa.Column) and item.computed is not None]
    items.append(sa.ForeignKeyConstraint(["tenant_id"], ["ossature.tenant.id"], name=f"{it.name}_tenant_id_fkey"))
    _create(operations, it.schema, it.name, items)
    protect(operations, it.schema, it.name, it.options.get("grants", "SELECT, INSERT, UPDATE, DELETE"))
    if it.options.get("history", True):
        record_changes(
            operations, it.schema, it.name, it.options.get("record"), it.options.get("root"),
            (*it.options.get("untracked", ()), *computed),
        )  # fmt: skip


@Operations.implementation_for(CreateRecordTable)
def create_record_table(operations: Operations, it: CreateRecordTable) -> None:
    fold, search = it.options.get("folded", {}), it.options.get("search", ())
    if not isinstance(fold, Mapping):
        fold = {name: name for name in fold}
    part = it.options.get("part", False)
    base = [column for column in base_columns() if not (part and column.name in NOT_OF_PARTS)]
    extra: list[Any] = [fold_column(name, expression) for name, expression in fold.items()]
    if search:
        extra += search_columns(search)
    keys = [fk("created_by_id", "ossature.actor"), fk("updated_by_id", "ossature.actor")]
    if not part:
        keys.append(fk("owner_id", "ossature.actor"))
    create_tenant_table(
        operations, CreateTenantTable(it.schema, it.name, *it.items, *base, *extra, *keys, **it.options)
    )
    computed = [item.name for item in (*it.items, *extra) if isinstance(item, sa.Column) and item.computed is not None]
    _version(operations, it.schema, it.name, (*it.options.get("untracked", ()), *computed))
    record = it.options.get("record") or f"{it.schema}.{it.name}"
    operations.execute(
        sa.text(
            "INSERT INTO ossature.record_type (key, schema_name, table_name, searchable) VALUES (:k, :s, :t, :f)"
        ).bindparams(k=record, s=it.schema, t=it.name, f=bool(search))
    )
    if search:
        _index_search(operations, it.schema, it.name)
    if not part:
        keep_tags(operations, it.schema, it.name, record)
        operations.create_index(f"{it.name}_owner_id_idx", it.name, ["tenant_id", "owner_id"], schema=it.schema)
        operations.create_index(
            f"{it.name}_created_at_idx", it.name, ["tenant_id", "created_at", "id"], schema=it.schema,
            postgresql_where=sa.text("deleted_at IS NULL"),
        )  # fmt: skip
        operations.create_index(
            f"{it.name}_deleted_at_idx", it.name, ["tenant_id", "deleted_at"], schema=it.schema,
            postgresql_where=sa.text("deleted_at IS NOT NULL"),
        )  # fmt: skip


def protect(operations: Operations, schema: str, name: str, grants: str) -> None:
    """Row-level security with check, for the app and system roles, and their grants."""
    app, system = roles(operations)
    table = f'"{schema}"."{name}"'
    operations.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    operations.execute(
        f"CREATE POLICY tenant ON {table} TO {app}, {system} "
        f"USING (tenant_id = {TENANT}) WITH CHECK (tenant_id = {TENANT})"
    )
    if grants:
        operations.execute(f"GRANT {grants} ON {table} TO {app}, {system}")


def record_changes(
    operations: Operations, schema: str, name: str, record: str | None, root: str | None, untracked: Sequence[str]
) -> None:
    """The generic row trigger that writes the history."""
    skipped = "{" + ",".join((*UNTRACKED, *untracked)) + "}"
    operations.execute(
        f'CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON "{schema}"."{name}" FOR EACH ROW '
        f"EXECUTE FUNCTION ossature.record_change('{record or f'{schema}.{name}'}', '{root or 'id'}', '{skipped}')"
    )


def _version(operations: Operations, schema: str, name: str, untracked: Sequence[str]) -> None:
    skipped = "{" + ",".join((*UNTRACKED, *untracked)) + "}"
    operations.execute(
        f'CREATE TRIGGER bump_version BEFORE UPDATE ON "{schema}"."{name}" FOR EACH ROW '
        f"EXECUTE FUNCTION ossature.bump_version('{skipped}')"
    )


def keep_tags(operations: Any, schema: str, name: str, record: str) -> None:
    """The triggers that keep what lists are filtered by tags with; nothing before the migration that brings it."""
    if not operations.get_bind().scalar(sa.text("SELECT to_regproc('ossature.keep_tags') IS NOT NULL")):
        return
    for event, when in (
        ("INSERT", "NEW.tags <> '{}'"),
        ("UPDATE OF tags", "OLD.tags IS DISTINCT FROM NEW.tags"),
        ("DELETE", "OLD.tags <> '{}'"),
    ):
        operations.execute(
            f'CREATE TRIGGER keep_tags_{event.split()[0].lower()} AFTER {event} ON "{schema}"."{name}" FOR EACH ROW '
            f"WHEN ({when}) EXECUTE FUNCTION ossature.keep_tags('{record}')"
        )


def _index_search(operations: Operations, schema: str, name: str) -> None:
    operations.execute(f'CREATE INDEX "{name}_search_vector_idx" ON "{schema}"."{name}" USING gin (search_vector)')
    operations.execute(f"SELECT ossature.index_search('{schema}', '{name}')")


def _create(operations: Operations, schema: str, name: str, items: Sequence[Any]) -> None:
    metadata = sa.MetaData(naming_convention=NAMING)
    columns_first = sorted(items, key=lambda item: not isinstance(item, sa.Column))
    table = sa.Table(name, metadata, *columns_first, schema=schema)
    for target in {key.target_fullname.rsplit(".", 1)[0] for key in table.foreign_keys}:
        if target != f"{schema}.{name}" and target not in metadata.tables:
            target_schema, target_name = target.split(".")
            sa.Table(
                target_name, metadata, sa.Column("tenant_id", sa.Uuid), sa.Column("id", sa.Uuid), schema=target_schema
            )
    operations.get_bind().execute(sa.schema.CreateTable(table))
    for index in sorted(table.indexes, key=lambda index: index.name or ""):
        operations.get_bind().execute(sa.schema.CreateIndex(index))


@Operations.register_operation("drop_record_table")
class DropRecordTable(CreateTenantTable):
    """Take a record's table away with everything in it; nothing else may point to it."""

    @classmethod
    def drop_record_table(cls, operations: Operations, schema: str, name: str) -> None:
        operations.invoke(cls(schema, name))


@Operations.implementation_for(DropRecordTable)
def drop_record_table(operations: Operations, it: DropRecordTable) -> None:
    operations.execute(f'DROP TABLE "{it.schema}"."{it.name}"')
    named = "SELECT key FROM ossature.record_type WHERE schema_name = :s AND table_name = :t"
    key = operations.get_bind().scalar(sa.text(named), {"s": it.schema, "t": it.name})
    if operations.get_bind().scalar(sa.text("SELECT to_regclass('ossature.tagging') IS NOT NULL")):
        operations.execute(sa.text("DELETE FROM ossature.tagging WHERE record = :key").bindparams(key=key))
    operations.execute(
        sa.text("DELETE FROM ossature.record_type WHERE schema_name = :s AND table_name = :t").bindparams(
            s=it.schema, t=it.name
        )
    )


@Operations.register_operation("alter_check")
class AlterCheck(CreateTenantTable):
    """Replace the check of a field; without a condition it is dropped."""

    @classmethod
    def alter_check(cls, operations: Operations, schema: str, table: str, name: str, condition: str | None) -> None:
        operations.invoke(cls(schema, table, name, condition))


@Operations.implementation_for(AlterCheck)
def alter_check(operations: Operations, it: AlterCheck) -> None:
    name, condition = it.items
    table, constraint = f'"{it.schema}"."{it.name}"', f'"{it.name}_{name}_check"'
    operations.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {constraint}")
    if condition is not None:
        operations.execute(sa.text(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} CHECK ({condition}) NOT VALID"))
        operations.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")


@Operations.register_operation("add_key")
class AddKey(CreateTenantTable):
    """A foreign key on a table that exists: `op.add_key("crm", "company", fk("primary_contact_id", "crm.contact"))`."""

    @classmethod
    def add_key(cls, operations: Operations, schema: str, table: str, key: sa.ForeignKeyConstraint) -> None:
        operations.invoke(cls(schema, table, key))


@Operations.implementation_for(AddKey)
def add_key(operations: Operations, it: AddKey) -> None:
    key = it.items[0]
    column = next(name for name in key.column_keys if name != "tenant_id")
    target_schema, target = key.elements[0].target_fullname.split(".")[:2]
    operations.create_foreign_key(
        f"{it.name}_tenant_id_{column}_fkey", it.name, target, ["tenant_id", column], ["tenant_id", "id"],
        source_schema=it.schema, referent_schema=target_schema, ondelete=key.ondelete,
    )  # fmt: skip


@Operations.register_operation("drop_key")
class DropKey(CreateTenantTable):
    """Take a foreign key away, by its column."""

    @classmethod
    def drop_key(cls, operations: Operations, schema: str, table: str, column: str) -> None:
        operations.invoke(cls(schema, table, column))


@Operations.implementation_for(DropKey)
def drop_key(operations: Operations, it: DropKey) -> None:
    operations.drop_constraint(f"{it.name}_tenant_id_{it.items[0]}_fkey", it.name, schema=it.schema)


@Operations.register_operation("set_search")
class SetSearch(CreateTenantTable):
    """What the search box finds a record by: text columns, or the expression of a former declaration; none at all."""

    @classmethod
    def set_search(cls, operations: Operations, schema: str, table: str, by: Sequence[str] | str) -> None:
        operations.invoke(cls(schema, table, by))


@Operations.implementation_for(SetSearch)
def set_search(operations: Operations, it: SetSearch) -> None:
    table, (by,) = f'"{it.schema}"."{it.name}"', it.items
    operations.execute(f"ALTER TABLE {table} DROP COLUMN IF EXISTS search_text, DROP COLUMN IF EXISTS search_vector")
    if isinstance(by, str):
        words = by.replace("ossature.fold(", "ossature.words(", 1)
        columns = [
            sa.Column("search_text", sa.Text(collation="C"), sa.Computed(by, persisted=True)),
            sa.Column("search_vector", TSVECTOR, sa.Computed(words, persisted=True)),
        ]
    else:
        columns = search_columns(by) if by else []
    for column in columns:
        operations.add_column(it.name, column, schema=it.schema)
    if columns:
        _index_search(operations, it.schema, it.name)
    operations.execute(
        sa.text(
            "UPDATE ossature.record_type SET searchable = :f WHERE schema_name = :s AND table_name = :t"
        ).bindparams(f=bool(columns), s=it.schema, t=it.name)
    )


@Operations.register_operation("set_untracked")
class SetUntracked(CreateTenantTable):
    """What history and versions leave out of a record: the named columns, and all that are generated."""

    @classmethod
    def set_untracked(
        cls, operations: Operations, schema: str, table: str, untracked: Sequence[str], *, root: str | None = None
    ) -> None:
        operations.invoke(cls(schema, table, untracked=untracked, root=root))


@Operations.implementation_for(SetUntracked)
def set_untracked(operations: Operations, it: SetUntracked) -> None:
    table = f'"{it.schema}"."{it.name}"'
    generated = operations.get_bind().execute(
        sa.text(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(:table) AND attgenerated <> '' "
            "AND NOT attisdropped ORDER BY attnum"
        ),
        {"table": table},
    )
    untracked = (*it.options["untracked"], *generated.scalars())
    operations.execute(f"DROP TRIGGER record_change ON {table}; DROP TRIGGER bump_version ON {table}")
    record_changes(operations, it.schema, it.name, None, it.options["root"], untracked)
    _version(operations, it.schema, it.name, untracked)
