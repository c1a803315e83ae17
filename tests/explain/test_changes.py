"""The change feed reads what it tells and little more: 20,000 changes in each of three tenants, as the app role."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from ossature.events.changes import PLANNED
from ossature.kernel import Kernel, kernel
from ossature.records import service
from ossature.testing.people import Tenant
from ossature.testing.servers import Servers

pytestmark = pytest.mark.database

ROWS, MOST, WRITTEN = 20_000, 2_000, 300
SHELF = "_kinds.shelf"

FILL = """
INSERT INTO ossature.change (tenant_id, at, change_set_id, record, record_id, root_id, what, version, payload, salt,
                             digest, xid)
SELECT %(tenant)s, now() - (%(rows)s - n) * interval '1 second', gen_random_uuid(), '_kinds.shelf', id, id, 'create', 1,
       '{"name": "Top"}', '', '', 3 + n / 100
FROM (SELECT n, gen_random_uuid() AS id FROM generate_series(1, %(rows)s) n) rows
"""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def whole_reads(plan: dict[str, Any]) -> Iterator[str]:
    for node in nodes(plan):
        if not str(node.get("Relation Name", "")).startswith("change"):
            continue
        dropped = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        read = (node["Actual Rows"] + dropped) * node["Actual Loops"]
        if read and (node["Node Type"] == "Seq Scan" or read >= MOST):
            yield f"{node['Node Type']} on {node['Relation Name']} reads {read:g} rows"


@pytest.mark.req("S0-09")
def test_no_page_of_the_changes_reads_the_whole_history(
    app: Flask, make_tenant: Callable[..., Tenant], servers: Servers, database: str
) -> None:
    tenants = [make_tenant() for _number in range(3)]
    with servers.connect(database) as connection:
        for one in tenants:
            connection.execute(FILL, {"tenant": one.id, "rows": ROWS})
        connection.execute("ANALYZE ossature.change")
    owner = tenants[1].member("owner")
    given: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
        if "ossature.change " in statement and statement.startswith("WITH"):
            given.append((statement, parameters))

    def ask(after: str, limit: int = 200) -> Any:
        answer = owner.api.get("/api/changes", query_string={"records": SHELF, "after": after, "limit": limit})
        assert answer.status_code == 200, answer.text
        return answer.json

    found: Kernel = app.extensions["ossature"]
    now = ask("now")["meta"]["next"]
    with owner.work():
        for number in range(WRITTEN):
            service.create(kernel().records[SHELF], {"name": f"Shelf {number}"})
    event.listen(found.db.app, "before_cursor_execute", note)
    try:
        first = ask("", 1000)
        for _page in range(8):  # far into the history; by now the statement is prepared
            first = ask(first["meta"]["next"], 1000)
        entered = ask(now)
        continued = ask(entered["meta"]["next"])
        idle = ask(continued["meta"]["next"])
    finally:
        event.remove(found.db.app, "before_cursor_execute", note)
    assert [len(page["data"]) for page in (first, entered, continued, idle)] == [1000, 200, WRITTEN - 200, 0]
    assert len(given) == 12
    faults = []
    with owner.work() as work:
        work.connection().exec_driver_sql("SET LOCAL random_page_cost = 1.1")  # as operators are told to set it
        work.execute(PLANNED)
        for statement, parameters in given:
            (plan,) = (
                work.connection()
                .exec_driver_sql("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, parameters)
                .scalar_one()
            )
            faults += [f"{fault}\n{json.dumps(plan['Plan'])[:3000]}" for fault in whole_reads(plan["Plan"])]
    assert faults == [], "\n".join(faults)
