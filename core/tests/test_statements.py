"""How many statements a page costs, by PostgreSQL's own log: the same for five rows and for sixty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask

from ossature.kernel import Kernel
from ossature.records.types import RecordType
from ossature.testing.people import Person, Tenant
from ossature.testing.rows import insert_rows
from ossature.testing.servers import Servers
from ossature.testing.statements import StatementLog

pytestmark = pytest.mark.database

LIST_MOST, DETAIL_MOST = 8, 15


@pytest.fixture
def types(app: Flask) -> list[RecordType]:
    kernel: Kernel = app.extensions["ossature"]
    found = list(kernel.records)
    assert len(found) >= 7
    return found


@pytest.fixture
def administrator(servers: Servers, database: str) -> Iterator[psycopg.Connection[Any]]:
    with servers.connect(database) as connection:
        yield connection


def targets(connection: psycopg.Connection[Any], rt: RecordType, tenant: Tenant, owners: list[UUID]) -> dict[str, Any]:
    """For each reference of a record, rows that it can point to."""
    kernel: Kernel = tenant.app.extensions["ossature"]
    found: dict[str, list[UUID]] = {"owner_id": owners} if rt.owned else {}
    for item in rt.references():
        if item.target and item.target != rt.key and (target := kernel.records.get(item.target)):
            found[item.name] = some_rows(connection, target, tenant, owners)
    return found


def some_rows(connection: psycopg.Connection[Any], rt: RecordType, tenant: Tenant, owners: list[UUID]) -> list[UUID]:
    """Rows of a record, or of a part with the records that they belong to."""
    references: dict[str, list[UUID]] = {"owner_id": owners} if rt.owned else {}
    if rt.parent and rt.parent_column:
        kernel: Kernel = tenant.app.extensions["ossature"]
        references[rt.parent_column] = some_rows(connection, kernel.records[rt.parent], tenant, owners)
    return insert_rows(connection, rt, tenant.id, 12, references=references)


def count(statements: StatementLog, person: Person, path: str) -> tuple[int, str]:
    client = person.api if path.startswith("/api/") else person.page
    assert client.get(path).status_code == 200, path  # warm: the session is in Redis now
    role = f"{person.tenant.app.extensions['ossature'].config.db_role_prefix}_app"
    with statements.counting(role) as counted:
        assert client.get(path).status_code == 200
    return len(counted), f"{path}\n{counted}"


@pytest.mark.req("S0-09")
def test_a_list_costs_the_same_whatever_its_rows(
    types: list[RecordType], statements: StatementLog, tenant: Tenant, administrator: psycopg.Connection[Any]
) -> None:
    owner = tenant.member("owner")
    owners = [tenant.member("manager").member_id for _number in range(5)]
    for rt in types:
        references = targets(administrator, rt, tenant, owners)
        counted: dict[str, list[int]] = {}
        for rows in (5, 60, 130):
            administrator.execute(f'DELETE FROM "{rt.plugin}"."{rt.name}" WHERE tenant_id = %s', [tenant.id])
            insert_rows(administrator, rt, tenant.id, rows, references=references)
            paths = [f"/{rt.plugin}/{rt.slug}", f"/api/{rt.plugin}/{rt.slug}"]
            if rt.searchable:
                paths += [f"/{rt.plugin}/{rt.slug}?q=a", f"/api/{rt.plugin}/{rt.slug}?search=a"]
            for path in paths:
                number, told = count(statements, owner, path)
                counted.setdefault(path, []).append(number)
                assert number <= LIST_MOST, told
        for path, (few, many, most) in counted.items():  # what fits one page needs no count
            assert few <= many == most, f"{path}: {few} statements for 5 rows, {many} for 60, {most} for 130"


@pytest.mark.req("S0-09")
def test_a_detail_costs_the_same_whatever_its_parts_and_history(
    types: list[RecordType], statements: StatementLog, tenant: Tenant, administrator: psycopg.Connection[Any]
) -> None:
    owner = tenant.member("owner")
    for rt in types:
        references = targets(administrator, rt, tenant, [owner.member_id])
        (id,) = insert_rows(administrator, rt, tenant.id, 1, references=references)
        named = next(name for name, item in rt.fields.items() if item.required and item.textual)
        counted: dict[str, list[int]] = {}
        pointed = {part.key: targets(administrator, part, tenant, [owner.member_id]) for part in rt.parts.values()}
        for entries in (5, 55):
            for part in rt.parts.values():
                belongs = {**pointed[part.key], str(part.parent_column): [id]}
                insert_rows(administrator, part, tenant.id, entries, references=belongs)
            for number in range(entries):
                with administrator.transaction():
                    administrator.execute(f"SET LOCAL ossature.actor = '{owner.member_id}'")
                    administrator.execute(
                        f'UPDATE "{rt.plugin}"."{rt.name}" SET {named} = %s WHERE id = %s', [f"Name {number}", id]
                    )
            for path in (f"/{rt.plugin}/{rt.slug}/{id}", f"/api/{rt.plugin}/{rt.slug}/{id}"):
                number, told = count(statements, owner, path)
                counted.setdefault(path, []).append(number)
                assert number <= DETAIL_MOST, told
        for path, (few, many) in counted.items():
            assert many <= few, f"{path}: {few} statements for 5 entries, {many} for 60"


def test_the_frame_of_a_page_costs_one_count_for_those_who_look_after_background_work_and_others_nothing(
    statements: StatementLog, tenant: Tenant
) -> None:
    number, told = count(statements, tenant.member("viewer"), "/")
    assert number == 0, told
    number, told = count(statements, tenant.member("owner"), "/")
    assert number == 1, told
    assert "count(*)" in told
