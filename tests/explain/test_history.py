"""No page of the history or the bin reads a whole organisation's: 20,000 change sets in each of three, as the app role."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import event, text

from ossature.kernel import Kernel
from ossature.testing.people import Person, Tenant
from ossature.testing.servers import Servers

pytestmark = pytest.mark.database

ROWS, MOST, ENTRIES = 20_000, 6_000, 2_000

FILL = """
WITH sets AS (
  SELECT n, gen_random_uuid() AS id, gen_random_uuid() AS shelf,
         now() - (%(rows)s - n) * interval '1 second' - interval '1 minute' AS at
  FROM generate_series(1, %(rows)s) n
), heads AS (
  INSERT INTO ossature.change_set (tenant_id, at, id, actor_id, means)
  SELECT %(tenant)s, at, id, CASE n %% 100 WHEN 0 THEN %(actor)s END, CASE n %% 50 WHEN 0 THEN 'api' ELSE 'job' END FROM sets
), shelves AS (
  INSERT INTO _kinds.shelf (tenant_id, id, name, deleted_at)
  SELECT %(tenant)s, shelf, 'Shelf ' || n, CASE n %% 4 WHEN 0 THEN at END FROM sets
)
INSERT INTO ossature.change (tenant_id, at, change_set_id, record, record_id, root_id, what, version, payload, salt,
                             digest, xid)
SELECT %(tenant)s, at, id, CASE n %% 500 WHEN 0 THEN '_kinds.sample' ELSE '_kinds.shelf' END, shelf,
       CASE WHEN n > %(rows)s - %(entries)s THEN %(root)s ELSE shelf END, 'update', n, '{"name": ["a", "b"]}', '', '', 3
FROM sets ORDER BY n
"""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def whole_reads(plan: dict[str, Any]) -> Iterator[str]:
    for node in nodes(plan):
        name = str(node.get("Relation Name", ""))
        if not name.startswith(("change", "shelf")):
            continue
        dropped = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        read = (node["Actual Rows"] + dropped) * node["Actual Loops"]
        if read and (node["Node Type"] == "Seq Scan" or read >= MOST):
            yield f"{node['Node Type']} on {name} reads {read:g} rows"


@pytest.fixture
def filled(make_tenant: Callable[..., Tenant], servers: Servers, database: str) -> Iterator[tuple[Person, UUID]]:
    """Who asks, and a shelf with a long history; the shelves go again, so that other plans count on none."""
    owners = [make_tenant().member("owner") for _number in range(3)]
    root = uuid4()
    with servers.connect(database) as connection:
        connection.execute("ALTER TABLE _kinds.shelf DISABLE TRIGGER USER")
        for one in owners:
            connection.execute(
                FILL,
                {"tenant": one.tenant.id, "rows": ROWS, "actor": one.member_id, "root": root, "entries": ENTRIES},
            )
        connection.execute("ALTER TABLE _kinds.shelf ENABLE TRIGGER USER")
        connection.execute(
            "INSERT INTO _kinds.shelf (tenant_id, id, name) VALUES (%s, %s, 'Root')", (owners[1].tenant.id, root)
        )
        connection.execute("ANALYZE ossature.change, ossature.change_set, _kinds.shelf")
        yield owners[1], root
        connection.execute("ALTER TABLE _kinds.shelf DISABLE TRIGGER USER")
        connection.execute("DELETE FROM _kinds.shelf WHERE tenant_id = ANY (%s)", ([one.tenant.id for one in owners],))
        connection.execute("ALTER TABLE _kinds.shelf ENABLE TRIGGER USER")
        connection.execute("VACUUM ANALYZE _kinds.shelf")


@pytest.mark.req("S4-600")
def test_no_page_of_the_history_or_the_bin_reads_it_whole(app: Flask, filled: tuple[Person, UUID]) -> None:
    owner, root = filled
    given: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
        if any(name in statement for name in ("ossature.change", "_kinds.shelf")) and "INSERT" not in statement:
            given.append((statement, parameters))

    found: Kernel = app.extensions["ossature"]
    pages = [
        "/history", f"/history?actor={owner.member_id}", "/history?record=_kinds.sample", "/history?means=api",
        "/history?until=2001-01-01", "/bin", "/bin?record=_kinds.shelf", f"/_kinds/shelves/{root}",
        f"/_kinds/shelves/{root}/timeline",
    ]  # fmt: skip
    event.listen(found.db.app, "before_cursor_execute", note)
    try:
        for page in pages:
            answer = owner.page.get(page)
            assert answer.status_code == 200, answer.text
        cursor = ""
        for _page in range(3):
            listed = owner.api.get("/api/ossature/change-sets", query_string={"cursor": cursor, "limit": 100})
            cursor = listed.json["meta"]["next"]
    finally:
        event.remove(found.db.app, "before_cursor_execute", note)
    faults = []
    with owner.work() as work:
        work.connection().exec_driver_sql("SET LOCAL random_page_cost = 1.1")  # as operators are told to set it
        work.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
        for statement, parameters in given:
            explained = "EXPLAIN (ANALYZE, FORMAT JSON) " + statement
            (plan,) = work.connection().exec_driver_sql(explained, parameters).scalar_one()
            faults += [
                f"{fault}\n{statement}\n{json.dumps(plan['Plan'])[:1500]}" for fault in whole_reads(plan["Plan"])
            ]
    assert faults == [], "\n".join(faults)
