"""Active in the deployment, enabled for a tenant: what the database says, and who needs whom."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from ossature.context import Context, use_context
from ossature.db import Database
from ossature.errors import Conflict, NotFound
from ossature.ids import new_id
from ossature.plugins.activation import (
    activate,
    active_plugins,
    deactivate,
    disable,
    enable,
    enabled_plugins,
)
from ossature.plugins.manifest import FoundPlugin, Manifest, ManifestError
from ossature.testing.servers import Servers

pytestmark = pytest.mark.database


def installed(**requires: tuple[str, ...]) -> dict[str, FoundPlugin]:
    return {
        key: FoundPlugin(key, f"{key}.plugin", key, None, Manifest(key, key, "1.2", "1", requires=needs))
        for key, needs in requires.items()
    }


PLUGINS = installed(soil=(), roots=("soil",), leaves=("roots",))


@pytest.fixture
def connection(servers: Servers, database: str) -> Iterator[Connection]:
    """As the owner, in a transaction that is undone."""
    opened = Database(servers.config(database))
    with use_context(Context(means="command")), opened.owner.connect() as connection:
        connection.execute(text("DELETE FROM ossature.plugin"))
        yield connection
        connection.rollback()
    opened.dispose()


@pytest.fixture
def tenant(connection: Connection) -> UUID:
    tenant = new_id()
    connection.execute(
        text(
            "INSERT INTO ossature.tenant (id, slug, name, locale, time_zone)"
            " VALUES (:id, :slug, 'Grove', 'fr', 'Europe/Paris')"
        ),
        {"id": tenant, "slug": f"grove-{tenant.hex[-8:]}"},
    )
    return tenant


def test_activating_brings_what_is_required_along_in_order(connection: Connection) -> None:
    assert activate(connection, PLUGINS, "leaves") == ("soil", "roots", "leaves")
    assert active_plugins(connection) == {"soil", "roots", "leaves"}
    assert activate(connection, PLUGINS, "leaves") == ()


def test_what_is_not_installed_cannot_be_activated(connection: Connection) -> None:
    with pytest.raises(NotFound, match="weeds is not installed"):
        activate(connection, PLUGINS, "weeds")
    with pytest.raises(NotFound, match="soil, required by roots, is not installed"):
        activate(connection, installed(roots=("soil",)), "roots")


def test_a_plugin_whose_manifest_is_broken_cannot_be_activated(connection: Connection) -> None:
    broken = FoundPlugin("weeds", "weeds.plugin", "weeds", None, None, ManifestError("it is torn", "mend it"))
    with pytest.raises(Conflict, match="it is torn; mend it"):
        activate(connection, {"weeds": broken}, "weeds")


def test_plugins_in_a_circle_cannot_be_activated(connection: Connection) -> None:
    with pytest.raises(Conflict, match="a → b → a"):
        activate(connection, installed(a=("b",), b=("a",)), "a")


def test_a_plugin_in_conflict_with_an_active_one_cannot_be_activated(connection: Connection) -> None:
    weeds = FoundPlugin("weeds", "weeds.plugin", "weeds", None, Manifest("weeds", "W", "1", "1", conflicts=("soil",)))
    activate(connection, PLUGINS, "soil")
    with pytest.raises(Conflict, match="weeds cannot run beside soil"):
        activate(connection, {**PLUGINS, "weeds": weeds}, "weeds")


def test_what_an_active_plugin_requires_cannot_be_deactivated(connection: Connection) -> None:
    activate(connection, PLUGINS, "roots")
    with pytest.raises(Conflict, match="soil is required by roots"):
        deactivate(connection, PLUGINS, "soil")
    deactivate(connection, PLUGINS, "roots")
    deactivate(connection, PLUGINS, "soil")
    assert active_plugins(connection) == frozenset()
    with pytest.raises(NotFound, match="soil is not active"):
        deactivate(connection, PLUGINS, "soil")


def test_a_plugin_that_is_gone_can_still_be_deactivated(connection: Connection) -> None:
    activate(connection, PLUGINS, "soil")
    deactivate(connection, {}, "soil")
    assert active_plugins(connection) == frozenset()


def test_enabling_concerns_one_tenant_and_brings_what_is_required(connection: Connection, tenant: UUID) -> None:
    with pytest.raises(Conflict, match="ossature plugin activate roots"):
        enable(connection, PLUGINS, tenant, "roots")
    activate(connection, PLUGINS, "roots")
    assert enable(connection, PLUGINS, tenant, "roots") == ("soil", "roots")
    assert enable(connection, PLUGINS, tenant, "roots") == ()
    assert enabled_plugins(connection, tenant) == {"soil", "roots"}
    assert enabled_plugins(connection, new_id()) == frozenset()


def test_what_an_enabled_plugin_requires_cannot_be_disabled(connection: Connection, tenant: UUID) -> None:
    activate(connection, PLUGINS, "roots")
    enable(connection, PLUGINS, tenant, "roots")
    with pytest.raises(Conflict, match="soil is required by roots"):
        disable(connection, PLUGINS, tenant, "soil")
    disable(connection, PLUGINS, tenant, "roots")
    assert enabled_plugins(connection, tenant) == {"soil"}
    with pytest.raises(NotFound, match="roots is not enabled"):
        disable(connection, PLUGINS, tenant, "roots")
