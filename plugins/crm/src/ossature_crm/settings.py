"""What a tenant may choose about crm."""

from __future__ import annotations

from ossature.api import Setting, translator

_, _l, ngettext = translator("crm")

UNIQUE_CONTACT_EMAIL = Setting(
    "crm.unique_contact_email",
    _l("An e-mail address belongs to one contact only"),
    help=_l("Otherwise a second contact with the same address is allowed, with a warning."),
    default=False,
)
