"""Tabs that plugins put on records: the right ones for the reader, and faults told when the application starts."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ossature_kinds.models.sample import Sample, SampleLine, Shelf
from werkzeug.routing import Map, Rule

from ossature.api import Reach, RecordTab, Related
from ossature.builtin.records import Team
from ossature.hooks.calls import RECORD_TABS
from ossature.plugins.loading import load_plugins
from ossature.plugins.manifest import discover
from ossature.plugins.registry import PluginRegistry
from ossature.rbac.roles import create_role, set_grants
from ossature.records.tabs import check_record_tabs
from ossature.records.types import RecordTypes
from ossature.testing.people import Person, Tenant

Install = Callable[..., Path]

TABS = """
from ossature.api import RecordTab, Related, hookimpl

@hookimpl
def register_record_tabs():
    return [{tab}]
"""


def started(install: Install, tab: str, **manifest: object) -> PluginRegistry:
    """A plugin with one tab beside `garden`, once all routes and records are there."""
    install("garden")
    install("moss", code=TABS.format(tab=tab), **manifest)
    found = [plugin for plugin in discover() if plugin.module.startswith("test_")]
    plugins = load_plugins(("garden", "moss"), found=found)
    check(plugins, Map([Rule("/moss/<id>", endpoint="moss.inside"), Rule("/moss", endpoint="moss.all")]))
    return plugins


def check(plugins: PluginRegistry, addresses: Map) -> None:
    records = RecordTypes()
    records.add([Team, Shelf, Sample, SampleLine])
    check_record_tabs(SimpleNamespace(plugins=plugins, records=records), addresses)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tab", "says"),
    [
        ("RecordTab('moss.tab', 'ossature.crew', 'Moss', 'moss.inside')", "there is no record 'ossature.crew'"),
        ("RecordTab('moss.tab', '_kinds.shelf', 'Moss', 'moss.inside')", "is another plugin's record"),
        ("RecordTab('moss.tab', 'ossature.team', 'Moss', 'moss.nowhere')", "there is no endpoint 'moss.nowhere'"),
        ("RecordTab('moss.tab', 'ossature.team', 'Moss', 'moss.all')", "no endpoint 'moss.all' that takes an id"),
        ("RecordTab('moss.tab', 'ossature.team', related=Related('_kinds.sample', 'shelf_id'))", "no record of this"),
        ("RecordTab('moss.tab', 'ossature.team', 'Moss')", "either an endpoint or related records"),
        ("RecordTab('moss.tab', 'ossature.team', endpoint='moss.inside')", "needs a title"),
        ("RecordTab('tab', 'ossature.team', 'Moss', 'moss.inside')", "does not begin with 'moss'"),
        (
            "*[RecordTab('moss.tab', 'ossature.team', title, 'moss.inside') for title in 'AB']",
            "'moss.tab' is taken by plugin 'moss'",
        ),
    ],
)
def test_a_tab_that_cannot_be_shown_fails_its_plugin_alone(install: Install, tab: str, says: str) -> None:
    plugins = started(install, tab)
    assert says in plugins.statuses["moss"].reason
    assert plugins.statuses["moss"].next_step
    assert "garden" in plugins


def test_a_tab_on_a_record_that_may_be_absent_does_not_keep_its_plugin_from_running(install: Install) -> None:
    assert "moss" in started(install, "RecordTab('moss.tab', 'fern.leaf', 'Moss', 'moss.inside')", after=["fern"])


@pytest.mark.parametrize(("field", "also", "runs"), [
    ("shelf_id", (), True), ("twin_id", (), False), ("height", (), False), ("shelf_id", ("lines",), True),
    ("shelf_id", ("leaves",), False),
])  # fmt: skip
def test_a_related_list_names_fields_and_collections_that_refer_to_the_record(
    field: str, also: tuple[str, ...], runs: bool
) -> None:
    plugins = load_plugins(("_kinds",))
    tab = RecordTab("_kinds.more", "_kinds.shelf", related=Related("_kinds.sample", field, also=also))
    plugins.extend(RECORD_TABS, "_kinds", [tab])
    check(plugins, Map())
    assert ("_kinds" in plugins) is runs


@pytest.mark.database
def test_records_that_point_to_a_record_are_a_tab_of_its_page_for_those_who_may_see_them(tenant: Tenant) -> None:
    owner = tenant.member("owner")

    def add(records: str, **fields: Any) -> str:
        answer = owner.api.post(f"/api/_kinds/{records}", json=fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json["data"]["id"])

    shelf = add("shelves", name="Upper")
    for number in range(11):
        add("samples", name=f"Flint {number}", shelf_id=shelf)
    add("samples", name="Elsewhere")
    address = tab_of(owner, shelf)
    assert address is not None
    inside = owner.page.get(address, headers={"HX-Request": "true"}).text
    assert inside.count("Flint") == 10
    assert "Elsewhere" not in inside
    assert f"/_kinds/samples/new?shelf_id={shelf}" in inside
    everything = owner.page.get(address.replace("&part=related", "")).text
    assert "Flint 10" in everything
    assert "Elsewhere" not in everything
    with tenant.work():
        role = create_role("Shelves", "")
        set_grants(role.id, {"_kinds.shelf.view": Reach.ALL})
    assert tab_of(tenant.member(role.key), shelf) is None


def tab_of(person: Person, shelf: str) -> str | None:
    """Where the tab of the samples on a shelf is fetched from, as the shelf's page says."""
    page = person.page.get(f"/_kinds/shelves/{shelf}")
    assert page.status_code == 200
    found = re.search(r'hx-get="([^"]*part=related)" hx-trigger="intersect once"', page.text)
    return unescape(found[1]) if found else None
