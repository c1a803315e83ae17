"""Two versions of the API's contract, side by side: the pebbles of `_dummy` had a mass, and have a weight."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from flask import Flask

from ossature.context import Reach
from ossature.kernel import Kernel
from ossature.rbac.keys import issue_key
from ossature.testing.people import HostClient, Tenant, client_of
from ossature.web.versions import FIRST, ApiChange, Contract, renamed

pytestmark = pytest.mark.database

PEBBLES, SAMPLES = "/api/_dummy/pebbles", "/api/_kinds/samples"
OLD, NEW = {"Ossature-Version": FIRST}, {"Ossature-Version": "2026-11-01"}


@contextmanager
def contract_of(app: Flask, *changes: ApiChange) -> Iterator[Contract]:
    kernel: Kernel = app.extensions["ossature"]
    before = kernel.extras["contract"]
    kernel.extras["contract"] = found = Contract(changes)
    yield found
    kernel.extras["contract"] = before


def with_key(tenant: Tenant, version: str | None = None, **headers: str) -> HostClient:
    names = ("view", "create", "edit")
    with tenant.work():
        key = issue_key("Sync", {f"_dummy.pebble.{name}": Reach.ALL for name in names}, api_version=version)
    return client_of(tenant.app, tenant.url, Authorization=f"Bearer {key.shown}", **headers)


@pytest.mark.req("A-059")
def test_two_versions_are_served_side_by_side(tenant: Tenant) -> None:
    api = tenant.member().api
    made = api.post(PEBBLES, json={"name": "Light", "mass": 5}, headers=OLD)
    assert (made.status_code, made.json["data"]["mass"]) == (201, 5)
    assert "weight" not in made.json["data"]
    id = made.json["data"]["id"]
    assert api.post(PEBBLES, json={"name": "Heavy", "weight": 900}, headers=NEW).status_code == 201
    for headers, name, other in ((OLD, "mass", "weight"), (NEW, "weight", "mass")):
        rows = api.get(f"{PEBBLES}?sort=-{name}&filter[{name}.above]=1", headers=headers).json["data"]
        assert [row[name] for row in rows] == [900, 5]
        assert not any(other in row for row in rows)
        where = orjson.dumps({"any": [{"field": name, "op": "is", "value": 5}]}).decode()
        found = api.get(PEBBLES, query_string={"where": where, "fields": name}, headers=headers).json["data"]
        assert [row[name] for row in found] == [5]
        assert api.get(f"{PEBBLES}/{id}", headers=headers).json["data"][name] == 5
        changed = api.patch(f"{PEBBLES}/{id}", json={name: 5}, headers=headers)
        assert changed.json["data"][name] == 5
    assert api.get(f"{PEBBLES}?sort=mass", headers=NEW).status_code == 400
    assert api.post(PEBBLES, json={"name": "Odd", "mass": 1}, headers=NEW).status_code == 422


@pytest.mark.req("A-059")
def test_every_answer_says_its_version_and_an_older_form_that_it_is_deprecated(tenant: Tenant) -> None:
    api = tenant.member().api
    old, new, none = (api.get(PEBBLES, headers=headers) for headers in (OLD, NEW, {}))
    assert [one.headers["Ossature-Version"] for one in (old, new, none)] == [FIRST, "2026-11-01", "2026-11-01"]
    assert old.headers["Deprecation"] == "@1793491200"
    assert 'rel="deprecation"' in old.headers["Link"]
    assert not {"Deprecation", "Sunset"} & set(new.headers.keys())
    assert "Deprecation" not in api.get("/api/auth/me", headers=OLD).headers
    for answer in (
        api.get("/api/nowhere"),
        api.get(f"{PEBBLES}?oops=1"),
        client_of(tenant.app, tenant.url).get(PEBBLES),
    ):
        assert answer.status_code >= 400
        assert answer.headers["Ossature-Version"] == "2026-11-01"


@pytest.mark.parametrize("version", ["2026-10-02", "2031-01-01", "latest", "", "2026-11-1", "x" * 5000])
def test_an_unknown_version_is_refused_with_those_there_are(tenant: Tenant, version: str) -> None:
    answer = tenant.member().api.get(PEBBLES, headers={"Ossature-Version": version})
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "unknown_version"
    (detail,) = answer.json["error"]["details"]
    assert (detail["field"], FIRST in detail["message"], "2026-11-01" in detail["message"]) == (
        "Ossature-Version", True, True,
    )  # fmt: skip


@pytest.mark.req("A-059")
def test_a_key_is_pinned_to_the_version_it_was_made_with_and_the_header_goes_before(tenant: Tenant) -> None:
    fresh, old = with_key(tenant), with_key(tenant, FIRST)
    fresh.post(PEBBLES, json={"name": "Light", "weight": 5})
    assert fresh.get(PEBBLES).json["data"][0]["weight"] == 5
    answer = old.get(PEBBLES)
    assert (answer.json["data"][0]["mass"], answer.headers["Ossature-Version"]) == (5, FIRST)
    assert old.get(PEBBLES, headers=NEW).json["data"][0]["weight"] == 5


def test_a_key_keeps_its_version_when_the_plugin_that_named_it_is_gone(app: Flask, tenant: Tenant) -> None:
    key = with_key(tenant, "2026-11-01")
    with contract_of(app):
        answer = key.get(PEBBLES)
        assert (answer.status_code, answer.headers["Ossature-Version"]) == (200, "2026-11-01")


def test_the_version_of_a_key_is_shown_and_changed_on_its_page(tenant: Tenant) -> None:
    owner, viewer = tenant.member(), tenant.member("viewer")
    key = with_key(tenant, FIRST)
    page = owner.page.get("/settings/keys").text
    assert FIRST in page
    address = page.split('href="/settings/keys/')[-1].split('"')[0]
    form = owner.page.get(f"/settings/keys/{address}")
    assert "called “weight”" in form.text
    assert owner.page.post(f"/settings/keys/{address}", data={"version": "2031-01-01"}).status_code == 422
    assert viewer.page.get(f"/settings/keys/{address}").status_code == 404
    assert owner.page.post(f"/settings/keys/{address}", data={"version": "2026-11-01"}).status_code == 303
    assert key.get(PEBBLES).headers["Ossature-Version"] == "2026-11-01"


@pytest.mark.req("A-059")
def test_an_older_form_is_announced_to_end_and_then_refused_with_the_next_step(app: Flask, tenant: Tenant) -> None:
    api = tenant.member().api
    api.post(PEBBLES, json={"name": "Light", "weight": 5})
    with contract_of(app, renamed("2026-11-01", "_dummy.pebble", "mass", "weight", "Renamed.", sunset="2028-11-01")):
        answer = api.get(PEBBLES, headers=OLD)
        assert (answer.status_code, answer.headers["Sunset"]) == (200, "Wed, 01 Nov 2028 00:00:00 GMT")
    with contract_of(app, ended()):
        answer = api.get(PEBBLES, headers=OLD)
        assert (answer.status_code, answer.json["error"]["code"]) == (410, "version_retired")
        assert answer.json["error"]["details"][0]["message"] == "Renamed. Ask for 2026-11-01 or later."
        assert api.get("/api/crm/contacts", headers=OLD).status_code == 200
        assert api.get(PEBBLES, headers=NEW).status_code == 200


def ended() -> ApiChange:
    change = renamed("2026-11-01", "_dummy.pebble", "mass", "weight", "Renamed.")
    object.__setattr__(change, "sunset", "2026-11-02")
    return change


def test_several_changes_are_passed_through_in_order(app: Flask, tenant: Tenant) -> None:
    api = tenant.member().api
    changes = (
        renamed("2026-11-01", "_dummy.pebble", "mass", "burden", "One."),
        renamed("2026-11-15", "_dummy.pebble", "burden", "weight", "Two."),
    )
    with contract_of(app, *changes) as contract:
        assert contract.versions == (FIRST, "2026-11-01", "2026-11-15")
        for version, name in zip(contract.versions, ("mass", "burden", "weight"), strict=True):
            headers = {"Ossature-Version": version}
            assert api.post(PEBBLES, json={"name": version, name: 7}, headers=headers).json["data"][name] == 7
            assert api.get(f"{PEBBLES}?sort={name}", headers=headers).json["data"][0][name] == 7


# -- an older version in its own names, everywhere ---------------------------------------------------------------------


def test_groups_and_sums_are_named_as_they_were_asked_for(tenant: Tenant) -> None:
    api = tenant.member().api
    for weight in (5, 5, 900):
        api.post(PEBBLES, json={"name": "Light", "weight": weight})
    for headers, name in ((OLD, "mass"), (NEW, "weight")):
        answer = api.get(f"{PEBBLES}/aggregate?group={name}&measure=sum:{name},max:{name}", headers=headers)
        assert answer.json["data"] == [
            {"keys": {name: 5}, "count": 2, "values": {f"sum:{name}": 10, f"max:{name}": 5}},
            {"keys": {name: 900}, "count": 1, "values": {f"sum:{name}": 900, f"max:{name}": 900}},
        ]


def test_faults_name_fields_as_they_were_sent(tenant: Tenant) -> None:
    api = tenant.member().api
    id = api.post(PEBBLES, json={"name": "Light", "weight": 5}).json["data"]["id"]
    for weight in (6, 7):
        api.patch(f"{PEBBLES}/{id}", json={"weight": weight})

    def fault(answer: Any) -> tuple[int, str]:
        (detail,) = answer.json["error"]["details"]
        return answer.status_code, detail["field"]

    for headers, name in ((OLD, "mass"), (NEW, "weight")):
        assert fault(api.post(PEBBLES, json={"name": "Odd", name: "x"}, headers=headers)) == (422, name)
        stale = api.patch(f"{PEBBLES}/{id}", json={name: 8, "version": 1}, headers=headers)
        assert fault(stale) == (409, name)
        assert fault(api.get(f"{PEBBLES}?filter[{name}]=x", headers=headers)) == (422, f"filter[{name}]")
        assert fault(api.get(f"{PEBBLES}?filter[{name}.starts]=x", headers=headers)) == (400, f"filter[{name}]")


def test_the_change_feed_tells_what_changed_in_older_names(tenant: Tenant) -> None:
    api = tenant.member().api
    start = api.get("/api/changes?after=now&records=_dummy.pebble").json["meta"]["next"]
    api.post(PEBBLES, json={"name": "Light", "weight": 5})
    query = {"after": start, "records": "_dummy.pebble"}
    for headers, name, other in ((OLD, "mass", "weight"), (NEW, "weight", "mass")):
        answer = api.get("/api/changes", query_string=query, headers=headers)
        (change,) = answer.json["data"]
        assert name in change["changed"]
        assert other not in change["changed"]
        assert ("Deprecation" in answer.headers) == (headers is OLD)


def test_a_view_is_kept_shown_and_followed_in_the_names_of_either_version(tenant: Tenant) -> None:
    api = tenant.member().api
    for weight in (5, 900):
        api.post(PEBBLES, json={"name": "Light", "weight": weight})

    def shows(name: str) -> dict[str, Any]:
        return {
            "columns": [{"name": "name"}, {"name": name, "width": 90}],
            "where": {"any": [{"field": name, "op": "above", "value": "1"}, {"field": name, "op": "empty"}]},
            "sort": f"-{name},name", "group": [name], "face": "list", "by": "", "search": "",
        }  # fmt: skip

    body = {"record": "_dummy.pebble", "name": "Heavy", "definition": shows("mass")}
    made = api.post("/api/ossature/views", json=body, headers=OLD)
    assert made.status_code == 201, made.text
    assert "Deprecation" in made.headers
    view = f"/api/ossature/views/{made.json['data']['id']}"
    for headers, name in ((OLD, "mass"), (NEW, "weight")):
        assert api.patch(view, json={"definition": shows(name)}, headers=headers).status_code == 200
        for other, as_said in ((OLD, "mass"), (NEW, "weight")):
            assert api.get(view, headers=other).json["data"]["definition"] == shows(as_said)
            (listed,) = api.get("/api/ossature/views", headers=other).json["data"]
            assert listed["definition"] == shows(as_said)
        rows = api.get(PEBBLES, query_string={"view": made.json["data"]["id"]}, headers=headers).json["data"]
        assert [row[name] for row in rows] == [900, 5]
        groups = api.get(f"{PEBBLES}/aggregate?view={made.json['data']['id']}", headers=headers).json["data"]
        assert [list(group["keys"]) for group in groups] == [[name], [name]]
        wrong = api.patch(view, json={"definition": {"columns": ["colours"]}}, headers=headers)
        assert wrong.json["error"]["details"][0]["field"] == "columns.colours"


def test_a_view_that_needs_a_repair_says_so_in_older_names(app: Flask, tenant: Tenant) -> None:
    api = tenant.member().api
    body = {"record": "_dummy.pebble", "name": "Heavy", "definition": {"columns": ["weight"]}}
    view = api.post("/api/ossature/views", json=body).json["data"]["id"]
    with tenant.work() as work:
        work.connection().exec_driver_sql(
            """UPDATE ossature.saved_view SET definition = '{"columns": [{"name": "burden"}]}' WHERE id = %s""", (view,)
        )
    with contract_of(app, renamed("2026-11-01", "_dummy.pebble", "mass", "burden", "One.")):
        for headers, name in ((OLD, "mass"), (NEW, "burden")):
            answer = api.get(PEBBLES, query_string={"view": view}, headers=headers)
            assert answer.json["error"]["details"][0]["field"] == f"columns.{name}"


def test_what_is_included_is_named_as_it_was(app: Flask, tenant: Tenant) -> None:
    api = tenant.member().api
    shelf = api.post("/api/_kinds/shelves", json={"name": "Top"}).json["data"]["id"]
    basis = api.post(SAMPLES, json={"name": "Basis", "shelf_id": shelf}).json["data"]["id"]
    sample = api.post(SAMPLES, json={"name": "Quartz", "basis_id": basis, "lines": [{"finding": "Gold"}]}).json["data"]
    with contract_of(
        app,
        renamed("2026-11-01", "_kinds.sample", "rack_id", "shelf_id", "One."),
        renamed("2026-11-01", "_kinds.sample", "results", "lines", "Two."),
        renamed("2026-11-02", "_kinds.shelf", "title", "name", "Three."),
    ):
        query = {"include": "rack,results", "filter[rack_id]": shelf}
        (row,) = api.get(SAMPLES, query_string=query, headers=OLD).json["data"]
        assert (row["id"], row["rack_id"], row["rack"]["title"], row["results"]) == (basis, shelf, "Top", [])
        assert not {"shelf", "shelf_id", "lines"} & row.keys()
        one = api.get(f"{SAMPLES}/{sample['id']}?include=basis,twin", headers=OLD).json["data"]
        assert (one["basis"]["rack_id"], one["results"][0]["finding"]) == (shelf, "Gold")
        changed = api.patch(f"{SAMPLES}/{sample['id']}", json={"rack_id": shelf, "results": []}, headers=OLD)
        assert (changed.json["data"]["rack_id"], changed.json["data"]["results"]) == (shelf, [])
        wrong = api.patch(f"{SAMPLES}/{sample['id']}", json={"results": [{"share": "x"}]}, headers=OLD)
        assert {one["field"] for one in wrong.json["error"]["details"]} == {"results.0.share", "results.0.finding"}
        found = api.get("/api/search?q=top&records=_kinds.shelf", headers=OLD)
        assert [hit["title"] for hit in found.json["data"]] == ["Top"]


def test_a_view_of_a_record_whose_older_form_has_ended_is_refused_too(app: Flask, tenant: Tenant) -> None:
    api = tenant.member().api
    body = {"record": "_dummy.pebble", "name": "Heavy", "definition": {"sort": "name"}}
    with contract_of(app, ended()):
        assert api.post("/api/ossature/views", json=body, headers=OLD).json["error"]["code"] == "version_retired"
        assert api.post("/api/ossature/views", json=body, headers=NEW).status_code == 201


def test_an_operation_that_is_no_records_is_translated_by_its_id(app: Flask, tenant: Tenant) -> None:
    def as_list(data: Any) -> Any:
        return {**data, "roles": ",".join(data["roles"])}

    with contract_of(app, ApiChange("2026-11-01", "me", "Roles are a list.", answer=as_list)):
        api = tenant.member("viewer").api
        assert api.get("/api/auth/me", headers=OLD).json["data"]["roles"] == "viewer"
        assert api.get("/api/auth/me").json["data"]["roles"] == ["viewer"]


def test_a_change_before_the_beginning_or_a_sunset_too_soon_is_no_declaration() -> None:
    for version, sunset in ((FIRST, None), ("2026-11-01", "2028-10-31"), ("soon", None)):
        with pytest.raises(ValueError, match=r"change of|not a day"):
            renamed(version, "_dummy.pebble", "mass", "weight", "Renamed.", sunset=sunset)


def test_the_description_names_the_header_and_the_versions(app: Flask, tenant: Tenant) -> None:
    spec = tenant.member().api.get("/api/openapi.json").json
    assert spec["info"]["version"] == "2026-11-01"
    for path, operations in spec["paths"].items():
        for operation in operations.values():
            named = [one for one in operation["parameters"] if one["name"] == "Ossature-Version"]
            assert [one["schema"]["enum"] for one in named] == [[FIRST, "2026-11-01"]], path
            assert {"400", "410"} <= operation["responses"].keys()
