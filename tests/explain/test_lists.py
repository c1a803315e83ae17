"""No list reads a whole tenant: 20,000 rows in each of two tenants, as the app role, under its policies, by members who
reach all rows, those of a team (40 %) and their own (1 %).

Two witnesses: EXPLAIN ANALYZE of the very statements that the application sends, and PostgreSQL's own counters of the
transaction, which also see what the search function does with its owner's rights.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, event, text

from ossature.context import Reach
from ossature.kernel import Kernel
from ossature.rbac.authority import grants_of
from ossature.rbac.members import assign_roles
from ossature.rbac.roles import create_role, role_by_key, set_grants
from ossature.records.boards import board
from ossature.records.fields import Kind
from ossature.records.filters import Filter, Group, Question
from ossature.records.query import ListQuery, list_rows
from ossature.records.tag_catalogue import COUNTED, counts_of, list_tags
from ossature.records.types import RecordType
from ossature.testing.people import Person, Tenant, new_tenant
from ossature.testing.rows import insert_rows
from ossature.testing.servers import Servers

pytestmark = [pytest.mark.database, pytest.mark.slow]

ROWS, PARTS, OWNERS, IN_TEAM = 20_000, 5_000, 99, 40
MOST = ROWS // 10
TAGGED = ("crm.contact", "_kinds.shelf")
WHO = ("own", "team", "all")
RECORDS = (
    "crm.company", "crm.contact", "crm.pipeline", "crm.deal", "_dummy.pebble", "_kinds.sample", "_kinds.shelf", "ossature.team",
    "ossature.legal_entity", "billing.number_series",
)  # fmt: skip


@dataclass(frozen=True)
class Filled:
    """One of the tenants, who reaches own, a team's and all of its rows, and what some rows point to."""

    kernel: Kernel
    people: dict[str, Person]
    targets: dict[str, UUID]

    @property
    def owner(self) -> Person:
        return self.people["all"]

    @property
    def sales(self) -> Person:
        return self.people["team"]


