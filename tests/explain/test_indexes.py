"""What the catalogue says about indexes: every key has one, the tenant leads them, and what lists are asked by is there."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest
from flask import Flask

from ossature.kernel import Kernel
from ossature.records.fields import Kind
from ossature.records.record import MOST_COVERED
from ossature.testing.servers import Servers

pytestmark = pytest.mark.database

# Actors stay as long as their organisation does, so that nothing ever looks for the rows of one that goes; and no list
# is asked by who wrote a row.
AUTHORS = {"created_by_id", "updated_by_id"}
UNASKED = {"ossature.job.actor_id": "of an actor as well; jobs are asked by state and record"}

# Looked at across organisations, or by a secret that names the organisation.
ACROSS = re.compile(r"^(member_user_id|api_key_prefix|public_link_digest|job_(beat|due|pushed)_at|schedule_next_at)_")


@pytest.fixture(scope="module")
def indexes(app: Flask, servers: Servers, database: str) -> dict[str, list[tuple[str, str]]]:
    """Table -> name and definition of each of its indexes."""
    found: dict[str, list[tuple[str, str]]] = {}
    with servers.connect(database) as connection:
        for table, name, definition in connection.execute(
            "SELECT schemaname || '.' || tablename, indexname, indexdef FROM pg_indexes "
            "WHERE schemaname NOT LIKE 'pg\\_%' AND tablename !~ '_(20\\d\\d_\\d\\d|rest)$'"
        ):
            found.setdefault(table, []).append((name, definition))
    return found


def columns(definition: str) -> list[str]:
    inside = definition.partition("(")[2].partition(" WHERE ")[0].rpartition(")")[0]
    return [one.split()[0] for one in inside.split(", ")]


def begins(indexes: dict[str, list[tuple[str, str]]], table: str, *wanted: str) -> bool:
    return any(columns(definition)[: len(wanted)] == list(wanted) for _name, definition in indexes[table])


@pytest.mark.req("S4-616")
def test_every_foreign_key_has_an_index(
    indexes: dict[str, list[tuple[str, str]]], servers: Servers, database: str
) -> None:
    with servers.connect(database) as connection:
        keys = connection.execute(
            "SELECT n.nspname || '.' || c.relname, array_agg(a.attname::text) FROM pg_constraint k "
            "JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey) "
            "WHERE k.contype = 'f' AND NOT c.relispartition GROUP BY k.oid, 1"
        ).fetchall()
    assert len(keys) > 40
    without = []
    for table, names in keys:
        own = {name for name in names if name != "tenant_id"}
        if own & AUTHORS or any(f"{table}.{name}" in UNASKED for name in own):
            continue
        whole = [columns(text)[: len(names)] for _name, text in indexes.get(table, ()) if " WHERE " not in text]
        if not any(set(some) == set(names) for some in whole):
            without.append(f"{table} ({', '.join(names)})")
    assert without == []


@pytest.mark.req("S4-617")
def test_the_tenant_leads_every_index_of_an_organisations_rows(
    indexes: dict[str, list[tuple[str, str]]], servers: Servers, database: str
) -> None:
    with servers.connect(database) as connection:
        tables = tables_of_tenants(connection)
    assert len(tables) > 20
    for table in tables:
        some = [one for one in indexes[table] if "USING gin" not in one[1] and not ACROSS.match(one[0])]
        assert some, table
        assert [name for name, definition in some if columns(definition)[0] != "tenant_id"] == [], table


def tables_of_tenants(connection: psycopg.Connection[Any]) -> list[str]:
    rows = connection.execute(
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' "
        "WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname NOT LIKE 'migration%' "
        "AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)"
    )
    return [name for (name,) in rows]


@pytest.mark.req("S4-619", "S1-69")
def test_every_record_has_the_indexes_that_its_lists_are_asked_by(
    app: Flask, indexes: dict[str, list[tuple[str, str]]]
) -> None:
    """Of live rows: by date, by owner and date, by owner and title, by each choice and date, by each declared order
    with the choices behind it."""
    kernel: Kernel = app.extensions["ossature"]
    for rt in kernel.records:
        table = f"{rt.plugin}.{rt.name}"
        wanted = [
            ("tenant_id", "created_at", "id"),
            ("tenant_id", "owner_id", "created_at", "id"),
            ("tenant_id", "deleted_at"),
        ]
        choices = [item.name for item in rt.fields.values() if item.kind is Kind.CHOICE][:MOST_COVERED]
        for item in rt.fields.values():
            if item.sort:
                wanted.append(("tenant_id", item.sort_column, "id", *choices))
            if item.sort and item.textual:
                wanted.append(("tenant_id", item.shown_column, "id"))
            if item.kind is Kind.CHOICE:
                wanted.append(("tenant_id", item.name, "created_at", "id"))
            if item.kind is Kind.REFERENCE:
                wanted.append(("tenant_id", item.name))
        if rt.fields[rt.title_field].sort:
            wanted.append(("tenant_id", "owner_id", rt.fields[rt.title_field].sort_column, "id"))
        assert [one for one in wanted if not begins(indexes, table, *one)] == [], table


@pytest.mark.req("S2-085", "S2-086", "S2-087")
def test_contacts_are_found_by_address_number_and_date(indexes: dict[str, list[tuple[str, str]]]) -> None:
    assert begins(indexes, "crm.contact", "tenant_id", "email_fold")
    assert begins(indexes, "crm.contact", "tenant_id", "phone_fold")
    assert begins(indexes, "crm.contact", "tenant_id", "name_shown")
    assert begins(indexes, "crm.contact", "tenant_id", "created_at", "id")  # read backwards, the newest come first


@pytest.mark.req("S3-116", "S3-117", "S4-166")
def test_companies_are_found_by_name_status_parent_industry_and_bin(indexes: dict[str, list[tuple[str, str]]]) -> None:
    for column in ("name_fold", "status", "parent_id", "industry_fold", "deleted_at", "primary_contact_id"):
        assert begins(indexes, "crm.company", "tenant_id", column), column
    assert begins(indexes, "crm.contact", "tenant_id", "company_id")
    assert begins(indexes, "crm.contact", "tenant_id", "email_fold")
