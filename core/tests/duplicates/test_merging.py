"""Merging records: what is chosen, what moves, who may, and undoing it as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from ossature.context import Reach
from ossature.db.work import transaction
from ossature.rbac.members import assign_roles
from ossature.rbac.roles import create_role, set_grants
from ossature.records.lookup import record_type
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

LEFT_OUT = {"version", "updated_at", "updated_by_id"}


def merge(api: Any, into: str, *others: str, **more: Any) -> Any:
    return api.person.api.post(f"{api.path}/merge", json={"into": into, "ids": [*others], **more})


def plan(api: Any, *ids: str, **more: Any) -> dict[str, Any]:
    answer = api.person.api.post(f"{api.path}/merge/plan", json={"ids": [*ids], **more})
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json["data"]
    return data


def undo(person: Person, answer: Any) -> Any:
    return person.api.post(f"/api/ossature/change-sets/{answer.json['meta']['change_set_id']}/undo", json={})


def said(api: Any, id: str) -> dict[str, Any]:
    """What a record says, without what every write changes."""
    found = api.read(id)
    return {name: value for name, value in found.items() if name not in {*LEFT_OUT, "lines"}} | {
        "lines": [line["finding"] for line in found["lines"]]
    }


@pytest.mark.req("A-017")
def test_the_record_that_stays_takes_the_chosen_values_and_all_that_hangs_on_the_others(
    samples: Any, shelves: Any
) -> None:
    shelf = shelves.add()["id"]
    a = samples.add(name="Quartz", code="Q1", notes="From Lyon", pieces=3, tags=["white"], lines=[{"finding": "salt"}])[
        "id"
    ]
    b = samples.add(
        name="Quartz, pink", code="Q2", notes="From Lyon, 1998", shelf_id=shelf, tags=["pink", "White"],
        lines=[{"finding": "Salt"}, {"finding": "iron"}],
    )["id"]  # fmt: skip
    child = samples.add(name="Splinter", basis_id=b)["id"]
    alike = samples.add(name="Glass", twin_id=b)["id"]
    samples.person.api.post(f"{samples.at(b)}/notes", json={"text": "Found it again"})
    answer = merge(samples, a, b, take={"code": b})
    assert answer.status_code == 200, answer.text
    now = answer.json["data"]
    assert (now["name"], now["code"], now["notes"], now["pieces"]) == ("Quartz, pink", "Q2", "From Lyon, 1998", 3)
    assert (now["shelf_id"], now["tags"]) == (shelf, ["white", "pink"])
    assert [line["finding"] for line in now["lines"]] == ["salt", "iron"]
    assert samples.read(child)["basis_id"] == samples.read(alike)["twin_id"] == a
    notes = samples.person.api.get(f"{samples.at(a)}/notes").json["data"]
    assert [note["text"] for note in notes] == ["Found it again"]
    assert samples.names(sort="name") == ["Glass", "Quartz, pink", "Splinter"]


@pytest.mark.req("A-017", "S4-101")
def test_a_merge_is_undone_as_a_whole_and_done_again(samples: Any, shelves: Any) -> None:
    person = samples.person
    shelf = shelves.add()["id"]
    a = samples.add(name="Quartz", code="Q1", token="of a", lines=[{"finding": "salt"}])["id"]
    b = samples.add(name="Quartz, pink", code="Q2", shelf_id=shelf, lines=[{"finding": "iron"}], basis_id=a)["id"]
    c = samples.add(name="Quartz", notes="third", twin_id=a, lines=[{"finding": "gold"}])["id"]
    child = samples.add(name="Splinter", basis_id=b, twin_id=c)["id"]
    person.api.post(f"{samples.at(b)}/notes", json={"text": "On b"})
    for id, content in ((a, b"one"), (b, b"two")):
        person.api.post(f"{samples.at(id)}/files", data={"file": (BytesIO(content), "report.txt")})
    person.page.post("/search/pins", data={"record": "_kinds.sample", "id": c, "pinned": "1"})
    everything = (a, b, c, child)

    def all_of_it() -> list[Any]:
        files = [person.api.get(f"{samples.at(id)}/files").json["data"] for id in everything]
        notes = [person.api.get(f"{samples.at(id)}/notes").json["data"] for id in everything]
        return [
            *(said(samples, id) for id in everything),
            [sorted(one["name"] for one in some) for some in files], [[one["text"] for one in some] for some in notes],
        ]  # fmt: skip

    before = all_of_it()
    merged = merge(samples, a, b, c, take={"code": b})
    assert merged.status_code == 200, merged.text
    after = [said(samples, a), said(samples, child)]
    names = [one["name"] for one in person.api.get(f"{samples.at(a)}/files").json["data"]]
    assert sorted(names) == ["report (2).txt", "report.txt"]
    undone = undo(person, merged)
    assert undone.status_code == 200, undone.text
    assert all_of_it() == before
    again = person.api.post(f"/api/ossature/change-sets/{undone.json['data']['change_set_id']}/undo", json={})
    assert again.status_code == 200, again.text
    assert [said(samples, a), said(samples, child)] == after
    assert person.api.get(samples.at(b)).status_code == 308


@pytest.mark.req("A-017")
def test_an_old_id_leads_to_the_record_that_stayed_through_chains(samples: Any) -> None:
    a, b, c = (samples.add()["id"] for _number in range(3))
    assert merge(samples, b, a).status_code == 200
    last = merge(samples, c, b)
    moved = samples.person.api.get(f"{samples.at(a)}?include=owner")
    assert (moved.status_code, moved.headers["Location"]) == (308, f"{samples.at(c)}?include=owner")
    page = samples.person.page.get(f"/_kinds/samples/{a}")
    assert (page.status_code, page.headers["Location"]) == (302, f"/_kinds/samples/{c}")
    assert undo(samples.person, last).status_code == 200
    assert samples.person.api.get(samples.at(a)).headers["Location"] == samples.at(b)


def test_the_timeline_of_what_stays_tells_of_the_others_too(samples: Any) -> None:
    a, b = samples.add(name="Quartz")["id"], samples.add(name="Jade")["id"]
    samples.patch(b, {"pieces": 7})
    merge(samples, a, b, take={"name": a})
    page = samples.person.page.get(f"/_kinds/samples/{a}").text
    assert "merged Jade into this" in page
    assert "set Pieces to 7" in page
    assert page.count("of Jade, merged since") == 2


def test_what_a_merge_comes_to_is_told_before(samples: Any) -> None:
    a = samples.add(name="Quartz", pieces=3, notes="x")["id"]
    b = samples.add(name="Quartz, pink", state="cut")["id"]
    samples.add(basis_id=b)
    samples.add(twin_id=b)
    made = plan(samples, a, b)
    assert made["into"] == a
    assert (made["take"]["name"], made["take"]["state"], made["take"]["pieces"]) == (b, b, a)
    assert set(made["differ"]) >= {"name", "state", "pieces", "notes"}
    assert made["moves"] == [{"key": "_kinds.sample", "what": "samples", "number": 2}]
    assert made["hindrance"] is None
    assert samples.names(sort="name") == ["Quartz", "Quartz", "Quartz", "Quartz, pink"], "nothing is written"


def test_of_two_texts_the_fuller_one_is_chosen_whatever_it_ends_with(samples: Any) -> None:
    a = samples.add(name="Pierre", website="https://x.fr")["id"]
    b = samples.add(name="P.", notes="Found by the river.", website="https://x.fr/about")["id"]
    made = plan(samples, a, b, into=a)["take"]
    assert (made["name"], made["notes"], made["website"]) == (a, b, b)


def test_a_record_does_not_become_made_from_itself(samples: Any) -> None:
    a = samples.add(name="Above")["id"]
    between = samples.add(name="Between", basis_id=a)["id"]
    b = samples.add(name="Below", basis_id=between, twin_id=a)["id"]
    answer = merge(samples, a, b)
    assert answer.status_code == 200, answer.text
    assert (answer.json["data"]["basis_id"], answer.json["data"]["twin_id"]) == (None, None)
    assert samples.read(between)["basis_id"] == a


@pytest.mark.req("A-017")
def test_what_may_not_be_merged_is_refused_clearly(samples: Any, tenant: Tenant, make_tenant: Any) -> None:
    a, b = samples.add()["id"], samples.add()["id"]
    stranger = make_tenant().member("owner")
    assert merge(samples.by(stranger), a, b).status_code == 404
    assert samples.faults(merge(samples, a)) == {"ids": "wrong_number"}
    assert samples.faults(merge(samples, a, b, take={"name": str(uuid4())})) == {"take.name": "not_found"}
    assert samples.faults(merge(samples, a, b, take={"colour": a})) == {"take.colour": "unknown_field"}
    stale = merge(samples, a, b, versions={a: 7})
    assert (stale.status_code, stale.json["error"]["code"]) == (409, "stale")
    mate = tenant.member("viewer")
    with tenant.work():
        role = create_role("Own samples", "")
        grants = {"view": Reach.ALL, "edit": Reach.ALL, "delete": Reach.OWN}
        set_grants(role.id, {f"_kinds.sample.{name}": reach for name, reach in grants.items()})
        assign_roles(mate.member_id, [role.id])
    theirs = samples.by(Person(tenant, mate.member_id, mate.user_id, mate.email, "viewer"))
    refused = merge(theirs, a, b)
    assert (refused.status_code, "_kinds.sample.delete" in refused.json["error"]["message"]) == (403, True)
    assert "_kinds.sample.delete" in plan(theirs, a, b)["hindrance"]
    assert merge(samples, a, b).status_code == 200
    late = merge(samples, b, a)
    assert (late.status_code, late.json["error"]["code"]) == (409, "deleted")


def test_what_the_merger_may_not_see_is_kept_and_fills_what_is_empty(samples: Any, tenant: Tenant) -> None:
    a = samples.add(name="One", token="secret of a")["id"]
    b = samples.add(name="Two", token="secret of b", remark="said of b")["id"]
    c = samples.add(name="Three", remark="said of c")["id"]
    theirs = samples.by(who_sees_no_remark(tenant))

    def stored(id: str) -> Any:
        with tenant.work() as work:
            row = work.execute(sa.text("SELECT token, remark FROM _kinds.sample WHERE id = :id"), {"id": id}).one()
            return tuple(row)

    before = [stored(id) for id in (a, b, c)]
    answer = merge(theirs, a, b, c)
    assert answer.status_code == 200, answer.text
    assert stored(a) == (before[0][0], "said of b")
    assert undo(theirs.person, answer).status_code == 200
    assert [stored(id) for id in (a, b, c)] == before
    empty = samples.add(name="Empty")["id"]
    filled = merge(theirs, empty, b)
    assert stored(empty)[0] == before[1][0]
    assert undo(theirs.person, filled).status_code == 200
    assert stored(empty) == (None, None)


def test_references_move_that_the_merger_may_not_see_and_come_back(samples: Any, tenant: Tenant) -> None:
    a, b = samples.add(name="One")["id"], samples.add(name="Two")["id"]
    child = samples.add(name="Out of reach", basis_id=b)["id"]
    mate = tenant.member("viewer")
    with tenant.work():
        role = create_role("Own samples", "")
        set_grants(role.id, {f"_kinds.sample.{name}": Reach.OWN for name in ("view", "edit", "delete")})
        assign_roles(mate.member_id, [role.id])
    for id in (a, b):
        assert samples.patch(id, {"owner_id": str(mate.member_id)}).status_code == 200
    theirs = samples.by(Person(tenant, mate.member_id, mate.user_id, mate.email, "viewer"))
    assert theirs.person.api.get(samples.at(child)).status_code == 404
    answer = merge(theirs, a, b)
    assert answer.status_code == 200, answer.text
    assert samples.read(child)["basis_id"] == a
    assert undo(theirs.person, answer).status_code == 200
    assert samples.read(child)["basis_id"] == b


def test_a_reference_that_was_changed_since_is_told_when_undoing(samples: Any) -> None:
    a, b, other = (samples.add(name=name)["id"] for name in ("One", "Two", "Other"))
    child = samples.add(name="Child", basis_id=b)["id"]
    answer = merge(samples, a, b)
    samples.patch(child, {"basis_id": other})
    refused = undo(samples.person, answer)
    assert refused.status_code == 409
    assert [one["code"] for one in refused.json["error"]["details"]] == ["changed_since"]
    assert samples.read(child)["basis_id"] == other
    assert samples.person.api.get(samples.at(b)).status_code == 308, "nothing was put back"


def who_reaches_their_own(tenant: Tenant) -> Person:
    """A member who sees all samples' history, and sees, changes and deletes none but their own samples."""
    mate = tenant.member("viewer")
    with tenant.work():
        role = create_role("Own samples", "")
        grants = {f"_kinds.sample.{name}": Reach.OWN for name in ("view", "edit", "delete")}
        set_grants(role.id, {**grants, "ossature.history.view": Reach.ALL})
        assign_roles(mate.member_id, [role.id])
    return Person(tenant, mate.member_id, mate.user_id, mate.email, "viewer")


