"""What a tenant may choose: switches that plugins declare, kept with the tenant, changed on one page."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, update

from ossature.context import current
from ossature.db.kernel import tenant
from ossature.db.work import session
from ossature.hooks.types import Label


@dataclass(frozen=True, slots=True)
class Setting:
    """A switch of the tenant: `Setting("crm.unique_contact_email", _l("..."))`; the key begins with the plugin's."""

    key: str
    label: Label
    help: Label = ""
    default: bool = False

    def read(self) -> bool:
        """The bound tenant's choice, else the default."""
        chosen = (
            session().execute(select(tenant.c.settings[self.key]).where(tenant.c.id == current().tenant_id)).scalar()
        )
        return self.default if chosen is None else bool(chosen)

    def write(self, value: bool) -> None:
        """Set the bound tenant's choice."""
        session().execute(
            update(tenant)
            .where(tenant.c.id == current().tenant_id)
            .values(settings=tenant.c.settings.op("||")(func.jsonb_build_object(self.key, value)))
        )
