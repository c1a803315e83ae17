"""Role sets to start from: data, chosen when a tenant is made, addable later, changeable afterwards.

Every tenant has the role `owner`, which may do everything and cannot be changed. The platform administrators of the
requirements (SUPER_ADMIN) are not members: they stand apart, see `rbac.rules.platform_admin`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from ossature.context import Reach
from ossature.hooks.types import PresetGrant
from ossature.i18n import Text, translator

_, _l, _n = translator("ossature")

OWNER: Final = "owner"
OWNER_RANK: Final = 100


@dataclass(frozen=True, slots=True)
class PresetRole:
    """A role of a preset. `rank` orders roles (a higher one is out of reach of a lower); `patterns` grant whatever
    permissions match, `without` takes some back; plugins add their own grants by `register_preset_grants`."""

    key: str
    name: Text
    rank: int
    description: Text
    patterns: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    reach: Reach = Reach.ALL

    def grants(self, permissions: Iterable[str], stated: Iterable[PresetGrant]) -> dict[str, Reach]:
        """What the role holds of these permissions; a plugin's own statement wins over the pattern."""
        known = set(permissions)
        held = {
            name: self.reach
            for name in known
            if any(fnmatchcase(name, pattern) for pattern in self.patterns)
            and not any(fnmatchcase(name, pattern) for pattern in self.without)
        }
        for grant in stated:
            if grant.role == self.key and grant.permission in known:
                held[grant.permission] = grant.reach
        return held


@dataclass(frozen=True, slots=True)
class PresetSet:
    key: str
    name: Text
    roles: tuple[PresetRole, ...] = field(default=())


OWNER_ROLE: Final = PresetRole(
    OWNER, _l("Owner"), OWNER_RANK, _l("May do everything, including money matters and other owners."), ("*",)
)

_ADMIN = PresetRole("admin", _l("Administrator"), 80, _l("May do everything except change owners."), ("*",))
_MANAGER = PresetRole(
    "manager",
    _l("Manager"),
    60,
    _l("Reads and writes everything except money matters; deletes nothing."),
    ("*.view", "*.edit", "*.create", "*.export", "ossature.views.share", "ossature.tags.manage"),
    ("billing.*", "ossature.legal_entity.edit", "ossature.legal_entity.create", "ossature.background.*"),
)
_READ = ("*.view",)
_INSIDE = ("ossature.history.view", "ossature.background.view")

PRESETS: Final = {
    preset.key: preset
    for preset in (
        PresetSet(
            "team",
            _l("Owner, manager, user"),
            (
                _MANAGER,
                PresetRole("user", _l("User"), 20, _l("Reads; works on what is assigned."), _READ, ("billing.*", *_INSIDE)),
            ),
        ),
        PresetSet(
            "audit",
            _l("Administrator, manager, auditor, viewer"),
            (
                _ADMIN,
                _MANAGER,
                PresetRole("auditor", _l("Auditor"), 40, _l("Reads and exports everything, with the history."), ("*.view", "*.export")),
                PresetRole("viewer", _l("Viewer"), 10, _l("Reads."), _READ, _INSIDE),
            ),
        ),
        PresetSet(
            "sales",
            _l("Administrator, manager, sales representative, read-only"),
            (
                _ADMIN,
                _MANAGER,
                PresetRole(
                    "sales_rep",
                    _l("Sales representative"),
                    30,
                    _l("Reads and writes what belongs to the own team."),
                    ("*.view", "*.edit", "*.create", "*.export"),
                    ("billing.*", "ossature.*.edit", "ossature.*.create", "ossature.*.export", *_INSIDE),
                    Reach.TEAM,
                ),
                PresetRole("read_only", _l("Read-only"), 10, _l("Reads."), _READ, _INSIDE),
            ),
        ),
    )
}  # fmt: skip

DEFAULT_PRESET: Final = "audit"


def preset_role(key: str) -> PresetRole | None:
    """The first preset role of that key; sets that share a key share the role."""
    if key == OWNER:
        return OWNER_ROLE
    return next((role for preset in PRESETS.values() for role in preset.roles if role.key == key), None)