@pytest.mark.req("A-017", "A-018")
def test_who_does_not_reach_what_was_merged_moves_no_reference_by_undoing(samples: Any, tenant: Tenant) -> None:
    a, b = samples.add(name="One")["id"], samples.add(name="Two")["id"]
    child = samples.add(name="Child", basis_id=b)["id"]
    person = who_reaches_their_own(tenant)
    assert samples.patch(b, {"owner_id": str(person.member_id)}).status_code == 200
    set_id = merge(samples, a, b).json["meta"]["change_set_id"]
    answer = person.api.post(f"/api/ossature/change-sets/{set_id}/undo", json={"rest": True})
    assert answer.status_code in (200, 409), answer.text
    assert samples.read(child)["basis_id"] == a


@pytest.mark.req("A-018")
def test_the_timeline_tells_of_no_merged_record_that_the_reader_may_not_see(samples: Any, tenant: Tenant) -> None:
    a, b = samples.add(name="Quartz")["id"], samples.add(name="Jade")["id"]
    samples.patch(b, {"pieces": 7})
    merge(samples, a, b, take={"name": a, "pieces": a})
    person = who_reaches_their_own(tenant)
    assert samples.patch(a, {"owner_id": str(person.member_id)}).status_code == 200
    page = person.page.get(f"/_kinds/samples/{a}")
    assert page.status_code == 200
    assert "set Pieces to 7" not in page.text
    assert "Jade" not in page.text


