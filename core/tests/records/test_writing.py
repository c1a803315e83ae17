"""Many writes at once, writes by a unique value, and requests that are sent again."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from ossature.db.kernel import kept_answer
from ossature.errors import Invalid
from ossature.testing.people import Person, Tenant
from ossature.web import once

pytestmark = pytest.mark.database


def bulk(samples: Any, *operations: dict[str, Any], atomic: bool = True, **headers: str) -> Any:
    body = {"operations": list(operations), "atomic": atomic}
    return samples.person.api.post(f"{samples.path}/bulk", json=body, headers=headers)


def new(**data: Any) -> dict[str, Any]:
    return {"op": "create", "data": {"name": "Quartz", **data}}


# -- bulk --------------------------------------------------------------------------------------------------------------


@pytest.mark.req("A-061", "S4-101")
def test_many_writes_are_one_change_set_and_each_is_told(samples: Any, owner: Person) -> None:
    old, gone, back = samples.add(name="Old"), samples.add(), samples.add()
    samples.delete(back["id"])
    mine = str(uuid4())
    answer = bulk(
        samples, new(name="First"), {**new(name="Mine"), "id": mine},
        {"op": "update", "id": old["id"], "version": 1, "data": {"name": "New"}},
        {"op": "delete", "id": gone["id"], "version": 1}, {"op": "restore", "id": back["id"]},
        {"op": "upsert", "by": "code", "data": {"code": "Q-9", "name": "Made"}},
        {"op": "upsert", "by": "code", "data": {"code": "q-9", "pieces": 3}},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    rows = answer.json["data"]
    assert answer.json["meta"] == {"succeeded": 7, "failed": 0}
    assert [row["status"] for row in rows] == [201, 201, 200, 200, 200, 201, 200]
    assert [row["index"] for row in rows] == list(range(7))
    assert rows[1]["id"] == mine
    assert (rows[2]["id"], rows[2]["version"]) == (old["id"], 2)
    assert rows[5]["id"] == rows[6]["id"]
    made = samples.read(rows[5]["id"])
    assert (made["name"], made["pieces"], made["code"]) == ("Made", 3, "q-9")
    with owner.work() as work:
        written = work.execute(
            text("SELECT count(DISTINCT change_set_id) FROM ossature.change WHERE record_id = ANY (:ids) AND version > 0 "
                 "AND seq >= (SELECT min(seq) FROM ossature.change WHERE record_id = :first)"),
            {"ids": [row["id"] for row in rows], "first": rows[0]["id"]},
        )  # fmt: skip
        assert written.scalar_one() == 1


@pytest.mark.req("A-061")
def test_all_or_nothing_names_every_fault_and_writes_nothing(samples: Any) -> None:
    kept = samples.add(name="Kept")
    answer = bulk(
        samples, new(name="Good"), new(email="anna@"), {"op": "update", "id": str(uuid4()), "data": {"name": "x"}},
        {"op": "delete", "id": kept["id"], "version": 7},
    )  # fmt: skip
    assert answer.status_code == 422
    error = answer.json["error"]
    assert (error["code"], error["failed"]) == ("bulk_refused", 3)
    assert [(one["field"], one["code"]) for one in error["details"]] == [
        ("operations.1.email", "invalid"), ("operations.2", "not_found"), ("operations.3", "precondition_failed"),
    ]  # fmt: skip
    assert samples.names() == ["Kept"]


def test_all_are_written_where_what_refused_one_has_gone_by_the_time_it_is_tried_again(
    samples: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ossature.records import batch

    refusals, do = [Invalid("Somebody had it.")], batch._do

    def busy(rt: Any, operation: Any) -> Any:
        if operation.values["name"] == "Second" and refusals:
            raise refusals.pop()
        return do(rt, operation)

    monkeypatch.setattr(batch, "_do", busy)
    answer = bulk(samples, new(name="First"), new(name="Second"))
    assert answer.json["meta"] == {"succeeded": 2, "failed": 0}
    assert sorted(samples.names()) == ["First", "Second"]


@pytest.mark.req("A-061")
def test_the_good_ones_hold_where_that_is_asked_for(samples: Any) -> None:
    answer = bulk(samples, new(name="Good"), new(email="anna@"), new(name="Also"), atomic=False)
    assert answer.status_code == 200, answer.text
    assert answer.json["meta"] == {"succeeded": 2, "failed": 1}
    assert [row["status"] for row in answer.json["data"]] == [201, 422, 201]
    assert answer.json["data"][1]["error"]["details"][0]["field"] == "email"
    assert sorted(samples.names()) == ["Also", "Good"]


def test_what_is_no_list_of_operations_is_refused_saying_where(samples: Any) -> None:
    def faults(**body: Any) -> dict[str, str]:
        return dict(samples.faults(samples.person.api.post(f"{samples.path}/bulk", json=body)))

    assert faults() == {"operations": "invalid"}
    assert faults(operations=[new()] * 1001) == {"operations": "invalid"}
    assert faults(operations=[new()], atomic="yes", colour=1) == {"atomic": "wrong_type", "colour": "unknown_field"}
    wrong = [{"op": "burn"}, {"op": "update"}, 7, {**new(), "version": "1"}, {"op": "upsert"}, {**new(), "x": 1}]
    assert faults(operations=wrong) == {
        "operations.0.op": "unknown_choice", "operations.1.id": "invalid", "operations.2": "wrong_type",
        "operations.3.version": "invalid", "operations.4.by": "required", "operations.5.x": "unknown_field",
    }  # fmt: skip
    assert samples.names() == []


@pytest.mark.req("A-061")
def test_bulk_asks_the_rights_of_each_operation_and_sees_no_other_organisation(
    samples: Any, tenant: Tenant, make_tenant: Any
) -> None:
    there = samples.by(make_tenant().member("owner")).add(name="Theirs")
    answer = bulk(samples, new(), {"op": "delete", "id": there["id"]}, atomic=False)
    assert [row["status"] for row in answer.json["data"]] == [201, 404]
    assert bulk(samples.by(tenant.member("viewer")), new()).status_code == 403


# -- by a unique value -------------------------------------------------------------------------------------------------


def put(samples: Any, value: str, body: Any, field: str = "code", **headers: str) -> Any:
    return samples.person.api.put(f"{samples.path}/by/{field}/{value}", json=body, headers=headers)


@pytest.mark.req("A-061")
def test_a_record_is_created_or_changed_by_its_unique_value(samples: Any) -> None:
    made = put(samples, "Q%2F1", {"name": "Quartz", "pieces": 3})
    assert made.status_code == 201, made.text
    data = made.json["data"]
    assert (data["code"], data["version"]) == ("Q/1", 1)
    assert made.headers["Location"].endswith(data["id"])
    changed = put(samples, "q%2F1", {"name": "Onyx", "code": "Q/2"})
    assert changed.status_code == 200, changed.text
    assert (changed.json["data"]["id"], changed.json["data"]["pieces"]) == (data["id"], 3)
    assert put(samples, "Q%2F2", {"pieces": 4}, **{"If-Match": '"1"'}).status_code == 412
    assert put(samples, "none", {"name": "x"}, **{"If-Match": '"1"'}).status_code == 412
    assert samples.faults(put(samples, "Q-3", {})) == {"name": "required"}
    assert put(samples, "x", {}, field="name").status_code == 404
    samples.delete(data["id"])
    assert put(samples, "Q%2F2", {"name": "Again"}).json["data"]["id"] != data["id"]


def test_two_who_create_the_same_at_once_end_with_one_record(samples: Any) -> None:
    answers: list[int] = []
    clients = [samples.by(samples.person.tenant.member("owner")) for _number in range(4)]
    for one in clients:
        assert one.person.api
    start = threading.Barrier(len(clients))

    def write(one: Any) -> None:
        start.wait()
        answers.append(put(one, "Q-1", {"name": "Quartz"}).status_code)

    threads = [threading.Thread(target=write, args=[one]) for one in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 200, 200, 201]
    assert samples.names() == ["Quartz"]


# -- sent again --------------------------------------------------------------------------------------------------------


def post(samples: Any, key: str, body: Any, path: str = "") -> Any:
    return samples.person.api.post(samples.path + path, json=body, headers={"Idempotency-Key": key})


@pytest.mark.req("A-062")
def test_a_request_that_is_sent_again_is_answered_again_and_done_once(samples: Any) -> None:
    first = post(samples, "k1", {"name": "Quartz"})
    again = post(samples, "k1", {"name": "Quartz"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.data == first.data
    assert (again.headers["Location"], again.headers["ETag"]) == (first.headers["Location"], first.headers["ETag"])
    assert again.mimetype == "application/json"
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert samples.names() == ["Quartz"]
    many = {"operations": [new(name="Bulk")]}
    assert post(samples, "k2", many, "/bulk").data == post(samples, "k2", many, "/bulk").data
    assert sorted(samples.names()) == ["Bulk", "Quartz"]


@pytest.mark.req("A-062")
def test_a_key_that_comes_with_something_else_is_refused(samples: Any, shelves: Any) -> None:
    assert post(samples, "k1", {"name": "Quartz"}).status_code == 201
    for other in (post(samples, "k1", {"name": "Onyx"}), post(shelves, "k1", {"name": "Quartz"})):
        assert other.status_code == 422
        assert other.json["error"]["code"] == "key_reused"
    assert post(samples, "", {"name": "Onyx"}).status_code == 400
    assert post(samples, "x" * 256, {"name": "Onyx"}).status_code == 400
    assert samples.names() == ["Quartz"]


@pytest.mark.req("A-062")
def test_keys_of_others_never_meet_and_refusals_are_not_kept(samples: Any, tenant: Tenant, make_tenant: Any) -> None:
    assert post(samples, "k1", {"name": ""}).status_code == 422
    assert post(samples, "k1", {"name": "Quartz"}).status_code == 201
    for other in (tenant.member("owner"), make_tenant().member("owner")):
        answer = post(samples.by(other), "k1", {"name": "Onyx"})
        assert answer.status_code == 201, answer.text
        assert "Idempotency-Replayed" not in answer.headers


@pytest.mark.req("A-062")
def test_while_one_is_answered_the_same_is_told_to_wait(samples: Any, owner: Person) -> None:
    with owner.work():
        once._alone(f"{owner.tenant.id} {owner.member_id} k1")
        waiting = post(samples, "k1", {"name": "Quartz"})
        assert waiting.status_code == 409
        assert waiting.json["error"]["code"] == "in_progress"
    assert post(samples, "k1", {"name": "Quartz"}).status_code == 201


def test_kept_answers_are_encrypted_and_forgotten_after_a_day(samples: Any, owner: Person) -> None:
    first = post(samples, "k1", {"name": "Quartz", "email": "anna@example.com"})
    with owner.work() as work:
        stored = work.execute(text("SELECT body FROM ossature.kept_answer WHERE key = 'k1'")).scalar_one()
        assert "anna" not in stored
        work.execute(kept_answer.update().values(at=text("now() - interval '25 hours'")))
    other = post(samples, "k1", {"name": "Onyx"})
    assert other.status_code == 201, other.text
    assert other.json["data"]["id"] != first.json["data"]["id"]
