"""The pages that every record has, where a browser sends what ours never would or the database has the last word."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from ossature.testing.people import Person, Tenant

pytestmark = pytest.mark.database

NEW = "/_kinds/samples/new"


def test_what_the_database_refuses_stands_beside_its_field_with_the_form_as_it_was(owner: Person) -> None:
    form = {"name": "Quartz", "state": "raw", "code": "A1", "owner_id": str(owner.member_id)}
    assert owner.page.post(NEW, data=form).status_code == 303
    answer = owner.page.post(NEW, data={**form, "name": "Opal"})
    assert answer.status_code == 422
    assert "Another record has this value already" in answer.text
    assert 'value="Opal"' in answer.text


@pytest.mark.parametrize("number", ["²", "9" * 5000, "-1", "x", ""])
@pytest.mark.parametrize("button", [{}, {"_add": "lines"}, {"_remove": "lines-²"}])
def test_rows_of_parts_with_odd_numbers_are_passed_over(owner: Person, number: str, button: dict[str, str]) -> None:
    form = {"name": "Quartz", "state": "raw", f"lines-{number}-finding": "gold", **button}
    assert owner.page.post(NEW, data=form).status_code == (200 if button else 303)


@pytest.mark.parametrize("filter", [{"fragile": "true"}, {"state": "raw"}])
def test_a_filtered_list_counts_what_it_shows(owner: Person, samples: Any, filter: dict[str, str]) -> None:
    samples.add(name="Glass", fragile=True)
    samples.add(name="Stone", state="cut")
    answer = owner.page.get("/_kinds/samples", query_string={f"filter[{name}]": it for name, it in filter.items()})
    assert answer.status_code == 200
    assert "Glass" in answer.text
    assert "Stone" not in answer.text


def test_a_record_made_again_under_the_id_of_a_purged_one_has_a_history_and_merges(
    owner: Person, tenant: Tenant, samples: Any
) -> None:
    fields = {"pieces": 3, "price": {"amount": "1.00", "currency": "EUR"}, "lines": [{"finding": "gold"}]}
    first = samples.add(**fields)
    with tenant.work() as work:
        work.execute(text("DELETE FROM _kinds.sample WHERE id = :id"), {"id": first["id"]})
    samples.add(id=first["id"], **fields)
    assert owner.page.get(f"/_kinds/samples/{first['id']}").status_code == 200
    samples.patch(first["id"], {"pieces": 4})
    assert samples.patch(first["id"], {"name": "Opal", "version": 1}).status_code == 200
    assert samples.patch(first["id"], {"pieces": 5, "version": 1}).status_code == 409


def test_people_are_found_by_their_names_with_and_without_accents(owner: Person, tenant: Tenant) -> None:
    tenant.member("viewer", name="Élodie Noël")
    for typed in ("Élodie", "elodie", "NOËL ", "noel"):
        found = owner.api.get("/api/ossature/actors/options", query_string={"q": typed}).json["data"]
        assert [option["label"] for option in found] == ["Élodie Noël"], typed
