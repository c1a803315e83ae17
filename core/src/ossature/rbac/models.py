"""Members, roles and what they grant; a member's id is its actor's id."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Integer, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ossature.context import Reach
from ossature.db.tenancy import Base, TenantTable, tenant_key


class Member(TenantTable, Base):
    """A person's place in one organisation."""

    __tablename__ = "member"
    __table_args__ = (tenant_key("id", "ossature.actor"), {"schema": "ossature"})

    user_id: Mapped[UUID]
    active: Mapped[bool] = mapped_column(default=True)
    joined: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Role(TenantTable, Base):
    """A named set of grants. `rank` orders roles; `key` is set for preset ones and for `owner`."""

    __tablename__ = "role"
    __table_args__ = ({"schema": "ossature"},)

    key: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="")
    rank: Mapped[int] = mapped_column(Integer)
    preset: Mapped[bool] = mapped_column(default=False)


class RoleGrant(TenantTable, Base):
    __tablename__ = "role_grant"
    __table_args__ = (tenant_key("role_id", "ossature.role", "CASCADE"), {"schema": "ossature"})

    role_id: Mapped[UUID]
    permission: Mapped[str] = mapped_column(Text)
    reach: Mapped[str] = mapped_column(Text, default=Reach.ALL.value)


class MemberRole(TenantTable, Base):
    __tablename__ = "member_role"
    __table_args__ = (
        tenant_key("member_id", "ossature.member", "CASCADE"),
        tenant_key("role_id", "ossature.role"),
        {"schema": "ossature"},
    )

    member_id: Mapped[UUID]
    role_id: Mapped[UUID]


class TeamMember(TenantTable, Base):
    __tablename__ = "team_member"
    __table_args__ = (
        tenant_key("team_id", "ossature.team", "CASCADE"),
        tenant_key("member_id", "ossature.member", "CASCADE"),
        {"schema": "ossature"},
    )

    team_id: Mapped[UUID]
    member_id: Mapped[UUID]


class ApiKey(TenantTable, Base):
    """A key for programs. With `member_id` it is personal and never reaches further than that member does today;
    without, it is a service's, with `scopes` (permission -> reach) alone."""

    __tablename__ = "api_key"
    __table_args__ = (
        tenant_key("id", "ossature.actor"),
        tenant_key("member_id", "ossature.member", "CASCADE"),
        {"schema": "ossature"},
    )

    name: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    member_id: Mapped[UUID | None]
    scopes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    api_version: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    created_by_id: Mapped[UUID | None]
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
