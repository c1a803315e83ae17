"""The conventions of the API that every record has, over HTTP."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import text

from ossature.context import Reach
from ossature.rbac.keys import issue_key
from ossature.testing.people import Person, Tenant, client_of

pytestmark = pytest.mark.database

EVERYTHING = {
    "name": "Quartz", "code": "Q-1", "notes": "two\nlines", "email": "anna@example.com", "phone": "01 23 45 67 89",
    "website": "example.com", "pieces": 12, "ratio": "1.125", "price": {"amount": "10.50", "currency": "EUR"},
    "fragile": True, "taken_on": "2026-02-28", "seen_at": "2026-02-28T09:30:00+01:00", "state": "cut", "remark": "dull",
}  # fmt: skip


@pytest.mark.req("S3-056", "S3-075", "S4-111")
def test_a_collection_is_listed_in_the_success_envelope(samples: Any) -> None:
    added = samples.add(name="Agate")
    answer = samples.list()
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert answer.json["success"] is True
    assert [row["id"] for row in answer.json["data"]] == [added["id"]]
    assert answer.json["meta"] == {
        "next": None, "previous": None, "limit": 20, "capped": False, "count": None,
    }  # fmt: skip


@pytest.mark.req("S3-057")
def test_one_record_is_read_by_its_id(samples: Any) -> None:
    added = samples.add(**EVERYTHING)
    answer = samples.person.api.get(samples.at(added["id"]))
    assert answer.status_code == 200
    assert answer.json["data"] == added
    assert answer.headers["ETag"] == '"1"'


@pytest.mark.req("S3-058")
def test_creating_answers_201_with_the_record_its_address_and_its_version(samples: Any) -> None:
    answer = samples.post(EVERYTHING)
    assert answer.status_code == 201
    data = answer.json["data"]
    assert answer.headers["Location"].endswith(f"/api/_kinds/samples/{data['id']}")
    assert answer.headers["ETag"] == '"1"'
    assert UUID(data["id"]).version == 7
    assert data["version"] == 1
    assert data["owner_id"] == data["created_by_id"] == str(samples.person.member_id)
    assert samples.person.api.get(answer.headers["Location"]).json["data"] == data


def test_every_kind_of_field_comes_back_as_it_is_stored(samples: Any) -> None:
    read = samples.read(samples.add(**EVERYTHING)["id"])
    assert {name: read[name] for name in EVERYTHING} == {
        **EVERYTHING,
        "phone": "+33123456789",
        "website": "https://example.com",
        "seen_at": "2026-02-28T08:30:00Z",
    }


@pytest.mark.req("S3-060")
def test_patch_changes_what_it_names_and_nothing_else(samples: Any) -> None:
    added = samples.add(**EVERYTHING)
    answer = samples.patch(added["id"], {"pieces": 13})
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"2"'
    changed = {name for name, value in answer.json["data"].items() if added[name] != value}
    assert changed <= {"pieces", "version", "updated_at"}
    assert samples.read(added["id"])["pieces"] == 13


@pytest.mark.req("S3-059")
def test_put_sets_what_it_leaves_out_to_its_default(samples: Any) -> None:
    added = samples.add(**EVERYTHING, lines=[{"finding": "salt"}])
    answer = samples.put(added["id"], {"name": "Topaz"})
    assert answer.status_code == 200, answer.text
    read = samples.read(added["id"])
    assert (read["name"], read["state"], read["fragile"]) == ("Topaz", "raw", False)
    cleared = (
        "code",
        "notes",
        "email",
        "phone",
        "website",
        "pieces",
        "ratio",
        "price",
        "taken_on",
        "seen_at",
        "remark",
    )
    assert {read[name] for name in cleared} == {None}
    assert read["lines"] == []
    assert read["owner_id"] == added["owner_id"]
    assert samples.faults(samples.put(added["id"], {"pieces": 1})) == {"name": "required"}


@pytest.mark.req("S3-061", "S2-094", "S4-141")
def test_deleting_hides_a_record_from_lists_and_keeps_it(samples: Any) -> None:
    added = samples.add(name="Opal")
    answer = samples.delete(added["id"])
    assert answer.status_code == 200
    assert answer.json["data"]["deleted_at"] is not None
    assert samples.names() == []
    assert samples.names(deleted="true") == ["Opal"]
    assert samples.read(added["id"])["deleted_at"] is not None
    assert samples.delete(added["id"]).status_code == 200


def test_restoring_brings_a_record_back(samples: Any) -> None:
    added = samples.add(name="Opal")
    samples.delete(added["id"])
    assert samples.patch(added["id"], {"name": "X"}).json["error"]["code"] == "deleted"
    answer = samples.restore(added["id"])
    assert answer.status_code == 200
    assert answer.json["data"]["deleted_at"] is None
    assert samples.names() == ["Opal"]
    assert samples.restore(added["id"]).status_code == 200


@pytest.mark.req("S4-142")
def test_each_change_raises_the_version_by_one_and_none_leaves_it(samples: Any) -> None:
    added = samples.add(name="Opal")
    assert samples.patch(added["id"], {"pieces": 2}).json["data"]["version"] == 2
    assert samples.patch(added["id"], {"pieces": 2}).json["data"]["version"] == 2
    assert samples.patch(added["id"], {}).json["data"]["version"] == 2


@pytest.mark.req("S3-115", "S4-140")
def test_who_wrote_and_when_is_kept_by_the_database(samples: Any, tenant: Tenant) -> None:
    added = samples.add()
    second = tenant.member("manager")
    samples.by(second).patch(added["id"], {"pieces": 3})
    read = samples.read(added["id"])
    assert read["created_by_id"] == str(samples.person.member_id)
    assert read["updated_by_id"] == str(second.member_id)
    assert read["created_at"] == added["created_at"] < read["updated_at"]
    refused = samples.faults(samples.patch(added["id"], {"created_at": "2020-01-01T00:00:00Z", "created_by_id": None}))
    assert refused == {"created_at": "unknown_field", "created_by_id": "unknown_field"}


@pytest.mark.req("S4-144", "S4-615")
def test_a_client_may_choose_the_id_once(samples: Any) -> None:
    id = str(uuid4())
    assert samples.add(id=id)["id"] == id
    again = samples.post({"name": "Other", "id": id})
    assert (again.status_code, again.json["error"]["code"]) == (409, "id_taken")
    assert samples.post({"name": "Other", "id": "seven"}).status_code == 400
    assert samples.put(id, {"name": "Same", "id": id}).status_code == 200
    assert samples.put(id, {"name": "Other", "id": str(uuid4())}).status_code == 400
    assert samples.read(id)["name"] == "Same"


def test_the_id_of_a_deleted_record_stays_taken(samples: Any) -> None:
    id = samples.add()["id"]
    samples.delete(id)
    assert samples.post({"name": "Other", "id": id}).status_code == 409


def test_a_unique_value_belongs_to_one_live_record(samples: Any) -> None:
    first = samples.add(code="Éa-1")
    assert samples.faults(samples.post({"name": "Two", "code": "ea-1"})) == {"code": "taken"}
    samples.delete(first["id"])
    second = samples.add(code="ea-1")
    back = samples.restore(first["id"])
    assert back.status_code in (409, 422)
    samples.delete(second["id"])
    assert samples.restore(first["id"]).status_code == 200


@pytest.mark.req("S3-076", "S4-083", "S0-19")
def test_refusals_come_in_the_failure_envelope_with_every_fault(samples: Any) -> None:
    answer = samples.post({"pieces": -1, "email": "nobody", "colour": "red"})
    assert answer.status_code == 422
    assert answer.json["success"] is False
    error = answer.json["error"]
    assert error["code"] == "invalid"
    assert error["message"]
    assert error["request_id"] == answer.headers["X-Request-ID"]
    assert {(fault["field"], fault["code"]) for fault in error["details"]} == {
        ("name", "required"), ("pieces", "too_small"), ("email", "invalid"), ("colour", "unknown_field"),
    }  # fmt: skip
    assert all(fault["message"].endswith(".") for fault in error["details"])


def test_what_is_not_there_and_what_is_not_allowed_are_told_apart(samples: Any, tenant: Tenant) -> None:
    viewer = samples.by(tenant.member("viewer"))
    assert viewer.person.api.get(samples.at(uuid4())).status_code == 404
    assert viewer.person.api.get(samples.at("not-an-id")).status_code == 404
    assert viewer.post({"name": "X"}).status_code == 403
    assert samples.person.api.post(samples.at(uuid4()), json={}).status_code == 405


def test_a_fields_own_permission_hides_it_and_refuses_its_writing(samples: Any, tenant: Tenant) -> None:
    added = samples.add(remark="dull")
    manager = samples.by(tenant.member("manager"))
    assert "remark" not in manager.read(added["id"])
    assert "remark" not in manager.list().json["data"][0]
    assert manager.list(fields="remark").status_code == 400
    assert manager.faults(manager.patch(added["id"], {"remark": "bright"})) == {"remark": "unknown_field"}
    assert manager.put(added["id"], {"name": "New"}).status_code == 200
    assert samples.read(added["id"])["remark"] == "dull"


def test_a_secret_is_never_shown_again(samples: Any, tenant: Tenant) -> None:
    added = samples.add(token="hunter2")
    assert added["token"] is True
    assert "hunter2" not in samples.person.api.get(samples.at(added["id"])).text
    assert samples.put(added["id"], {"name": "Other"}).json["data"]["token"] is True
    assert samples.patch(added["id"], {"token": None}).json["data"]["token"] is False
    samples.patch(added["id"], {"token": "hunter2"})
    with tenant.work() as work:
        stored = work.execute(text("SELECT token FROM _kinds.sample WHERE id = :id"), {"id": added["id"]}).scalar_one()
    assert "hunter2" not in stored


@pytest.mark.req("S4-005", "S4-079", "S3-005")
def test_an_integration_does_with_a_key_all_that_its_scopes_say(app: Flask, tenant: Tenant, samples: Any) -> None:
    scopes = {f"_kinds.sample.{action}": Reach.ALL for action in ("view", "create", "edit", "delete")}
    with tenant.work():
        key = issue_key("Sync", scopes)
    client = client_of(app, tenant.url, Authorization=f"Bearer {key.shown}")
    id = client.post(samples.path, json={"name": "Jade"}).json["data"]["id"]
    assert client.patch(samples.at(id), json={"pieces": 4}).status_code == 200
    assert client.get(samples.at(id)).json["data"]["pieces"] == 4
    assert client.delete(samples.at(id)).status_code == 200
    assert "Set-Cookie" not in client.get(samples.path).headers
    assert client.get("/api/_kinds/shelves").status_code == 403


@pytest.mark.req("S3-178")
def test_the_api_describes_itself_completely(app: Flask, owner: Person) -> None:
    described = owner.api.get("/api/openapi.json").json
    assert described["openapi"].startswith("3.1")
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and rule.rule not in ("/api/openapi.json", "/api/docs", "/api/v1/health")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    told = {(path, method) for path, operations in described["paths"].items() for method in operations}
    assert served <= told


@pytest.mark.req("S3-178")
def test_the_description_says_what_addresses_bodies_and_answers_hold(owner: Person) -> None:
    described = owner.api.get("/api/openapi.json").json
    paths, schemas = described["paths"], described["components"]["schemas"]
    file = paths["/api/_kinds/samples/{id}/files/{file_id}"]["get"]
    addressed = [one["schema"] for one in file["parameters"] if one["in"] == "path"]
    assert addressed == [{"type": "string", "format": "uuid"}] * 2
    assert file["responses"]["200"]["content"] == {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    key = paths["/api/_kinds/samples/by/{field}/{value}"]["put"]["parameters"][0]
    assert (key["name"], key["schema"]["const"]) == ("field", "code")
    shelf = schemas["KindsSampleInput"]["properties"]["shelf_id"]["x-references"]
    assert {paths[path]["get"]["x-record"] for path in ("/api/_kinds/shelves", "/api/_kinds/shelves/options")} == {
        shelf
    }
    assert "404" in paths["/api/_kinds/samples/mass"]["post"]["responses"]  # of a view that there is not
    assert schemas["KindsSampleMassInput"]["properties"]["ids"]["items"]["x-references"] == "_kinds.sample"
    changed = schemas["KindsSampleBulkInput.KindsSampleBulkUpdate"]["properties"]
    assert changed["id"]["x-references"] == "_kinds.sample"
    assert schemas[changed["data"]["$ref"].rpartition("/")[2]]["properties"]["shelf_id"]["x-references"] == shelf
    draft = paths["/api/ossature/drafts"]["put"]["parameters"][0]["schema"]["anyOf"][0]["enum"]
    assert {"_kinds.sample", "crm.contact"} <= set(draft)
    assert "_kinds.sample_line" not in draft
