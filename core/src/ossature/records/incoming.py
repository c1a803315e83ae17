"""What points to the rows of a table, by the database's catalogue: of every plugin, whether it is here or not."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from ossature.db.work import session


@dataclass(frozen=True, slots=True)
class Incoming:
    """A foreign key. When what it points to is deleted for good, its rows are deleted too (`goes`), lose the link
    (`loses`) or are in the way (`blocks`)."""

    table: str
    column: str
    what: str
    has_id: bool
    writable: bool


_INCOMING = sa.text(
    "SELECT n.nspname || '.' || c.relname AS table, a.attname AS column, CAST(k.confdeltype AS text) AS rule,"
    "       EXISTS (SELECT FROM pg_attribute i WHERE i.attrelid = c.oid AND i.attname = 'id') AS has_id,"
    "       has_table_privilege(c.oid, 'UPDATE') AS writable"
    " FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey) AND a.attname <> 'tenant_id'"
    " WHERE k.contype = 'f' AND k.confrelid = CAST(:table AS regclass) AND k.conparentid = 0"
    " AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1, 2"
)
_RULES = {"c": "goes", "n": "loses"}


def incoming(table: str) -> list[Incoming]:
    """The foreign keys that point to a table, named with its schema: `crm.contact`."""
    rows = session().execute(_INCOMING, {"table": ".".join(f'"{part}"' for part in table.split("."))})
    return [
        Incoming(row.table, row.column, _RULES.get(row.rule, "blocks"), row.has_id, row.writable) for row in rows
    ]  # fmt: skip
