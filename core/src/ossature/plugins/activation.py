"""Which plugins are active in the deployment and enabled for a tenant, as the database says.

These functions take a connection or a session and never commit. Activating concerns the deployment and takes effect
when processes start again; enabling concerns one tenant and takes effect at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from ossature.errors import Conflict, NotFound
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.plugins.manifest import FoundPlugin

_, _l, ngettext = translator("ossature")

Executor = Connection | Session


def active_plugins(connection: Executor) -> frozenset[str]:
    """Keys that this deployment runs."""
    rows = connection.execute(text("SELECT key FROM ossature.plugin WHERE state = 'active'"))
    return frozenset(rows.scalars())


def enabled_plugins(connection: Executor, tenant: UUID) -> frozenset[str]:
    """Keys enabled for a tenant, whether or not they run."""
    rows = connection.execute(
        text("SELECT key FROM ossature.tenant_plugin WHERE tenant_id = :tenant"), {"tenant": tenant}
    )
    return frozenset(rows.scalars())


def activate(connection: Executor, installed: Mapping[str, FoundPlugin], key: str) -> tuple[str, ...]:
    """Mark a plugin and all it requires as active; returns the keys that were not, in the order they were activated.

    Raises `NotFound` when it is not installed, `Conflict` when its manifest cannot be used, when something it requires
    is not installed, or when it conflicts with an active plugin.
    """
    done: list[str] = []
    _activate(connection, installed, key, done, ())
    return tuple(done)


def _activate(
    connection: Executor, installed: Mapping[str, FoundPlugin], key: str, done: list[str], path: tuple[str, ...]
) -> None:
    plugin = installed.get(key)
    if plugin is None:
        raise NotFound(
            _("The plugin %(key)s is not installed. Install its distribution with pip first.", key=key)
            if not path
            else _("The plugin %(key)s, required by %(by)s, is not installed.", key=key, by=path[-1])
        )
    if plugin.manifest is None:
        raise Conflict(f"{key}: {plugin.error}")
    if key in path:
        raise Conflict(
            _(
                "These plugins require each other in a circle: %(ring)s.",
                ring=" → ".join((*path[path.index(key) :], key)),
            )
        )
    for other in plugin.manifest.requires:
        _activate(connection, installed, other, done, (*path, key))
    active = active_plugins(connection)
    if key in active:
        return
    for other in sorted(active):
        theirs = installed[other].manifest if other in installed else None
        if other in plugin.manifest.conflicts or (theirs and key in theirs.conflicts):
            raise Conflict(_("%(key)s cannot run beside %(other)s. Deactivate %(other)s first.", key=key, other=other))
    connection.execute(
        text(
            "INSERT INTO ossature.plugin (key, state, version, activated_at) VALUES (:key, 'active', :version, now())"
            " ON CONFLICT (key) DO UPDATE SET state = 'active', version = excluded.version, activated_at = now()"
        ),
        {"key": key, "version": plugin.manifest.version},
    )
    done.append(key)


def deactivate(connection: Executor, installed: Mapping[str, FoundPlugin], key: str) -> None:
    """Mark a plugin as inactive; its data stays. Raises `Conflict` while an active plugin requires it."""
    active = active_plugins(connection)
    if key not in active:
        raise NotFound(_("The plugin %(key)s is not active.", key=key))
    dependants = _requiring(installed, active, key)
    if dependants:
        raise Conflict(
            _("%(key)s is required by %(others)s. Deactivate these first.", key=key, others=", ".join(dependants))
        )
    connection.execute(text("UPDATE ossature.plugin SET state = 'inactive' WHERE key = :key"), {"key": key})


def enable(connection: Executor, installed: Mapping[str, FoundPlugin], tenant: UUID, key: str) -> tuple[str, ...]:
    """Enable an active plugin and all it requires for a tenant; returns the keys that were not, requirements first."""
    if key not in active_plugins(connection):
        raise Conflict(_("The plugin %(key)s is not active. Run `ossature plugin activate %(key)s` first.", key=key))
    done: list[str] = []
    plugin = installed.get(key)
    for other in plugin.manifest.requires if plugin and plugin.manifest else ():
        done.extend(enable(connection, installed, tenant, other))
    inserted = connection.execute(
        text(
            "INSERT INTO ossature.tenant_plugin (tenant_id, id, key) VALUES (:tenant, :id, :key)"
            " ON CONFLICT (tenant_id, key) DO NOTHING RETURNING key"
        ),
        {"tenant": tenant, "id": new_id(), "key": key},
    )
    done.extend(inserted.scalars())
    return tuple(done)


def disable(connection: Executor, installed: Mapping[str, FoundPlugin], tenant: UUID, key: str) -> None:
    """Disable a plugin for a tenant; its data stays. Raises `Conflict` while an enabled plugin requires it."""
    enabled = enabled_plugins(connection, tenant)
    if key not in enabled:
        raise NotFound(_("The plugin %(key)s is not enabled.", key=key))
    dependants = _requiring(installed, enabled, key)
    if dependants:
        raise Conflict(
            _("%(key)s is required by %(others)s. Disable these first.", key=key, others=", ".join(dependants))
        )
    connection.execute(
        text("DELETE FROM ossature.tenant_plugin WHERE tenant_id = :tenant AND key = :key"),
        {"tenant": tenant, "key": key},
    )


def _requiring(installed: Mapping[str, FoundPlugin], among: frozenset[str], key: str) -> list[str]:
    manifests = (installed[other].manifest for other in sorted(among) if other in installed)
    return [manifest.key for manifest in manifests if manifest and key in manifest.requires]
