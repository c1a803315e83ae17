"""A right on one field of a part: without it the field is neither shown, told nor written.

No condition can ask such a field (`conditions.problems`), so the lines are ones of which those of the samples hold none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def share_needs_a_right(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    part = app.extensions["ossature"].records["_kinds.sample"].parts["lines"]
    fields: Any = part.fields
    monkeypatch.setitem(fields, "share", replace(fields["share"], view="_kinds.sample.see_remark"))
    monkeypatch.setitem(vars(part), "guarded", True)  # worked out once from the declaration


@pytest.fixture
def manager(tenant: Tenant) -> Person:
    return tenant.member("manager")


def test_it_is_not_shown(samples: Any, manager: Person) -> None:
    added = samples.add(lines=[{"finding": "lead", "share": 43}])
    line = {"id": added["lines"][0]["id"], "finding": "lead", "share": 44}
    assert samples.patch(added["id"], {"lines": [line]}).status_code == 200
    theirs = samples.by(manager).read(added["id"])
    assert [set(line) for line in theirs["lines"]] == [set(added["lines"][0]) - {"share"}]
    for path in ("", "/edit", "/timeline"):
        address = f"/_kinds/samples/{added['id']}{path}"
        assert "Share" in samples.person.page.get(address).text
        assert "Share" not in manager.page.get(address).text


def test_it_is_not_written_and_stays_as_it_was(samples: Any, manager: Person) -> None:
    added = samples.add(lines=[{"finding": "lead", "share": 43}])
    line = added["lines"][0]["id"]
    theirs = samples.by(manager)
    refused = theirs.patch(added["id"], {"lines": [{"id": line, "finding": "lead", "share": 1}]})
    assert samples.faults(refused) == {"lines.0.share": "unknown_field"}
    assert theirs.patch(added["id"], {"lines": [{"id": line, "finding": "silver"}]}).status_code == 200
    form = {"name": "Quartz", "state": "raw", "lines-0-id": line, "lines-0-finding": "tin", "version": "2"}
    assert manager.page.post(f"/_kinds/samples/{added['id']}/edit", data=form).status_code == 303
    assert samples.read(added["id"])["lines"] == [{**added["lines"][0], "finding": "tin"}]


def test_a_conflict_does_not_tell_it(samples: Any, manager: Person) -> None:
    added = samples.add(lines=[{"finding": "lead", "share": 43}])
    line = added["lines"][0]["id"]
    samples.patch(added["id"], {"lines": [{"id": line, "finding": "silver", "share": 27}]})
    answer = samples.by(manager).patch(added["id"], {"lines": [{"id": line, "finding": "tin"}], "version": 1})
    assert answer.status_code == 409
    (told,) = answer.json["error"]["details"]
    seen = {"id", "finding", "doubt", "count", "each"}
    assert [set(told[side][0]) for side in ("mine", "theirs", "before")] == [seen] * 3
