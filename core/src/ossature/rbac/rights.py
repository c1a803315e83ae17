"""Every permission there is in this process, and what the preset roles are to hold of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ossature.context import Reach
from ossature.hooks.types import Permission, PresetGrant
from ossature.rbac.presets import PresetRole


@dataclass(frozen=True, slots=True)
class Rights:
    """`permissions` by key, in the order they are shown; `stated` are the plugins' grants to preset roles."""

    permissions: Mapping[str, Permission] = field(default_factory=dict)
    stated: tuple[PresetGrant, ...] = ()
    everything: Mapping[str, Reach] = field(default_factory=dict)

    def of_plugin(self, key: str) -> list[str]:
        return [name for name in self.permissions if name.partition(".")[0] == key]

    def preset_grants(self, role: PresetRole, plugins: Iterable[str]) -> dict[str, Reach]:
        """What a preset role holds from the start of the permissions of these plugins."""
        names = [name for key in plugins for name in self.of_plugin(key)]
        return role.grants(names, self.stated)


_rights = Rights()


def use_rights(permissions: Iterable[Permission], stated: Iterable[PresetGrant] = ()) -> None:
    """Say, once at boot, which permissions exist."""
    global _rights
    known = {permission.key: permission for permission in permissions}
    _rights = Rights(known, tuple(stated), dict.fromkeys(known, Reach.ALL))


def rights() -> Rights:
    return _rights
