"""`GET /api/changes`: everything that was committed, once, whatever was going on meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from ossature.context import Reach
from ossature.db import session
from ossature.events.changes import Place, Snapshot
from ossature.kernel import kernel
from ossature.rbac.keys import issue_key
from ossature.records import service
from ossature.testing.people import HostClient, Person, Tenant, client_of
from ossature.testing.statements import StatementLog

pytestmark = pytest.mark.database

SAMPLE, API = "_kinds.sample", "/api/_kinds/samples"


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner", name="Anna Petit")


def add(person: Person, name: str = "Quartz", **fields: Any) -> str:
    answer = person.api.post(API, json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


def ask(client: HostClient, **query: Any) -> Any:
    answer = client.get("/api/changes", query_string={"records": SAMPLE, **query})
    assert answer.status_code == 200, answer.text
    return answer.json


def refused(client: HostClient, status: int, **query: Any) -> dict[str, Any]:
    answer = client.get("/api/changes", query_string={"records": SAMPLE, **query})
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json["error"]
    return error


class Reader:
    """An integration that goes on where it stopped."""

    def __init__(self, client: HostClient, after: str = "", **query: Any) -> None:
        self.client, self.after, self.query = client, after, query

    def pages(self) -> Iterator[list[dict[str, Any]]]:
        more = True
        while more:
            page = ask(self.client, after=self.after, **self.query)
            self.after, more = page["meta"]["next"], page["meta"]["more"]
            yield page["data"]

    def read(self) -> list[dict[str, Any]]:
        return [item for page in self.pages() for item in page]

    def told(self) -> list[tuple[str, str, int | None]]:
        return [(item["id"], item["action"], item["version"]) for item in self.read()]


def create_in(person: Person, name: str) -> str:
    """In the unit of work that is open."""
    return str(service.create(kernel().records[SAMPLE], {"name": name}).row["id"])


def rename(id: str, name: str) -> None:
    """In the unit of work that is open, by hand."""
    session().execute(text("UPDATE _kinds.sample SET name = :name WHERE id = :id"), {"id": id, "name": name})


def test_what_commits_late_with_an_earlier_number_is_not_missed(owner: Person) -> None:
    reader = Reader(owner.api, ask(owner.api, after="now")["meta"]["next"])
    with owner.work():
        early = create_in(owner, "Early")
        late = add(owner, "Late")
        assert reader.told() == [(late, "created", 1)]
        assert reader.told() == []
    assert reader.told() == [(early, "created", 1)]
    assert reader.told() == []


def test_what_commits_late_while_the_history_is_paged_through_is_not_missed(owner: Person) -> None:
    first = add(owner)
    reader = Reader(owner.api, limit=1)
    pages = reader.pages()
    with owner.work():
        early = create_in(owner, "Early")
        second = add(owner)
        assert [item["id"] for item in next(pages)] == [first]
    seen = [item["id"] for page in pages for item in page] + [item["id"] for item in reader.read()]
    assert sorted(seen) == sorted([second, early])


def test_a_long_transaction_holds_nobody_up(owner: Person) -> None:
    reader = Reader(owner.api)
    with owner.work():
        slow = create_in(owner, "Slow")
        for _round in range(3):
            ids = [add(owner) for _number in range(2)]
            assert [id for id, _action, _version in reader.told()] == ids
    assert reader.told() == [(slow, "created", 1)]


def test_one_record_is_told_in_the_order_of_its_versions_whichever_transaction_began_first(owner: Person) -> None:
    id = add(owner)
    reader = Reader(owner.api)
    reader.read()
    with owner.work():
        create_in(owner, "Takes an earlier number")
        owner.api.patch(f"{API}/{id}", json={"name": "By the second"})
        rename(id, "By the first")
    assert [(told[1], told[2]) for told in reader.told() if told[0] == id] == [("updated", 2), ("updated", 3)]


def test_what_was_rolled_back_never_happened(owner: Person) -> None:
    reader = Reader(owner.api)
    with owner.work() as work:
        create_in(owner, "Gone")
        reader.read()
        work.rollback()
    assert reader.told() == []


def test_every_action_is_told_with_tombstones(owner: Person, tenant: Tenant) -> None:
    id = add(owner, pieces=3)
    owner.api.patch(f"{API}/{id}", json={"pieces": 4})
    owner.api.delete(f"{API}/{id}")
    owner.api.post(f"{API}/{id}/restore")
    owner.api.delete(f"{API}/{id}")
    with tenant.work() as work:
        work.execute(text("DELETE FROM _kinds.sample WHERE id = :id"), {"id": id})
    items = Reader(owner.api).read()
    assert [(item["record"], item["id"]) for item in items] == [(SAMPLE, id)] * 6
    assert [item["action"] for item in items] == ["created", "updated", "deleted", "restored", "deleted", "purged"]
    assert [item["version"] for item in items] == [1, 2, 3, 4, 5, 5]
    assert set(items[0]["changed"]) >= {"name", "pieces", "state"}
    assert [item["changed"] for item in items[1:]] == [["pieces"], [], [], [], []]
    assert items[0]["actor"] == {"id": str(owner.member_id), "label": "Anna Petit"}
    assert items[5]["actor"] is None
    assert items[0]["at"].endswith("Z")


def test_many_pages_tell_everything_once_while_others_write(owner: Person, make_tenant: Callable[..., Tenant]) -> None:
    expected = []
    with owner.work():
        expected += [create_in(owner, f"Sample {number}") for number in range(1000)]
    errors: list[BaseException] = []
    written: list[str] = []

    def write(number: int) -> None:
        try:
            for round_ in range(12):
                with owner.work():
                    ids = [create_in(owner, f"{number}.{round_}.{one}") for one in range(5)]
                written.extend(ids)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=[number]) for number in range(4)]
    reader = Reader(owner.api, limit=7)
    seen = []
    for count, page in enumerate(reader.pages()):
        assert len(page) <= 7
        seen += [item["id"] for item in page]
        if count == 3:
            for thread in threads:
                thread.start()
    for thread in threads:
        while thread.is_alive():
            seen += [item["id"] for item in reader.read()]
            thread.join(0.05)
    seen += [item["id"] for item in reader.read()]
    assert errors == []
    assert len(written) == 240
    assert len(seen) == len(set(seen)) == 1240
    assert set(seen) == {*expected, *written}
    assert reader.told() == []


def test_now_tells_nothing_and_is_a_place_to_list_everything_from(owner: Person) -> None:
    add(owner)
    begun = ask(owner.api, after="now")
    assert (begun["data"], begun["meta"]["more"]) == ([], False)
    id = add(owner, "After")
    assert Reader(owner.api, begun["meta"]["next"]).told() == [(id, "created", 1)]


def test_an_idle_feed_always_gives_a_cursor(owner: Person) -> None:
    page = ask(owner.api)
    for _round in range(3):
        assert (page["data"], page["meta"]["more"]) == ([], False)
        page = ask(owner.api, after=page["meta"]["next"])


def test_a_cursor_is_of_one_feed_only(owner: Person, make_tenant: Callable[..., Tenant]) -> None:
    add(owner)
    add(owner)
    cursor = ask(owner.api, limit=1)["meta"]["next"]
    stranger = make_tenant().member("owner")
    listed = owner.api.get(f"{API}?limit=1").json["meta"]["next"]
    faults = [
        refused(owner.api, 400, after=cursor, records=f"{SAMPLE},_kinds.shelf"),
        refused(owner.api, 400, after=cursor, records="_kinds.shelf"),
        refused(stranger.api, 400, after=cursor),
        refused(owner.api, 400, after=listed),
        refused(owner.api, 400, after=cursor[:-3] + "abc"),
        refused(owner.api, 400, after="12"),
        refused(owner.api, 400, after="é\x00"),
    ]
    assert {(fault["code"], fault["details"][0]["field"]) for fault in faults} == {("bad_cursor", "after")}
    assert all("start again without it" in fault["message"] for fault in faults)
    assert owner.api.get(API, query_string={"cursor": cursor}).status_code == 400


def test_a_cursor_of_another_cluster_or_from_the_future_is_refused(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ossature.events import changes

    cursor = ask(owner.api)["meta"]["next"]
    with monkeypatch.context() as patched:
        elsewhere = text("SELECT CAST(pg_current_snapshot() AS text) AS snapshot, 7 AS cluster")
        patched.setattr(changes, "_HERE", elsewhere)
        assert refused(owner.api, 400, after=cursor)["code"] == "bad_cursor"
    with monkeypatch.context() as patched:
        earlier = text(str(changes._HERE).replace("CAST(pg_current_snapshot() AS text)", "'3\\:3\\:'"))
        patched.setattr(changes, "_HERE", earlier)
        assert refused(owner.api, 400, after=cursor)["code"] == "bad_cursor"
    assert ask(owner.api, after=cursor)["data"] == []


def test_a_cursor_stays_short_however_much_is_going_on(app: Flask) -> None:
    busy = Snapshot(9_000_000_000, 9_000_000_900, tuple(range(9_000_000_000, 9_000_000_800, 4)))
    assert Snapshot.parse(str(busy)) == Snapshot.unpacked(busy.packed()) == busy
    assert Snapshot.parse("740:740:") == Snapshot(740, 740)
    assert len(Place(busy, busy, 10**9).write("0" * 24)) < 3000


@pytest.mark.req("S4-004")
def test_rows_of_other_tenants_are_never_told(owner: Person, make_tenant: Callable[..., Tenant]) -> None:
    stranger = make_tenant().member("owner")
    reader = Reader(owner.api)
    add(stranger)
    assert reader.told() == []
    add(stranger)
    mine = add(owner)
    assert reader.told() == [(mine, "created", 1)]


def test_records_that_are_not_there_or_not_permitted_are_refused(
    owner: Person, tenant: Tenant, make_tenant: Callable[..., Tenant]
) -> None:
    for name in ("_kinds.nothing", "_kinds.sample_line", "ossature.actor", "'"):
        fault = refused(owner.api, 422, records=f"{SAMPLE},{name}")["details"][0]
        assert (fault["field"], fault["code"]) == ("records", "unknown_record")
    without = make_tenant(plugins=frozenset({"_dummy"})).member("owner")
    assert refused(without.api, 422)["details"][0]["code"] == "unknown_record"
    client = key_of(tenant, {"_kinds.shelf.view": Reach.ALL})
    assert refused(client, 403)["permission"] == "_kinds.sample.view"
    assert refused(client, 403, records=f"_kinds.shelf,{SAMPLE}")["code"] == "forbidden"
    assert refused(owner.api, 400, limit=1001)["details"][0]["field"] == "limit"
    assert refused(owner.api, 400, since="x")["details"][0]["code"] == "unknown_parameter"


def key_of(tenant: Tenant, scopes: dict[str, Reach]) -> HostClient:
    with tenant.work():
        key = issue_key("Sync", scopes)
    return client_of(tenant.app, tenant.url, Authorization=f"Bearer {key.shown}")


def test_without_names_all_that_the_caller_may_see_is_told(owner: Person, tenant: Tenant) -> None:
    add(owner)
    owner.api.post("/api/_kinds/shelves", json={"name": "Top"})
    client = key_of(tenant, {"_kinds.shelf.view": Reach.ALL})
    assert [item["record"] for item in client.get("/api/changes").json["data"]] == ["_kinds.shelf"]
    assert {item["record"] for item in owner.api.get("/api/changes").json["data"]} >= {SAMPLE, "_kinds.shelf"}
    nothing = key_of(tenant, {"_kinds.shelf.create": Reach.ALL})
    assert nothing.get("/api/changes").json["data"] == []


@pytest.mark.parametrize("reach", [Reach.OWN, Reach.TEAM])
def test_short_of_reach_all_only_rows_that_are_within_reach_now_are_told(
    owner: Person, tenant: Tenant, reach: Reach
) -> None:
    sales = tenant.member("sales_rep")
    with tenant.work():
        key = issue_key("Sync", {f"{SAMPLE}.view": reach}, member_id=sales.member_id)
    client = client_of(tenant.app, tenant.url, Authorization=f"Bearer {key.shown}")
    theirs = add(owner, "Not hers")
    mine = add(owner, "Hers", owner_id=str(sales.member_id))
    purged = add(owner, "Was hers", owner_id=str(sales.member_id))
    owner.api.delete(f"{API}/{mine}")
    with tenant.work() as work:
        work.execute(text("DELETE FROM _kinds.sample WHERE id = :id"), {"id": purged})
    reader = Reader(client, limit=2)
    assert reader.told() == [(mine, "created", 1), (mine, "deleted", 2)]
    owner.api.patch(f"{API}/{theirs}", json={"owner_id": str(sales.member_id)})
    assert reader.told() == [(theirs, "updated", 2)]
    assert {id for id, *_rest in Reader(owner.api).told()} == {theirs, mine, purged}


def test_a_wider_reach_takes_a_new_start(tenant: Tenant) -> None:
    with tenant.work():
        key = issue_key("Sync", {f"{SAMPLE}.view": Reach.OWN})
    client = client_of(tenant.app, tenant.url, Authorization=f"Bearer {key.shown}")
    cursor = ask(client)["meta"]["next"]
    wider = key_of(tenant, {f"{SAMPLE}.view": Reach.ALL})
    assert refused(wider, 400, after=cursor)["code"] == "bad_cursor"


def test_hidden_fields_and_secrets_are_not_named(owner: Person, tenant: Tenant) -> None:
    id = add(owner, remark="dull", token="hunter2", price={"amount": "2", "currency": "EUR"})
    owner.api.patch(f"{API}/{id}", json={"remark": "bright", "price": {"amount": "3", "currency": "CHF"}})
    owner.api.patch(f"{API}/{id}", json={"remark": "blinding"})
    owner.api.patch(f"{API}/{id}", json={"token": "hunter3"})
    told = [item["changed"] for item in Reader(owner.api).read()]
    assert told[1:] == [["price", "remark"], ["remark"], []][: len(told) - 1]
    assert {"remark", "price"} <= set(told[0])
    manager = tenant.member("manager")
    shown = [item["changed"] for item in Reader(manager.api).read()]
    assert shown[1:3] == [["price"], []]
    assert not {"remark", "token", "tenant_id", "custom"} & {
        name for changed in [*shown, *told[3:]] for name in changed
    }
    assert "token" not in str(told)


def test_who_did_it_is_told_to_those_who_may_see_the_history(owner: Person, tenant: Tenant) -> None:
    add(owner)
    assert [item["actor"] for item in Reader(tenant.member("viewer").api).read()] == [None]
    assert [item["actor"]["label"] for item in Reader(tenant.member("auditor").api).read()] == ["Anna Petit"]


def test_changes_of_parts_are_told_as_their_records(owner: Person, tenant: Tenant) -> None:
    id = add(owner, lines=[{"finding": "salt"}, {"finding": "iron"}])
    owner.api.patch(f"{API}/{id}", json={"lines": [{"finding": "gold"}]})
    with tenant.work() as work:
        work.execute(text("UPDATE _kinds.sample_line SET share = 5 WHERE sample_id = :id"), {"id": id})
    one_by_one = Reader(owner.api, limit=1).read()
    assert {(item["record"], item["id"]) for item in one_by_one} == {(SAMPLE, id)}
    created, updated, by_hand = Reader(owner.api).read()
    assert (created["action"], created["version"], created["record"]) == ("created", 1, SAMPLE)
    assert "lines" in created["changed"]
    assert (updated["action"], updated["version"], updated["changed"]) == ("updated", 2, ["lines"])
    assert (by_hand["action"], by_hand["version"], by_hand["changed"]) == ("updated", None, ["lines"])
    assert {item["id"] for item in (created, updated, by_hand)} == {id}


def test_the_number_of_statements_does_not_grow_with_the_page(
    owner: Person, tenant: Tenant, statements: StatementLog
) -> None:
    sales = tenant.member("sales_rep")
    with owner.work():
        for number in range(60):
            service.create(kernel().records[SAMPLE], {"name": f"{number}", "owner_id": str(sales.member_id)})
            service.create(kernel().records["_kinds.shelf"], {"name": f"{number}"})
    counts = []
    for person, limit in ((sales, 2), (sales, 200), (owner, 2), (owner, 200)):
        ask(person.api, after="now")
        with statements.counting() as counted:
            page = ask(person.api, limit=limit, records=f"{SAMPLE},_kinds.shelf")
        assert len(page["data"]) >= 1
        counts.append(len(counted))
    assert counts[0] == counts[1] <= 6
    assert counts[2] == counts[3] <= 6
