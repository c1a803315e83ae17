"""Rows of an import are found in one reading of them, though no statistics tell of rows that were just written."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from ossature.kernel import Kernel
from ossature.testing.importing import begin
from ossature.testing.people import Person

pytestmark = pytest.mark.database

ROWS = [["Name", "Mail"], *([f"N{number}", "wrong"] for number in range(200))]


def test_saying_what_a_value_means_reads_the_rows_once_however_many_wait(
    app: Flask, member: Callable[..., Person]
) -> None:
    owner = member("owner")
    first, second = (begin(owner, "/api/contacts", ROWS, ["last_name", "email"]).check() for _time in range(2))
    kernel: Kernel = app.extensions["ossature"]
    given: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
        if statement.startswith("UPDATE ossature.import_row"):
            given.append((statement, parameters))

    event.listen(kernel.db.app, "before_cursor_execute", note)
    try:
        first.ask("POST", "/values", json={"column": 1, "value": "wrong", "to": "n@example.com"})
    finally:
        event.remove(kernel.db.app, "before_cursor_execute", note)
    ((statement, parameters),) = given
    others = {name: second.head["id"] if str(one) == first.head["id"] else one for name, one in parameters.items()}
    with owner.work() as work:
        done = work.connection().exec_driver_sql("EXPLAIN (ANALYZE, TIMING OFF) " + statement, others).scalars().all()
    plan = "\n".join(done)
    read = re.findall(r"on import_row(?:_1)? .*\(actual rows=([\d.]+) loops=(\d+)\)", plan)
    assert [(float(rows), loops) for rows, loops in read if float(rows)] == [(200, "1"), (200, "1")], plan
