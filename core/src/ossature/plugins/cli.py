"""`ossature plugin`: what is installed, what runs, and for whom."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from ossature.config import Config
from ossature.context import Context, TenantInfo, use_context
from ossature.db import Database, transaction
from ossature.errors import Refusal
from ossature.plugins import activation
from ossature.plugins.enabling import disable_plugin, enable_plugin
from ossature.plugins.loading import assess
from ossature.plugins.manifest import FoundPlugin, discover
from ossature.plugins.registry import PluginState, PluginStatus

_COLOURS = {
    PluginState.ACTIVE: "green",
    PluginState.INSTALLED: "dim",
    PluginState.FAILED: "red",
    PluginState.INCOMPATIBLE: "red",
    PluginState.MISSING_REQUIREMENT: "yellow",
}


@click.group("plugin")
def plugin_group() -> None:
    """Plugins: installed, active in this deployment, enabled for a tenant."""


@plugin_group.command("list")
def list_plugins() -> None:
    """Every installed plugin, how it stands, and what to do where it cannot run."""
    config = Config.load()
    installed = _installed()
    if config.plugins is None:
        with _connection(config) as connection:
            active = activation.active_plugins(connection)
    else:
        active = frozenset(config.plugins)
    statuses = list(assess(installed, active))
    if not statuses:
        click.echo("No plugin is installed. Install one with pip, then run `ossature plugin activate KEY`.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Key", "Title", "Version", "State", "Requires"):
        table.add_column(heading)
    for status in statuses:
        table.add_row(*_row(status))
    console = Console()
    console.print(table)
    for status in statuses:
        if status.broken:
            console.print(f"\n[bold]{status.key}[/bold]: {status.reason};\n  {status.next_step}.", highlight=False)


def _row(status: PluginStatus) -> tuple[str, str, str, str, str]:
    manifest = status.manifest
    colour = _COLOURS[status.state]
    state = f"[{colour}]{status.state}[/{colour}]"
    if manifest is None:
        return (status.key, "-", "-", state, "-")
    return (status.key, manifest.title, manifest.version, state, ", ".join(manifest.requires) or "-")


@plugin_group.command("activate")
@click.argument("key")
def activate(key: str) -> None:
    """Let this deployment run a plugin, and all it requires, from the next start."""
    with _connection(Config.load()) as connection:
        keys = activation.activate(connection, _installed(), key)
    if not keys:
        click.echo(f"{key} is active already.")
    else:
        click.echo(f"Active: {', '.join(keys)}. Run `ossature migrate`, then start the processes again.")


@plugin_group.command("deactivate")
@click.argument("key")
def deactivate(key: str) -> None:
    """Stop running a plugin from the next start; its data stays."""
    with _connection(Config.load()) as connection:
        activation.deactivate(connection, _installed(), key)
    click.echo(f"{key} is inactive, its data is kept. Start the processes again.")


@plugin_group.command("enable")
@click.argument("key")
@click.option("--tenant", "slug", required=True, help="Slug of the tenant.")
def enable(key: str, slug: str) -> None:
    """Switch a plugin, and all it requires, on for a tenant; its preset roles get their rights."""
    with _tenant_work(slug):
        keys = enable_plugin(key)
    click.echo(f"Enabled for {slug}: {', '.join(keys)}." if keys else f"{key} is enabled for {slug} already.")


@plugin_group.command("disable")
@click.argument("key")
@click.option("--tenant", "slug", required=True, help="Slug of the tenant.")
def disable(key: str, slug: str) -> None:
    """Switch a plugin off for a tenant; its data stays."""
    with _tenant_work(slug):
        disable_plugin(key)
    click.echo(f"Disabled for {slug}: {key}. Its data is kept.")


@plugin_group.command("revision")
@click.argument("key")
@click.option("-m", "--message", required=True, help="What the migration does, in a few words.")
def revision(key: str, message: str) -> None:
    """Write the migration that takes a plugin's schema to its declarations."""
    from ossature.revisions.writing import revision as write

    with _plain_refusals():
        path = write(Config.load(), key, message)
    click.echo(f"Written: {path}" if path else f"The schema of {key} matches its declarations; nothing to write.")


def _installed() -> dict[str, FoundPlugin]:
    return {plugin.key: plugin for plugin in discover()}


@contextmanager
def _tenant_work(slug: str) -> Iterator[None]:
    """A unit of work for one tenant, in an application: which rights there are follows from the plugins."""
    from ossature.app import create_app  # a heavy import, which the other commands do without

    with _plain_refusals():
        create_app(Config.load())
        with transaction(Context(means="command")) as work:
            row = work.execute(text("SELECT * FROM ossature.find_tenant(:slug)"), {"slug": slug}).first()
        if row is None:
            raise click.ClickException(f"there is no tenant {slug!r}; `ossature tenant list` names them")
        tenant = TenantInfo(row.id, row.slug, row.name, row.locale, row.time_zone)
        with transaction(Context(tenant=tenant, means="command")):
            yield


@contextmanager
def _connection(config: Config) -> Iterator[Connection]:
    """A transaction as the owner; refusals and an unreachable database become one line."""
    database = Database(config)
    try:
        with _plain_refusals(), use_context(Context(means="command")), database.owner.begin() as connection:
            yield connection
    finally:
        database.dispose()


@contextmanager
def _plain_refusals() -> Iterator[None]:
    try:
        yield
    except Refusal as refusal:
        raise click.ClickException(str(refusal.message)) from refusal
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    except OperationalError as error:
        raise click.ClickException(
            f"the database cannot be reached: {error.orig}; check OSSATURE_DATABASE_URL"
        ) from error
    except ProgrammingError as error:
        raise click.ClickException(f"the database is not ready: {error.orig}; run `ossature migrate`") from error
