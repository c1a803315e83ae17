"""Notes on any record, over the API and on its page."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from ossature.context import Reach
from ossature.rbac.members import assign_roles
from ossature.rbac.roles import create_role, set_grants
from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database


def write(samples: Any, record: str, text: Any = "Hello", **body: Any) -> Any:
    return samples.person.api.post(f"{samples.at(record)}/notes", json={"text": text, **body})


def texts(samples: Any, id: str, **query: Any) -> list[str]:
    answer = samples.person.api.get(f"{samples.at(id)}/notes", query_string=query)
    assert answer.status_code == 200, answer.text
    return [note["text"] for note in answer.json["data"]]


@pytest.mark.req("A-004")
def test_pinned_notes_come_first_then_the_newest(samples: Any) -> None:
    id = samples.add()["id"]
    first = write(samples, id, "First")
    assert first.status_code == 201, first.text
    note = first.json["data"]
    assert (note["text"], note["pinned"], note["author"]["id"]) == ("First", False, str(samples.person.member_id))
    write(samples, id, "Second")
    write(samples, id, "Third")
    assert texts(samples, id) == ["Third", "Second", "First"]
    pinned = samples.person.api.patch(f"{samples.at(id)}/notes/{note['id']}", json={"pinned": True})
    assert pinned.json["data"]["pinned"] is True
    assert texts(samples, id) == ["First", "Third", "Second"]
    page = samples.person.api.get(f"{samples.at(id)}/notes?limit=2").json
    assert [one["text"] for one in page["data"]] == ["First", "Third"]
    assert texts(samples, id, after=page["meta"]["next"]) == ["Second"]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"text": " "}, "text", "required"), ({"text": "x" * 10_001}, "text", "too_long"), ({"text": 1}, "text", "wrong_type"),
        ({"text": "a\x00"}, "text", "bad_character"), ({"text": "a", "pinned": "yes"}, "pinned", "wrong_type"),
        ({"text": "a", "colour": 1}, "colour", "unknown_field"),
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused(samples: Any, body: dict[str, Any], field: str, code: str) -> None:
    id = samples.add()["id"]
    assert samples.faults(samples.person.api.post(f"{samples.at(id)}/notes", json=body)) == {field: code}
    assert texts(samples, id) == []


@pytest.mark.req("A-004")
def test_a_note_is_its_authors_and_theirs_who_may_edit_all(samples: Any, tenant: Tenant) -> None:
    mate = tenant.member("viewer")
    with tenant.work():
        role = create_role("Own samples", "")
        set_grants(role.id, {"_kinds.sample.view": Reach.ALL, "_kinds.sample.edit": Reach.OWN})
        assign_roles(mate.member_id, [role.id])
    theirs = samples.by(Person(tenant, mate.member_id, mate.user_id, mate.email, "viewer"))
    id = samples.add(owner_id=str(mate.member_id))["id"]
    mine, note = write(samples, id, "Mine").json["data"], write(theirs, id, "Theirs").json["data"]
    at = f"{samples.at(id)}/notes"
    assert theirs.person.api.patch(f"{at}/{mine['id']}", json={"text": "x"}).status_code == 403
    assert theirs.person.api.delete(f"{at}/{mine['id']}").status_code == 403
    assert theirs.person.api.patch(f"{at}/{mine['id']}", json={"pinned": True}).status_code == 200
    assert theirs.person.api.patch(f"{at}/{note['id']}", json={"text": "Better"}).json["data"]["text"] == "Better"
    assert samples.person.api.delete(f"{at}/{note['id']}").status_code == 200
    assert texts(samples, id) == ["Mine"]
    other = samples.add(name="Not theirs")["id"]
    assert write(theirs, other).status_code == 403
    assert texts(theirs, other) == []


def test_notes_are_under_the_rights_of_their_record(samples: Any, shelves: Any, make_tenant: Any) -> None:
    id, stranger = samples.add()["id"], samples.by(make_tenant().member("owner"))
    note = write(samples, id).json["data"]["id"]
    assert write(stranger, id).status_code == 404
    assert stranger.person.api.get(f"{samples.at(id)}/notes").status_code == 404
    assert stranger.person.api.delete(f"{samples.at(id)}/notes/{note}").status_code == 404
    shelf = shelves.add()["id"]
    assert samples.person.api.delete(f"{shelves.at(shelf)}/notes/{note}").status_code == 404
    assert write(samples, samples.add()["id"], id=note).status_code == 409
    samples.delete(id)
    assert write(samples, id).status_code == 409
    assert texts(samples, id) == ["Hello"]
    assert write(samples, str(uuid4())).status_code == 404


@pytest.mark.req("A-004")
def test_the_page_shows_notes_takes_them_and_keeps_what_was_refused(samples: Any) -> None:
    id, page = samples.add()["id"], samples.person.page
    here = f"/_kinds/samples/{id}"
    assert page.post(f"{here}/notes", data={"text": "See https://example.com/a <b>bold</b>"}).status_code == 303
    shown = page.get(here).text
    assert 'href="https://example.com/a"' in shown
    assert "&lt;b&gt;bold&lt;/b&gt;" in shown
    assert f"{samples.person.role.capitalize()}" in shown
    assert "wrote a note" in shown
    refused = page.post(f"{here}/notes", data={"text": "y" * 10_001}, headers={"HX-Request": "true"})
    assert refused.status_code == 422
    assert "y" * 10_001 in refused.text
    note = samples.person.api.get(f"{samples.at(id)}/notes").json["data"][0]["id"]
    part = page.post(f"{here}/notes/{note}/pin", data={"pinned": "1"}, headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "os-note-pinned" in part.text
    assert page.post(f"{here}/notes/{note}", data={"text": "javascript:alert(1)"}).status_code == 303
    shown = page.get(here).text
    assert 'href="javascript' not in shown
    assert "changed a note" in shown
    assert page.post(f"{here}/notes/{note}/delete").status_code == 303
    assert texts(samples, id) == []
    assert "deleted a note" in page.get(here).text
