"""What a schema is, read from PostgreSQL's own catalogue, as comparable lines of text.

Alembic compares tables and columns and is blind to the rest; here are also policies, checks, triggers, grants,
generated columns, collations and the predicates of partial indexes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import psycopg

_COLUMNS = """
SELECT c.relname, format('column %%I %%s%%s%%s%%s%%s', a.attname, format_type(a.atttypid, a.atttypmod),
         CASE WHEN a.attcollation <> t.typcollation THEN ' collate ' || a.attcollation::regcollation::text ELSE '' END,
         CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
         CASE WHEN a.attgenerated <> '' THEN ' generated ' || a.attgenerated::text ELSE '' END,
         coalesce(' = ' || pg_get_expr(d.adbin, d.adrelid), ''))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
"""
_CONSTRAINTS = """
SELECT c.relname, format('constraint %%I %%s', k.conname, pg_get_constraintdef(k.oid))
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p') AND k.contype IN ('p', 'u', 'f', 'c', 'x')
"""
_INDEXES = """
SELECT c.relname, pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p')
"""
_POLICIES = """
SELECT c.relname, format('policy %%I for %%s to %%s using %%s check %%s', p.polname, p.polcmd,
         (SELECT string_agg(r::regrole::text, ', ' ORDER BY r::regrole::text) FROM unnest(p.polroles) r),
         coalesce(pg_get_expr(p.polqual, p.polrelid), '-'), coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '-'))
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = %(schema)s::regnamespace
"""
_TRIGGERS = """
SELECT c.relname, pg_get_triggerdef(t.oid)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = %(schema)s::regnamespace AND NOT t.tgisinternal
"""
_GRANTS = """
SELECT c.relname, format('grant %%s to %%s', string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type),
         CASE g.grantee WHEN 0 THEN 'public' ELSE g.grantee::regrole::text END)
FROM pg_class c, aclexplode(c.relacl) g
WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p') AND g.grantee <> c.relowner
GROUP BY c.relname, g.grantee
"""
_TABLES = """
SELECT c.relname, format('table, row security %%s', CASE WHEN c.relrowsecurity THEN 'on' ELSE 'off' END)
FROM pg_class c WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p')
"""

_LIST = re.compile(r"'\{([^{}]*)\}'")

Lines = dict[str, frozenset[str]]


def read_schema(connection: psycopg.Connection, schema: str) -> Lines:
    """Table name -> its lines; a table is never without the line `table, row security ...`."""
    found: dict[str, set[str]] = {}
    for query in (_TABLES, _COLUMNS, _CONSTRAINTS, _INDEXES, _POLICIES, _TRIGGERS, _GRANTS):
        for table, line in connection.execute(query, {"schema": f'"{schema}"'}):
            found.setdefault(table, set()).add(_LIST.sub(_in_order, line))
    return {table: frozenset(lines) for table, lines in found.items()}


def _in_order(words: re.Match[str]) -> str:
    """A list given to a trigger, in an order that does not depend on how its table came to be."""
    return "'{" + ",".join(sorted(set(words[1].split(",")))) + "}'"


def differences(database: Lines, declared: Lines, tables: Iterable[str]) -> list[str]:
    """Sentences on what only the one or only the other has, for the given tables."""
    faults = []
    for table in sorted(tables):
        here, there = database.get(table, frozenset()), declared.get(table, frozenset())
        faults += [f"{table}: only in the database: {line}" for line in sorted(here - there)]
        faults += [f"{table}: only in the declaration: {line}" for line in sorted(there - here)]
    return faults


def wall_faults(lines: Lines) -> list[str]:
    """Sentences on tables with a `tenant_id` that lack what keeps tenants apart."""
    faults = []
    for table, found in sorted(lines.items()):
        if not any(line.startswith("column tenant_id ") for line in found):
            continue
        if "table, row security on" not in found:
            faults.append(f"{table}: row-level security is off")
        policies = [line for line in found if line.startswith("policy ")]
        if not policies:
            faults.append(f"{table}: no policy")
        faults += [f"{table}: a policy without the tenant: {line}" for line in policies if "tenant" not in line]
        faults += [f"{table}: a policy without check: {line}" for line in policies if line.endswith(" check -")]
        if not any("PRIMARY KEY (tenant_id, " in line for line in found):
            faults.append(f"{table}: the primary key does not begin with tenant_id")
        if not any("record_change" in line for line in found if line.startswith("CREATE TRIGGER")):
            faults.append(f"{table}: no trigger writes its history")
        for line in found:
            target = line.partition("REFERENCES ")[2]
            if line.startswith("constraint ") and target and "FOREIGN KEY (tenant_id" not in line:
                faults.append(f"{table}: a foreign key that can cross tenants: {line}")
    return faults
