"""Every hook of the kernel, on one page.

The verb tells the time: `register_*` is called once at boot and returns objects; `check_*` is called inside the
transaction and may refuse. Each docstring has one shape: meaning, when it is called, what it returns, what an error
does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

from ossature.errors import Detail
from ossature.hooks.types import (
    ApiAlias,
    DemoData,
    HealthCheck,
    NavItem,
    Permission,
    PresetGrant,
    RecordChange,
    RecordTab,
    SettingsPage,
    Widget,
)

if TYPE_CHECKING:
    import click
    from flask import Blueprint

    from ossature.events.types import EventType, Handler
    from ossature.jobs.types import Job, Schedule
    from ossature.records.record import RecordBase
    from ossature.records.screens import Screens
    from ossature.settings import AnySetting
    from ossature.web.versions import ApiChange

PROJECT = "ossature"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_records() -> list[type[RecordBase]]:  # type: ignore[empty-body]
    """The record types that the plugin owns.

    Called: once at boot, before any other hook of the plugin.
    Returns: `Record` and `Part` classes whose `__key__` begins with the plugin's key.
    Errors: the plugin becomes failed.
    """


@hookspec
def register_screens() -> list[Screens]:  # type: ignore[empty-body]
    """How records look: columns of lists, sections of forms, boards.

    Called: once at boot, after `register_records` of all plugins that this one requires.
    Returns: one `Screens` per record; a record without one gets its fields in the order of their declaration.
    Errors: the plugin becomes failed.
    """


@hookspec
def register_permissions() -> list[Permission]:  # type: ignore[empty-body]
    """Rights beyond those that every record has by itself (view, edit, create, delete, export).

    Called: once at boot.
    Returns: `Permission` objects whose key begins with the plugin's key.
    Errors: the plugin becomes failed.
    """


@hookspec
def register_preset_grants() -> list[PresetGrant]:  # type: ignore[empty-body]
    """What the preset roles of a new tenant may do with the plugin.

    Called: once at boot; read when a tenant is made and when the plugin is enabled for one.
    Returns: `PresetGrant` objects naming permissions of this plugin.
    Errors: the plugin becomes failed.
    """


@hookspec
def register_navigation() -> list[NavItem]:  # type: ignore[empty-body]
    """Lines of the side bar.

    Called: once at boot; shown per request to those who hold the permission, where the plugin is enabled.
    Returns: `NavItem` objects.
    Errors: the plugin becomes failed.
    """


@hookspec
def register_widgets() -> list[Widget]:  # type: ignore[empty-body]
    """Boxes of the home page, each filled by a request of its own.

    Called: once at boot; the endpoint is called whenever the home page is shown.
    Returns: `Widget` objects.
    Errors: the plugin becomes failed; an error of the endpoint shows a quiet notice in its box only.
    """


@hookspec
def register_record_tabs() -> list[RecordTab]:  # type: ignore[empty-body]
    """Tabs on the pages of records, those of other plugins too, each filled by a request of its own when it is opened.

    Called: once at boot; shown per request to those who hold the permission, where the plugin is enabled.
    Returns: `RecordTab` objects whose key begins with the plugin's key; their record is the plugin's own or of a plugin
    that the manifest names under `requires` or `after`. One of `after` that does not run goes without the tab.
    Errors: the plugin becomes failed, also by a record, a field or an endpoint that is not there; an error of the
    endpoint shows a quiet notice in its tab only.
    """


@hookspec
def register_blueprints() -> list[Blueprint]:  # type: ignore[empty-body]
    """Pages and endpoints that are not a record's default ones.

    Called: once at boot; requests for a tenant without the plugin are answered 404 by the kernel.
    Returns: Flask or APIFlask blueprints named after the plugin's key, under `/KEY` or `/api/KEY`; every view
    declares who may call it.
    Errors: the plugin becomes failed.
    """


@hookspec
def register_api_aliases() -> list[ApiAlias]:  # type: ignore[empty-body]
    """Short API addresses for records of the plugin.

    Called: once at boot.
    Returns: `ApiAlias` objects.
    Errors: the plugin becomes failed, as it does when another plugin has taken the alias.
    """


@hookspec
def register_api_changes() -> list[ApiChange]:  # type: ignore[empty-body]
    """What changed in the API of the plugin, so that clients of older versions are answered as before.

    Called: once at boot.
    Returns: `ApiChange` objects of records and operations of this plugin; their days are versions of the API.
    Errors: the plugin becomes failed, also by a sunset that comes sooner than 24 months after the change.
    """


@hookspec
def register_commands() -> list[click.Command]:  # type: ignore[empty-body]
    """Commands shown as `ossature KEY NAME`.

    Called: once at boot, when the command line is used.
    Returns: click commands.
    Errors: the plugin becomes failed; an error inside a command ends that command only.
    """


@hookspec
def register_demo_data() -> list[DemoData]:  # type: ignore[empty-body]
    """Sample data that `ossature demo load` writes and `ossature demo remove` takes away.

    Called: once at boot; loaded in plugin order, removed in reverse, each in one transaction.
    Returns: `DemoData` objects.
    Errors: the plugin becomes failed; an error while loading undoes this plugin's data and is reported.
    """


@hookspec
def register_settings_pages() -> list[SettingsPage]:  # type: ignore[empty-body]
    """Entries of the settings.

    Called: once at boot; shown per request to those who hold the permission, where the plugin is enabled.
    Returns: `SettingsPage` objects.
    Errors: the plugin becomes failed.
    """


@hookspec
def register_settings() -> list[AnySetting]:  # type: ignore[empty-body]
    """Switches and numbers that an organisation may choose, shown together on the settings page Options.

    Called: once at boot; read by the plugin with `setting.read()` inside a request or a job.
    Returns: `Setting` and `NumberSetting` objects whose key begins with the plugin's key.
    Errors: the plugin becomes failed.
    """


@hookspec
def register_health_checks() -> list[HealthCheck]:  # type: ignore[empty-body]
    """What must be well for the plugin to work, shown by readiness and `ossature check`.

    Called: once at boot; each check runs whenever readiness is asked for, so it answers within a second.
    Returns: `HealthCheck` objects.
    Errors: the plugin becomes failed; a check that raises counts as not well.
    """


@hookspec
def register_events() -> list[EventType]:  # type: ignore[empty-body]
    """Facts of the plugin's domain that it emits, beside those that every record has by itself.

    Called: once at boot.
    Returns: `EventType` objects whose key begins with the plugin's key.
    Errors: the plugin becomes failed.
    """


@hookspec
def register_handlers() -> list[Handler]:  # type: ignore[empty-body]
    """Functions that take events, of this plugin or of others, made with `handles`.

    Called: once at boot; the functions are called by the dispatcher for tenants where the plugin is enabled.
    Returns: `Handler` objects whose key begins with the plugin's key.
    Errors: the plugin becomes failed, also when a handler names an event that nobody emits; a handler that raises is
    tried again later, and after its last attempt the event is put aside as dead.
    """


@hookspec
def register_jobs() -> list[Job[Any]]:  # type: ignore[empty-body]
    """Work that the plugin does in the background, made with `job`.

    Called: once at boot; the functions are called by workers.
    Returns: `Job` objects whose key begins with the plugin's key.
    Errors: the plugin becomes failed; a job that raises is tried again later, and is dead after its last attempt.
    """


@hookspec
def register_schedules() -> list[Schedule]:  # type: ignore[empty-body]
    """Jobs of the plugin that every organisation runs by the clock.

    Called: once at boot; each tenant where the plugin is enabled gets its own.
    Returns: `Schedule` objects whose key begins with the plugin's key.
    Errors: the plugin becomes failed.
    """


@hookspec
def check_record_change(change: RecordChange) -> list[Detail]:  # type: ignore[empty-body]
    """May this change be written? Lets a plugin refuse a change of its own or of another plugin's record.

    Called: inside the transaction, after the record's own validation and before the write, for every record that is
    created, updated, deleted or restored in a tenant where the plugin is enabled.
    Returns: one `Detail` per reason to refuse; an empty list allows.
    Errors: an implementation that raises refuses the change.
    """
