"""What every table of a tenant's data has: the tenant in its key, and keys that cannot cross tenants."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, MetaData, text
from sqlalchemy import Uuid as SqlUuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ossature.context import current
from ossature.ids import new_id

TENANT = "nullif(current_setting('ossature.tenant', true), '')::uuid"
ACTOR = "nullif(current_setting('ossature.actor', true), '')::uuid"

NAMING = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}


class Base(DeclarativeBase):
    """The declarative base of every mapped class, kernel and plugins alike."""

    metadata = MetaData(naming_convention=NAMING)


def _tenant() -> UUID:
    tenant_id = current().tenant_id
    if tenant_id is None:
        raise RuntimeError("a row of a tenant is written where no tenant is bound")
    return tenant_id


class TenantTable:
    """Mixin: `(tenant_id, id)` is the primary key; the tenant comes from the context, the id may come from a client."""

    tenant_id: Mapped[UUID] = mapped_column(
        SqlUuid, primary_key=True, default=_tenant, server_default=text(TENANT), sort_order=-100
    )
    id: Mapped[UUID] = mapped_column(SqlUuid, primary_key=True, default=new_id, sort_order=-99)


def tenant_key(column: str, target: str, on_delete: str = "RESTRICT") -> ForeignKeyConstraint:
    """A foreign key to `schema.table` that carries the tenant: `(tenant_id, column) -> (tenant_id, id)`.

    `on_delete` is RESTRICT, CASCADE or SET NULL; the last one clears the column and keeps the tenant.
    """
    rule = f"SET NULL ({column})" if on_delete == "SET NULL" else on_delete
    return ForeignKeyConstraint(
        ["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], ondelete=rule, name=None
    )