def test_undoing_a_merge_keeps_the_secret_that_was_set_since(samples: Any, tenant: Tenant) -> None:
    a, b = samples.add(name="One")["id"], samples.add(name="Two", token="secret of b")["id"]
    answer = merge(samples, a, b)

    def stored() -> Any:
        with tenant.work() as work:
            return work.execute(sa.text("SELECT token FROM _kinds.sample WHERE id = :id"), {"id": a}).scalar_one()

    assert samples.patch(a, {"token": "set since"}).status_code == 200
    since = stored()
    assert undo(samples.person, answer).status_code == 200
    assert stored() == since is not None


def test_a_merge_is_done_again_though_both_are_pinned_by_now(samples: Any) -> None:
    person = samples.person
    a, b = samples.add(name="One")["id"], samples.add(name="Two")["id"]

    def pin(id: str) -> None:
        answer = person.page.post("/search/pins", data={"record": "_kinds.sample", "id": id, "pinned": "1"})
        assert answer.status_code < 400, answer.text

    pin(b)
    undone = undo(person, merge(samples, a, b))
    pin(a)
    again = person.api.post(f"/api/ossature/change-sets/{undone.json['data']['change_set_id']}/undo", json={})
    assert again.status_code == 200, again.text
    assert person.api.get(samples.at(b)).status_code == 308


