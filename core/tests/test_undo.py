"""Undo: what a change set changed is put back, or it is said why not."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import text

import ossature.history.undo as undoing
from ossature.files.storage import storage
from ossature.testing.background import run_pending
from ossature.testing.people import Person, Tenant
from ossature.testing.statements import StatementLog

pytestmark = pytest.mark.database

API = "/api/_kinds/samples"
SHELVES = "/api/_kinds/shelves"


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner", name="Anna Petit")


def add(person: Person, path: str = API, **fields: Any) -> dict[str, Any]:
    answer = person.api.post(path, json={"name": "Quartz", **fields})
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json["data"]
    return data


def read(person: Person, id: str, path: str = API) -> dict[str, Any]:
    data: dict[str, Any] = person.api.get(f"{path}/{id}").json["data"]
    return data


def sets(tenant: Tenant, id: str) -> list[str]:
    """The change sets that touched a record, the newest first."""
    with tenant.work() as work:
        query = text("SELECT change_set_id FROM ossature.change WHERE root_id = :id GROUP BY 1 ORDER BY max(seq) DESC")
        return [str(id) for id in work.execute(query, {"id": id}).scalars()]


def undo(person: Person, change_set: str, **body: Any) -> Any:
    return person.api.post(f"/api/ossature/change-sets/{change_set}/undo", json=body)


def undo_last(person: Person, id: str, **body: Any) -> Any:
    return undo(person, sets(person.tenant, id)[0], **body)


def state(person: Person, id: str) -> dict[str, Any]:
    """What a record says, without what every write changes."""
    found = read(person, id)
    left_out = {"version", "updated_at", "updated_by_id"}
    lines = [{name: line[name] for name in ("id", "finding", "share")} for line in found.pop("lines")]
    return {name: value for name, value in found.items() if name not in left_out} | {"lines": lines}


FULL = {
    "pieces": 3, "ratio": "0.125", "price": {"amount": "10.50", "currency": "EUR"}, "fragile": True, "taken_on": "2026-03-04",
    "seen_at": "2026-03-04T10:00:00Z", "state": "raw", "code": "A1", "notes": "Ünter", "grains": 2**60,
    "lines": [{"finding": "salt", "share": 10}, {"finding": "iron"}],
}  # fmt: skip
OTHER = {
    "pieces": None, "ratio": "3.5", "price": {"amount": "11", "currency": "USD"}, "fragile": False, "taken_on": None,
    "seen_at": "2027-01-01T00:00:00Z", "state": "cut", "code": "B2", "notes": None, "grains": 2**61, "name": "Jade",
}  # fmt: skip


@pytest.mark.req("S4-101")
def test_an_edit_of_every_kind_of_field_and_of_parts_is_put_back(owner: Person) -> None:
    id = add(owner, **FULL)["id"]
    first = state(owner, id)
    kept = {**first["lines"][0], "share": 40}
    assert owner.api.patch(f"{API}/{id}", json={**OTHER, "lines": [kept, {"finding": "gold"}]}).status_code == 200
    second = state(owner, id)
    assert second != first
    answer = undo_last(owner, id)
    assert answer.status_code == 200, answer.text
    assert answer.json["data"]["undone"] == 1
    assert state(owner, id) == first
    assert undo_last(owner, id).status_code == 200, "an undoing is undone like anything else"
    assert state(owner, id) == second


def test_what_was_undone_twice_over_is_nothing_to_undo(owner: Person) -> None:
    id = add(owner, pieces=1)["id"]
    owner.api.patch(f"{API}/{id}", json={"pieces": 2})
    edit = sets(owner.tenant, id)[0]
    assert undo(owner, edit).status_code == 200
    again = undo(owner, edit)
    assert (again.status_code, again.json["error"]["code"]) == (409, "cannot_undo")


def test_another_field_that_changed_since_is_no_obstacle_and_the_same_one_is(owner: Person) -> None:
    id = add(owner, pieces=1, notes="a")["id"]
    owner.api.patch(f"{API}/{id}", json={"pieces": 2})
    edit = sets(owner.tenant, id)[0]
    owner.api.patch(f"{API}/{id}", json={"notes": "b"})
    assert undo(owner, edit).status_code == 200
    assert (read(owner, id)["pieces"], read(owner, id)["notes"]) == (1, "b")
    owner.api.patch(f"{API}/{id}", json={"pieces": 5})
    edit = sets(owner.tenant, id)[0]
    owner.api.patch(f"{API}/{id}", json={"pieces": 6})
    refused = undo(owner, edit)
    assert refused.status_code == 409
    (detail,) = refused.json["error"]["details"]
    assert (detail["field"], detail["code"], detail["id"]) == ("pieces", "changed_since", id)
    assert "Pieces" in detail["message"]
    assert read(owner, id)["pieces"] == 6


def test_creation_is_undone_by_deleting_until_somebody_edits_it(owner: Person) -> None:
    one, other = add(owner, pieces=1)["id"], add(owner, pieces=1)["id"]
    assert undo_last(owner, one).status_code == 200
    assert read(owner, one)["deleted_at"] is not None
    created = sets(owner.tenant, other)[0]
    owner.api.patch(f"{API}/{other}", json={"pieces": 2})
    refused = undo(owner, created)
    assert [one["code"] for one in refused.json["error"]["details"]] == ["changed_since"]
    assert undo_last(owner, other).status_code == 200
    assert undo(owner, created).status_code == 200, "what was edited and put back is as it was created"


def test_deletion_comes_back_with_all_that_went_along(owner: Person) -> None:
    shelf = add(owner, SHELVES)["id"]
    ids = [add(owner, shelf_id=shelf)["id"] for _ in range(3)]
    owner.api.delete(f"{SHELVES}/{shelf}")
    assert all(read(owner, id)["deleted_at"] for id in ids)
    answer = undo_last(owner, shelf)
    assert (answer.status_code, answer.json["data"]["undone"]) == (200, 4)
    assert not any(read(owner, id)["deleted_at"] for id in ids)
    assert undo_last(owner, shelf).json["data"]["undone"] == 4
    assert all(read(owner, id)["deleted_at"] for id in ids)


def test_what_would_leave_a_record_hanging_is_refused(owner: Person) -> None:
    basis, shelf = add(owner)["id"], add(owner, SHELVES)["id"]
    add(owner, basis_id=basis, name="Made of it")
    refused = undo_last(owner, basis)
    assert [one["code"] for one in refused.json["error"]["details"]] == ["referenced"]
    placed = add(owner, shelf_id=shelf)["id"]
    owner.api.patch(f"{API}/{placed}", json={"shelf_id": None})
    moved = sets(owner.tenant, placed)[0]
    owner.api.delete(f"{SHELVES}/{shelf}")
    refused = undo(owner, moved)
    assert [(one["field"], one["code"]) for one in refused.json["error"]["details"]] == [("shelf_id", "not_found")]


def test_a_code_that_was_taken_since_is_named(owner: Person) -> None:
    id = add(owner, code="A1")["id"]
    owner.api.patch(f"{API}/{id}", json={"code": "A2"})
    edit = sets(owner.tenant, id)[0]
    add(owner, code="a1")
    refused = undo(owner, edit)
    assert [(one["field"], one["code"]) for one in refused.json["error"]["details"]] == [("code", "taken")]
    assert read(owner, id)["code"] == "A2"


def test_secrets_and_what_is_not_tracked_are_left_alone(owner: Person) -> None:
    id = add(owner, token="one", pieces=1)["id"]
    owner.api.patch(f"{API}/{id}", json={"token": None, "pieces": 2})
    assert undo_last(owner, id).status_code == 200
    assert (read(owner, id)["pieces"], read(owner, id)["token"]) == (1, False)


def test_nobody_undoes_what_they_may_not_do_or_see(owner: Person) -> None:
    tenant = owner.tenant
    id = add(owner, pieces=1)["id"]
    owner.api.patch(f"{API}/{id}", json={"pieces": 2, "remark": "Hidden"})
    edit = sets(tenant, id)[0]
    for role, status in (("viewer", 404), ("auditor", 409), ("manager", 409)):
        assert undo(tenant.member(role), edit).status_code == status, role
    refused = undo(tenant.member("manager"), edit).text
    assert "emark" not in refused
    assert "Hidden" not in refused
    assert read(owner, id)["pieces"] == 2


@pytest.mark.req("A-016")
def test_of_many_the_rest_is_undone_with_a_reason_for_each_other(owner: Person) -> None:
    with owner.work() as work:
        work.execute(
            text("INSERT INTO _kinds.sample (tenant_id, id, name, pieces) SELECT :t, gen_random_uuid(), 'Bulk', n "
                 "FROM generate_series(1, 40) n"), {"t": owner.tenant.id},
        )  # fmt: skip
    with owner.work() as work:
        work.execute(text("UPDATE _kinds.sample SET state = 'cut', notes = 'cut' WHERE name = 'Bulk'"))
        ids = [
            str(id)
            for id in work.execute(text("SELECT id FROM _kinds.sample WHERE name = 'Bulk' ORDER BY pieces")).scalars()
        ]
    mass = sets(owner.tenant, ids[0])[0]
    owner.api.patch(f"{API}/{ids[3]}", json={"state": "gone"})
    owner.api.delete(f"{API}/{ids[4]}")
    refused = undo(owner, mass)
    assert refused.status_code == 409
    assert {(one["id"], one["code"]) for one in refused.json["error"]["details"]} == {
        (ids[3], "changed_since"), (ids[4], "deleted"),
    }  # fmt: skip
    assert read(owner, ids[0])["state"] == "cut"
    answer = undo(owner, mass, rest=True)
    assert (answer.status_code, answer.json["data"]["undone"], answer.json["data"]["kept"]) == (200, 38, 2)
    assert {row["state"] for id in ids[:3] for row in [read(owner, id)]} == {"raw"}
    assert read(owner, ids[3])["state"] == "gone"
    assert sets(owner.tenant, ids[0])[0] == answer.json["data"]["change_set_id"]


def test_a_ledger_is_never_undone(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    id = add(owner, pieces=1)["id"]
    owner.api.patch(f"{API}/{id}", json={"pieces": 2})
    records = owner.tenant.app.extensions["ossature"].records
    monkeypatch.setitem(records._types, "_kinds.sample", replace(records["_kinds.sample"], ledger=True))
    refused = undo_last(owner, id)
    assert [one["code"] for one in refused.json["error"]["details"]] == ["ledger"]
    edit = sets(owner.tenant, id)[0]
    assert f"/history/{edit}/undo" not in owner.page.get(f"/_kinds/samples/{id}").text
    assert read(owner, id)["pieces"] == 2


def test_many_are_undone_in_the_background_by_statements_of_chunks(
    owner: Person, statements: StatementLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undoing, "_CHUNK", 100)

    def cost(rows: int) -> int:
        name = f"Bulk {rows}"
        with owner.work() as work:
            work.execute(
                text("INSERT INTO _kinds.sample (tenant_id, id, name, pieces) SELECT :t, gen_random_uuid(), :name, n "
                     "FROM generate_series(1, :rows) n"), {"t": owner.tenant.id, "name": name, "rows": rows},
            )  # fmt: skip
        with owner.work() as work:
            cut = "UPDATE _kinds.sample SET state = 'cut', notes = 'cut ' || pieces WHERE name = :name"
            work.execute(text(cut), {"name": name})
            one = text("SELECT id FROM _kinds.sample WHERE name = :name LIMIT 1")
            id = str(work.execute(one, {"name": name}).scalar_one())
        mass = sets(owner.tenant, id)[0]
        assert undo(owner, mass).status_code == 202
        assert "is being undone" in owner.page.get(f"/history/{mass}").text
        with statements.counting() as counted:
            run_pending(owner.tenant)
        with owner.work() as work:
            query = text("SELECT count(*) FROM _kinds.sample WHERE name = :name AND state = 'raw' AND notes IS NULL")
            assert work.execute(query, {"name": name}).scalar_one() == rows
        assert f"{rows} records were put back" in owner.page.get(f"/history/{mass}").text
        return len(counted)

    few, many = cost(300), cost(700)
    assert many - few < 4 * 25, (few, many)


def test_more_than_one_waits_for_takes_a_job_that_tells_what_became_of_it(owner: Person) -> None:
    with owner.work() as work:
        work.execute(
            text("INSERT INTO _kinds.sample (tenant_id, id, name) SELECT :t, gen_random_uuid(), 'Bulk' "
                 "FROM generate_series(1, 230) n"), {"t": owner.tenant.id},
        )  # fmt: skip
        ids = [str(id) for id in work.execute(text("SELECT id FROM _kinds.sample WHERE name = 'Bulk'")).scalars()]
    created = sets(owner.tenant, ids[0])[0]
    owner.api.patch(f"{API}/{ids[7]}", json={"pieces": 1})
    assert undo(owner, created).status_code == 202
    run_pending(owner.tenant)
    assert "Nothing was put back." in owner.page.get(f"/history/{created}").text
    assert undo(owner, created, rest=True).status_code == 202
    run_pending(owner.tenant)
    shown = owner.page.get(f"/history/{created}").text
    assert "229 records were put back." in shown
    assert "1 record stays as it is." in shown
    assert read(owner, ids[7])["deleted_at"] is None
    assert read(owner, ids[8])["deleted_at"] is not None


@pytest.mark.req("S4-600")
def test_the_api_tells_of_change_sets_and_of_one_records_history(owner: Person) -> None:
    tenant = owner.tenant
    id = add(owner, price={"amount": "1", "currency": "EUR"}, lines=[{"finding": "salt"}])["id"]
    owner.api.patch(f"{API}/{id}", json={"price": {"amount": "2", "currency": "EUR"}, "remark": "Hidden"})
    listed = owner.api.get("/api/ossature/change-sets?limit=2&record=_kinds.sample").json
    assert [one["records"] for one in listed["data"]] == [
        [{"record": "_kinds.sample", "action": what, "count": 1}] for what in ("update", "create")
    ]
    assert listed["data"][0]["actor"]["label"] == "Anna Petit"
    edit = listed["data"][0]["id"]
    (item,) = owner.api.get(f"/api/ossature/change-sets/{edit}").json["data"]["items"]
    assert {one["field"]: (one["before"], one["after"]) for one in item["changes"]} == {
        "price": ({"amount": "1.00", "currency": "EUR"}, {"amount": "2.00", "currency": "EUR"}), "remark": (None, "Hidden"),
    }  # fmt: skip
    history = owner.api.get(f"{API}/{id}/history?limit=1").json
    assert (history["data"][0]["action"], history["data"][0]["undone"]) == ("update", False)
    older = owner.api.get(f"{API}/{id}/history?cursor={history['meta']['next']}").json
    assert [one["action"] for one in older["data"]] == ["create"]
    auditor, viewer = tenant.member("auditor"), tenant.member("viewer")
    for path in (f"/api/ossature/change-sets/{edit}", f"{API}/{id}/history", "/api/ossature/change-sets"):
        told = auditor.api.get(path)
        assert told.status_code == 200
        assert "Hidden" not in told.text
        assert "remark" not in told.text
        assert viewer.api.get(path).status_code in (403, 404)
    undo(owner, edit)
    newest = owner.api.get("/api/ossature/change-sets?limit=1").json["data"][0]
    assert (newest["means"], newest["undoes"]) == ("undo", edit)
    assert owner.api.get(f"/api/ossature/change-sets/{edit}").json["data"]["undone_by"] == newest["id"]
    for wrong in ("?cursor=x", "?limit=0", "?since=x", "?nothing=1", "?record=none"):
        assert owner.api.get(f"/api/ossature/change-sets{wrong}").status_code == 400, wrong
    assert owner.api.post(f"/api/ossature/change-sets/{edit}/undo", json={"rest": 1}).status_code == 400


def test_undoing_two_hundred_takes_no_more_statements_than_undoing_two(owner: Person, statements: Any) -> None:
    def asked(number: int) -> int:
        with owner.work() as work:
            work.execute(
                text("INSERT INTO _kinds.sample (tenant_id, id, name) SELECT :t, gen_random_uuid(), :name "
                     "FROM generate_series(1, :n) n"), {"t": owner.tenant.id, "n": number, "name": f"B{number}"},
            )  # fmt: skip
            id = work.execute(
                text("SELECT id FROM _kinds.sample WHERE name = :n LIMIT 1"), {"n": f"B{number}"}
            ).scalar_one()
        change_set = sets(owner.tenant, str(id))[0]
        with statements.counting() as counted:
            assert undo(owner, change_set).status_code == 200
        return len(counted.texts)

    few = min(asked(2), asked(3))
    assert asked(200) <= few + 2


# -- notes and files ---------------------------------------------------------------------------------------------------


def noted(person: Person, id: str, text: str = "From the river.") -> str:
    answer = person.api.post(f"{API}/{id}/notes", json={"text": text})
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


def notes(person: Person, id: str) -> list[tuple[str, bool]]:
    return [(note["text"], note["pinned"]) for note in person.api.get(f"{API}/{id}/notes").json["data"]]


def put(person: Person, id: str, content: bytes, name: str = "river.txt", **fields: str) -> str:
    answer = person.api.post(f"{API}/{id}/files", data={"file": (BytesIO(content), name), **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


def files(person: Person, id: str) -> list[tuple[str, bytes]]:
    found = person.api.get(f"{API}/{id}/files").json["data"]
    return sorted((file["name"], person.api.get(file["url"]).data) for file in found)


def reasons(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 409, answer.text
    return [(one["field"], one["code"]) for one in answer.json["error"]["details"]]


def test_a_note_is_undone_and_redone_by_itself(owner: Person) -> None:
    id = add(owner)["id"]
    note = f"{API}/{id}/notes/{noted(owner, id)}"
    owner.api.patch(note, json={"text": "From the sea.", "pinned": True})
    assert undo_last(owner, id).status_code == 200
    assert notes(owner, id) == [("From the river.", False)]
    assert undo_last(owner, id).status_code == 200
    assert notes(owner, id) == [("From the sea.", True)]
    owner.api.delete(note)
    assert undo_last(owner, id).status_code == 200
    assert notes(owner, id) == [("From the sea.", True)]
    noted(owner, id, "A second one.")
    assert undo_last(owner, id).status_code == 200
    assert [words for words, _pinned in notes(owner, id)] == ["From the sea."]
    assert undo_last(owner, id).status_code == 200, "a note that was taken away comes back"
    assert [words for words, _pinned in notes(owner, id)] == ["From the sea.", "A second one."]


def test_a_note_that_was_changed_since_stays(owner: Person) -> None:
    id = add(owner)["id"]
    note = f"{API}/{id}/notes/{noted(owner, id)}"
    first = sets(owner.tenant, id)[0]
    owner.api.patch(note, json={"text": "From the sea."})
    second = sets(owner.tenant, id)[0]
    assert reasons(undo(owner, first)) == [("note", "changed_since")]
    owner.api.delete(note)
    assert reasons(undo(owner, second)) == [("note", "changed_since")]
    assert notes(owner, id) == []


def test_a_note_of_somebody_else_is_undone_only_by_those_who_may_change_it(owner: Person) -> None:
    id = add(owner)["id"]
    noted(owner, id)
    viewer = owner.tenant.member("viewer")
    assert undo(viewer, sets(owner.tenant, id)[0]).status_code == 404
    assert len(notes(owner, id)) == 1


def test_files_that_were_added_renamed_and_removed_are_put_back(owner: Person) -> None:
    id = add(owner)["id"]
    file = f"{API}/{id}/files/{put(owner, id, b'one')}"
    assert undo_last(owner, id).status_code == 200
    assert files(owner, id) == []
    assert undo_last(owner, id).status_code == 200
    assert files(owner, id) == [("river.txt", b"one")]
    owner.api.patch(file, json={"name": "sea.txt"})
    assert undo_last(owner, id).status_code == 200
    assert files(owner, id) == [("river.txt", b"one")]
    owner.api.delete(file)
    assert undo_last(owner, id).status_code == 200
    assert files(owner, id) == [("river.txt", b"one")]
    owner.api.delete(file)
    removal = sets(owner.tenant, id)[0]
    put(owner, id, b"another")
    assert reasons(undo(owner, removal)) == [("file", "taken")]
    assert files(owner, id) == [("river.txt", b"another")]


def test_a_new_version_goes_and_the_one_before_it_comes_back(owner: Person) -> None:
    id = add(owner)["id"]
    put(owner, id, b"one")
    first = sets(owner.tenant, id)[0]
    put(owner, id, b"two")
    second = sets(owner.tenant, id)[0]
    assert reasons(undo(owner, first)) == [("file", "changed_since")]
    assert undo(owner, second).status_code == 200
    assert files(owner, id) == [("river.txt", b"one")]
    again = undo(owner, second)
    assert (again.json["error"]["code"], again.json["error"]["details"]) == ("cannot_undo", [])
    assert undo_last(owner, id).status_code == 200
    assert files(owner, id) == [("river.txt", b"two")]
    (listed,) = owner.api.get(f"{API}/{id}/files").json["data"]
    versions = owner.api.get(f"{listed['url']}/versions").json["data"]
    assert [one["version"] for one in versions] == [4, 3, 2, 1]
    put(owner, id, b"three")
    assert reasons(undo(owner, second)) == [("file", "changed_since")]


def test_a_file_whose_content_is_no_longer_kept_does_not_come_back(owner: Person, app: Any) -> None:
    id = add(owner)["id"]
    file = put(owner, id, b"one")
    with owner.tenant.work() as work:
        key = work.execute(text("SELECT key FROM ossature.file WHERE id = :id"), {"id": file}).scalar_one()
    owner.api.delete(f"{API}/{id}/files/{file}")
    storage().delete(owner.tenant.id, key)
    assert reasons(undo_last(owner, id)) == [("file", "gone")]


def test_fields_notes_and_files_of_one_change_set_are_undone_together_or_not_at_all(owner: Person) -> None:
    id = add(owner, pieces=1)["id"]
    note, file = noted(owner, id), put(owner, id, b"one")
    with owner.tenant.work() as work:
        for statement in (
            "UPDATE _kinds.sample SET pieces = 2, version = version + 1 WHERE id = :id",
            "UPDATE ossature.note SET text = 'From the sea.' WHERE record_id = :id",
            "UPDATE ossature.file SET name = 'sea.txt' WHERE record_id = :id",
        ):
            work.execute(text(statement), {"id": id})
    change = sets(owner.tenant, id)[0]
    shown = owner.page.get(f"/history/{change}?undo=1").text
    assert all(words in shown for words in ("sea.txt", "Note", "Pieces"))
    assert undo(owner, change).status_code == 200
    assert (read(owner, id)["pieces"], notes(owner, id)) == (1, [("From the river.", False)])
    assert files(owner, id) == [("river.txt", b"one")]
    assert undo_last(owner, id).status_code == 200
    assert (read(owner, id)["pieces"], files(owner, id)) == (2, [("sea.txt", b"one")])
    owner.api.patch(f"{API}/{id}/notes/{note}", json={"text": "From the hill."})
    owner.api.delete(f"{API}/{id}/files/{file}")
    again = sets(owner.tenant, id)[2]
    assert reasons(undo(owner, again)) == [("note", "changed_since")]
    assert read(owner, id)["pieces"] == 2
