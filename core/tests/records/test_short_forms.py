"""Creating what a picker does not find, from within another record's form."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ossature.testing.people import Person

pytestmark = pytest.mark.database

SHORT = "/_kinds/shelves/new?part=short"


def test_the_short_form_has_what_must_be_known_and_takes_what_was_typed(owner: Person) -> None:
    page = owner.page.get(f"{SHORT}&name=Attic").text
    assert re.findall(r'name="(\w+)" value="([^"]*)"', page)[-1] == ("name", "Attic")
    assert 'id="s-name"' in page  # the form below it has a field of that name as well
    assert "<html" not in page


def test_what_is_created_is_the_option_to_choose(owner: Person, shelves: Any) -> None:
    made = owner.page.post(SHORT, data={"name": "Attic"})
    assert made.status_code == 201
    assert made.json["data"]["label"] == "Attic"
    assert shelves.read(made.json["data"]["value"])["owner_id"] == str(owner.member_id)


def test_a_fault_stands_beside_its_field_and_nothing_is_created(owner: Person, shelves: Any) -> None:
    answer = owner.page.post(SHORT, data={"name": ""})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert shelves.names() == []


def test_a_fault_elsewhere_is_told_with_the_way_to_the_whole_form(owner: Person) -> None:
    owner.page.post("/ossature/teams/new?part=short", data={"name": "North"})
    answer = owner.page.post("/ossature/teams/new?part=short", data={"name": "north"})
    assert answer.status_code == 422
    assert "has this value already" in answer.text
    assert 'href="/ossature/teams/new"' in answer.text


def test_a_contact_is_created_by_its_names(owner: Person) -> None:
    page = owner.page.get("/crm/contacts/new", query_string={"part": "short", "name": "Martin"}).text
    assert re.search(r'name="last_name" value="Martin"', page)
    assert 'name="first_name"' in page
    assert 'name="email"' not in page


def test_only_those_who_may_create_are_offered_it(tenant: Any, owner: Person) -> None:
    offered = 'data-create="/crm/companies/new"'
    assert offered in owner.page.get("/crm/contacts/new").text
    viewer = tenant.member("viewer")
    assert viewer.page.get("/crm/companies/new?part=short").status_code == 403
    assert viewer.page.post("/crm/companies/new?part=short", data={"name": "X"}).status_code == 403
