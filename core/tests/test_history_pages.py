"""The pages of the history: a change set, undoing from a timeline, an earlier version, what everybody did."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

API = "/api/_kinds/samples"


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner", name="Anna Petit")


def add(person: Person, **fields: Any) -> str:
    answer = person.api.post(API, json={"name": "Quartz", **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


def last_set(tenant: Tenant, id: str) -> str:
    with tenant.work() as work:
        query = text("SELECT change_set_id FROM ossature.change WHERE root_id = :id ORDER BY seq DESC LIMIT 1")
        return str(work.execute(query, {"id": id}).scalar_one())


@pytest.mark.req("S4-101", "S4-375")
def test_an_entry_of_the_timeline_is_undone_by_its_button_and_redone_from_the_notice(owner: Person) -> None:
    id = add(owner, pieces=1)
    owner.api.patch(f"{API}/{id}", json={"pieces": 2, "state": "cut"})
    edit, page = last_set(owner.tenant, id), f"/_kinds/samples/{id}"
    assert f"/history/{edit}/undo" in owner.page.get(page).text
    answer = owner.page.post(f"/history/{edit}/undo", data={"back": page})
    assert (answer.status_code, answer.headers["Location"]) == (303, page)
    shown = owner.page.get(page).text
    assert "Redo" in shown
    assert "by undoing" in shown
    assert "undone since" in shown
    assert f"/history/{edit}/undo" not in shown
    assert owner.api.get(f"{API}/{id}").json["data"]["pieces"] == 1


def test_a_change_of_many_is_shown_before_it_is_undone(owner: Person) -> None:
    ids = [add(owner, pieces=n) for n in range(3)]
    with owner.work() as work:
        work.execute(text("UPDATE _kinds.sample SET state = 'cut'"))
    mass = last_set(owner.tenant, ids[0])
    asked = owner.page.post(f"/history/{mass}/undo")
    assert asked.headers["Location"] == f"/history/{mass}?undo=1"
    shown = owner.page.get(asked.headers["Location"]).text
    assert "What undoing this puts back" in shown
    assert "3 samples updated" in shown
    assert owner.api.get(f"{API}/{ids[0]}").json["data"]["state"] == "cut", "looking changes nothing"
    owner.api.patch(f"{API}/{ids[1]}", json={"state": "gone"})
    refused = owner.page.post(f"/history/{mass}/undo", data={"sure": "1"})
    assert refused.status_code == 409
    assert "State was changed since." in refused.text
    assert owner.page.post(f"/history/{mass}/undo", data={"sure": "1", "rest": "1"}).status_code == 303
    assert [owner.api.get(f"{API}/{id}").json["data"]["state"] for id in ids] == ["raw", "gone", "raw"]
    assert "partly undone since" in owner.page.get(f"/history/{mass}").text


@pytest.mark.req("A-030")
def test_an_earlier_version_is_compared_and_brought_back_field_by_field(owner: Person) -> None:
    lines = [{"finding": "salt", "share": 10}, {"finding": "iron"}]
    price = {"amount": "10.50", "currency": "EUR"}
    id = add(owner, pieces=1, ratio="0.5", price=price, lines=lines, taken_on="2026-03-04", notes="first")
    first = last_set(owner.tenant, id)
    for change in (
        {"pieces": 2},
        {"price": {"amount": "1", "currency": "USD"}, "lines": []},
        {"pieces": 3, "notes": "z"},
    ):
        assert owner.api.patch(f"{API}/{id}", json=change).status_code == 200
    page = f"/history/{first}/_kinds.sample/{id}"
    shown = owner.page.get(page).text
    assert all(word in shown for word in ("10.50", "salt", "Pieces", "first"))
    assert "Ratio" not in shown, "only what differs is compared"
    version = str(owner.api.get(f"{API}/{id}").json["data"]["version"])
    some = owner.page.post(page, data={"fields": ["price", "lines", "pieces"], "version": version})
    assert some.status_code == 303, some.text
    now = owner.api.get(f"{API}/{id}").json["data"]
    assert (now["pieces"], now["price"], now["notes"]) == (1, price, "z")
    assert [(line["finding"], line["share"]) for line in now["lines"]] == [("salt", 10), ("iron", None)]
    assert "by restoring an earlier version" in owner.page.get(f"/_kinds/samples/{id}").text
    assert owner.page.post(page, data={"fields": [], "version": version}).status_code == 422
    late = owner.page.post(page, data={"fields": ["notes"], "version": version})
    assert late.status_code == 303, "others changed other fields meanwhile"


def test_what_the_reader_may_not_see_is_on_no_page_of_the_history(owner: Person) -> None:
    tenant = owner.tenant
    id = add(owner, remark="Worthless")
    owner.api.patch(f"{API}/{id}", json={"remark": "Priceless", "pieces": 4})
    edit, auditor = last_set(tenant, id), tenant.member("auditor")
    pages = [f"/_kinds/samples/{id}", f"/history/{edit}", f"/history/{edit}?undo=1", "/history",
             f"/history/{edit}/_kinds.sample/{id}"]  # fmt: skip
    owner.api.patch(f"{API}/{id}", json={"remark": "Forlorn", "pieces": 5})
    for page in pages:
        answer = auditor.page.get(page)
        assert answer.status_code == 200, page
        assert not any(word in answer.text for word in ("Priceless", "Worthless", "Forlorn", "Remark")), page
    refused = auditor.page.post(f"/history/{edit}/_kinds.sample/{id}", data={"fields": ["remark"], "version": "1"})
    assert refused.status_code in (403, 422)
    assert owner.api.get(f"{API}/{id}").json["data"]["remark"] == "Forlorn"


@pytest.mark.req("S4-600", "S4-601")
def test_the_history_of_the_organisation_is_narrowed_by_who_what_how_and_when(owner: Person) -> None:
    tenant = owner.tenant
    other = tenant.member("manager", name="Zoé Roux")
    one = add(owner, name="Onyx")
    other.api.post("/api/_kinds/shelves", json={"name": "Topaz shelf"})
    everything = owner.page.get("/history").text
    assert all(word in everything for word in ("Anna Petit", "Zoé Roux", "Onyx", "Topaz shelf", "1 sample created"))
    cases = {f"actor={other.member_id}": ("Topaz shelf", "Onyx"), "record=_kinds.sample": ("Onyx", "Topaz shelf"),
             "means=api&record=_kinds.shelf": ("Topaz shelf", "Onyx")}  # fmt: skip
    for query, (there, missing) in cases.items():
        shown = owner.page.get(f"/history?{query}").text
        assert there in shown, query
        assert missing not in shown.replace("Onyx</option", ""), query
    for query in ("since=2099-01-01", "until=2001-01-01", "means=undo"):
        assert "Onyx" not in owner.page.get(f"/history?{query}").text, query
    for query in ("since=yesterday", "means=magic", "record=_kinds.none", "actor=x", "cursor=x"):
        assert owner.page.get(f"/history?{query}").status_code == 400, query
    assert tenant.member("viewer").page.get("/history").status_code == 403
    assert owner.page.get(f"/_kinds/samples/{one}").status_code == 200


def test_the_history_goes_on_page_after_page_and_tells_nothing_twice(owner: Person) -> None:
    for number in range(30):
        add(owner, name=f"Stone {number:02}")
    seen, address = [], "/history"
    while address:
        shown = owner.page.get(address, headers={"HX-Request": "true"}).text
        seen += [name for name in (f"Stone {number:02}" for number in range(30)) if name in shown]
        address = shown.partition('class="btn btn-sm" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert sorted(seen) == [f"Stone {number:02}" for number in range(30)]
