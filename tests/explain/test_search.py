"""No search reads a whole tenant, whatever is looked for: 20,000 people in each of three tenants, as the app role.

PostgreSQL's own counters of the transaction see what the search function reads with its owner's rights.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from ossature.kernel import Kernel, kernel
from ossature.records.query import ListQuery, list_rows, options
from ossature.records.searching import CAP
from ossature.search.everywhere import search_everywhere
from ossature.testing.people import Person, new_tenant
from ossature.testing.rows import insert_rows
from ossature.testing.servers import Servers

pytestmark = [pytest.mark.database, pytest.mark.slow]

ROWS, FEW = 20_000, 1_000
CONTACT = "crm.contact"
RARE = ("c4ca4238", "c4ca4238 1", "c4ca42381@example.com", "01 00 01 73 45", "nothing of the kind")
# What more than the cap of them hold: two tiers are gathered up to the cap and left, then rows are read in order.
COMMON = ("1", "e", "example", "33", "331")


@pytest.fixture(scope="module")
def people(app: Flask, servers: Servers, database: str) -> dict[str, Person]:
    """An owner, and a sales representative with 2 % of the rows, in the second of three filled tenants."""
    found: Kernel = app.extensions["ossature"]
    tenants = [new_tenant(app) for _number in range(3)]
    people: list[dict[str, Person]] = []
    with servers.connect(database) as connection:
        for tenant in tenants:
            owner, sales = tenant.member("owner"), tenant.member("sales_rep")
            owners = [sales.member_id, *[owner.member_id] * 49]
            insert_rows(
                connection, found.records[CONTACT], tenant.id, ROWS, references={"owner_id": owners}, history=False
            )
            people.append({"owner": owner, "sales": sales})
        connection.execute("VACUUM ANALYZE crm.contact")
    return people[1]


@contextmanager
def reading(person: Person) -> Iterator[list[int]]:
    """Sequential scans of the table in the block, and rows fetched from it."""
    with person.work() as work:
        before, counted = _reads(work), [0, 0]
        yield counted
        counted[:] = [now - then for now, then in zip(_reads(work), before, strict=True)]


def _reads(work: Session) -> tuple[int, int]:
    row = work.execute(
        text(
            "SELECT seq_scan, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_all_tables "
            "WHERE schemaname = 'crm' AND relname = 'contact'"
        )
    ).one()
    return row[0], row[1]


@pytest.mark.req("S4-089", "S2-091")
@pytest.mark.parametrize("who", ["owner", "sales"])
@pytest.mark.parametrize("search", RARE)
def test_a_search_reads_what_it_finds(people: dict[str, Person], who: str, search: str) -> None:
    person = people[who]
    with person.tenant.app.test_request_context(), reading(person) as counted:
        page = list_rows(kernel().records[CONTACT], ListQuery(search=search))
        options(CONTACT, search)
        search_everywhere(search)
    assert page.reach == "all"
    assert counted[0] == 0
    assert counted[1] < FEW
    if who == "owner":
        assert bool(page.rows) is (search != "nothing of the kind")


@pytest.mark.req("S4-089", "A-024")
@pytest.mark.parametrize("who", ["owner", "sales"])
@pytest.mark.parametrize("search", COMMON)
def test_a_search_for_what_many_hold_stops_at_the_cap(people: dict[str, Person], who: str, search: str) -> None:
    person = people[who]
    with reading(person) as counted:
        page = list_rows(kernel().records[CONTACT], ListQuery(search=search))
    assert page.reach in ("words", "all")
    assert len(page.rows) == 50
    assert counted[0] == 0
    assert counted[1] < 2 * (CAP + 1) + 4 * FEW
