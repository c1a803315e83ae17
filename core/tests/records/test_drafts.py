"""What is written in a form and not saved: kept for its writer alone, taken back elsewhere, gone once it is saved."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from ossature.context import Context
from ossature.db import transaction
from ossature.records import drafts
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

API = "/api/ossature/drafts"
NEW = "/_kinds/samples/new"
TYPED = {
    "name": "Opal",
    "pieces": "1 2x",
    "lines-0-finding": "gold",
    "lines-0-each": "3",
    "lines-0-each-currency": "EUR",
}


def keep(person: Person, values: Any, id: str | None = None, record: str = "_kinds.sample", **body: Any) -> Any:
    query = {"record": record, **({"id": id} if id else {})}
    return person.api.put(API, query_string=query, json={"values": values, **body})


@pytest.mark.req("S1-63")
def test_what_was_typed_is_taken_back_on_another_device_and_gone_once_saved(owner: Person, samples: Any) -> None:
    assert keep(owner, TYPED).status_code == 200
    page = owner.page.get(NEW).text
    assert "You were writing this" in page
    assert 'value="Opal"' not in page

    taken = owner.page.post(NEW, data={"_take": "kept"})
    assert taken.status_code == 200
    for said in ('value="Opal"', 'value="1 2x"', 'value="gold"', "It is not saved yet."):
        assert said in taken.text
    assert samples.names() == []

    assert owner.page.post(NEW, data={"name": "Opal", "state": "raw"}).status_code == 303
    assert owner.api.get(API, query_string={"record": "_kinds.sample"}).status_code == 404
    assert "You were writing this" not in re.sub(
        r"<form [^>]* hidden>.*?</form>", "", owner.page.get(NEW).text, flags=re.S
    )


@pytest.mark.req("S1-63")
def test_a_change_is_taken_back_over_the_version_that_was_read(owner: Person, samples: Any) -> None:
    made = samples.add(pieces=1)
    edit = f"/_kinds/samples/{made['id']}/edit"
    keep(owner, {"name": "Quartz", "pieces": "7"}, made["id"], version=1)
    samples.patch(made["id"], {"pieces": 5})
    page = owner.page.post(edit, data={"_take": "kept"}).text
    assert 'name="version" value="1"' in page
    answer = owner.page.post(edit, data={"name": "Quartz", "pieces": "7", "state": "raw", "version": "1"})
    assert answer.status_code == 409  # nobody writes over what others did meanwhile, however late they come


def test_a_draft_is_discarded(owner: Person) -> None:
    keep(owner, TYPED)
    assert owner.page.post(NEW, data={"_take": "drop"}).status_code == 303
    assert owner.api.get(API).json["data"] == []
    assert owner.api.delete(API, query_string={"record": "_kinds.sample"}).status_code == 200


def test_each_person_and_form_has_one_draft(owner: Person, samples: Any) -> None:
    made = samples.add()
    keep(owner, {"name": "a"})
    keep(owner, {"name": "b"})
    keep(owner, {"name": "c"}, made["id"])
    found = owner.api.get(API).json["data"]
    assert [(one["id"], one["values"]["name"]) for one in found] == [(made["id"], "c"), (None, "b")]


@pytest.mark.req("S1-63")
def test_drafts_are_closed_to_everybody_else_even_where_a_query_asks_for_all(
    tenant: Tenant, owner: Person, make_tenant: Any
) -> None:
    keep(owner, {"name": "secret plan"})
    other, stranger = tenant.member("admin"), make_tenant().member("owner")
    for person in (other, stranger):
        assert person.api.get(API).json["data"] == []
        assert "secret plan" not in person.page.post(NEW, data={"_take": "kept"}).text
        with person.work() as work:
            assert work.execute(text("SELECT count(*) FROM ossature.draft")).scalar_one() == 0
            assert work.execute(text("DELETE FROM ossature.draft RETURNING 1")).all() == []
    assert owner.api.get(API).json["data"][0]["values"] == {"name": "secret plan"}


def test_only_what_the_form_holds_is_kept_and_never_a_secret(owner: Person) -> None:
    wrong = {"token": "s3cret", "nope": "x", "lines-0-nope": "x", "name-currency": "EUR", "pieces": 3, "code": "a\x00b"}
    answer = keep(owner, {**wrong, "name": "fine", "price-currency": "EUR"})
    assert answer.status_code == 422
    assert {one["field"].removeprefix("values.") for one in answer.json["error"]["details"]} == wrong.keys()
    assert keep(owner, {"notes": "x" * 300_000}).status_code == 422
    assert keep(owner, [1]).status_code == 422
    assert keep(owner, {}, nope=1).status_code == 422
    assert keep(owner, {}, version=0).status_code == 422
    assert keep(owner, {}, record="_kinds.nothing").status_code == 400
    assert keep(owner, {}, "nonsense").status_code == 400


def test_a_draft_is_of_a_record_that_its_writer_may_write(tenant: Tenant, owner: Person, make_tenant: Any) -> None:
    contact = owner.api.post("/api/crm/contacts", json={"last_name": "Martin"}).json["data"]["id"]
    assert keep(tenant.member("viewer"), {"last_name": "x"}, record="crm.contact").status_code == 403
    assert keep(tenant.member("viewer"), {"last_name": "x"}, contact, "crm.contact").status_code == 403
    assert keep(make_tenant().member("owner"), {"last_name": "x"}, contact, "crm.contact").status_code == 404
    assert keep(owner, {"last_name": "x"}, contact, "crm.contact").status_code == 200


def test_the_oldest_drafts_make_room_and_old_ones_are_not_offered(
    tenant: Tenant, owner: Person, monkeypatch: pytest.MonkeyPatch, samples: Any
) -> None:
    monkeypatch.setattr(drafts, "MOST", 2)
    ids = [samples.add()["id"] for _number in range(3)]
    for id in ids:
        keep(owner, {"name": "x"}, id)
    assert [one["id"] for one in owner.api.get(API).json["data"]] == ids[:0:-1]

    with transaction(Context(tenant=tenant.info, means="command"), role="system") as work:
        work.execute(
            text("UPDATE ossature.draft SET at = at - CAST(:age AS interval) WHERE record_id = :id"),
            {"age": timedelta(days=31), "id": ids[2]},
        )
    assert [one["id"] for one in owner.api.get(API).json["data"]] == [ids[1]]


def test_a_form_of_a_session_that_has_ended_comes_back_with_what_was_typed(owner: Person, samples: Any) -> None:
    data = {"name": "Opal", "state": "raw", "lines-0-finding": "gold"}
    answer = owner.page.post(NEW, data=data, headers={"X-CSRFToken": "of another session"})
    assert answer.status_code == 200
    for said in ('value="Opal"', 'value="gold"', "nothing was saved yet"):
        assert said in answer.text
    for more in ({"_take": "drop"}, {"_add": "lines"}):
        assert owner.page.post(NEW, data={**data, **more}, headers={"X-CSRFToken": "no"}).status_code == 200
    short = owner.page.post(f"{NEW}?part=short", data={"name": "Opal"}, headers={"X-CSRFToken": "no"})
    assert short.status_code != 201
    made = samples.add()
    edit = f"/_kinds/samples/{made['id']}/edit"
    assert owner.page.post(edit, data=data, headers={"X-CSRFToken": "no"}).status_code == 200
    assert samples.names() == ["Quartz"]
    # Whatever does not show a form again refuses, as before.
    gone = owner.page.post(f"/_kinds/samples/{made['id']}/delete", headers={"X-CSRFToken": "no"})
    assert gone.status_code == 400


def test_who_is_signed_out_while_writing_comes_back_to_the_form(app: Flask, tenant: Tenant) -> None:
    answer = app.test_client().post(NEW, data={"name": "Opal"}, base_url=tenant.url)
    assert answer.status_code == 303
    assert answer.location.endswith("/sign-in?next=/_kinds/samples/new")
