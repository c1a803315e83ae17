"""`ossature files`: whether rows and bytes belong together, for operators."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from uuid import UUID

import click
from sqlalchemy import select

from ossature.auth.cli import application
from ossature.context import Context, TenantInfo, use_context
from ossature.db import transaction
from ossature.db.kernel import tenant
from ossature.files import sweeping
from ossature.rbac import tenants


@click.group()
def files_group() -> None:
    """Files of records."""


@files_group.command()
def check() -> None:
    """Compare every row with every content that is kept; exit code 1 when something is missing."""
    lost, there = 0, set[UUID]()
    with application():
        for info in _tenants():
            there.add(info.id)
            found = sweeping.look_over()
            lost += len(found.without_bytes)
            for id in found.without_bytes:
                click.echo(f"{info.slug}: file {id} has no content; restore it from a backup")
            if found.without_row:
                number = len(found.without_row)
                click.echo(
                    f"{info.slug}: {number} contents belong to no file; `ossature files sweep --all` deletes them"
                )
        if behind := sweeping.left_behind(there):
            number = sum(map(len, behind.values()))
            click.echo(
                f"{number} contents belong to {len(behind)} organisations that are no longer here; "
                "`ossature files sweep --all` deletes them"
            )
    click.echo("every file has its content" if not lost else f"{lost} files have no content")
    sys.exit(1 if lost else 0)


@files_group.command()
@click.option(
    "--all", "everything", is_flag=True, help="Delete contents without a file, and of organisations that are gone, too."
)
def sweep(everything: bool) -> None:
    """End uploads that were broken off, as every night; with --all, after a restored backup or a purge."""
    kept, deleted, there = 0, 0, set[UUID]()
    with application():
        for info in _tenants():
            there.add(info.id)
            now_kept, now_deleted = sweeping.sweep()
            kept, deleted = kept + now_kept, deleted + now_deleted
            if everything:
                found = sweeping.look_over()
                sweeping.delete_without_row(found)
                deleted += len(found.without_row)
        if everything:
            behind = sweeping.left_behind(there)
            sweeping.delete_left_behind(behind)
            deleted += sum(map(len, behind.values()))
    click.echo(f"kept {kept}, deleted {deleted}")


def _tenants() -> Iterator[TenantInfo]:
    """Each tenant of this installation, bound while it is looked at."""
    with transaction(Context(means="command"), role="system") as work:
        rows = work.execute(select(tenant).order_by(tenant.c.slug)).all()
    for row in rows:
        info = TenantInfo(row.id, row.slug, row.name, row.locale, row.time_zone)
        with use_context(tenants.operator_context(info)):
            yield info
