"""What each hook of `_dummy` does, seen from outside, in a running application."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from ossature.api import DemoSize
from ossature.hooks.calls import COMMANDS, DEMO_DATA, HEALTH_CHECKS
from ossature.kernel import Kernel
from ossature.testing.people import Person, Tenant
from ossature_dummy.models.pebble import Pebble
from ossature_dummy.settings import HEAVIEST, ROCKS_ALLOWED

pytestmark = pytest.mark.database

API = "/api/_dummy/pebbles"
MakeTenant = Callable[..., Tenant]


@pytest.fixture
def owner(tenant: Tenant) -> Person:
    return tenant.member("owner")


def body(answer: TestResponse) -> dict[str, Any]:
    found: dict[str, Any] = answer.get_json() or {}
    return found


def add(person: Person, **fields: object) -> str:
    answer = person.api.post(API, json={"name": "Galet", **fields})
    assert answer.status_code == 201, answer.text
    return str(body(answer)["data"]["id"])


def test_records_have_an_api_and_its_alias(owner: Person) -> None:
    id = add(owner, name="Basalt", weight=120)
    assert body(owner.api.get(f"{API}/{id}"))["data"]["weight"] == 120
    assert [row["name"] for row in body(owner.api.get("/api/pebbles"))["data"]] == ["Basalt"]


def test_screens_show_the_columns_they_name(owner: Person) -> None:
    add(owner, name="Basalt", weight=120)
    page = owner.page.get("/_dummy/pebbles").text
    assert "Basalt" in page
    assert "Found on" in page


def test_navigation_shows_the_item_to_those_who_may(tenant: Tenant, owner: Person) -> None:
    assert 'href="/_dummy/pebbles"' in owner.page.get("/").text


def test_a_widget_is_a_request_of_its_own(owner: Person) -> None:
    add(owner, name="Basalt", weight=120)
    assert "/_dummy/heaviest" in owner.page.get("/").text
    inside = owner.page.get("/_dummy/heaviest", headers={"HX-Request": "true"}).text
    assert "Basalt" in inside
    assert "<html" not in inside


def test_a_tab_of_a_record_is_fetched_when_it_is_opened_and_reaches_no_further_than_the_record(
    owner: Person, make_tenant: MakeTenant
) -> None:
    id, _heavier = add(owner, name="Basalt", weight=120), add(owner, name="Menhir", weight=900)
    page = owner.page.get(f"/_dummy/pebbles/{id}").text
    address = f"/_dummy/heavier/{id}"
    assert f'hx-get="{address}" hx-trigger="intersect once"' in page
    assert f'<noscript><a href="{address}">Heavier</a></noscript>' in page
    inside = owner.page.get(address, headers={"HX-Request": "true"}).text
    assert "Menhir" in inside
    assert "Basalt" not in inside
    assert "<html" not in inside
    assert "<html" in owner.page.get(address).text
    assert make_tenant().member("owner").page.get(address).status_code == 404


def test_a_settings_page_needs_its_permission(tenant: Tenant, owner: Person) -> None:
    assert owner.page.get("/_dummy/settings").status_code == 200
    assert tenant.member("viewer").page.get("/_dummy/settings").status_code == 403


def test_preset_roles_hold_what_the_plugin_states(tenant: Tenant) -> None:
    manager, sales = tenant.member("manager"), tenant.member("sales_rep")
    assert manager.context.access.allows("_dummy.pebble.polish")
    assert not sales.context.access.allows("_dummy.pebble.polish")
    assert str(sales.context.access.reach("_dummy.pebble.edit")) == "own"


def test_a_check_refuses_a_change_and_nothing_is_written(owner: Person) -> None:
    refused = owner.api.post(API, json={"name": "Menhir", "weight": 10_001})
    assert refused.status_code == 422
    (detail,) = body(refused)["error"]["details"]
    assert (detail["field"], detail["code"]) == ("weight", "too_heavy")
    assert body(owner.api.get(API))["data"] == []


def test_a_setting_is_the_organisations_own(owner: Person) -> None:
    with owner.work():
        ROCKS_ALLOWED.write(True)
    add(owner, name="Menhir", weight=10_001)


def test_a_number_is_chosen_within_its_bounds_and_what_was_typed_is_not_lost(owner: Person) -> None:
    refused = owner.page.post("/settings/options", data={"_dummy.rocks_allowed": "1", "_dummy.heaviest": "0"})
    assert refused.status_code == 422
    assert "Choose between 1 and 1000000." in refused.text
    assert 'value="0"' in refused.text
    assert owner.page.post("/settings/options", data={"_dummy.heaviest": "ten"}).status_code == 422
    assert owner.page.post("/settings/options", data={"_dummy.heaviest": "50"}).status_code == 303
    with owner.work():
        assert (HEAVIEST.read(), ROCKS_ALLOWED.read()) == (50, False)
        with pytest.raises(ValueError, match="between"):
            HEAVIEST.write(0)
    assert 'value="50"' in owner.page.get("/settings/options").text
    assert owner.api.post(API, json={"name": "Flint", "weight": 51}).status_code == 422


def test_a_tenant_without_the_plugin_has_none_of_it(make_tenant: MakeTenant) -> None:
    person = make_tenant(plugins=frozenset()).member("owner")
    for path in ("/_dummy/pebbles", "/_dummy/heaviest", "/_dummy/settings", API, "/api/pebbles"):
        client = person.api if path.startswith("/api/") else person.page
        assert client.get(path).status_code == 404, path
    assert "_dummy" not in person.page.get("/").text


def test_demo_data_is_the_same_each_time_and_leaves_what_people_wrote(app: Flask, owner: Person) -> None:
    add(owner, name="Basalt")
    kernel: Kernel = app.extensions["ossature"]
    (demo,) = (entry.value for entry in kernel.plugins.registered(DEMO_DATA) if entry.plugin == "_dummy")
    loaded = []
    for _round in range(2):
        with owner.work() as work:
            demo.load(DemoSize.SMALL, work, Random(7))
        with owner.work() as work:
            rows = work.execute(select(Pebble.name, Pebble.weight, Pebble.colour).order_by(Pebble.id)).all()
            loaded.append([tuple(row) for row in rows])
            demo.remove(work)
    assert loaded[0] == loaded[1]
    assert len(loaded[0]) == 6
    with owner.work() as work:
        assert work.scalar(select(func.count()).select_from(Pebble)) == 1


def test_a_command_runs(app: Flask) -> None:
    kernel: Kernel = app.extensions["ossature"]
    (command,) = (entry.value for entry in kernel.plugins.registered(COMMANDS) if entry.plugin == "_dummy")
    result = app.test_cli_runner().invoke(command, ["3"])
    assert result.output == "plip plip plip\n"


def test_a_health_check_answers(app: Flask) -> None:
    kernel: Kernel = app.extensions["ossature"]
    (check,) = (entry.value for entry in kernel.plugins.registered(HEALTH_CHECKS) if entry.plugin == "_dummy")
    assert check.check() is None
