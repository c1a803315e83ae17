"""Who may do what: permissions, roles, grants, and the rule on every route."""

from ossature.context import Reach
from ossature.hooks.types import Permission, PresetGrant
from ossature.rbac.rules import (
    AccessRule,
    bare,
    declare,
    platform_admin,
    public,
    requires,
    rule_of,
    signed_in,
)

__all__ = [
    "AccessRule",
    "Permission",
    "PresetGrant",
    "Reach",
    "bare",
    "declare",
    "platform_admin",
    "public",
    "requires",
    "rule_of",
    "signed_in",
]
