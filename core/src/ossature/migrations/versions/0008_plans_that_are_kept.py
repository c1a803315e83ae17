"""Functions that every session is read by keep their plans: those of SQL are planned at each call, for longer than they run."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from alembic import op

revision = "0008"
down_revision = "0007"

SIGNATURES = ("actor_access(p_tenant uuid, p_member uuid)", "enabled_plugins(p_tenant uuid)")


def _replace(plan_kept: bool) -> None:
    accounts: Any = import_module("ossature.migrations.versions.0002_accounts")
    for signature in SIGNATURES:
        head, body = re.split(r"\sAS\s", {**accounts.FOR_APP, **accounts.FOR_SYSTEM}[signature], maxsplit=1)
        if plan_kept:
            head, body = head.replace("LANGUAGE sql", "LANGUAGE plpgsql"), f"BEGIN RETURN ({body}); END"
        op.execute(
            f"CREATE OR REPLACE FUNCTION ossature.{signature} {head} SECURITY DEFINER "
            f"SET search_path = pg_catalog, pg_temp AS $body$ {body} $body$".replace(":", r"\:")
        )


def upgrade() -> None:
    _replace(plan_kept=True)


def downgrade() -> None:
    _replace(plan_kept=False)