@contextmanager
def one_each(tenant: Tenant, table: str, *columns: str) -> Iterator[None]:
    """As if a plugin allowed but one live row with the same values in some columns."""
    with transaction(tenant.context, role="owner") as work:
        where = f"deleted_at IS NULL AND tenant_id = '{tenant.id}'"
        work.execute(sa.text(f"CREATE UNIQUE INDEX one_each ON {table} ({', '.join(columns)}) WHERE {where}"))
    try:
        yield
    finally:
        with transaction(tenant.context, role="owner") as work:
            schema = table.split(".")[0]
            work.execute(sa.text(f"DROP INDEX {schema}.one_each"))


@pytest.mark.req("A-017")
def test_a_merge_is_refused_where_something_may_refer_to_one_record_but_once(samples: Any, tenant: Tenant) -> None:
    a, b = samples.add(name="Quartz")["id"], samples.add(name="Jade")["id"]
    ours, theirs = samples.add(name="Chip", twin_id=a)["id"], samples.add(name="Splinter", twin_id=b)["id"]
    free = samples.add(name="Powder", basis_id=b)["id"]
    with one_each(tenant, "_kinds.sample", "twin_id"):
        refused = merge(samples, a, b)
        assert (refused.status_code, refused.json["error"]["code"]) == (409, "collides")
        assert "Quartz has its own sample" in refused.json["error"]["message"]
        assert "Splinter" in refused.json["error"]["message"]
        page = samples.person.page.post("/_kinds/samples/merge", data={"id": [a, b], "into": a})
        assert (page.status_code, "Splinter cannot move to it" in page.text) == (409, True)
        assert [samples.read(theirs)["twin_id"], samples.read(free)["basis_id"]] == [b, b]
        samples.delete(ours)
        assert merge(samples, a, b).status_code == 200
    assert [samples.read(theirs)["twin_id"], samples.read(free)["basis_id"]] == [a, a]


