"""What records are called elsewhere: given, found again, written by, kept in the history, gone with their record."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from ossature.context import Reach
from ossature.rbac.members import assign_roles
from ossature.rbac.roles import create_role, set_grants
from ossature.records.bin import purge
from ossature.records.external_ids import (
    external_ids_of,
    find_by_external,
    move_external,
    set_external,
    sources_of,
)
from ossature.records.lookup import record_type
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database


def ids(samples: Any, id: str) -> list[tuple[str, str]]:
    answer = samples.person.api.get(f"{samples.at(id)}/external-ids")
    assert answer.status_code == 200, answer.text
    return [(one["source"], one["value"]) for one in answer.json["data"]]


def give(samples: Any, id: str, source: str, value: str) -> Any:
    return samples.person.api.put(f"{samples.at(id)}/external-ids/{source}/{value}")


def take(samples: Any, id: str, source: str, value: str) -> Any:
    return samples.person.api.delete(f"{samples.at(id)}/external-ids/{source}/{value}")


def called(samples: Any, source: str, value: str) -> Any:
    return samples.person.api.get(f"{samples.path}/by-external/{source}/{value}")


def write(samples: Any, source: str, value: str, body: Any, **headers: str) -> Any:
    return samples.person.api.put(f"{samples.path}/by-external/{source}/{value}", json=body, headers=headers)


@pytest.mark.req("A-023")
def test_a_record_is_given_ids_of_other_systems_and_found_by_them(samples: Any) -> None:
    id = samples.add()["id"]
    assert ids(samples, id) == []
    first = give(samples, id, "HubSpot", "12/34 é")
    assert first.status_code == 201, first.text
    assert give(samples, id, "hubspot", "12/34 é").status_code == 200
    give(samples, id, "shop", "A-7")
    give(samples, id, "hubspot", "56")
    assert ids(samples, id) == [("hubspot", "12/34 é"), ("hubspot", "56"), ("shop", "A-7")]
    found = called(samples, "hubspot", "12/34 é")
    assert (found.status_code, found.json["data"]["id"], found.headers["ETag"]) == (200, id, '"1"')
    assert called(samples, "shop", "a-7").status_code == 404
    assert take(samples, id, "shop", "A-7").status_code == 200
    assert take(samples, id, "shop", "A-7").status_code == 404
    assert ids(samples, id) == [("hubspot", "12/34 é"), ("hubspot", "56")]
    assert called(samples, "shop", "A-7").status_code == 404


@pytest.mark.req("A-023")
def test_writing_again_by_an_external_id_changes_the_record_and_makes_no_second_one(samples: Any) -> None:
    made = write(samples, "shop", "A-7", {"name": "Onyx", "pieces": 1})
    assert made.status_code == 201, made.text
    id = made.json["data"]["id"]
    again = write(samples, "Shop", "A-7", {"pieces": 2})
    assert (again.status_code, again.json["data"]["id"]) == (200, id)
    assert (again.json["data"]["pieces"], again.json["data"]["name"]) == (2, "Onyx")
    assert samples.names() == ["Onyx"]
    assert write(samples, "shop", "A-7", {"pieces": 3}, **{"If-Match": '"1"'}).status_code == 412
    assert write(samples, "shop", "B-1", {"name": "Jade"}, **{"If-Match": '"1"'}).status_code == 412
    assert write(samples, "shop", "A-7", {"pieces": "many"}).status_code == 422
    assert called(samples, "shop", "A-7").json["data"]["pieces"] == 2


@pytest.mark.req("A-023")
def test_no_two_live_records_are_called_the_same_and_the_bin_gives_way(samples: Any, shelves: Any) -> None:
    first, second = samples.add()["id"], samples.add(name="Opal")["id"]
    give(samples, first, "shop", "1")
    assert samples.faults(give(samples, second, "shop", "1")) == {"value": "taken"}
    assert give(shelves, shelves.add()["id"], "shop", "1").status_code == 201
    samples.delete(first)
    assert called(samples, "shop", "1").status_code == 404
    anew = write(samples, "shop", "1", {"name": "Agate"})
    assert anew.status_code == 201
    assert called(samples, "shop", "1").json["data"]["id"] == anew.json["data"]["id"]
    assert samples.restore(first).status_code == 200
    assert ids(samples, first) == []


@pytest.mark.parametrize(
    ("source", "value", "field", "code"),
    [
        ("x" * 61, "1", "source", "too_long"), ("a:b", "1", "source", "invalid"), ("_", "1", "source", "invalid"),
        ("%20", "1", "source", "required"), ("shop", "x" * 201, "value", "too_long"), ("shop", "%20", "value", "required"),
        ("shop", "a%00", "value", "bad_character"),
    ],
)  # fmt: skip
def test_what_is_no_external_id_is_refused(samples: Any, source: str, value: str, field: str, code: str) -> None:
    id = samples.add()["id"]
    assert samples.faults(give(samples, id, source, value)) == {field: code}
    assert samples.faults(write(samples, source, value, {"name": "Onyx"})) == {field: code}
    assert ids(samples, id) == []


def test_external_ids_are_under_the_rights_of_their_record(samples: Any, tenant: Tenant, make_tenant: Any) -> None:
    id = samples.add()["id"]
    give(samples, id, "shop", "1")
    stranger = samples.by(make_tenant().member("owner"))
    for answer in (give(stranger, id, "shop", "2"), take(stranger, id, "shop", "1"), called(stranger, "shop", "1")):
        assert answer.status_code == 404
    assert write(stranger, "shop", "1", {"name": "Theirs"}).status_code == 201
    assert called(samples, "shop", "1").json["data"]["id"] == id
    mate = tenant.member("viewer")
    with tenant.work():
        role = create_role("Own samples", "")
        own = {f"_kinds.sample.{action}": Reach.OWN for action in ("view", "edit", "create")}
        set_grants(role.id, own)
        assign_roles(mate.member_id, [role.id])
    theirs = samples.by(Person(tenant, mate.member_id, mate.user_id, mate.email, "viewer"))
    mine = theirs.add(name="Theirs")["id"]
    assert give(theirs, mine, "shop", "3").status_code == 201
    assert samples.faults(give(theirs, mine, "shop", "1")) == {"value": "taken"}
    assert samples.faults(write(theirs, "shop", "1", {"name": "Other"})) == {"value": "taken"}
    assert theirs.names() == ["Theirs"]
    samples.delete(id)
    assert give(samples, id, "shop", "9").status_code == 409
    assert ids(samples, id) == [("shop", "1")]
    assert give(samples, str(uuid4()), "shop", "8").status_code == 404


@pytest.mark.req("A-023")
def test_what_was_given_and_taken_stands_in_the_timeline_and_is_undone(samples: Any) -> None:
    id, person = samples.add()["id"], samples.person
    give(samples, id, "shop", "1")
    take(samples, id, "shop", "1")

    def timeline() -> list[Any]:
        return person.api.get(f"{samples.at(id)}/history").json["data"]  # type: ignore[no-any-return]

    removed, given = timeline()[:2]
    assert [one["field"] for one in given["changes"]] == ["external_id"]
    assert given["changes"][0]["after"] == "shop: 1"
    assert "shop: 1" in person.page.get(f"/_kinds/samples/{id}").text
    undone = person.api.post(f"/api/ossature/change-sets/{removed['change_set_id']}/undo", json={})
    assert undone.status_code == 200, undone.text
    assert ids(samples, id) == [("shop", "1")]
    take(samples, id, "shop", "1")
    other = samples.add(name="Opal")["id"]
    give(samples, other, "shop", "1")
    refused = person.api.post(f"/api/ossature/change-sets/{timeline()[0]['change_set_id']}/undo", json={})
    assert [one["code"] for one in refused.json["error"]["details"]] == ["taken"]
    assert ids(samples, other) == [("shop", "1")]


def test_they_move_to_the_record_that_others_become_and_back_when_that_is_undone(samples: Any) -> None:
    first, second = samples.add()["id"], samples.add(name="Opal")["id"]
    give(samples, first, "shop", "1")
    give(samples, first, "hubspot", "9")
    give(samples, second, "shop", "2")
    rt = record_type("_kinds.sample")
    with samples.person.work():
        move_external(rt, [UUID(first)], UUID(second))
    assert ids(samples, second) == [("hubspot", "9"), ("shop", "1"), ("shop", "2")]
    assert ids(samples, first) == []
    (newest, *_rest) = samples.person.api.get(f"{samples.at(second)}/history").json["data"]
    assert (
        samples.person.api.post(f"/api/ossature/change-sets/{newest['change_set_id']}/undo", json={}).status_code == 200
    )
    assert (ids(samples, first), ids(samples, second)) == ([("hubspot", "9"), ("shop", "1")], [("shop", "2")])


def test_many_are_found_and_given_at_once(samples: Any) -> None:
    rt, made = record_type("_kinds.sample"), [UUID(samples.add(name=f"No. {n}")["id"]) for n in range(4)]
    samples.delete(made[3])
    with samples.person.work():
        assert set_external(rt, {("Shop", " 1 "): made[0], ("shop", "2"): made[1], ("hubspot", "1"): made[0]}) == set()
        assert set_external(rt, {("shop", "3"): made[3]}) == set()
        assert set_external(rt, {("shop", "1"): made[2], ("shop", "2"): made[1], ("shop", "3"): made[2]}) == {
            ("shop", "1")
        }
        assert find_by_external(rt, "SHOP", ["1", " 2", "3", "4", "", "a\x00"]) == {
            "1": made[0], " 2": made[1], "3": made[2],
        }  # fmt: skip
        assert find_by_external(rt, "shop", []) == {}
        found = external_ids_of(rt, made)
        assert {id: [(one.source, one.value) for one in those] for id, those in found.items()} == {
            made[0]: [("hubspot", "1"), ("shop", "1")], made[1]: [("shop", "2")], made[2]: [("shop", "3")],
        }  # fmt: skip
        assert sources_of(rt) == ["hubspot", "shop"]
        assert sources_of(record_type("_kinds.shelf")) == []


def test_they_go_for_good_with_their_record(samples: Any) -> None:
    id = samples.add()["id"]
    give(samples, id, "shop", "1")
    samples.delete(id)
    with samples.person.work() as work:
        assert purge(record_type("_kinds.sample"), [UUID(id)]) == 1
        assert work.scalar(text("SELECT count(*) FROM ossature.external_id WHERE record_id = :id"), {"id": id}) == 0


@pytest.mark.req("A-023")
def test_the_search_box_finds_a_record_by_its_whole_external_id(samples: Any) -> None:
    id = samples.add(name="Lapis")["id"]
    give(samples, id, "shop", "ORD-77/é")

    def found(text: str) -> list[Any]:
        hits: list[Any] = samples.person.api.get("/api/search", query_string={"q": text}).json["data"]
        return [(hit["id"], hit["tier"]) for hit in hits]

    for text_ in ("ORD-77/é", "ord-77/E ", "Ord-77/e"):
        assert found(text_) == [(id, "exact")], text_
        assert [row["id"] for row in samples.list(search=text_).json["data"]] == [id]
    assert found("ORD-7") == []
    hits = samples.person.page.get("/search/hits?q=ord-77/e").text
    assert "External id (shop)" in hits
    assert "ORD-77/é" in hits
    samples.delete(id)
    assert found("ORD-77/é") == []
    assert [row["id"] for row in samples.list(search="ORD-77/é", deleted="true").json["data"]] == [id]


@pytest.mark.req("A-023")
def test_the_page_shows_external_ids_and_takes_them(samples: Any) -> None:
    id, page = samples.add()["id"], samples.person.page
    here = f"/_kinds/samples/{id}"
    assert page.post(f"{here}/external-ids", data={"source": "Shop", "value": "<1>"}).status_code == 303
    assert "&lt;1&gt;" in page.get(here).text
    part = {"HX-Request": "true"}
    other = samples.add(name="Opal")["id"]
    taken = page.post(f"/_kinds/samples/{other}/external-ids", data={"source": "shop", "value": "<1>"}, headers=part)
    assert taken.status_code == 422
    assert "Another record has this external id" in taken.text
    assert 'value="&lt;1&gt;"' in taken.text
    assert '<option value="shop">' in taken.text
    missing = page.post(f"{here}/external-ids", data={}, headers=part)
    assert (missing.status_code, missing.text.count("os-error")) == (422, 2)
    removed = page.post(f"{here}/external-ids/remove", data={"source": "shop", "value": "<1>"}, headers=part)
    assert removed.status_code == 200
    assert ids(samples, id) == []