@pytest.fixture(scope="module")
def filled(app: Flask, servers: Servers, database: str) -> Filled:
    kernel: Kernel = app.extensions["ossature"]
    assert {rt.key for rt in kernel.records} == set(RECORDS), "add the record to RECORDS"
    tenants = [new_tenant(app) for _number in range(2)]
    found: list[Filled] = []
    with servers.connect(database) as connection:
        for tenant in tenants:
            people = {"all": tenant.member("owner"), "team": tenant.member("sales_rep"), "own": _reaching_own(tenant)}
            mates = _actors(connection, tenant, OWNERS)
            _team(connection, tenant, [people["team"].member_id, *mates[:IN_TEAM]])
            owners = [people["team"].member_id, people["own"].member_id, *mates]
            ids: dict[str, list[UUID]] = {}
            for rt in sorted(kernel.records, key=lambda rt: sum(1 for _item in rt.references())):
                references = {
                    item.name: spread(ids[item.target], heavy=item.board)
                    for item in rt.references()
                    if item.target in ids
                }
                ids[rt.key] = insert_rows(
                    connection, rt, tenant.id, ROWS, references={"owner_id": owners, **references}, history=False
                )
                for part in rt.parts.values():
                    owned = {str(part.parent_column): ids[rt.key][:: ROWS // 1000]}
                    others = {item.name: ids[item.target] for item in part.references() if item.target in ids}
                    ids[part.key] = insert_rows(
                        connection, part, tenant.id, PARTS, references={**owned, **others}, history=False
                    )
            _tags(connection, tenant)
            found.append(Filled(kernel, people, {key: rows[0] for key, rows in ids.items()}))
        connection.execute("VACUUM ANALYZE")
    return found[0]


def spread(ids: list[UUID], *, heavy: bool) -> list[UUID]:
    """What rows refer to in turn: some 400 of these, or three times out of four the first, as deals to a stage."""
    some = ids[:: max(1, len(ids) // 400)]
    return [one for each in some for one in (ids[0], ids[0], ids[0], each)] if heavy else some


def _reaching_own(tenant: Tenant) -> Person:
    """A sales representative whose every right ends at the own rows."""
    person = tenant.member("sales_rep")
    with tenant.work():
        role = create_role("Own rows", "", role_by_key("sales_rep").id)
        set_grants(role.id, dict.fromkeys(grants_of(role.id), Reach.OWN))
        assign_roles(person.member_id, [role.id])
    return person


def _actors(connection: Any, tenant: Tenant, number: int) -> list[UUID]:
    rows = connection.execute(
        "INSERT INTO ossature.actor (tenant_id, id, kind, label) SELECT %s, gen_random_uuid(), 'member', 'Member ' || n "
        "FROM generate_series(1, %s) n RETURNING id",
        [tenant.id, number],
    )
    return [id for (id,) in rows]


def _team(connection: Any, tenant: Tenant, members: list[UUID]) -> None:
    """A team of owners of rows, who need no account for that."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            "WITH team AS (INSERT INTO ossature.team (tenant_id, id, name) VALUES (%(tenant)s, gen_random_uuid(), 'Nord') "
            "RETURNING id) INSERT INTO ossature.team_member (tenant_id, id, team_id, member_id) "
            "SELECT %(tenant)s, gen_random_uuid(), team.id, member FROM team, unnest(%(members)s::uuid[]) member",
            {"tenant": tenant.id, "members": members},
        )


def _tags(connection: Any, tenant: Tenant) -> None:
    """A tag on every contact and every shelf, another on one of 200, and 1,000 that are on one each."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        for key in TAGGED:
            schema, _dot, table = key.partition(".")
            connection.execute(
                "WITH rows AS (SELECT id, row_number() OVER (ORDER BY id) n FROM {0} WHERE tenant_id = %(tenant)s), "
                "named AS (SELECT id, ARRAY['Common'] || CASE WHEN n %% 200 = 0 THEN ARRAY['Rare'] ELSE '{{}}' END || "
                "CASE WHEN n <= 1000 THEN ARRAY['Word ' || n] ELSE '{{}}' END AS tags FROM rows), "
                "there AS (UPDATE {0} r SET tags = named.tags FROM named WHERE r.tenant_id = %(tenant)s AND r.id = named.id), "
                "words AS (INSERT INTO ossature.tag (tenant_id, id, name) SELECT DISTINCT ON (name) %(tenant)s::uuid, "
                "gen_random_uuid(), name FROM named, unnest(tags) name ON CONFLICT DO NOTHING) "
                "INSERT INTO ossature.tagging (tenant_id, record_id, record, fold) "
                "SELECT %(tenant)s, id, %(key)s, ossature.fold(name) FROM named, unnest(tags) name".format(
                    f'"{schema}"."{table}"'
                ),
                {"tenant": tenant.id, "key": key},
            )


def lists(rt: RecordType, targets: dict[str, UUID], whose: UUID) -> Iterator[ListQuery]:
    """Every list that is promised: default order, each other one both ways, a later page, search, owner, references,
    choices alone and with owner and date."""
    owner = Question("owner_id", "is", whose)
    yield ListQuery()
    for name in rt.sortable():
        yield ListQuery(sort=name)
        yield ListQuery(sort=f"-{name}", limit=200)
        if name in rt.fields and rt.fields[name].textual:
            yield ListQuery(filter=Question(name, "starts", "a1b"))
            yield ListQuery(filter=Question(name, "is", "a1b"))
    yield ListQuery(deleted=True)
    if rt.key in TAGGED:
        yield ListQuery(filter=Question("tags", "is", "rare"))
        yield ListQuery(filter=Question("tags", "in", ["rare", "word 7"]))
        yield ListQuery(filter=Question("tags", "all", ["rare", "common"]))
    yield ListQuery(filter=owner)
    yield ListQuery(filter=Question("owner_id", "empty"))
    yield ListQuery(filter=Question("created_at", "in_period", "today"))
    if rt.searchable:
        yield ListQuery(search="a1b")
        yield ListQuery(search="a1", filter=owner)
        yield ListQuery(search="nothingofthekind")
    for item in rt.references():
        if item.target in targets and item.target != rt.key:
            yield ListQuery(filter=Question(item.name, "is", targets[item.target]))
    for item in rt.collected.values():
        yield ListQuery(filter=Question(item.name, "is", targets[item.target or ""]))
        same = [one for one in rt.references() if one.target == item.target]
        yield ListQuery(
            filter=Group("any", tuple(Question(one.name, "is", targets[item.target or ""]) for one in (*same, item)))
        )
    for item in rt.fields.values():
        if item.kind is Kind.CHOICE:
            choice = Question(item.name, "is", next(iter(item.choices)))
            since = Question("created_at", "in_period", "last_7_days")
            yield ListQuery(filter=choice)
            yield ListQuery(filter=_all(choice, owner))
            yield ListQuery(filter=_all(choice, since), sort="-created_at")
            yield ListQuery(filter=_all(choice, owner, since))


def _all(*questions: Filter) -> Filter:
    return Group("all", questions)


@contextmanager
def overheard(connection: Connection | Engine) -> Iterator[list[tuple[str, Any]]]:
    """The statements sent over a connection, or all of an engine, while the block runs, with their parameters."""
    found: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
        found.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(connection, "before_cursor_execute", note)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def whole_reads(plan: dict[str, Any]) -> Iterator[str]:
    """The scans of a plan that read a tenth of a tenant or more, whatever they keep."""
    for node in nodes(plan):
        if "Scan" not in node["Node Type"] or "Relation Name" not in node:
            continue
        dropped = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        read = (node["Actual Rows"] + dropped) * node["Actual Loops"]
        if read and (node["Node Type"] == "Seq Scan" or read >= MOST):
            yield f"{node['Node Type']} on {node['Relation Name']} reads {read:g} rows"


def reads_of(connection: Connection, rt: RecordType) -> tuple[int, int]:
    """Sequential scans and rows fetched from a record's table over this connection so far."""
    row = connection.execute(
        text("SELECT seq_scan, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_all_tables "
             "WHERE schemaname = :schema AND relname = :table"),
        {"schema": rt.plugin, "table": rt.name},
    ).one()  # fmt: skip
    return row[0], row[1]


def faults(person: Person, rt: RecordType, query: ListQuery) -> Iterator[str]:
    with person.work() as work:
        connection = work.connection()
        assert connection.execute(text("SELECT current_user")).scalar() == rt_role(person)
        before = reads_of(connection, rt)
        with overheard(connection) as statements:
            page = list_rows(rt, query)
            if page.next:
                list_rows(rt, ListQuery(**{**_fields(query), "cursor": page.next}))
        scans, fetched = (now - then for now, then in zip(reads_of(connection, rt), before, strict=True))
        if scans or fetched >= MOST * (2 if page.next else 1):
            yield f"{query}: {scans} sequential scans, {fetched} rows fetched"
        for statement, parameters in list(statements):
            (plan,) = connection.exec_driver_sql("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, parameters).scalar_one()
            for fault in whole_reads(plan["Plan"]):
                yield f"{query}: {fault}\n{json.dumps(plan['Plan'])[:600]}"


def _fields(query: ListQuery) -> dict[str, Any]:
    return {name: getattr(query, name) for name in ListQuery.__dataclass_fields__}


def calendar_by_index(rt: RecordType) -> list[str]:
    return [name for name in rt.sortable() if name == "created_at" or rt.fields[name].kind is Kind.DATE]


def rt_role(person: Person) -> str:
    kernel: Kernel = person.tenant.app.extensions["ossature"]
    return f"{kernel.config.db_role_prefix}_app"


@pytest.mark.req("S0-09", "S4-062")
@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("key", RECORDS)
def test_no_list_reads_a_whole_tenant(filled: Filled, key: str, who: str) -> None:
    rt, person = filled.kernel.records[key], filled.people[who]
    if key.startswith("billing.") and who != "all":
        assert not person.context.access.allows(rt.permission("view"))
        return
    found = [
        fault for query in lists(rt, filled.targets, filled.sales.member_id) for fault in faults(person, rt, query)
    ]
    assert found == [], "\n".join(found)


@pytest.mark.req("S0-09")
@pytest.mark.parametrize("key", RECORDS)
def test_nothing_else_on_the_way_to_a_page_does_either(filled: Filled, key: str) -> None:
    """Boards, calendars, counts, labels of references, pickers: whatever page and API send for a list and for one record."""
    rt, owner = filled.kernel.records[key], filled.owner
    page, api = f"/{rt.plugin}/{rt.slug}", f"/api/{rt.plugin}/{rt.slug}"
    filters = f"filter[owner_id]={filled.sales.member_id}"
    one = filled.targets[key]
    paths = [page, f"{page}?{filters}", f"{page}/{one}", f"{page}/{one}/edit", f"{api}?{filters}", f"{api}/{one}",
             f"{api}/options", f"{page}?part=related&{filters}"]  # fmt: skip
    paths += [f"{page}?face=board&by={item.name}" for item in rt.fields.values() if item.kind is Kind.CHOICE]
    paths += [f"{page}?face=board"] if filled.kernel.screens[key].board else []
    paths += [f"{page}?face=calendar&by={name}&at=2026-11" for name in calendar_by_index(rt)]
    if rt.searchable:
        paths += [f"{page}?q=a1b", f"{api}/options?q=a1b"]
    for client in (owner.page, owner.api):  # signed in before anybody listens
        assert client.get(f"{api}/{one}").status_code == 200
    with overheard(filled.kernel.db.app) as statements:
        for path in paths:
            answer = (owner.api if path.startswith("/api/") else owner.page).get(path)
            assert answer.status_code == 200, (path, answer.text[:300])
    asked = [(statement, given) for statement, given in statements if statement.lstrip().startswith(("SELECT", "WITH"))]
    assert len(asked) >= 10
    full = {name for one in filled.kernel.records for name in (one.name, *(part.name for part in one.parts.values()))}
    found = []
    with owner.work() as work:
        for statement, given in asked:
            (plan,) = (
                work.connection().exec_driver_sql("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, given).scalar_one()
            )
            found += [f"{fault}: {statement[:400]}" for fault in whole_reads(plan["Plan"]) if full & set(fault.split())]
    assert found == [], "\n".join(found)


@pytest.mark.slow
@pytest.mark.parametrize("who", WHO)
def test_a_long_column_of_a_board_is_read_no_further_than_it_shows(filled: Filled, who: str) -> None:
    asked = [(rt, item) for rt in filled.kernel.records for item in rt.fields.values() if item.board]
    assert asked
    for rt, item in asked:
        with filled.people[who].work() as work:
            connection = work.connection()
            before = reads_of(connection, rt)
            with overheard(connection) as statements:
                (column,) = board(rt, ListQuery(), item, [filled.targets[item.target or ""]]).columns
            scans, fetched = (now - then for now, then in zip(reads_of(connection, rt), before, strict=True))
            assert column.next, "not so many rows that a column ends before them"
            assert (scans, fetched < MOST) == (0, True), f"{fetched} rows fetched"
            for statement, parameters in list(statements):
                (plan,) = connection.exec_driver_sql(
                    "EXPLAIN (ANALYZE, FORMAT JSON) " + statement, parameters
                ).scalar_one()
                assert list(whole_reads(plan["Plan"])) == []


@pytest.mark.parametrize("who", WHO)
def test_the_catalogue_of_tags_counts_without_reading_all_that_carry_them(filled: Filled, who: str) -> None:
    """Of those who reach every row at most `COUNTED` of a kind are read; of others those that carry it, by an index."""
    with filled.people[who].work() as work:
        connection = work.connection()
        with overheard(connection) as statements:
            tags = list_tags(limit=50)
            counts = counts_of(tags)
            offered = list_tags("rar", begins=True)
        assert counts["common"].keys() == set(TAGGED)
        assert [one.name for one in offered] == ["Rare"]
        if who == "all":
            assert set(counts["common"].values()) == {COUNTED + 1}
        found = []
        for statement, parameters in statements:
            (plan,) = connection.exec_driver_sql("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, parameters).scalar_one()
            found += [
                f"{fault}: {statement[:300]}"
                for fault in whole_reads(plan["Plan"])
                if " on tag reads" not in fault and (who == "all" or fault.startswith("Seq Scan"))
            ]
    assert found == [], "\n".join(found)


def test_the_rows_are_there_to_be_missed(filled: Filled) -> None:
    with filled.owner.work() as work:
        for key in RECORDS:
            rt = filled.kernel.records[key]
            assert work.execute(text(f'SELECT count(*) FROM "{rt.plugin}"."{rt.name}"')).scalar_one() >= ROWS
