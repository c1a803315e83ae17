"""Change sets and the timeline: who changed what, by what means, whatever way it was written."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from sqlalchemy import RowMapping, text

from ossature.history.timeline import timeline
from ossature.ids import new_id
from ossature.kernel import kernel
from ossature.records.bulk import insert_rows
from ossature.testing.people import Person, Tenant, client_of

pytestmark = pytest.mark.database

API = "/api/_kinds/samples"


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner", name="Anna Petit")


def add(person: Person, **fields: Any) -> dict[str, Any]:
    answer = person.api.post(API, json={"name": "Quartz", **fields})
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json["data"]
    return data


def changes(tenant: Tenant, id: str) -> list[RowMapping]:
    with tenant.work() as work:
        query = text(
            "SELECT c.*, s.actor_id, s.means, s.reason, s.request, c.payload::text AS written FROM ossature.change c "
            "JOIN ossature.change_set s ON (s.tenant_id, s.at, s.id) = (c.tenant_id, c.at, c.change_set_id) "
            "WHERE c.root_id = :id ORDER BY c.seq"
        )
        return list(work.execute(query, {"id": id}).mappings())


def test_one_request_is_one_change_set_with_actor_means_and_request(owner: Person, tenant: Tenant) -> None:
    answer = owner.api.post(API, json={"name": "Quartz", "lines": [{"finding": "salt"}, {"finding": "iron"}]})
    found = changes(tenant, answer.json["data"]["id"])
    assert [row["record"] for row in found] == ["_kinds.sample", "_kinds.sample_line", "_kinds.sample_line"]
    assert len({row["change_set_id"] for row in found}) == 1
    assert {(row["actor_id"], row["means"], row["request"]) for row in found} == {
        (owner.member_id, "api", answer.headers["X-Request-ID"])
    }


def test_pages_say_so_and_two_requests_are_two_change_sets(owner: Person, tenant: Tenant) -> None:
    id = add(owner)["id"]
    owner.page.post(f"/_kinds/samples/{id}/delete")
    owner.page.post(f"/_kinds/samples/{id}/restore")
    found = changes(tenant, id)
    assert [(row["what"], row["means"]) for row in found] == [
        ("create", "api"),
        ("delete", "page"),
        ("restore", "page"),
    ]
    assert len({row["change_set_id"] for row in found}) == 3


def test_creation_holds_all_fields_and_a_change_only_those_it_changed(owner: Person, tenant: Tenant) -> None:
    id = add(owner, pieces=3, price={"amount": "10.50", "currency": "EUR"})["id"]
    owner.api.patch(f"{API}/{id}", json={"pieces": 4, "name": "Quartz", "price": {"amount": "11", "currency": "EUR"}})
    created, changed = changes(tenant, id)
    expected = {"name": "Quartz", "pieces": 3, "price_minor": 1050, "price_currency": "EUR", "state": "raw"}
    assert expected.items() <= created["payload"].items()
    assert (
        not {"version", "updated_at", "created_at", "tenant_id", "search_text", "name_fold"} & created["payload"].keys()
    )
    assert changed["payload"] == {"pieces": [3, 4], "price_minor": [1050, 1100]}
    assert (created["version"], changed["version"]) == (1, 2)


def test_a_request_that_changes_nothing_writes_no_history(owner: Person, tenant: Tenant) -> None:
    id = add(owner, pieces=3)["id"]
    owner.api.patch(f"{API}/{id}", json={"pieces": 3})
    assert len(changes(tenant, id)) == 1


def test_secrets_are_left_out(owner: Person, tenant: Tenant) -> None:
    id = add(owner, token="hunter2")["id"]
    owner.api.patch(f"{API}/{id}", json={"token": "hunter3"})
    assert all("token" not in row["written"] and "hunter" not in row["written"] for row in changes(tenant, id))


def test_each_changes_digest_verifies_and_no_two_share_their_salt(owner: Person, tenant: Tenant) -> None:
    id = add(owner, pieces=1)["id"]
    for pieces in (2, 1, 2):
        owner.api.patch(f"{API}/{id}", json={"pieces": pieces})
    found = changes(tenant, id)
    for row in found:
        assert bytes(row["digest"]) == hashlib.sha256(bytes(row["salt"]) + row["written"].encode()).digest()
    assert len({bytes(row["salt"]) for row in found}) == len(found) == 4


def test_a_hand_written_statement_does_not_escape(owner: Person, tenant: Tenant) -> None:
    id = add(owner, pieces=1)["id"]
    with tenant.work() as work:
        work.execute(text("UPDATE _kinds.sample SET pieces = 9 WHERE id = :id"), {"id": id})
    *_before, last = changes(tenant, id)
    assert (last["payload"], last["means"], last["actor_id"]) == ({"pieces": [1, 9]}, "command", None)
    assert owner.api.get(f"{API}/{id}").json["data"]["version"] == 2


def test_a_refused_change_writes_no_history(owner: Person, tenant: Tenant) -> None:
    id = add(owner, pieces=1)["id"]
    assert owner.api.patch(f"{API}/{id}", json={"pieces": -1}).status_code == 422
    assert owner.api.patch(f"{API}/{id}", json={"pieces": 2}, headers={"If-Match": '"9"'}).status_code == 412
    assert len(changes(tenant, id)) == 1


def test_what_a_key_does_is_the_keys(owner: Person, tenant: Tenant) -> None:
    from ossature.context import Reach
    from ossature.rbac.keys import issue_key

    with tenant.work():
        key = issue_key("Sync", {"_kinds.sample.create": Reach.ALL})
    client = client_of(tenant.app, tenant.url, Authorization=f"Bearer {key.shown}")
    id = client.post(API, json={"name": "Jade"}).json["data"]["id"]
    (created,) = changes(tenant, id)
    assert created["actor_id"] == key.id


def entries(person: Person, id: str, **more: Any) -> Any:
    from uuid import UUID

    with person.work():
        return timeline(kernel().records["_kinds.sample"], UUID(id), **more)


def told(person: Person, id: str) -> list[tuple[str, dict[str, tuple[Any, Any]]]]:
    return [
        (entry.what, {change.field.name: (change.before, change.after) for change in entry.changes})
        for entry in entries(person, id).entries
    ]


def test_the_timeline_tells_newest_first_who_did_what(owner: Person, tenant: Tenant) -> None:
    id = add(owner, pieces=1)["id"]
    second = tenant.member("manager", name="Zoé Roux")
    second.api.patch(f"{API}/{id}", json={"pieces": 2, "state": "cut"})
    owner.api.delete(f"{API}/{id}")
    owner.api.post(f"{API}/{id}/restore")
    assert told(owner, id) == [
        ("restore", {}), ("delete", {}), ("update", {"pieces": (1, 2), "state": ("raw", "cut")}), ("create", {}),
    ]  # fmt: skip
    assert [entry.actor for entry in entries(owner, id).entries] == [
        "Anna Petit",
        "Anna Petit",
        "Zoé Roux",
        "Anna Petit",
    ]


def test_a_field_that_may_not_be_seen_is_hidden_in_the_history_too(owner: Person, tenant: Tenant) -> None:
    id = add(owner, remark="dull")["id"]
    owner.api.patch(f"{API}/{id}", json={"remark": "bright", "pieces": 2})
    owner.api.patch(f"{API}/{id}", json={"remark": "blinding"})
    manager = tenant.member("manager")
    assert [changed for _what, changed in told(owner, id)] == [
        {"remark": ("bright", "blinding")}, {"pieces": (None, 2), "remark": ("dull", "bright")}, {},
    ]  # fmt: skip
    assert told(manager, id) == [("update", {"pieces": (None, 2)}), ("create", {})]
    for path in (f"/_kinds/samples/{id}", f"/_kinds/samples/{id}/timeline"):
        page = manager.page.get(path)
        assert page.status_code == 200
        assert not any(word in page.text for word in ("dull", "bright", "blinding", "Remark"))
    assert "blinding" in owner.page.get(f"/_kinds/samples/{id}").text


def test_the_history_takes_a_right_of_its_own(owner: Person, tenant: Tenant) -> None:
    id = add(owner, pieces=1)["id"]
    owner.api.patch(f"{API}/{id}", json={"pieces": 777_123})
    owner.api.patch(f"{API}/{id}", json={"pieces": 1})
    viewer = tenant.member("viewer")
    assert viewer.page.get(f"/_kinds/samples/{id}/timeline").status_code == 403
    assert "777,123" in owner.page.get(f"/_kinds/samples/{id}/timeline").text
    assert "777,123" not in viewer.page.get(f"/_kinds/samples/{id}").text


def test_a_long_timeline_comes_in_pages_and_misses_nothing(owner: Person) -> None:
    id = add(owner, pieces=0)["id"]
    for pieces in range(1, 30):
        owner.api.patch(f"{API}/{id}", json={"pieces": pieces})
    seen, mark = [], None
    for _page in range(10):
        page = entries(owner, id, before=mark, limit=7)
        seen += [entry.id for entry in page.entries]
        mark = page.more
        if mark is None:
            break
    assert len(seen) == len(set(seen)) == 30


def test_parts_stand_in_the_timeline_of_their_owner(owner: Person) -> None:
    lines = add(owner, lines=[{"finding": "salt"}])["lines"]
    id = add(owner)["id"]
    owner.api.patch(f"{API}/{id}", json={"lines": [{"finding": "iron", "share": 5}]})
    (newest, _created) = entries(owner, id).entries
    assert newest.parts == (("lines", "create"),)
    assert {(change.record.key, change.field.name, change.after) for change in newest.changes} == {
        ("_kinds.sample_line", "finding", "iron"), ("_kinds.sample_line", "share", 5),
    }  # fmt: skip
    assert lines[0]["finding"] == "salt"


@pytest.mark.parametrize("rows", [100, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_nightly_score_is_no_change_of_what_it_scores(tenant: Tenant, rows: int) -> None:
    with tenant.work():
        insert_rows(kernel().records["_kinds.shelf"], ({"id": new_id(), "name": f"Shelf {n}"} for n in range(rows)))
    with tenant.work() as work:
        before = work.execute(text("SELECT count(*) FROM ossature.change")).scalar_one()
        scored = work.execute(text("UPDATE _kinds.shelf SET score = 7 WHERE tenant_id = :t"), {"t": tenant.id})
        assert scored.rowcount == rows  # type: ignore[attr-defined]
    with tenant.work() as work:
        assert work.execute(text("SELECT count(*) FROM ossature.change")).scalar_one() == before
        kept = work.execute(text("SELECT DISTINCT version, updated_at = created_at FROM _kinds.shelf")).all()
    assert [tuple(row) for row in kept] == [(1, True)]
