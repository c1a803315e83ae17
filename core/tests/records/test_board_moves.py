"""A card put into another column is a change like any other, answered alone with the sums of the two columns."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ossature.testing.people import Person, Tenant
from ossature.testing.record_api import RecordApi
from ossature.testing.statements import StatementLog

pytestmark = pytest.mark.database

EUR = {"amount": "10.00", "currency": "EUR"}


def move(person: Person, record: dict[str, Any], to: str, by: str = "state", **form: Any) -> Any:
    address = f"/_kinds/samples/{record['id']}/move?face=board&by={by}"
    return person.page.post(address, data={"to": to, "version": record["version"], **form})


@pytest.mark.req("S1-44")
def test_a_moved_card_comes_back_with_the_sums_of_its_two_columns(samples: RecordApi) -> None:
    card = samples.add(name="Opal", price=EUR)
    samples.add(name="Jade", price=EUR)
    answer = move(samples.person, card, "cut")
    assert answer.status_code == 200
    assert (answer.json["column"], answer.json["said"]) == ("cut", [])
    assert "Opal" in answer.json["card"]
    assert 'data-version="2"' in answer.json["card"]
    assert {value: one["count"] for value, one in answer.json["sums"].items()} == {"raw": 1, "cut": 1}
    assert "€10.00" in answer.json["sums"]["cut"]["sum"]
    assert samples.read(card["id"])["state"] == "cut"


def test_a_board_by_a_reference_or_the_owner_moves_cards_too(
    samples: RecordApi, shelves: RecordApi, tenant: Tenant
) -> None:
    shelf, other = shelves.add(), tenant.member("manager")
    card = samples.add()
    assert move(samples.person, card, shelf["id"], "shelf_id").json["column"] == shelf["id"]
    card = samples.read(card["id"])
    assert move(samples.person, card, "", "shelf_id").json["column"] == ""
    card = samples.read(card["id"])
    assert move(samples.person, card, str(other.member_id), "owner_id").status_code == 200
    assert samples.read(card["id"])["owner_id"] == str(other.member_id)


@pytest.mark.parametrize(
    ("to", "by", "status"), [("blue", "state", 422), ("nothing", "shelf_id", 422), ("raw", "name", 422)]
)
def test_what_is_no_column_is_refused_with_its_reason(samples: RecordApi, to: str, by: str, status: int) -> None:
    card = samples.add()
    answer = move(samples.person, card, to, by)
    assert answer.status_code == status
    assert samples.read(card["id"])["version"] == 1


def test_who_comes_second_is_told_who_moved_it_where_and_sees_it_there(samples: RecordApi, tenant: Tenant) -> None:
    card = samples.add(name="Opal")
    second = tenant.member("manager")
    assert move(second, card, "cut").status_code == 200
    answer = move(samples.person, card, "gone")
    assert answer.status_code == 409
    assert re.fullmatch(r".+ moved Opal to Cut meanwhile\.", answer.json["message"])
    assert (answer.json["column"], samples.read(card["id"])["state"]) == ("cut", "cut")
    changed_elsewhere = samples.read(card["id"])
    samples.patch(card["id"], {"pieces": 3})
    assert move(samples.person, changed_elsewhere, "gone").status_code == 200


def test_cards_are_movable_for_those_who_may_and_moved_by_nobody_else(samples: RecordApi, tenant: Tenant) -> None:
    card = samples.add()
    board = "/_kinds/samples?face=board&by=state"
    assert "data-movable" in samples.person.page.get(board).text
    viewer, sales = tenant.member("viewer"), tenant.member("sales_rep")
    assert "data-movable" not in viewer.page.get(board).text
    assert move(viewer, card, "cut").status_code == 403
    assert move(sales, card, "cut").status_code == 404
    samples.delete(card["id"])
    deleted = move(samples.person, samples.read(card["id"]), "cut")
    assert (deleted.status_code, "deleted" in deleted.json["message"]) == (409, True)


def test_a_move_takes_few_statements_however_long_the_list(samples: RecordApi, statements: StatementLog) -> None:
    cards = [samples.add(name=f"Opal {n}") for n in range(8)]
    move(samples.person, cards[0], "cut")
    with statements.counting() as counted:
        assert move(samples.person, cards[1], "cut").status_code == 200
    assert len(counted) <= 22, counted
