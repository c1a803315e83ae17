"""What a tenant may choose: switches and numbers that plugins declare, kept with the tenant, changed on one page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import func, select, update

from ossature.context import current
from ossature.db.kernel import tenant
from ossature.db.work import session
from ossature.hooks.types import Label


def _chosen(key: str) -> Any:
    """What the bound tenant chose, None when it did not; read once in a unit of work that chooses nothing itself."""
    known: dict[Any, dict[str, Any]] = session().info.setdefault("settings", {})
    tenant_id = current().tenant_id
    if tenant_id in known:
        return known[tenant_id].get(key)
    chosen = session().execute(select(tenant.c.settings).where(tenant.c.id == tenant_id)).scalar() or {}
    if not session().info.get("settings_chosen"):
        known[tenant_id] = chosen
    return chosen.get(key)


def _choose(key: str, value: bool | int) -> None:
    session().info.update(settings={}, settings_chosen=True)
    session().execute(
        update(tenant)
        .where(tenant.c.id == current().tenant_id)
        .values(settings=tenant.c.settings.op("||")(func.jsonb_build_object(key, value)))
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """A switch of the tenant: `Setting("crm.unique_contact_email", _l("..."))`; the key begins with the plugin's."""

    key: str
    label: Label
    help: Label = ""
    default: bool = False

    def read(self) -> bool:
        """The bound tenant's choice, else the default."""
        chosen = _chosen(self.key)
        return self.default if chosen is None else bool(chosen)

    def write(self, value: bool) -> None:
        """Set the bound tenant's choice."""
        _choose(self.key, value)


@dataclass(frozen=True, slots=True)
class NumberSetting:
    """A whole number that the tenant chooses between two bounds, in a unit that is shown beside it."""

    key: str
    label: Label
    default: int
    minimum: int
    maximum: int
    unit: Label = ""
    help: Label = ""

    def read(self) -> int:
        """The bound tenant's choice, else the default; within the bounds of today, whatever was chosen before."""
        chosen = _chosen(self.key)
        return self.default if chosen is None else max(self.minimum, min(self.maximum, int(chosen)))

    def write(self, value: int) -> None:
        """Set the bound tenant's choice. Raises `ValueError` beyond the bounds."""
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{self.key} is between {self.minimum} and {self.maximum}")
        _choose(self.key, value)


AnySetting: TypeAlias = Setting | NumberSetting
