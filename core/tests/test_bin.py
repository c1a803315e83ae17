"""The recycle bin: what was deleted of any kind, restoring it whole, deleting it for good."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from ossature.builtin.bin import BIN_DAYS, empty_bin
from ossature.files.storage import Missing, storage
from ossature.testing.background import run_pending
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

API, SHELVES = "/api/_kinds/samples", "/api/_kinds/shelves"


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner", name="Anna Petit")


def add(person: Person, path: str = API, **fields: Any) -> str:
    answer = person.api.post(path, json={"name": "Quartz", **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


def sample(id: str) -> str:
    return f"_kinds.sample:{id}"


def deleted(person: Person, id: str, path: str = API) -> bool:
    answer = person.api.get(f"{path}/{id}")
    return answer.status_code == 404 or answer.json["data"]["deleted_at"] is not None


@pytest.mark.req("A-029")
def test_the_bin_holds_every_kind_says_who_and_brings_back_children(owner: Person) -> None:
    tenant = owner.tenant
    shelf = add(owner, SHELVES, name="Top shelf")
    ids = [add(owner, name=f"Stone {n}", shelf_id=shelf, lines=[{"finding": "salt"}]) for n in range(2)]
    alone = add(owner, name="Onyx")
    owner.api.delete(f"{SHELVES}/{shelf}")
    owner.api.delete(f"{API}/{alone}")
    shown = owner.page.get("/bin").text
    assert all(word in shown for word in ("Top shelf", "Stone 0", "Stone 1", "Onyx", "Anna Petit"))
    assert "Onyx" in owner.page.get("/bin?q=onyx").text
    assert "Top shelf" not in owner.page.get("/bin?record=_kinds.sample").text.replace("Top shelf</option", "")
    answer = owner.page.post("/bin/restore", data={"items": [f"_kinds.shelf:{shelf}", sample(alone)]})
    assert answer.status_code == 303
    assert not any(deleted(owner, id) for id in (*ids, alone))
    assert owner.api.get(f"{API}/{ids[0]}").json["data"]["lines"][0]["finding"] == "salt"
    assert "Onyx" not in tenant.member("manager").page.get("/bin").text, "who may not delete has no bin"


def test_a_code_that_was_taken_since_is_named_and_may_be_changed(owner: Person) -> None:
    first, second = add(owner, name="Old one", code="A1"), add(owner, name="Plain")
    owner.api.delete(f"{API}/{first}")
    owner.api.delete(f"{API}/{second}")
    add(owner, name="New one", code="a1")
    refused = owner.page.post("/bin/restore", data={"items": [sample(first), sample(second)]})
    assert refused.status_code == 200, "the other one came back"
    assert "New one has the value “A1” by now" in refused.text
    assert deleted(owner, first)
    assert not deleted(owner, second)
    detail = owner.api.post(f"{API}/{first}/restore").json["error"]["details"][0]
    assert (detail["field"], detail["code"], detail["title"]) == ("code", "taken", "New one")
    again = {"items": sample(first), "field": "code", "value": "a1"}
    assert owner.page.post("/bin/restore", data=again).status_code == 409
    assert owner.page.post("/bin/restore", data={**again, "value": "A2"}).status_code == 303
    assert owner.api.get(f"{API}/{first}").json["data"]["code"] == "A2"


def test_only_what_may_be_taken_is_changed_along_with_coming_back(owner: Person) -> None:
    gone = add(owner, name="Old one")
    owner.api.delete(f"{API}/{gone}")
    for field, value in (("owner_id", ""), ("name", "Another"), ("state", "cut")):
        refused = owner.page.post("/bin/restore", data={"items": sample(gone), "field": field, "value": value})
        assert refused.status_code == 409, field
    assert deleted(owner, gone)


def test_a_code_of_what_would_come_along_that_was_taken_keeps_all_in_the_bin(owner: Person) -> None:
    shelf = add(owner, SHELVES, name="Top shelf")
    add(owner, name="Stone", shelf_id=shelf, code="A1")
    owner.api.delete(f"{SHELVES}/{shelf}")
    add(owner, name="New one", code="A1")
    refused = owner.page.post("/bin/restore", data={"items": f"_kinds.shelf:{shelf}"})
    assert refused.status_code == 409
    assert "Top shelf" in refused.text


def test_deleting_for_good_says_first_what_goes_along_and_what_is_in_the_way(owner: Person) -> None:
    tenant = owner.tenant
    shelf = add(owner, SHELVES, name="Top shelf")
    inside = add(owner, name="Stone", shelf_id=shelf, lines=[{"finding": "salt"}])
    twin = add(owner, name="Twin", twin_id=inside)
    basis = add(owner, name="Basis")
    made = add(owner, name="Made of it", basis_id=basis)
    for path, id in ((SHELVES, shelf), (API, made), (API, basis)):
        assert owner.api.delete(f"{path}/{id}").status_code == 200
    asked = owner.page.post("/bin/purge", data={"items": f"_kinds.shelf:{shelf}"}).text
    assert all(word in asked for word in ("Top shelf", "1 Samples", "1 Lines", "Lose the link to it"))
    blocked = owner.page.post("/bin/purge", data={"items": sample(basis)}).text
    assert "Still refer to it" in blocked
    refused = owner.page.post("/bin/purge", data={"items": sample(basis), "sure": "1"})
    assert refused.status_code == 409
    assert owner.api.get(f"{API}/{basis}").status_code != 404
    both = owner.page.post("/bin/purge", data={"items": [sample(basis), sample(made)], "sure": "1"})
    assert both.status_code == 303, both.text
    assert owner.page.post("/bin/purge", data={"items": f"_kinds.shelf:{shelf}", "sure": "1"}).status_code == 303
    assert [owner.api.get(f"{API}/{id}").status_code for id in (inside, basis, made)] == [404, 404, 404]
    assert owner.api.get(f"{API}/{twin}").json["data"]["twin_id"] is None
    assert tenant.member("manager").page.post("/bin/purge", data={"items": sample(twin)}).status_code == 403
    live = owner.page.post("/bin/purge", data={"items": sample(twin), "sure": "1"})
    assert live.status_code == 303
    assert not deleted(owner, twin), "what is not in the bin stays"


def test_the_bin_is_emptied_of_what_is_old_where_the_organisation_wants_it(owner: Person) -> None:
    tenant = owner.tenant
    old, fresh = add(owner, name="Old"), add(owner, name="Fresh")
    for id in (old, fresh):
        owner.api.delete(f"{API}/{id}")
    with tenant.work() as work:
        work.execute(
            text("UPDATE _kinds.sample SET deleted_at = now() - interval '40 days' WHERE id = :id"), {"id": old}
        )
        empty_bin.enqueue()
    run_pending(tenant)
    assert owner.api.get(f"{API}/{old}").status_code == 200, "nothing unless it is asked for"
    with tenant.work():
        BIN_DAYS.write(30)
        empty_bin.enqueue()
    run_pending(tenant)
    assert [owner.api.get(f"{API}/{id}").status_code for id in (old, fresh)] == [404, 200]


def test_the_bin_is_paged_and_wrong_input_is_refused(owner: Person) -> None:
    ids = [add(owner, name=f"Stone {number:02}") for number in range(55)]
    with owner.work() as work:
        work.execute(text("UPDATE _kinds.sample SET deleted_at = now() WHERE name LIKE 'Stone%'"))
    first = owner.page.get("/bin").text
    address = first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    rest = owner.page.get(address if address.startswith("/bin") else "/bin?" + address.rpartition("?")[2]).text
    names = [f"Stone {number:02}" for number in range(55)]
    assert [(name in first) + (name in rest) for name in names] == [1] * 55
    for wrong in ("", "x", "crm.nothing:1", "_kinds.sample:1", f"_kinds.sample_line:{ids[0]}"):
        assert owner.page.post("/bin/restore", data={"items": wrong}).status_code == 422, wrong
    for query in ("record=none", "cursor=x"):
        assert owner.page.get(f"/bin?{query}").status_code == 400


def test_notes_and_files_go_for_good_with_their_record_and_with_what_goes_along(owner: Person) -> None:
    shelf = add(owner, SHELVES, name="Top shelf")
    inside, other = add(owner, name="Stone", shelf_id=shelf), add(owner, name="Another")
    at = {shelf: f"{SHELVES}/{shelf}", inside: f"{API}/{inside}", other: f"{API}/{other}"}
    for path in at.values():
        assert owner.api.post(f"{path}/notes", json={"text": "From the river."}).status_code == 201
        sent = {"file": (BytesIO(b"a plain text"), "river.txt")}
        assert owner.api.post(f"{path}/files", data=sent).status_code == 201
    assert owner.api.delete(at[shelf]).status_code == 200
    with owner.tenant.work() as work:
        keys = dict(work.execute(text("SELECT record_id, key FROM ossature.file")).all())
    assert owner.page.post("/bin/purge", data={"items": f"_kinds.shelf:{shelf}", "sure": "1"}).status_code == 303
    with owner.tenant.work() as work:
        for table in ("note", "file"):
            left = work.execute(text(f"SELECT record_id FROM ossature.{table}")).scalars().all()
            assert left == [UUID(other)], table
    for id in (shelf, inside):
        with pytest.raises(Missing):
            storage().open(owner.tenant.id, keys[UUID(id)])
