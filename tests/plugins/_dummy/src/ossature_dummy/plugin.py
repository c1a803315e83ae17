"""Every hook once, as `docs/authors/hooks.md` shows them."""

from __future__ import annotations

from typing import Any

import click

from ossature.api import (
    ApiAlias,
    ApiChange,
    Blueprint,
    DemoData,
    Detail,
    EventType,
    Handler,
    HealthCheck,
    Job,
    NavItem,
    NumberSetting,
    Permission,
    PresetGrant,
    Reach,
    Record,
    RecordChange,
    RecordTab,
    Schedule,
    Screens,
    Setting,
    SettingsPage,
    Widget,
    hookimpl,
    renamed,
    translator,
)
from ossature_dummy import checks, commands, demo, events, handlers, jobs, permissions, screens, settings, views
from ossature_dummy.models.pebble import Pebble

_, _l, ngettext = translator("_dummy")


@hookimpl
def register_records() -> list[type[Record]]:
    return [Pebble]


@hookimpl
def register_screens() -> list[Screens]:
    return [screens.pebble_screens]


@hookimpl
def register_permissions() -> list[Permission]:
    return [permissions.POLISH]


@hookimpl
def register_preset_grants() -> list[PresetGrant]:
    return [
        PresetGrant("manager", "_dummy.pebble.polish"),
        PresetGrant("sales_rep", "_dummy.pebble.edit", Reach.OWN),
    ]


@hookimpl
def register_navigation() -> list[NavItem]:
    return [
        NavItem("_dummy.pebbles", _l("Pebbles"), url="/_dummy/pebbles", icon="circle", permission="_dummy.pebble.view")
    ]


@hookimpl
def register_widgets() -> list[Widget]:
    return [
        Widget("_dummy.heaviest", _l("Heaviest pebbles"), "_dummy.show_heaviest", "_dummy.pebble.view", size="small")
    ]


@hookimpl
def register_record_tabs() -> list[RecordTab]:
    return [
        RecordTab(
            "_dummy.heavier", "_dummy.pebble", _l("Heavier"), "_dummy.show_heavier", permission="_dummy.pebble.view"
        )
    ]


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [views.blueprint]


@hookimpl
def register_api_aliases() -> list[ApiAlias]:
    return [ApiAlias("pebbles", "_dummy.pebble")]


@hookimpl
def register_api_changes() -> list[ApiChange]:
    return [renamed("2026-11-01", "_dummy.pebble", "mass", "weight", _l("“mass” of a pebble is called “weight”."))]


@hookimpl
def register_commands() -> list[click.Command]:
    return [commands.skip]


@hookimpl
def register_demo_data() -> list[DemoData]:
    return [DemoData("_dummy.pebbles", demo.load, demo.remove)]


@hookimpl
def register_settings_pages() -> list[SettingsPage]:
    return [SettingsPage("_dummy.settings", _l("Pebbles"), "_dummy.settings", "_dummy.pebble.polish", icon="circle")]


@hookimpl
def register_settings() -> list[Setting | NumberSetting]:
    return [settings.ROCKS_ALLOWED, settings.HEAVIEST]


@hookimpl
def register_health_checks() -> list[HealthCheck]:
    return [HealthCheck("water", checks.water)]


@hookimpl
def register_events() -> list[EventType]:
    return [events.POLISHED]


@hookimpl
def register_handlers() -> list[Handler]:
    return [handlers.polish_red, handlers.tell_story]


@hookimpl
def register_jobs() -> list[Job[Any]]:
    return [jobs.polish]


@hookimpl
def register_schedules() -> list[Schedule]:
    return [jobs.SPRING_CLEANING]


@hookimpl
def check_record_change(change: RecordChange) -> list[Detail]:
    return checks.refuse_rocks(change)
