"""Named rights: the kernel's own, those every record has, and the names the requirements sketched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ossature.hooks.types import Permission
from ossature.i18n import translator

_, _l, _n = translator("ossature")

SETTINGS_MANAGE: Final = "ossature.settings.manage"
MEMBERS_VIEW: Final = "ossature.members.view"
MEMBERS_MANAGE: Final = "ossature.members.manage"
ROLES_MANAGE: Final = "ossature.roles.manage"
PLUGINS_MANAGE: Final = "ossature.plugins.manage"
API_KEYS_MANAGE: Final = "ossature.api_keys.manage"
HISTORY_VIEW: Final = "ossature.history.view"
BACKGROUND_VIEW: Final = "ossature.background.view"
BACKGROUND_MANAGE: Final = "ossature.background.manage"
VIEWS_SHARE: Final = "ossature.views.share"
TAGS_MANAGE: Final = "ossature.tags.manage"
BIN_PURGE: Final = "ossature.bin.purge"
MAIL_MANAGE: Final = "ossature.mail.manage"

_GROUP = _l("Organisation")

KERNEL_PERMISSIONS: Final = (
    Permission(SETTINGS_MANAGE, _l("Change the organisation's settings"), _GROUP),
    Permission(MEMBERS_VIEW, _l("See the members"), _GROUP),
    Permission(MEMBERS_MANAGE, _l("Invite, change and deactivate members"), _GROUP),
    Permission(ROLES_MANAGE, _l("Change roles and what they may do"), _GROUP),
    Permission(PLUGINS_MANAGE, _l("Switch plugins on and off"), _GROUP),
    Permission(API_KEYS_MANAGE, _l("Make and revoke API keys of services"), _GROUP),
    Permission(HISTORY_VIEW, _l("See who changed what"), _GROUP),
    Permission(BACKGROUND_VIEW, _l("See background work"), _GROUP),
    Permission(BACKGROUND_MANAGE, _l("Run, cancel and repeat background work"), _GROUP),
    Permission(VIEWS_SHARE, _l("Share views of lists with everybody"), _GROUP),
    Permission(TAGS_MANAGE, _l("Rename, colour, merge and delete tags"), _GROUP),
    Permission(BIN_PURGE, _l("Delete records of the recycle bin for good"), _GROUP),
    Permission(MAIL_MANAGE, _l("Read all outgoing mail and send it again"), _GROUP),
)

RECORD_RIGHTS: Final = ("view", "edit", "create", "delete", "export")

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "canManageSystemSettings": (SETTINGS_MANAGE,),
    "canManageUsers": (MEMBERS_MANAGE,),
    "users:manage": (MEMBERS_MANAGE,),
    "contacts:view": ("crm.contact.view",),
    "contacts:create": ("crm.contact.create",),
    "contacts:update": ("crm.contact.edit",),
    "contacts:delete": ("crm.contact.delete",),
}
"""Names sketched elsewhere for rights that have a name here; a client may ask by either (`GET /api/auth/me`)."""


def aliases_held(granted: Iterable[str]) -> list[str]:
    """The sketched names that somebody with these permissions holds."""
    held = set(granted)
    return [alias for alias, names in ALIASES.items() if held.issuperset(names)]