@pytest.mark.req("A-017", "A-018")
def test_what_a_record_is_made_from_leads_in_no_circle_though_the_merger_may_not_see_it(
    samples: Any, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = samples.add(name="Below")["id"]
    between = samples.add(name="Between", basis_id=below)["id"]
    above = samples.add(name="Above", basis_id=between)["id"]
    first = samples.add(name="First")["id"]
    second = samples.add(name="Second", basis_id=first)["id"]
    fields: Any = record_type("_kinds.sample").fields
    monkeypatch.setitem(fields, "basis_id", replace(fields["basis_id"], view="_kinds.sample.see_remark"))
    person = who_sees_no_remark(tenant)
    theirs = samples.by(person)
    assert "basis_id" not in theirs.read(above)
    answers = [merge(theirs, above, below), merge(theirs, first, second)]
    assert [one.status_code for one in answers] == [200, 200]

    def basis(*ids: str) -> list[str | None]:
        with tenant.work() as work:
            rows = work.execute(sa.text("SELECT id, basis_id FROM _kinds.sample"))
            found = {str(row.id): row.basis_id and str(row.basis_id) for row in rows}
        return [found[id] for id in ids]

    assert basis(between, above, first) == [above, None, None]
    assert [undo(theirs.person, one).status_code for one in answers] == [200, 200]
    assert basis(between, above, first, second) == [below, between, None, first]


def who_sees_no_remark(tenant: Tenant) -> Person:
    mate = tenant.member("viewer")
    with tenant.work():
        role = create_role("Samples", "")
        set_grants(role.id, {f"_kinds.sample.{name}": Reach.ALL for name in ("view", "edit", "delete")})
        assign_roles(mate.member_id, [role.id])
    return Person(tenant, mate.member_id, mate.user_id, mate.email, "viewer")


@pytest.mark.req("A-017")
def test_who_writes_to_an_id_that_was_merged_is_told_the_record_that_it_stands_for(samples: Any) -> None:
    a, b = samples.add(name="Quartz")["id"], samples.add(name="Jade")["id"]
    merge(samples, a, b, take={"name": a})
    api = samples.person.api
    for answer in (
        samples.patch(b, {"name": "Onyx"}),
        api.put(samples.at(b), json={"name": "Onyx"}),
        api.delete(samples.at(b)),
        api.post(f"{samples.at(b)}/notes", json={"text": "On b"}),
        api.post(f"{samples.at(b)}/files", data={"file": (BytesIO(b"one"), "report.txt")}),
        api.put(f"{samples.at(b)}/external-ids/shop/7"),
    ):
        error = answer.json["error"]
        assert (answer.status_code, error["code"]) == (409, "merged"), answer.text
        assert error["details"][0]["id"] == a
        assert "merged into Quartz" in error["message"]
    samples.restore(b)
    assert samples.patch(b, {"name": "Onyx"}).status_code == 200
