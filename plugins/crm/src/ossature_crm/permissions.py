"""Rights of crm beyond those that every record has by itself."""

from __future__ import annotations

from ossature.api import Permission, PresetGrant, Reach, translator

_, _l, ngettext = translator("crm")

VIEW_REVENUE = Permission("crm.company.view_revenue", _l("See annual revenue"), _l("Companies"))

PRESET_GRANTS = [
    PresetGrant("manager", "crm.company.view_revenue"),
    PresetGrant("sales_rep", "crm.contact.view", Reach.TEAM),
    PresetGrant("sales_rep", "crm.company.view", Reach.ALL),
    PresetGrant("sales_rep", "crm.pipeline.view", Reach.ALL),
]
