"""The one contract of lists: every record of every plugin, the kernel's own included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from ossature.kernel import Kernel
from ossature.testing.contract_api import RecordContract
from ossature.testing.people import Person

pytestmark = pytest.mark.database

ROOT = Path(__file__).parents[2]


@pytest.mark.req("A-060")
class TestRecordsOfTheKernel(RecordContract):
    """Those of plugins are asked the same where each plugin's contract is tested."""

    key = "ossature"

    @pytest.fixture
    def kernel(self, app: Flask) -> Kernel:
        found: Kernel = app.extensions["ossature"]
        return found


@pytest.mark.req("A-060")
def test_every_plugin_with_records_is_asked_by_its_own_contract(app: Flask) -> None:
    kernel: Kernel = app.extensions["ossature"]
    asked = {
        line.partition('"')[2].partition('"')[0]
        for path in ROOT.glob("**/tests/test_contract.py")
        for line in path.read_text("utf-8").splitlines()
        if line.strip().startswith("key = ")
    }
    assert {rt.plugin for rt in kernel.records} <= {*asked, TestRecordsOfTheKernel.key}


@pytest.mark.req("S2-116", "S3-168", "S4-621")
def test_a_list_gives_twenty_rows_and_a_cursor_unless_asked_otherwise(member: Callable[..., Person]) -> None:
    person = member()
    for number in range(21):
        assert person.api.post("/api/_kinds/shelves", json={"name": f"Shelf {number:02}"}).status_code == 201
    first: Any = person.api.get("/api/_kinds/shelves")
    assert (len(first.json["data"]), first.json["meta"]["limit"], first.json["meta"]["count"]) == (20, 20, None)
    rest: Any = person.api.get("/api/_kinds/shelves", query_string={"cursor": first.json["meta"]["next"]})
    assert [row["name"] for row in rest.json["data"]] == ["Shelf 20"]
    assert rest.json["meta"]["next"] is None
